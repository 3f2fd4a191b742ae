"""The search: its space, its leaderboard, going on after a kill, and several processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from math import prod
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlab import recordings, tuning
from cxrlab.choices import Budget
from cxrlab.errors import CXRLabError
from cxrlab.files import write_json
from cxrlab.pipeline import Xrays
from cxrlab.recordings import record
from cxrlab.training import Settings
from cxrlab.tuning import Plan, leaderboard, make_tuner

BUDGET = Budget("test", 0, 1, 1, 4, 1, 1, 100)
POSIX = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")


def made_up(values: dict) -> dict[str, float]:
    """The metrics of a trial that takes no time: made from its settings."""
    loss = abs(np.log10(values["learning_rate"]) + 3) + values["dense_units"] / 1000
    loss += sum(rate for name, rate in values.items() if "dropout" in name) / 100
    return {"val_loss": loss, "recall_at_specificity": 1 / (1 + loss)}


def found(folder: Path, run=made_up, **plan) -> pd.DataFrame:
    tuner = make_tuner(Plan(**plan), run, folder)
    tuner.search(verbose=0)
    return leaderboard(tuner)


def some_xrays(count: int = 8) -> Xrays:
    labels = np.arange(count) % 2
    pixels = np.broadcast_to(120 * labels[:, None, None, None], (count, 224, 224, 1))
    cases = pd.DataFrame({"image_id": [f"x{number}" for number in range(count)]})
    return Xrays(pixels.astype(np.uint8), labels, cases)


def test_both_readings_of_the_published_space_become_settings():
    assert prod(map(len, tuning.SPACES["shared"].values())) == 24
    assert prod(map(len, tuning.SPACES["per-layer"].values())) == 1536
    shared = {"dense_units": 128, "dropout": 0.4, "learning_rate": 1e-4}
    assert tuning.settings_from(shared) == Settings(128, 0.4, 1e-4)
    rates = {f"dropout_{layer}": layer / 10 for layer in range(1, 5)}
    own = tuning.settings_from({"dense_units": 64, "learning_rate": 1e-2, **rates})
    assert own == Settings(64, (0.1, 0.2, 0.3, 0.4), 1e-2)


def test_a_real_search_ranks_trials_and_trains_nothing_twice(tmp_path, monkeypatch):
    search = (some_xrays(), some_xrays(), BUDGET, tmp_path, Plan(trials=2))
    board = tuning.search(*search)
    assert board["val_loss"].is_monotonic_increasing
    assert list(board["rank"]) == [1, 2]
    assert set(tuning.SPACES["per-layer"]) < set(board)
    assert board["recall_at_specificity"].between(0, 1).all()
    monkeypatch.setattr(tuning, "train", None)
    pd.testing.assert_frame_equal(tuning.search(*search), board)


@pytest.mark.parametrize("tuner", ["random", "bayesian", "grid"])
def test_every_tuner_does_as_many_different_trials_as_asked_and_takes_more(tmp_path, tuner):
    names = list(tuning.SPACES["shared"])
    # A grid search of Keras Tuner is at its end once it has ended.
    for trials in (5, 5) if tuner == "grid" else (5, 5, 7):
        board = found(tmp_path, tuner=tuner, space="shared", trials=trials)
        assert len(board.drop_duplicates(names)) == trials


def test_fifty_trials_do_not_fit_into_the_space_with_one_dropout_rate(tmp_path):
    # Keras Tuner gives up when it draws known combinations too often in a row: 24 or a few less.
    assert 20 <= len(found(tmp_path / "a", trials=50, space="shared")) <= 24
    assert len(found(tmp_path / "b", trials=50, space="shared", tuner="grid")) == 24


def test_the_same_seed_proposes_the_same_trials(tmp_path):
    first = found(tmp_path / "a", trials=6, seed=0)
    pd.testing.assert_frame_equal(first, found(tmp_path / "b", trials=6, seed=0))
    assert not first.equals(found(tmp_path / "c", trials=6, seed=6))


@pytest.mark.parametrize(
    "changed",
    [
        {"batch_size": (4, 8)},
        {"dropout": (0.2, 1.5)},
        {"dropout": ("little",)},
        {"dense_units": (64.5,)},
        {"learning_rate": ()},
    ],
)
def test_a_space_that_the_network_cannot_take_is_refused_before_any_training(
    changed, monkeypatch, tmp_path
):
    monkeypatch.setitem(tuning.SPACES, "mine", tuning.SPACES["shared"] | changed)
    with pytest.raises(CXRLabError, match="'mine' does not fit the network: .*nothing else"):
        found(tmp_path, space="mine", trials=2)


def test_mixed_types_and_numbers_of_numpy_are_one_type(monkeypatch, tmp_path):
    space = {"dense_units": np.array([64, 128]), "dropout": (0, 0.1), "learning_rate": ("1e-3",)}
    monkeypatch.setitem(tuning.SPACES, "mine", space)
    board = found(tmp_path, space="mine", tuner="grid", trials=4)
    assert set(board["dropout"]) == {0.0, 0.1} and set(board["dense_units"]) == {64, 128}


def test_a_trial_that_diverges_has_failed_and_the_search_goes_on(monkeypatch, tmp_path):
    space = {"dense_units": (64,), "dropout": (0.2,), "learning_rate": (1e30, 1e-4)}
    monkeypatch.setitem(tuning.SPACES, "mine", space)
    plan = Plan("grid", "mine", trials=2)
    board = tuning.search(some_xrays(), some_xrays(), BUDGET, tmp_path, plan)
    assert board[["learning_rate", "trial"]].to_numpy().tolist() == [[1e-4, 2]]
    monkeypatch.setitem(tuning.SPACES, "mine", space | {"learning_rate": (1e30,)})
    with pytest.raises(CXRLabError, match="No trial of the search succeeded"):
        tuning.search(some_xrays(), some_xrays(), BUDGET, tmp_path / "none", plan)


def test_any_other_error_ends_the_search_and_is_shown(tmp_path, monkeypatch):
    def explode(*_):
        raise MemoryError("no room for 5,631,169 parameters")

    monkeypatch.setattr(tuning, "train", explode)
    with pytest.raises(MemoryError, match="no room"):
        tuning.search(some_xrays(), some_xrays(), BUDGET, tmp_path, Plan())


def test_until_ends_a_search_after_the_trial_under_way_and_no_time_is_refused(tmp_path):
    search = (some_xrays(), some_xrays(), BUDGET, tmp_path)
    assert len(tuning.search(*search, Plan(trials=2), until=1e-6)) == 1
    assert len(tuning.search(*search, Plan(trials=2))) == 2
    for plan, until, said in [(Plan(trials=0), None, "--trials is 0"), (Plan(), 0.0, "--until 0")]:
        with pytest.raises(CXRLabError, match=said):
            tuning.search(*search, plan, until)


# --- killed, cut off, shared -------------------------------------------------------------------

SCRIPT = """
import os, sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_tuning import made_up
from cxrlab.tuning import Plan, is_worker, leaderboard, make_tuner
folder = Path({folder!r})

