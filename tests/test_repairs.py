"""The table of repairs, how it is run, and how a recording is replayed."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from cxrlab import recordings, repairs
from cxrlab.choices import Budget
from cxrlab.designs import RECIPES, Design, recipe_named
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json
from cxrlab.model import WeightsUnavailable
from cxrlab.repairs import COLUMNS, NUMBERS, REPAIRS, RepairsPlan, repairs_run, repairs_table
from cxrlab.training import Settings

BUDGET = Budget("test", 16, 1, 1, 2, 1, 1, 60)
TWO = (Design("published"), Design("equalised", settings=Settings(preparation="equalise")))


def quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def run(phantom_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("repairs") / "run"
    return folder, repairs_run(folder, phantom_data, BUDGET, RepairsPlan(designs=TWO), quiet)


def test_each_repair_is_tested_on_everybody_once(run, phantom_data):
    folder, _ = run
    everybody = set(repairs.candidates(phantom_data).cases["image_id"])
    for name in ("published", "equalised"):
        scored = pd.read_csv(folder / f"{name}.csv")
        assert scored["image_id"].is_unique
        assert set(scored["image_id"]) == everybody
        assert set(scored["fold"]) == {1, 2}


def test_the_table_agrees_with_the_scores(run):
    folder, recording = run
    row = recording.table.set_index("repair").loc["published"]
    scored = pd.read_csv(folder / "published.csv")
    adults = scored[scored["source"] == "nih-no-finding"]
    assert row["adults"] == pytest.approx(adults["called"].mean())
    assert row["recall"] == pytest.approx(scored.loc[scored["label"] == 1, "called"].mean())
    assert tuple(recording.table) == COLUMNS
    healthy = {"auc_children": "chest_xray", "auc_adults": "nih-no-finding"}
    columns = {"frame_only": "frame_only", "lungs_hidden": "lungs_hidden"}
    for name in ("auc_children", "auc_adults", "auc_all", "frame_only", "lungs_hidden"):
        against = healthy.get(name) or ("chest_xray" if name == "frame_only" else None)
        rows = scored[(scored["label"] == 1) | (scored["source"] == (against or scored["source"]))]
        seen = roc_auc_score(rows["label"], rows[columns.get(name, "score")])
        assert row[name] == pytest.approx(seen)
    for name in NUMBERS[::3]:
        assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
        assert row[f"{name}_low"] < row[f"{name}_high"]


def test_a_run_that_was_interrupted_goes_on(run, phantom_data):
    folder, before = run
    kept = (folder / "published.csv").stat().st_mtime_ns
    (folder / "equalised.csv").unlink()
    after = repairs_run(folder, phantom_data, BUDGET, RepairsPlan(designs=TWO), quiet)
    assert (folder / "published.csv").stat().st_mtime_ns == kept
    assert (folder / "equalised.csv").is_file()
    assert after.table["repair"].tolist() == before.table["repair"].tolist()


def test_only_some_repairs_may_be_tried_and_a_wrong_name_says_which_there_are(
    run, phantom_data, tmp_path
):
    with pytest.raises(CXRLabError, match="published; equalised"):
        plan = RepairsPlan(only=["magic"], designs=TWO)
        repairs_run(tmp_path / "x", phantom_data, BUDGET, plan, quiet)
    assert not (tmp_path / "x").exists()
    folder = shutil.copytree(run[0], tmp_path / "run")
    plan = RepairsPlan(only=["published"], designs=TWO)
    one = repairs_run(folder, phantom_data, BUDGET, plan, quiet)
    assert list(one.table["repair"]) == ["published"]
    assert one.command.endswith("--only published")


def test_a_recording_comes_back_as_it_was_written(run):
    folder, recording = run
    again = recordings.from_json(read_json(folder / "recording.json"))
    pd.testing.assert_frame_equal(again.table, recording.table, check_dtype=False)
    assert "--folds 2 --seed 0" in again.sentence
    assert "simulated" in again.sentence
    assert "keras" in again.sentence.lower()
    assert str(folder) not in again.sentence


def test_a_repair_whose_weights_cannot_be_had_is_a_row_with_a_reason(
    phantom_data, tmp_path, monkeypatch
):
    def unavailable(*_, **__):
        raise WeightsUnavailable("No connection. Connect and try again.")

    monkeypatch.setattr(repairs, "examine", unavailable)
    said = []
    plan = RepairsPlan(designs=(Design("transfer"),))
    recording = repairs_run(tmp_path / "run", phantom_data, BUDGET, plan, said.append)
    assert recording.table.empty
    table = pd.read_csv(tmp_path / "run" / "repairs.csv")
    assert table["note"].item() == said[-1] == "skipped: No connection. Connect and try again."
    assert np.isnan(table["recall"].item())
    assert not (tmp_path / "run" / "transfer.csv").exists()


def test_nothing_tried_is_an_empty_row_and_not_zero():
    row = repairs_table({"x": "skipped: why"}).iloc[0]
    assert row.drop(["repair", "note"]).isna().all()


def test_recipes_have_names():
    assert recipe_named("robust") is RECIPES["robust"]
    assert REPAIRS[0] is RECIPES["published"] and REPAIRS[-1] is RECIPES["robust"]
    with pytest.raises(CXRLabError, match="published, robust"):
        recipe_named("magic")


def test_an_unknown_recording_says_which_there_are():
    with pytest.raises(CXRLabError, match="repairs-real"):
        recordings.recorded("nothing")


def test_the_course_s_recordings_hold_every_repair():
    found = recordings.recorded("repairs-real")
    names = list(found.table["repair"])
    assert names == [design.name for design in REPAIRS if design.name in names]
    assert found.command.startswith("cxrlab repairs ")
    tried = found.table[found.table["note"] == ""]
    assert len(tried) >= len(REPAIRS) - 1
    assert tried["recall"].between(0, 1).all()
