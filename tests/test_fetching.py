"""Fetching files when all is well, and the words that are said about it."""

from __future__ import annotations

import pytest
from downloads import DATA, names

from cxrlab.errors import CXRLabError
from cxrlab.fetching.addresses import at_mirror
from cxrlab.fetching.faults import FetchError, shown, size_text
from cxrlab.fetching.files import Wanted, fetch_file

pytestmark = pytest.mark.usefixtures("no_pauses")


def test_a_file_comes_whole_and_a_second_time_nothing_travels(wanted, bad_server):
    seen = []
    assert fetch_file(wanted, seen.append) == sum(seen) == len(DATA)
    assert wanted.path.read_bytes() == DATA
    assert names(wanted.path.parent) == ["a.png"]
    assert fetch_file(wanted) == 0
    assert len(bad_server.asked) == 1


def test_a_damaged_copy_is_replaced(wanted, bad_server):
    fetch_file(wanted)
    wanted.path.write_bytes(DATA[:-1] + b"x")
    assert fetch_file(wanted) == len(DATA)
    assert wanted.path.read_bytes() == DATA


def test_a_copy_that_fails_its_check_is_replaced(wanted, bad_server):
    def check(path):
        if not path.read_bytes().startswith(DATA[:4]):
            raise CXRLabError("This is no X-ray.")

    wanted.path.parent.mkdir()
    wanted.path.write_bytes(b"rubbish")
    assert fetch_file(Wanted(wanted.url, wanted.path, check=check)) == len(DATA)


def test_what_stands_there_stays_until_the_new_one_is_whole(wanted, bad_server):
    wanted.path.parent.mkdir()
    wanted.path.write_bytes(b"older")
    bad_server.misbehave("/a.png", "truncated")
    with pytest.raises(FetchError):
        fetch_file(wanted)
    assert wanted.path.read_bytes() == b"older"


def test_a_body_without_a_length_comes_whole(wanted, bad_server):
    bad_server.misbehave("/a.png", "no_length")
    assert fetch_file(wanted) == len(DATA)
    assert wanted.path.read_bytes() == DATA


def test_the_mirror_stands_in_for_every_host(bad_server, tmp_path, monkeypatch):
    bad_server.put("/data.example.org/x/a.csv", b"a,b\n")
    monkeypatch.setenv("CXRLAB_MIRROR", bad_server.root + "/")
    assert at_mirror("https://h.org/p?q=1") == f"{bad_server.root}/h.org/p?q=1"
    path = tmp_path / "a.csv"
    assert fetch_file(Wanted("https://data.example.org/x/a.csv?raw=1", path)) == 4
    assert path.read_bytes() == b"a,b\n"


def test_a_file_that_moved_is_followed(wanted, bad_server):
    bad_server.misbehave("/old.png", "moved", to="/a.png?signature=secret")
    assert fetch_file(Wanted(bad_server.address("/old.png"), wanted.path)) == len(DATA)


@pytest.mark.parametrize("url", ["ftp://h/a", "file:///etc/passwd", "a.png", "https://"])
def test_only_web_addresses_are_asked(url, tmp_path):
    with pytest.raises(CXRLabError, match="not a web address"):
        fetch_file(Wanted(url, tmp_path / "a"))


def test_what_is_shown_of_an_address_holds_no_secret():
    assert shown("https://me:pass@h.org:8/a/b.zip?sig=secret#x") == "https://h.org:8/a/b.zip"


@pytest.mark.parametrize(
    ("size", "text"),
    [(12, "12 bytes"), (4_321, "4.3 kB"), (56_000_000, "56 MB"), (1_235_512_464, "1.2 GB")],
)
def test_sizes_read_well(size, text):
    assert size_text(size) == text
