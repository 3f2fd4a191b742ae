"""Damage of the kinds that happen, and of the kinds that somebody makes on purpose."""

from __future__ import annotations

import random
import struct
import zlib

PNG = b"\x89PNG\r\n\x1a\n"
# Numbers at which decoders have gone wrong: bounds of 7, 8, 15, 16, 31 and 32 bits.
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
HEADER = 128  # bytes in which sizes, depths and offsets stand in most formats
LONGEST = 2**21  # bytes that a mutation may grow to
WORDS = (
    b"../", b"..\\", b"/etc/passwd", b"C:\\", b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\n",
    b'"', b",", b";", b"\t", b"\x1a", b"NaN", b"1e999", b"-1", b"9" * 400, b"\xe2\x80\xae",
    b"=1+1", b"{", b"]", b"null", b"[" * 3000, b"%s%n", b"A" * 5000, b"\xed\xa0\x80",
)  # fmt: skip


def mutated(data: bytes, rng: random.Random, other: bytes) -> tuple[str, bytes]:
    """``data`` after one to four changes, and their names. ``other`` is a file to splice in."""
    names = []
    for _ in range(rng.choice([1, 1, 1, 2, 3, 4])):
        change = rng.choice(CHANGES)
        data = change(data or b"\0", rng, other)[:LONGEST]
        names.append(change.__name__)
    if data.startswith(PNG) and rng.random() < 0.5:
        data = with_right_checksums(data)
        names.append("checksums")
    return "+".join(names), data


def with_right_checksums(data: bytes) -> bytes:
    """A PNG whose chunks pass their check again, so that damage gets as far as the decoder."""
    whole, at = PNG, len(PNG)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunk = data[at + 4 : at + 8 + length]
        if len(chunk) < 4 + length:
            break
        whole += struct.pack(">I", length) + chunk + struct.pack(">I", zlib.crc32(chunk))
        at += 12 + length
    return whole + data[at:]


def flip_bits(data: bytes, rng: random.Random, other: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice([1, 2, 8, 64])):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwrite(data: bytes, rng: random.Random, other: bytes) -> bytes:
    at, length = _piece(data, rng)
    return data[:at] + rng.randbytes(length) + data[at + length :]


def truncate(data: bytes, rng: random.Random, other: bytes) -> bytes:
    return data[: rng.randrange(len(data))]


def behead(data: bytes, rng: random.Random, other: bytes) -> bytes:
    return data[rng.randrange(min(len(data), HEADER)) :]


def remove(data: bytes, rng: random.Random, other: bytes) -> bytes:
    at, length = _piece(data, rng)
    return data[:at] + data[at + length :]


def repeat(data: bytes, rng: random.Random, other: bytes) -> bytes:
    at, length = _piece(data, rng)
    return data[:at] + data[at : at + length] * rng.choice([2, 3, 50]) + data[at + length :]


def insert(data: bytes, rng: random.Random, other: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.randbytes(rng.choice([1, 2, 4, 300])) + data[at:]


def insert_word(data: bytes, rng: random.Random, other: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(WORDS) + data[at:]


def splice(data: bytes, rng: random.Random, other: bytes) -> bytes:
    at, length = _piece(other or b"\0", rng)
    here = rng.randrange(len(data))
    return data[:here] + other[at : at + length] + data[here + rng.choice([0, length]) :]


def follow_with(data: bytes, rng: random.Random, other: bytes) -> bytes:
    return data[: rng.randrange(len(data))] + other


def edit_header(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """A number near the beginning becomes one at the edge of its range."""
    width = rng.choice([1, 2, 4])
    value = rng.choice(EDGES) & (2 ** (8 * width) - 1)
    number = struct.pack(rng.choice("<>") + {1: "B", 2: "H", 4: "I"}[width], value)
    at = rng.randrange(min(len(data), HEADER))
    return data[:at] + number + data[at + width :]


def edit_end(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """The same at the end, where zip keeps its directory and TIFF often its tags."""
    return edit_header(data[::-1], rng, other)[::-1]


CHANGES = (
    flip_bits, overwrite, truncate, behead, remove, repeat, insert, insert_word, splice,
    follow_with, edit_header, edit_header, edit_header, edit_end,
)  # fmt: skip


def _piece(data: bytes, rng: random.Random) -> tuple[int, int]:
    """Where a piece of ``data`` begins, and how long it is: mostly short."""
    at = rng.randrange(len(data))
    return at, min(len(data) - at, rng.choice([1, 2, 4, 16, 64, 1024, len(data)]))
