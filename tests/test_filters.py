"""The filters, the audit of the files, and the published selection."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from cxrlab import filters
from cxrlab.errors import CXRLabError
from cxrlab.filters import (
    balance,
    fingerprint,
    is_covid19,
    near_duplicates,
    patient_groups,
    published_candidates,
    ten_xrays,
    without_known,
)
from cxrlab.sources import load_catalog
from cxrlab.sources.tables import to_catalog

COVID, CHILDREN, ADULTS = "covid-chestxray-dataset", "chest_xray", "nih-no-finding"
LENDERS = "Actualmed-COVID-chestxray-dataset", "Figure1-COVID-chestxray-dataset"


def row(source: str, name: str, finding: str, **more: object) -> dict[str, object]:
    usual = {"view": "PA", "modality": "X-ray", "path": f"/nowhere/{name}"}
    ids = {"image_id": f"{source}/{name}", "source": source, "patient_id": f"{source}/{name}"}
    return {**ids, "finding": finding, **usual, **more}


@pytest.fixture
def catalog(tmp_path) -> pd.DataFrame:
    """Ten usable positives, twelve children, five adults, and one of everything to reject."""
    rows = [row(COVID, f"p{i}", "COVID-19") for i in range(6)]
    rows += [row(COVID, f"p{i}", "Pneumonia/Viral/COVID-19") for i in range(6, 9)]
    rows += [row(COVID, "p9", "COVID-19, ARDS")]
    rows += [row(COVID, "sars", "SARS"), row(COVID, "none", "No Finding")]
    rows += [row(COVID, "lying", "COVID-19", view="AP Supine")]
    rows += [row(COVID, "unknown view", "COVID-19", view=None)]
    rows += [row(COVID, "ct", "COVID-19", modality="CT", view="PA")]
    rows += [row(CHILDREN, f"n{i}", "Normal", view="AP") for i in range(12)]
    rows += [row(CHILDREN, "ill", "Pneumonia", view="AP")]
    rows += [row(ADULTS, f"a{i}", "No Finding", view=None) for i in range(5)]
    for entry in rows:
        path = tmp_path / str(entry["image_id"]).replace("/", "_")
        path.write_text("stands for an image")
        entry["path"] = str(path)
    rows += [row(COVID, "gone", "COVID-19"), row(COVID, "bad", "COVID-19", path=None)]
    return to_catalog(pd.DataFrame(rows))


def readable(catalog: pd.DataFrame, **changes: dict[str, str]) -> pd.DataFrame:
    """Fingerprints that find every file readable and unlike all others, but for ``changes``."""
    prints = pd.DataFrame({"problem": pd.NA, "sha256": catalog["image_id"]}, dtype="string")
    prints["phash"] = pd.array([pd.NA] * len(prints), dtype="string")
    prints.index = pd.Index(catalog["image_id"])
    for column, values in changes.items():
        for image, value in values.items():
            prints.loc[image, column] = value
    return prints


def select(catalog, *chosen, hashes=None, **options) -> filters.Prepared:
    """What :func:`prepare` makes of this catalog, with these fingerprints of its files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filters, "load_catalog", lambda *_: catalog)
        if hashes is not None:
            patch.setattr(filters, "fingerprint", lambda cases: hashes.loc[cases["image_id"]])
        return filters.prepare(Path("data"), *chosen, **options)


def test_both_spellings_of_covid19():
    right = ["COVID-19", "covid-19", "COVID-19, ARDS", "ARDS, COVID-19", "Pneumonia/Viral/COVID-19"]
    wrong = ["Pneumonia/Viral/SARS", "no COVID-19 seen", "COVID-190", "No Finding", None]
    assert is_covid19(pd.Series(right)).all() and not is_covid19(pd.Series(wrong)).any()


