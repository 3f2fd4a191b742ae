"""The simulated X-rays: their looks, their files, and what they must not give away."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxrlab.cases import prepare
from cxrlab.shortcuts import frame_only, header_probe, region_probe
from cxrlab.sources.phantom import make_phantoms, simulate
from cxrlab.sources.phantom.acquisition import draw_acquisition

COVID, KERMANY, NIH = "covid-chestxray-dataset", "chest_xray", "nih-no-finding"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return make_phantoms(tmp_path_factory.mktemp("phantoms") / "tiny", size="tiny")


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    return make_phantoms(tmp_path_factory.mktemp("phantoms") / "course")


def rows(folder: Path) -> list[dict]:
    with (folder / COVID / "metadata.csv").open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


def readable(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            picture.load()
    except OSError:
        return False
    return True


def cases(folder: Path) -> tuple[list[Path], np.ndarray, np.ndarray]:
    """Readable COVID-19 PA X-rays (1) and normals (0), without exact copies, and their patients."""
    found = [
        (folder / COVID / "images" / r["filename"], 1, "covid " + r["patientid"])
        for r in rows(folder)
        if r["view"] == "PA" and r["modality"] == "X-ray" and r["finding"].startswith("COVID-19")
    ]
    for path in sorted((folder / KERMANY).glob("*/NORMAL/*")):
        found.append((path, 0, re.match(r"(NORMAL2-)?IM-\d+", path.name).group()))
    unique = {}
    for path, label, patient in found:
        if path.is_file() and readable(path):
            unique.setdefault(hashlib.sha256(path.read_bytes()).digest(), (path, label, patient))
    paths, labels, patients = zip(*unique.values(), strict=True)
    return list(paths), np.array(labels), np.array(patients)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
    }


# One image


def test_the_same_seeds_give_the_same_image():
    first, mask = simulate(4, 2, "covid")
    again, again_mask = simulate(4, 2, "covid")
    assert np.array_equal(first, again) and np.array_equal(mask, again_mask)
    assert first.dtype == np.uint8 and first.shape == mask.shape
    assert set(np.unique(mask)) == {0, 255}


def test_no_two_patients_and_no_two_images_of_one_patient_are_alike():
    images = [
        np.asarray(Image.fromarray(simulate(p, i)[0]).resize((64, 64)), float)
        for p in (1, 2)
        for i in (0, 1)
    ]
    for a in range(4):
        for b in range(a):
            assert np.abs(images[a] - images[b]).mean() > 3


def plain(image_seed: int):
    """An acquisition without borders, markers or turns, for questions about anatomy."""
    settings = draw_acquisition(np.random.default_rng(image_seed))
    wanted = {"width": 320, "height": 320, "field": 350.0, "centre": (0.0, -22.0), "marker": ""}
    wanted |= {"roll": 0.0, "yaw": 0.0, "border": (0, 0, 0, 0), "contrast": 2.0, "grain": 0.003}
    return replace(settings, brightness=0.0, **wanted)


def test_lungs_are_darker_than_the_mediastinum_and_the_heart_points_to_the_images_right():
    mean = np.mean([simulate(p, 0, settings=plain(p))[0].astype(float) for p in range(12)], axis=0)
    right_lung, left_lung = mean[110:170, 75:110].mean(), mean[110:160, 215:250].mean()
    middle, abdomen = mean[110:250, 150:170].mean(), mean[290:310, 130:190].mean()
    assert max(right_lung, left_lung) < middle - 40
    assert middle > 120 and abdomen > 120
    heart_left, heart_right = mean[190:225, 195:225].mean(), mean[190:225, 95:125].mean()
    assert heart_left > heart_right + 20


def test_opacities_lighten_the_lung_inside_the_mask_and_leave_the_rest_alone():
    healthy, none = simulate(3, 0, settings=plain(3))
    ill, mask = simulate(3, 0, "covid", severity=0.8, settings=plain(3))
    assert none is None
    difference = ill.astype(float) - healthy
    assert difference[mask > 0].mean() > 12
    assert abs(difference[:25].mean()) < 1.5


def test_opacities_grow_with_the_severity_lie_low_and_in_both_lungs():
    def masks(severity):
        return np.mean(
            [simulate(p, 0, "covid", severity, settings=plain(p))[1] > 0 for p in range(12)], axis=0
        )

    mild, severe = masks(0.1), masks(0.9)
    assert severe.mean() > 1.5 * mild.mean() > 0
    assert severe[:, :160].mean() > 0.01 and severe[:, 160:].mean() > 0.01
    assert (severe.sum(axis=1) * np.arange(320)).sum() / severe.sum() > 150


@pytest.mark.parametrize("view", ["AP", "AP Supine", "L", "Axial", "Coronal"])
def test_other_views_are_images_too(view):
    image, mask = simulate(5, 1, view=view)
    assert mask is None and image.std() > 20


def test_unknown_wishes_are_refused():
    with pytest.raises(ValueError, match="disease"):
        simulate(disease="measles")
    with pytest.raises(ValueError, match="view"):
        simulate(view="oblique")


# The files


def test_the_table_has_the_columns_of_the_real_source(tiny):
    header = (tiny / COVID / "metadata.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert header[:5] == ["patientid", "offset", "sex", "age", "finding"]
    assert header[-3:] == ["clinical_notes", "other_notes", ""] and len(header) == 29


def test_every_kind_of_mess_is_there(tiny):
    table = rows(tiny)
    images = tiny / COVID / "images"
    present = [r for r in table if (images / r["filename"]).is_file()]
    assert 0 < len(table) - len(present) <= 12
    assert sum(not readable(images / r["filename"]) for r in present) == 1
    assert {"PA", "AP", "AP Supine", "L", "Axial", "Coronal"} <= {r["view"] for r in table}
    assert {"X-ray", "CT"} == {r["modality"] for r in table}
    assert "No Finding" in {r["finding"] for r in table}
    assert not any("Pneumonia/" in r["finding"] for r in table)
    assert "" in {r["license"] for r in table} and "" in {r["sex"] for r in table}
    for source in (COVID, KERMANY):
        sums = [hashlib.sha256(p.read_bytes()).digest() for p in (tiny / source).rglob("*.*")]
        assert len(set(sums)) < len(sums)


def test_names_follow_the_real_sources(tiny):
    normals = [p.name for p in (tiny / KERMANY).glob("*/NORMAL/*")]
    assert all(
        re.fullmatch(r"(NORMAL2-)?IM-\d{4}(-\d{4}){1,2}\.(jpeg|png)", name) for name in normals
    )
    ill = [p.name for p in (tiny / KERMANY).glob("*/PNEUMONIA/*")]
    assert ill and all(
        re.fullmatch(r"person\d+_(virus|bacteria)_\d+\.(jpeg|png)", name) for name in ill
    )
    assert all(re.fullmatch(r"\d{8}_\d{3}\.(png|jpg)", p.name) for p in (tiny / NIH).iterdir())


def test_every_covid_x_ray_has_a_mask_of_its_size(tiny):
    for row in rows(tiny):
        path = tiny / COVID / "images" / row["filename"]
        if (
            row["finding"].startswith("COVID-19")
            and row["view"] == "PA"
            and path.is_file()
            and readable(path)
        ):
            with (
                Image.open(path) as picture,
                Image.open(tiny / "masks" / f"{path.stem}.png") as mask,
            ):
                assert picture.size == mask.size
                assert np.asarray(mask).max() == 255


def test_the_number_of_processes_does_not_change_a_byte(tiny, tmp_path):
    alone = make_phantoms(tmp_path / "alone", size="tiny", processes=1)
    shared = make_phantoms(tmp_path / "shared", size="tiny", processes=2)
    assert digests(alone) == digests(shared) == digests(tiny)


def test_a_finished_folder_is_left_alone_and_other_settings_replace_it(tmp_path):
    folder = make_phantoms(tmp_path / "p", size="tiny")
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    assert make_phantoms(folder, size="tiny") == folder
    assert before == {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    make_phantoms(folder, seed=1, size="tiny")
    assert json.loads((folder / "phantoms.json").read_text())["seed"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["p"]


def test_foreign_files_are_never_replaced(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        make_phantoms(tmp_path, size="tiny")
    with pytest.raises(ValueError, match="confounding"):
        make_phantoms(tmp_path / "new", confounding=1.5)


def test_a_script_without_a_main_guard_can_make_them(tmp_path):
    make = f"make_phantoms({str(tmp_path / 'p')!r}, size='tiny', processes=2)"
    code = f"from cxrlab.sources.phantom import make_phantoms; {make}"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / "p" / "phantoms.json").is_file()


# What the course relies on


@pytest.mark.slow
def test_there_are_enough_images_and_patients(course):
    paths, labels, patients = cases(course)
    assert len(paths) == len(labels)
    assert (labels == 1).sum() >= 210 and (labels == 0).sum() >= 215
    assert len(set(patients[labels == 1])) >= 130 and len(set(patients[labels == 0])) >= 150
    assert 90 <= len(list((course / NIH).iterdir())) <= 110


@pytest.mark.slow
def test_frame_and_header_know_nothing_with_the_dial_off(course):
    prepared = prepare(course)
    for seed in range(3):
        frame = region_probe(prepared.cases, [frame_only(0.1)], seed=seed, together=prepared.near)
        header = header_probe(prepared.cases, seed=seed, together=prepared.near)
        assert frame["auc"].between(0.40, 0.60).all(), frame
        # The whole header; its single parts are only more chances to be lucky.
        assert 0.40 <= header["auc"].iloc[0] <= 0.60, header


@pytest.mark.slow
def test_the_frame_knows_everything_with_the_dial_turned_up(tmp_path):
    prepared = prepare(make_phantoms(tmp_path / "biased", confounding=1.0))
    frame = region_probe(prepared.cases, [frame_only(0.1)], together=prepared.near)
    assert frame["auc"].iloc[0] > 0.95


@pytest.mark.real
@pytest.mark.slow
def test_grey_levels_and_sharpness_are_those_of_real_x_rays(course, real_data):
    benchmarks = Path(__file__).parents[1] / "benchmarks" / "phantom_realism.py"
    command = [sys.executable, str(benchmarks), str(real_data), str(course)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert found["histogram"]["of_the_median"] > 0.8
    assert found["spectrum"]["of_the_median"] > 0.7
