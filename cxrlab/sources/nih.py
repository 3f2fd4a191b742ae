"""Adults without a finding, from NIH ChestX-ray14 (Wang 2017, 10.1109/CVPR.2017.369)."""

import re
from pathlib import Path

import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.sources.tables import ADULT, from_files, image_files, is_normal, read_table, source

NAME = "nih-no-finding"
URL = "https://nihcc.app.box.com/v/ChestXray-NIHCC"
# NIH's own table, also that of the sample on Kaggle, and what is read of it.
TABLE = re.compile(r"(?:.*/)?(?:Data_Entry|sample_labels)[^/]*\.csv", re.I)
NAMED = {"Finding Labels": "finding", "View Position": "view", "Patient Age": "age"}
NEEDED = ("Image Index", *NAMED)


def load(folder: str | Path) -> pd.DataFrame:
    """Every image in the folder as a catalog; its file name begins with the patient's number.

    ``finding``, ``sex``, ``age`` and ``view`` come from NIH's own table beside them if it has the
    image. Without a table each counts as "No Finding". Raises :class:`CXRLabError` where there is
    no image, or the table cannot be read or says two things of one image.
    """
    folder = Path(folder).absolute()
    below = image_files(folder)
    files = {n: path for n, path in below.items() if not re.search(r"\.(csv|txt|pdf)$", n, re.I)}
    about = {"finding": "No Finding", "modality": "X-ray", "license": "free with attribution"}
    if tables := [path for inside, path in below.items() if TABLE.fullmatch(inside)]:
        path = max(tables, key=lambda path: path.name)  # corrected in 2020
        table = read_table(path, NEEDED).drop_duplicates()
        stems = table["Image Index"].str.replace(r"\.\w+$", "", regex=True)
        if twice := stems[stems.duplicated()].dropna().tolist():
            raise CXRLabError(f"{path} says two things of {twice[0]}. Delete the wrong row.")
        sex = table.get("Patient Gender", table.get("Patient Sex"))
        table = table.assign(sex=sex).rename(columns=NAMED).set_axis(stems)
        table = table[table.index.notna()].reindex([path.stem for path in files.values()])
        about |= {name: table[name].array for name in ("finding", "view", "age", "sex")}
    patients = [patient_of(path.name) for path in files.values()]
    return from_files(folder, files, patients, source=NAME, url=URL, **about)


def healthy_adults(table: Path) -> list[str]:
    """File names in NIH's own table, one per patient: No Finding, of age, in PA view."""
    rows = read_table(table, (*NEEDED, "Patient ID"))
    named = rows["Image Index"].str.fullmatch(r"\d+_\d+\.\w+").fillna(False).astype(bool)
    of_age = pd.to_numeric(rows["Patient Age"], errors="coerce").between(ADULT, 130)
    ours = named & of_age & is_normal(rows["Finding Labels"]) & rows["View Position"].eq("PA")
    return rows[ours].drop_duplicates("Patient ID")["Image Index"].to_list()


def patient_of(name: str) -> str:
    """The patient in a file name: ``00001281_000.png`` is image 0 of patient ``00001281``."""
    found = re.match(r"\d+(?=_\d+\.)", name)
    return found.group() if found else Path(name).stem


SOURCE = source(NAME, load)
