"""Strangers' archives: nothing in them is trusted, and what is damaged fails alone."""

from __future__ import annotations

import random
import shutil
import stat
import zipfile

import pytest
from downloads import names
from zips import into, make_zip, noise

from cxrlab.errors import CXRLabError
from cxrlab.fetching import members
from cxrlab.fetching.archive import extract_members
from cxrlab.fetching.faults import FetchError
from cxrlab.fetching.members import safe_name

pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.mark.parametrize(
    "name",
    [
        *("", "/etc/passwd", "../a", "a/../../b", "a/./b", "a//b", "C:/a", "c:a", "a\\b", "..\\a"),
        *("a/\x00b", "a\nb", "a/", "aux", "a/NUL.txt", "com1.jpeg", "a.", "a ", "a:stream"),
        "x" * 401,
    ],
)
def test_unsafe_names(name):
    assert not safe_name(name)


@pytest.mark.parametrize("name", ["a", "a/b c/d.e.jpeg", "console/nullify.png", "für/β.png"])
def test_safe_names(name):
    assert safe_name(name)


def info(name, mode=stat.S_IFREG | 0o644):
    found = zipfile.ZipInfo("x")
    found.filename = name
    found.external_attr = mode << 16
    return found


def test_what_may_not_be_taken_out_is_left_out(opened, tmp_path):
    files = [
        ("good/a.jpeg", b"a"),
        *((info(name), b"evil") for name in ("/etc/evil", "../evil", "C:/evil", "a\\..\\evil")),
        (info("evil-link", stat.S_IFLNK | 0o777), b"/etc/passwd"),
        (info("evil-pipe", stat.S_IFIFO | 0o644), b""),
        ("folder/", b""),
        ("__MACOSX/good/._a.jpeg", b"note"),
        ("good/._a.jpeg", b"note"),
        ("twice.jpeg", b"1"),
        ("Twice.jpeg", b"2"),
        ("bomb.jpeg", bytes(5_000_000)),
    ]
    with opened(make_zip(tmp_path / "evil.zip", files)) as archive:
        assert [member.name for member in archive.members()] == ["good/a.jpeg"]
        assert archive.left_out == {
            "unsafe name": 4,
            "link": 2,
            "folder": 1,
            "macOS": 2,
            "twice": 2,
            "too large": 1,
        }


def test_encrypted_and_oddly_packed_members_are_left_out(opened, tmp_path):
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("secret.jpeg", b"secret")
        archive.writestr("lzma.jpeg", b"lzma", zipfile.ZIP_LZMA)
        archive.writestr("fine.jpeg", b"fine")
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")  # the first in the directory
    data[entry + 8] |= 1
    path.write_bytes(data)
    with opened(path) as archive:
        assert [member.name for member in archive.members()] == ["fine.jpeg"]
        assert archive.left_out == {"encrypted": 1, "unknown packing": 1}


def test_members_that_overlap_are_a_bomb(opened, tmp_path):
    path = make_zip(tmp_path / "o.zip", [("a.jpeg", b"a" * 99), ("b.jpeg", b"b"), ("c.jpeg", b"c")])
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    data[entry + 42 : entry + 46] = bytes(4)  # b begins where a does
    path.write_bytes(data)
    with opened(path) as archive:
        assert [member.name for member in archive.members()] == ["c.jpeg"]
        assert archive.left_out == {"overlapping": 2}


