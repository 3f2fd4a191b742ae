"""Fetching files that break off: what has come is kept, and is continued where it can be."""

from __future__ import annotations

import pytest
from downloads import DATA, names, refused

from cxrlab.fetching import web
from cxrlab.fetching.files import fetch_file
from cxrlab.fetching.partial import Part

pytestmark = pytest.mark.usefixtures("no_pauses")


def test_a_truncated_body_is_continued_where_it_broke(wanted, bad_server):
    bad_server.misbehave("/a.png", "truncated", times=1, after=300_000)
    assert fetch_file(wanted) == len(DATA)
    assert wanted.path.read_bytes() == DATA
    assert [one.status for one in bad_server.asked] == [200, 206]
    assert 0 <= bad_server.sent - len(DATA) < web.CHUNK  # hardly a byte twice
    assert bad_server.asked[1].headers["If-Range"].startswith('"')


def test_what_never_comes_whole_is_kept_for_the_next_time(wanted, bad_server):
    bad_server.misbehave("/a.png", "truncated", times=1, after=300_000)
    bad_server.misbehave("/a.png", "closes")
    refused(wanted)
    assert names(wanted.path.parent) == ["a.png.part", "a.png.part.json"]
    bad_server.behave()
    assert 212_000 <= fetch_file(wanted) < 212_000 + web.CHUNK
    assert wanted.path.read_bytes() == DATA
    assert names(wanted.path.parent) == ["a.png"]


def test_a_truncated_body_that_stays_so_is_said(wanted, bad_server):
    bad_server.misbehave("/a.png", "truncated", after=0)
    refused(wanted, "did not come whole", "run this again".capitalize())


def test_a_slow_server_is_left_and_continued(wanted, bad_server):
    bad_server.misbehave("/a.png", "slow", times=1, seconds=3)
    assert fetch_file(wanted) == len(DATA)
    assert wanted.path.read_bytes() == DATA


def test_a_server_that_stays_slow_is_said(wanted, bad_server, monkeypatch):
    monkeypatch.setattr(web, "TRIES", 2)
    bad_server.misbehave("/a.png", "slow", seconds=3, after=0)
    refused(wanted, "nothing came for 0.5 seconds")


def test_a_server_that_says_nothing_is_said(wanted, bad_server, monkeypatch):
    monkeypatch.setattr(web, "TRIES", 2)
    bad_server.misbehave("/a.png", "late", seconds=3)
    assert refused(wanted, "did not answer in time").stops_all


def test_without_a_proof_a_partial_file_is_not_continued(wanted, bad_server):
    bad_server.misbehave("/a.png", "no_proof", times=1)
    part = Part(wanted.path, wanted.url)
    part.begin(None, len(DATA)).close()
    part.path.write_bytes(b"x" * 1000)
    assert fetch_file(wanted) == len(DATA)
    assert wanted.path.read_bytes() == DATA


def test_a_server_without_ranges_starts_anew(wanted, bad_server):
    bad_server.misbehave("/a.png", "truncated", times=1)
    bad_server.misbehave("/a.png", "no_ranges")
    fetch_file(wanted)
    assert wanted.path.read_bytes() == DATA


def test_a_wrong_range_is_not_glued_on(wanted, bad_server):
    bad_server.misbehave("/a.png", "truncated", times=1)
    bad_server.misbehave("/a.png", "wrong_part", times=1)
    fetch_file(wanted)
    assert wanted.path.read_bytes() == DATA


@pytest.mark.parametrize("note", ["", "[]", '{"url": 1}', '{"proof": "x", "total": -3}'])
def test_a_damaged_note_starts_anew(wanted, bad_server, note):
    wanted.path.parent.mkdir()
    Part(wanted.path, wanted.url).path.write_bytes(b"x" * 1000)
    Part(wanted.path, wanted.url).note.write_text(note)
    fetch_file(wanted)
    assert wanted.path.read_bytes() == DATA


def test_killed_between_the_last_byte_and_the_name(wanted, bad_server):
    part = Part(wanted.path, wanted.url)
    part.begin('"tag"', len(DATA)).close()
    part.path.write_bytes(DATA)
    assert fetch_file(wanted) == 0
    assert wanted.path.read_bytes() == DATA
    assert not bad_server.asked
