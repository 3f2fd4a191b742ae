"""The choice of data: who goes before whom, what is remembered, and what is said of it."""

from __future__ import annotations

import json

import pytest

from cxrlab import course
from cxrlab.choices import Choice, choose, remember, remembered
from cxrlab.course import Workspace
from cxrlab.errors import CXRLabError
from cxrlab.files import workspace_root
from cxrlab.running.course import make_plan
from cxrlab.sources import data_folder, is_phantom


@pytest.fixture
def folders(tmp_path):
    made = [tmp_path / name for name in ("by-option", "by-variable", "by-choice")]
    for folder in made:
        folder.mkdir()
    return made


def test_option_goes_before_variable_before_choice_before_phantoms(folders, monkeypatch):
    option, variable, kept = folders
    assert choose() == Choice(None)
    remember(kept)
    assert choose() == Choice(kept, "chosen in this workspace")
    monkeypatch.setenv("CXRLAB_DATA", str(variable))
    assert choose() == Choice(variable, "CXRLAB_DATA")
    assert choose(option) == Choice(option, "--data")
    assert [data_folder(option), data_folder()] == [option, variable]
    monkeypatch.delenv("CXRLAB_DATA")
    assert data_folder() == kept


@pytest.mark.parametrize("said", ["", "phantom"])
def test_a_variable_may_ask_for_phantoms_in_spite_of_the_choice(said, folders, monkeypatch):
    remember(folders[2])
    monkeypatch.setenv("CXRLAB_DATA", said)
    assert choose().folder is None
    monkeypatch.delenv("CXRLAB_DATA")
    assert choose("phantom") == Choice(None, "--data")


def test_phantoms_can_be_chosen_again(folders):
    remember(folders[2])
    assert remembered() == folders[2]
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
    workspace_root().mkdir(exist_ok=True)
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


def test_every_notebook_of_the_workspace_begins_with_the_choice(phantom_data, capsys):
    space = course.use_data(phantom_data)
    assert course.begin() == space
    assert space.data == phantom_data
    said = capsys.readouterr().out.splitlines()
    assert said == 2 * [
        "Data: phantoms (simulated X-rays), chosen in this workspace · budget: class · seed: 0"
    ]


def test_a_workspace_says_which_data_and_who_chose_it(tmp_path):
    from cxrlab.choices import get_budget

    def said(data, by):
        how = Choice(data, by).in_words
        return str(Workspace(data, "kermany", get_budget("smoke"), 1, tmp_path, how))

    xrays = tmp_path / "xrays"
    assert said(xrays, "CXRLAB_DATA") == (
        "Data: X-rays in xrays, named by CXRLAB_DATA · budget: smoke · seed: 1"
    )
    assert said(xrays, "") == "Data: X-rays in xrays · budget: smoke · seed: 1"


def test_a_variable_that_stands_in_the_way_is_named(folders, monkeypatch):
    monkeypatch.setenv("CXRLAB_DATA", str(folders[1]))
    with pytest.raises(CXRLabError, match="CXRLAB_DATA goes before it"):
        course.use_data(folders[2])


def test_a_run_of_the_course_takes_the_choice(folders, tmp_path):
    assert make_plan(out=tmp_path / "out").environment["CXRLAB_DATA"] == ""
    remember(folders[2])
    assert make_plan(out=tmp_path / "out").environment["CXRLAB_DATA"] == str(folders[2])
    assert make_plan(data="phantom", out=tmp_path / "out").environment["CXRLAB_DATA"] == ""


def test_phantoms_named_by_word_are_the_courses(monkeypatch, phantom_data):
    monkeypatch.setattr("cxrlab.sources._phantoms", lambda: phantom_data)
    assert data_folder("phantom") == phantom_data
    assert is_phantom(data_folder("phantom"))
