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
CHANGES = (
    "flip bits", "overwrite", "truncate", "behead", "remove", "repeat", "insert", "insert a word",
    "splice", "follow with another", "edit the header", "edit the header", "edit the end",
)  # fmt: skip


def mutated(data: bytes, rng: random.Random, other: bytes) -> tuple[str, bytes]:
    """``data`` after one to four changes, and their names. ``other`` is a file to splice in."""
    names = rng.choices(CHANGES, k=rng.choice([1, 1, 1, 2, 3, 4]))
    for name in names:
        data = changed(name, data or b"\0", rng, other or b"\0")[:LONGEST]
    if data.startswith(PNG) and rng.random() < 0.5:
        data = with_right_checksums(data)
        names.append("checksums")
    return "+".join(names), data


def changed(how: str, data: bytes, rng: random.Random, other: bytes) -> bytes:
    """``data`` changed in one of the ways of ``CHANGES``."""
    at, length = _piece(data, rng)
    before, piece, after = data[:at], data[at : at + length], data[at + length :]
    match how:
        case "flip bits":
            flipped = bytearray(data)
            for _ in range(rng.choice([1, 2, 8, 64])):
                flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
            return bytes(flipped)
        case "overwrite":
            return before + rng.randbytes(length) + after
        case "truncate":
            return before
        case "behead":
            return data[rng.randrange(min(len(data), HEADER)) :]
        case "remove":
            return before + after
        case "repeat":
            return before + piece * rng.choice([2, 3, 50]) + after
        case "insert":
            return before + rng.randbytes(rng.choice([1, 2, 4, 300])) + piece + after
        case "insert a word":
            return before + rng.choice(WORDS) + piece + after
        case "splice":
            start, size = _piece(other, rng)
            return before + other[start : start + size] + rng.choice([piece, b""]) + after
        case "follow with another":
            return before + other
        case "edit the header":
            return _edited(data, rng)
        case "edit the end":  # where zip keeps its directory and TIFF often its tags
            return _edited(data[::-1], rng)[::-1]
    raise ValueError(how)


def _edited(data: bytes, rng: random.Random) -> bytes:
    """A number near the beginning becomes one at the edge of its range."""
    width = rng.choice([1, 2, 4])
    value = rng.choice(EDGES) & (2 ** (8 * width) - 1)
    number = struct.pack(rng.choice("<>") + {1: "B", 2: "H", 4: "I"}[width], value)
    at = rng.randrange(min(len(data), HEADER))
    return data[:at] + number + data[at + width :]


def _piece(data: bytes, rng: random.Random) -> tuple[int, int]:
    """Where a piece of ``data`` begins, and how long it is: mostly short."""
    at = rng.randrange(len(data))
    return at, min(len(data) - at, rng.choice([1, 2, 4, 16, 64, 1024, len(data)]))


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
