"""What one notebook leaves for the next, and that nothing stale is picked up."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from cxrlab import cards, course, workspace
from cxrlab.budgets import BUDGETS, get_budget
from cxrlab.errors import CXRLabError
from cxrlab.evaluation import external_report
from cxrlab.files import read_json
from cxrlab.training import Settings
from cxrlab.workspace import open_workspace


@pytest.fixture
def space(phantom_data):
    return open_workspace(phantom_data, budget="smoke")


def test_budgets_come_from_the_environment_and_an_unknown_one_is_refused(monkeypatch):
    assert get_budget().name == "class"
    monkeypatch.setenv("CXRLAB_BUDGET", "full")
    assert get_budget() == BUDGETS["full"]
    assert get_budget("smoke").name == "smoke"
    with pytest.raises(CXRLabError, match="Choose smoke, class or full"):
        get_budget("huge")


def test_the_published_search_has_fifty_trials():
    assert BUDGETS["full"].trials == 50


def test_a_workspace_belongs_to_one_choice(phantom_data, space):
    others = [
        open_workspace(phantom_data, budget="class"),
        open_workspace(phantom_data, budget="smoke", seed=1),
        open_workspace(phantom_data, budget="smoke", negatives="adult"),
    ]
    folders = {space.folder, *(other.folder for other in others)}
    assert len(folders) == 4
    assert open_workspace(phantom_data, budget="smoke").folder == space.folder


def test_other_data_of_the_same_name_gets_another_workspace(tmp_path, phantom_data, space):
    copy = tmp_path / phantom_data.name
    shutil.copytree(phantom_data, copy)
    assert open_workspace(copy, budget="smoke").folder == space.folder
    next(copy.rglob("*.png")).unlink()
    assert open_workspace(copy, budget="smoke").folder != space.folder


def test_another_version_of_the_library_gets_another_workspace(monkeypatch, phantom_data, space):
    monkeypatch.setattr(workspace.cxrlab, "__version__", "99")
    assert open_workspace(phantom_data, budget="smoke").folder != space.folder


def test_a_phantom_workspace_says_that_its_xrays_are_simulated(space):
    assert space.simulated
    assert "simulated" in str(space)
    assert "smoke" in str(space)


def test_a_later_notebook_finds_the_split_of_an_earlier_one(space):
    made = course.get_split(space)
    found = course.get_split(space)
    for part, table in made.parts().items():
        assert list(found.parts()[part]["image_id"]) == list(table["image_id"])
        assert list(found.parts()[part]["label"]) == list(table["label"])


def test_the_budget_cuts_the_training_part_only(space):
    split, parts = course.get_split(space), course.get_xrays(space)
    assert len(parts.training) == min(space.budget.images, len(split.train))
    assert len(parts.test) == len(split.test)


def test_a_network_is_trained_once(space):
    parts = course.get_xrays(space)
    first = course.get_network(space, parts)
    written = (space.folder / "network" / "model.keras").stat().st_mtime_ns
    again = course.get_network(space, parts)
    assert (space.folder / "network" / "model.keras").stat().st_mtime_ns == written
    assert (again.seconds, again.precision) == (first.seconds, first.precision)
    pd.testing.assert_frame_equal(again.history, first.history)
    assert 0 <= course.get_threshold(again, parts) <= 1


def test_headlines_are_replaced_and_kept_in_the_order_of_the_notebooks(space):
    space.headline("04", "Recall", "0.80")
    space.headline("02", "X-rays", "10")
    space.headline("04", "Recall", "0.90", "0.80 to 0.95")
    kept = read_json(space.folder.parent / "headlines.json")
    assert [(line["notebook"], line["value"]) for line in kept] == [("02", "10"), ("04", "0.90")]


def test_a_variant_is_named_by_what_differs(space, monkeypatch):
    parts, trained = course.get_xrays(space), []

    def train(training, validation, budget, seed, settings):
        trained.append((len(training), budget.epochs, budget.patience, settings))
        raise InterruptedError

    monkeypatch.setattr(course, "train", train)
    slow = Settings(learning_rate=1e-5)
    for choices in ({}, {"images": 8}, {"images": 8, "epochs": 3}):
        with pytest.raises(InterruptedError):
            course.get_variant(space, parts, slow, **choices)
    whole = len(parts.training)
    assert trained == [(whole, 1, 1, slow), (8, 1, 1, slow), (8, 3, 3, slow)]


def test_a_variant_is_trained_once(space):
    parts = course.get_xrays(space)
    first = course.get_variant(space, parts, Settings(dropout=0.0), images=6)
    again = course.get_variant(space, parts, Settings(dropout=0.0), images=6)
    assert again.seconds == first.seconds
    other = course.get_variant(space, parts, Settings(dropout=0.1), images=6)
    assert other.seconds != first.seconds


def test_strangers_are_the_ill_of_the_test_part_and_adults_nobody_has_met(space):
    parts = course.get_xrays(space)
    strangers = course.get_strangers(space, parts)
    ill = strangers.cases[strangers.labels == 1]
    tested = parts.test.cases[parts.test.labels == 1]
    assert list(ill["image_id"]) == list(tested["image_id"])
    assert set(strangers.cases.loc[strangers.labels == 0, "source"]) == {"nih-no-finding"}
    learned = {*parts.training.patients, *parts.validation.patients}
    assert not learned & set(strangers.patients)
    again = course.get_strangers(space, parts)  # from the workspace
    np.testing.assert_array_equal(again.pixels, strangers.pixels)
    assert list(again.cases["image_id"]) == list(strangers.cases["image_id"])


def test_a_network_becomes_a_run_with_a_card(space):
    parts = course.get_xrays(space)
    trained = course.get_network(space, parts)
    strangers = course.get_strangers(space, parts)
    scored = strangers.cases.assign(score=np.linspace(0, 1, len(strangers)))
    away = external_report(scored, 0.25, name="hospital B", resamples=20)
    run = course.keep_run(space, parts, trained, 0.25, external=away)
    assert read_json(run / "metrics.json")["threshold"] == 0.25
    assert set(pd.read_csv(run / "by_source.csv")["group"]) == {"COVID-19", "children", "adults"}
    card = cards.model_card(run)
    assert "hospital B" in card.markdown
    shown = cards.excerpt(card, ["Limits", "Intended use"])
    assert shown.startswith("#### Intended use")  # in the order of the card
    assert "#### Limits" in shown and "## Reporting" not in shown
    with pytest.raises(CXRLabError, match="no section 'Jokes'"):
        cards.excerpt(card, ["Jokes"])


def test_the_dial_is_turned_up_for_phantoms_and_left_alone_on_other_data(
    space, phantom_data, tmp_path, monkeypatch
):
    asked = []

    def make(folder, **choices):
        asked.append((folder, choices))
        return folder

    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path))
    monkeypatch.setattr("cxrlab.sources.phantom.make_phantoms", make)
    beside = course.confounded_data(space)
    assert asked == [(beside, {"confounding": 1.0})]
    assert beside.parent == tmp_path.resolve() and beside.name == "phantoms-confounded"

    elsewhere = tmp_path / "x-rays"
    shutil.copytree(phantom_data, elsewhere)
    (elsewhere / "phantoms.json").unlink()
    found = course.confounded_data(open_workspace(elsewhere, budget="smoke"))
    assert found == elsewhere.resolve() and len(asked) == 1
