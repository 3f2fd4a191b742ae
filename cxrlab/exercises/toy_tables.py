"""Small made-up tables for the exercises of notebook 02, each with its traps."""

from __future__ import annotations

import pandas as pd

from cxrlab.splits import Split


def strangers() -> pd.DataFrame:
    """Eight made-up rows as tired people type them; the index is the name of the image."""
    views = ["PA", "AP", "pa", None, "AP (patient sitting)", "PA ", "L", "PA"]
    names = ["ada", "ben", "cho", "dee", "eli", "fay", "gus", "hal"]
    table = pd.DataFrame({"view": views, "modality": "X-ray"}, index=pd.Index(names, name="image"))
    return table.astype("string")


def two_copies() -> dict[str, pd.DataFrame]:
    """The same seven made-up rows as an older and as a later copy of the source spells them."""
    older = ["COVID-19", "SARS", "COVID-19, ARDS", None, "Pneumonia", "COVID-19", "No Finding"]
    later = [
        "Pneumonia/Viral/COVID-19",
        "Pneumonia/Viral/SARS",
        "Pneumonia/Viral/COVID-19",
        None,
        "Pneumonia",
        "Pneumonia/Viral/COVID-19",
        "No Finding",
    ]
    index = pd.Index([f"row {number}" for number in range(7)])
    return {
        name: pd.DataFrame({"finding": pd.array(findings, dtype="string")}, index=index)
        for name, findings in (("older", older), ("later", later))
    }


def visits(counts: dict[str, int]) -> pd.DataFrame:
    """A made-up table with so many images of each patient."""
    rows = [(f"{name}-{n}.png", name) for name, count in counts.items() for n in range(count)]
    return pd.DataFrame(rows, columns=["image_id", "patient_id"])


# Made so that every plausible mistake gives a number of its own.
VISITS = {"A": 3, "B": 2, "C": 1, "D": 4, "E": 1}


def leaking_split() -> Split:
    """Forty made-up images of thirty patients in three tables; somebody is in two of them."""
    counts = [1, 1, 2, 1, 3, 1, 1, 2, 1, 1, 1, 2, 1, 1, 1] * 2
    homes = {3: "test", 4: "test", 9: "test", 6: "validation", 7: "validation", 10: "validation"}
    strays = {("P05", 3): "test", ("P27", 2): "validation"}
    rows = []
    for number, count in enumerate(counts, start=1):
        patient, home = f"P{number:02d}", homes.get((number - 1) % 15 + 1, "train")
        for image in range(1, count + 1):
            part = strays.get((patient, image), home)
            rows.append((f"{patient}-{image}.png", patient, int(number <= 15), part))
    table = pd.DataFrame(rows, columns=["image_id", "patient_id", "label", "part"])
    parts = {name: rows.drop(columns="part") for name, rows in table.groupby("part")}
    return Split(**{name: rows.reset_index(drop=True) for name, rows in parts.items()})
