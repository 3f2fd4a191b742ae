"""Bringing files from a server that misbehaves: whole or not at all, and a plain sentence."""

from __future__ import annotations

import errno
import random
import socket
import zipfile
from functools import partial
from pathlib import Path

import pytest
from bad_server import BadServer

from cxrlab.errors import CXRLabError
from cxrlab.sources import download
from cxrlab.sources.download import Wanted, bring_all, contents, get

DATA = random.Random(0).randbytes(400_000)
pytestmark = pytest.mark.usefixtures("no_pauses")


def refused(url: str, *words: str) -> None:
    """Fetching fails with one clear sentence that gives no secret away."""
    with pytest.raises(CXRLabError) as caught:
        get(url)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "HTTPConnectionPool" not in message and "secret" not in message


def wanted_from(server: BadServer, folder: Path, count: int = 8) -> list[Wanted]:
    urls = [server.put(f"/{n}.png", DATA + bytes([n])) for n in range(count)]
    return [Wanted(folder / f"{n}.png", partial(get, url), 1) for n, url in enumerate(urls)]


# --- one file --------------------------------------------------------------------------------


def test_the_mirror_stands_in_for_every_host(bad_server, monkeypatch):
    bad_server.put("/data.example.org/x/a.csv", b"a,b\n")
    monkeypatch.setenv("CXRLAB_MIRROR", bad_server.root + "/")
    assert get("https://data.example.org/x/a.csv?raw=1") == b"a,b\n"
    monkeypatch.setenv("CXRLAB_MIRROR", "my-mirror")
    with pytest.raises(CXRLabError, match="has to begin with http"):
        get("https://data.example.org/x/a.csv")


@pytest.mark.parametrize(
    ("fault", "words", "asked"),
    [
        ("missing", ["is not there", "404"], 1),
        ("forbidden", ["was refused", "403"], 1),
        ("proxy_login", ["The proxy", "HTTPS_PROXY"], 1),
        ("busy", ["too many questions", "429", "later"], 4),
        ("gateway", ["was refused", "502"], 4),
        ("closes", ["cannot be reached"], 4),
        ("late", ["cannot be reached"], 4),
        ("truncated", ["did not come whole"], 1),
        ("login", ["sent a web page", "browser"], 2),
        ("disguised_page", ["sent a web page"], 1),
    ],
)
def test_a_refusal_is_one_clear_sentence(bad_server, fault, words, asked):
    url = bad_server.put("/a.png", DATA)
    bad_server.misbehave("/a.png", fault, seconds=1 if fault == "late" else 0)
    refused(url, *words)
    assert len(bad_server.asked) == asked


@pytest.mark.parametrize("fault", ["busy", "gateway", "closes"])
def test_what_passes_is_tried_again(bad_server, fault):
    bad_server.misbehave("/a.png", fault, times=2)
    assert get(bad_server.put("/a.png", DATA)) == DATA


def test_no_connection_and_no_such_name(monkeypatch):
    with BadServer() as gone:
        address = gone.root
    refused(f"{address}/a.png", "cannot be reached", "connection")

    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    refused("https://no-such-host.example/a.png", "no-such-host.example cannot be reached")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_of_the_environment_is_used_and_may_want_a_password(
    bad_server, monkeypatch, scheme
):
    monkeypatch.setenv(f"{scheme}_proxy", bad_server.root.replace("://", "://me:secret@"))
    bad_server.put("/a.png", DATA)
    if scheme == "http":
        assert get("http://h.example/a.png") == DATA
        assert bad_server.hosts == ["h.example"]
        bad_server.misbehave("*", "proxy_login")
    refused(f"{scheme}://h.example/a.png", "The proxy", "h.example", "password")


# --- many files ------------------------------------------------------------------------------


def test_one_that_fails_does_not_stop_the_others_and_leaves_nothing(bad_server, tmp_path, capsys):
    wanted = wanted_from(bad_server, tmp_path / "x")
    bad_server.misbehave("/2.png", "truncated", times=1)  # asked for once more
    for name, fault in {"3": "missing", "5": "login", "6": "truncated"}.items():
        bad_server.misbehave(f"/{name}.png", fault)
    failed = bring_all(wanted, "X-rays")
    assert len(failed) == 3
    there = sorted((tmp_path / "x").iterdir())
    assert [path.name for path in there] == [f"{n}.png" for n in (0, 1, 2, 4, 7)]
    assert all(path.read_bytes() == DATA + bytes([int(path.stem)]) for path in there)
    assert "X-rays" in capsys.readouterr().err  # the progress bar


def test_what_would_stop_them_all_stops_them_all(bad_server, tmp_path):
    wanted = wanted_from(bad_server, tmp_path / "x", 60)
    bad_server.misbehave("*", "closes")
    assert len(bring_all(wanted, "X-rays")) == download.GIVE_UP
    assert {f"/{n}.png" for n in range(60)} - set(bad_server.asked)


def test_a_full_disk_is_said_and_what_lay_there_stays(bad_server, tmp_path, monkeypatch):
    wanted = wanted_from(bad_server, tmp_path / "x", 2)
    wanted[0].path.parent.mkdir()
    wanted[0].path.write_bytes(b"older")

    def full(path, data):
        with path.open("wb") as file:
            file.write(data[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    failed = bring_all(wanted, "X-rays")
    assert "No space left on device" in failed[0]
    assert [path.name for path in wanted[0].path.parent.iterdir()] == ["0.png"]
    assert wanted[0].path.read_bytes() == b"older"


# --- members of an archive -------------------------------------------------------------------


@pytest.fixture
def chest(tmp_path) -> Path:
    """An archive of twenty noisy images."""
    path = tmp_path / "chest.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(20):
            archive.writestr(f"train/NORMAL/IM-{n:04d}.jpeg", DATA[n * 20_000 :][:20_000])
    return path


@pytest.mark.parametrize("where", ["on this computer", "on the web"])
def test_members_come_one_by_one_and_little_else_travels(chest, bad_server, where):
    url = bad_server.put("/chest.zip", chest.read_bytes())
    members = contents(chest if where == "on this computer" else url)
    bad_server.sent = 0
    assert len(members) == 20
    name, read, size = members[7]
    assert (name, size, read()) == ("train/NORMAL/IM-0007.jpeg", 20_000, DATA[140_000:160_000])
    assert bad_server.sent < 25_000


def test_a_member_that_is_damaged_or_a_bomb_is_refused(chest, monkeypatch):
    data = bytearray(chest.read_bytes())
    data[5_000] ^= 255
    chest.write_bytes(data)
    (_, damaged, _), (_, whole, _), *_ = contents(chest)
    with pytest.raises(CXRLabError, match=r"IM-0000.jpeg in .* is damaged"):
        damaged()
    assert len(whole()) == 20_000
    monkeypatch.setattr(download, "LARGEST", 10_000)
    with pytest.raises(CXRLabError, match="would unpack to more than"):
        whole()


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
    _, read, _ = contents(url)[2]
    bad_server.misbehave("/chest.zip", fault)
    for ask in (read, partial(contents, url)):
        with pytest.raises(CXRLabError, match=words):
            ask()
    bad_server.behave()
    assert read() == DATA[40_000:60_000]  # opened anew
    with pytest.raises(CXRLabError, match="is damaged, or did not come whole"):
        contents(bad_server.put("/text.zip", b"no archive" * 9))
