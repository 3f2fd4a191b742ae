"""What a leaderboard can prove, and how much of a winner's lead is luck."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from cxrlab import evaluation, tuning
from cxrlab.errors import CXRLabError

SPACE = tuning.SPACES["per-layer"]


def small_board() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rank": [1, 2, 3, 4],
            "trial": [3, 1, 4, 2],
            "rate": [0.1, 0.1, 0.2, 0.2],
            "units": [64, 64, 64, 64],
            "val_loss": [0.40, 0.42, 0.60, 0.69],
            "epochs": [1, 4, 4, 4],
        }
    )


def test_trials_are_filtered_and_any_does_not_matter():
    board = small_board()
    assert list(tuning.filter_trials(board, {"rate": 0.2})["trial"]) == [4, 2]
    assert len(tuning.filter_trials(board, {"rate": "any", "units": "any"})) == 4
    assert tuning.filter_trials(board, {"rate": 0.1, "units": 128}).empty


def test_trials_are_sorted_and_ties_stay_in_the_order_of_rank():
    board = small_board().iloc[::-1]
    assert list(tuning.sort_trials(board, "rate")["rank"]) == [1, 2, 3, 4]
    assert list(tuning.sort_trials(board, "trial")["trial"]) == [1, 2, 3, 4]
    with pytest.raises(CXRLabError, match="no column 'loss'.*val_loss"):
        tuning.sort_trials(board, "loss")


def test_a_trial_is_said_in_words():
    board = small_board()
    best = tuning.trial_in_words(board, 3, ["rate", "units"])
    assert "Trial 3 of 4 (rate: 0.1, units: 64) has rank 1" in best
    assert "1 epoch." in best and "behind" not in best and "Guessing" not in best
    worst = tuning.trial_in_words(board, 2, ["rate"])
    assert "0.290 behind the best" in worst and "0.693" in worst
    assert "after" not in tuning.trial_in_words(board.drop(columns="epochs"), 2, ["rate"])


def test_choices_come_from_the_space_or_from_what_was_tried():
    board = tuning.made_up_search(SPACE, 2, seed=0)
    assert tuning.choices_of(board, SPACE)["dropout_1"] == [0.2, 0.3, 0.4, 0.5]
    assert len(tuning.choices_of(board, list(SPACE))["dropout_1"]) <= 2


def test_a_gap_is_judged_against_every_order_of_a_few_trials():
    effects = tuning.setting_effects(small_board(), ["units", "rate"]).set_index("setting")
    assert effects.loc["rate", "gap"] == pytest.approx(0.645 - 0.41)
    # Two of the 24 orders keep the pairs together, times two for each order within a pair.
    assert effects.loc["rate", "luck"] == pytest.approx(8 / 24)
    assert np.isnan(effects.loc["units", "gap"]) and np.isnan(effects.loc["units", "luck"])


def test_a_real_effect_stands_out_among_fifty_trials():
    board = tuning.made_up_search(SPACE, 50, noise=0.05, seed=2)
    board["val_loss"] += 0.2 * (board["learning_rate"] == 0.01)
    effects = tuning.setting_effects(board, list(SPACE))
    assert effects["setting"].iloc[0] == "learning_rate"
    assert effects["luck"].iloc[0] < 0.01


def test_where_nothing_matters_one_in_twenty_looks_as_if_it_did():
    lucks = []
    for seed in range(60):
        board = tuning.made_up_search(SPACE, 24, seed=seed)
        lucks += list(tuning.setting_effects(board, list(SPACE), shuffles=200)["luck"])
    assert 0.02 < np.mean(np.array(lucks) < 0.05) < 0.09
    assert min(lucks) > 0


def test_a_made_up_search_is_a_leaderboard():
    board = tuning.made_up_search(SPACE, 50, seed=4)
    assert board["val_loss"].is_monotonic_increasing
    assert list(board["rank"]) == list(range(1, 51))
    assert sorted(board["trial"]) == list(range(1, 51))
    pd.testing.assert_frame_equal(board, tuning.made_up_search(SPACE, 50, seed=4))


def test_the_made_up_search_of_the_notebook_shows_an_effect_that_is_not_there():
    effects = tuning.setting_effects(tuning.made_up_search(SPACE, 50, seed=3), list(SPACE))
    assert effects["setting"].iloc[0] == "learning_rate"
    assert effects["luck"].iloc[0] < 0.01  # as the notebook's text says


def test_more_trials_find_the_right_choice_more_often():
    shares = [tuning.share_of_right_choices(trials) for trials in (4, 50, 1000)]
    assert 0.25 < shares[0] < shares[1] < shares[2] <= 1
    assert tuning.share_of_right_choices(50, step=0) == pytest.approx(0.25, abs=0.03)
    assert tuning.share_of_right_choices(50, noise=1e-9) > 0.99


def test_the_best_of_one_is_the_truth_and_the_best_of_many_is_more():
    assert evaluation.expected_best(1, 0.9, 28) == pytest.approx(0.9)
    best = [evaluation.expected_best(n, 0.9, 28) for n in (1, 2, 4, 50)]
    assert best == sorted(best) and best[-1] <= 1
    assert evaluation.expected_best(50, 0.9, 2800) < best[-1]
    assert evaluation.expected_best(3, 1, 5) == 1
    assert evaluation.expected_best(3, 0, 5) == 0


def test_the_expected_best_agrees_with_counting_all_outcomes():
    share, cases = 0.7, 2
    chance = {0: 0.09, 1: 0.42, 2: 0.49}
    by_hand = sum(
        chance[a] * chance[b] * max(a, b) / cases
        for a, b in itertools.product(range(cases + 1), repeat=2)
    )
    assert evaluation.expected_best(2, share, cases) == pytest.approx(by_hand)


@pytest.mark.parametrize("wrong", [(0, 0.9, 10), (2, 0.9, 0), (2, 1.1, 10)])
def test_an_impossible_contest_is_refused(wrong):
    with pytest.raises(CXRLabError, match="no contest"):
        evaluation.expected_best(*wrong)


def test_the_log_loss_is_that_of_keras():
    assert evaluation.log_loss([0, 1, 1], [0.5, 0.5, 0.5]) == pytest.approx(np.log(2))
    assert evaluation.log_loss([0, 1], [0.1, 0.8]) == pytest.approx(-np.log([0.9, 0.8]).mean())
    assert np.isfinite(evaluation.log_loss([1, 0], [0.0, 1.0]))
    with pytest.raises(CXRLabError):
        evaluation.log_loss([1, 0], [0.5])
