"""Who is in the collection: a plan with one row an image, drawn from the seed before any is made.

Every number that an image needs is derived from its plan alone, so that the same collection comes
out whatever the order or the number of processes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

COVID, KERMANY, NIH = "covid-chestxray-dataset", "chest_xray", "nih-no-finding"


@dataclass(frozen=True)
class Plan:
    """One image file. ``path`` is relative to the collection's folder and ends without a suffix."""

    path: str
    source: str
    patient: int  # seed of the anatomy
    image: int  # seed of everything else
    patient_id: str
    view: str = "PA"
    finding: str = "No Finding"
    disease: str = ""  # "", "covid" or a key of findings.OTHER_FINDINGS
    severity: float = 0.0  # 0...1
    day: int = 0  # days after the first image
    change: str = ""  # "", "copy", "reencoded", "resized", "brightened", "truncated", "missing"


SIZES = {
    # Numbers of images (not of patients); the filter later drops some of them.
    "course": {
        "covid": 218,
        "normal": 222,
        "adult": 100,
        "other": 122,
        "pneumonia": 24,
        "missing": 10,
        "each": 4,
    },
    "tiny": {
        "covid": 26,
        "normal": 25,
        "adult": 6,
        "other": 8,
        "pneumonia": 2,
        "missing": 2,
        "each": 1,
    },
}

# View, finding and the simulated disease of what the course's filter rejects.
REJECTED = [
    ("AP", "COVID-19", "covid"),
    ("AP Supine", "COVID-19", "covid"),
    ("L", "COVID-19", ""),
    ("Axial", "COVID-19", ""),
    ("Coronal", "COVID-19", ""),
    ("PA", "No Finding", ""),
    ("PA", "SARS", "diffuse"),
    ("PA", "Streptococcus", "pneumonia"),
    ("AP", "Pneumocystis", "perihilar"),
    ("AP Supine", "COVID-19, ARDS", "covid"),
    ("AP", "ARDS", "diffuse"),
    ("PA", "Klebsiella", "pneumonia"),
    ("PA", "Pneumonia", "effusion"),
    ("AP Supine", "COVID-19", "covid"),
    ("L", "Streptococcus", ""),
    ("PA", "Legionella", "pneumonia"),
    ("Axial", "Pneumocystis", ""),
    ("PA", "E.Coli", "effusion"),
    ("PA", "Mycoplasma Bacterial Pneumonia", "perihilar"),
    ("PA", "Influenza", "perihilar"),
]


def plan_collection(seed: int, size: str) -> list[Plan]:
    """The whole collection, in the order of its tables. Raises ``KeyError`` for an unknown size."""
    numbers = SIZES[size]
    rng = np.random.default_rng([seed, 7])
    plans = _covid(rng, numbers["covid"])
    plans += _rejected(rng, numbers["other"])
    plans += _kermany(rng, numbers["normal"], numbers["pneumonia"])
    plans += _nih(rng, numbers["adult"])
    plans = [replace(p, patient=seed * 100_000 + p.patient, image=i) for i, p in enumerate(plans)]
    plans += _mess(rng, plans, numbers)
    return plans


def _images_a_patient(rng, total: int) -> list[int]:
    """Most patients have one image, some up to six; the counts add up to ``total``."""
    counts = []
    while sum(counts) < total:
        counts.append(int(rng.choice([1, 2, 3, 4, 6], p=[0.74, 0.16, 0.06, 0.03, 0.01])))
    counts[-1] -= sum(counts) - total
    return counts


def _severity(rng) -> float:
    """From barely visible to severe."""
    return float(rng.beta(3.0, 1.9))


def _covid(rng, total: int) -> list[Plan]:
    plans = []
    for k, count in enumerate(_images_a_patient(rng, total)):
        start, day = _severity(rng), 0
        ards = rng.random() < 0.06
        for i in range(count):
            severity = float(np.clip(start + 0.09 * i + rng.normal(0, 0.08), 0, 1))
            finding = "COVID-19, ARDS" if ards and severity > 0.5 else "COVID-19"
            name = f"covid-phantom-{k:04d}-{i}"
            plans.append(
                Plan(
                    f"{COVID}/images/{name}",
                    COVID,
                    k,
                    0,
                    str(k + 1),
                    "PA",
                    finding,
                    "covid",
                    severity,
                    day,
                )
            )
            day += int(rng.integers(1, 7))
    return plans


