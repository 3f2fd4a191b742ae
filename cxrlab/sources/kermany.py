"""Chest X-rays of children from Guangzhou (Kermany 2018, 10.17632/rscbjbr9sj.2), CC BY 4.0."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.sources.tables import Source, from_files, image_files

NAME = "chest_xray"
PARTS = ("train", "test", "val")
FINDINGS = {"NORMAL": "Normal", "PNEUMONIA": "Pneumonia"}
PLACE = re.compile(r"(train|test|val)/(NORMAL|PNEUMONIA)/", re.I)
URL = "https://www.kaggle.com/paultimothymooney/chest-xray-pneumonia"


def load(folder: str | Path) -> pd.DataFrame:
    """Every image in ``{train,test,val}/{NORMAL,PNEUMONIA}`` as a catalog.

    They may lie in a folder ``chest_xray`` inside. The column ``published_part`` says which part an
    image is of. Raises :class:`CXRLabError` where there is none.
    """
    folder = Path(folder).absolute()
    files = image_files(folder)
    for root in (folder, folder / NAME):
        below = [path for path in files if path.is_relative_to(root)]
        places = [(PLACE.match(path.relative_to(root).as_posix()), path) for path in below]
        if found := [(at[1].lower(), at[2].upper(), path) for at, path in places if at]:
            break
    else:
        raise CXRLabError(
            f"{folder} holds no images in folders {', '.join(PARTS)} with NORMAL and PNEUMONIA "
            "inside. Unpack the archive of the Kaggle data set so that they lie there."
        )
    found.sort(key=lambda one: (PARTS.index(one[0]), *one[1:]))
    parts, kinds, chosen = zip(*found, strict=True)
    said = {"finding": [FINDINGS[kind] for kind in kinds], "published_part": parts}
    said |= {"view": "AP", "modality": "X-ray", "license": "CC BY 4.0", "url": URL}
    return from_files(root, chosen, patient_of, source=NAME, **said)


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


SOURCE = Source(
    NAME,
    "Chest X-rays of children from Guangzhou (Kermany)",
    "CC BY 4.0.",
    "D. Kermany, K. Zhang, M. Goldbaum, Labeled Optical Coherence Tomography (OCT) and Chest "
    "X-Ray Images for Classification, Mendeley Data, v2, 2018, "
    "https://doi.org/10.17632/rscbjbr9sj.2",
    load,
)
