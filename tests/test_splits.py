"""Splits: patients whole, classes balanced, repeatable, and torn by nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from cxrlab.errors import CXRLabError
from cxrlab.filters import patient_groups, prepare
from cxrlab.splits import (
    Split,
    check_split,
    kfold_by_patient,
    save_manifest,
    split_by_patient,
    subsample,
)


def make_cases(patients: int, most: int, seed: int, sources: int = 1) -> pd.DataFrame:
    """``patients`` of each class with 1 to ``most`` images, negatives from several sources."""
    rng = np.random.default_rng(seed)
    rows = []
    for label in (0, 1):
        for number in range(patients):
            source = f"n{number % sources}" if label == 0 else "covid"
            patient = f"{source}/{number}"
            for image in range(rng.integers(1, most + 1)):
                rows.append(
                    (f"{patient}-{image}.png", f"/x/{patient}-{image}", source, patient, label)
                )
    columns = ["image_id", "path", "source", "patient_id", "label"]
    cases = pd.DataFrame(rows, columns=columns).astype({"label": "Int64"})
    return cases.sample(frac=1, random_state=seed, ignore_index=True)


def as_pairs(*pairs: tuple[str, str]) -> pd.DataFrame:
    """Duplicates, as ``near_duplicates`` lists them."""
    return pd.DataFrame(pairs, columns=["first", "second"], dtype=object)


@pytest.fixture
def cases() -> pd.DataFrame:
    return make_cases(patients=60, most=4, seed=0)


@settings(max_examples=15, deadline=None)
@given(
    patients=st.integers(12, 80),
    most=st.integers(1, 8),
    seed=st.integers(0, 10_000),
    sources=st.integers(1, 2),
    pairs=st.integers(0, 6),
)
def test_split_properties(patients, most, seed, sources, pairs):
    cases = make_cases(patients, most, seed, sources)
    rng = np.random.default_rng(seed)
    # Duplicates between patients of one class.
    positive = cases.loc[cases["label"] == 1, "image_id"].to_numpy()
    duplicates = as_pairs(*(rng.choice(positive, 2) for _ in range(min(pairs, patients // 5))))
    cases["group"] = patient_groups(cases, duplicates)
    split = split_by_patient(cases, seed=seed)

    assert check_split(split) == []
    whole = pd.concat(split.parts().values())
    assert sorted(whole["image_id"]) == sorted(cases["image_id"])
    of_patients = {name: part["patient_id"].nunique() for name, part in split.parts().items()}
    assert of_patients["test"] == pytest.approx(0.2 * 2 * patients, abs=6)
    if sources == 2:
        healthy = split.test.loc[split.test["label"] == 0, "source"]
        assert (healthy == "n0").mean() == pytest.approx(0.5, abs=0.35)
    rest = of_patients["train"] + of_patients["validation"]
    assert of_patients["validation"] == pytest.approx(rest / 7, abs=6)
    # The same from any order of rows.
    shuffled = cases.sample(frac=1, random_state=seed + 1)
    shuffled["group"] = patient_groups(shuffled, duplicates[::-1])
    assert split.digest() == split_by_patient(shuffled, seed=seed).digest()


def test_folds_hold_every_image_once(cases):
    cases["group"] = patient_groups(cases, as_pairs(tuple(cases["image_id"][[0, 9]])))
    splits = kfold_by_patient(cases, folds=5, seed=1)
    assert len(splits) == 5
    tested = pd.concat([split.test for split in splits])["image_id"]
    assert sorted(tested) == sorted(cases["image_id"])
    assert len({split_by_patient(cases, seed).digest() for seed in range(4)}) == 4
    for split in splits:
        assert check_split(split) == []
        assert len(pd.concat(split.parts().values())) == len(cases)
        assert split.validation["label"].mean() == pytest.approx(cases["label"].mean(), abs=0.1)


def test_too_few_patients_is_said_in_words(cases):
    with pytest.raises(CXRLabError, match=r"too few patients.*2 with COVID-19 and 2 normal"):
        split_by_patient(make_cases(patients=2, most=3, seed=0))
    with pytest.raises(CXRLabError, match="too few patients"):
        split_by_patient(cases[cases["label"] == 1])
    with pytest.raises(CXRLabError, match="61 folds"):
        kfold_by_patient(cases, folds=61)


@pytest.mark.parametrize("nobody", [None, "  "])
def test_a_case_that_cannot_be_placed_is_refused(cases, nobody):
    nameless = cases.astype({"patient_id": object})
    nameless.loc[3, "patient_id"] = nobody
    for use in (split_by_patient, lambda cases: patient_groups(cases, as_pairs())):
        with pytest.raises(CXRLabError, match="1 of .* cases have no patient_id"):
            use(nameless)
    with pytest.raises(CXRLabError, match="no patient_id"):
        subsample(nameless, 10)
    split = Split(nameless[:50], nameless[50:80], nameless[80:])
    assert "1 images have no patient_id" in check_split(split)


def test_a_patient_is_the_same_as_a_number_and_as_text(cases):
    number, image = pd.factorize(cases["patient_id"])[0], np.arange(len(cases)) % 4
    typed = [[n, float(n), f"{n} ", f" {n}.0"][i] for n, i in zip(number, image, strict=True)]
    split = split_by_patient(cases.assign(patient_id=pd.Series(typed, dtype=object)))
    assert check_split(split) == []
    parts = split.as_table().set_index("image_id")["part"]
    assert (parts[cases["image_id"]].groupby(number).nunique() == 1).all()
    moved = Split(split.train, split.validation, pd.concat([split.test, split.train[:1]]))
    assert "1 patients are in more than one part" in check_split(moved)


@pytest.mark.parametrize("label", [{1: "COVID-19", 0: "normal"}, {1: 2, 0: 1}, {1: 1, 0: None}])
def test_labels_other_than_0_and_1_are_refused_and_seen(cases, label):
    labelled = cases.assign(label=cases["label"].map(label).astype(object))
    with pytest.raises(CXRLabError, match="Every case needs a label, 1 for COVID-19 or 0"):
        split_by_patient(labelled)
    (said,) = check_split(Split(labelled[:0], labelled[:0], labelled))
    assert "a label other than 1 (COVID-19) and 0" in said


def test_it_is_the_split_that_notebook_02_makes(cases):
    cases["group"] = patient_groups(cases, as_pairs(tuple(cases["image_id"][[0, 9]])))
    ordered = cases.sort_values("image_id", ignore_index=True)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=2)
    rest, test = next(folds.split(ordered, ordered["label"], groups=ordered["group"]))
    rest, test = ordered.iloc[rest], ordered.iloc[test]
    folds = StratifiedGroupKFold(7, shuffle=True, random_state=2)
    train, validation = next(folds.split(rest, rest["label"], groups=rest["group"]))
    split = split_by_patient(cases, seed=2)
    assert split.test["image_id"].tolist() == test["image_id"].tolist()
    assert split.train["image_id"].tolist() == rest["image_id"].iloc[train].tolist()
    assert split.validation["image_id"].tolist() == rest["image_id"].iloc[validation].tolist()


# --- subsample -------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(images=st.integers(2, 200), seed=st.integers(0, 100))
def test_subsample_keeps_classes_and_whole_patients(images, seed):
    part = make_cases(patients=25, most=4, seed=7)
    taken = subsample(part, images, seed)
    assert len(taken) == min(images, len(part))
    assert set(taken["label"]) == {0, 1}
    if len(taken) > 20:
        assert taken["label"].mean() == pytest.approx(part["label"].mean(), abs=0.05)
    whole = part["patient_id"].value_counts()
    cut = taken["patient_id"].value_counts()
    assert (cut < whole[cut.index]).sum() <= 2  # the last of each class
    shuffled = part.sample(frac=1, random_state=seed).set_axis([0] * len(part))
    assert set(subsample(shuffled, images, seed)["image_id"]) == set(taken["image_id"])
    assert subsample(part, 0) is part
    with pytest.raises(CXRLabError, match="At least 2"):
        subsample(part, 1)


# --- checking --------------------------------------------------------------------------------


def test_check_finds_what_is_wrong(cases):
    cases.loc[cases["patient_id"].isin(["covid/1", "covid/2"]), "path"] = pd.NA  # is in no part
    good = split_by_patient(cases)
    assert check_split(good) == []
    image = good.train[good.train["path"].notna()].iloc[[0]]
    leaky = Split(good.train, good.validation, pd.concat([good.test, image]))
    said = check_split(leaky)
    for what in ("groups", "patients", "images", "files"):
        assert f"1 {what} are in more than one part" in said
    one_class = Split(good.train[good.train["label"] == 1], good.validation, good.test)
    assert check_split(one_class) == ["the train part has no normal image"]


def test_check_sees_a_copy_under_another_name(cases):
    rng = np.random.default_rng(0)
    content = [rng.bytes(32).hex() for _ in range(len(cases))]
    split = split_by_patient(cases.assign(sha256=content, phash=content))
    first = content[cases.index[cases["image_id"] == split.train["image_id"][0]][0]]
    for column, copy, what in [
        ("sha256", first, "contents"),
        ("phash", "ff" + first[2:], "pairs of images that look the same"),
    ]:
        test = split.test.copy()
        test.loc[0, column] = copy
        said = check_split(Split(split.train, split.validation, test))
        assert said == [f"1 {what} are in more than one part"]


# --- manifest --------------------------------------------------------------------------------


def test_a_manifest_names_images_and_no_path_and_is_not_overwritten_by_another(cases, tmp_path):
    odd = ['covid/a, "b".png', "covid/ü.png", "covid/NA", "covid/=1+1"]
    cases = cases.assign(image_id=[*odd, *cases["image_id"][4:]], sha256="0f")
    split = split_by_patient(cases, seed=4)
    path = save_manifest(split, tmp_path / "split.csv")
    assert "/x/" not in path.read_text(encoding="utf-8")
    found = pd.read_csv(path, keep_default_na=False)
    assert list(found) == ["image_id", "patient_id", "label", "part", "sha256"]
    for name, part in split.parts().items():
        assert found.loc[found["part"] == name, "image_id"].tolist() == part["image_id"].tolist()
    save_manifest(split_by_patient(cases, seed=4), path)
    with pytest.raises(CXRLabError, match="another split"):
        save_manifest(split_by_patient(cases, seed=5), path)


def test_the_digest_of_a_split_tells_images_labels_and_parts(cases):
    train, validation, test = split_by_patient(cases).parts().values()
    turned = train.assign(label=1 - train["label"])
    splits = (train, validation, test), (validation, train, test), (turned, validation, test)
    assert len({Split(*parts).digest() for parts in [*splits, *splits]}) == 3


@pytest.mark.real
def test_real_cases_split_without_leaks(real_data):
    cases = prepare(real_data, "mixed").cases
    for split in [split_by_patient(cases), *kfold_by_patient(cases)]:
        assert check_split(split) == []
        assert len(split.test) / len(cases) == pytest.approx(0.2, abs=0.04)
