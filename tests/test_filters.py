"""The catalog, the filters, the audit of the files, and the published selection."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from cxrlab import filters
from cxrlab.cases import select, ten_xrays
from cxrlab.errors import CXRLabError
from cxrlab.filters import Log, fingerprint, is_covid19, near_duplicates, published_candidates
from cxrlab.images import read_image
from cxrlab.sources import load_catalog
from cxrlab.sources.tables import to_catalog

COVID, CHILDREN, ADULTS = "covid-chestxray-dataset", "chest_xray", "nih-no-finding"
LENDERS = "Actualmed-COVID-chestxray-dataset", "Figure1-COVID-chestxray-dataset"


def row(source: str, name: str, finding: str, **more: object) -> dict[str, object]:
    usual = {"view": "PA", "modality": "X-ray", "path": f"/nowhere/{name}", "patient": name}
    usual |= more
    patient = f"{source}/{usual.pop('patient')}"
    return {
        "image_id": f"{source}/{name}",
        "source": source,
        "patient_id": patient,
        "finding": finding,
    } | usual


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


def by_step(log: Log) -> dict[tuple[str, str], tuple[int, int]]:
    return {(step.branch, step.name): (step.before, step.after) for step in log}


def test_to_catalog_fills_and_types_the_columns():
    table = to_catalog(pd.DataFrame([row("s", " a ", "  ") | {"age": "7", "extra": 1}]))
    assert table["image_id"][0] == "s/ a"
    assert table["finding"].isna().all()
    assert table["age"][0] == 7
    assert table["label"].dtype == "Int64"
    assert table.columns[-1] == "extra"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t.assign(image_id=t["image_id"].iloc[0]), "'image_id' repeats"),
        (
            lambda t: t.assign(patient_id=t["patient_id"].mask(t.index == 0)),
            "'patient_id' is empty",
        ),
        (lambda t: t.assign(label=pd.array([2] * len(t), dtype="Int64")), "'label' fails"),
    ],
)
def test_what_is_no_catalog_is_said_in_words(catalog, spoil, said):
    with pytest.raises(CXRLabError, match=said):
        to_catalog(spoil(catalog))


# --- filters ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["string", object])
@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        ("COVID-19", True),
        ("COVID-19, ARDS", True),
        ("Pneumonia/Viral/COVID-19", True),
        ("ARDS, COVID-19", True),
        ("covid-19", True),
        ("Pneumonia/Viral/SARS", False),
        ("no COVID-19 seen", False),
        ("COVID-190", False),
        ("No Finding", False),
        (None, False),
    ],
)
def test_both_spellings_of_covid19(finding, expected, dtype):
    assert is_covid19(pd.Series([finding], dtype=dtype)).tolist() == [expected]


def test_each_filter_reports_what_it_dropped_and_the_view_spares_the_negatives(catalog):
    log = []
    cases = published_candidates(catalog, "mixed", log)
    assert cases["label"].value_counts().to_dict() == {0: 17, 1: 10}
    assert [(step.name, step.before, step.after) for step in log] == [
        ("COVID-19", 17, 15),
        ("X-ray", 15, 14),
        ("posteroanterior (PA)", 14, 12),
        ("file is there", 12, 10),
        ("normal", 18, 17),
        ("file is there", 17, 17),
    ]
    assert log[3].why == "1 not in the folder, 1 with an unsafe file name or none"


def test_unreadable_files_are_counted_by_reason(catalog):
    log = []
    problems = {f"{COVID}/p0": "truncated", f"{COVID}/p1": "animated", f"{COVID}/p2": "truncated"}
    kept = filters.drop_unreadable(catalog, log, readable(catalog, problem=problems))
    assert len(kept) == len(catalog) - 3
    assert log[0].why == "2 truncated, 1 animated"


def test_exact_duplicates_keep_the_first_and_lose_contradictions(catalog):
    same = {f"{COVID}/p1": "x", f"{COVID}/p0": "x", f"{COVID}/p5": "y", f"{CHILDREN}/n3": "y"}
    prints = readable(catalog, sha256=same)
    labelled = catalog.assign(label=is_covid19(catalog["finding"]))
    for order in (labelled, labelled.iloc[::-1]):
        log = []
        kept = filters.drop_exact_duplicates(order, log, prints)
        gone = set(catalog["image_id"]) - set(kept["image_id"])
        assert gone == {f"{COVID}/p1", f"{COVID}/p5", f"{CHILDREN}/n3"}
        assert log[0].why == "1 the same file again, 2 the same file under both labels"


# --- the selection ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("negatives", "positives", "children", "adults"),
    [("kermany", 10, 10, 0), ("adult", 5, 0, 5), ("mixed", 10, 5, 5)],
)
def test_published_selection_is_balanced(catalog, negatives, positives, children, adults):
    cases = select(catalog, negatives, hashes=readable(catalog)).cases
    assert (cases["label"] == 1).sum() == positives
    counts = cases.loc[cases["label"] == 0, "source"].value_counts()
    assert counts.get(CHILDREN, 0) == children
    assert counts.get(ADULTS, 0) == adults
    assert cases["label"].notna().all()


def test_balance_is_the_sample_that_the_notebook_takes(catalog):
    cases = catalog.assign(label=is_covid19(catalog["finding"]).astype(int))
    cases = cases[(cases["label"] == 1) | cases["image_id"].str.startswith(f"{CHILDREN}/n")]
    cases = cases.sort_values("image_id", ignore_index=True)
    fewest = cases["label"].value_counts().min()
    expected = cases.groupby("label").sample(n=fewest, random_state=3)
    balanced = filters.balance(cases, [], seed=3)
    assert set(balanced["image_id"]) == set(expected["image_id"])
    repeated = cases.set_axis([0] * len(cases))  # as pd.concat leaves it without ignore_index
    assert filters.balance(repeated, [], seed=3)["label"].mean() == 0.5


def test_a_duplicate_that_is_dropped_still_ties_its_patients(catalog):
    """One X-ray under two numbers: the copy goes, but the two are one group from then on."""
    prints = readable(catalog, sha256={f"{COVID}/p1": "x", f"{COVID}/p0": "x"})
    prints.loc[[f"{COVID}/p0", f"{COVID}/p1"], "phash"] = "00" * 32
    more = catalog[catalog["image_id"] == f"{COVID}/p1"].assign(image_id=f"{COVID}/p1 again")
    catalog = pd.concat([catalog, more], ignore_index=True)
    prints.loc[f"{COVID}/p1 again"] = prints.loc[f"{COVID}/p2"].replace(f"{COVID}/p2", "other")
    cases = select(catalog, hashes=prints).cases.set_index("image_id")
    assert f"{COVID}/p1" not in cases.index
    assert cases.loc[f"{COVID}/p1 again", "group"] == cases.loc[f"{COVID}/p0", "group"]


def test_selection_depends_on_the_seed_and_not_on_the_order(catalog):
    def chosen(table: pd.DataFrame, seed: int) -> set[str]:
        return set(select(table, seed=seed, hashes=readable(catalog)).cases["image_id"])

    assert chosen(catalog, 0) == chosen(catalog.sample(frac=1, random_state=5), 0)
    assert len({frozenset(chosen(catalog, seed)) for seed in range(5)}) > 1


def test_selection_that_keeps_nothing_names_the_step(catalog):
    later = catalog.assign(view=catalog["view"].replace("PA", "AP"))
    with pytest.raises(CXRLabError, match=r"COVID-19.*posteroanterior"):
        select(later, hashes=readable(catalog))
    with pytest.raises(CXRLabError, match="empty"):
        select(catalog.iloc[:0], hashes=readable(catalog))


def test_selection_reads_the_files_itself_where_no_hashes_are_given(catalog):
    with pytest.raises(CXRLabError, match=r"readable.*22 not an image"):
        select(catalog)  # the files hold text
    assert all(Path(path).is_file() for path in catalog["path"][:5])


def lending(catalog: pd.DataFrame) -> pd.DataFrame:
    """The catalog with two external sets: four healthy adults in them, and what nobody takes."""
    one, other = LENDERS
    rows = [row(one, f"e{i}", "No finding", view=view) for i, view in enumerate(("PA", "AP", "AP"))]
    rows += [row(other, "e3", "No finding", view="AP erect")]
    rows += [
        row(other, "side", "No finding", view="L"),
        row(other, "blank", "No finding", view=None),
    ]
    rows += [row(one, "ct", "No finding", modality="CT"), row(one, "ill", "COVID-19")]
    here = catalog["path"].dropna().iloc[0]
    more = to_catalog(pd.DataFrame(rows).assign(path=here))
    return pd.concat([catalog, more], ignore_index=True)


def test_external_sets_lend_frontal_xrays_without_a_finding_and_nobody_ill(catalog):
    table = lending(catalog[catalog["source"] != ADULTS])
    chosen = select(table, "adult", hashes=readable(table), balanced=False)
    everybody, log = chosen.cases, chosen.log
    lent = everybody[everybody["source"].isin(LENDERS)]
    assert sorted(lent["image_id"].str.split("/").str[1]) == ["e0", "e1", "e2", "e3"]
    assert lent["label"].eq(0).all()
    assert set(everybody.loc[everybody["label"] == 1, "source"]) == {COVID}
    assert any("no frontal X-ray" in step.why for step in log)


@pytest.mark.parametrize("negatives", ["kermany", "adult", "mixed"])
def test_where_the_own_adults_are_external_sets_change_nothing(catalog, negatives):
    table = lending(catalog)
    alone = select(catalog, negatives, hashes=readable(catalog))
    beside = select(table, negatives, hashes=readable(table))
    pd.testing.assert_frame_equal(alone.cases, beside.cases)
    assert alone.log == beside.log


@pytest.mark.parametrize("negatives", ["kermany", "adult", "mixed"])
def test_selection_on_phantoms(phantom_data, negatives):
    catalog = load_catalog(phantom_data, negatives)
    chosen = select(catalog, negatives)
    cases, log = chosen.cases, chosen.log
    assert cases["label"].mean() == 0.5
    assert cases["patient_id"].nunique() < len(cases)
    assert all(Path(path).is_file() for path in cases["path"])
    steps = by_step(log)
    assert all(after > 0 for _, after in steps.values())
    for name in ("COVID-19", "X-ray", "posteroanterior (PA)", "file is there"):
        before, after = steps["COVID-19", name]
        assert after < before, name


@pytest.mark.real
def test_selection_on_the_real_folder(real_data):
    catalog = load_catalog(real_data, "mixed")
    prints = fingerprint(catalog)
    chosen = select(catalog, "kermany", hashes=prints)
    cases, steps = chosen.cases, by_step(chosen.log)
    assert steps["COVID-19", "COVID-19"] == (673, 538)
    assert steps["COVID-19", "file is there"] == (217, 168)
    assert steps["normal", "normal"][1] == 225
    assert cases["label"].value_counts().to_dict() == {0: 168, 1: 168}
    assert cases.loc[cases["label"] == 1, "patient_id"].nunique() == 117

    adults = select(catalog, "adult", hashes=prints).cases
    assert adults["label"].value_counts().to_dict() == {0: 150, 1: 150}
    mixed = select(catalog, "mixed", hashes=prints).cases
    assert mixed["source"].value_counts().to_dict() == {COVID: 168, CHILDREN: 84, ADULTS: 84}

    renamed = catalog.assign(
        finding=catalog["finding"].replace("COVID-19", "Pneumonia/Viral/COVID-19")
    )
    later = select(renamed, "kermany", hashes=prints).cases
    assert later["image_id"].tolist() == cases["image_id"].tolist()


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
    table["patient_id"] = [f"s/{patient}" for patient in "0123334444"]
    table["sex"] = ["F", "M", None, *["F"] * 7]
    table["age"] = [5, 6, 39, 40, None, 90, 80, 17, 18, 0]
    table["license"] = [" ", "CC BY", *[None] * 8]
    return to_catalog(table.assign(source="s", finding="Normal"))


def test_fingerprint_in_one_pass(pictures):
    prints = fingerprint(pictures)
    assert prints.index.tolist() == pictures["image_id"].tolist()
    assert prints["problem"].dropna().to_dict() == {
        "s/cut.png": "truncated",
        "s/gone.png": "missing",
        "s/../x": "unsafe file name",
    }
    written = prints.loc["s/written.png"]
    assert (written["width"], written["height"], written["mode"]) == (200, 160, "RGB")
    assert written["bytes"] == Path(pictures["path"][6]).stat().st_size
    assert prints["phash"].dropna().str.len().eq(64).all()
    assert prints["phash"].notna().sum() == 7


def test_near_duplicates(pictures):
    found = near_duplicates(fingerprint(pictures))
    assert set(zip(found["first"], found["second"], strict=True)) == {
        ("s/0.png", "s/copy.png"),
        ("s/1.png", "s/small.jpg"),
        ("s/2.png", "s/written.png"),
    }
    assert found["distance"].is_monotonic_increasing
    assert found["distance"][0] == 0
    everything = near_duplicates(fingerprint(pictures), distance=256)
    assert len(everything) == 7 * 6 / 2


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
            assert apart <= filters.NEAR_DISTANCE


# --- ten for the reader ----------------------------------------------------------------------


def patients(positives: int = 30, negatives: int = 30, images: int = 2) -> pd.DataFrame:
    labels = [1] * positives + [0] * negatives
    rows = [
        {"image_id": f"i{patient:03d}-{image}", "group": f"p{patient}", "label": label}
        for patient, label in enumerate(labels)
        for image in range(images)
    ]
    return pd.DataFrame(rows)


def test_ten_patients_whose_xrays_are_all_set_aside(phantom_data):
    chosen = select(load_catalog(phantom_data), ten=True)
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


def test_few_of_one_class_are_filled_up_from_the_other():
    assert ten_xrays(patients(2, 30))["label"].sum() == 2
    assert ten_xrays(patients(30, 2))["label"].sum() == 8


def test_too_few_patients_are_said_to_be_too_few():
    with pytest.raises(CXRLabError, match="of 9 patients"):
        ten_xrays(patients(5, 4))
