"""From files, as strangers leave them, to one catalog."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cxrlab import sources
from cxrlab.errors import CXRLabError
from cxrlab.sources import EXTERNAL, covid, external, kermany, nih
from cxrlab.sources.tables import COLUMNS, is_covid19, is_normal

HEAD = "patientid,sex,age,finding,view,modality,folder,filename,license,clinical_notes"
ROW = "1,m,65,COVID-19,PA,X-ray,images,a.jpg,CC BY,fine"


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((40, 40), 9, np.uint8)).save(path)
    return path


@pytest.fixture
def covid_folder(tmp_path):
    """A function that writes metadata.csv with the given rows into the source's folder."""
    folder = tmp_path / covid.NAME
    picture(folder / "images" / "a.jpg")

    def write(*rows: str, head: str = HEAD) -> Path:
        (folder / "metadata.csv").write_text("\n".join([head, *rows]), encoding="utf-8")
        return folder

    return write


# --- the COVID-19 source ---------------------------------------------------------------------


def test_covid_rows_become_a_catalog(covid_folder):
    table = covid.load(covid_folder(ROW, "2,F,,Pneumonia/Viral/COVID-19,L,X-ray,images,b.png,,"))
    assert list(table.columns[: len(COLUMNS)]) == list(COLUMNS)
    first, second = table.to_dict("records")
    assert first["image_id"] == "covid-chestxray-dataset/a.jpg"
    assert first["patient_id"] == "covid-chestxray-dataset/1"
    assert first["sex"] == "M"
    assert first["age"] == 65
    assert first["clinical_notes"] == "fine"  # raw columns ride along
    assert Path(first["path"]).is_file()
    assert not Path(second["path"]).exists()  # a row without its image is no error
    assert pd.isna(second["license"])
    assert pd.isna(second["age"])
    assert table["label"].isna().all()


OUTSIDE = ["../../secret.png", "images/../../secret.png", "/etc/passwd", "//server/share/a.png"]
WINDOWS = ["C:\\Windows\\a.png", "C:a.png", "..\\secret.png", "sub\\a.png"]


@pytest.mark.parametrize("name", [*OUTSIDE, *WINDOWS, "a\0.png", "a\x1b[2J.png", "."])
def test_a_file_name_cannot_leave_the_folder(covid_folder, name):
    row = ROW.replace("a.jpg", f'"{name}"')
    table = covid.load(covid_folder(row, ROW))
    assert pd.isna(table["path"][0])
    assert table["problem"][0] == "unsafe file name"
    assert Path(table["path"][1]).is_file()
    assert pd.isna(table["problem"][1])


def test_the_column_folder_cannot_leave_either(covid_folder):
    table = covid.load(covid_folder(ROW.replace("images", ".."), ROW.replace("images", "volumes")))
    assert table["path"].isna().tolist() == [True, False]
    assert table["path"][1].endswith(os.path.join("volumes", "a.jpg"))


def test_links_that_leave_the_folder_are_refused(covid_folder, tmp_path):
    outside = picture(tmp_path / "private.png")
    folder = covid_folder(
        *(ROW.replace("a.jpg", name) for name in ("out.png", "away/private.png", "in.jpg", "o"))
    )
    try:
        (folder / "images" / "out.png").symlink_to(outside)
        (folder / "images" / "away").symlink_to(tmp_path)
        (folder / "images" / "in.jpg").symlink_to(folder / "images" / "a.jpg")
        (folder / "images" / "o").symlink_to(folder / "images" / "o")
    except OSError:
        pytest.skip("this system allows no links")
    table = covid.load(folder)
    assert table["problem"][:2].tolist() == ["unsafe file name"] * 2
    assert Path(table["path"][2]).is_file()


def test_blank_file_names_and_patients(covid_folder):
    rows = ",M,65,COVID-19,PA,X-ray,images,,,", ",M,65,COVID-19,PA,X-ray,images,,,"
    table = covid.load(covid_folder(*rows))
    assert table["problem"].tolist() == ["no file name"] * 2
    assert table["image_id"].is_unique
    assert table["patient_id"].is_unique


