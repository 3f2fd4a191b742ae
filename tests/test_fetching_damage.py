"""Fetching files that changed, lie about their length or are damaged: nothing of them stays."""

from __future__ import annotations

import pytest
from downloads import DATA, SHA256, names, plain, refused

from cxrlab.errors import CXRLabError
from cxrlab.fetching.faults import FetchError
from cxrlab.fetching.files import Wanted, fetch_file

pytestmark = pytest.mark.usefixtures("no_pauses")


def test_a_file_that_changes_while_it_comes_starts_anew(wanted, bad_server):
    bad_server.misbehave("/a.png", "truncated", times=1)
    bad_server.misbehave("/a.png", "closes")
    with pytest.raises(FetchError):
        fetch_file(plain(wanted))
    bad_server.behave()
    bad_server.put("/a.png", b"new " * 1000)
    assert fetch_file(plain(wanted)) == 4000
    assert wanted.path.read_bytes() == b"new " * 1000


def test_another_size_is_seen_before_the_body_comes(wanted, bad_server):
    bad_server.put("/a.png", DATA + b"more")
    refused(wanted, "512,004 bytes, where 512,000 were expected", "changed at its source")
    assert names(wanted.path.parent) == []


def test_another_content_is_thrown_away(wanted, bad_server):
    bad_server.misbehave("/a.png", "damaged")
    refused(wanted, "SHA-256 differs", "thrown away")
    assert names(wanted.path.parent) == []


def test_a_content_that_fails_its_check_is_thrown_away(wanted, bad_server):
    def check(path):
        raise CXRLabError("This is no X-ray.")

    refused(Wanted(wanted.url, wanted.path, check=check), "thrown away", "This is no X-ray.")
    assert names(wanted.path.parent) == []


def test_a_server_that_promises_too_much(wanted, bad_server):
    bad_server.misbehave("/a.png", "announces_more")
    refused(plain(wanted), "did not come whole")
    bad_server.behave()
    bad_server.misbehave("/a.png", "announces_more")
    refused(wanted, "512,100 bytes, where 512,000 were expected")


def test_a_server_that_promises_too_little(wanted, bad_server):
    bad_server.misbehave("/a.png", "announces_less")
    refused(wanted, "511,900 bytes, where 512,000 were expected")


def test_what_follows_a_length_that_is_too_small_harms_no_other_file(wanted, bad_server, tmp_path):
    """The surplus bytes come over the same connection as the next answer."""
    bad_server.misbehave("/a.png", "announces_less", by=50)
    refused(Wanted(wanted.url, wanted.path, sha256=SHA256), "SHA-256 differs")
    second = Wanted(bad_server.put("/b.png", b"b" * 999), tmp_path / "b.png")
    assert fetch_file(second) == 999
    assert second.path.read_bytes() == b"b" * 999


def test_a_body_without_a_length_cannot_grow_for_ever(wanted, bad_server):
    bad_server.misbehave("/a.png", "no_length")
    refused(Wanted(wanted.url, wanted.path, size=1000), "more than 1,000 bytes")
    assert names(wanted.path.parent) == []


def test_a_body_of_unknown_size_cannot_fill_the_disk(wanted, bad_server, monkeypatch):
    monkeypatch.setattr("cxrlab.fetching.files.LARGEST", 1000)
    bad_server.misbehave("/a.png", "no_length")
    refused(plain(wanted), "more than 1,000 bytes")
    assert names(wanted.path.parent) == []
