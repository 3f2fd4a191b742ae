"""Fetching files from a server that misbehaves: a clear sentence, and nothing half-written."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from bad_server import PAGE, BadServer

from cxrlab.errors import CXRLabError
from cxrlab.fetching import faults, web
from cxrlab.fetching.addresses import at_mirror
from cxrlab.fetching.faults import FetchError, shown, size_text
from cxrlab.fetching.files import Wanted, fetch_file, fetch_files
from cxrlab.fetching.partial import Part
from cxrlab.fetching.together import LOCK

DATA = random.Random(0).randbytes(512_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(web, "PAUSE", 0)
    monkeypatch.setattr(web, "TIMEOUTS", (2, 0.5))
    monkeypatch.delenv("CXRLAB_MIRROR", raising=False)


@pytest.fixture
def wanted(bad_server, tmp_path):
    return Wanted(bad_server.put("/a.png", DATA), tmp_path / "here" / "a.png", len(DATA), SHA256)


def plain(wanted):
    """The same, nothing known of its content."""
    return Wanted(wanted.url, wanted.path)


def names(folder):
    return sorted(entry.name for entry in folder.iterdir() if entry.name != LOCK)


def refused(wanted, *words):
    """Fetching fails with one clear sentence, and nothing stands under the final name."""
    with pytest.raises(FetchError) as caught:
        fetch_file(wanted)
    message = str(caught.value)
    for word in words:
        assert word in message
    assert not wanted.path.exists()
    assert "Traceback" not in message and "HTTPConnectionPool" not in message
    assert "secret" not in message
    return caught.value


# ---- when all is well ----


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


# ---- interrupted ----


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


# ---- changed upstream, wrong lengths, damage ----


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


# ---- refusals ----


def test_a_login_page_is_no_file(wanted, bad_server):
    bad_server.misbehave("/a.png", "login")
    for one in (wanted, plain(wanted)):
        refused(one, "sent a web page instead", "/login.", "browser")
    assert names(wanted.path.parent) == []


@pytest.mark.parametrize("fault", ["page", "disguised_page"])
@pytest.mark.parametrize("name", ["a.png", "metadata.csv", "chest.zip"])
def test_a_web_page_is_no_file_whatever_it_is_called(bad_server, tmp_path, fault, name):
    bad_server.misbehave(f"/{name}", fault)
    bad_server.put(f"/{name}", DATA)
    refused(Wanted(bad_server.address(f"/{name}"), tmp_path / name), "web page")


def test_a_web_page_that_was_wanted_comes(bad_server, tmp_path):
    page = Wanted(bad_server.put("/a.html", PAGE), tmp_path / "a.html")
    assert fetch_file(page) == len(PAGE)


@pytest.mark.parametrize(
    ("fault", "words", "asked"),
    [
        ("missing", ["is not there", "404"], 1),
        ("forbidden", ["may not be read", "403"], 1),
        ("proxy_login", ["proxy", "name and a password", "HTTPS_PROXY"], 1),
        ("gateway", ["proxy or gateway", "502"], 4),
        ("busy", ["too many questions", "429"], 4),
        ("unavailable", ["too much to do", "503"], 4),
        ("broken", ["answered 500"], 4),
        ("circle", ["circle of redirects"], None),
        ("closes", ["cannot be reached"], 4),
    ],
)
def test_a_refusal_is_one_clear_sentence(wanted, bad_server, fault, words, asked):
    bad_server.misbehave("/a.png", fault)
    address = wanted.url.replace("/a.png", "/a.png?token=secret")
    refused(Wanted(address, wanted.path), *words)
    assert asked in (None, len(bad_server.asked))
    assert names(wanted.path.parent) == []


@pytest.mark.parametrize("fault", ["busy", "unavailable", "gateway", "broken", "closes"])
def test_what_passes_is_waited_for(wanted, bad_server, fault):
    bad_server.misbehave("/a.png", fault, times=2)
    assert fetch_file(wanted) == len(DATA)


@pytest.fixture
def waits(monkeypatch):
    found = []
    clock = SimpleNamespace(sleep=found.append, time=time.time)
    monkeypatch.setattr(web, "time", clock)
    return found


def test_retry_after_is_honoured(wanted, bad_server, waits):
    bad_server.misbehave("/a.png", "busy", times=1, retry_after=7)
    bad_server.misbehave("/a.png", "unavailable", times=1, retry_after="not a date")
    fetch_file(wanted)
    assert waits == [7, 0]


def test_retry_after_may_be_a_date(wanted, bad_server, waits):
    from email.utils import formatdate

    in_half_a_minute = formatdate(time.time() + 30, usegmt=True)
    bad_server.misbehave("/a.png", "busy", times=1, retry_after=in_half_a_minute)
    fetch_file(wanted)
    assert len(waits) == 1 and 20 < waits[0] <= 30


def test_nobody_waits_an_hour(wanted, bad_server, waits):
    bad_server.misbehave("/a.png", "busy", retry_after=3600)
    refused(wanted, "in 60 min")
    assert waits == [] and len(bad_server.asked) == 1


def test_no_connection(tmp_path, bad_server):
    with BadServer(tmp_path / "gone") as gone:
        address = gone.address("/a.png")
    error = refused(Wanted(address, tmp_path / "a.png"), "cannot be reached", "internet")
    assert error.stops_all


def test_a_name_that_nobody_knows(tmp_path, bad_server, monkeypatch):
    import socket

    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    wanted = Wanted("https://no-such-host.example/a.png", tmp_path / "a.png")
    error = refused(wanted, "no-such-host.example cannot be reached: its name could not be found")
    assert error.stops_all


@pytest.mark.parametrize("url", ["http://h.example/a.png", "https://h.example/a.png"])
def test_a_proxy_that_wants_a_password(url, bad_server, tmp_path, monkeypatch):
    proxy = bad_server.root.replace("://", "://me:secret@")
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("https_proxy", proxy)
    bad_server.misbehave("*", "proxy_login")
    error = refused(Wanted(url, tmp_path / "a.png"), "proxy between", "h.example", "password")
    assert error.stops_all


def test_a_proxy_that_is_not_there(bad_server, tmp_path, monkeypatch):
    with BadServer(tmp_path / "gone") as gone:
        monkeypatch.setenv("http_proxy", gone.root)
    refused(Wanted("http://h.example/a.png", tmp_path / "a.png"), "proxy between", "h.example")


def test_a_proxy_of_the_environment_is_used(bad_server, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", bad_server.root)
    bad_server.put("/a.png", DATA)
    assert fetch_file(Wanted("http://h.example/a.png", tmp_path / "a.png")) == len(DATA)
    assert bad_server.asked[0].headers["Host"] == "h.example"


# ---- the disk ----


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


# ---- many files ----


def many(server, folder, count=12):
    return [
        Wanted(server.put(f"/{n}.png", DATA + bytes([n])), folder / f"{n}.png", len(DATA) + 1)
        for n in range(count)
    ]


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


# ---- words ----


def test_what_is_shown_of_an_address_holds_no_secret():
    assert shown("https://me:pass@h.org:8/a/b.zip?sig=secret#x") == "https://h.org:8/a/b.zip"


@pytest.mark.parametrize(
    ("size", "text"),
    [(12, "12 bytes"), (4_321, "4.3 kB"), (56_000_000, "56 MB"), (1_235_512_464, "1.2 GB")],
)
def test_sizes_read_well(size, text):
    assert size_text(size) == text
