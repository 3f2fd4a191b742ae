"""Bringing files from a server that misbehaves: whole or not at all, and a plain sentence."""

from __future__ import annotations

import errno
import random
import socket
import threading
import zipfile
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from bad_server import BadServer

from cxrlab.errors import CXRLabError
from cxrlab.sources import download
from cxrlab.sources.download import Archive, FetchError, Wanted, bring_all, get

DATA = random.Random(0).randbytes(400_000)
pytestmark = pytest.mark.usefixtures("no_pauses")


def refused(url: str, *words: str, size: int | None = None) -> FetchError:
    """Fetching fails with one clear sentence that gives no secret away."""
    with pytest.raises(FetchError) as caught:
        get(url, size)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "HTTPConnectionPool" not in message and "secret" not in message
    return caught.value


def same(expected: bytes):
    def check(data: bytes) -> None:
        if data != expected:
            raise CXRLabError("This is another file.")

    return check


def wanted_from(server: BadServer, folder: Path, count: int = 8) -> list[Wanted]:
    wanted = []
    for n in range(count):
        data = DATA + bytes([n])
        url = server.put(f"/{n}.png", data)
        wanted.append(Wanted(folder / f"{n}.png", partial(get, url), same(data), len(data)))
    return wanted


# --- one file --------------------------------------------------------------------------------


def test_a_file_comes_whole_with_and_without_a_length(bad_server):
    url = bad_server.put("/a.png", DATA)
    assert get(url) == get(url, len(DATA)) == DATA
    bad_server.misbehave("/a.png", "no_length")
    assert get(url) == DATA


def test_the_mirror_stands_in_for_every_host(bad_server, monkeypatch):
    bad_server.put("/data.example.org/x/a.csv", b"a,b\n")
    monkeypatch.setenv("CXRLAB_MIRROR", bad_server.root + "/")
    assert get("https://data.example.org/x/a.csv?raw=1") == b"a,b\n"
    monkeypatch.setenv("CXRLAB_MIRROR", "my-mirror")
    with pytest.raises(CXRLabError, match="not a web address"):
        get("https://data.example.org/x/a.csv")


def test_a_file_that_moved_is_followed(bad_server):
    bad_server.put("/a.png", DATA)
    bad_server.misbehave("/old.png", "moved", to="/a.png?signature=secret")
    assert get(bad_server.root + "/old.png") == DATA


@pytest.mark.parametrize(
    ("fault", "words", "asked"),
    [
        ("missing", ["is not there", "404"], 1),
        ("forbidden", ["may not be read", "403"], 1),
        ("proxy_login", ["The proxy", "HTTPS_PROXY"], 1),
        ("busy", ["too many questions", "429", "later"], 4),
        ("broken", ["was refused", "500"], 4),
        ("gateway", ["was refused", "502"], 4),
        ("circle", ["circle of redirects"], None),
        ("closes", ["cannot be reached"], 4),
        ("truncated", ["did not come whole"], 4),
        ("announces_more", ["did not come whole"], 4),
        ("slow", ["did not answer in time"], None),
        ("login", ["sent a web page", "browser"], 2),
        ("disguised_page", ["sent a web page"], 1),
    ],
)
def test_a_refusal_is_one_clear_sentence(bad_server, fault, words, asked):
    url = bad_server.put("/a.png", DATA) + "?token=secret"
    bad_server.misbehave("/a.png", fault, seconds=1.5)
    refused(url, *words)
    assert asked in (None, len(bad_server.asked))


@pytest.mark.parametrize("fault", ["busy", "gateway", "broken", "closes", "truncated"])
def test_what_passes_is_tried_again(bad_server, fault):
    bad_server.misbehave("/a.png", fault, times=2)
    assert get(bad_server.put("/a.png", DATA)) == DATA


def test_another_size_than_expected_is_refused(bad_server):
    url = bad_server.put("/a.png", DATA)
    for size in (len(DATA) - 7, len(DATA) + 7):
        refused(url, f"than the {size:,} bytes", size=size)
    bad_server.misbehave("/a.png", "announces_less")
    refused(url, "another size", size=len(DATA))