def test_repeated_file_names_get_ids_of_their_own(covid_folder):
    table = covid.load(covid_folder(ROW, ROW.replace("1,m", "2,m"), ROW))
    assert table["image_id"].str.split("/").str[1].tolist() == ["a.jpg", "a.jpg#2", "a.jpg#3"]


def test_missing_columns_are_named(covid_folder):
    folder = covid_folder("1,COVID-19", head="patientid,diagnosis")
    with pytest.raises(CXRLabError, match=r"finding, view, modality, filename; seen: .*diagnosis"):
        covid.load(folder)
    (folder / "metadata.csv").unlink()
    with pytest.raises(CXRLabError, match=r"metadata\.csv cannot be read: missing"):
        covid.load(folder)


def test_views_and_modalities_are_typed_by_hand(covid_folder):
    views = {"pa": "PA", "Pa": "PA", "ap": "AP", "ap Supine": "AP Supine", "L": "L", "Lateral": ""}
    table = covid.load(covid_folder(*(ROW.replace("PA", view) for view in views)))
    assert table["view"].tolist() == [right or view for view, right in views.items()]
    kinds = {"x-ray": "X-ray", "X-RAY": "X-ray", "Xray": "X-ray", "ct": "CT", "MRI": "MRI"}
    table = covid.load(covid_folder(*(ROW.replace("X-ray", kind) for kind in kinds)))
    assert table["modality"].tolist() == list(kinds.values())
    assert covid.used(table).tolist() == [True, True, True, False, False]


def test_other_findings_are_worth_fetching_in_the_same_view_alone(covid_folder):
    rows = [ROW.replace("COVID-19", finding) for finding in ("COVID-19", "SARS", "")]
    table = covid.load(covid_folder(*rows, *(row.replace("PA", "AP") for row in rows)))
    assert covid.used(table).tolist() == [True, True, False, False, False, False]


def test_a_folder_without_the_right_to_read_it_is_named(covid_folder, monkeypatch):
    folder = covid_folder(ROW)
    monkeypatch.setattr(os, "access", lambda *_: False)  # whoever runs the tests has every right
    with pytest.raises(CXRLabError, match="images cannot be looked into"):
        covid.load(folder)


def test_impossible_ages_are_missing(covid_folder):
    rows = [ROW.replace("65", age) for age in ("999", "-3", "sixty", "0", "45.5")]
    ages = covid.load(covid_folder(*rows))["age"]
    assert ages.isna().tolist() == [True, True, True, False, False]


# --- the negatives ---------------------------------------------------------------------------


def test_patient_of_a_child():
    patients = {"IM-0117-0001.jpeg": "IM-0117", "NORMAL2-IM-1365-0001.jpeg": "NORMAL2-IM-1365"}
    patients |= {"IM-0523-0001-0002.jpeg": "IM-0523", "person74_bacteria_363.jpeg": "person74"}
    patients |= {"NORMAL-1003233-0001.jpeg": "1003233", "VIRUS-1003233-0002.jpeg": "1003233"}
    patients |= {"bacteria-1003233-0003 (1).jpeg": "1003233", "holiday.jpeg": "holiday"}
    assert {name: kermany.patient_of(name) for name in patients} == patients


