"""Fetching many files at once: failures, two processes, a kill, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from downloads import DATA, many, names

from cxrlab.fetching.faults import FetchError
from cxrlab.fetching.files import fetch_files
from cxrlab.fetching.partial import Part

pytestmark = pytest.mark.usefixtures("no_pauses")


def test_many_files_come_several_at_a_time(bad_server, tmp_path, capsys):
    wanted = many(bad_server, tmp_path / "x")
    found = fetch_files(wanted, "X-rays")
    assert {path.name for path in found.new} == {one.path.name for one in wanted}
    assert (found.already, found.failed) == ([], [])
    assert found.bytes == bad_server.sent == sum(one.size for one in wanted)
    assert "X-rays: 12 new, 0 there already, 6.1 MB" in capsys.readouterr().err
    again = fetch_files(wanted, "X-rays")
    assert len(again.already) == 12 and not again.new and again.bytes == 0
    assert len(bad_server.asked) == 12


def test_one_that_fails_does_not_stop_the_others(bad_server, tmp_path, capsys):
    wanted = many(bad_server, tmp_path / "x")
    bad_server.misbehave("/3.png", "missing")
    bad_server.misbehave("/5.png", "login")
    bad_server.misbehave("/7.png", "truncated", times=1)
    found = fetch_files(wanted, "X-rays", total_bytes=7_000_000)
    assert len(found.new) == 10
    assert {(one.path.name, one.url) for one in found.failed} == {
        ("3.png", wanted[3].url),
        ("5.png", wanted[5].url),
    }
    assert all(one.reason.endswith(".") for one in found.failed)
    assert "2 failed" in capsys.readouterr().err
    bad_server.behave()
    again = fetch_files(wanted, "X-rays")
    assert (len(again.new), len(again.already)) == (2, 10)


def test_what_would_stop_them_all_stops_them_all(bad_server, tmp_path):
    wanted = many(bad_server, tmp_path / "x", 40)
    bad_server.misbehave("*", "busy", retry_after=3600)
    with pytest.raises(FetchError, match="too many questions"):
        fetch_files(wanted, "X-rays", at_once=2)
    assert len(bad_server.asked) < 10


def test_two_wishes_for_one_place_are_one(bad_server, tmp_path):
    one = many(bad_server, tmp_path / "x", 1)
    assert len(fetch_files(one * 3, "X-rays").new) == 1


def test_nothing_wanted_is_nothing_done():
    assert fetch_files([], "X-rays").new == []


FETCH = """
import sys
from pathlib import Path
from cxrlab.fetching.files import Wanted, fetch_files
root, folder, count = sys.argv[1:]
wanted = [Wanted(f"{root}/{n}.png", Path(folder) / f"{n}.png") for n in range(int(count))]
found = fetch_files(wanted, "X-rays", at_once=3)
print(len(found.new), len(found.already), len(found.failed))
"""


def fetching(server, folder, count):
    command = [sys.executable, "-c", FETCH, server.root, str(folder), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_at_once_do_no_harm(bad_server, tmp_path):
    wanted = many(bad_server, tmp_path / "x", 8)
    bad_server.misbehave("/0.png", "slow", seconds=1)  # so that they meet
    both = [fetching(bad_server, tmp_path / "x", 8) for _ in range(2)]
    said = sorted(one.communicate()[0].strip() for one in both)
    assert said == ["0 8 0", "8 0 0"]
    assert [one.path.read_bytes()[-1] for one in wanted] == list(range(8))
    assert len(bad_server.asked) == 8
    assert names(tmp_path / "x") == sorted(one.path.name for one in wanted)


def test_a_killed_process_leaves_nothing_that_harms(bad_server, tmp_path):
    wanted = many(bad_server, tmp_path / "x", 4)
    bad_server.misbehave("/2.png", "slow", times=1, seconds=60)
    first = fetching(bad_server, tmp_path / "x", 4)
    part = Part(wanted[2].path, wanted[2].url)
    deadline = time.monotonic() + 60
    others = [one.path for one in wanted if one is not wanted[2]]
    while not (all(path.exists() for path in others) and part.so_far()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
    first.communicate()
    assert not wanted[2].path.exists()
    come = part.so_far()[0]
    found = fetch_files(wanted, "X-rays")
    assert (len(found.new), len(found.already)) == (1, 3)
    assert found.bytes == wanted[2].size - come
    assert all(one.path.read_bytes()[:-1] == DATA for one in wanted)


def test_ctrl_c_stops_the_threads_and_keeps_what_has_come(bad_server, tmp_path, monkeypatch):
    from cxrlab.fetching.together import Tally

    wanted = many(bad_server, tmp_path / "x", 30)

    def pressed(self):
        if len(self.new) >= 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Tally, "draw", pressed)
    with pytest.raises(KeyboardInterrupt):
        fetch_files(wanted, "X-rays", at_once=2)
    assert threading.active_count() < 30
    assert 3 <= len(list((tmp_path / "x").glob("*.png"))) < 30


def test_ctrl_c_stops_a_file_in_the_middle(wanted, bad_server, monkeypatch):
    from cxrlab.fetching.together import Tally

    def pressed(self):
        if self.bytes:
            raise KeyboardInterrupt

    bad_server.misbehave("/a.png", "slow", seconds=0.4)
    monkeypatch.setattr(Tally, "draw", pressed)
    with pytest.raises(KeyboardInterrupt):
        fetch_files([wanted], "X-rays")
    assert names(wanted.path.parent) == ["a.png.part", "a.png.part.json"]