def test_a_body_without_an_end_is_given_up(bad_server, monkeypatch):
    monkeypatch.setattr(download, "LARGEST", 100_000)
    refused(bad_server.put("/a.png", DATA), "another size than the 100,000 bytes")


def test_no_connection_and_no_such_name(monkeypatch):
    with BadServer() as gone:
        address = gone.root
    assert refused(f"{address}/a.png", "cannot be reached", "internet").stops_all

    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    said = "no-such-host.example cannot be reached: its name could not be found"
    assert refused("https://no-such-host.example/a.png", said).stops_all


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password(bad_server, monkeypatch, scheme):
    monkeypatch.setenv(f"{scheme}_proxy", bad_server.root.replace("://", "://me:secret@"))
    bad_server.misbehave("*", "proxy_login")
    assert refused(f"{scheme}://h.example/a.png", "The proxy", "h.example", "password").stops_all


def test_a_proxy_of_the_environment_is_used_and_missed(bad_server, monkeypatch):
    monkeypatch.setenv("http_proxy", bad_server.root)
    bad_server.put("/a.png", DATA)
    assert get("http://h.example/a.png") == DATA
    assert bad_server.hosts[0] == "h.example"
    with BadServer() as gone:
        monkeypatch.setenv("http_proxy", gone.root)
    refused("http://h.example/a.png", "The proxy", "h.example")


def test_what_is_shown_of_an_address_holds_no_secret():
    shown = download.shown("https://me:pass@h.org:8/a/b.zip?sig=secret#x")
    assert shown == "https://h.org:8/a/b.zip"


# --- many files ------------------------------------------------------------------------------


def test_many_files_come_and_a_second_time_nothing_travels(bad_server, tmp_path, capsys):
    wanted = wanted_from(bad_server, tmp_path / "x")
    found = bring_all(wanted, "X-rays")
    assert (len(found.new), found.already, found.failed) == (8, 0, {})
    assert bad_server.sent == sum(one.size for one in wanted)
    assert "X-rays" in capsys.readouterr().err
    bad_server.behave()
    assert bring_all(wanted, "X-rays").already == 8
    assert bad_server.asked == []
    wanted[3].path.write_bytes(DATA)  # damaged: it is fetched anew
    assert bring_all(wanted, "X-rays").new == [wanted[3].path]


def test_one_that_fails_does_not_stop_the_others_and_leaves_nothing(bad_server, tmp_path):
    wanted = wanted_from(bad_server, tmp_path / "x")
    for name, fault in {"3": "missing", "5": "login", "6": "truncated"}.items():
        bad_server.misbehave(f"/{name}.png", fault)
    bad_server.misbehave("/7.png", "another", data=b"x")
    found = bring_all(wanted, "X-rays")
    assert {path.stem for path in found.failed} == {"3", "5", "6", "7"}
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == [
        f"{n}.png" for n in (0, 1, 2, 4)
    ]
    bad_server.behave()
    found = bring_all(wanted, "X-rays")
    assert (len(found.new), found.already) == (4, 4)


def test_what_would_stop_them_all_stops_them_all(bad_server, tmp_path):
    wanted = wanted_from(bad_server, tmp_path / "x", 40)
    bad_server.misbehave("*", "busy")
    found = bring_all(wanted, "X-rays")
    assert 0 < len(found.failed) < 10
    assert len(bad_server.asked) < 60


def test_a_full_disk_is_said_and_what_lay_there_stays(bad_server, tmp_path, monkeypatch):
    wanted = wanted_from(bad_server, tmp_path / "x", 20)
    wanted[0].path.parent.mkdir()
    wanted[0].path.write_bytes(b"older")

    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "write_atomically", full)
    found = bring_all(wanted, "X-rays")
    assert not found.new and len(found.failed) < 20
    assert "the disk is full" in next(iter(found.failed.values()))
    assert wanted[0].path.read_bytes() == b"older"