@pytest.mark.parametrize("inside", ["", "chest_xray"])
def test_kermany_layouts_and_litter(tmp_path, inside):
    folder = tmp_path / kermany.NAME
    root = folder / inside
    picture(root / "train" / "NORMAL" / "IM-0117-0001.jpeg")
    picture(root / "val" / "NORMAL" / "IM-0117-0001.jpeg")
    picture(root / "test" / "PNEUMONIA" / "person1_virus_2.jpeg")
    (root / "train" / "NORMAL" / ".DS_Store").write_bytes(b"x")
    (root / "train" / "NORMAL" / "._IM-0117-0001.jpeg").write_bytes(b"x")
    (root / "train" / "NORMAL" / "Thumbs.db").write_bytes(b"x")
    picture(root / "train" / "NORMAL" / "__MACOSX" / "IM-0001-0001.jpeg")
    picture(folder / "__MACOSX" / "train" / "NORMAL" / "IM-0001-0001.jpeg")
    table = kermany.load(folder)
    assert table["image_id"].tolist() == [
        "chest_xray/train/NORMAL/IM-0117-0001.jpeg",
        "chest_xray/test/PNEUMONIA/person1_virus_2.jpeg",
        "chest_xray/val/NORMAL/IM-0117-0001.jpeg",
    ]
    assert table["patient_id"].nunique() == 2
    assert table["finding"].tolist() == ["Normal", "Pneumonia", "Normal"]
    assert set(table["view"]) == {"AP"}
    assert set(table["license"]) == {"CC BY 4.0"}


def test_folders_without_images(tmp_path):
    for load, said in ((kermany.load, "NORMAL and PNEUMONIA"), (nih.load, "no images")):
        with pytest.raises(CXRLabError, match=said):
            load(tmp_path)


NIH = ["00001281_000.png", "00001281_003.png", "00001304_001.png", "other.png"]
NIH_HEAD = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
)


@pytest.fixture
def nih_folder(tmp_path):
    for name in NIH:
        picture(tmp_path / nih.NAME / "images" / name)
    return tmp_path / nih.NAME


def test_nih(nih_folder):
    table = nih.load(nih_folder)
    patients = table["patient_id"].str.split("/").str[1]
    assert patients.tolist() == ["00001281", "00001281", "00001304", "other"]
    assert set(table["finding"]) == {"No Finding"}
    assert table["view"].isna().all()


@pytest.mark.parametrize("name", ["Data_Entry_2017.csv", "data_entry_2017_v2020.CSV"])
def test_nihs_own_table_says_who_is_healthy(nih_folder, name):
    rows = [
        "00001281_000.png,No Finding,0,1281,58,M,PA,2682,2749,0.143,0.143,",
        "00001281_003.png,Effusion|Mass,3,1281,058Y,M,AP,2682,2749,0.143,0.143,",
        "00001304_001.png,No Finding,1,1304,412,F,PA,2682,2749,0.143,0.143,",
        "00001304_001.png,No Finding,1,1304,412,F,PA,2682,2749,0.143,0.143,",
        "00009999_001.png,No Finding,1,9999,40,F,PA,2682,2749,0.143,0.143,",
    ]
    head = NIH_HEAD if name[0] == "D" else NIH_HEAD.replace("Gender", "Sex")
    (nih_folder / name).write_text("\n".join([head, *rows]))
    table = nih.load(nih_folder)
    assert is_normal(table["finding"]).tolist() == [True, False, True, False]
    assert table["age"].fillna(-1).tolist() == [58, -1, -1, -1]
    assert table["sex"].fillna("").tolist() == ["M", "M", "F", ""]
    assert table["view"].fillna("").tolist() == ["PA", "AP", "PA", ""]
    (nih_folder / name).write_text("\n".join([head, *rows, rows[0].replace("No Finding", "Mass")]))
    with pytest.raises(CXRLabError, match="two things of 00001281_000"):
        nih.load(nih_folder)


# --- sources from elsewhere --------------------------------------------------------------------


def test_openist_has_a_mask_beside_each_xray(tmp_path):
    for name in ("1-10-500.jpg", "1-10-500@.png", "2-11-500.jpg", "2-11-500@.png"):
        picture(tmp_path / "Datasets" / "Chest_x-ray" / name)
    picture(tmp_path / "Sharedfiles" / "example.jpg")  # of a whole clone
    table = EXTERNAL["openist"].load(tmp_path)
    assert table["image_id"].tolist() == ["openist/1-10-500.jpg", "openist/2-11-500.jpg"]
    assert table["patient_id"].is_unique
    assert is_normal(table["finding"]).all() and table[["sex", "age", "view"]].isna().all(axis=None)
    assert all(external.mask_path(path).is_file() for path in table["path"])


