"""The figures of the search, for four trials and for fifty."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

from cxrlab import evaluation, plots, tuning

SPACE = tuning.SPACES["per-layer"]


pytestmark = pytest.mark.usefixtures("house_style")


@pytest.fixture(params=[1, 2, 4, 50])
def board(request):
    return tuning.made_up_search(SPACE, request.param, seed=1)


def texts(figure):
    figure.canvas.draw()
    return {text.get_text() for text in figure.findobj(matplotlib.text.Text)}


def assert_nothing_is_cut_off(figure):
    figure.canvas.draw()
    drawn = figure.get_tightbbox(figure.canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert drawn.x0 >= -0.05 and drawn.y0 >= -0.05
    assert drawn.x1 <= width + 0.05 and drawn.y1 <= height + 0.05


def test_nothing_is_cut_off(board):
    counts = [1, 4, 50]
    expected = {"28 cases": [evaluation.expected_best(n, 0.9, 28) for n in counts]}
    seeds = pd.DataFrame({"recall": [0.9, 0.9], "specificity": [1.0, 1.0], "f1": [0.94, 0.95]})
    for axes in (
        plots.plot_search_progress(board),
        plots.plot_search_settings(board, SPACE),
        plots.plot_parallel(board, SPACE),
        plots.plot_space_grid(tuning.SPACES["shared"]),
        plots.plot_winners_luck(expected, counts, 0.9, 4),
        plots.plot_seeds(seeds, {"recall": 0.8, "specificity": None, "f1": 0.9}),
    ):
        assert_nothing_is_cut_off(np.ravel(np.asarray(axes, dtype=object))[0].figure)


def test_every_choice_of_the_space_has_its_place_even_if_no_trial_had_it(board):
    axes = plots.plot_search_settings(board, SPACE)
    for ax, choices in zip(axes.flat, SPACE.values(), strict=True):
        assert [t.get_text() for t in ax.get_xticklabels()] == [f"{c:g}" for c in choices]
    words = texts(plots.plot_parallel(board, SPACE).figure)
    assert {"0.2", "0.3", "0.4", "0.5", "0.01", "64", "128"} <= words


def test_names_alone_show_what_was_tried():
    board = tuning.made_up_search(SPACE, 50, seed=1)
    assert len(plots.plot_search_settings(board, ["dropout_1", "dense_units"]).flat) == 2
    assert plots.plot_parallel(board, ["dropout_1", "dense_units"])


def test_every_trial_is_drawn_once_and_the_best_stands_out(board):
    ax = plots.plot_parallel(board, SPACE)
    lines = [line for line in ax.get_lines() if len(line.get_xdata()) == len(SPACE) + 1]
    assert len(lines) == len(board)
    thick = [line for line in lines if line.get_linewidth() > 3]
    assert len(thick) == 1 and thick[0].get_color() == plots.COVID
    names = ax.get_legend_handles_labels()[1]
    assert len(names) == len(set(names)) == min(len(board), 3)


def test_losses_that_hardly_differ_are_not_blown_up():
    board = tuning.made_up_search(SPACE, 4, noise=0.001, seed=1)
    for ax in (plots.plot_search_progress(board), plots.plot_search_settings(board, SPACE).flat[0]):
        low, high = ax.get_ylim()
        assert high - low >= 0.1
        assert low < board["val_loss"].min() and high > board["val_loss"].max()


def test_guessing_is_marked_where_it_is_near_and_left_out_where_it_is_far():
    near = tuning.made_up_search(SPACE, 6, seed=1)
    near["val_loss"] += 0.25
    assert "guessing (0.693)" in texts(plots.plot_search_progress(near).figure)
    far = near.assign(val_loss=near["val_loss"] / 20)
    assert "guessing (0.693)" not in texts(plots.plot_search_progress(far).figure)
    recall = near.assign(recall_at_specificity=0.5)
    ax = plots.plot_search_progress(recall, "recall_at_specificity")
    assert "guessing (0.693)" not in texts(ax.figure)


def test_the_figures_are_the_same_in_every_run(board):
    places = [
        [tuple(line.get_xdata()) for line in ax.get_lines()]
        for _ in range(2)
        for ax in plots.plot_search_settings(board, SPACE).flat
    ]
    assert places[: len(SPACE)] == places[len(SPACE) :]


def test_the_grid_numbers_all_cells_and_no_more():
    words = texts(plots.plot_space_grid(tuning.SPACES["shared"])[0, 0].figure)
    assert {str(n) for n in range(1, 25)} <= words
    assert "25" not in words


def test_equal_seeds_do_not_hide_each_other():
    seeds = pd.DataFrame({"recall": [1.0, 1.0, 1.0]})
    ax = plots.plot_seeds(seeds, {"recall": 1.0}, metrics=("recall",))
    heights = [y for line in ax.get_lines() for y in np.atleast_1d(line.get_ydata())]
    assert len(set(heights)) == 4


def test_undefined_values_are_left_out():
    seeds = pd.DataFrame({"recall": [0.5, None]})
    ax = plots.plot_seeds(seeds, {"recall": None}, metrics=("recall",))
    assert sum(len(line.get_xdata()) for line in ax.get_lines()) == 1
