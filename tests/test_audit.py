"""Fingerprints, and pairs of images that look the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from cxrlab.catalog import audit as audit_room
from cxrlab.catalog.audit import fingerprint, near_duplicates
from cxrlab.catalog.schema import to_catalog
from cxrlab.images import read_image
from cxrlab.sources import load_catalog


def cloud(seed: int) -> Image.Image:
    """A smooth random picture, unlike that of every other seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 12), dtype=np.uint8)
    return Image.fromarray(coarse).resize((200, 160), Image.Resampling.BICUBIC)


@pytest.fixture
def cases(tmp_path) -> pd.DataFrame:
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
    table["patient_id"] = [f"s/{patient}" for patient in "0123334444"]
    table["sex"] = ["F", "M", None, *["F"] * 7]
    table["age"] = [5, 6, 39, 40, None, 90, 80, 17, 18, 0]
    table["license"] = [" ", "CC BY", *[None] * 8]
    return to_catalog(table.assign(source="s", finding="Normal"))


def test_fingerprint_in_one_pass(cases):
    calls = []
    prints = fingerprint(cases, workers=2, progress=lambda *done: calls.append(done))
    assert prints.index.tolist() == cases["image_id"].tolist()
    assert calls == [(number, 10) for number in range(1, 11)]
    assert prints["problem"].dropna().to_dict() == {
        "s/cut.png": "truncated",
        "s/gone.png": "missing",
        "s/../x": "unsafe file name",
    }
    written = prints.loc["s/written.png"]
    assert (written["width"], written["height"], written["mode"]) == (200, 160, "RGB")
    assert written["bytes"] == Path(cases["path"][6]).stat().st_size
    assert prints["phash"].dropna().str.len().eq(64).all()
    assert prints["phash"].notna().sum() == 7


def test_fingerprint_of_nothing(cases):
    prints = fingerprint(cases.iloc[:0])
    assert prints.empty
    assert near_duplicates(prints).empty


def test_near_duplicates(cases):
    found = near_duplicates(fingerprint(cases))
    assert set(zip(found["first"], found["second"], strict=True)) == {
        ("s/0.png", "s/copy.png"),
        ("s/1.png", "s/small.jpg"),
        ("s/2.png", "s/written.png"),
    }
    assert found["distance"].is_monotonic_increasing
    assert found["distance"][0] == 0
    everything = near_duplicates(fingerprint(cases), distance=256)
    assert len(everything) == 7 * 6 / 2


def test_near_duplicates_agree_with_imagehash(cases):
    imagehash = pytest.importorskip("imagehash")
    prints = fingerprint(cases)
    for pair in near_duplicates(prints, distance=256).itertuples():
        first, second = (
            imagehash.hex_to_hash(prints.loc[name, "phash"]) for name in (pair.first, pair.second)
        )
        assert first - second == pair.distance


def test_too_many_images_are_not_compared(cases, monkeypatch):
    monkeypatch.setattr(audit_room, "MOST_COMPARED", 3)
    prints = fingerprint(cases)
    assert near_duplicates(prints).empty


@pytest.mark.real
def test_audit_of_the_real_folder(real_data):
    catalog = load_catalog(real_data, "mixed")
    prints = fingerprint(catalog)
    assert prints["problem"].value_counts().to_dict() == {"missing": 348}
    assert prints["sha256"].dropna().duplicated(keep=False).sum() == 10
    near = near_duplicates(prints)
    # One X-ray was published under two patients, the second time with "day 1" written into it.
    assert "covid-chestxray-dataset/extubation-1.jpg" in {*near["first"], *near["second"]}
    assert (near["distance"] > 0).sum() < 10


@pytest.mark.real
def test_distance_finds_altered_copies_of_real_images(real_data):
    catalog = load_catalog(real_data, "adult")
    prints = fingerprint(catalog[catalog["source"] == "nih-no-finding"].head(20))
    for name in prints.index:
        image = Image.fromarray(read_image(catalog.set_index("image_id")["path"][name]))
        smaller = image.resize((image.width // 2, image.height // 2))
        brighter = image.point(lambda value: min(255, round(value * 1.2)))
        for altered in (smaller, brighter, image.rotate(1)):
            import imagehash

            apart = imagehash.phash(altered, hash_size=16) - imagehash.hex_to_hash(
                prints.loc[name, "phash"]
            )
            assert apart <= audit_room.NEAR_DISTANCE
