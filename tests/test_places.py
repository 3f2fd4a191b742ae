"""Places and names as they come: not to be written, in brackets, with accents, on any terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from cxrlab import hosts
from cxrlab.choices import choose, get_budget
from cxrlab.cli import app
from cxrlab.cli.shared import show_table
from cxrlab.course import open_workspace
from cxrlab.errors import CXRLabError
from cxrlab.files import make_folder, workspace_root, write_atomically
from cxrlab.tuning import Plan, search

ACCENTS = [unicodedata.normalize(form, "Röntgen [copy] {0} :warning:") for form in ("NFC", "NFD")]
NO_LETTER = os.fsdecode(b"caf\xe9")  # a name in Latin-1 on a system with UTF-8


@pytest.mark.parametrize(
    "words",
    [
        ["train", "--out", "file/run"],
        ["train", "--out", "file"],
        ["tune", "--out", "file/run"],
        ["repairs", "--out", "file/run"],
        ["run", "--out", "file/run"],
        ["run", "--out", "file"],
        ["lab", "file/notebooks"],
        ["lab", "file"],
        ["data", "fetch", "covid", "--data", "file/xrays"],
    ],
    ids=" ".join,
)
def test_a_place_that_cannot_be_written_is_a_sentence(words, phantom_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")
    monkeypatch.setenv("CXRLAB_DATA", str(phantom_data))
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1, done.exception
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith(f"Cannot use {tmp_path / 'file'}")
    assert sentence.endswith("Choose another folder.")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert Path("file").read_text() == "mine"


@pytest.mark.parametrize("words", ["data status", "data use phantom", "train --out run"])
def test_a_workspace_that_cannot_be_written_names_its_variable(words, tmp_path, monkeypatch):
    (tmp_path / "home").write_text("")
    monkeypatch.setattr(hosts.Path, "home", lambda: tmp_path / "home")
    monkeypatch.delenv("CXRLAB_WORKSPACE")
    done = CliRunner().invoke(app, words.split())
    assert done.exit_code == 1, done.exception
    assert f"Cannot use {tmp_path / 'home'}" in done.output
    assert "Set CXRLAB_WORKSPACE to a folder of yours." in done.output


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    monkeypatch.setenv("CXRLAB_WORKSPACE", "~nobody-of-this-name/x")
    with pytest.raises(CXRLabError, match="Set CXRLAB_WORKSPACE"):
        workspace_root()


@pytest.mark.parametrize("name", [*ACCENTS, NO_LETTER])
@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_a_folder_keeps_its_name_on_every_terminal(name, encoding, tmp_path):
    folders = [make_folder(tmp_path / each) for each in {*ACCENTS, NO_LETTER}]
    command = [sys.executable, "-m", "cxrlab", "data", "use", name]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert choose().folder == (tmp_path / name).resolve() in folders
    if name in ACCENTS:
        shown = name if encoding == "utf-8" else "[copy] {0} :warning:"
        assert shown in done.stdout.decode(encoding)


def test_a_table_shows_what_strangers_wrote(capsys):
    table = pd.DataFrame({"[b]group[/b]": ["ward [/b]", ":warning: [red]x"], "n": [1.0, 2.0]})
    show_table(table, "[i]title[/i]")
    said = capsys.readouterr().out
    for words in ("[b]group[/b]", "ward [/b]", ":warning: [red]x", "[i]title[/i]"):
        assert words in said


@pytest.mark.parametrize("name", [*ACCENTS, NO_LETTER])
def test_keras_tuner_gets_a_folder_in_which_it_finds_its_trials_again(name, tmp_path):
    space = open_workspace(make_folder(tmp_path / name), "smoke")
    assert re.fullmatch(r"[\w.-]+", space.folder.name)
    assert space.data == tmp_path / name
    with pytest.raises(CXRLabError, match="would not find finished trials"):
        search(None, None, get_budget("smoke"), tmp_path / name, Plan(trials=1))


def test_text_with_bytes_that_are_no_letters_is_written(tmp_path):
    path = write_atomically(tmp_path / "page.html", f"X-rays in {NO_LETTER}")
    assert path.read_text(encoding="utf-8") == r"X-rays in caf\udce9"
