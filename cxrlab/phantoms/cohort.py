"""Who is in the collection: a plan per image, drawn before any is made, from which it follows."""

from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

SEVERITY = 3.0, 1.9  # of a beta distribution: from barely visible to severe
COVID, KERMANY, NIH = "covid-chestxray-dataset", "chest_xray", "nih-no-finding"


@dataclass(frozen=True)
class Plan:
    """One image file. ``path`` is relative to the collection's folder and ends without a suffix."""

    path: str = ""
    source: str = COVID
    patient: int = 0  # seed of the anatomy
    patient_id: str = ""
    view: str = "PA"  # as simulated: with the dial off the normal children are taken like all
    finding: str = "No Finding"
    disease: str = ""  # "", "covid" or a key of simulate.OTHER_FINDINGS
    severity: float = 0.0  # 0...1
    day: int = 0  # days after the first image
    image: int = 0  # seed of everything but the anatomy
    change: str = ""  # "", "copy", "reencoded", "resized", "brightened", "truncated", "missing"


# Numbers of images (not of patients); the filter later drops some of them.
Size = namedtuple("Size", "covid normal adult rejected pneumonia missing copies")
SIZES = {"course": Size(218, 222, 100, 122, 24, 10, 4), "tiny": Size(26, 25, 6, 8, 2, 2, 1)}
# Another hospital, for notebook 07: some 150 patients with COVID-19 and as many healthy adults.
SIZES["ward"] = Size(covid=220, normal=8, adult=220, rejected=0, pneumonia=0, missing=0, copies=0)

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
    n, rng = SIZES[size], np.random.default_rng([seed, 7])
    plans = [*_covid(rng, n.covid), *_rejected(rng, n.rejected)]
    plans += [*_kermany(rng, n.normal, n.pneumonia), *_nih(rng, n.adult)]
    own = seed * 100_000  # so that no other seed has the same patients and images
    plans = [replace(p, patient=own + p.patient, image=own + i) for i, p in enumerate(plans)]
    return [*plans, *_mess(rng, plans, n)]


def _images_per_patient(rng, total: int) -> list[int]:
    """Most patients have one image, some up to six; the counts add up to ``total``."""
    counts = []
    while sum(counts) < total:
        counts.append(int(rng.choice([1, 2, 3, 4, 6], p=[0.74, 0.16, 0.06, 0.03, 0.01])))
    counts[-1] -= sum(counts) - total
    return counts


def _covid(rng, total: int) -> Iterator[Plan]:
    for k, count in enumerate(_images_per_patient(rng, total)):
        start, ards, day = rng.beta(*SEVERITY), rng.random() < 0.06, 0
        for i in range(count):
            worse = float(np.clip(start + 0.09 * i + rng.normal(0, 0.08), 0, 1))
            finding = "COVID-19, ARDS" if ards and worse > 0.5 else "COVID-19"
            path = f"{COVID}/images/covid-phantom-{k:04d}-{i}"
            yield Plan(path, COVID, k, str(k + 1), "PA", finding, "covid", worse, day)
            day += int(rng.integers(1, 7))


def _rejected(rng, total: int) -> Iterator[Plan]:
    for i in range(total):
        view, finding, disease = REJECTED[i % len(REJECTED)]
        # Some of these are further images of patients who also have a PA view.
        known = finding == "COVID-19" and rng.random() < 0.4
        k = int(rng.integers(0, 20)) if known else 2000 + i
        first_word = finding.replace(",", " ").split()[0].lower().replace(".", "")
        path = f"{COVID}/images/{first_word}-{view.split()[0].lower()}-{i:03d}"
        person = str(k + 1 if known else 400 + i)
        severity, day = rng.beta(*SEVERITY), int(rng.integers(0, 15))
        yield Plan(path, COVID, k, person, view, finding, disease, severity, day)


def _kermany(rng, normals: int, pneumonias: int) -> Iterator[Plan]:
    part = partial(rng.choice, ["train", "test", "val"], p=[0.78, 0.19, 0.03])
    numbers = np.sort(rng.choice(np.arange(115, 1430), size=normals, replace=False))
    for k, count in enumerate(_images_per_patient(rng, normals)):
        folder, second = f"{KERMANY}/{part()}/NORMAL", rng.random() < 0.6
        person = f"{'NORMAL2-' if second else ''}IM-{numbers[k]:04d}"
        for i in range(1, count + 1):
            # The real names number a patient's images in one of two ways.
            tail = "-0001" if count == 1 else f"-0001-{i:04d}" if second else f"-{i:04d}"
            yield Plan(f"{folder}/{person}{tail}", KERMANY, 4000 + k, person)
    for i in range(pneumonias):
        virus, person = rng.random() < 0.4, f"person{int(rng.integers(1, 20)) + 20 * i}"
        kind, disease = ("virus", "perihilar") if virus else ("bacteria", "pneumonia")
        path = f"{KERMANY}/{part()}/PNEUMONIA/{person}_{kind}_{1100 + 7 * i}"
        yield Plan(path, KERMANY, 6000 + i, person, "PA", "PNEUMONIA", disease)


def _nih(rng, total: int) -> Iterator[Plan]:
    number = 1280
    for k, count in enumerate(_images_per_patient(rng, total)):
        number += int(rng.integers(1, 40))
        first = int(rng.integers(0, 4))
        for i in range(first, first + count):
            yield Plan(f"{NIH}/{number:08d}_{i:03d}", NIH, 8000 + k, f"{number:08d}")


def _mess(rng, plans: list[Plan], n: Size) -> Iterator[Plan]:
    """Copies under another name, nearly equal files, a truncated one, and rows without a file."""
    covid = [p for p in plans if p.source == COVID and p.disease == "covid" and p.view == "PA"]
    normal = [p for p in plans if p.source == KERMANY and not p.disease]
    for group in (covid, normal):
        chosen = rng.choice(len(group), size=n.copies + max(3, n.copies), replace=False)
        for i, at in enumerate(chosen):
            near = ("reencoded", "resized", "brightened")[i % 3]
            yield _twin(group[at], i, "copy" if i < n.copies else near)
    path, broken = f"{COVID}/images/covid-phantom", covid[rng.integers(len(covid))]
    yield replace(broken, path=f"{path}-broken", patient_id="900", change="truncated")
    for i in range(n.missing):
        like, person = covid[rng.integers(len(covid))], str(910 + i)
        suffix, view = ("-ct", "Axial") if i % 3 == 2 else ("", "PA")
        lost = f"{path}-lost-{i:02d}{suffix}"
        yield replace(like, path=lost, patient_id=person, view=view, change="missing")


def _twin(plan: Plan, n: int, change: str) -> Plan:
    """The same image again; every second one hides under another patient's name, as it happens."""
    person, folder = plan.patient_id, plan.path.rpartition("/")[0]
    if plan.source == COVID:
        person = str(800 + n) if n % 2 else person
        path = f"{plan.path}-{'b' if change == 'copy' else 'c'}"
    elif n % 2:
        person = f"IM-{1500 + n:04d}"
        path = f"{KERMANY}/test/NORMAL/{person}-0001"
    else:
        path = f"{folder}/{person}-{90 + n:04d}"
    return replace(plan, path=path, patient_id=person, change=change)
