"""Simulated chest X-rays ("phantoms"), written in the very layouts of the real sources."""

import contextlib
import os
import shutil
import tempfile
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlab.files import read_json, write_json
from cxrlab.phantoms.chest import Patient
from cxrlab.phantoms.cohort import COVID, KERMANY, Plan, plan_collection
from cxrlab.phantoms.film import Acquisition, encode, simulate
from cxrlab.phantoms.geometry import resize

# The name of the pixels that this code makes. Whatever was learned from them carries it, and a
# folder under another name is made anew. tests/test_phantoms.py fails when the pixels change, and
# says which name to put here.
PIXELS = "59188d07f7f4"
STAMP = "phantoms.json"
README = """Simulated chest X-rays, made by CXRLab, under the names of real sources. No patient
stands behind any of them. masks/ holds, for each simulated COVID-19 X-ray, where its opacities are
(white). phantoms.json says with which seed and settings they were made. Not for medical use.
"""
HEADER = (  # of metadata.csv; the last column, like the original's, has no name
    "patientid,offset,sex,age,finding,survival,intubated,intubation_present,went_icu,in_icu,"
    "needed_supplemental_O2,extubated,temperature,pO2_saturation,leukocyte_count,neutrophil_count,"
    "lymphocyte_count,view,modality,date,location,folder,filename,doi,url,license,clinical_notes,"
    "other_notes,"
)
LICENSES = ["", "", "CC BY-NC-SA", "CC BY-NC-SA 4.0", "CC BY 3.0", "CC BY-NC-ND", "CC BY 4.0"]
PLACES = ["", "Phantom Hospital, Simulated City", "Model Clinic, Nowhere", "Simulated University"]
NOTE = "Simulated. No patient stands behind this row."


def make_phantoms(
    folder: str | Path, seed: int = 0, confounding: float = 0.0, size: str = "course"
) -> Path:
    """Make the collection of simulated X-rays in ``folder`` and return that folder.

    ``confounding`` (0...1) is the share of images taken in the manner of their source (see
    ``film``); ``size`` is "course", "ward" (another hospital) or "tiny". The same seed, dial and
    size give the same bytes. A folder that holds this very collection already is left alone; other
    phantoms are replaced. Raises ``FileExistsError`` for any other folder that is not empty, and
    ``ValueError`` for a value out of range.
    """
    folder = Path(folder).absolute()
    if not 0 <= confounding <= 1:
        raise ValueError(f"confounding is {confounding}, but lies between 0 and 1.")
    plans = plan_collection(seed, size)
    stamp = {"simulated": True, "pixels": PIXELS, "seed": seed, "confounding": float(confounding)}
    stamp |= {"size": size, "images": Counter(p.source for p in plans if p.change != "missing")}
    with contextlib.suppress(OSError, ValueError):  # none there, or damaged
        if read_json(folder / STAMP) == stamp:
            return folder
    if folder.exists() and any(folder.iterdir()) and not (folder / STAMP).is_file():
        raise FileExistsError(f"{folder} holds files that are no phantoms. Name a new folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        beside = Path(scratch) / "whole"  # so that nobody ever finds half a collection
        _write_collection(beside, plans, confounding)
        write_json(beside / STAMP, stamp)
        if folder.exists():
            shutil.rmtree(folder)
        beside.replace(folder)
    return folder


def _write_collection(folder: Path, plans: list[Plan], confounding: float) -> None:
    """Write images, masks, the COVID-19 source's table and a README into ``folder``."""
    twins, rows = defaultdict(list), []
    for plan in plans:
        settings = Acquisition(plan, confounding)
        path = folder / (plan.path + _suffix(plan, settings.format))
        for needed in (path.parent, folder / "masks"):
            needed.mkdir(parents=True, exist_ok=True)
        if plan.source == COVID:
            rows.append(_row(plan, path.name))
        if plan.change != "missing":
            twins[plan.image].append((plan, settings, path))

    def write(same: list[tuple]) -> None:
        grey, mask = simulate(*same[0][:2])
        for plan, settings, path in same:
            _write_image(path, plan, settings, grey, mask)

    # Threads: NumPy, SciPy and Pillow let each other run for most of the time.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(write, twins.values()))  # the list raises what a thread raised
    table = pd.DataFrame(rows, columns=HEADER.split(","))
    table.to_csv(folder / COVID / "metadata.csv", index=False, lineterminator="\n")
    (folder / "README.txt").write_text(README, encoding="utf-8", newline="\n")


def _suffix(plan: Plan, kind: str) -> str:
    """The end of the file's name. A NIfTI volume is only ever a row of the table."""
    if plan.change == "missing" and plan.view == "Axial":
        return ".nii.gz"
    if plan.change != "reencoded" and kind == "PNG":
        return ".png"
    if plan.change != "reencoded" and plan.source == COVID:
        return (".jpg", ".jpeg", ".jpg", ".jpg", ".JPG")[plan.image % 5]
    return ".jpeg" if plan.source == KERMANY else ".jpg"


def _write_image(path: Path, plan: Plan, settings: Acquisition, grey, mask) -> None:
    """Write an image, changed as its plan says, and its mask where it has one."""
    if plan.change == "resized":
        shape = round(settings.height * 0.8), round(settings.width * 0.8)
        grey, mask = resize(grey, shape), None if mask is None else resize(mask, shape)
    elif plan.change == "brightened":
        grey = np.clip(grey * 1.04 + 3, 0, 255).astype(np.uint8)
    elif plan.change == "reencoded":
        settings.format, settings.mode, settings.quality = "JPEG", "L", 58
    data = encode(grey, settings)
    path.write_bytes(data[: len(data) // 3] if plan.change == "truncated" else data)
    if mask is not None:
        settings.format, settings.mode = "PNG", "L"
        masks = path.parents[2] / "masks"
        (masks / f"{path.stem}.png").write_bytes(encode(mask, settings))


def _row(plan: Plan, file: str) -> dict:
    """A row of the COVID-19 source's table, with its gaps."""
    rng, patient = np.random.default_rng([8, plan.patient]), Patient(plan.patient)
    # What is unknown of a patient is unknown in all of his rows.
    known_sex, known_age = rng.random(2) < (0.9, 0.78)
    row = {"patientid": plan.patient_id, "finding": plan.finding, "view": plan.view}
    row |= {"sex": patient.sex if known_sex else "", "age": patient.age if known_age else ""}
    row |= {"modality": "CT" if plan.view in ("Axial", "Coronal") else "X-ray", "filename": file}
    row |= {"folder": "volumes" if file.endswith(".nii.gz") else "images"}
    row |= {"url": f"https://example.org/simulated/{plan.patient_id}"}
    row["offset"] = plan.day if rng.random() < 0.8 else ""
    row["date"] = rng.choice(["2020", "2020", "March 2020", "2019", ""])
    row["location"], row["license"] = rng.choice(PLACES), rng.choice(LICENSES)
    row["clinical_notes"] = NOTE if rng.random() < 0.85 else ""
    row["other_notes"] = "simulated" if rng.random() < 0.4 else ""
    return row
