"""cxrlab train, tune, evaluate, predict and data, as typed on a command line."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from cxrlab.cli import app
from cxrlab.files import read_json
from cxrlab.metrics import SHARES
from cxrlab.sources.covid import NAME as COVID

COUNTS = ["n", "prevalence", "threshold", "tp", "fp", "fn", "tn"]


def cxrlab(*words, code=0) -> str:
    """What the command says, which is to end with this exit code."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture(scope="module")
def run(phantom_data, tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "run"
    choices = ["--budget", "smoke", "--negatives", "mixed", "--seed", "1"]
    said = cxrlab("train", "--data", phantom_data, *choices, "--out", out)
    assert "recall" in said and "Not for medical use" in said
    check_json(out / "metrics.json")
    assert read_json(out / "settings.json")["negatives"] == "mixed"
    return out


@pytest.fixture
def healthy(phantom_data):
    """Six X-rays of children."""
    return sorted((phantom_data / "chest_xray" / "train" / "NORMAL").iterdir())[:6]


def check_json(file) -> dict:
    content = read_json(file)
    assert set(COUNTS) <= set(content)
    for name in (*SHARES, "roc_auc"):
        assert set(content[name]) == {"value", "interval"}
        assert len(content[name]["interval"]) == 2
    return content


def test_evaluate_takes_cases_of_the_readers_own(run, healthy, tmp_path):
    rows = [
        {"path": path, "label": n % 2, "sex": "FM"[n % 2], "age": "41" if n else "", "view": "[/x]"}
        for n, path in enumerate(healthy)
    ]
    rows.append({"path": "gone.png", "label": 0})
    pd.DataFrame(rows).to_csv(tmp_path / "CASES.csv", index=False)
    said = cxrlab("evaluate", run, tmp_path / "CASES.csv", "--json", tmp_path / "out.json")
    for words in ("1 images were left out", "missing", "By subgroup", "40-59", "too few", "[/x]"):
        assert words in said
    content = check_json(tmp_path / "out.json")
    assert (content["name"], content["n"]) == ("CASES.csv", 6)
    assert content["threshold"] == read_json(run / "metrics.json")["threshold"]
    assert {"brier", "calibration_slope", "subgroups"} <= set(content)
    said = cxrlab("evaluate", run, tmp_path / "CASES.csv", "--json", tmp_path, code=1)
    assert "recall" in said and f"Cannot use {tmp_path} (" in said  # the numbers are shown


def test_evaluate_leaves_out_the_patients_that_the_run_has_learned_from(
    run, phantom_data, tmp_path
):
    parts = pd.read_csv(run / "split.csv")
    said = cxrlab("evaluate", run, phantom_data, "--json", tmp_path / "out.json")
    content = read_json(tmp_path / "out.json")
    assert content["learned_from"] >= (parts["part"] != "test").sum()
    assert f"{content['learned_from']} X-rays of patients that the run has learned from" in said
    assert content["patients"] >= parts.loc[parts["part"] == "test", "patient_id"].nunique()


def test_report_writes_the_card_of_a_run(run, tmp_path):
    assert "Not for medical use" in cxrlab("report", run, "--out", tmp_path)
    page = (tmp_path / "model-card.md").read_text(encoding="utf-8")
    assert "SIMULATED" in page and "chest\\_xray" in page
    said = cxrlab("report", run, "--out", tmp_path / "model-card.md", code=1)
    assert said.startswith("Cannot use ")


def test_predict_scores_images_and_says_which_it_cannot_read(run, healthy, tmp_path):
    said = cxrlab("predict", run, *healthy[:2])
    assert said.count("score 0.") + said.count("score 1.") == 2
    assert "Not for medical use" in said
    (tmp_path / "note.png").write_text("no image")
    assert "not an image" in cxrlab("predict", run, healthy[0], tmp_path / "note.png", code=1)


def test_tune_shows_a_leaderboard(phantom_data, tmp_path):
    choices = ["--budget", "smoke", "--trials", "1", "--space", "shared"]
    said = cxrlab("tune", "--data", phantom_data, *choices, "--out", tmp_path / "run")
    assert "val_loss" in said
    check_json(tmp_path / "run" / "metrics.json")


def test_a_finished_search_is_shown_again():
    said = cxrlab("tune", "--replay", "course")
    for words in ("Recorded on", "The best trials", "0.0001"):
        assert words in said


def test_data_status_counts_what_is_usable_and_what_is_not(phantom_data):
    said = cxrlab("data", "status", "--data", phantom_data)
    for words in ("simulated", COVID, "missing", "truncated"):
        assert words in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate", "nowhere", "cases.csv"], "cases.csv cannot be read: missing"),
        (["predict", "nowhere", "a.png"], "holds no finished run"),
        (["report", "nowhere"], "holds no finished run"),
        (["train", "--data", "nowhere", "--out", "run"], "is not a folder"),
        (["tune"], "Say with --out"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_1(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = cxrlab(*words, code=1)
    assert message in said and "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