def test_each_filter_reports_what_it_left_and_the_view_spares_the_negatives(catalog):
    left = {}
    cases = published_candidates(catalog, "mixed", left)
    assert cases["label"].value_counts().to_dict() == {0: 17, 1: 10}
    there = {"COVID-19, file is there": 10, "normal": 17, "normal, file is there": 17}
    assert left == {"COVID-19": 15, "X-ray": 14, "PA": 12, **there}
    typed = catalog.replace({"view": {"PA": " Pa "}, "modality": {"X-ray": "x-ray"}})
    assert (published_candidates(to_catalog(typed))["label"] == 1).sum() == 10


def test_unreadable_files_go_duplicates_once_and_contradictions_whole(catalog):
    problem = {f"{COVID}/p3": "truncated", f"{CHILDREN}/n7": "animated"}
    same = {f"{COVID}/p1": "x", f"{COVID}/p0": "x", f"{COVID}/p5": "y", f"{CHILDREN}/n3": "y"}
    prints = readable(catalog, sha256=same, problem=problem)
    for order in (catalog, catalog.iloc[::-1]):
        chosen = select(order, balanced=False, hashes=prints).cases
        gone = {f"{COVID}/p1", f"{COVID}/p5", f"{CHILDREN}/n3", *problem}
        everybody = set(published_candidates(catalog)["image_id"])
        assert everybody - set(chosen["image_id"]) == gone


# --- the selection ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("negatives", "counts"),
    [
        ("kermany", {COVID: 10, CHILDREN: 10}),
        ("adult", {COVID: 5, ADULTS: 5}),
        ("mixed", {COVID: 10, CHILDREN: 5, ADULTS: 5}),
    ],
)
def test_published_selection_is_balanced(catalog, negatives, counts):
    cases = select(catalog, negatives, hashes=readable(catalog)).cases
    assert cases["source"].value_counts().to_dict() == counts
    assert ((cases["source"] == COVID) == (cases["label"] == 1)).all()


def test_balance_is_the_sample_that_the_notebook_takes(catalog):
    cases = catalog.assign(label=is_covid19(catalog["finding"]).astype(int))
    cases = cases[(cases["label"] == 1) | cases["image_id"].str.startswith(f"{CHILDREN}/n")]
    cases = cases.sort_values("image_id", ignore_index=True)
    fewest = cases["label"].value_counts().min()
    expected = cases.groupby("label").sample(n=fewest, random_state=3)
    assert set(balance(cases, seed=3)["image_id"]) == set(expected["image_id"])


@pytest.mark.parametrize("copy", ["phash", "sha256"])
def test_a_duplicate_that_is_dropped_still_ties_its_patients(catalog, copy):
    """One X-ray under two numbers: the copy goes, but the two are one group from then on."""
    prints = readable(catalog)
    for column in {"phash", copy}:
        prints.loc[[f"{COVID}/p0", f"{COVID}/p1"], column] = "00" * 32
    more = catalog[catalog["image_id"] == f"{COVID}/p1"].assign(image_id=f"{COVID}/p1 again")
    catalog = pd.concat([catalog, more], ignore_index=True)
    prints.loc[f"{COVID}/p1 again"] = prints.loc[f"{COVID}/p2"].replace(f"{COVID}/p2", "other")
    cases = select(catalog, hashes=prints).cases.set_index("image_id")
    assert (f"{COVID}/p1" in cases.index) == (copy == "phash")
    assert cases.loc[f"{COVID}/p1 again", "group"] == cases.loc[f"{COVID}/p0", "group"]


def test_selection_depends_on_the_seed_and_not_on_the_order(catalog):
    def chosen(table: pd.DataFrame, seed: int) -> frozenset[str]:
        return frozenset(select(table, seed=seed, hashes=readable(catalog)).cases["image_id"])

    assert chosen(catalog, 0) == chosen(catalog.sample(frac=1, random_state=5), 0)
    assert len({chosen(catalog, seed) for seed in range(5)}) > 1


def test_selection_that_keeps_nothing_says_what_each_step_left(catalog):
    later = catalog.assign(view=catalog["view"].replace("PA", "AP"))
    with pytest.raises(CXRLabError, match="'PA': 0"):
        select(later, hashes=readable(catalog))
    with pytest.raises(CXRLabError, match="'usable': 0"):
        select(catalog)  # the files hold text


