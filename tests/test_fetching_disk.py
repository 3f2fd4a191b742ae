"""Fetching files onto a disk that is too small, fills up or cannot be written."""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace

import pytest
from downloads import DATA, names, plain, refused

from cxrlab.fetching import faults
from cxrlab.fetching.faults import FetchError
from cxrlab.fetching.files import Wanted, fetch_file, fetch_files
from cxrlab.fetching.partial import Part

pytestmark = pytest.mark.usefixtures("no_pauses")


def test_too_little_room_is_seen_before_anything_comes(wanted, monkeypatch, bad_server):
    monkeypatch.setattr(
        faults.shutil, "disk_usage", lambda _: SimpleNamespace(free=faults.SPARE + 100_000)
    )
    error = refused(plain(wanted), "512 kB are to come", "100 kB to spare")
    assert error.stops_all
    with pytest.raises(FetchError, match="to spare"):
        fetch_files([wanted], "X-rays")
    assert bad_server.sent == len(DATA) or names(wanted.path.parent) == []


class FullDisk:
    """A file on a disk on which ``room`` bytes are left."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.file.write(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


def test_a_disk_that_fills_up_stops_everything(wanted, bad_server, tmp_path, monkeypatch):
    begin = Part.begin
    monkeypatch.setattr(Part, "begin", lambda *given: FullDisk(begin(*given), 200_000))
    assert refused(wanted, "The disk is full", "a.png", "Free some space").stops_all
    several = [
        Wanted(bad_server.put(f"/{n}.png", DATA), tmp_path / "many" / f"{n}.png") for n in range(9)
    ]
    with pytest.raises(FetchError, match="The disk is full"):
        fetch_files(several, "X-rays", at_once=2)
    assert not list((tmp_path / "many").glob("*.png"))
    monkeypatch.undo()
    assert fetch_file(wanted) < len(DATA)  # goes on where it stopped
    assert wanted.path.read_bytes() == DATA


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid"), reason="permissions of Unix")
def test_a_folder_that_is_a_file_is_said(wanted):
    wanted.path.parent.write_text("in the way")
    with pytest.raises(FetchError, match="could not be written into"):
        fetch_file(wanted)
