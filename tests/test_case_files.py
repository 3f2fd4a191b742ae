"""A folder of X-rays as cases: the course's layout, or one subfolder a class."""

from __future__ import annotations

import pandas as pd
import pytest
from PIL import Image

from cxrlab.case_files import read_cases
from cxrlab.errors import CXRLabError
from cxrlab.runs import unseen
from cxrlab.sources import covid, kermany, nih, what_kind


def save(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8)).save(path)


@pytest.mark.parametrize("names", [("positive", "negative"), ("COVID-19", "Normal")])
def test_subfolders_are_the_classes(tmp_path, names):
    for name, files in zip(names, (["a.png"], ["b.png", "deep/c.png"]), strict=True):
        for file in files:
            save(tmp_path / name / file)
    save(tmp_path / "other" / "d.png")
    cases = read_cases(tmp_path)
    assert list(cases["label"]) == [1, 0, 0]
    ids = [f"{names[0]}/a.png", f"{names[1]}/b.png", f"{names[1]}/deep/c.png"]
    assert list(cases["image_id"]) == ids
    assert cases["patient_id"].nunique() == 3


def test_the_layout_of_the_course_gives_all_usable_cases_and_who_they_are(phantom_data):
    cases = read_cases(phantom_data)
    assert set(cases["source"]) == {covid.NAME, kermany.NAME, nih.NAME}
    assert set(cases["view"].dropna()) == {"PA", "AP"}
    assert cases.loc[cases["source"] == covid.NAME, "label"].eq(1).all()
    assert cases.loc[cases["source"] != covid.NAME, "label"].eq(0).all()
    assert cases["patient_id"].nunique() < len(cases)


@pytest.mark.parametrize("made", [[], ["positive/a.png"], ["images/a.png", "readme/b.png"]])
def test_a_folder_of_another_kind_says_what_was_expected(tmp_path, made):
    for name in made:
        save(tmp_path / name)
    with pytest.raises(CXRLabError, match="two subfolders with images, positive and negative"):
        read_cases(tmp_path)


def cases_of(tmp_path, text: str) -> pd.DataFrame:
    path = tmp_path / "cases.csv"
    path.write_text(text)
    return read_cases(path)


def test_a_csv_keeps_what_it_says_of_people(tmp_path):
    head = "path,label,sex,age,view,source,diary\n"
    cases = cases_of(tmp_path, head + "a.png,1,F,61.5,PA,B,x\nb.png,0,,,,,\n")
    assert cases["age"].iloc[0] == 61.5
    assert list(cases.loc[0, ["sex", "view", "source"]]) == ["F", "PA", "B"]
    assert cases.loc[1, ["sex", "age", "view", "source"]].isna().all()
    assert "diary" not in cases


@pytest.mark.parametrize("age", ["old", "-3", "140", "nan years"])
def test_an_age_that_is_none_is_a_plain_message(tmp_path, age):
    with pytest.raises(CXRLabError, match=f"line 3: the age is '{age}'.*number of years"):
        cases_of(tmp_path, f"path,label,age\na.png,1,\nb.png,0,{age}\n")


def test_patients_of_the_training_are_no_strangers(tmp_path):
    cases = pd.DataFrame({"patient_id": ["a", "b", "c", "d"]})
    assert len(unseen(tmp_path, cases)) == 4  # a run without a split
    split = pd.DataFrame({"patient_id": ["a", "b", "c"], "part": ["train", "validation", "test"]})
    split.to_csv(tmp_path / "split.csv", index=False)
    assert list(unseen(tmp_path, cases)["patient_id"]) == ["c", "d"]
    with pytest.raises(CXRLabError, match="learned from the patients of all 2 cases"):
        unseen(tmp_path, cases[:2])


def test_a_run_knows_what_kind_of_data_it_has_seen(tmp_path, phantom_data):
    assert what_kind(tmp_path) == {"simulated": False}
    assert what_kind(phantom_data) == {"simulated": True, "confounding": 0.0}