def lending(catalog: pd.DataFrame) -> pd.DataFrame:
    """The catalog with two external sets: four healthy adults in them, and what nobody takes."""
    one, other = LENDERS
    rows = [row(one, f"e{i}", "No finding", view=view) for i, view in enumerate(("PA", "AP", "AP"))]
    rows += [row(other, "e3", "No finding", view="AP erect")]
    rows += [row(other, name, "No finding", view=view) for name, view in [("s", "L"), ("b", None)]]
    rows += [row(one, "ct", "No finding", modality="CT"), row(one, "ill", "COVID-19")]
    here = catalog["path"].dropna().iloc[0]
    return pd.concat([catalog, to_catalog(pd.DataFrame(rows).assign(path=here))], ignore_index=True)


def test_external_sets_lend_frontal_xrays_without_a_finding_and_nobody_ill(catalog):
    table = lending(catalog[catalog["source"] != ADULTS])
    everybody = select(table, "adult", hashes=readable(table), balanced=False).cases
    lent = everybody[everybody["source"].isin(LENDERS)]
    assert sorted(lent["image_id"].str.split("/").str[1]) == ["e0", "e1", "e2", "e3"]
    assert lent["label"].eq(0).all()
    assert set(everybody.loc[everybody["label"] == 1, "source"]) == {COVID}
    # Where the own adults are, nothing changes.
    alone = select(catalog, "mixed", hashes=readable(catalog))
    beside = select(lending(catalog), "mixed", hashes=readable(lending(catalog)))
    pd.testing.assert_frame_equal(alone.cases, beside.cases)


@pytest.mark.real
def test_selection_on_the_real_folder(real_data):
    catalog = load_catalog(real_data, "mixed")
    prints = fingerprint(catalog)
    assert prints["problem"].value_counts().to_dict() == {"missing": 348}
    assert (near_duplicates(prints)["distance"] > 0).sum() < 10
    cases = select(catalog, "kermany", hashes=prints).cases
    assert cases["label"].value_counts().to_dict() == {0: 168, 1: 168}
    assert cases.loc[cases["label"] == 1, "patient_id"].nunique() == 117
    # extubation-1.jpg is AR-1.jpg with "day 1" written into it, under another patient's number.
    copies = [f"{COVID}/{name}.jpg" for name in ("extubation-1", "AR-1")]
    assert cases.loc[cases["image_id"].isin(copies), "group"].nunique() == 1
    mixed = select(catalog, "mixed", hashes=prints).cases
    assert mixed["source"].value_counts().to_dict() == {COVID: 168, CHILDREN: 84, ADULTS: 84}


# --- the audit ---------------------------------------------------------------------------------


