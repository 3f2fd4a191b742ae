"""Members of archives on this computer and on the web: few requests, and nothing trusted."""

from __future__ import annotations

import random
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from cxrlab.errors import CXRLabError
from cxrlab.fetching import faults, members, web
from cxrlab.fetching.archive import Member, extract_members, open_archive
from cxrlab.fetching.faults import FetchError
from cxrlab.fetching.members import safe_name
from cxrlab.fetching.together import LOCK, Tally

FOLDER = "chest_xray/train/NORMAL"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(web, "PAUSE", 0)
    monkeypatch.setattr(web, "TIMEOUTS", (2, 0.5))
    monkeypatch.delenv("CXRLAB_MIRROR", raising=False)


def noise(size, seed):
    return random.Random(seed).randbytes(size)


def make_zip(path, files, packing=zipfile.ZIP_DEFLATED):
    """A zip of ``files``: pairs of a name or a ``ZipInfo`` and bytes."""
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return path


def xrays(count=40, size=30_000):
    """What macOS packs: behind each file a note of its own."""
    files = []
    for n in range(count):
        name = f"IM-{n:04d}-0001.jpeg"
        files.append((f"{FOLDER}/{name}", noise(size, n)))
        files.append((f"__MACOSX/{FOLDER}/._{name}", b"note" * 30))
    return files


@pytest.fixture
def chest(tmp_path):
    return make_zip(tmp_path / "chest.zip", xrays())


@pytest.fixture
def online(chest, bad_server):
    return bad_server.put("/chest.zip", chest.read_bytes())


@pytest.fixture(params=["local", "remote"])
def opened(request, tmp_path, bad_server):
    """A function that opens bytes or a file as an archive, on this computer and on the web."""

    def open_it(path):
        if request.param == "local":
            return open_archive(path)
        return open_archive(bad_server.put(f"/{path.name}", path.read_bytes()))

    return open_it


def names(folder):
    return sorted(entry.name for entry in folder.iterdir() if entry.name != LOCK)


def into(folder, found):
    return [(member, folder / member.name.rpartition("/")[2], None) for member in found]


def content(seed, size=30_000):
    return noise(size, seed)


# ---- when all is well ----


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


# ---- strangers' archives ----


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


# ---- the server of the archive ----


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


def test_a_member_is_what_the_directory_says():
    assert Member("a", 1, 2, 3) == Member(name="a", size=1, packed=2, crc=3)
