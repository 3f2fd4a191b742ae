"""Archives on a server that misbehaves, and what is kept when the fetching is stopped."""

from __future__ import annotations

import subprocess
import sys

import pytest
from downloads import names
from zips import content, into

from cxrlab.fetching.archive import extract_members, open_archive
from cxrlab.fetching.faults import FetchError
from cxrlab.fetching.together import Tally

pytestmark = pytest.mark.usefixtures("no_pauses")


def test_a_part_that_breaks_off_goes_on(online, bad_server, tmp_path):
    with open_archive(online) as archive:
        bad_server.misbehave("/chest.zip", "truncated", times=1, after=20_000)
        bad_server.misbehave("/chest.zip", "busy", times=1, retry_after=0)
        bad_server.misbehave("/chest.zip", "closes", times=1)
        done = extract_members(archive, into(tmp_path / "x", archive.members()), "X-rays")
    assert len(done.new) == 40
    assert done.bytes < 1.03 * 40 * 30_100


@pytest.mark.parametrize(
    ("fault", "words", "stops"),
    [
        ("no_ranges", "cannot send parts of a file", True),
        ("page", "sent a web page", False),
        ("login", "sent a web page", False),
        ("changed", "has changed at its source: it has", True),
        ("missing", "is not there", False),
        ("busy", "too many questions", True),
        ("proxy_login", "proxy", True),
        ("truncated", "did not come whole", False),
        ("wrong_part", "another part than was asked for", False),
        ("closes", "cannot be reached", True),
    ],
)
def test_a_server_that_fails_midway(online, bad_server, tmp_path, fault, words, stops):
    with open_archive(online) as archive:
        found = archive.members()
        wanted = into(tmp_path / "x", found[:2] + found[20:22])
        extract_members(archive, wanted[:1], "X-rays")
        bad_server.misbehave("/chest.zip", fault, **({"after": 0} if fault == "truncated" else {}))
        if stops:
            with pytest.raises(FetchError, match=words):
                extract_members(archive, wanted, "X-rays")
        else:
            done = extract_members(archive, wanted, "X-rays")
            assert len(done.already) == 1 and len(done.failed) == 3
            assert all(words in failure.reason for failure in done.failed)
        with pytest.raises(FetchError, match=words):
            archive.extract(found[20], tmp_path / "x" / "alone.jpeg")
        assert names(tmp_path / "x") == ["IM-0000-0001.jpeg"]
        bad_server.behave()
        assert len(extract_members(archive, wanted, "X-rays").new) == 3


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("no_ranges", "cannot send parts"),
        ("page", "sent a web page"),
        ("login", "sent a web page instead of the file, after a redirect to"),
        ("missing", "is not there"),
        ("forbidden", "may not be read"),
    ],
)
def test_a_server_that_fails_at_once(online, bad_server, fault, words):
    bad_server.misbehave("/chest.zip", fault)
    for size in (None, 2_000_000):
        with pytest.raises(FetchError, match=words):
            open_archive(online, size)


def test_the_archive_changes_between_two_requests(online, bad_server, chest, tmp_path):
    """Of the same length, so that only its ETag tells."""
    with open_archive(online) as archive:
        bad_server.put("/chest.zip", chest.read_bytes()[::-1])
        with pytest.raises(FetchError, match="has changed at its source: its version is another"):
            extract_members(archive, into(tmp_path / "x", archive.members()), "X-rays")
    assert names(tmp_path / "x") == []


@pytest.mark.parametrize("off", [-7, 7, 10_000_000])
def test_an_archive_of_another_size_is_another_archive(opened, online, chest, off):
    expected = chest.stat().st_size + off
    for place in (online, chest):
        with pytest.raises(FetchError, match=f"where {expected:,} were expected"):
            open_archive(place, expected)
        open_archive(place, chest.stat().st_size).close()


def test_damage_on_the_way_is_seen(online, bad_server, tmp_path):
    with open_archive(online) as archive:
        bad_server.misbehave("/chest.zip", "damaged")
        done = extract_members(archive, into(tmp_path / "x", archive.members()), "X-rays")
    assert len(done.failed) <= 1 and len(done.new) >= 39


def test_ctrl_c_keeps_what_has_come(online, bad_server, tmp_path, monkeypatch):
    monkeypatch.setattr("cxrlab.fetching.archive.GROUP", 40_000)

    def pressed(self):
        if len(self.new) >= 3:
            raise KeyboardInterrupt

    with open_archive(online) as archive:
        with monkeypatch.context() as patched:
            patched.setattr(Tally, "draw", pressed)
            with pytest.raises(KeyboardInterrupt):
                extract_members(archive, into(tmp_path / "x", archive.members()), "X-rays")
        come = names(tmp_path / "x")
        assert len(come) >= 3 and not [name for name in come if name.endswith(".part")]
        done = extract_members(archive, into(tmp_path / "x", archive.members()), "X-rays")
        assert sorted(path.name for path in done.already) == come


EXTRACT = """
import sys
from pathlib import Path
from cxrlab.fetching.archive import extract_members, open_archive
address, folder = sys.argv[1:]
with open_archive(address) as archive:
    wanted = [(m, Path(folder) / m.name.rpartition("/")[2], None) for m in archive.members()]
    found = extract_members(archive, wanted, "X-rays")
print(len(found.new), len(found.already), len(found.failed))
"""


def test_two_processes_at_once_do_no_harm(online, bad_server, tmp_path):
    command = [sys.executable, "-c", EXTRACT, online, str(tmp_path / "x")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(one.communicate()[0].strip() for one in both) == ["0 40 0", "40 0 0"]
    assert (tmp_path / "x" / "IM-0011-0001.jpeg").read_bytes() == content(11)
