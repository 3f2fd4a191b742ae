"""Members of archives on this computer and on the web: few requests, and only what is needed."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from downloads import names
from zips import FOLDER, content, into, make_zip

from cxrlab.fetching import faults
from cxrlab.fetching.archive import Member, extract_members, open_archive
from cxrlab.fetching.faults import FetchError

pytestmark = pytest.mark.usefixtures("no_pauses")


def test_members_come_one_by_one_and_together(opened, chest, tmp_path):
    with opened(chest) as archive:
        found = archive.members()
        assert [member.name for member in found] == [
            f"{FOLDER}/IM-{n:04d}-0001.jpeg" for n in range(40)
        ]
        assert archive.left_out == {"macOS": 40}
        assert all(member.size == 30_000 for member in found)
        one = tmp_path / "one" / "a.jpeg"
        travelled = archive.extract(found[7], one)
        assert one.read_bytes() == content(7)
        assert (travelled > 0) == (archive.kind == "remote")
        done = extract_members(archive, into(tmp_path / "all", found), "X-rays")
        assert len(done.new) == 40 and not done.failed
        assert (tmp_path / "all" / "IM-0039-0001.jpeg").read_bytes() == content(39)
        assert names(tmp_path / "all") == [f"IM-{n:04d}-0001.jpeg" for n in range(40)]
        again = extract_members(archive, into(tmp_path / "all", found), "X-rays")
        assert len(again.already) == 40 and not again.new and again.bytes == 0


def test_what_is_there_and_damaged_is_taken_out_anew(opened, chest, tmp_path):
    with opened(chest) as archive:
        wanted = into(tmp_path / "x", archive.members()[:3])
        extract_members(archive, wanted, "X-rays")
        wanted[1][1].write_bytes(bytes(30_000))
        again = extract_members(archive, wanted, "X-rays")
    assert again.new == [wanted[1][1]]
    assert wanted[1][1].read_bytes() == content(1)


def test_only_what_is_needed_travels_and_neighbours_travel_together(online, bad_server, tmp_path):
    with open_archive(online) as archive:
        opening = len(bad_server.asked)
        assert opening <= 3
        found = archive.members()
        some = found[5:15] + found[30:31]
        done = extract_members(archive, into(tmp_path / "x", some), "X-rays")
        assert len(done.new) == 11
        assert len(bad_server.asked) - opening == 2  # ten neighbours, and one
        assert bad_server.sent == archive.bytes_read
        assert done.bytes <= 1.03 * sum(member.packed for member in some)


def test_scattered_members_bring_nothing_from_in_between(online, bad_server, tmp_path):
    with open_archive(online) as archive:
        some = archive.members()[::2]
        done = extract_members(archive, into(tmp_path / "x", some), "X-rays")
    assert done.bytes <= 1.03 * sum(member.packed for member in some)
    assert bad_server.sent < 0.6 * Path(bad_server.folder / "chest.zip").stat().st_size


def test_a_group_does_not_grow_beyond_what_memory_holds(online, bad_server, tmp_path, monkeypatch):
    monkeypatch.setattr("cxrlab.fetching.archive.GROUP", 100_000)
    with open_archive(online) as archive:
        opening = len(bad_server.asked)
        extract_members(archive, into(tmp_path / "x", archive.members()), "X-rays")
    assert len(bad_server.asked) - opening == 14  # three at a time


def test_the_directory_of_17_000_members_takes_few_requests(bad_server, tmp_path):
    files = []
    for n in range(8_500):
        name = f"person{n}_bacteria_{n}.jpeg"
        files += [(f"chest_xray/train/PNEUMONIA/{name}", b"x")]
        files += [(f"__MACOSX/chest_xray/train/PNEUMONIA/._{name}", b"y")]
    path = make_zip(tmp_path / "many.zip", files, zipfile.ZIP_STORED)
    with zipfile.ZipFile(path) as archive:
        directory = path.stat().st_size - archive.start_dir
    with open_archive(bad_server.put("/many.zip", path.read_bytes())) as archive:
        assert len(archive.members()) == 8_500
        assert len(bad_server.asked) <= 3
        assert archive.bytes_read < directory + 5_000
        threads = [threading.Thread(target=archive._reader) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(bad_server.asked) <= 3  # other threads read no directory


def test_the_mirror_stands_in_for_the_real_address(chest, bad_server, tmp_path, monkeypatch):
    bad_server.put("/data.example.org/file_downloaded", chest.read_bytes())
    monkeypatch.setenv("CXRLAB_MIRROR", bad_server.root)
    with open_archive("https://data.example.org/file_downloaded") as archive:
        archive.extract(archive.members()[0], tmp_path / "a.jpeg")
    assert (tmp_path / "a.jpeg").read_bytes() == content(0)


def test_an_archive_that_moved_is_followed(online, bad_server, tmp_path):
    """As Mendeley's does, to a signed address elsewhere."""
    bad_server.misbehave("/file_downloaded", "moved", to="/chest.zip?signature=secret")
    with open_archive(bad_server.address("/file_downloaded")) as archive:
        found = archive.members()
        done = extract_members(archive, into(tmp_path / "x", found[:20]), "X-rays", at_once=1)
        asked = [one.path for one in bad_server.asked]
        assert asked.count("/file_downloaded") == 1  # then the signed address, while it holds
        bad_server.misbehave("/chest.zip", "forbidden", times=1)  # it has expired
        done = extract_members(archive, into(tmp_path / "x", found), "X-rays", at_once=1)
        assert len(done.new) == len(done.already) == 20
        asked = [one.path for one in bad_server.asked]
        assert asked.count("/file_downloaded") == 2


def test_an_archive_with_a_comment_and_something_before_it(opened, chest, tmp_path):
    with zipfile.ZipFile(chest, "a") as archive:
        archive.comment = b"a comment " * 20
    odd = tmp_path / "odd.zip"
    odd.write_bytes(b"before it " * 50 + chest.read_bytes())
    with opened(odd) as archive:
        archive.extract(archive.members()[3], tmp_path / "a.jpeg")
    assert (tmp_path / "a.jpeg").read_bytes() == content(3)


def test_the_line_says_how_far_we_are(online, tmp_path, capsys):
    with open_archive(online) as archive:
        extract_members(archive, into(tmp_path / "x", archive.members()), "Normal X-rays")
    assert "Normal X-rays: 40 new, 0 there already, 1.2 MB in 0:0" in capsys.readouterr().err


def test_a_member_is_what_the_directory_says():
    assert Member("a", 1, 2, 3) == Member(name="a", size=1, packed=2, crc=3)


def test_no_local_archive(tmp_path):
    with pytest.raises(FetchError, match="There is no archive"):
        open_archive(tmp_path / "no.zip")


def test_too_little_room_is_seen_before(opened, chest, tmp_path, monkeypatch):
    with opened(chest) as archive:
        free = SimpleNamespace(free=faults.SPARE + 1_000_000)
        monkeypatch.setattr(faults.shutil, "disk_usage", lambda _: free)
        with pytest.raises(FetchError, match="1.2 MB are to come"):
            extract_members(archive, into(tmp_path / "x", archive.members()), "X-rays")
        assert names(tmp_path / "x") == []
