"""The reader's ten X-rays: which ten, and what becomes of the calls."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxrlab import reader
from cxrlab.budgets import SMOKE
from cxrlab.errors import CXRLabError
from cxrlab.evaluation import Confusion
from cxrlab.splits import Split
from cxrlab.workspace import Workspace


def cases(positives: int = 30, negatives: int = 30, images: int = 2) -> pd.DataFrame:
    labels = [1] * positives + [0] * negatives
    rows = [
        {"image_id": f"i{patient:03d}-{image}", "patient_id": f"p{patient}", "label": label}
        for patient, label in enumerate(labels)
        for image in range(images)
    ]
    return pd.DataFrame(rows)


def split_of(test: pd.DataFrame) -> Split:
    other = test.assign(image_id="train-" + test["image_id"], patient_id="t" + test["patient_id"])
    return Split(other, other[:0], test)


@pytest.fixture
def space(tmp_path) -> Workspace:
    return Workspace(tmp_path, "kermany", SMOKE, 0, tmp_path / "kept")


@pytest.fixture
def ten() -> pd.DataFrame:
    return reader.ten_xrays(split_of(cases()))


def test_ten_patients_of_the_test_part():
    test = cases()
    for seed in range(20):
        ten = reader.ten_xrays(split_of(test), seed)
        assert len(ten) == ten["patient_id"].nunique() == 10
        assert set(ten["image_id"]) <= set(test["image_id"])
        assert 4 <= ten["label"].sum() <= 6


def test_counting_calls_gives_nothing_away():
    tens = [reader.ten_xrays(split_of(cases()), seed) for seed in range(60)]
    assert {int(ten["label"].sum()) for ten in tens} == {4, 5, 6}
    # Every place holds positives and negatives: the order says nothing either.
    shares = np.mean([ten["label"] for ten in tens], axis=0)
    assert shares.min() > 0.25 and shares.max() < 0.75


def test_the_same_ten_whatever_the_order_of_the_rows():
    test = cases()
    shuffled = test.sample(frac=1, random_state=1)
    first, second = (reader.ten_xrays(split_of(table), 3) for table in (test, shuffled))
    pd.testing.assert_frame_equal(first, second)
    assert reader.ten_xrays(split_of(test), 4)["image_id"].tolist() != first["image_id"].tolist()


def test_few_of_one_class_are_filled_up_from_the_other():
    assert reader.ten_xrays(split_of(cases(2, 30)))["label"].sum() == 2
    assert reader.ten_xrays(split_of(cases(30, 2)))["label"].sum() == 8


def test_too_few_patients_are_said_to_be_too_few():
    with pytest.raises(CXRLabError, match="holds 9 patients"):
        reader.ten_xrays(split_of(cases(5, 4)))


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


def test_the_truth_is_hidden_until_the_tenth_call(ten):
    calls = dict.fromkeys(ten["image_id"][:9], 1)
    assert reader.missing_calls(ten, calls) == 1
    pd.testing.assert_frame_equal(reader.reading(ten, calls), reader.example_reading())
    calls[ten["image_id"].iloc[9]] = 0
    read = reader.reading(ten, calls)
    assert read["truth"].tolist() == ten["label"].tolist()
    assert read["call"].tolist() == [1] * 9 + [0]
    assert read.index.tolist() == list(range(1, 11))
    assert reader.confusion_of(read) == reader.reader_confusion(ten, calls)


def test_the_example_has_all_four_outcomes():
    counts = reader.confusion_of(reader.example_reading())
    assert min(counts.tp, counts.fp, counts.fn, counts.tn) > 0 and counts.n == 10


def test_the_sentence_says_how_little_ten_cases_say():
    words = reader.in_a_sentence(Confusion(tp=5, fp=4, fn=0, tn=1))
    assert "5 of 5 positive cases were found: a recall of 1.00" in words
    assert "from 0.57 to 1.00" in words
    assert "1 of 5 negative cases was left in peace: a specificity of 0.20" in words
    assert "specificity is undefined" in reader.in_a_sentence(Confusion(3, 0, 7, 0))


def test_a_picture_keeps_its_proportions(tmp_path):
    from PIL import Image

    Image.fromarray(np.full((100, 200), 90, np.uint8)).save(tmp_path / "x.png")
    assert reader.picture(tmp_path / "x.png", 80).shape == (40, 80)
    squared = reader.picture(tmp_path / "x.png", 80, square=True)
    assert squared.shape == (80, 80)
    assert squared[0].max() == 0 and squared[40].min() == 90
