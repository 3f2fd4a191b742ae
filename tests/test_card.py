"""A card is made of what a run holds, and says what it does not hold."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cxrlab import card
from cxrlab.card import HINTS, model_card, my_card, write_line
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, write_json
from cxrlab.metrics import evaluate
from cxrlab.sources import ALL_SOURCES

ELSEWHERE, CHECKS = "Performance on X-rays from elsewhere", "Checks against shortcuts"


def toy_cases(seed: int = 0) -> pd.DataFrame:
    """60 positives of 30 patients and 40 children, with scores that part them mostly."""
    rng, n = np.random.default_rng(seed), np.arange(60)
    ill = pd.DataFrame({"image_id": [f"covid-chestxray-dataset/{i}.png" for i in n]})
    ill["patient_id"] = [f"covid-chestxray-dataset/{i // 2}" for i in n]
    ill = ill.assign(source="covid-chestxray-dataset", sex="F", age=50.0, view="PA", label=1)
    ill.loc[40:, ["sex", "age"]] = [None, np.nan]
    well = pd.DataFrame({"image_id": [f"chest_xray/{i}.png" for i in range(40)]})
    well = well.assign(patient_id=well["image_id"], source="chest_xray", view="AP", label=0)
    cases = pd.concat([ill, well], ignore_index=True)
    return cases.assign(score=np.clip(rng.normal(0.3 + 0.4 * cases["label"], 0.2), 0, 1))


def report_of(cases: pd.DataFrame):
    return evaluate(cases["label"], cases["score"], 0.5, cases["patient_id"], 50)


def make_run(folder: Path, **settings) -> Path:
    """A finished run without a network: all that a card needs."""
    cases = toy_cases()
    known = {"command": "train", "simulated": False, "budget": {"resamples": 50}}
    folder.mkdir()
    write_json(folder / "settings.json", known | settings)
    parts = np.resize(["train", "train", "validation", "test"], cases["patient_id"].nunique())
    part = dict(zip(cases["patient_id"].unique(), parts, strict=True))
    split = cases[["image_id", "patient_id", "label"]].assign(part=cases["patient_id"].map(part))
    split.to_csv(folder / "split.csv", index=False)
    cases.to_csv(folder / "predictions.csv", index=False)
    found = {"group": ["COVID-19", "children"], "images": [60, 40], "patients": [30, 40]}
    found |= dict(called=[0.8, 0.1], low=[0.7, 0], high=[0.9, 0.2])
    found |= dict(auc=[None, 0.9], auc_low=[None, 0.8], auc_high=[None, 0.95])
    pd.DataFrame(found).to_csv(folder / "by_source.csv", index=False)
    write_json(folder / "metrics.json", report_of(cases) | {"threshold_from": "given"})
    return folder


@pytest.fixture
def run(tmp_path) -> Path:
    return make_run(tmp_path / "run")


def text_of(run: Path, heading: str = "") -> str:
    """The card of a run, or the text under one of its headings."""
    made = model_card(run)
    return made.split(f"\n## {heading}\n")[1].split("\n## ")[0] if heading else made


def rows(text: str) -> list[list[str]]:
    """The cells of all tables, heads included and rules left out."""
    lines = [line for line in text.splitlines() if line.startswith("|") and ":--" not in line]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def pairs(run: Path, heading: str) -> dict[str, str]:
    """The tables with two columns under a heading."""
    return dict(row for row in rows(text_of(run, heading)) if len(row) == 2)


def status(run: Path, topic: str) -> str:
    return next(row[1] for row in rows(text_of(run, "Reporting items")) if row[0] == topic)


def test_the_metrics_are_those_of_the_run(run):
    content, shown = read_json(run / "metrics.json"), pairs(run, "Metrics")
    for name, words in {"recall": "recall", "roc_auc": "ROC AUC", "f1": "F1"}.items():
        low, high = content[name]["interval"]
        assert shown[words] == f"{content[name]['value']:.2f} ({low:.2f} to {high:.2f})"
    assert f"{content['tp']} (true positives) | {content['fn']} (missed)" in text_of(run)


def test_counts_are_those_of_the_split(run):
    text, split = text_of(run, "Data"), pd.read_csv(run / "split.csv")
    test = split[(split["part"] == "test") & (split["label"] == 1)]
    counts = [str(len(test)), str(test["patient_id"].nunique())]
    assert ["test", "COVID-19", "covid-chestxray-dataset", *counts] in rows(text)
    assert ALL_SOURCES["chest_xray"].allows in text
    assert ALL_SOURCES["nih-no-finding"].title not in text


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"simulated": True, "confounding": 1.0}, [True, True, True]),
        ({"simulated": True, "confounding": 0.0}, [True, False, False]),
        ({"simulated": False}, [False, False, True]),
    ],
)
def test_simulated_and_real_are_told_apart(settings, said, tmp_path):
    text = text_of(make_run(tmp_path / "run", **settings))
    words = ("> **SIMULATED", "strength of confounding: 1", "come from different sources")
    assert [each in text for each in words] == said
    assert ("**Phantoms.**" in text) == ("Licence: CC BY 4.0." not in text) == said[0]
    assert "> **Not for medical use" in text


def test_subgroups_are_silent_where_small_or_unstated(run):
    table = {tuple(row[:2]): row[4:] for row in rows(text_of(run, "Subgroups"))}
    assert re.fullmatch(r"\d\.\d\d \(.+ to .+\)", table["sex", "F"][0])
    assert table["sex", "F"][1] == "too few"  # there are no healthy women
    assert table["sex", "not stated"] == ["not stated", "not stated"]


def test_the_status_of_an_item_follows_the_run(run):
    assert status(run, ELSEWHERE) == "open"
    other = report_of(toy_cases(1)) | {"name": "Hospital B"}
    write_json(run / "external.json", other)
    assert status(run, ELSEWHERE) == "answered" and "Hospital B" in text_of(run, "Other cases")
    write_json(run / "external.json", other | {"threshold": 0.4})  # not the run's frozen one
    assert status(run, ELSEWHERE) == "open" and "anywhere else" in text_of(run, "Limits")


def test_shortcuts_are_open_or_answered(run):
    assert "| children | 40 | 40 | 0.10 (0.00 to 0.20) |" in text_of(run, "Shortcuts")
    hidden = toy_cases().assign(frame_only=lambda c: c["score"], lungs_hidden=0.5)
    hidden.to_csv(run / "predictions.csv", index=False)
    shown = pairs(run, "Shortcuts")
    assert shown["all but the boxes of the lungs"].startswith("0.50")
    assert shown["its outer tenth"] == shown["the whole X-ray"]
    assert status(run, CHECKS) == "open" and "calls healthy adults ill" in text_of(run, "Limits")
    groups = pd.read_csv(run / "by_source.csv")
    pd.concat([groups, groups[1:].assign(group="adults")]).to_csv(run / "by_source.csv")
    assert status(run, CHECKS) == "answered" and "not tested." not in text_of(run, "Limits")


def test_training_is_told_in_words(tmp_path):
    run = make_run(tmp_path / "run", threshold=None, negatives="kermany", augmentation="none")
    board = {"dense_units": [128, 64], "dropout_1": [0.2, 0.5], "val_loss": [0.1, 0.2]}
    pd.DataFrame(board).to_csv(run / "leaderboard.csv", index=False)
    history = {"epoch": [1, 2, 3], "val_loss": [0.5, 0.35, 0.4]}
    pd.DataFrame(history).to_csv(run / "history.csv", index=False)
    text = text_of(run, "Training")
    assert "best of 2 tried settings was trained, dense units 128, dropout 1 0.2." in text
    assert "lowest in epoch 2, 0.350" in text and "augmentation" not in text
    assert ["negatives", "children (kermany)"] in rows(text)
    assert "Threshold 0.500, given." in text


def test_an_unfinished_or_damaged_run_is_a_plain_message(run):
    (run / "predictions.csv").unlink()
    with pytest.raises(CXRLabError, match="lacks 'predictions'"):
        model_card(run)
    (run / "metrics.json").unlink()
    with pytest.raises(CXRLabError, match="holds no finished run"):
        model_card(run)


def test_markup_is_shown_as_it_stands_and_rows_are_as_long_as_their_head(tmp_path):
    text = text_of(make_run(tmp_path / "run", note="<script>x</script> | **bold** [a](b) `c`"))
    assert "<script>" not in re.sub(r"\\<", "", text)
    assert len(next(row for row in rows(text) if row[0] == "note")) == 2
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        assert len({len(re.split(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


@pytest.mark.parametrize("name", ALL_SOURCES)
def test_every_source_has_its_pitfalls(run, name):
    split = pd.read_csv(run / "split.csv")
    split["image_id"] = name + "/" + split["image_id"].str.partition("/")[2]
    split.to_csv(run / "split.csv", index=False)
    title = re.escape(card.as_it_stands(ALL_SOURCES[name].title))
    assert re.search(rf"\*\*{title}\.\*\* \w.+ Licence: ", text_of(run, "Data"))


def test_the_readers_lines_are_kept_and_replaced(tmp_path, capsys):
    space = SimpleNamespace(folder=tmp_path, simulated=True)
    write_line(space, "Limits", "First.")
    write_line(space, "Limits", "- <b>One</b>\n\n# hospital")
    write_line(space, "Data", ...)
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "Data stays open on your card: nothing was written."
    write_line(space, "Limits", "...")  # an empty sentence takes nothing away
    text = my_card(space)
    assert r"**Limits.** \- \<b\>One\</b\> \# hospital" in text and "SIMULATED" in text
    assert f"**Data.** *Open: {HINTS['Data']}.*" in text and "6 of 7 sections are open" in text
    with pytest.raises(CXRLabError, match="no section 'Jokes'. It has Intended use, Data"):
        write_line(space, "Jokes", "Ha.")


def test_a_recipes_card_says_where_its_threshold_holds_and_that_it_does_elsewhere_not(tmp_path):
    run = make_run(tmp_path / "run", recipe="robust")
    called = {"chest_xray": {"value": 0.04, "interval": [0.02, 0.08]}}
    known = {"value": 0.5, "interval": [0.41, 0.62], "called_positive": called}
    write_json(run / "threshold.json", known)
    text = model_card(run)
    assert r"healthy people of chest\_xray (0.04 (0.02 to 0.08) called positive), and now" in text
    assert "Its interval is 0.410 to 0.620." in text
    assert "The network in this folder has learned from all of them." in text
