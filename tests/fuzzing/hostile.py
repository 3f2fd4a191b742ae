"""Strategies of hypothesis: tables and recordings as somebody would make them on purpose."""

from __future__ import annotations

import csv
import io
import json
import warnings
import zipfile

from hypothesis import strategies as st

NAMES = (
    "../secret.png", "images/../../secret.png", "/etc/passwd", "C:\\x.png", "c:x.png", "..\\x.png",
    "//host/share/x.png", ".", "..", "a/./b.png", "up/secret.png", "a//b.png", "~/x.png",
    "nul\0byte.png", "tab\t.png", "line\n.png", "\u202egnp.exe", "\ufeffa.png", "x" * 300,
    "a/" * 400 + "x.png", "\u00e9.png", "e\u0301.png", "a.png#2", "a.png", "a.png", "", " ",
    "CON", "file:///etc/passwd", "=cmd|x", "%2e%2e/secret.png",
)  # fmt: skip
NUMBERS = (
    "0", "1", "1.0", "-1", "52", "131", "1e9", "1e400", "-inf", "NaN", "nan", "0x10", "1_000",
    "9" * 400, "\u0661", "\uff11", "1,5", "1e-400", "True", "",
)  # fmt: skip
WORDS = ("", "PA", "X-ray", "COVID-19", "images", "volumes", "F", "p1", "train", "NA", "None", '"')
COLUMNS = (
    "patientid", "finding", "view", "modality", "filename", "folder", "sex", "age", "license",
    "path", "label", "patient_id", "image_id", "source", "part", "sha256", "problem", "url",
    "index", "", " filename", "filename ", "label.1", "Unnamed: 0", "age\0", "__class__",
)  # fmt: skip
TYPICAL = {
    "metadata": ["patientid", "finding", "view", "modality", "filename"],
    "cases": ["path", "label"],
}

values = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(NUMBERS),
    st.sampled_from(WORDS),
    st.text(max_size=12),
)
# What Python writes as UTF-8, UTF-16 and Windows' own; surrogates are no text in any of them.
encodings = st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])


@st.composite
def tables(draw, reader: str) -> bytes:
    """A CSV whose header is nearly right: values, quotes, lengths of rows and encoding are not."""
    columns = draw(st.permutations(TYPICAL[reader]))
    columns += draw(st.lists(st.sampled_from(COLUMNS), max_size=5))
    if draw(st.integers(0, 5)) == 0:
        columns = columns[1:]
    width = len(columns)
    ragged = draw(st.integers(0, 5)) == 0
    row = st.lists(values, min_size=0 if ragged else width, max_size=width + (3 if ragged else 0))
    rows = draw(st.lists(row, max_size=6))
    rows = [[_likely(draw, name, value) for name, value in _named(columns, row)] for row in rows]
    file = io.StringIO()
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    ending = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    csv.writer(file, quoting=quoting, lineterminator=ending, escapechar="\\").writerows(
        [columns, *rows]
    )
    text = file.getvalue()
    if draw(st.integers(0, 9)) == 0:
        text = text[: draw(st.integers(0, len(text)))]
    return text.encode(draw(encodings), errors="replace")


def _named(columns: list[str], row: list[str]) -> list[tuple[str, str]]:
    names = [*columns, *[""] * max(0, len(row) - len(columns))]
    return list(zip(names, row, strict=False))


def _likely(draw, name: str, value: str) -> str:
    """Mostly a label where a label belongs, so that tables are not all refused for the first."""
    if name == "label" and draw(st.integers(0, 7)):
        return draw(st.sampled_from(["0", "1", "1.0", " 1"]))
    if name == "age" and draw(st.integers(0, 3)):
        return draw(st.sampled_from(["", "52", "3.5"]))
    return value


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.floats(),
        st.text(max_size=8),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


@st.composite
def archives(draw) -> bytes:
    """A zip of members whose names lead elsewhere, that are links, doubled, or full of nothing."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that come twice
        for name in draw(st.lists(st.sampled_from(NAMES) | st.text(max_size=12), max_size=5)):
            info = zipfile.ZipInfo("x")
            # Past the constructor, which cuts at NUL; unpaired surrogates are no name at all.
            info.filename = name.encode("utf-8", "replace").decode()
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = draw(st.sampled_from([0, 0o100644, 0o120777, 0o040755])) << 16
            info.flag_bits |= draw(st.sampled_from([0, 0, 1]))  # said to be encrypted
            packed.writestr(info, draw(st.sampled_from([b"", b"x", b"../up", bytes(3_000_000)])))
    return file.getvalue()


@st.composite
def recordings(draw, whole: bytes) -> bytes:
    """A recorded search in which one to three things, at any depth, are something else."""
    content = json.loads(whole)
    for _ in range(draw(st.integers(1, 3))):
        place = content
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys))
            inner = place[key]
            if not (isinstance(inner, (dict, list)) and inner and draw(st.booleans())):
                break
            place = inner
        if draw(st.booleans()):
            place[key] = draw(json_values)
        else:
            del place[key]
        if not content:
            break
    return json.dumps(content).encode()
