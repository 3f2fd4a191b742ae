"""The table ``metadata.csv`` of the covid-chestxray-dataset, with its columns and its gaps."""

from __future__ import annotations

import csv
import io

import numpy as np

from cxrlab.sources.phantom.cohort import COVID, Plan

COLUMNS = [
    "patientid",
    "offset",
    "sex",
    "age",
    "finding",
    "survival",
    "intubated",
    "intubation_present",
    "went_icu",
    "in_icu",
    "needed_supplemental_O2",
    "extubated",
    "temperature",
    "pO2_saturation",
    "leukocyte_count",
    "neutrophil_count",
    "lymphocyte_count",
    "view",
    "modality",
    "date",
    "location",
    "folder",
    "filename",
    "doi",
    "url",
    "license",
    "clinical_notes",
    "other_notes",
]

LICENSES = ["", "", "CC BY-NC-SA", "CC BY-NC-SA 4.0", "CC BY 3.0", "CC BY-NC-ND", "CC BY 4.0"]
PLACES = [
    "Phantom Hospital, Simulated City",
    "Model Clinic, Nowhere",
    "Simulated University Hospital",
    "",
]
NOTE = "Simulated. No patient stands behind this row."


def metadata_csv(rows: list[tuple[Plan, str, str, int]], seed: int) -> str:
    """The CSV text for (plan, filename, sex, age) rows; like the original it ends every line with a
    comma, which readers show as an unnamed last column."""
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([*COLUMNS, ""])
    for plan, filename, sex, age in rows:
        rng = np.random.default_rng([seed, 8, plan.patient])
        row = dict.fromkeys(COLUMNS, "")
        # What is unknown of a patient is unknown in all of his rows.
        known_sex, known_age, known_course = rng.random(3)
        ct = plan.view in ("Axial", "Coronal")
        row |= {
            "patientid": plan.patient_id,
            "offset": plan.day if rng.random() < 0.8 else "",
            "sex": sex if known_sex < 0.9 else "",
            "age": age if known_age < 0.78 else "",
            "finding": plan.finding,
            "view": plan.view,
            "modality": "CT" if ct else "X-ray",
            "date": str(rng.choice(["2020", "2020", "March 2020", "2019", ""])),
            "location": str(rng.choice(PLACES)),
            "folder": "volumes" if filename.endswith(".nii.gz") else "images",
            "filename": filename,
            "doi": "",
            "url": f"https://example.org/simulated/{plan.patient_id}",
            "license": str(rng.choice(LICENSES)),
            "clinical_notes": NOTE if rng.random() < 0.85 else "",
            "other_notes": "simulated" if rng.random() < 0.4 else "",
        }
        if known_course < 0.4:
            row["survival"] = str(rng.choice(["Y", "N"], p=[0.85, 0.15]))
            row["intubated"] = str(rng.choice(["Y", "N"]))
            row["went_icu"] = str(rng.choice(["Y", "N"]))
        if rng.random() < 0.12:
            row["temperature"] = f"{rng.normal(38.3, 0.7):.1f}"
            row["pO2_saturation"] = f"{rng.normal(89, 5):.0f}"
        writer.writerow([*row.values(), ""])
    return table.getvalue()


def covid_rows(
    plans: list[Plan], files: dict[str, str], people: dict[int, tuple[str, int]]
) -> list:
    """The rows of the table: every planned image of this source, missing files included."""
    return [
        (plan, files[plan.path].rsplit("/", 1)[-1], *people[plan.patient])
        for plan in plans
        if plan.source == COVID
    ]
