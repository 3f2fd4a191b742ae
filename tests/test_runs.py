"""RUN folders: what train and tune leave, and what evaluate and predict make of it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cxrlab import case_files, runs
from cxrlab.cases import prepare
from cxrlab.choices import Budget
from cxrlab.elsewhere import external_report
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json
from cxrlab.metrics import METRICS
from cxrlab.splits import check_split, load_manifest
from cxrlab.tuning import Plan

BUDGET = Budget("test", 16, 1, 1, 2, 1, 1, 100)


def quiet(_: str) -> None:
    pass


def train_small(out, data, **choices):
    return runs.train_run(out, data, BUDGET, runs.TrainPlan(**choices), quiet)


@pytest.fixture(scope="module")
def run(phantom_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    train_small(folder, phantom_data)
    return folder


def check_metrics(metrics: dict) -> None:
    assert metrics["tp"] + metrics["fp"] + metrics["fn"] + metrics["tn"] == metrics["n"]
    assert metrics["prevalence"] == pytest.approx((metrics["tp"] + metrics["fn"]) / metrics["n"])
    assert 0 <= metrics["threshold"] <= 1
    for name in METRICS:
        low, high = metrics[name]["interval"]
        value = metrics[name]["value"]
        assert (value is None) == (low is None) == (high is None)
        assert value is None or 0 <= low <= value <= high <= 1


def test_a_run_holds_everything_that_its_page_promises(run):
    names = {path.name for path in run.iterdir()}
    promised = {"model.keras", "metrics.json", "history.csv", "split.csv", "settings.json"}
    assert promised | {"predictions.csv", "by_source.csv"} == names
    check_metrics(read_json(run / "metrics.json"))
    assert read_json(run / "metrics.json")["threshold_from"] == "validation"


def test_the_split_of_a_run_holds_on_the_same_data(run, phantom_data):
    prepared = prepare(phantom_data)
    split = load_manifest(run / "split.csv", prepared.cases)
    assert check_split(split) == []
    assert set(split.test["image_id"]) == set(pd.read_csv(run / "predictions.csv")["image_id"])


def test_the_metrics_are_those_of_the_predictions(run):
    metrics = read_json(run / "metrics.json")
    scored = pd.read_csv(run / "predictions.csv")
    calls = scored["score"] >= metrics["threshold"]
    assert metrics["tp"] == int((calls & (scored["label"] == 1)).sum())
    assert metrics["fp"] == int((calls & (scored["label"] == 0)).sum())


def test_a_finished_run_is_not_trained_again(run, phantom_data):
    before = (run / "model.keras").stat().st_mtime_ns
    said = []
    again = runs.train_run(run, phantom_data, BUDGET, runs.TrainPlan(), said.append)
    assert again == read_json(run / "metrics.json")
    assert (run / "model.keras").stat().st_mtime_ns == before
    assert "nothing was done" in said[0]


def test_another_run_is_not_overwritten(run, phantom_data):
    with pytest.raises(CXRLabError, match="whose seed is 0; this one's is 1"):
        train_small(run, phantom_data, seed=1)


def test_a_folder_with_other_files_is_left_alone(tmp_path, phantom_data):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(CXRLabError, match="is not empty"):
        train_small(tmp_path, phantom_data)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_folds_test_every_case_once_and_an_interrupted_run_goes_on(
    tmp_path, phantom_data, monkeypatch
):
    out, trained = tmp_path / "run", []
    really = runs.examine

    def stop_in_the_second_fold(*arguments):
        trained.append(arguments)
        if len(trained) == 2:
            raise KeyboardInterrupt
        return really(*arguments)

    monkeypatch.setattr(runs, "examine", stop_in_the_second_fold)
    with pytest.raises(KeyboardInterrupt):
        train_small(out, phantom_data, folds=2)
    assert not (out / "metrics.json").exists()
    metrics = train_small(out, phantom_data, folds=2)
    assert len(trained) == 3  # the first fold once, the second one twice

    check_metrics(metrics)
    assert metrics["threshold"] == 0.5
    scored = pd.read_csv(out / "predictions.csv")
    assert sorted(scored["image_id"]) == sorted(prepare(phantom_data).cases["image_id"])
    assert scored.groupby("patient_id")["fold"].nunique().max() == 1
    assert {"model.keras", "history.csv", "split.csv"} <= {path.name for path in out.iterdir()}


def test_one_fold_is_refused(tmp_path, phantom_data):
    with pytest.raises(CXRLabError, match="needs 2 or more"):
        train_small(tmp_path / "run", phantom_data, folds=1)


def test_a_search_leaves_a_run_and_takes_more_trials(tmp_path, phantom_data):
    out = tmp_path / "run"
    metrics, board = runs.tune_run(out, phantom_data, BUDGET, Plan(trials=1), say=quiet)
    check_metrics(metrics)
    assert len(board) == 1
    names = {path.name for path in out.iterdir()}
    promised = {"model.keras", "metrics.json", "history.csv", "split.csv", "settings.json"}
    promised |= {"leaderboard.csv", "recording.json", "search", "predictions.csv", "by_source.csv"}
    assert promised == names
    _, board = runs.tune_run(out, phantom_data, BUDGET, Plan(trials=2), say=quiet)
    assert len(pd.read_csv(out / "leaderboard.csv")) == len(board) == 2


def write_cases(path, rows: list[dict]):
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.fixture
def own_cases(tmp_path):
    rows = []
    for number in range(4):
        noise = np.random.default_rng(number).integers(0, 255, (60, 50), np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{number}.png")
        rows.append({"path": f"{number}.png", "label": number % 2})
    return rows


def test_own_cases_are_scored_at_the_frozen_threshold(run, tmp_path, own_cases):
    model, threshold = runs.open_run(run)
    assert threshold == read_json(run / "metrics.json")["threshold"]
    own_cases[0]["path"] = str(tmp_path / "0.png")  # absolute
    own_cases.append({"path": "gone.png", "label": 1})
    cases = case_files.read_cases(write_cases(tmp_path / "cases.csv", own_cases))
    scored = case_files.score_cases(model, cases)
    assert len(scored.cases) == 4
    assert scored.cases["score"].between(0, 1).all()
    assert list(scored.left_out["reason"]) == ["missing"]
    report = external_report(scored.cases, threshold, resamples=100)
    assert json.dumps(report.to_json())
    assert report.report.patients == 4  # without patient_id every row is a patient


def test_patients_of_own_cases_count_once(tmp_path, own_cases):
    rows = [{**row, "patient_id": "same"} for row in own_cases]
    cases = case_files.read_cases(write_cases(tmp_path / "cases.csv", rows))
    assert cases["patient_id"].nunique() == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file,label\na.png,1\n", "no column 'path'.*it has file, label"),
        ("path,label\na.png,ill\n", "line 2: the label is 'ill'"),
        ("path,label\na.png,\n", "line 2: the label is ''"),
        ("path,label\n", "lists no cases"),
        ("", "cannot be read as a CSV"),
        (b"path,label\n\xff\xfe\xfa.png,1\n", "cannot be read as a CSV in UTF-8"),
    ],
)
def test_wrong_case_files_are_plain_messages(tmp_path, content, message):
    path = tmp_path / "cases.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CXRLabError, match=message):
        case_files.read_cases(path)


def test_a_missing_case_file_and_a_missing_run_are_plain_messages(tmp_path):
    with pytest.raises(CXRLabError, match="There is no file"):
        case_files.read_cases(tmp_path / "cases.csv")
    with pytest.raises(CXRLabError, match="holds no finished run"):
        runs.open_run(tmp_path)


def test_cases_of_which_none_can_be_read_say_why(run, tmp_path):
    model, _ = runs.open_run(run)
    path = write_cases(tmp_path / "cases.csv", [{"path": "gone.png", "label": 1}])
    with pytest.raises(CXRLabError, match="None of the 1 X-rays could be read.*missing"):
        case_files.score_cases(model, case_files.read_cases(path))
