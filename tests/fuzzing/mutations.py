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
WORDS = b"../ ..\\ /etc/passwd C:\\ CON file:///etc/passwd = { ] null %s%n NaN 1e999 -1 =1+1"
WORDS += b' " , ; \0 \x1a \r \n \t \xef\xbb\xbf \xff\xfe \xe2\x80\xae \xed\xa0\x80'
WORDS = (*WORDS.split(b" "), b"9" * 400, b"[" * 3000, b"A" * 5000)


def flip_bits(data: bytes, rng: random.Random, _: bytes) -> bytes:
    flipped = bytearray(data)
    for _ in range(rng.choice([1, 2, 8, 64])):
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def cut(data: bytes, rng: random.Random, _: bytes) -> bytes:
    """One end is lost, or a piece in between."""
    at, length = piece_of(data, rng)
    return rng.choice([data[:at], data[at % HEADER :], data[:at] + data[at + length :]])


def repeat(data: bytes, rng: random.Random, _: bytes) -> bytes:
    at, length = piece_of(data, rng)
    return data[:at] + data[at : at + length] * rng.choice([2, 3, 50]) + data[at + length :]


def overwrite(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Noise, a word or a piece of another file, in place of a piece or before it."""
    at, length = piece_of(data, rng)
    start, size = piece_of(other, rng)
    new = rng.choice([rng.randbytes(length), rng.choice(WORDS), other[start : start + size], other])
    return data[:at] + new + data[at + rng.choice([0, length]) :]


def edit_header(data: bytes, rng: random.Random, _: bytes) -> bytes:
    """A number near the beginning becomes one at the edge of its range."""
    width = rng.choice([1, 2, 4])
    number = (rng.choice(EDGES) % 2 ** (8 * width)).to_bytes(width, rng.choice(["little", "big"]))
    at = rng.randrange(min(len(data), HEADER))
    return data[:at] + number + data[at + width :]


def edit_end(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Where zip keeps its directory and TIFF often its tags."""
    return edit_header(data[::-1], rng, other)[::-1]


CHANGES = (flip_bits, cut, cut, repeat, overwrite, overwrite, edit_header, edit_header, edit_end)


def mutated(data: bytes, rng: random.Random, other: bytes) -> tuple[str, bytes]:
    """``data`` after one to four changes, and their names. ``other`` is a file to splice in."""
    changes = rng.choices(CHANGES, k=rng.choice([1, 1, 1, 2, 3, 4]))
    for change in changes:
        data = change(data or b"\0", rng, other or b"\0")[:LONGEST]
    if data.startswith(PNG) and rng.random() < 0.5:
        data = with_right_checksums(data)
    return "+".join(change.__name__ for change in changes), data


def piece_of(data: bytes, rng: random.Random) -> tuple[int, int]:
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
