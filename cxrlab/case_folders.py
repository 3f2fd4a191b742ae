"""A folder of X-rays as a table of cases: in the course's layout, or one subfolder a class."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cxrlab.cases import prepare
from cxrlab.errors import CXRLabError
from cxrlab.sources import NEGATIVES, covid, filled_by, kermany, nih, sources_in
from cxrlab.sources.tables import image_files

# Names of a class's subfolder, whatever their capitals.
CLASSES = {
    1: ("positive", "covid-19", "covid19", "covid"),
    0: ("negative", "normal", "healthy"),
}
ABOUT = ("sex", "age", "view", "source")


def folder_cases(folder: Path) -> pd.DataFrame:
    """The cases in ``folder``: ``image_id``, ``path``, ``label``, ``patient_id`` and what is known.

    A folder in the layout of ``CXRLAB_DATA`` gives all its usable COVID-19 X-rays and healthy
    controls, not balanced, with ``sex``, ``age``, ``view`` and ``source``; without NIH's adults
    those that external sets lend. Otherwise it holds two
    subfolders, ``positive`` and ``negative`` (or ``COVID-19`` and ``normal``); each image then
    counts as a patient of its own. Raises :class:`CXRLabError` where it is neither.
    """
    folder = Path(folder).absolute()
    there = sources_in(folder)
    possible = [
        negatives
        for negatives, roles in NEGATIVES.items()
        if all(filled_by(role, there) for role in roles)
    ]
    if covid.NAME in there and possible:
        # The last of them takes in all healthy people that there are.
        cases = prepare(folder, possible[-1], balanced=False).cases
        known = [name for name in ABOUT if name in cases]
        cases = cases[["image_id", "path", "label", "patient_id", *known]]
        return cases.astype({"label": int}).reset_index(drop=True)
    tables = []
    for label, names in CLASSES.items():
        files = [
            file
            for place in sorted(folder.iterdir())
            if place.is_dir() and place.name.lower() in names
            for file in image_files(place)
        ]
        ids = [file.relative_to(folder).as_posix() for file in files]
        tables.append(
            pd.DataFrame(
                {"image_id": ids, "path": [str(file) for file in files], "label": label},
            ).assign(patient_id=ids)
        )
    if any(table.empty for table in tables):
        held = sorted(entry.name for entry in folder.iterdir())
        raise CXRLabError(
            f"{folder} holds {', '.join(held[:8]) or 'nothing'}. Expected are two subfolders with "
            "images, positive and negative (or COVID-19 and normal), or the layout of the course: "
            f"{covid.NAME}/ with {kermany.NAME}/ or {nih.NAME}/."
        )
    return pd.concat(tables, ignore_index=True)