def test_too_little_room_and_a_folder_that_is_a_file_are_said(tmp_path, monkeypatch):
    free = SimpleNamespace(free=download.SPARE + 1_000_000)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: free)
    download.need_space(tmp_path, 900_000)
    with pytest.raises(FetchError, match="1.2 MB are to come.*only 1.0 MB to spare"):
        download.need_space(tmp_path, 1_200_000)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FetchError, match="could not be written into"):
        download.write(tmp_path / "file" / "a.png", DATA)


def test_ctrl_c_keeps_what_has_come(bad_server, tmp_path, monkeypatch):
    wanted = wanted_from(bad_server, tmp_path / "x", 30)

    def pressed(self, *_):
        raise KeyboardInterrupt

    monkeypatch.setattr(download.Progress, "advance", pressed)
    with pytest.raises(KeyboardInterrupt):
        bring_all(wanted, "X-rays")
    assert threading.active_count() < 30
    assert 1 <= len(list((tmp_path / "x").glob("*.png"))) < 30


# --- members of an archive -------------------------------------------------------------------


@pytest.fixture
def chest(tmp_path) -> Path:
    """An archive of twenty noisy images, and a kind of packing that is hard to mend."""
    path = tmp_path / "chest.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(20):
            archive.writestr(f"train/NORMAL/IM-{n:04d}.jpeg", DATA[n * 20_000 :][:20_000])
    return path


@pytest.fixture(params=["local", "remote"])
def opened(request, chest, bad_server):
    """The archive on this computer, and the same on the web."""
    if request.param == "local":
        return Archive(chest, None)
    return Archive(bad_server.put("/chest.zip", chest.read_bytes()), chest.stat().st_size)


def test_members_come_one_by_one(opened):
    assert len(opened.members) == 20
    assert opened.read(opened.members[7]) == DATA[140_000:160_000]


def test_only_what_is_needed_travels(chest, bad_server):
    archive = Archive(bad_server.put("/chest.zip", chest.read_bytes()))
    bad_server.sent = 0
    archive.read(archive.members[3])
    assert bad_server.sent < 25_000


def test_a_member_that_is_damaged_or_a_bomb_is_refused(chest, monkeypatch):
    data = bytearray(chest.read_bytes())
    data[5_000] ^= 255
    chest.write_bytes(data)
    archive = Archive(chest)
    with pytest.raises(FetchError, match=r"IM-0000.jpeg in .* is damaged"):
        archive.read(archive.members[0])
    assert len(archive.read(archive.members[1])) == 20_000
    monkeypatch.setattr(download, "LARGEST", 10_000)
    with pytest.raises(FetchError, match="would unpack to more than"):
        archive.read(archive.members[1])


@pytest.mark.parametrize("fault", ["truncated", "busy", "closes"])
def test_a_part_that_breaks_off_is_asked_for_again(chest, bad_server, fault):
    archive = Archive(bad_server.put("/chest.zip", chest.read_bytes()))
    bad_server.misbehave("/chest.zip", fault, times=2)
    assert archive.read(archive.members[2]) == DATA[40_000:60_000]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("no_ranges", "sent no part of its archive"),
        ("login", "sent no part of its archive"),
        ("missing", "is not there"),
        ("busy", "too many questions"),
        ("truncated", "did not come whole"),
        ("closes", "cannot be reached"),
    ],
)
def test_an_archive_on_a_server_that_fails(chest, bad_server, fault, words):
    url = bad_server.put("/chest.zip", chest.read_bytes())
    archive = Archive(url)
    bad_server.misbehave("/chest.zip", fault)
    with pytest.raises(FetchError, match=words):
        archive.read(archive.members[2])
    with pytest.raises(FetchError, match=words):
        Archive(url)


def test_no_archive_and_another_archive(chest, bad_server, tmp_path):
    url = bad_server.put("/chest.zip", chest.read_bytes())
    with pytest.raises(FetchError, match="has changed at its source"):
        Archive(url, chest.stat().st_size + 7)
    (tmp_path / "text.zip").write_text("no archive")
    for place in (tmp_path / "text.zip", bad_server.put("/text.zip", b"no archive" * 9)):
        with pytest.raises(FetchError, match="is damaged, or did not come whole"):
            Archive(place)