def run(values):
    with open(folder / "began", "a") as began:
        print(os.environ.get("KERASTUNER_TUNER_ID", "alone"), file=began)
    time.sleep({seconds})
    return made_up(values)

tuner = make_tuner(Plan(trials=6), run, folder / "search")
tuner.search(verbose=0)
if not is_worker():
    leaderboard(tuner).to_csv(folder / "board.csv", index=False)
"""


def process(folder: Path, seconds: float = 0.3, **environment) -> subprocess.Popen:
    code = SCRIPT.format(tests=str(Path(__file__).parent), folder=str(folder), seconds=seconds)
    return subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **environment})


def began(folder: Path) -> list[str]:
    path = folder / "began"
    return path.read_text().split() if path.exists() else []


def wait_for(ready, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@POSIX
def test_a_search_that_was_killed_goes_on_and_repeats_only_what_was_under_way(tmp_path):
    killed = process(tmp_path)
    wait_for(lambda: len(began(tmp_path)) == 3)
    killed.kill()
    killed.wait()
    assert process(tmp_path, seconds=0).wait(120) == 0
    assert len(began(tmp_path)) == 7  # six trials, one of them twice
    board = pd.read_csv(tmp_path / "board.csv")
    expected = found(tmp_path / "whole", trials=6)
    pd.testing.assert_frame_equal(board, expected, check_exact=False)


def test_a_file_that_a_kill_cut_off_is_named(tmp_path):
    found(tmp_path, trials=2)
    state = tmp_path / "trials" / "oracle.json"
    state.write_text(state.read_text()[:40])
    with pytest.raises(CXRLabError, match="cut off"):
        found(tmp_path, trials=2)


@pytest.mark.slow
@POSIX
def test_a_chief_and_two_workers_share_a_search_and_a_killed_one_comes_back(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    there = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(port)}

    def start(name: str) -> subprocess.Popen:
        return process(tmp_path, 1, **there, KERASTUNER_TUNER_ID=name)

    chief, first, second = map(start, ("chief", "tuner0", "tuner1"))
    wait_for(lambda: {"tuner0", "tuner1"} <= set(began(tmp_path)))
    first.kill()
    first.wait()
    first = start("tuner0")  # the chief waits for this name
    assert [each.wait(180) for each in (first, second, chief)] == [0, 0, 0]
    board = pd.read_csv(tmp_path / "board.csv")
    assert len(board) == 6
    expected = found(tmp_path / "alone", trials=6)
    assert sorted(board["val_loss"].round(6)) == sorted(expected["val_loss"].round(6))


# --- recorded searches -------------------------------------------------------------------------


def test_a_recorded_search_is_read_back(tmp_path):
    board, path = found(tmp_path / "search", trials=5), tmp_path / "recording.json"
    cases = pd.DataFrame({"patient_id": ["a", "a", "b"]})
    recording = record(board, "cxrlab tune --out RUN", 0, {"simulated": False}, cases)
    write_json(path, recording.to_json())
    again = tuning.recorded_search(path)
    pd.testing.assert_frame_equal(again.table, board)
    assert again.sentence == recording.sentence
    assert "`cxrlab tune --out RUN` (seed 0) on 3 X-rays of 2 patients, real;" in again.sentence


def test_what_is_no_recorded_search_is_said_in_a_sentence(tmp_path):
    path = tmp_path / "recording.json"
    for content in (None, "", "[]", "{}", "[" * 10_000, '{"rows": [], "columns": []}'):
        if content is not None:
            path.write_text(content)
        with pytest.raises(CXRLabError, match="recording.json holds no recorded search"):
            tuning.recorded_search(path)


def test_what_the_course_has_recorded_is_what_its_lesson_says():
    board, space = tuning.recorded_search("course").table, tuning.SPACES["per-layer"]
    assert len(board.drop_duplicates(list(space))) == 50
    assert all(board[name].isin(choices).all() for name, choices in space.items())
    table, names = recordings.recorded("search-table").table, list(tuning.SPACES["shared"])
    assert len(table) == 72 and len(table.drop_duplicates(names)) == 24
    assert (table.groupby(names)["seed"].nunique() == 3).all()
    table = recordings.recorded("before-after").table
    by_part = table.groupby("part")["patient_id"].unique()
    assert not set(by_part["test"]) & set(by_part["validation"])
    assert table.filter(regex="^(before|after)_[123]$").shape[1] == 6