def test_covid_cxnet_leaves_children_out_and_tells_what_was_visible(tmp_path):
    place = tmp_path / "chest_xray_images" / "covid19"
    for name in ("009.jpg", "296-.jpg", "455p.jpg", "379.PNG", "251.jfif"):
        picture(place / "x.jpg").rename(place / name)
    picture(place.parent / "normal" / "1.jpg")
    table = EXTERNAL["covid-cxnet"].load(tmp_path)
    names = [name.removeprefix("covid-cxnet/") for name in table["image_id"]]
    assert names == ["009.jpg", "251.jfif", "296-.jpg", "379.PNG"]
    assert table["visible"].tolist() == [True, True, False, True]
    assert set(table["finding"]) == {"COVID-19"} and table["patient_id"].is_unique


def read(folder: Path, name: str, said: str) -> None:
    """An X-ray of a hospital and its reading."""
    picture(folder / name)
    reading = external.reading_path(folder / name)
    reading.parent.mkdir(exist_ok=True)
    reading.write_text(said, encoding="utf-8")


@pytest.mark.parametrize(
    ("said", "sex", "age"),
    [
        ("Patient's Sex: F \nPatient's Age: 027Y\nnormal", "F", 27),
        ("Patient's Sex: O\nPatient's Age: 045Y\nnormal", "", 45),
        ("male 45yrs\nnormal", "M", 45),
        ("femal 32yrs", "F", 32),
        ("female24yrs\nleft PTB", "F", 24),
        ("male , 29yrs  \t\nbilateral secondary PTB", "M", 29),
        ("male 42\nnormal", "M", -1),
        ("\ufffd", "", -1),
    ],
)
def test_readings_say_sex_and_age_in_their_own_ways(tmp_path, said, sex, age):
    read(tmp_path, "CXR_png/CHNCXR_0044_0.png", said)
    [row] = EXTERNAL["shenzhen"].load(tmp_path).fillna({"sex": "", "age": -1}).iloc
    assert (row["sex"], row["age"]) == (sex, age)


def test_children_and_whoever_lacks_the_reading_that_others_have_are_left_out(tmp_path):
    for number, said in enumerate(["male 16month", "female 64days", "Patient's Age: 005Y"]):
        read(tmp_path, f"CXR_png/CHNCXR_011{number}_0.png", said)
    read(tmp_path, "CXR_png/CHNCXR_0500_1.png", "male 45yrs")
    picture(tmp_path / "CXR_png" / "CHNCXR_0501_1.png")
    assert EXTERNAL["shenzhen"].load(tmp_path)["finding"].tolist() == ["Tuberculosis"]
    shutil.rmtree(tmp_path / "ClinicalReadings")  # a copy of the pictures alone
    table = EXTERNAL["shenzhen"].load(tmp_path)
    assert len(table) == 5 and table["age"].isna().all() and table["sex"].isna().all()


def test_montgomery_in_its_own_layout_ties_the_xrays_of_a_patient(tmp_path):
    for name, said in {"0001_0": "", "0162_1": "", "0166_1": "(same pt as MCUCXR_0162_1)"}.items():
        read(tmp_path, f"MontgomerySet/CXR_png/MCUCXR_{name}.png", said)
        picture(tmp_path / f"MontgomerySet/ManualMask/leftMask/MCUCXR_{name}.png")
    picture(tmp_path / "MontgomerySet/CXR_png/Thumbs.png")
    table = EXTERNAL["montgomery"].load(tmp_path)
    assert table["finding"].tolist() == ["No Finding", "Tuberculosis", "Tuberculosis"]
    patients = [f"montgomery/MCUCXR_{number}" for number in ("0001", "0162", "0162")]
    assert table["patient_id"].tolist() == patients


@pytest.mark.parametrize(
    ("name", "all_of_them", "ill"), [("montgomery", 138, 58), ("shenzhen", 662, 336)]
)
def test_the_hospitals_have_as_many_xrays_as_their_authors_say(name, all_of_them, ill):
    names = external.names_of(name)
    assert len(set(names)) == all_of_them
    assert sum(each.endswith("_1.png") for each in names) == ill


