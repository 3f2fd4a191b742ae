"""Chest X-rays of children from Guangzhou (Kermany 2018, 10.17632/rscbjbr9sj.2), CC BY 4.0.

Fetched by each reader from kaggle.com/paultimothymooney/chest-xray-pneumonia.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.sources.tables import image_files, to_catalog

NAME = "chest_xray"
PARTS = ("train", "test", "val")
FINDINGS = {"NORMAL": "Normal", "PNEUMONIA": "Pneumonia"}
URL = "https://www.kaggle.com/paultimothymooney/chest-xray-pneumonia"


def load(folder: str | Path) -> pd.DataFrame:
    """Every image in ``{train,test,val}/{NORMAL,PNEUMONIA}`` as a catalog.

    Some copies of the archive hold the whole once more in a folder ``chest_xray`` inside: that
    one is read where the outer one has no parts, and left alone where it has. The published part
    rides along in the column ``published_part``. Raises :class:`CXRLabError` where no part is
    found.
    """
    folder = Path(folder).absolute()
    root = next((place for place in (folder, folder / NAME) if _parts(place)), None)
    if root is None:
        raise CXRLabError(
            f"{folder} holds none of the folders {', '.join(PARTS)} with NORMAL and PNEUMONIA "
            "inside. Unpack the archive of the Kaggle data set so that they lie there."
        )
    rows = [
        {
            "image_id": f"{NAME}/{path.relative_to(root).as_posix()}",
            "path": str(path),
            "patient_id": f"{NAME}/{patient_of(path.name)}",
            "finding": FINDINGS[place.name],
            "published_part": place.parent.name,
        }
        for place in _parts(root)
        for path in image_files(place)
    ]
    columns = ["image_id", "path", "patient_id", "finding", "published_part"]
    table = pd.DataFrame(rows, columns=columns, dtype="string")
    return to_catalog(
        table.assign(source=NAME, view="AP", modality="X-ray", license="CC BY 4.0", url=URL)
    )


def patient_of(name: str) -> str:
    """The patient in a file name: ``IM-0117-0001.jpeg`` is of ``IM-0117``.

    ``NORMAL2-IM-1365-0001.jpeg`` is of ``NORMAL2-IM-1365``, ``person1157_virus_1937.jpeg`` of
    ``person1157``, and ``NORMAL-1003233-0001.jpeg`` (version 3 of the archive) of ``1003233``. A
    name of another kind counts as a patient of its own.
    """
    if third := re.match(r"(?:NORMAL|BACTERIA|VIRUS)-(\d+)-\d", name):
        return third[1]
    found = re.match(r"(?:NORMAL\d*-)?IM-\d+(?=-)|person\d+(?=_)", name)
    return found.group() if found else Path(name).stem


def _parts(root: Path) -> list[Path]:
    """The folders of images below ``root`` that exist, in a fixed order."""
    places = [root / part / kind for part in PARTS for kind in FINDINGS]
    return [place for place in places if place.is_dir()]
