"""The source-bias experiments: what a probe sees, how it is scored, and what it finds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxrlab import shortcuts
from cxrlab.cases import prepare
from cxrlab.errors import CXRLabError
from cxrlab.shortcuts.probe import linear, patient_folds
from cxrlab.sources import load_catalog

SIZE = 16


def toy_cases(patients: int = 40, each: int = 2) -> pd.DataFrame:
    """``each`` images of every patient; the first half of the patients has label 1."""
    person = np.repeat(np.arange(patients), each)
    return pd.DataFrame(
        {
            "image_id": [f"i{n:03}" for n in range(len(person))],
            "patient_id": [f"p{n:02}" for n in person],
            "source": "toy",
            "label": (person < patients // 2).astype(int),
        }
    )


def noise(cases: pd.DataFrame, seed: int = 0) -> np.ndarray:
    shape = (len(cases), SIZE, SIZE)
    return np.random.default_rng(seed).integers(0, 200, shape).astype(np.uint8)


def aucs(table: pd.DataFrame) -> dict[str, float]:
    return dict(zip(table["shown"], table["auc"], strict=True))


# What is seen


def test_regions_see_what_they_say():
    frame, corners = (make(0.1).mask(32) for make in (shortcuts.frame_only, shortcuts.corners_only))
    assert frame.sum() == 32**2 - 26**2 and corners.sum() == 4 * 9
    assert not (corners & ~frame).any()
    centre = shortcuts.centre_blacked_out(0.5).mask(32)
    assert (~centre).sum() == 16**2 and not centre[8:24, 8:24].any()
    assert shortcuts.whole_image().mask(32).all()
    for region in shortcuts.REGIONS:
        for size in (8, 32, 64, 224):
            seen = region.mask(size)
            assert seen.any() and (region.kind == "whole" or not seen.all())
            assert np.array_equal(seen, seen[::-1]) and np.array_equal(seen, seen.T)


def test_a_hidden_centre_is_a_frame_told_from_the_other_end():
    hidden, frame = shortcuts.centre_blacked_out(0.8), shortcuts.frame_only(0.1)
    assert np.array_equal(hidden.mask(64), frame.mask(64))


@pytest.mark.parametrize("wrong", [("frame", 0.5), ("corners", 0), ("centre", 1.0), ("lungs", 0.1)])
def test_impossible_regions_are_refused(wrong):
    with pytest.raises(CXRLabError, match="Choose"):
        shortcuts.Region(*wrong)


# How it is scored


def test_the_probe_is_scikit_learns_cross_validation():
    cases = toy_cases()
    inputs = np.random.default_rng(1).normal(size=(len(cases), 5))
    inputs[:, 0] += 0.4 * cases["label"]
    found = shortcuts.probe("five numbers", inputs, cases, seed=3)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    folds = patient_folds(cases, 3)
    scores = cross_val_predict(model, inputs, cases["label"], cv=folds, method="predict_proba")
    assert found["auc"] == pytest.approx(roc_auc_score(cases["label"], scores[:, 1]))
    assert found["low"] < found["auc"] < found["high"]
    assert (found["images"], found["patients"], found["positives"]) == (80, 40, 40)


def test_folds_keep_patients_and_what_looks_alike_together_and_hold_each_image_out_once():
    cases = toy_cases()
    pairs = [("i000", "i010"), ("i010", "i079")]  # three patients, of both labels
    folds = patient_folds(cases, 0, pairs)
    assert sorted(np.concatenate([held_out for _, held_out in folds])) == list(range(80))
    for train, held_out in folds:
        patients = cases["patient_id"].to_numpy()
        assert not set(patients[train]) & set(patients[held_out])
        assert len({0, 10, 79} & set(held_out)) in (0, 3)


def test_a_mark_in_the_corner_is_found_there_and_nowhere_else():
    cases = toy_cases(each=1)
    pictures = noise(cases)
    pictures[cases["label"] == 1, :2, :2] = 255
    inner = pictures.copy()
    inner[:, :2, :2] = 0
    regions = [shortcuts.corners_only(0.1), shortcuts.frame_only(0.1)]
    with_mark = shortcuts.region_probe(cases, regions, pictures=pictures)
    without = shortcuts.region_probe(cases, regions, pictures=inner)
    assert aucs(with_mark)["corners of 10 %"] > 0.95
    assert aucs(without)["corners of 10 %"] < 0.8
    assert list(with_mark) == list(shortcuts.COLUMNS)


def test_the_order_of_the_rows_does_not_matter():
    cases = toy_cases()
    pictures = noise(cases)
    order = np.random.default_rng(5).permutation(len(cases))
    regions = [shortcuts.frame_only(0.2)]
    first = shortcuts.region_probe(cases, regions, pictures=pictures)
    other = shortcuts.region_probe(cases.iloc[order], regions, pictures=pictures[order])
    pd.testing.assert_frame_equal(first, other)


def test_unusable_cases_are_refused_in_words():
    cases = toy_cases()
    with pytest.raises(CXRLabError, match="both labels"):
        shortcuts.region_probe(cases.assign(label=1), pictures=noise(cases))
    with pytest.raises(CXRLabError, match="79 pictures of 80 cases"):
        shortcuts.region_probe(cases, pictures=noise(cases)[1:])


def test_the_probe_sees_no_label_of_the_held_out():
    rng = np.random.default_rng(0)
    inputs, labels = rng.normal(size=(20, 4)), np.arange(20) % 2
    scores = linear(inputs, labels, rng.normal(size=(7, 4)))
    assert scores.shape == (7,) and ((scores >= 0) & (scores <= 1)).all()


# Files


def test_the_header_is_read_without_pixels(phantom_data):
    cases = prepare(phantom_data).cases
    features = shortcuts.header_features(cases)
    assert list(features) == ["width", "height", "mode", "format", "bytes a pixel"]
    assert list(features.index) == list(cases["image_id"])
    assert features["bytes a pixel"].between(0.01, 8).all()


def test_normals_of_two_sources_hold_nobody_ill(phantom_data):
    found = shortcuts.normals_of(load_catalog(phantom_data, "mixed")).cases
    assert set(found["finding"].str.lower()) <= {"normal", "no finding"}
    sources = found.groupby("label")["source"].unique().map(list).to_dict()
    assert sources == {0: ["chest_xray"], 1: ["nih-no-finding"]}
    with pytest.raises(CXRLabError, match="Two classes are needed"):
        shortcuts.normals_of(load_catalog(phantom_data, "kermany"))


def test_the_second_source_is_whoever_lends_the_adults(phantom_data):
    catalog = load_catalog(phantom_data, "mixed")
    lender = "Actualmed-COVID-chestxray-dataset"
    lent = catalog.assign(source=catalog["source"].replace("nih-no-finding", lender))
    lent["view"] = lent["view"].mask(lent["source"] == lender, "PA")
    own, found = shortcuts.normals_of(catalog).cases, shortcuts.normals_of(lent).cases
    assert set(found.loc[found["label"] == 1, "source"]) == {lender}
    pd.testing.assert_series_equal(found["image_id"], own["image_id"])


def test_without_the_files_of_other_findings_there_is_nothing_to_compare(phantom_data):
    catalog = load_catalog(phantom_data)
    assert shortcuts.has_other_findings(catalog)
    positive = catalog["finding"].str.contains("COVID-19", na=False)
    fetched = catalog.assign(path=catalog["path"].where(positive, "/nowhere/x.png"))
    assert not shortcuts.has_other_findings(fetched)
    with pytest.raises(CXRLabError, match="Two classes are needed"):
        shortcuts.same_source_cases(fetched)


def test_same_source_negatives_come_from_the_covid_source_alone(phantom_data):
    found = shortcuts.same_source_cases(load_catalog(phantom_data)).cases
    assert set(found["source"]) == {"covid-chestxray-dataset"}
    assert set(found["view"]) == {"PA"} and set(found["modality"]) == {"X-ray"}
    covid = found["finding"].str.startswith("COVID-19")
    assert (covid == (found["label"] == 1)).all() and 0 < covid.sum() < len(found)


@pytest.mark.slow
def test_on_phantoms_with_the_dial_off_no_source_shows(course_phantoms):
    catalog = load_catalog(course_phantoms, "mixed")
    found = aucs(shortcuts.source_probe(catalog, resamples=100))
    assert all(0.35 <= found[name] <= 0.65 for name in found), found


@pytest.mark.real
@pytest.mark.slow
def test_on_real_xrays_the_class_shows_beside_the_lungs(real_data):
    regions = [shortcuts.whole_image(), shortcuts.frame_only(0.1)]
    children, adults = (prepare(real_data, kind) for kind in ("kermany", "adult"))
    published, fairer = (
        aucs(shortcuts.region_probe(p.cases, regions, together=p.near)) for p in (children, adults)
    )
    assert published["whole image"] > 0.98 and published["frame of 10 %"] > 0.97
    assert 0.90 < fairer["whole image"] < 0.98 and 0.75 < fairer["frame of 10 %"] < 0.90
    catalog = load_catalog(real_data, "mixed")
    assert aucs(shortcuts.source_probe(catalog))["whole image"] > 0.99
    same = shortcuts.same_source_probe(catalog).iloc[0]
    assert same["high"] < published["whole image"] and same["auc"] < 0.8
