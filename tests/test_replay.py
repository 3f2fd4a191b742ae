"""A finished search, saved small and shown again."""

from __future__ import annotations

import json
import time

import pandas as pd
import pytest
from typer.testing import CliRunner

from cxrlab import tuning
from cxrlab.cli import app
from cxrlab.errors import CXRLabError
from cxrlab.tuning.record import write_trial


@pytest.fixture
def finished(tmp_path) -> tuning.Search:
    """A search of 12 trials that was never trained, made from known losses."""
    made_up = tuning.made_up_search(tuning.SPACES["per-layer"], trials=12, seed=1)
    names = list(tuning.SPACES["per-layer"])
    for row in made_up.sort_values("trial").to_dict("records"):
        metrics = {
            "val_loss": row["val_loss"],
            "val_accuracy": 0.5,
            "recall_at_specificity": 1 - row["val_loss"],
            "epochs": 3,
            "seconds": 1.0,
        }
        values = {name: row[name] for name in names}
        trial = {"values": values, "seed": 0, "metrics": metrics}
        trial["finished"] = time.time() + row["trial"]
        write_trial(tmp_path / "search" / "trials", f"{row['trial']:03}", trial)
    board = tuning.leaderboard(tmp_path / "search")
    return tuning.Search(tmp_path / "search", "val_loss", board)


@pytest.fixture
def saved(finished, tmp_path):
    path = tmp_path / "recording.json"
    tuning.save_search(finished, path, "cxrlab tune --out RUN", 0, "12 X-rays")
    return path


def test_a_replay_is_the_search(finished, saved):
    shown = tuning.replay(saved)
    pd.testing.assert_frame_equal(
        shown.leaderboard, finished.leaderboard.drop(columns="seconds"), check_dtype=False
    )
    assert shown.best == finished.best
    assert "cxrlab tune --out RUN" in shown.recording.sentence


def test_a_replay_shows_every_board_on_the_way(saved):
    boards = []
    shown = tuning.replay(saved, boards.append)
    assert [len(board) for board in boards] == list(range(1, 13))
    for board in boards:
        assert board["val_loss"].is_monotonic_increasing
        assert list(board["rank"]) == list(range(1, len(board) + 1))
        assert set(board["trial"]) == set(range(1, len(board) + 1))
    pd.testing.assert_frame_equal(boards[-1], shown.leaderboard)


def test_a_recording_is_small(saved):
    assert saved.stat().st_size < 500 * 12


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"objective": "val_loss"}', '{"objective": [], "columns": [], "rows": []}'],
)
def test_what_is_no_recording_is_said(tmp_path, content):
    path = tmp_path / "recording.json"
    path.write_text(content)
    with pytest.raises(CXRLabError, match="no recorded search"):
        tuning.replay(path)


def test_an_empty_or_foreign_table_is_no_search(saved):
    content = json.loads(saved.read_text())
    for broken in ({"rows": []}, {"objective": "luck"}, {"columns": content["columns"][1:]}):
        saved.write_text(json.dumps({**content, **broken}))
        with pytest.raises(CXRLabError, match="no recorded search"):
            tuning.replay(saved)


def test_a_missing_recording_is_said(tmp_path):
    with pytest.raises(CXRLabError, match="There is no recorded search at"):
        tuning.replay(tmp_path / "nothing.json")


def test_the_command_line_replays_a_file(saved, finished):
    done = CliRunner().invoke(app, ["tune", "--replay", str(saved)])
    assert done.exit_code == 0, done.output
    assert "Trial 12 of 12" in done.output
    assert f"best so far {finished.leaderboard['val_loss'].iloc[0]:.3f}" in done.output


def test_without_a_folder_nothing_is_searched():
    done = CliRunner().invoke(app, ["tune"])
    assert done.exit_code == 1
    assert "--out" in done.output


def test_the_course_brings_fifty_trials_of_the_published_space():
    shown = tuning.replay()
    assert len(shown.leaderboard) == 50
    assert "simulated" in shown.recording.data
    for name, choices in tuning.SPACES["per-layer"].items():
        assert set(shown.leaderboard[name]) <= set(choices)
    combinations = shown.leaderboard[list(tuning.SPACES["per-layer"])]
    assert not combinations.duplicated().any()
