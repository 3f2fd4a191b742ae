"""cxrlab train, tune, evaluate, predict and data, as typed on a command line."""

from __future__ import annotations

import math
import shutil

import pandas as pd
import pytest
from typer.testing import CliRunner

from cxrlab.cli import app
from cxrlab.files import read_json
from cxrlab.metrics import SHARES
from cxrlab.sources.covid import NAME as COVID

COUNTS = ["n", "prevalence", "threshold", "tp", "fp", "fn", "tn"]


def cxrlab(*words) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def run(phantom_data, tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "run"
    choices = ["--budget", "smoke", "--negatives", "mixed", "--seed", "1"]
    code, said = cxrlab("train", "--data", phantom_data, *choices, "--out", out)
    assert code == 0, said
    assert "recall" in said
    assert "Not for medical use" in said
    check_json(read_json(out / "metrics.json"))
    assert read_json(out / "settings.json")["negatives"] == "mixed"
    return out


def check_json(content: dict) -> None:
    assert set(COUNTS) <= set(content)
    for name in (*SHARES, "roc_auc"):
        assert set(content[name]) == {"value", "interval"}
        assert len(content[name]["interval"]) == 2
    assert not any(isinstance(x, float) and math.isnan(x) for x in content.values())


def test_evaluate_takes_cases_of_the_readers_own(run, phantom_data, tmp_path):
    files = sorted((phantom_data / "chest_xray" / "train" / "NORMAL").iterdir())[:6]
    rows = [
        {"path": path, "label": n % 2, "sex": "FM"[n % 2], "age": "41" if n else "", "view": "[/x]"}
        for n, path in enumerate(files)
    ]
    rows.append({"path": "gone.png", "label": 0})
    pd.DataFrame(rows).to_csv(tmp_path / "CASES.csv", index=False)
    code, said = cxrlab("evaluate", run, tmp_path / "CASES.csv", "--json", tmp_path / "out.json")
    assert code == 0, said
    for words in ("1 images were left out", "missing", "By subgroup", "40-59", "too few", "[/x]"):
        assert words in said
    content = read_json(tmp_path / "out.json")
    check_json(content)
    assert content["n"] == 6
    assert content["threshold"] == read_json(run / "metrics.json")["threshold"]


def test_evaluate_takes_a_folder_with_a_subfolder_for_each_class(run, phantom_data, tmp_path):
    files = sorted((phantom_data / "chest_xray" / "train" / "NORMAL").iterdir())
    folder = tmp_path / "hospital"
    for name, some in (("positive", files[:3]), ("negative", files[3:6])):
        (folder / name).mkdir(parents=True)
        for file in some:
            shutil.copy(file, folder / name)
    code, said = cxrlab("evaluate", run, folder, "--json", tmp_path / "out.json")
    assert code == 0, said
    assert "By subgroup" not in said  # nobody says who is in the folder
    content = read_json(tmp_path / "out.json")
    check_json(content)
    assert content["name"] == "hospital"
    assert (content["tp"] + content["fn"], content["n"]) == (3, 6)
    assert {"brier", "calibration_slope", "subgroups"} <= set(content)
    code, said = cxrlab("evaluate", run, folder, "--json", tmp_path)
    assert (code, "recall" in said) == (1, True)  # the numbers are shown all the same
    assert f"Cannot use {tmp_path} (" in said


def test_evaluate_leaves_out_the_patients_that_the_run_has_learned_from(
    run, phantom_data, tmp_path
):
    parts = pd.read_csv(run / "split.csv")
    code, said = cxrlab("evaluate", run, phantom_data, "--json", tmp_path / "out.json")
    assert code == 0, said
    learned = int((parts["part"] != "test").sum())
    content = read_json(tmp_path / "out.json")
    assert content["learned_from"] >= learned
    assert f"{content['learned_from']} X-rays of patients that the run has learned from" in said
    tested = parts.loc[parts["part"] == "test", "patient_id"].nunique()
    assert content["patients"] >= tested


def test_report_writes_the_card_of_a_run(run, tmp_path):
    code, said = cxrlab("report", run, "--out", tmp_path)
    assert code == 0, said
    assert "Not for medical use" in said
    page = (tmp_path / "model-card.md").read_text(encoding="utf-8")
    assert "SIMULATED" in page
    assert "chest\\_xray" in page
    code, said = cxrlab("report", run, "--out", tmp_path / "model-card.md")
    assert (code, said.startswith("Cannot use ")) == (1, True)


def test_predict_scores_images_and_says_which_it_cannot_read(run, phantom_data, tmp_path):
    images = sorted((phantom_data / "nih-no-finding").iterdir())[:2]
    code, said = cxrlab("predict", run, *images)
    assert code == 0, said
    assert said.count("score 0.") + said.count("score 1.") == 2
    assert "Not for medical use" in said
    (tmp_path / "note.png").write_text("no image")
    code, said = cxrlab("predict", run, images[0], tmp_path / "note.png")
    assert code == 1
    assert "not an image" in said


def test_tune_shows_a_leaderboard(phantom_data, tmp_path):
    choices = ["--budget", "smoke", "--trials", "1", "--space", "shared"]
    code, said = cxrlab("tune", "--data", phantom_data, *choices, "--out", tmp_path / "run")
    assert code == 0, said
    assert "val_loss" in said
    check_json(read_json(tmp_path / "run" / "metrics.json"))


def test_data_status_counts_what_is_usable_and_what_is_not(phantom_data):
    code, said = cxrlab("data", "status", "--data", phantom_data)
    assert code == 0, said
    assert "simulated" in said
    assert COVID in said
    assert "missing" in said
    assert "truncated" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate", "nowhere", "cases.csv"], "cases.csv cannot be read: missing"),
        (["predict", "nowhere", "a.png"], "holds no finished run"),
        (["report", "nowhere"], "holds no finished run"),
        (["train", "--data", "nowhere", "--out", "run"], "is not a folder"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_1(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said = cxrlab(*words)
    assert code == 1
    assert message in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
