"""Sudden ends: a few kills at random moments; `make test-kills` does fifty."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from fuzzing.finished import COMMANDS, half_written, unkept_promises
from fuzzing.kills import run

from cxrlab.files import write_json

POSIX = pytest.mark.skipif(os.name != "posix", reason="SIGKILL and process groups are POSIX")


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("command", ["train", "tune", "fetch"])
def test_nothing_finished_is_lost(tmp_path, command):
    found = run([command], kills=2, seed=0, folder=tmp_path / "kills", in_a_row=2)
    tally = found["commands"][command]
    assert tally["faults"] == []
    assert tally["kills"] == 2
    assert tally["completed"] >= 1


def test_half_written_files_are_noticed(tmp_path):
    """The check of the kills can fail: each kind of file, cut short under its final name."""
    (tmp_path / "settings.json").write_text('{"seed": ')
    (tmp_path / "split.csv").write_text("image_id,part\na,tr")
    (tmp_path / "page.html").write_text("<html>")
    whole = tmp_path / "model.keras"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("weights", b"0" * 1000)
    assert len(half_written(COMMANDS["train"], tmp_path, None)) == 3
    whole.write_bytes(whole.read_bytes()[:-30])
    assert whole in half_written(COMMANDS["train"], tmp_path, None)


def test_temporary_files_are_not_taken_for_results(tmp_path):
    (tmp_path / ".settings-abc.json").write_text("{")
    (tmp_path / "archive.zip.part").write_bytes(b"PK")
    assert half_written(COMMANDS["train"], tmp_path, None) == []


def test_a_page_that_is_promised_has_to_be_there(tmp_path):
    write_json(tmp_path / "run.json", {"notebooks": [{"name": "01_x", "page": "01_x.html"}]})
    assert unkept_promises(tmp_path) == ["01_x.html", "01_x.ipynb"]
    for path in (tmp_path / "01_x.html", tmp_path / "notebooks" / "01_x.ipynb"):
        Path(path).parent.mkdir(exist_ok=True)
        path.write_text("x")
    assert unkept_promises(tmp_path) == []
