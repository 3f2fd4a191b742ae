"""What a reader chooses: the budget, and which X-rays, by whom and for how long."""

from __future__ import annotations

import pytest

from cxrlab import course
from cxrlab.choices import BUDGETS, Choice, choose, get_budget, remember
from cxrlab.course import Workspace
from cxrlab.errors import CXRLabError
from cxrlab.files import workspace_root
from cxrlab.sources import data_folder


@pytest.fixture
def folders(tmp_path):
    made = [tmp_path / name for name in ("by-option", "by-variable", "by-choice")]
    for folder in made:
        folder.mkdir()
    return made


def test_budgets_come_from_the_environment_and_an_unknown_one_is_refused(monkeypatch):
    assert get_budget().name == "class"
    monkeypatch.setenv("CXRLAB_BUDGET", "full")
    assert get_budget() == BUDGETS["full"]
    assert get_budget().trials == 50  # as published
    assert get_budget("smoke").name == "smoke"
    with pytest.raises(CXRLabError, match="Choose smoke, class or full"):
        get_budget("huge")


def test_option_goes_before_variable_before_choice_before_phantoms(folders, monkeypatch):
    option, variable, kept = folders
    assert choose() == Choice(None)
    remember(kept)
    assert choose() == Choice(kept, "chosen in this workspace")
    monkeypatch.setenv("CXRLAB_DATA", str(variable))
    assert choose() == Choice(variable, "named by CXRLAB_DATA")
    assert choose(option) == Choice(option, "named by --data")
    assert [data_folder(option), data_folder()] == [option, variable]
    with pytest.raises(CXRLabError, match="CXRLAB_DATA goes before it"):
        course.use_data(kept)


def test_phantoms_can_be_asked_for_in_spite_of_the_choice(folders, monkeypatch):
    remember(folders[2])
    assert choose().folder == folders[2]
    assert choose("phantom").folder is None
    monkeypatch.setenv("CXRLAB_DATA", "")
    assert choose().folder is None
    assert remember(None) is None
    monkeypatch.delenv("CXRLAB_DATA")
    assert choose() == Choice(None)


def test_what_is_no_folder_is_not_remembered_and_one_that_vanished_is_said(folders, tmp_path):
    remember(folders[2])
    with pytest.raises(CXRLabError, match="not a folder"):
        remember(tmp_path / "nowhere")
    assert choose().folder == folders[2]
    folders[2].rmdir()
    for ask in (data_folder, course.begin):
        with pytest.raises(CXRLabError, match=f"{folders[2]}, chosen .*`cxrlab data use phantom`"):
            ask()
    remember(None)  # as the command does, without looking at the old choice
    assert choose() == Choice(None)


def test_a_note_that_cannot_be_read_is_a_sentence():
    for note in ("", "[]", "{}", '{"data": 3}', "\xff"):
        (workspace_root() / "data.json").write_text(note, encoding="latin-1")
        with pytest.raises(CXRLabError, match="cannot be read"):
            choose()


def test_every_notebook_of_the_workspace_begins_with_the_choice_and_says_so(phantom_data, capsys):
    space = course.use_data(phantom_data)
    assert course.begin() == space
    assert space.data == phantom_data
    said = capsys.readouterr().out.splitlines()
    assert said == 2 * [
        "Data: phantoms (simulated X-rays), chosen in this workspace · budget: class · seed: 0"
    ]
    xrays = phantom_data.parent / "xrays"
    named = "named by CXRLAB_DATA"
    assert str(Workspace(xrays, BUDGETS["smoke"], 1, xrays, named)) == (
        "Data: X-rays in xrays, named by CXRLAB_DATA · budget: smoke · seed: 1"
    )
