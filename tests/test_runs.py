"""RUN folders: what train, tune and repairs leave, and how an interrupted one goes on."""

from __future__ import annotations

import pandas as pd
import pytest

from cxrlab import recordings, runs
from cxrlab.case_files import read_cases
from cxrlab.choices import Budget
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json
from cxrlab.filters import prepare
from cxrlab.metrics import METRICS
from cxrlab.recipes import RECIPES, all_people
from cxrlab.splits import check_split, split_by_patient
from cxrlab.tuning import Plan

BUDGET = Budget("test", 16, 1, 1, 2, 1, 1, 100)


def train_small(out, data, **choices):
    return runs.train_run(out, data, BUDGET, runs.TrainPlan(**choices))


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


def test_the_metrics_are_those_of_the_predictions_and_these_of_the_test_part(run, phantom_data):
    metrics, split = read_json(run / "metrics.json"), pd.read_csv(run / "split.csv")
    scored = pd.read_csv(run / "predictions.csv")
    calls = scored["score"] >= metrics["threshold"]
    assert metrics["tp"] == int((calls & (scored["label"] == 1)).sum())
    assert metrics["fp"] == int((calls & (scored["label"] == 0)).sum())
    assert set(split.loc[split["part"] == "test", "image_id"]) == set(scored["image_id"])
    again = split_by_patient(prepare(phantom_data).cases, 0)
    assert check_split(again) == [] and set(again.test["image_id"]) == set(scored["image_id"])


def test_a_finished_run_is_not_trained_again_nor_overwritten(run, phantom_data, capsys):
    before = (run / "model.keras").stat().st_mtime_ns
    again = train_small(run, phantom_data)
    assert again == read_json(run / "metrics.json")
    assert (run / "model.keras").stat().st_mtime_ns == before
    assert "nothing was done" in capsys.readouterr().out
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
    really = runs.train_split

    def stop_in_the_second_fold(*arguments):
        trained.append(arguments)
        if len(trained) == 2:
            raise KeyboardInterrupt
        return really(*arguments)

    monkeypatch.setattr(runs, "train_split", stop_in_the_second_fold)
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
    with pytest.raises(CXRLabError, match="2 or more"):
        train_small(tmp_path / "run", phantom_data, folds=1)


def test_a_search_leaves_a_run_and_takes_more_trials(tmp_path, phantom_data):
    out = tmp_path / "run"
    metrics, board = runs.tune_run(out, phantom_data, BUDGET, Plan(trials=1))
    check_metrics(metrics)
    assert len(board) == 1
    names = {path.name for path in out.iterdir()}
    promised = {"model.keras", "metrics.json", "history.csv", "split.csv", "settings.json"}
    promised |= {"leaderboard.csv", "recording.json", "search", "predictions.csv", "by_source.csv"}
    assert promised == names
    _, board = runs.tune_run(out, phantom_data, BUDGET, Plan(trials=2))
    assert len(pd.read_csv(out / "leaderboard.csv")) == len(board) == 2


@pytest.mark.parametrize(
    "content",
    [
        "file,label\na.png,1\n",
        "path,label\na.png,ill\n",
        "path,label\na.png,\n",
        "path,label\n",
        "",
    ],
)
def test_wrong_case_files_and_a_missing_run_are_plain_messages(tmp_path, content):
    (tmp_path / "cases.csv").write_text(content)
    with pytest.raises(CXRLabError, match=r"cases\.csv"):
        read_cases(tmp_path / "cases.csv")
    with pytest.raises(CXRLabError, match="holds no finished run"):
        runs.open_run(tmp_path)


# Repairs


KERMANY, NIH = "chest_xray", "nih-no-finding"
ONE = runs.Proof(recipes=["published"], home=[KERMANY])


@pytest.fixture(scope="module")
def repaired(phantom_data, tmp_path_factory):
    """The folder of a run of one recipe with children at home, and its recording."""
    folder = tmp_path_factory.mktemp("repairs") / "run"
    return folder, runs.repairs_run(folder, phantom_data, BUDGET, ONE)


