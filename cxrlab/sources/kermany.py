"""Chest X-rays of children from Guangzhou (Kermany 2018, 10.17632/rscbjbr9sj.2), CC BY 4.0."""

import re
from operator import itemgetter
from pathlib import Path

import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.sources.tables import from_files, image_files, source

NAME = "chest_xray"
PARTS = ("train", "test", "val")
FINDINGS = {"NORMAL": "Normal", "PNEUMONIA": "Pneumonia"}
PLACE = re.compile(rf"(?:{NAME}/)?((train|test|val)/(NORMAL|PNEUMONIA)/.+)", re.I)
URL = "https://www.kaggle.com/paultimothymooney/chest-xray-pneumonia"


def load(folder: str | Path) -> pd.DataFrame:
    """Every image in ``{train,test,val}/{NORMAL,PNEUMONIA}`` as a catalog.

    They may lie in a folder ``chest_xray`` inside. The column ``published_part`` says which part an
    image is of. Raises :class:`CXRLabError` where there is none.
    """
    folder, found = Path(folder).absolute(), {}
    for inside, path in image_files(folder).items():
        if at := PLACE.fullmatch(inside):  # of Kaggle's archive, which holds the whole twice, once
            found[at[1]] = (PARTS.index(at[2].lower()), at[3].upper(), path)
    if not found:
        raise CXRLabError(
            f"{folder} holds no images in folders {', '.join(PARTS)} with NORMAL and PNEUMONIA "
            "inside. Unpack the archive of the Kaggle data set so that they lie there."
        )
    ordered = sorted(found.items(), key=itemgetter(1))
    about = {"view": "AP", "modality": "X-ray", "license": "CC BY 4.0", "url": URL}
    about["finding"] = [FINDINGS[kind] for _, (_, kind, _) in ordered]
    about["published_part"] = [PARTS[part] for _, (part, _, _) in ordered]
    files = {inside: path for inside, (_, _, path) in ordered}
    patients = [patient_of(path.name) for path in files.values()]
    return from_files(folder, files, patients, source=NAME, **about)


def patient_of(name: str) -> str:
    """The patient in a file name: ``IM-0117-0001.jpeg`` is of ``IM-0117``.

    ``NORMAL2-IM-1365-0001.jpeg`` is of ``NORMAL2-IM-1365``, ``person1157_virus_1937.jpeg`` of
    ``person1157``, ``NORMAL-1003233-0001.jpeg`` (version 3) of ``1003233``. A name
    of another kind counts as a patient of its own.
    """
    if third := re.match(r"(?:NORMAL|BACTERIA|VIRUS)-(\d+)-\d", name, re.I):
        return third[1]
    found = re.match(r"(?:NORMAL\d*-)?IM-\d+(?=-)|person\d+(?=_)", name, re.I)
    return found.group() if found else Path(name).stem


SOURCE = source(NAME, load)
