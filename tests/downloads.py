"""What the tests of fetching share: a file's bytes, and what must hold when it is refused."""

from __future__ import annotations

import hashlib
import random

import pytest

from cxrlab.fetching.faults import FetchError
from cxrlab.fetching.files import Wanted, fetch_file
from cxrlab.fetching.together import LOCK

DATA = random.Random(0).randbytes(512_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


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


def many(server, folder, count=12):
    return [
        Wanted(server.put(f"/{n}.png", DATA + bytes([n])), folder / f"{n}.png", len(DATA) + 1)
        for n in range(count)
    ]