def _rejected(rng, total: int) -> list[Plan]:
    plans = []
    for i in range(total):
        view, finding, disease = REJECTED[i % len(REJECTED)]
        # Some of these are further images of patients who also have a PA view.
        known = finding == "COVID-19" and rng.random() < 0.4
        k = int(rng.integers(0, 20)) if known else 2000 + i
        first_word = finding.replace(",", " ").split()[0].lower().replace(".", "")
        path = f"{COVID}/images/{first_word}-{view.split()[0].lower()}-{i:03d}"
        patient = str(k + 1 if known else 400 + i)
        severity, day = _severity(rng), int(rng.integers(0, 15))
        plans.append(Plan(path, COVID, k, 0, patient, view, finding, disease, severity, day))
    return plans


def _kermany(rng, normals: int, pneumonias: int) -> list[Plan]:
    plans = []
    numbers = np.sort(rng.choice(np.arange(115, 1430), size=normals, replace=False))
    for k, count in enumerate(_images_a_patient(rng, normals)):
        number = numbers[k]
        part = _part(rng)
        second = rng.random() < 0.6
        patient = f"{'NORMAL2-' if second else ''}IM-{number:04d}"
        for i in range(count):
            # The real names number a patient's images in one of two ways.
            tail = "-0001" if count == 1 else f"-0001-{i + 1:04d}" if second else f"-{i + 1:04d}"
            path = f"{KERMANY}/{part}/NORMAL/{patient}{tail}"
            plans.append(Plan(path, KERMANY, 4000 + k, 0, patient))
    for i in range(pneumonias):
        kind = "virus" if rng.random() < 0.4 else "bacteria"
        person = f"person{int(rng.integers(1, 20)) + 20 * i}"
        path = f"{KERMANY}/{_part(rng)}/PNEUMONIA/{person}_{kind}_{1100 + 7 * i}"
        disease = "perihilar" if kind == "virus" else "pneumonia"
        plans.append(Plan(path, KERMANY, 6000 + i, 0, person, finding="PNEUMONIA", disease=disease))
    return plans


def _part(rng) -> str:
    return str(rng.choice(["train", "test", "val"], p=[0.78, 0.19, 0.03]))


def _nih(rng, total: int) -> list[Plan]:
    plans = []
    number = 1280
    for k, count in enumerate(_images_a_patient(rng, total)):
        number += int(rng.integers(1, 40))
        first = int(rng.integers(0, 4))
        for i in range(count):
            path = f"{NIH}/{number:08d}_{first + i:03d}"
            plans.append(Plan(path, NIH, 8000 + k, 0, f"{number:08d}"))
    return plans


def _mess(rng, plans: list[Plan], numbers: dict) -> list[Plan]:
    """Copies under another name, nearly equal files, a truncated one, and rows without a file."""
    extra = []
    each = numbers["each"]
    covid = [p for p in plans if p.source == COVID and p.disease == "covid" and p.view == "PA"]
    normal = [p for p in plans if p.source == KERMANY and not p.disease]
    for group in (covid, normal):
        chosen = rng.choice(len(group), size=each + max(3, each), replace=False)
        for n, at in enumerate(chosen):
            change = "copy" if n < each else ("reencoded", "resized", "brightened")[n % 3]
            # Every second one hides under another patient's name, as it happens in reality.
            extra.append(_twin(group[at], n, change, other_patient=n % 2 == 1))
    broken = covid[int(rng.integers(len(covid)))]
    extra.append(
        replace(
            broken,
            path=f"{COVID}/images/covid-phantom-broken",
            patient_id="900",
            change="truncated",
        )
    )
    for i in range(numbers["missing"]):
        like = covid[int(rng.integers(len(covid)))]
        suffix = "-ct" if i % 3 == 2 else ""
        view = "Axial" if suffix else "PA"
        extra.append(
            replace(
                like,
                path=f"{COVID}/images/covid-phantom-lost-{i:02d}{suffix}",
                patient_id=str(910 + i),
                view=view,
                change="missing",
            )
        )
    return extra


def _twin(plan: Plan, n: int, change: str, other_patient: bool) -> Plan:
    if plan.source == COVID:
        name = f"{plan.path}-{'b' if change == 'copy' else 'c'}"
        return replace(
            plan,
            path=name,
            patient_id=str(800 + n) if other_patient else plan.patient_id,
            change=change,
        )
    folder, name = plan.path.rsplit("/", 1)
    if other_patient:
        patient = f"IM-{1500 + n:04d}"
        return replace(
            plan, path=f"{KERMANY}/test/NORMAL/{patient}-0001", patient_id=patient, change=change
        )
    return replace(plan, path=f"{folder}/{plan.patient_id}-{90 + n:04d}", change=change)
