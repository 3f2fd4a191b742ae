"""Reading strangers' zip archives: whatever is wrong with one becomes a plain sentence."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from remotezip import RemoteZip

from cxrlab.errors import CXRLabError
from cxrlab.fetching.faults import FetchError
from cxrlab.fetching.ranges import Ranges
from cxrlab.fetching.together import Stopped
from cxrlab.fetching.web import CHUNK

END = 4096  # bytes: the archive's last words, which say where its directory lies


class Reader:
    """One thread's open archive."""

    def __init__(self, place: str | Path, name: str, ranges: Ranges | None) -> None:
        self.name, self.ranges = name, ranges
        with strangers(name):
            if ranges is None:
                self.zip = zipfile.ZipFile(place)
            else:
                self.zip = RemoteZip(place, initial_buffer_size=END, fetcher=ranges.as_fetcher)

    def read(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        """The content of a member, part by part, never more than its directory says."""
        with strangers(self.name, info.filename):
            left = info.file_size
            with self.zip.open(info) as source:
                while data := source.read(min(CHUNK, left + 1)):
                    left -= len(data)
                    if left < 0:
                        raise zipfile.BadZipFile("longer than announced")
                    yield data


@contextmanager
def strangers(archive: str, member: str | None = None) -> Iterator[None]:
    """Whatever a library trips over in strangers' bytes becomes a :class:`FetchError`.

    ``zipfile`` and ``zlib`` promise no list of what they raise on a damaged archive.
    """
    try:
        yield
    except (CXRLabError, Stopped):
        raise
    except Exception as error:
        raise damaged(archive, member) from error


def damaged(archive: str, member: str | None) -> FetchError:
    if member is None:
        return FetchError(
            f"{archive} is no zip archive, or did not come whole. Download it again, or name "
            "another one."
        )
    return FetchError(
        f"{member} in {archive} is damaged: its content is not what the archive's directory says. "
        "Run this again, and if that does not help, leave it out."
    )
