"""The search explorer and the leaderboard that grows with a search."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import pandas as pd
import pytest

from cxrlab import tuning
from cxrlab.widgets import search as room
from cxrlab.widgets.search import ROWS, LiveBoard, explore_search, search_view, table_html
from cxrlab.widgets.search_chart import scatter_svg

SPACE = tuning.SPACES["per-layer"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def board():
    return tuning.made_up_search(SPACE, 30, seed=1).assign(epochs=4, recall_at_specificity=0.5)


def parts(box):
    """The controls by their description, and the three outputs."""
    controls = {c.description: c for row in box.children[:3] for c in row.children}
    return controls, *box.children[3:]


def test_the_first_view_is_the_whole_leaderboard_at_its_best_trial(board):
    view = search_view(board, SPACE, {})
    assert view.trials == list(board["trial"])
    assert view.chosen == board["trial"].iloc[0]
    assert "30 of 30 trials" in view.words
    assert "rank 1," in view.words
    assert view.table.count("<tr") == 1 + ROWS
    assert "rows 1 to 9 of 30" in view.words


def test_filters_sorting_and_position_work_together(board):
    view = search_view(board, SPACE, {"dense_units": 64, "dropout_1": "any"}, "learning_rate")
    kept = board[board["dense_units"] == 64]
    assert sorted(view.trials) == sorted(kept["trial"])
    rates = board.set_index("trial").loc[view.trials, "learning_rate"]
    assert rates.is_monotonic_increasing
    last = search_view(board, SPACE, {"dense_units": 64}, "learning_rate", "trial", 99)
    assert last.chosen == view.trials[-1]


def test_the_chosen_trial_is_always_among_the_rows_shown(board):
    for position in range(30):
        view = search_view(board, SPACE, {}, position=position)
        assert view.table.count("aria-current") == 1
        assert view.table.count("<tr") == 1 + ROWS


def test_filters_that_leave_nothing_say_so(board):
    view = search_view(board.head(1), SPACE, {"dropout_1": 0.9})
    assert view.chosen is None and not view.trials
    assert "0 of 1 trials" in view.words and "any" in view.words


def test_the_table_marks_the_chosen_row_in_words_too(board):
    table = table_html(board, ["rank", "trial", "val_loss"], chosen=int(board["trial"].iloc[4]))
    assert table.count("aria-current") == 1
    assert "validation loss" in table and 'scope="col"' in table


@pytest.mark.parametrize("across", ["trial", "learning_rate", "dropout_3"])
def test_the_chart_has_a_mark_a_trial_inside_its_frame(board, across):
    values = None if across == "trial" else sorted(SPACE[across])
    chosen = int(board["trial"].iloc[0])
    drawing = ElementTree.fromstring(scatter_svg(board, across, "val_loss", chosen, values))
    assert f"trial {chosen} stands out" in drawing.find(f"{SVG}title").text
    circles = drawing.findall(f"{SVG}circle")
    assert len(circles) == len(board) - 1
    assert len(drawing.findall(f"{SVG}polygon")) == 1
    assert all(0 < float(c.get("cx")) < 620 and 0 < float(c.get("cy")) < 250 for c in circles)
    assert len({(c.get("cx"), c.get("cy")) for c in circles}) == len(circles)


def test_a_chart_of_one_trial_is_drawn(board):
    for across in ("trial", "dense_units"):
        one = board.head(1)
        values = None if across == "trial" else [64, 128]
        ElementTree.fromstring(scatter_svg(one, across, "val_loss", None, values))


def test_the_buttons_walk_through_the_trials_and_stop_at_the_ends(board):
    controls, words, _, chart = parts(explore_search(board, SPACE))
    seen = words.value
    controls["Previous trial"].click()
    assert words.value == seen
    controls["Next trial"].click()
    assert controls["Row of the table"].value == 2
    assert "rank 2," in words.value
    assert f"trial {board['trial'].iloc[1]} stands out" in chart.value
    controls["Row of the table"].value = 30
    controls["Next trial"].click()
    assert controls["Row of the table"].value == 30


def test_the_dropdowns_filter_sort_and_redraw(board):
    controls, words, table, chart = parts(explore_search(board, SPACE))
    controls["Learning rate"].value = 0.01
    count = int((board["learning_rate"] == 0.01).sum())
    assert f"{count} of 30 trials" in words.value
    assert controls["Row of the table"].max == count
    controls["Sort by"].value = "trial"
    first = board.loc[board["learning_rate"] == 0.01, "trial"].min()
    assert f"Trial {first} of 30" in words.value
    controls["Chart across"].value = "dropout_2"
    assert "across dropout 2" in chart.value
    controls["Learning rate"].value = "any"
    assert "30 of 30 trials" in words.value and "aria-current" in table.value


def test_a_filter_may_pull_the_slider_back(board):
    controls, words, _, _ = parts(explore_search(board, SPACE))
    controls["Row of the table"].value = 30
    controls["Dense units"].value = 128
    count = int((board["dense_units"] == 128).sum())
    assert controls["Row of the table"].value == count
    assert f"{count} of 30" in words.value


def test_filters_that_leave_nothing_empty_the_widget_and_can_be_taken_back(board):
    controls, words, table, chart = parts(explore_search(board.head(2), SPACE))
    for name in ("Dropout 1", "Dropout 2", "Dropout 3", "Dropout 4"):
        controls[name].value = 0.2
    assert "0 of 2" in words.value and not table.value and not chart.value
    for name in ("Dropout 1", "Dropout 2", "Dropout 3", "Dropout 4"):
        controls[name].value = "any"
    assert "2 of 2" in words.value and chart.value


def test_a_search_of_one_trial_can_be_explored(board):
    controls, words, _, _ = parts(explore_search(board.head(1), list(SPACE)))
    assert "1 of 1 trials" in words.value
    assert controls["Row of the table"].max == 1


def test_the_live_board_updates_one_display_in_place(board, monkeypatch):
    shown = []

    class Handle:
        def update(self, content, raw):
            shown.append(content)

    def display(content, raw, display_id):
        shown.append(content)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(room, "in_notebook", lambda: True)
    live = LiveBoard(list(SPACE))
    assert str(live) == "No trial has finished yet."
    for count in (1, 2, 2, 3):  # a finished trial that a search meets again changes nothing
        live(board.head(count))
    assert [content["text/html"].count("<tr") for content in shown] == [2, 3, 4]
    assert str(live) == shown[-1]["text/plain"]
    assert "epochs" not in str(live) and "seconds" not in str(live)


def test_outside_a_notebook_the_live_board_stays_quiet(board, capsys):
    live = LiveBoard(list(SPACE))
    live(board.head(2))
    assert capsys.readouterr().out == ""
    assert len(str(live).splitlines()) == 3


def test_the_live_board_takes_what_a_search_hands_over():
    live = LiveBoard(["dense_units"])
    live(pd.DataFrame({"rank": [1], "trial": [1], "dense_units": [64], "val_loss": [0.7]}))
    assert "0.7" in str(live)


def test_the_widget_loads_no_tensorflow():
    code = "import sys, cxrlab.widgets.search; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