@pytest.mark.parametrize("name", ["openist", "covid-cxnet", "shenzhen"])
def test_sources_from_elsewhere_say_where_there_is_no_image(tmp_path, name):
    picture(tmp_path / "somewhere.jpg")
    with pytest.raises(CXRLabError, match=f"holds no images of {name}"):
        EXTERNAL[name].load(tmp_path)


# --- all together ----------------------------------------------------------------------------


def test_load_catalog_takes_the_wanted_negatives(covid_folder, tmp_path):
    covid_folder(ROW)
    with pytest.raises(CXRLabError, match=r"no folder nih-no-finding.*holds: covid-chestxray"):
        sources.load_catalog(tmp_path, "adult")
    with pytest.raises(CXRLabError, match="no folder covid-chestxray-dataset"):
        sources.load_catalog(tmp_path / "nowhere")
    with pytest.raises(CXRLabError, match="kermany"):
        sources.load_catalog(tmp_path, "children")
    picture(tmp_path / "chest_xray" / "train" / "NORMAL" / "IM-0117-0001.jpeg")
    lenders = {covid.ACTUALMED: "imagename", covid.FIGURE1: "notes"}
    for name, column in lenders.items():  # stand in for adults that are not there
        (tmp_path / name).mkdir()
        (tmp_path / name / "metadata.csv").write_text(
            f"patientid,finding,view,modality,{column}\nA1,No finding,PA,X-ray,a.png\n"
        )
    lent = sources.load_catalog(tmp_path, "adult")
    assert set(lent["source"]) == {covid.NAME, *lenders}
    picture(tmp_path / nih.NAME / "00001281_000.png")
    for negatives, wanted in {
        "kermany": {kermany.NAME},
        "adult": {nih.NAME},
        "mixed": {kermany.NAME, nih.NAME},
    }.items():
        catalog = sources.load_catalog(tmp_path, negatives)
        assert set(catalog["source"]) == wanted | {covid.NAME}
        assert catalog["image_id"].is_unique
        assert catalog["label"].dtype == "Int64"


def test_phantoms_are_made_in_the_workspace_but_not_over_foreign_files(monkeypatch, tmp_path):
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path))
    with monkeypatch.context() as quickly:
        quickly.setattr("cxrlab.phantoms.make_phantoms", lambda folder: folder)
        assert sources.data_folder() == tmp_path / "phantoms"
    picture(tmp_path / "phantoms" / "holiday.png")
    with pytest.raises(CXRLabError, match="holds files that are no phantoms"):
        sources.data_folder()
    assert (tmp_path / "phantoms" / "holiday.png").is_file()


def test_a_run_knows_what_kind_of_data_it_has_seen(tmp_path, phantom_data):
    assert sources.what_kind(tmp_path) == {"simulated": False}
    assert sources.what_kind(phantom_data) == {"simulated": True, "confounding": 0.0}


@pytest.mark.real
def test_the_real_folder(real_data):
    catalog = sources.load_catalog(real_data, "mixed")
    counts = catalog["source"].value_counts()
    assert counts[covid.NAME] == 673
    assert counts[kermany.NAME] == 249
    assert counts[nih.NAME] == 150
    assert (catalog["finding"] == "Normal").sum() == 225
    catalog = covid.load(real_data / covid.NAME)
    chosen = catalog[covid.used(catalog) & is_covid19(catalog["finding"])]
    chosen = chosen[chosen["path"].map(lambda path: Path(path).is_file())]
    assert len(chosen) == 168
    assert chosen["patient_id"].nunique() == 117
    assert chosen["finding"].value_counts().to_dict() == {"COVID-19": 160, "COVID-19, ARDS": 8}
    assert not sources.is_phantom(real_data)
    assert len(EXTERNAL["openist"].load(real_data / "openist")) == 130
    assert len(EXTERNAL["covid-cxnet"].load(real_data / "covid-cxnet")) == 116  # and four children
