"""Designs: who is learned from, and how all of them meet the same unseen people."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from cxrlab.choices import Budget
from cxrlab.designs import (
    RECIPES,
    Design,
    auc_against,
    candidates,
    examine,
    group_table,
    repairs_table,
)
from cxrlab.errors import CXRLabError
from cxrlab.pipeline import decode
from cxrlab.splits import split_by_patient
from cxrlab.training import Settings

BUDGET = Budget("test", 16, 1, 1, 2, 1, 1, 100)


@pytest.fixture(scope="module")
def prepared(phantom_data):
    return candidates(phantom_data)


def scored_table(called: dict[str, list[bool]]) -> pd.DataFrame:
    """A row for each call; the score agrees with the call."""
    rows = [
        {"source": source, "patient_id": f"{source}-{number}", "called": call}
        for source, calls in called.items()
        for number, call in enumerate(calls)
    ]
    table = pd.DataFrame(rows)
    rng = np.random.default_rng(0)
    return table.assign(
        label=(table["source"] == "covid-chestxray-dataset").astype(int),
        score=0.4 * table["called"] + 0.6 * rng.random(len(table)),
    )


def test_without_adults_the_sentence_says_what_is_missing(phantom_data, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(phantom_data, data)
    shutil.rmtree(data / "nih-no-finding")
    with pytest.raises(CXRLabError, match="nih-no-finding"):
        candidates(data)


@pytest.mark.parametrize(
    ("negatives", "sources"),
    [
        ("kermany", {"chest_xray"}),
        ("adult", {"nih-no-finding"}),
        ("mixed", {"chest_xray", "nih-no-finding"}),
    ],
)
def test_a_design_learns_from_as_many_healthy_as_sick(prepared, negatives, sources):
    chosen = Design("x", negatives).chosen(prepared.cases, seed=0)
    healthy = chosen[chosen["label"] == 0]
    assert set(healthy["source"]) == sources
    assert len(healthy) == (chosen["label"] == 1).sum()
    everybody = Design("x", negatives, every=True).chosen(prepared.cases, seed=0)
    assert (
        len(everybody) == prepared.cases["source"].isin([*sources, "covid-chestxray-dataset"]).sum()
    )


def test_the_group_table_counts_calls():
    scored = scored_table(
        {
            "covid-chestxray-dataset": [True] * 9 + [False],
            "chest_xray": [False] * 20,
            "nih-no-finding": [True] * 5 + [False] * 5,
        }
    )
    table = group_table(scored).set_index("group")
    assert list(table.index) == ["COVID-19", "children", "adults"]
    assert list(table["called"]) == pytest.approx([0.9, 0.0, 0.5])
    assert (table["low"] <= table["called"]).all() and (table["called"] <= table["high"]).all()
    assert table.loc["children", "high"] > 0  # none of 20 is not none of all
    assert np.isnan(table.loc["COVID-19", "auc"])
    pair = scored[scored["source"] != "chest_xray"]
    assert table.loc["adults", "auc"] == pytest.approx(roc_auc_score(pair["label"], pair["score"]))


def test_adults_of_two_external_sets_are_one_group():
    names = ("Actualmed-COVID-chestxray-dataset", "Figure1-COVID-chestxray-dataset")
    people = {"covid-chestxray-dataset": [True] * 9 + [False], "chest_xray": [False] * 20}
    lent = scored_table(people | {names[0]: [True] * 5, names[1]: [False] * 5})
    table = group_table(lent).set_index("group")
    assert list(table.index) == ["COVID-19", "children", "adults"]
    assert table.loc["adults", "images"] == 10
    assert table.loc["adults", "called"] == pytest.approx(0.5)
    pair = lent[lent["source"] != "chest_xray"]
    found = auc_against(lent, "adults", "score")
    assert found.value == pytest.approx(roc_auc_score(pair["label"], pair["score"]))


def test_the_table_of_repairs_agrees_with_the_scores():
    rng = np.random.default_rng(1)
    scored = scored_table(
        {
            "covid-chestxray-dataset": [True] * 16 + [False] * 4,
            "chest_xray": [True] + [False] * 19,
            "nih-no-finding": [True] * 12 + [False] * 8,
        }
    )
    scored = scored.assign(frame_only=rng.random(60), lungs_hidden=rng.random(60))
    row = repairs_table({"x": scored}).iloc[0]
    assert (row["recall"], row["children"], row["adults"]) == pytest.approx((0.8, 0.05, 0.6))
    everybody = set(scored["source"])
    for name, healthy, column in (
        ("auc_children", {"chest_xray"}, "score"),
        ("auc_adults", {"nih-no-finding"}, "score"),
        ("auc_all", everybody, "score"),
        ("frame_only", {"chest_xray"}, "frame_only"),
        ("lungs_hidden", everybody, "lungs_hidden"),
    ):
        rows = scored[(scored["label"] == 1) | scored["source"].isin(healthy)]
        assert row[name] == pytest.approx(roc_auc_score(rows["label"], rows[column]))
        assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]


def test_a_group_that_is_not_there_has_no_row():
    scored = scored_table({"covid-chestxray-dataset": [True, False], "chest_xray": [False] * 3})
    assert list(group_table(scored)["group"]) == ["COVID-19", "children"]
    assert auc_against(scored, "adults", "score").value is None


def test_examining_a_design_scores_unseen_people_of_all_groups(prepared, capsys):
    split = split_by_patient(prepared.cases, 0)
    _, scored, threshold = examine(Design("x"), decode(prepared.cases), split, BUDGET)
    assert capsys.readouterr().out.startswith("x: 16 X-rays, best epoch 1, ")
    assert list(scored["image_id"]) == list(split.test["image_id"])
    for name in ("score", "frame_only", "lungs_hidden"):
        assert scored[name].between(0, 1).all()
    assert (scored["called"] == (scored["score"] >= threshold)).all()
    assert scored["source"].nunique() == 3


def test_a_prepared_network_is_asked_about_prepared_xrays(prepared):
    """Cropped to the lung field, it cannot see the frame: hidden or not, the score is the same."""
    split = split_by_patient(prepared.cases, 0)
    xrays = decode(prepared.cases)
    cropped = Design("x", settings=Settings(preparation="lung field"))
    trained, scored, _ = examine(cropped, xrays, cropped.learns_from(split, 0), BUDGET)
    # All but the frame is filled in evenly, and of that only the fill is left after the crop.
    assert scored["score"].nunique() > 5
    from cxrlab.training import made_ready, predict

    test = xrays.of(split.test)
    framed = np.full_like(test.pixels, test.pixels.mean())
    framed[:, 11:-11, 11:-11] = test.pixels[:, 11:-11, 11:-11]  # the outer twentieth
    framed = type(test)(framed, test.labels, test.cases)
    scores = predict(trained.model, made_ready(framed, cropped.settings))
    assert np.allclose(scores, scored["score"], atol=0.02)


def test_a_part_without_negatives_is_a_sentence(prepared):
    children = prepared.cases[prepared.cases["source"] != "nih-no-finding"]
    with pytest.raises(CXRLabError, match="half"):
        Design("half", "mixed").chosen(children, seed=0)


@pytest.mark.real
@pytest.mark.training
def test_most_real_healthy_adults_are_called_positive_by_the_published_design(real_data):
    from cxrlab.choices import get_budget

    people = candidates(real_data)
    split = split_by_patient(people.cases, 0)
    split = RECIPES["published"].learns_from(split, 0)
    _, scored, _ = examine(RECIPES["published"], decode(people.cases), split, get_budget("class"))
    called = group_table(scored).set_index("group")["called"]
    assert called["COVID-19"] >= 0.85
    assert called["children"] <= 0.10
    assert called["adults"] >= 0.5
