"""Members of a zip archive, on this computer or behind a web address, one by one."""

from __future__ import annotations

import os
import threading
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path

from cxrlab.errors import CXRLabError
from cxrlab.fetching import web
from cxrlab.fetching.faults import FetchError, need_space, shown, writing
from cxrlab.fetching.members import HEADER, MOST_MEMBERS, Member, usable
from cxrlab.fetching.ranges import Ranges
from cxrlab.fetching.reader import Reader, damaged
from cxrlab.fetching.together import Fetched, Tally, one_process, run_together

__all__ = ["Archive", "Member", "extract_members", "open_archive"]

Check = Callable[[Path], None] | None

GROUP = 8_000_000  # bytes that are brought in one request at the most
GAP = 512  # bytes between two members that may travel for nothing; macOS puts a note there
WASTE = 0.02  # the same as a share of a member, which lets neighbours of a large one be skipped
SLACK = 2 * 65_535 + 24  # bytes: how long a member's own name, extras and afterword may be
AT_ONCE = 4  # requests


class Archive:
    """A zip archive, opened by :func:`open_archive`; close it or use it in a ``with``.

    ``kind`` is ``remote`` or ``local``; ``left_out`` counts the members that may not be taken
    out, by reason; ``bytes_read`` is what has travelled so far, the archive's directory included.
    """

    def __init__(self, place: str | Path, size: int | None = None) -> None:
        self.kind = "local" if isinstance(place, Path) else "remote"
        self.name = str(place) if self.kind == "local" else shown(place)
        self._place = place
        self._ranges = Ranges(place, size) if self.kind == "remote" else None
        self._own = threading.local()
        self._readers: list[Reader] = []
        self._opening = threading.Lock()
        first = self._reader()
        infos = first.zip.infolist()
        if len(infos) > MOST_MEMBERS:
            self.close()
            raise FetchError(
                f"{self.name} has {len(infos):,} members, which is no archive of ours."
            )
        kept, self.left_out = usable(infos, first.zip.start_dir)
        self._infos = {info.filename: info for info in kept}
        self._spans = _spans(infos, first.zip.start_dir)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        for reader in self._readers:
            with suppress(Exception):
                reader.zip.close()

    @property
    def bytes_read(self) -> int:
        return sum(reader.ranges.travelled for reader in self._readers if reader.ranges)

    def members(self) -> list[Member]:
        """The members that can be taken out safely, in the archive's order.

        Left out are names that would leave a folder, links, folders, ``__MACOSX``, encrypted
        members, several of one name, and those that would grow beyond all measure.
        """
        return [
            Member(info.filename, info.file_size, info.compress_size, info.CRC)
            for info in self._infos.values()
        ]

    def extract(self, member: Member, path: Path, check: Check = None) -> int:
        """Take one member out to ``path``, whole or not at all; give the bytes that travelled.

        ``check`` gets the file before it has its final name and raises ``CXRLabError`` where the
        content is not what it should be. Raises :class:`FetchError`.
        """
        with one_process([path.parent]):
            before = self.bytes_read
            reader = self._reader()
            self._hold(reader, [member])
            self._take_out(reader, member, path, check)
            return self.bytes_read - before

    def span(self, member: Member) -> tuple[int, int]:
        """Where the member begins in the archive, and where the next thing does (bytes)."""
        return self._spans[self._infos[member.name].header_offset]

    def take_out_group(self, group: Sequence[tuple[Member, Path, Check]], tally: Tally) -> None:
        """Take out members that lie beside each other; what fails is noted in ``tally``."""
        reader = self._reader()
        members = [member for member, _, _ in group]
        if reader.ranges is not None:
            reader.ranges.on_bytes = tally.came
        fault = None
        try:
            self._hold(reader, members)
        except FetchError as error:
            if error.stops_all:
                raise
            fault = error

        def bring(member: Member, path: Path, check: Check) -> bool:
            if fault is not None:
                raise fault
            self._take_out(reader, member, path, check)
            return True

        for member, path, check in group:
            tally.try_one(member.name, path, partial(bring, member, path, check))

    def _reader(self) -> Reader:
        """This thread's own view of the archive; only the first one reads the directory."""
        if not hasattr(self._own, "reader"):
            with self._opening:
                first = not self._readers
                ranges = self._ranges if first or self._ranges is None else self._ranges.copy()
                self._own.reader = Reader(self._place, self.name, ranges)
                self._readers.append(self._own.reader)
        return self._own.reader

    def _hold(self, reader: Reader, members: Sequence[Member]) -> None:
        if reader.ranges is not None:
            reader.ranges.hold(self.span(members[0])[0], self.span(members[-1])[1])

    def _take_out(self, reader: Reader, member: Member, path: Path, check: Check) -> None:
        part = path.with_name(f"{path.name}.part")
        try:
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                file = part.open("wb")
            # Around the closing too, which writes what is left.
            with writing(path), file:
                size, crc = 0, 0
                for data in reader.read(self._infos[member.name]):
                    size += len(data)
                    crc = zlib.crc32(data, crc)
                    file.write(data)
            if (size, crc) != (member.size, member.crc):
                raise damaged(self.name, member.name)
            if check is not None:
                _checked(check, part, member, self.name)
            with writing(path):
                os.replace(part, path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def open_archive(place: str | Path, size: int | None = None) -> Archive:
    """Open a zip archive at a web address, of which only parts travel, or on this computer.

    ``size`` is what it has to have, in bytes. Raises :class:`FetchError` where it has another
    (it changed at its source), is no zip archive, or cannot be reached or read.
    """
    if str(place).startswith(("http://", "https://")):
        return Archive(str(place), size)
    path = Path(place).expanduser().absolute()
    if not path.is_file():
        raise FetchError(f"There is no archive {path}. Name a .zip file or a web address.")
    found = path.stat().st_size
    if size is not None and found != size:
        raise FetchError(
            f"{path} has {found:,} bytes, where {size:,} were expected. It is another archive or "
            "did not come whole: download it again."
        )
    return Archive(path)


def extract_members(
    archive: Archive,
    wanted: Sequence[tuple[Member, Path, Check]],
    what: str,
    at_once: int = AT_ONCE,
) -> Fetched:
    """Take many members out, with one line that tells how far we are; ``what`` begins it.

    A file that is there with the member's size and CRC-32 is left alone. Neighbours in the archive
    travel in one request. A member that fails is noted in ``failed`` and does not stop the
    others. Raises :class:`FetchError` for what would stop them all. What has come is kept.
    """
    by_path = {path: (member, path, check) for member, path, check in wanted}
    with one_process(path.parent for path in by_path):
        missing = []
        there = []
        for member, path, check in by_path.values():
            (there if _is_there(member, path) else missing).append((member, path, check))
        if missing:
            need_space(missing[0][1].parent, sum(member.size for member, _, _ in missing))
        remote = archive.kind == "remote"
        total = sum(member.packed + HEADER + len(member.name) for member, _, _ in missing)
        tally = Tally(what, len(by_path), total if remote else None)
        for _, path, _ in there:
            tally.was_there(path, 0)
        groups = _neighbours(archive, missing)
        jobs = [partial(archive.take_out_group, group, tally) for group in groups]
        return run_together(jobs, tally, at_once if remote else 1)


def _neighbours(
    archive: Archive, wanted: Sequence[tuple[Member, Path, Check]]
) -> list[list[tuple[Member, Path, Check]]]:
    """``wanted`` in the archive's order, those together that may travel together."""
    groups: list[list[tuple[Member, Path, Check]]] = []
    begin = end = 0
    for one in sorted(wanted, key=lambda one: archive.span(one[0])):
        start, stop = archive.span(one[0])
        gap = max(GAP, WASTE * one[0].packed)
        if groups and 0 <= start - end <= gap and stop - begin <= GROUP:
            groups[-1].append(one)
        else:
            groups.append([one])
            begin = start
        end = stop
    return groups


def _spans(infos: Sequence[zipfile.ZipInfo], end: int) -> dict[int, tuple[int, int]]:
    """For each member's beginning where it begins and ends, its own header included (bytes)."""
    starts = sorted({info.header_offset for info in infos})
    following = dict(pairwise([*starts, end]))
    spans = {}
    for info in infos:
        start = info.header_offset
        longest = start + HEADER + info.compress_size + SLACK
        spans[start] = (start, min(following[start], longest))
    return spans


def _is_there(member: Member, path: Path) -> bool:
    if not path.is_file() or path.stat().st_size != member.size:
        return False
    with writing(path), path.open("rb") as file:
        crc = 0
        while data := file.read(web.CHUNK):
            crc = zlib.crc32(data, crc)
    return crc == member.crc


def _checked(check: Callable[[Path], None], part: Path, member: Member, archive: str) -> None:
    try:
        check(part)
    except CXRLabError as error:
        raise FetchError(f"{member.name} in {archive} cannot be used. {error}") from error