def test_an_absurd_size_is_left_out(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(members, "LARGEST_MEMBER", 1000)
    path = make_zip(tmp_path / "l.zip", [("large.jpeg", noise(1001, 1)), ("a.jpeg", b"a")])
    with opened(path) as archive:
        assert [member.name for member in archive.members()] == ["a.jpeg"]


def test_an_absurd_number_of_members_is_refused(opened, chest, monkeypatch):
    monkeypatch.setattr("cxrlab.fetching.archive.MOST_MEMBERS", 79)
    with pytest.raises(FetchError, match="80 members"):
        opened(chest)


def test_a_member_longer_than_it_says_is_not_unpacked(opened, tmp_path):
    path = make_zip(tmp_path / "liar.zip", [("a.jpeg", noise(9_000, 1)), ("b.jpeg", b"b")])
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (5_000).to_bytes(4, "little")
    path.write_bytes(data)
    fails_alone(opened(path), tmp_path / "x", "a.jpeg")


def test_a_damaged_member_fails_alone(opened, tmp_path):
    path = make_zip(
        tmp_path / "d.zip", [("a.jpeg", b"abc" * 99), ("b.jpeg", b"b")], zipfile.ZIP_STORED
    )
    path.write_bytes(path.read_bytes().replace(b"abcabc", b"abXabc", 1))
    fails_alone(opened(path), tmp_path / "x", "a.jpeg")


def test_a_member_whose_packed_bytes_are_rubbish_fails_alone(opened, tmp_path):
    path = make_zip(tmp_path / "d.zip", [("a.jpeg", b"abc" * 9000), ("b.jpeg", b"b")])
    data = bytearray(path.read_bytes())
    data[40:50] = b"\xff" * 10
    path.write_bytes(data)
    fails_alone(opened(path), tmp_path / "x", "a.jpeg")


def test_a_member_whose_own_header_names_another_fails_alone(opened, tmp_path):
    path = make_zip(tmp_path / "d.zip", [("a.jpeg", b"abc" * 9000), ("b.jpeg", b"b")])
    path.write_bytes(path.read_bytes().replace(b"a.jpeg", b"../jpg", 1))
    fails_alone(opened(path), tmp_path / "x", "a.jpeg")


def fails_alone(archive, folder, name):
    with archive:
        done = extract_members(archive, into(folder, archive.members()), "X-rays")
        assert [failure.url for failure in done.failed] == [name]
        assert "damaged" in done.failed[0].reason
        assert names(folder) == ["b.jpeg"]
        with pytest.raises(FetchError, match="damaged"):
            archive.extract(archive.members()[0], folder / "alone.jpeg")
        assert names(folder) == ["b.jpeg"]


def test_a_member_that_fails_its_check_is_thrown_away(opened, chest, tmp_path):
    def check(path):
        raise CXRLabError("This is no X-ray.")

    with opened(chest) as archive:
        member, path, _ = into(tmp_path / "x", archive.members())[0]
        with pytest.raises(FetchError, match="cannot be used. This is no X-ray."):
            archive.extract(member, path, check)
        done = extract_members(archive, [(member, path, check)], "X-rays")
    assert len(done.failed) == 1
    assert names(tmp_path / "x") == []


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip " * 500, b"<html>log in</html>"])
def test_what_is_no_archive_is_said(opened, tmp_path, data):
    path = tmp_path / "no.zip"
    path.write_bytes(data)
    with pytest.raises(FetchError, match="is no zip archive|sent a web page|has changed"):
        opened(path)


def test_an_archive_cut_short_is_said(opened, chest):
    chest.write_bytes(chest.read_bytes()[:-3000])
    with pytest.raises(FetchError, match="is no zip archive, or did not come whole"):
        opened(chest)


def test_mutated_archives_write_nothing_outside(opened, tmp_path):
    """Strangers' bytes: each mutation opens or is refused in a sentence, and stays inside."""
    path = make_zip(tmp_path / "m.zip", [(f"{n}.jpeg", noise(300, n)) for n in range(5)])
    good, dice = path.read_bytes(), random.Random(7)
    folder = tmp_path / "x" / "inner"
    for _ in range(100):
        data = bytearray(good)
        for _ in range(dice.choice([1, 3, 20])):
            data[dice.randrange(len(data))] = dice.randrange(256)
        path.write_bytes(data[: dice.choice([len(data), dice.randrange(len(data))])])
        try:
            with opened(path) as archive:
                wanted = [(one, folder / one.name, None) for one in archive.members()]
                extract_members(archive, wanted, "X-rays")
        except CXRLabError:
            pass
        assert set(tmp_path.iterdir()) <= {path, tmp_path / "x", tmp_path / "served"}
        assert names(tmp_path / "x") in ([], ["inner"]) if (tmp_path / "x").exists() else True
        shutil.rmtree(tmp_path / "x", ignore_errors=True)
