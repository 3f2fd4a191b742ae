"""What one notebook leaves for the next, and that nothing stale is picked up."""

from __future__ import annotations

import shutil
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from cxrlab import course, training
from cxrlab.choices import BUDGETS
from cxrlab.course import open_workspace
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json
from cxrlab.model import published_network
from cxrlab.phantoms import make_phantoms
from cxrlab.pipeline import Xrays
from cxrlab.sources import confounded_phantoms


@pytest.fixture
def space(phantom_data):
    return open_workspace(phantom_data, budget="smoke")


def test_a_workspace_belongs_to_one_choice_of_one_version(
    tmp_path, phantom_data, space, monkeypatch
):
    copy = tmp_path / phantom_data.name
    shutil.copytree(phantom_data, copy)
    again = [open_workspace(folder, budget="smoke").folder for folder in (phantom_data, copy)]
    assert set(again) == {space.folder}
    next(copy.rglob("*.png")).unlink()
    others = [
        open_workspace(phantom_data, budget="class"),
        open_workspace(phantom_data, budget="smoke", seed=1),
        open_workspace(copy, budget="smoke"),
    ]
    monkeypatch.setattr(course.cxrlab, "__version__", "99")
    others.append(open_workspace(phantom_data, budget="smoke"))
    assert len({space.folder, *(other.folder for other in others)}) == 5


def test_a_later_notebook_finds_what_an_earlier_one_has_left(space):
    split, ten = course.get_split(space), course.get_ten(space)
    assert len(ten) == ten["patient_id"].nunique() == 10 and 4 <= ten["label"].sum() <= 6
    pd.testing.assert_frame_equal(course.get_ten(space), ten)
    for part, table in split.parts().items():
        assert not set(table["patient_id"]) & set(ten["patient_id"])
        pd.testing.assert_frame_equal(course.get_split(space).parts()[part], table)
    parts = course.get_xrays(space)
    assert len(parts.training) == min(space.budget.images, len(split.train))
    assert len(parts.test) == len(split.test)  # the budget cuts the training part alone


def test_a_split_that_leaks_is_not_kept(space):
    split = course.get_split(space)
    leaking = pd.concat([split.test, split.train.iloc[:1]])
    with pytest.raises(CXRLabError, match="This split is not kept: .*Split by group"):
        course.keep_split(space, split.train, split.validation, leaking)
    found = course.get_split(space)
    assert list(found.test["image_id"]) == list(split.test["image_id"])


def swap(space) -> None:
    """Keep another split of the same X-rays: validation and test change places."""
    split = course.get_split(space)
    course.keep_split(space, split.train, split.test, split.validation)


@pytest.fixture(scope="module")
def network():
    """Built as notebook 03 builds it on a machine with the short format."""
    return training.built_in("mixed_bfloat16", published_network)


@pytest.fixture
def ships(space, network, tmp_path, monkeypatch):
    """A course that brings a network for the phantoms and the split of ``space``."""
    folder = tmp_path / "networks"
    course.ship(network, course.how_shipped(space), folder / "one.npz")
    monkeypatch.setattr(course, "SHIPPED", folder)


def test_what_notebook_03_has_left_is_used_when_asked_for(space, ships, network, capsys):
    network.save(course.network_path(space))
    assert course.network_file(space) != course.network_path(space)
    capsys.readouterr()
    assert course.network_file(space, yours=True) == course.network_path(space)
    parts = course.get_xrays(space)
    found = course.load_network(space, parts, yours=True)
    assert capsys.readouterr().out == ""
    assert all(map(np.array_equal, found.get_weights(), network.get_weights()))
    assert 0 <= course.get_threshold(found, parts) <= 1


def test_a_network_that_has_learned_from_another_split_is_never_used(space, network, capsys):
    network.save(course.network_path(space))
    assert course.network_file(space) == course.network_path(space)
    swap(space)
    assert course.network_file(space) is None
    assert "run notebook 03 first" in capsys.readouterr().out


def test_on_its_phantoms_the_course_brings_a_network_as_an_ordinary_file_and_on_no_others(
    space, ships, tmp_path, phantom_data, capsys
):
    file = course.network_file(space)
    assert "came with the course" in capsys.readouterr().out
    assert file.parent == space.folder and course.network_file(space) == file
    assert keras.saving.load_model(file).count_params() == 5_631_169
    others = [replace(space, seed=1), replace(space, budget=BUDGETS["full"])]
    for other in [*others, without_stamp(phantom_data, tmp_path)]:
        assert course.network_file(other) is None
    swap(space)
    assert course.network_file(space) is None


def without_stamp(phantom_data, tmp_path):
    """The same X-rays, taken for real ones."""
    shutil.copytree(phantom_data, tmp_path / "x-rays")
    (tmp_path / "x-rays" / "phantoms.json").unlink()
    return open_workspace(tmp_path / "x-rays", budget="smoke")


def test_without_notebook_03_its_network_is_trained_once_and_kept(
    phantom_data, tmp_path, monkeypatch, capsys
):
    space = without_stamp(phantom_data, tmp_path)
    parts = course.get_xrays(space)
    first = course.load_network(space, parts)
    said = capsys.readouterr().out
    assert "run notebook 03 first" in said and "trained here" in said
    monkeypatch.setattr(training, "train", None)
    again = course.load_network(space, parts)
    assert all(map(np.array_equal, again.get_weights(), first.get_weights()))


