"""Strategies of hypothesis: tables and archives as somebody would make them on purpose."""

from __future__ import annotations

import csv
import io
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
    columns = columns[draw(st.integers(0, 5)) == 0 :]
    # Mostly a label or an age where one belongs, so that not every table is refused for the first.
    likely = {"label": st.sampled_from(["0", "1", "1.0", " 1"]) | values}
    likely |= {"age": st.sampled_from(["", "52", "3.5"]) | values}
    row = st.tuples(*(likely.get(name, values) for name in columns)).map(list)
    rows = draw(st.lists(row, max_size=6))
    if draw(st.integers(0, 5)) == 0:
        rows = [each + draw(st.lists(values, max_size=3)) for each in rows]
    file = io.StringIO()
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    ending = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    rules = {"quoting": quoting, "lineterminator": ending, "escapechar": "\\"}
    csv.writer(file, **rules).writerows([columns, *rows])
    text = file.getvalue()
    text = text[: draw(st.sampled_from([len(text)] * 9 + [len(text) // 2]))]
    return text.encode(draw(encodings), errors="replace")


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
