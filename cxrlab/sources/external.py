"""Sets from elsewhere without a table: OpenIST, COVID-CXNet, Montgomery County and Shenzhen.

The name of an X-ray says what is in it. Beside those of the two hospitals lie readings, short texts
that say who the patient was.
"""

import re
from functools import partial
from pathlib import Path

import pandas as pd

from cxrlab.sources.tables import ADULT, from_files, image_files, source

OPENIST, CXNET, MONTGOMERY, SHENZHEN = "openist", "covid-cxnet", "montgomery", "shenzhen"
NLM = "https://data.lhncbc.nlm.nih.gov/public/Tuberculosis-Chest-X-ray-Datasets"
URLS = {
    OPENIST: "https://github.com/pi-null-mezon/OpenIST",
    CXNET: "https://github.com/armiro/COVID-CXNet",
    MONTGOMERY: f"{NLM}/Montgomery-County-CXR-Set/MontgomerySet",
    SHENZHEN: f"{NLM}/Shenzhen-Hospital-CXR-Set",
}
# Where the X-rays lie, there and below our folder. In OpenIST 1-10-500@.png is the mask of another
# file, in COVID-CXNet 455p.jpg is of a child. In MCUCXR_0104_1.png 1 is tuberculosis, 0 is normal.
XRAYS = {
    OPENIST: re.compile(r"Datasets/Chest_x-ray/[\w.() -]+\.(?:jpe?g|jfif|png)", re.I),
    CXNET: re.compile(r"chest_xray_images/covid19/[\w.() -]+(?<!p)\.(?:jpe?g|jfif|png)", re.I),
    MONTGOMERY: re.compile(r"(?:.*/)?CXR_png/MCUCXR_\d{4}_[01]\.png"),
    SHENZHEN: re.compile(r"(?:.*/)?CXR_png/CHNCXR_\d{4}_[01]\.png"),
}
SPANS = (  # of the numbers in use in Montgomery
    "1-6 8 11 13 15-17 19-24 26-31 35 38 40-49 51-64 68-72 74-75 77 79-87 89-92 94-97 99-104 108 "
    "113 117 126 140-142 144 150 162 166 170 173 182 188 194-196 203 213 218 223 228 243 251 "
    "253-255 258 264 266 275 282 289 294 301 309 311 313 316 331 334 338 348 350 352 354 362 367 "
    "369 372 375 383 387 390 393 399"
)


def load_repository(folder: str | Path, name: str) -> pd.DataFrame:
    """Every X-ray of OpenIST (healthy adults) or COVID-CXNet (adults with COVID-19) as a catalog.

    Each counts as a patient of its own; no sex, age or view is stated. In COVID-CXNet ``visible``
    is False where the authors saw nothing abnormal, and many are X-rays of the other sources again:
    :func:`cxrlab.filters.without_known` leaves them out. Raises :class:`CXRLabError` where there
    is none.
    """
    folder = Path(folder).absolute()
    inside = filter(XRAYS[name].fullmatch, image_files(folder))
    files = {Path(one).name: folder / one for one in inside}
    stems = [path.stem for path in files.values()]
    about = {"finding": "No Finding", "license": "none stated", "url": URLS[name]}
    if name == CXNET:
        about |= {"finding": "COVID-19", "license": "CC BY 4.0"}
        about["visible"] = [not stem.endswith("-") for stem in stems]
    return from_files(folder, files, stems, source=name, modality="X-ray", **about)


def mask_path(path: str | Path) -> Path:
    """Where OpenIST's mask of an X-ray lies, of its size: 255 in the lungs and 0 elsewhere."""
    return Path(path).with_name(f"{Path(path).stem}@.png")


def load_hospital(folder: str | Path, name: str) -> pd.DataFrame:
    """Every X-ray in Montgomery or Shenzhen as a catalog, all in PA view; children are left out.

    ``finding`` is ``No Finding`` or ``Tuberculosis``. A copy without readings states no sex or age.
    Raises :class:`CXRLabError` where there is no X-ray.
    """
    folder = Path(folder).absolute()
    below = image_files(folder).items()
    files = {inside: path for inside, path in below if XRAYS[name].fullmatch(inside)}
    told = {inside: path for inside, path in files.items() if reading_path(path).is_file()}
    files = told or files  # where others have a reading, one without may be of a child
    said = [reading_of(path) for path in files.values()]
    about = {key: [one[key] for one in said] for key in ("finding", "sex", "age")}
    about |= {"view": "PA", "modality": "X-ray", "license": "none stated", "url": URLS[name]}
    table = from_files(folder, files, [one["patient"] for one in said], source=name, **about)
    return table[~(table["age"] < ADULT)].reset_index(drop=True)


def reading_path(path: str | Path) -> Path:
    """Where the reading of an X-ray in ``CXR_png`` lies."""
    return Path(path).parents[1] / "ClinicalReadings" / f"{Path(path).stem}.txt"


def reading_of(path: Path) -> dict[str, object]:
    """Finding, sex, age in years and patient of an X-ray, from its name and its reading.

    Readings say ``Patient's Sex: F`` and ``Patient's Age: 027Y`` or ``male 45yrs``, ``femal,28yrs``
    and ``male 16month``; a further X-ray of a patient says ``same pt as MCUCXR_0162_1``.
    """
    prefix, number, ill = path.stem.split("_")
    reading = reading_path(path)
    text = reading.read_text(encoding="utf-8", errors="replace") if reading.is_file() else ""
    sex = re.search(r"sex:\s*([MF])\b|\b(male|femal)", text, re.I)
    age = re.search(r"(\d+)\s*(y|month|day)", text, re.I)
    in_a_year = {"y": 1, "m": 12, "d": 365.25}
    same = re.search(r"same (?:pt|patient)\D*(\d{4})", text, re.I)
    return {
        "patient": f"{prefix}_{min(number, same[1]) if same else number}",
        "finding": "Tuberculosis" if ill == "1" else "No Finding",
        "sex": sex and (sex[1] or sex[2]),
        "age": int(age[1]) / in_a_year[age[2][0].lower()] if age else float("nan"),
    }


def names_of(name: str) -> list[str]:
    """The X-rays of ``montgomery`` (138) or ``shenzhen`` (662), as a list of the server would."""
    if name == SHENZHEN:
        return [f"CXR_png/CHNCXR_{number:04}_{int(number > 326)}.png" for number in range(1, 663)]
    spans = [[int(end) for end in span.split("-")] for span in SPANS.split()]
    numbers = [number for span in spans for number in range(span[0], span[-1] + 1)]
    return [f"CXR_png/MCUCXR_{number:04}_{int(number > 103)}.png" for number in numbers]


SOURCES = (
    *(source(name, partial(load_repository, name=name)) for name in (OPENIST, CXNET)),
    *(source(name, partial(load_hospital, name=name)) for name in (MONTGOMERY, SHENZHEN)),
)
