"""What a reader chooses: the budget, and which X-rays, by whom and for how long."""

from __future__ import annotations

import json

import pytest

from cxrlab import course
from cxrlab.choices import BUDGETS, Choice, choose, get_budget, remember, remembered
from cxrlab.course import Workspace
from cxrlab.errors import CXRLabError
from cxrlab.files import workspace_root
from cxrlab.running.course import make_plan
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
    assert choose() == Choice(variable, "CXRLAB_DATA")
    assert choose(option) == Choice(option, "--data")
    assert [data_folder(option), data_folder()] == [option, variable]
    with pytest.raises(CXRLabError, match="CXRLAB_DATA goes before it"):
        course.use_data(kept)


def test_phantoms_can_be_asked_for_in_spite_of_the_choice(folders, monkeypatch, tmp_path):
    remember(folders[2])
    assert make_plan(out=tmp_path / "out").environment["CXRLAB_DATA"] == str(folders[2])
    assert make_plan(data="phantom", out=tmp_path / "out").environment["CXRLAB_DATA"] == ""
    for said in ("", "phantom"):
        monkeypatch.setenv("CXRLAB_DATA", said)
        assert choose().folder is None
    assert remember(None) is None
    assert remembered() is None


def test_what_is_no_folder_is_not_remembered(folders, tmp_path):
    remember(folders[2])
    with pytest.raises(CXRLabError, match="not a folder"):
        remember(tmp_path / "nowhere")
    assert remembered() == folders[2]


def test_a_folder_that_vanished_says_how_to_go_back(folders):
    remember(folders[2])
    folders[2].rmdir()
    for ask in (remembered, choose, data_folder, course.begin):
        with pytest.raises(CXRLabError, match="`cxrlab data use phantom`") as raised:
            ask()
        assert str(folders[2]) in str(raised.value)
    remember(None)  # as the command does, without looking at the old choice
    assert remembered() is None


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"data": 3}', "\xff"])
def test_a_note_that_cannot_be_read_is_a_sentence(note):
    (workspace_root() / "data.json").write_text(note, encoding="latin-1")
    with pytest.raises(CXRLabError, match="cannot be read"):
        remembered()


def test_a_choice_inside_the_workspace_moves_with_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path / "here"))
    (tmp_path / "here" / "xrays").mkdir(parents=True)
    remember(tmp_path / "here" / "xrays")
    assert json.loads((tmp_path / "here" / "data.json").read_text()) == {"data": "xrays"}
    (tmp_path / "here").rename(tmp_path / "there")
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path / "there"))
    assert remembered() == tmp_path / "there" / "xrays"


def test_every_notebook_of_the_workspace_begins_with_the_choice_and_says_so(phantom_data, capsys):
    space = course.use_data(phantom_data)
    assert course.begin() == space
    assert space.data == phantom_data
    said = capsys.readouterr().out.splitlines()
    assert said == 2 * [
        "Data: phantoms (simulated X-rays), chosen in this workspace · budget: class · seed: 0"
    ]
    xrays = phantom_data.parent / "xrays"
    how = Choice(xrays, "CXRLAB_DATA").in_words
    assert str(Workspace(xrays, "kermany", BUDGETS["smoke"], 1, xrays, how)) == (
        "Data: X-rays in xrays, named by CXRLAB_DATA · budget: smoke · seed: 1"
    )
