"""The search: its space, its leaderboard, and going on after a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pandas as pd
import pytest

from cxrlab import tuning
from cxrlab.budgets import Budget
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json
from cxrlab.pipeline import Xrays
from cxrlab.training import Machine, Settings, Trained, built_in
from cxrlab.tuning import trials
from cxrlab.tuning.live import time_left
from cxrlab.tuning.record import read_trial, trial_key, write_trial
from cxrlab.tuning.trials import TrialRunner

BUDGET = Budget("test", 0, 1, 1, 4, 1, 1, 100)


def some_xrays(count: int = 8) -> Xrays:
    labels = np.arange(count) % 2
    pixels = np.broadcast_to(120 * labels[:, None, None, None], (count, 224, 224, 1))
    cases = pd.DataFrame({"image_id": [f"x{number}" for number in range(count)]})
    return Xrays(pixels.astype(np.uint8), labels, cases)


def made_up_trial(folder, values, epochs) -> dict:
    """A trial that takes no time: its loss is made from the settings."""
    key = trial_key(values, epochs)
    done = read_trial(folder / "trials", key)
    if done is not None:
        return done["metrics"]
    loss = abs(np.log10(values["learning_rate"]) + 3) + values["dense_units"] / 1000
    metrics = {"val_loss": loss, "recall_at_specificity": 1 / (1 + loss), "epochs": epochs}
    trial = {"values": values, "seed": 0, "metrics": metrics, "finished": time.time()}
    write_trial(folder / "trials", key, trial)
    return metrics


@pytest.fixture
def instant_trials(monkeypatch):
    """Trials that take no time. Returns the list of those that were trained."""
    trained = []

    def run(self, values, epochs):
        if read_trial(self.folder / "trials", trial_key(values, epochs)) is None:
            trained.append(values)
        return made_up_trial(self.folder, values, epochs)

    monkeypatch.setattr(TrialRunner, "run", run)
    return trained


def run_search(folder, **choices) -> tuning.Search:
    return tuning.search(some_xrays(), some_xrays(), BUDGET, folder, **choices)


def test_both_readings_of_the_published_space():
    assert tuning.combinations(tuning.SPACES["shared"]) == 24
    assert tuning.combinations(tuning.SPACES["per-layer"]) == 1536


def test_values_become_settings():
    shared = {"dense_units": 128, "dropout": 0.4, "learning_rate": 1e-4}
    assert tuning.settings_from(shared) == Settings(128, 0.4, 1e-4)
    rates = {f"dropout_{layer}": layer / 10 for layer in range(1, 5)}
    own = tuning.settings_from({"dense_units": 64, "learning_rate": 1e-2, **rates})
    assert own == Settings(64, (0.1, 0.2, 0.3, 0.4), 1e-2)


def test_a_real_search_ranks_trials_by_validation_loss(tmp_path):
    found = tuning.search(some_xrays(), some_xrays(), BUDGET, tmp_path, trials=2)
    board = found.leaderboard
    assert len(board) == 2
    assert board["val_loss"].is_monotonic_increasing
    assert list(board["rank"]) == [1, 2]
    assert set(tuning.SPACES["per-layer"]) < set(board)
    assert board["recall_at_specificity"].between(0, 1).all()
    assert found.best == tuning.settings_from(board.iloc[0].to_dict())


@pytest.mark.parametrize("tuner", tuning.TUNERS)
def test_every_tuner_does_as_many_different_trials_as_asked(tmp_path, instant_trials, tuner):
    found = run_search(tmp_path, tuner=tuner, trials=5)
    assert len(found.leaderboard) == len(instant_trials) == 5


def test_fifty_random_trials_fit_into_the_per_layer_space(tmp_path, instant_trials):
    assert len(run_search(tmp_path, trials=50).leaderboard) == 50


def test_the_shared_space_is_exhausted_before_fifty_trials(tmp_path, instant_trials):
    found = run_search(tmp_path, trials=50, space="shared")
    # Keras Tuner gives up when it draws known combinations too often in a row: 24 or a few less.
    assert 20 <= len(found.leaderboard) <= 24


def test_grid_search_visits_the_whole_shared_space(tmp_path, instant_trials):
    board = run_search(tmp_path, trials=50, space="shared", tuner="grid").leaderboard
    assert len(board.drop_duplicates(["dense_units", "dropout", "learning_rate"])) == 24


def test_recall_as_objective_ranks_the_other_way_round(tmp_path, instant_trials):
    board = run_search(tmp_path, objective="recall_at_specificity").leaderboard
    assert board["recall_at_specificity"].is_monotonic_decreasing


def test_the_same_seed_proposes_the_same_trials(tmp_path, instant_trials):
    first = run_search(tmp_path / "a", trials=6, seed=5).leaderboard
    again = run_search(tmp_path / "b", trials=6, seed=5).leaderboard
    pd.testing.assert_frame_equal(first, again)
    other = run_search(tmp_path / "c", trials=6, seed=6).leaderboard
    assert not first.equals(other)


@pytest.mark.parametrize("tuner", tuning.TUNERS)
def test_a_finished_search_trains_nothing_again_and_takes_more_trials(
    tmp_path, instant_trials, tuner
):
    run_search(tmp_path, trials=4, tuner=tuner)
    run_search(tmp_path, trials=4, tuner=tuner)
    assert len(instant_trials) == 4
    assert len(run_search(tmp_path, trials=7, tuner=tuner).leaderboard) == 7


@pytest.mark.parametrize("tuner", tuning.TUNERS)
def test_an_interrupted_search_goes_on_where_it_stopped(tmp_path, instant_trials, tuner):
    everything = run_search(tmp_path / "whole", trials=6, tuner=tuner).leaderboard
    boards = []

    def stop_at_three(board):
        boards.append(board)
        if len(board) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_search(tmp_path / "cut", trials=6, tuner=tuner, on_trial=stop_at_three)
    resumed = run_search(tmp_path / "cut", trials=6, tuner=tuner).leaderboard
    pd.testing.assert_frame_equal(resumed, everything)
    assert len(instant_trials) == 6 + 6


def test_a_trials_own_error_reaches_the_reader(tmp_path, monkeypatch):
    def fail(self, values, epochs):
        raise MemoryError("no room for 5,631,169 parameters")

    monkeypatch.setattr(TrialRunner, "run", fail)
    with pytest.raises(Exception, match="no room for 5,631,169 parameters"):
        run_search(tmp_path)


@pytest.mark.parametrize(
    ("choice", "word"),
    [({"tuner": "luck"}, "luck"), ({"space": "all"}, "all"), ({"objective": "fame"}, "fame")],
)
def test_unknown_words_are_refused_with_the_known_ones(tmp_path, choice, word):
    with pytest.raises(CXRLabError, match=f"{word}.*Choose one of"):
        run_search(tmp_path, **choice)


def test_fewer_than_one_trial_is_refused(tmp_path):
    with pytest.raises(CXRLabError, match="at least one trial"):
        run_search(tmp_path, trials=0)


def test_a_folder_of_another_search_is_refused(tmp_path, instant_trials):
    run_search(tmp_path, seed=1)
    with pytest.raises(CXRLabError, match="another search .its seed is 1"):
        run_search(tmp_path, seed=2)


def test_half_a_file_of_a_killed_process_is_no_trial(tmp_path, instant_trials):
    before = run_search(tmp_path, trials=3).leaderboard
    # What write_json leaves when it is killed between opening and renaming.
    (tmp_path / "trials" / ".0123456789abcdef-x1y2.json").write_text('{"values": {"dense')
    pd.testing.assert_frame_equal(tuning.leaderboard(tmp_path), before)
    assert len(run_search(tmp_path, trials=4).leaderboard) == 4


def test_until_ends_a_search_after_its_first_trial_and_it_can_go_on(
    tmp_path, instant_trials, capsys
):
    cut = run_search(tmp_path, trials=5, until=1e-9)
    assert len(cut.leaderboard) == len(instant_trials) == 1
    assert "time was up before all 5 trials" in capsys.readouterr().err
    whole = run_search(tmp_path / "other", trials=5, until=60).leaderboard
    assert len(whole) == 5
    pd.testing.assert_frame_equal(run_search(tmp_path, trials=5).leaderboard, whole)


def test_no_time_at_all_is_refused(tmp_path):
    with pytest.raises(CXRLabError, match="--until 0 leaves no time"):
        run_search(tmp_path, until=0)


def test_the_time_left_is_what_ends_first():
    assert "not known yet" in time_left(elapsed=3, trained=0, missing=5)
    assert time_left(elapsed=20, trained=2, missing=6) == "about 1:00 left"
    assert time_left(20, 2, 6, until_deadline=30) == "about 0:30 left"
    assert time_left(0, 0, 6, until_deadline=90) == "about 1:30 left"


def combination(units: int, rate: float, *dropout: float) -> dict:
    rates = {f"dropout_{layer}": value for layer, value in enumerate(dropout, start=1)}
    return {"dense_units": units, **rates, "learning_rate": rate}


def test_a_trial_is_one_training_read_at_its_best_epoch(tmp_path, monkeypatch):
    asked = []

    def train(training, validation, budget, seed, settings, precision):
        asked.append((len(training), len(validation), budget.epochs, settings, precision))
        history = pd.DataFrame({"val_loss": [0.5, 0.3, 0.4], "val_accuracy": [0.6, 0.7, 0.8]})
        return Trained(None, history, 2, 1.26, Machine("float32", 32, "as asked"))

    monkeypatch.setattr(trials, "train", train)
    # Of the four positives two score above all negatives.
    scores = np.array([0.1, 0.9, 0.2, 0.8, 0.3, 0.2, 0.4, 0.3])
    monkeypatch.setattr(trials, "predict", lambda model, xrays: scores)
    values = combination(128, 1e-4, *[0.3] * 4)
    runner = TrialRunner(some_xrays(4), some_xrays(), BUDGET, 0, "float32", tmp_path)
    metrics = runner.run(values, 3)
    assert asked == [(4, 8, 3, Settings(128, (0.3,) * 4, 1e-4), "float32")]
    assert metrics == {
        "val_loss": 0.3,
        "val_accuracy": 0.7,
        "recall_at_specificity": 0.5,
        "epochs": 3,
        "seconds": 1.3,
    }
    assert runner.run(values, 3) == metrics and len(asked) == 1


def test_a_trial_after_another_is_a_trial_on_its_own(tmp_path):
    rng = np.random.default_rng(0)
    xrays = some_xrays(4)
    xrays = Xrays(rng.integers(0, 255, xrays.pixels.shape, np.uint8), xrays.labels, xrays.cases)
    # Rates of learning so far apart that the one's would never give the other's loss.
    first, second = combination(64, 1e-2, 0.5, 0.2, 0.2, 0.3), combination(64, 1e-4, *[0.3] * 4)

    def losses(name: str, *combinations: dict) -> list[float]:
        runner = TrialRunner(xrays, xrays, BUDGET, 0, "float32", tmp_path / name)
        return [runner.run(values, 2)["val_loss"] for values in combinations]

    with built_in("mixed_bfloat16"):
        alone = losses("alone", second)
        after_another = losses("after", first, second)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"  # a notebook's own stays
    assert after_another[1:] == pytest.approx(alone, rel=1e-4)
    assert after_another[0] != pytest.approx(alone[0], rel=1e-2)


KILLED = """
import sys
sys.path.insert(0, {tests!r})
from test_tuning import BUDGET, some_xrays
from cxrlab import tuning
tuning.search(some_xrays(), some_xrays(), BUDGET, {folder!r}, trials=4,
              on_trial=lambda board: print(len(board), flush=True))
"""


def test_a_killed_search_keeps_its_finished_trials(tmp_path, request):
    folder = tmp_path / "search"
    code = KILLED.format(tests=str(request.path.parent), folder=str(folder))
    running = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert running.stdout.readline().strip() == "1"
    running.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    running.wait()
    finished = {path.name: read_json(path) for path in (folder / "trials").glob("*.json")}
    assert finished

    found = tuning.search(some_xrays(), some_xrays(), BUDGET, folder, trials=4)
    assert len(found.leaderboard) == 4
    kept = {path.name: read_json(path) for path in (folder / "trials").glob("*.json")}
    assert {name: kept[name] for name in finished} == finished
