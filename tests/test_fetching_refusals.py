"""Fetching files from a server or proxy that refuses: one clear sentence, and no file."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from bad_server import PAGE, BadServer
from downloads import DATA, names, plain, refused

from cxrlab.fetching import web
from cxrlab.fetching.files import Wanted, fetch_file

pytestmark = pytest.mark.usefixtures("no_pauses")


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
