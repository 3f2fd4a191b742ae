"""The reader's ten X-rays: the calls, the desk with its buttons, and what it all amounts to."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from cxrlab import reader
from cxrlab.choices import BUDGETS
from cxrlab.course import Workspace
from cxrlab.errors import CXRLabError
from cxrlab.filters import ten_xrays

TRUTH = [1, 0, 1, 1, 0, 0, 1, 0, 1, 0]


def cases() -> pd.DataFrame:
    """Two X-rays of each of 60 patients."""
    rows = [
        {"image_id": f"i{patient:03d}-{image}", "group": f"p{patient}", "label": int(patient < 30)}
        for patient in range(60)
        for image in range(2)
    ]
    table = pd.DataFrame(rows)
    return table.assign(path=table["image_id"] + ".png", patient_id=table["group"])


@pytest.fixture
def space(tmp_path) -> Workspace:
    return Workspace(tmp_path, BUDGETS["smoke"], 0, tmp_path / "kept")


@pytest.fixture
def ten(tmp_path) -> pd.DataFrame:
    rows = []
    for number, label in enumerate(TRUTH):
        path = str(tmp_path / f"{number}.png")
        film = np.tile(np.linspace(0, 20 * number + 20, 90).astype(np.uint8), (60, 1))
        Image.fromarray(film).save(path)
        rows.append({"image_id": f"x{number}", "path": path, "label": label})
    return pd.DataFrame(rows).astype({"label": "Int64"})


# The calls


def test_calls_are_kept_and_replaced_and_are_0_or_1(space):
    assert reader.get_calls(space) == {}
    reader.keep_calls(space, {"a": 1, "b": np.int64(0)})
    assert reader.get_calls(space) == {"a": 1, "b": 0}
    for call in (2, "1", 0.5, None):
        with pytest.raises(CXRLabError, match="Write 1 for COVID-19"):
            reader.keep_calls(space, {"a": call})
    (space.folder / reader.FILE).write_text("{", encoding="utf-8")  # damaged
    assert reader.get_calls(space) == {}


def test_the_truth_is_hidden_until_the_tenth_call(space, capsys):
    ten, others = ten_xrays(cases()), cases()
    reader.keep_calls(space, dict.fromkeys(ten["image_id"][:9], 1))
    read = reader.reading(space, ten, others, ...)
    assert "Calls still to make: 1." in capsys.readouterr().out
    pd.testing.assert_frame_equal(read, reader.example_reading(others))
    written = [1] * 9 + [0]
    for given in (written, None):
        read = reader.reading(space, ten, others, given)
        assert "Your own calls" in capsys.readouterr().out
        assert read["truth"].tolist() == ten["label"].tolist()
        assert read["path"].tolist() == ten["path"].tolist()
        assert read["you"].tolist() == written
        assert read.index.tolist() == list(range(1, 11))
    with pytest.raises(CXRLabError, match="9 calls for 10"):
        reader.reading(space, ten, others, written[:9])


def test_the_imaginary_reader_makes_mistakes_of_both_kinds_on_ten_patients():
    others = cases()
    read = reader.example_reading(others)
    assert pd.crosstab(read["truth"], read["you"]).to_numpy().tolist() == [[3, 2], [1, 4]]
    shown = others.set_index("path").loc[read["path"]]
    assert shown["patient_id"].is_unique
    assert shown["label"].tolist() == read["truth"].tolist()


# The desk


class Desk:
    def __init__(self, space, cases):
        self.line, self.xray, controls, self.result = reader.read_ten(space, cases).children
        self.back, self.covid, self.other, self.onward, self.again = controls.children

    def call(self, *verdicts):
        for verdict in verdicts:
            (self.covid if verdict else self.other).click()


def test_ten_calls_give_the_readers_own_matrix_and_close_the_reading(space, ten):
    shown, seen = Desk(space, ten), []
    assert "X-ray 1 of 10" in shown.line.value and "0 called" in shown.line.value
    for call in (1, 1, *TRUTH[2:9]):
        shown.call(call)
        seen.append(shown.line.value + shown.result.value)
    assert "X-ray 3 of 10" in seen[1] and "2 called" in seen[1]
    assert not any("On record" in words or "recall" in words for words in seen)
    shown.call(TRUTH[9])
    assert 'role="status"' in shown.line.value and 'role="status"' in shown.result.value
    assert "1 false positives: false alarms" in shown.result.value
    assert "recall is 1.00 (0.57 to 1.00), your specificity 0.80 (0.38 to" in shown.result.value
    assert shown.covid.disabled and shown.other.disabled
    for _ in range(8):
        shown.back.click()
    assert "On record: <b>not COVID-19</b>, so this was a false alarm" in shown.line.value
    kept = reader.get_calls(space)
    shown.call(0)  # a front end could still send a press
    assert reader.get_calls(space) == kept and set(kept.values()) == {0, 1}
    shown.again.click()
    assert reader.get_calls(space) == {} and shown.result.value == ""
    assert not shown.covid.disabled and "X-ray 1 of 10" in shown.line.value


def test_a_call_can_be_changed_and_the_desk_goes_on_where_the_reader_stopped(space, ten):
    shown = Desk(space, ten)
    shown.call(1)
    shown.back.click()
    assert "Your call here: <b>COVID-19</b>" in shown.line.value
    shown.call(0)
    assert reader.get_calls(space) == {"x0": 0}
    assert "X-ray 2 of 10" in shown.line.value
    shown.call(0, 1)
    assert "X-ray 4 of 10" in Desk(space, ten).line.value


def test_back_and_next_stop_at_the_ends_and_the_picture_follows_on_a_black_square(space, ten):
    shown = Desk(space, ten)
    assert shown.back.disabled
    for _ in range(12):
        shown.onward.click()
    assert "X-ray 10 of 10" in shown.line.value and shown.onward.disabled
    shown.call(1)  # the next one without a call is the first
    assert "X-ray 1 of 10" in shown.line.value
    shown.onward.click()
    png = BeautifulSoup(shown.xray.value, "html.parser").img["src"].partition(",")[2]
    drawn = np.array(Image.open(io.BytesIO(base64.b64decode(png))))
    squared = reader.picture(ten["path"].iloc[1], reader.SIDE, square=True)
    assert squared.shape == (450, 450) and (drawn[:400] == squared[:400]).all()
    assert squared.max() == drawn.max() == 40 and not space.simulated  # else it is stamped
    assert (squared[75:375, -1] == 40).all() and squared[:75].max() == squared[375:].max() == 0