def test_headlines_are_replaced_and_kept_in_the_order_of_the_notebooks(space):
    space.headline("04", "Recall", "0.80")
    space.headline("02", "X-rays", "10")
    space.headline("04", "Recall", "0.90", "0.80 to 0.95")
    kept = read_json(space.folder.parent / "headlines.json")
    assert [(line["notebook"], line["value"]) for line in kept] == [("02", "10"), ("04", "0.90")]


def test_without_phantoms_hospital_b_is_the_ill_of_the_test_part_and_adults_nobody_has_met(
    phantom_data, tmp_path
):
    space = without_stamp(phantom_data, tmp_path)
    assert course.confounded_data(space) == space.data
    parts = course.get_xrays(space)
    people = course.hospital_b(space, parts)
    ill = people.cases[people.labels == 1]
    tested = parts.test.cases[parts.test.labels == 1]
    assert list(ill["image_id"]) == list(tested["image_id"])
    assert set(people.cases.loc[people.labels == 0, "source"]) == {"nih-no-finding"}
    learned = {*parts.training.patients, *parts.validation.patients}
    assert not learned & set(people.patients)


@pytest.fixture(scope="module")
def other_phantoms(tmp_path_factory):
    """Small collections in place of the confounded one and of the ward, by the names of both."""
    folder = tmp_path_factory.mktemp("others")
    return {
        "phantoms-confounded": make_phantoms(folder / "up", size="tiny", confounding=1.0),
        "phantoms-hospital-b": make_phantoms(folder / "b", size="tiny", seed=1),
    }


@pytest.fixture
def stand_ins(other_phantoms, monkeypatch):
    """What the course asks for, and how often it had to."""
    asked = []

    def make(folder, **choices):
        asked.append((folder.name, choices))
        return other_phantoms[folder.name]

    monkeypatch.setattr("cxrlab.phantoms.make_phantoms", make)
    return asked


def test_hospital_b_has_patients_and_healthy_adults_whom_nobody_has_met(
    space, stand_ins, monkeypatch
):
    parts = course.get_xrays(space)
    people = course.hospital_b(space, parts)
    assert stand_ins == [("phantoms-hospital-b", {"seed": 1, "size": "ward"})]
    sources = people.cases.groupby("label")["source"].unique().map(list).to_dict()
    assert sources == {0: ["nih-no-finding"], 1: ["covid-chestxray-dataset"]}
    # Numbers of patients begin anew in another hospital; what tells people apart is the X-ray.
    for part in (parts.training, parts.validation, parts.test):
        known = {pixels.tobytes() for pixels in part.pixels}
        assert not known & {pixels.tobytes() for pixels in people.pixels}
    monkeypatch.setattr(course, "prepare", None)  # put together once
    np.testing.assert_array_equal(course.hospital_b(space, parts).pixels, people.pixels)


def test_the_confounded_network_learned_from_the_phantoms_with_the_dial_up(
    space, stand_ins, network, other_phantoms, monkeypatch, capsys
):
    monkeypatch.setenv("CXRLAB_BUDGET", "smoke")
    there = open_workspace(other_phantoms["phantoms-confounded"])
    network.save(course.network_path(there))
    parts, found = course.get_confounded(space)
    assert stand_ins == [("phantoms-confounded", {"confounding": 1.0})]
    assert capsys.readouterr().out == ""
    assert all(map(np.array_equal, found.get_weights(), network.get_weights()))
    assert set(parts.test.cases["path"].map(lambda path: "/up/" in path)) == {True}
    assert there.folder != space.folder


# --- networks that come with the course ------------------------------------------------------


def test_what_was_shipped_scores_as_what_was_trained_and_only_that_is_found(
    network, tmp_path, monkeypatch
):
    how = {"phantoms": {"version": 2}, "split": "0123456789abcdef", "seed": 3}
    monkeypatch.setattr(course, "SHIPPED", tmp_path)
    path = course.ship(network, how, tmp_path / "one.npz")
    assert path.stat().st_size < 6_500_000
    assert course.find_shipped(how) == path
    assert course.find_shipped({**how, "seed": 4}) is None
    pixels = np.random.default_rng(0).integers(0, 256, (6, 224, 224, 1), np.uint8)
    xrays = Xrays(pixels, np.zeros(6, int), pd.DataFrame(index=range(6)))
    found = training.predict(course.unpack(path), xrays)
    assert found == pytest.approx(training.predict(network, xrays), abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("dial", ["off", "up"])
def test_the_course_brings_the_network_of_its_own_phantoms(dial, capsys):
    """Its file fits the phantoms and the split of today, and tells the classes apart."""
    space = open_workspace(None if dial == "off" else confounded_phantoms(), budget="class")
    parts = course.get_xrays(space)
    network = course.load_network(space, parts)
    assert "came with the course" in capsys.readouterr().out
    scores = training.predict(network, parts.validation)
    assert roc_auc_score(parts.validation.labels, scores) > 0.8
