"""Sudden ends: a few kills at random moments; `make test-kills` does fifty."""

from __future__ import annotations

import os
import zipfile

import pytest
from fuzzing.kills import broken, run

from cxrlab.files import write_json


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL and process groups are POSIX")
@pytest.mark.slow
@pytest.mark.parametrize("command", ["train", "tune", "fetch"])
def test_nothing_finished_is_lost(tmp_path, command):
    found = run([command], kills=2, seed=0, folder=tmp_path / "kills", in_a_row=2)[command]
    assert (found["faults"], found["kills"]) == ([], 2)
    assert found["completed"] >= 1


def test_what_is_half_written_or_promised_and_not_there_is_noticed(tmp_path):
    """The check of the kills can fail: each kind of file, cut short under its final name."""
    (tmp_path / ".settings-abc.json").write_text("{")  # a temporary file is no result
    (tmp_path / "settings.json").write_text('{"seed": ')
    (tmp_path / "split.csv").write_text("image_id,part\na,tr")
    (tmp_path / "page.html").write_text("<html>")
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("weights", b"0" * 1000)
    assert len(broken(tmp_path)) == 3
    (tmp_path / "model.keras").write_bytes((tmp_path / "model.keras").read_bytes()[:-30])
    write_json(tmp_path / "run.json", {"notebooks": [{"name": "01_x", "page": "01_x.html"}]})
    assert len(broken(tmp_path)) == 4 + 2
