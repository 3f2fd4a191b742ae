"""X-rays that somebody names: a CSV or a folder as cases, and what must not be counted."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cxrlab.case_files import read_cases
from cxrlab.errors import CXRLabError
from cxrlab.filters import fingerprint
from cxrlab.runs import unseen
from cxrlab.sources import covid, kermany, nih


def picture(number: int) -> Image.Image:
    """A smooth random picture, unlike that of every other number."""
    coarse = np.random.default_rng(number).integers(0, 256, (12, 12), dtype=np.uint8)
    return Image.fromarray(coarse).resize((200, 160), Image.Resampling.BICUBIC)


def save(path, number=0, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(number).save(path, **options)


@pytest.fixture
def folder(tmp_path):
    """Two X-rays of each class, and room for more."""
    for number in range(4):
        save(tmp_path / ("positive", "negative")[number % 2] / f"{number}.png", number)
    return tmp_path


def problems(cases: pd.DataFrame) -> dict[str, str]:
    return cases.dropna(subset="problem").set_index("image_id")["problem"].to_dict()


def test_subfolders_are_the_classes_whatever_their_capitals(tmp_path):
    names = ["COVID-19/a.png", "Normal/b.png", "Normal/c/d.png"]
    for number, name in enumerate([*names, "other/d.png"]):
        save(tmp_path / name, number)
    cases = read_cases(tmp_path)
    assert list(cases["label"]) == [1, 0, 0]
    assert list(cases["image_id"]) == names
    assert cases["patient_id"].nunique() == 3 and not problems(cases)


@pytest.mark.parametrize("name", ["a.jfif", "a.jpe", "a.JP2", "a.pgm", "a.tif", "a", "a.dcm.jpg"])
def test_what_can_be_read_is_read_whatever_its_suffix(folder, name):
    kind = {"a.JP2": "JPEG2000", "a.pgm": "PPM", "a.tif": "TIFF"}.get(name, "JPEG")
    save(folder / "positive" / name, 9, format=kind)
    cases = read_cases(folder)
    assert f"positive/{name}" in set(cases["image_id"]) and not problems(cases)


def test_what_is_no_xray_is_named(folder):
    mask = Image.fromarray((np.asarray(picture(0)) > 128).astype(np.uint8) * 255)
    for name in ("masks/0.png", "0@.png", "sub/0_mask.png"):
        save(folder / "positive" / name)
        mask.save(folder / "positive" / name)
    save(folder / "positive" / "Thumbnails" / "0.png", 8)
    save(folder / "positive" / ".hidden" / "0.png", 7)
    Image.new("L", (90, 90), 30).save(folder / "negative" / "blank.png")
    (folder / "negative" / "notes.txt").write_text("seen by two readers")
    (folder / "negative" / "scan").write_bytes(bytes(128) + b"DICM" + bytes(50))
    assert problems(read_cases(folder)) == {
        **dict.fromkeys(
            ("positive/masks/0.png", "positive/sub/0_mask.png", "positive/Thumbnails/0.png"),
            "a mask or thumbnail by its name",
        ),
        "positive/0@.png": "blank or a mask",
        "negative/blank.png": "blank or a mask",
        "negative/notes.txt": "not an image",
        "negative/scan": "DICOM: export it as PNG or TIFF, with 0 for black",
    }


def test_a_class_of_which_nothing_can_be_read_says_what_is_there(tmp_path):
    save(tmp_path / "negative" / "a.png")
    (tmp_path / "positive").mkdir()
    (tmp_path / "positive" / "a.dcm").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(CXRLabError, match=r"class positive.*positive/a\.dcm: DICOM: export it"):
        read_cases(tmp_path)


def test_links_are_followed_once_and_a_locked_folder_is_named(
    folder, tmp_path_factory, monkeypatch
):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    save(elsewhere / "far.png", 9)
    (folder / "positive" / "link").symlink_to(elsewhere)
    (elsewhere / "circle").symlink_to(folder / "positive")
    assert "positive/link/far.png" in set(read_cases(folder)["image_id"])
    assert len(read_cases(folder)) == 5

    def refuse(path):
        if os.path.basename(path) == locked:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    scandir, listdir = os.scandir, os.listdir
    (folder / "positive" / "locked").mkdir()
    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(os, "listdir", lambda path: refuse(path) and listdir(path))
    for locked in ("locked", folder.name):
        with pytest.raises(CXRLabError, match=rf"{locked} .*\(Permission denied\)"):
            read_cases(folder)


def test_a_picture_that_comes_again_counts_once_whatever_its_name_and_format(folder):
    for name in ("copy.png", "again.bmp", "small.jpg"):
        save(folder / "positive" / name, 0)
    picture(0).resize((100, 80)).save(folder / "positive" / "small.jpg", quality=80)
    found = problems(read_cases(folder))
    assert len(found) == 3 and set(found.values()) == {"the same picture again"}
    save(folder / "negative" / "0 again.png", 0)
    cases = read_cases(folder)
    torn = [name for name, why in problems(cases).items() if "both labels" in why]
    assert len(torn) == 5 and cases["problem"].isna().sum() == 3


def test_the_layout_of_the_course_gives_all_usable_cases_and_who_they_are(phantom_data):
    cases = read_cases(phantom_data)
    assert set(cases["source"]) == {covid.NAME, kermany.NAME, nih.NAME}
    assert set(cases["view"].dropna()) == {"PA", "AP"}
    assert cases["label"].eq(cases["source"] == covid.NAME).all()
    assert cases["patient_id"].nunique() < len(cases)


@pytest.mark.parametrize("made", [[], ["positive/a.png"], ["images/a.png", "readme/b.png"]])
def test_a_folder_of_another_kind_says_what_was_expected(tmp_path, made):
    for name in made:
        save(tmp_path / name)
    with pytest.raises(CXRLabError, match="two subfolders with images, positive and negative"):
        read_cases(tmp_path)


# --- CSV -------------------------------------------------------------------------------------


def cases_of(folder, text: str | bytes) -> pd.DataFrame:
    path = folder / "cases.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_cases(path)


ROWS = [["path", "label", "patient_id", "age"], ["positive/0.png", "1", "7", "61"]]
ROWS += [["negative/1.png", "0", "8", ""], ["positive/2.png", "1.0", "", "3"]]


@settings(max_examples=40, deadline=None)
@given(
    separator=st.sampled_from(",;\t"),
    pad=st.sampled_from(["", " ", "  "]),
    blank=st.lists(st.sampled_from(["", "  ", "{0}{0}"]), max_size=3),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]),
    quoted=st.booleans(),
)
def test_however_a_csv_was_typed_or_exported_it_says_the_same(
    tmp_path_factory, separator, pad, blank, ending, encoding, quoted
):
    folder = tmp_path_factory.mktemp("csv")
    for number in range(3):
        save(folder / ROWS[number + 1][0], number)
    cell = '"{}"'.format if quoted else "{}".format
    lines = [separator.join(cell(pad + value + pad) for value in row) for row in ROWS]
    empty = [line.format(separator) for line in blank]
    text = ending.join([*empty, lines[0], *empty, *lines[1:], *empty, ""])
    cases = cases_of(folder, text.encode(encoding))
    assert list(cases["label"]) == [1, 0, 1] and not problems(cases)
    own = f"row {2 * len(blank) + 4}"
    assert list(cases["patient_id"]) == ["7", "8", own]
    assert cases["age"].tolist()[::2] == [61, 3] and np.isnan(cases["age"][1])


def test_a_csv_keeps_what_it_says_of_people(folder):
    head = "path,label,sex,age,view,source,diary\n"
    cases = cases_of(folder, head + "positive/0.png,1,F,61.5,PA,B,x\nnegative/1.png,0,,,,,\n")
    assert list(cases.loc[0, ["sex", "age", "view", "source"]]) == ["F", 61.5, "PA", "B"]
    assert cases.loc[1, ["sex", "age", "view", "source"]].isna().all()
    assert "diary" not in cases


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,label\na.png,1\n", "no column 'path'.*seen: file, label"),
        ("path,label,label\na.png,1,0\n", "two columns called 'label'"),
        ("path,label,Label \na.png,1,0\n", "two columns called 'label'"),
        ("path,label\n\n\na.png,1\n\nb.png,perhaps\n", "line 6: the label is 'perhaps'"),
        ('path,label,note\na.png,1,"two\nlines"\nb.png,2,\n', "line 4: the label is '2'"),
        ("path,label\na.png,\n", "line 2: the label is missing"),
        ("path,label\n,1\n", "line 2: the path is missing"),
        ("path,label\n\na.png,1,0\n", "line 3, has more values than its first line"),
        ('path,label\na.png,1\n"b.png,0\nc.png,1\n', "line 3, is no line of a table"),
        ("path,label\n", "lists no cases"),
        ("\n", "no column 'path'.*seen: nothing"),
        *(
            (
                f"path,label,age\na.png,1,\nb.png,0,{age}\n",
                f"line 3: the age is '{age}'.*number of years",
            )
            for age in ("old", "-3", "140", "nan years")
        ),
    ],
)
def test_what_is_wrong_with_a_csv_is_said_with_its_line(tmp_path, text, said):
    with pytest.raises(CXRLabError, match=said):
        cases_of(tmp_path, text)


def test_the_same_picture_in_several_rows_is_named_with_its_lines(folder):
    rows = "path,label,patient_id\n" + "positive/0.png,1,a\n" * 3 + "./positive/0.png,1,b\n"
    rows += "negative/1.png,0,c\nnegative/1.png,1,d\npositive/2.png,1,e\nnegative/3.png,0,f\n"
    cases = cases_of(folder, rows)
    assert problems(cases) == {
        "positive/0.png (line 3)": "the same picture again",
        "positive/0.png (line 4)": "the same picture again",
        "./positive/0.png (line 5)": "the same picture again",
        "negative/1.png (line 6)": "the same picture under both labels",
        "negative/1.png (line 7)": "the same picture under both labels",
    }
    assert cases["group"].tolist() == [*"aaaa", "c", "c", "e", "f"]


# --- what a run has seen ---------------------------------------------------------------------


def test_xrays_of_the_training_are_no_strangers_whatever_their_name(
    folder, tmp_path_factory, capsys
):
    run = tmp_path_factory.mktemp("run")
    cases = read_cases(folder)
    assert len(unseen(run, cases)) == 4
    assert "does not tell which X-rays" in capsys.readouterr().out
    split = pd.DataFrame({"image_id": ["x", "y"], "path": [str(folder / "positive/0.png")] * 2})
    split = split.assign(patient_id=["p", "negative/3.png"], part=["train", "validation"])
    split["phash"] = fingerprint(split)["phash"].to_numpy()
    split.to_csv(run / "split.csv", index=False)
    save(folder / "positive" / "renamed.jpg", 0)
    rows = ["path,label,patient_id", "positive/renamed.jpg,1,a", "positive/2.png,1,a"]
    rows += ["negative/1.png,0,b", "negative/3.png,0,negative/3.png"]
    strangers = unseen(run, cases_of(folder, "\n".join(rows)))
    assert list(strangers["patient_id"]) == ["b"]  # a's other X-ray goes, too
    with pytest.raises(CXRLabError, match="learned from the patients of all 2 cases"):
        unseen(run, cases_of(folder, "\n".join(rows[:3])))
