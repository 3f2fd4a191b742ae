"""Healthy people and tuberculosis in two hospitals, Montgomery County and Shenzhen (NLM)."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pandas as pd

from cxrlab.sources.tables import ADULT, Source, from_files, image_files

MONTGOMERY, SHENZHEN = "montgomery", "shenzhen"
URL = "https://data.lhncbc.nlm.nih.gov/public/Tuberculosis-Chest-X-ray-Datasets"
URLS = {MONTGOMERY: f"{URL}/Montgomery-County-CXR-Set/MontgomerySet"}
URLS |= {SHENZHEN: f"{URL}/Shenzhen-Hospital-CXR-Set"}
XRAYS, READINGS = "CXR_png", "ClinicalReadings"  # in each set, and below our folders
# MCUCXR_0104_1.png: 1 is tuberculosis, 0 is normal; in both sets they are numbered after these.
NAMED = re.compile(r"((?:MCU|CHN)CXR_)(\d{4})_([01])\.png")
SPANS = (  # of the numbers in use in Montgomery
    "1-6 8 11 13 15-17 19-24 26-31 35 38 40-49 51-64 68-72 74-75 77 79-87 89-92 94-97 99-104 108 "
    "113 117 126 140-142 144 150 162 166 170 173 182 188 194-196 203 213 218 223 228 243 251 "
    "253-255 258 264 266 275 282 289 294 301 309 311 313 316 331 334 338 348 350 352 354 362 367 "
    "369 372 375 383 387 390 393 399"
)


def names_of(name: str) -> list[str]:
    """The X-rays of ``montgomery`` (138) or ``shenzhen`` (662), without the ending ``.png``."""
    if name == SHENZHEN:
        return [f"CHNCXR_{number:04}_{int(number > 326)}" for number in range(1, 663)]
    spans = [[int(end) for end in span.split("-")] for span in SPANS.split()]
    numbers = [number for span in spans for number in range(span[0], span[-1] + 1)]
    return [f"MCUCXR_{number:04}_{int(number > 103)}" for number in numbers]


def load(folder: str | Path, name: str) -> pd.DataFrame:
    """Every X-ray in a folder ``CXR_png``, all in PA view, as a catalog of ``name``.

    ``finding`` is ``No Finding`` or ``Tuberculosis``; ``sex`` and ``age`` are missing where no
    reading lies in ``ClinicalReadings`` beside it. Children are left out. Raises
    :class:`CXRLabError` where there is no X-ray.
    """
    folder = Path(folder).absolute()
    found = [path for path in image_files(folder) if path.parent.name == XRAYS]
    known = {path: reading_of(path) for path in found if NAMED.fullmatch(path.name)}
    known = {path: about for path, about in known.items() if not about["age"] < ADULT}
    said = {key: [about[key] for about in known.values()] for key in ("finding", "sex", "age")}
    said |= {"view": "PA", "modality": "X-ray", "license": "none stated", "url": URLS[name]}
    patients = {path.name: about["patient"] for path, about in known.items()}
    return from_files(folder, list(known), patients.get, source=name, **said)


def reading_of(path: Path) -> dict[str, object]:
    """Finding, sex, age in years and patient of an X-ray, from its name and its reading.

    Readings say ``Patient's Sex: F`` and ``Patient's Age: 027Y`` or ``male 45yrs``, ``femal,28yrs``
    and ``male 16month``; a further X-ray of a patient says ``same pt as MCUCXR_0162_1``.
    """
    prefix, number, ill = NAMED.fullmatch(path.name).groups()
    reading = path.parents[1] / READINGS / f"{path.stem}.txt"
    text = reading.read_text(encoding="utf-8", errors="replace") if reading.is_file() else ""
    sex = re.search(r"sex:\s*([MF])\b|\b(male|femal)", text, re.I)
    age = re.search(r"(\d+)\s*(y|month|day)", text, re.I)
    in_a_year = {"y": 1, "m": 12, "d": 365.25}
    same = re.search(r"same (?:pt|patient)\D*(\d{4})", text, re.I)
    return {
        "patient": prefix + (min(number, same[1]) if same else number),
        "finding": "Tuberculosis" if ill == "1" else "No Finding",
        "sex": sex and (sex[1] or sex[2]),
        "age": int(age[1]) / in_a_year[age[2][0].lower()] if age else float("nan"),
    }


_TERMS = (
    "No licence is stated. Name the National Library of Medicine (Bethesda, USA) as the source, "
    "for Shenzhen with Shenzhen No.3 People's Hospital, and cite both papers.",
    "S. Jaeger et al., Automatic tuberculosis screening using chest radiographs, IEEE "
    "Transactions on Medical Imaging 33, 233-245, 2014, https://doi.org/10.1109/TMI.2013.2284099; "
    "and S. Candemir et al., Lung segmentation in chest radiographs using anatomical atlases with "
    "nonrigid registration, ibid. 577-590, https://doi.org/10.1109/TMI.2013.2290491",
)
MONTGOMERY_SOURCE, SHENZHEN_SOURCE = (
    Source(name, f"{place} chest X-rays with tuberculosis", *_TERMS, partial(load, name=name))
    for name, place in ((MONTGOMERY, "Montgomery County"), (SHENZHEN, "Shenzhen Hospital"))
)
