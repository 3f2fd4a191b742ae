"""The reader's ten X-rays: which ten, and what becomes of the calls."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxrlab import reader
from cxrlab.cases import ten_xrays
from cxrlab.choices import SMOKE
from cxrlab.course import Workspace
from cxrlab.errors import CXRLabError
from cxrlab.metrics import Confusion


def cases(positives: int = 30, negatives: int = 30, images: int = 2) -> pd.DataFrame:
    labels = [1] * positives + [0] * negatives
    rows = [
        {"image_id": f"i{patient:03d}-{image}", "group": f"p{patient}", "label": label}
        for patient, label in enumerate(labels)
        for image in range(images)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def space(tmp_path) -> Workspace:
    return Workspace(tmp_path, "kermany", SMOKE, 0, tmp_path / "kept")


@pytest.fixture
def ten() -> pd.DataFrame:
    return ten_xrays(cases())


def test_calls_are_kept_and_replaced(space, ten):
    assert reader.get_calls(space) == {}
    reader.keep_calls(space, {"a": 1, "b": np.int64(0)})
    assert reader.get_calls(space) == {"a": 1, "b": 0}
    reader.keep_calls(space, {})
    assert reader.get_calls(space) == {}


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"a": 2, "b": "1", "c": true, "d": 1}'])
def test_a_damaged_file_costs_the_damaged_calls_only(space, text):
    reader.keep_calls(space, {})
    (space.folder / reader.FILE).write_text(text, encoding="utf-8")
    assert reader.get_calls(space) == ({"d": 1} if "d" in text else {})


@pytest.mark.parametrize("call", [2, "1", 0.5, None])
def test_a_call_is_0_or_1(space, call):
    with pytest.raises(CXRLabError, match="Write 1 for COVID-19"):
        reader.keep_calls(space, {"a": call})


def test_written_calls_are_taken_in_the_order_of_the_cases(space, ten):
    assert reader.take_calls(space, ten, ...) == reader.take_calls(space, ten) == {}
    written = [1, 0] * 5
    taken = reader.take_calls(space, ten, written)
    assert list(taken.items()) == list(zip(ten["image_id"], written, strict=True))
    assert reader.take_calls(space, ten, ...) == taken == reader.get_calls(space)
    with pytest.raises(CXRLabError, match="9 calls for 10"):
        reader.take_calls(space, ten, written[:9])


def test_confusion_over_the_called_ones(ten):
    assert reader.reader_confusion(ten, {}) == Confusion(0, 0, 0, 0)
    right = dict(zip(ten["image_id"], ten["label"], strict=True))
    positives = int(ten["label"].sum())
    assert reader.reader_confusion(ten, right) == Confusion(positives, 0, 0, 10 - positives)
    some = dict(list(right.items())[:3])
    assert reader.reader_confusion(ten, some).n == 3
    wrong = {name: 1 - label for name, label in right.items()}
    assert reader.reader_confusion(ten, wrong) == Confusion(0, 10 - positives, positives, 0)


def with_files(cases: pd.DataFrame) -> pd.DataFrame:
    return cases.assign(path=cases["image_id"] + ".png", patient_id=cases["group"])


def test_the_truth_is_hidden_until_the_tenth_call(space, ten, capsys):
    ten, others = with_files(ten), with_files(cases())
    reader.keep_calls(space, dict.fromkeys(ten["image_id"][:9], 1))
    read = reader.reading(space, ten, others)
    assert "Calls still to make: 1." in capsys.readouterr().out
    pd.testing.assert_frame_equal(read, reader.example_reading(others))
    read = reader.reading(space, ten, others, [1] * 9 + [0])
    assert "Your own calls" in capsys.readouterr().out
    assert read["truth"].tolist() == ten["label"].tolist()
    assert read["path"].tolist() == ten["path"].tolist()
    assert read["you"].tolist() == [1] * 9 + [0]
    assert read.index.tolist() == list(range(1, 11))
    counts = reader.reader_confusion(ten, reader.get_calls(space))
    assert reader.reader_confusion(ten, dict(zip(ten["image_id"], read["you"], strict=True))) == (
        counts
    )


def test_the_imaginary_reader_makes_mistakes_of_both_kinds_on_ten_patients():
    others = with_files(cases())
    read = reader.example_reading(others)
    assert pd.crosstab(read["truth"], read["you"]).to_numpy().tolist() == [[3, 2], [1, 4]]
    shown = others.set_index("path").loc[read["path"]]
    assert shown["patient_id"].is_unique
    assert shown["label"].tolist() == read["truth"].tolist()
    few = reader.example_reading(with_files(cases(2, 30)))
    assert few["truth"].sum() == 2 and len(few) == 7


def test_the_sentence_says_how_little_ten_cases_say():
    words = reader.in_a_sentence(Confusion(tp=5, fp=4, fn=0, tn=1))
    assert "5 of 5 positive cases were found: a recall of 1.00" in words
    assert "true recall between 0.57 and 1.00" in words
    assert "1 of 5 negative cases was correctly cleared: a specificity of 0.20" in words
    assert "specificity is undefined" in reader.in_a_sentence(Confusion(3, 0, 7, 0))


def test_a_picture_keeps_its_proportions(tmp_path):
    from PIL import Image

    Image.fromarray(np.full((100, 200), 90, np.uint8)).save(tmp_path / "x.png")
    assert reader.picture(tmp_path / "x.png", 80).shape == (40, 80)
    squared = reader.picture(tmp_path / "x.png", 80, square=True)
    assert squared.shape == (80, 80)
    assert squared[0].max() == 0 and squared[40].min() == 90