def test_a_recipe_is_tested_on_everybody_at_home_once_and_on_the_left_out(repaired, phantom_data):
    folder, recording = repaired
    people = all_people(phantom_data)
    home, away = (
        pd.read_csv(folder / "published-from-chest_xray" / f"{name}.csv")
        for name in ("home", "away")
    )
    assert home["image_id"].is_unique and set(home["fold"]) == {1, 2}
    assert set(home["image_id"]) == set(people.loc[people["source"] != NIH, "image_id"])
    assert set(away["image_id"]) == set(people.loc[people["source"] == NIH, "image_id"])
    row = recording.table.iloc[0]
    assert (row["repair"], row["home"], row["left_out"]) == ("published", KERMANY, NIH)
    assert row["false_elsewhere"] == (away["score"] >= row["threshold"]).mean()
    ill = home[home["label"] == 1]
    assert row["recall"] == (ill["score"] >= row["threshold"]).mean()


def test_repairs_that_were_interrupted_go_on(repaired, phantom_data, monkeypatch):
    folder, before = repaired
    inside = folder / "published-from-chest_xray"
    for name in ("about.json", "fold-2.csv"):
        (inside / name).unlink()
    trained, fit = [], runs.fit
    monkeypatch.setattr(runs, "fit", lambda *how: trained.append(how) or fit(*how))
    after = runs.repairs_run(folder, phantom_data, BUDGET, ONE)
    assert len(trained) == 1
    pd.testing.assert_frame_equal(after.table, before.table, atol=1e-3)
    with pytest.raises(CXRLabError, match="'openist' is none of chest_xray, nih-no-finding"):
        runs.repairs_run(folder, phantom_data, BUDGET, runs.Proof(home=["openist"]))


def test_where_nobody_is_left_out_a_recipe_is_tested_at_home(phantom_data, tmp_path):
    proof = runs.Proof(recipes=["published"], home=[KERMANY, NIH])
    row = runs.repairs_run(tmp_path / "run", phantom_data, BUDGET, proof).table.iloc[0]
    assert row["left_out"] == "nobody" and row["auc_elsewhere"] is None
    assert 0 < row["auc_adults_low"] < row["auc_adults"] < row["auc_adults_high"] < 1


def test_each_source_is_left_out_in_turn_with_two_at_home():
    assert runs.two_of(["a", "b"]) == [["a"], ["b"]]
    assert runs.two_of(["a", "b", "c"]) == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert [*runs.two_of(["a", "b", "c", "d"])][-1] == ["b", "c"]


def test_a_trained_recipe_is_a_run_like_any_other(phantom_data, tmp_path):
    metrics = train_small(tmp_path / "run", phantom_data, recipe="robust")
    check_metrics(metrics)
    assert metrics["threshold_from"] == "people out of fold"
    threshold = read_json(tmp_path / "run" / "threshold.json")
    assert set(threshold["called_positive"]) == {KERMANY, NIH}
    assert all(each["value"] <= 0.05 for each in threshold["called_positive"].values())
    model, found = runs.open_run(tmp_path / "run")
    assert found == metrics["threshold"] == threshold["value"]
    cases = prepare(phantom_data, "mixed", balanced=False).cases
    with pytest.raises(CXRLabError, match="has learned from the patients of all"):
        runs.unseen(tmp_path / "run", cases)


def test_a_recording_comes_back_as_it_was_written(repaired):
    folder, recording = repaired
    again = recordings.from_json(read_json(folder / "recording.json"))
    pd.testing.assert_frame_equal(again.table, recording.table, check_dtype=False)
    for words in ("--budget test --seed 0", "simulated", "keras"):
        assert words in again.sentence
    assert str(folder) not in again.sentence


def test_the_recorded_repairs_are_those_of_the_course():
    found = recordings.recorded("repairs-real")
    assert set(found.table["repair"]) == set(RECIPES)
    assert set(found.table["left_out"]) == {KERMANY, NIH, "openist"}
    assert found.about["command"].startswith("cxrlab repairs ")
    assert found.table["recall"].between(0, 1).all()
    with pytest.raises(CXRLabError, match="repairs-real"):
        recordings.recorded("nothing")
