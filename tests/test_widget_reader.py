"""The reading desk of notebook 01: its buttons, pressed from Python."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cxrlab.choices import SMOKE
from cxrlab.course import Workspace
from cxrlab.metrics import Confusion
from cxrlab.reader import get_calls, keep_calls
from cxrlab.widgets import reader as desk

TRUTH = [1, 0, 1, 1, 0, 0, 1, 0, 1, 0]


@pytest.fixture
def ten(tmp_path) -> pd.DataFrame:
    rows = []
    for number, label in enumerate(TRUTH):
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.full((60, 90), 20 * number, np.uint8)).save(path)
        rows.append({"image_id": f"x{number}", "path": str(path), "label": label})
    return pd.DataFrame(rows).astype({"label": "Int64"})


@pytest.fixture
def space(tmp_path) -> Workspace:
    return Workspace(tmp_path, "kermany", SMOKE, 0, tmp_path / "kept")


class Desk:
    """The parts of the widget by name."""

    def __init__(self, space, cases):
        self.line, self.xray, controls, self.result = desk.read_ten(space, cases).children
        self.back, self.covid, self.other, self.onward, self.again = controls.children

    def call(self, *verdicts):
        for verdict in verdicts:
            (self.covid if verdict else self.other).click()


def test_ten_calls_give_the_readers_own_matrix(space, ten):
    shown = Desk(space, ten)
    assert "X-ray 1 of 10" in shown.line.value and "0 called" in shown.line.value
    shown.call(1, 1)
    assert "X-ray 3 of 10" in shown.line.value and "2 called" in shown.line.value
    shown.call(*TRUTH[2:])
    assert "false alarms" in shown.result.value
    assert "5 of 5 positive cases were found" in shown.result.value
    assert "4 of 5 negative cases were correctly cleared" in shown.result.value
    assert "0.57" in shown.result.value  # Wilson's lower end for 5 of 5


def test_the_truth_is_hidden_before_the_tenth_call(space, ten):
    shown, seen = Desk(space, ten), []
    for truth in TRUTH[:9]:
        shown.call(truth)
        seen.append(shown.line.value + shown.result.value)
    shown.back.click()
    seen.append(shown.line.value)
    assert "Your call here" in seen[-1]
    assert not any("On record" in words or "recall" in words for words in seen)
    assert shown.result.value == ""


def test_after_the_tenth_call_the_reading_is_closed(space, ten):
    shown = Desk(space, ten)
    shown.call(*[1 - truth for truth in TRUTH])
    assert shown.covid.disabled and shown.other.disabled
    assert "a false alarm" in shown.line.value
    shown.back.click()
    assert "On record: <b>COVID-19</b>" in shown.line.value and "missed" in shown.line.value
    kept = get_calls(space)
    shown.call(1)  # a front end could still send a press
    assert get_calls(space) == kept


def test_a_call_can_be_changed_before(space, ten):
    shown = Desk(space, ten)
    shown.call(1)
    shown.back.click()
    assert "Your call here: <b>COVID-19</b>" in shown.line.value
    shown.call(0)
    assert get_calls(space) == {"x0": 0}
    assert "X-ray 2 of 10" in shown.line.value


def test_it_goes_on_where_the_reader_stopped(space, ten):
    Desk(space, ten).call(1, 0, 1)
    assert "X-ray 4 of 10" in Desk(space, ten).line.value
    keep_calls(space, dict.fromkeys(ten["image_id"], 1))
    assert "precision" not in Desk(space, ten).result.value
    assert "5 of 5 positive cases" in Desk(space, ten).result.value


def test_start_over_forgets_the_calls(space, ten):
    shown = Desk(space, ten)
    shown.call(*TRUTH)
    shown.again.click()
    assert get_calls(space) == {} and shown.result.value == ""
    assert not shown.covid.disabled and "X-ray 1 of 10" in shown.line.value


def test_back_and_next_stop_at_the_ends(space, ten):
    shown = Desk(space, ten)
    assert shown.back.disabled
    for _ in range(12):
        shown.onward.click()
    assert "X-ray 10 of 10" in shown.line.value and shown.onward.disabled
    shown.call(1)  # the next one without a call is the first
    assert "X-ray 1 of 10" in shown.line.value


def test_the_picture_follows_and_is_stamped_where_simulated(ten):
    path = ten["path"].iloc[1]
    plain, stamped = (np.array(Image.open(io.BytesIO(desk.xray_png(path, s)))) for s in (0, 1))
    assert plain.shape == stamped.shape == (450, 450)
    assert plain.max() == 20 and stamped.max() == 255
    assert (plain[75:375] == 20).all() and plain[:75].max() == plain[375:].max() == 0
    assert (stamped[:400] == plain[:400]).all()  # the word is at the foot


def test_every_control_can_be_named_by_a_screen_reader(space, ten):
    shown = Desk(space, ten)
    names = [shown.back, shown.covid, shown.other, shown.onward, shown.again]
    assert len({button.description for button in names}) == 5
    assert shown.line.value.startswith('<div role="status"')


def test_the_matrix_names_its_rows_and_columns():
    table = desk.confusion_html(Confusion(tp=3, fp=2, fn=1, tn=4))
    assert table.count('scope="col"') == table.count('scope="row"') == 2
    assert table.index("true negatives") < table.index("false positives")
    assert "called COVID-19" in table and "truly not COVID-19" in table