def cloud(seed: int) -> Image.Image:
    """A smooth random picture, unlike that of every other seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 12), dtype=np.uint8)
    return Image.fromarray(coarse).resize((200, 160), Image.Resampling.BICUBIC)


@pytest.fixture
def pictures(tmp_path) -> pd.DataFrame:
    """Four unlike pictures, an exact copy, two near ones, and three files of no use."""
    for number in range(4):
        cloud(number).save(tmp_path / f"{number}.png")
    (tmp_path / "copy.png").write_bytes((tmp_path / "0.png").read_bytes())
    cloud(1).resize((100, 80)).save(tmp_path / "small.jpg", quality=60)
    written = cloud(2).convert("RGB")
    ImageDraw.Draw(written).text((150, 140), "day 1", fill="white")
    written.save(tmp_path / "written.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "3.png").read_bytes()[:3000])
    names = ["0.png", "1.png", "2.png", "3.png", "copy.png", "small.jpg", "written.png", "cut.png"]
    table = pd.DataFrame({"image_id": [f"s/{name}" for name in [*names, "gone.png", "../x"]]})
    table["path"] = [*(str(tmp_path / name) for name in names), str(tmp_path / "gone.png"), None]
    table["problem"] = pd.array([pd.NA] * 9 + ["unsafe file name"], dtype="string")
    return table


def test_fingerprint_in_one_pass(pictures):
    prints = fingerprint(pictures)
    assert prints.index.tolist() == pictures["image_id"].tolist()
    problems = {"s/cut.png": "truncated", "s/gone.png": "missing", "s/../x": "unsafe file name"}
    assert prints["problem"].dropna().to_dict() == problems
    written = prints.loc["s/written.png"]
    assert (written["width"], written["height"], written["mode"]) == (200, 160, "RGB")
    assert written["bytes"] == Path(pictures["path"][6]).stat().st_size
    assert prints["phash"].dropna().str.len().eq(64).all()
    assert prints["phash"].notna().sum() == 7


def test_near_duplicates(pictures):
    prints = fingerprint(pictures)
    found = near_duplicates(prints)
    pairs = [("s/0.png", "s/copy.png"), ("s/1.png", "s/small.jpg"), ("s/2.png", "s/written.png")]
    assert set(zip(found["first"], found["second"], strict=True)) == set(pairs)
    assert found["distance"].is_monotonic_increasing and found["distance"][0] == 0
    assert len(near_duplicates(prints, distance=256)) == 7 * 6 / 2


def test_xrays_that_another_source_has_already_are_left_out(pictures):
    known, others = pictures[:2], pictures[2:]  # of which others has a copy and one scaled down
    left = without_known(others, known)
    assert set(others["image_id"]) - set(left["image_id"]) == {"s/copy.png", "s/small.jpg"}
    hashed = [part.assign(phash=fingerprint(part)["phash"].array) for part in (others, known)]
    assert without_known(*hashed)["image_id"].equals(left["image_id"])


def test_groups_are_named_after_the_first_patient_of_them():
    table = pd.DataFrame(
        {"image_id": [*"abcdef"], "patient_id": ["p3", "p1", "p2", "p1", "p4", "p5"]}
    )
    # An image that was dropped still ties those who looked like it.
    pairs = pd.DataFrame({"first": ["a", "c", "e", "gone"], "second": ["c", "b", "gone", "f"]})
    assert patient_groups(table, pairs).tolist() == ["p1", "p1", "p1", "p1", "p4", "p4"]
    assert patient_groups(table, pairs[:0]).equals(table["patient_id"].rename("group"))
    backwards = patient_groups(table[::-1].set_axis([0] * 6), pairs[::-1])
    assert backwards.tolist() == ["p4", "p4", "p1", "p1", "p1", "p1"]


# --- ten for the reader ----------------------------------------------------------------------


def patients(positives: int = 30, negatives: int = 30) -> pd.DataFrame:
    labels = np.repeat([1] * positives + [0] * negatives, 2)
    names = [f"p{number // 2}" for number in range(len(labels))]
    ids = [f"i{number:03d}" for number in range(len(labels))]
    return pd.DataFrame({"image_id": ids, "group": names, "label": labels})


def test_ten_patients_whose_xrays_are_all_set_aside(phantom_data):
    chosen = filters.prepare(phantom_data, ten=True)
    assert len(chosen.ten) == chosen.ten["group"].nunique() == 10
    assert 4 <= chosen.ten["label"].sum() <= 6
    assert not chosen.cases["group"].isin(chosen.ten["group"]).any()
    assert chosen.cases["label"].mean() == 0.5


def test_counting_calls_gives_nothing_away():
    tens = [ten_xrays(patients(), seed) for seed in range(60)]
    assert {int(ten["label"].sum()) for ten in tens} == {4, 5, 6}
    # Every place holds positives and negatives: the order says nothing either.
    shares = sum(ten["label"].to_numpy() for ten in tens) / len(tens)
    assert shares.min() > 0.25 and shares.max() < 0.75
    # Few of one class are filled up from the other, and too few are said.
    assert ten_xrays(patients(2, 30))["label"].sum() == 2
    assert ten_xrays(patients(30, 2))["label"].sum() == 8
    with pytest.raises(CXRLabError, match="of 9 patients"):
        ten_xrays(patients(5, 4))
