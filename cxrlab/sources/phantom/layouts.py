"""Writing the collection as files, in the folders and under the names of the real sources."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from cxrlab.files import read_json, write_json
from cxrlab.sources.phantom.acquisition import Acquisition, draw_acquisition, encode
from cxrlab.sources.phantom.anatomy import draw_patient
from cxrlab.sources.phantom.cohort import KERMANY, NIH, Plan, plan_collection
from cxrlab.sources.phantom.metadata import covid_rows, metadata_csv
from cxrlab.sources.phantom.simulate import simulate_plan

VERSION = 2  # raise it when the same seed no longer gives the same pictures
STAMP = "phantoms.json"
README = """Simulated chest X-rays, made by CXRLab. No patient stands behind any of them.

The folders and file names are those of the real sources, so that one loader reads both.
masks/ holds, for each simulated COVID-19 X-ray, where its opacities are (white), under the
image's own name. phantoms.json says with which seed and settings they were made.
Not for medical use; teach nothing about people from them.
"""


def make_phantoms(
    folder: str | Path,
    seed: int = 0,
    confounding: float = 0.0,
    size: str = "course",
    processes: int | None = None,
) -> Path:
    """Make the collection of simulated X-rays in ``folder`` and return that folder.

    ``confounding`` (0...1) is the share of images taken in the manner of their source (see
    ``acquisition``); ``size`` is "course" or "tiny". The same seed, dial and size give the same
    bytes, whatever the number of ``processes`` (two for the
    course, one for "tiny"). A folder that holds this very collection already
    is left alone; one that an older version or other settings made is replaced; any other folder
    that is not empty raises ``FileExistsError``. A value out of range raises ``ValueError``.
    """
    folder = Path(folder).absolute()
    if not 0 <= confounding <= 1:
        raise ValueError(f"confounding is {confounding}, but lies between 0 and 1.")
    plans = plan_collection(seed, size)
    stamp = _stamp(plans, seed, confounding, size)
    if is_complete(folder, stamp):
        return folder
    if folder.exists() and any(folder.iterdir()) and not (folder / STAMP).is_file():
        raise FileExistsError(
            f"{folder} holds files that are no phantoms. Name an empty or a new folder."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write_images(beside, seed, confounding, size, processes or (2 if size == "course" else 1))
        _write_tables(beside, plans, seed, confounding)
        write_json(beside / STAMP, stamp)
        beside.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        beside.replace(folder)
    except OSError:
        # Another process may have finished the same folder in the meantime.
        if not is_complete(folder, stamp):
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def is_complete(folder: Path, stamp: dict) -> bool:
    """Whether ``folder`` holds the collection that ``stamp`` describes, all of it."""
    try:
        return read_json(folder / STAMP) == stamp
    except (OSError, ValueError):
        return False


def _stamp(plans: list[Plan], seed: int, confounding: float, size: str) -> dict:
    counts: dict[str, int] = {}
    for plan in plans:
        if plan.change != "missing":
            counts[plan.source] = counts.get(plan.source, 0) + 1
    return {
        "simulated": True,
        "version": VERSION,
        "seed": seed,
        "confounding": float(confounding),
        "size": size,
        "images": counts,
    }


def settings_of(plan: Plan, seed: int, confounding: float) -> Acquisition:
    """The acquisition of one planned image."""
    rng = np.random.default_rng([seed, 9, plan.image])
    return draw_acquisition(rng, plan.source, confounding)


def file_of(plan: Plan, settings: Acquisition) -> str:
    """The relative path with its suffix. A NIfTI volume is only ever a row of the table."""
    if plan.change == "missing" and plan.view == "Axial":
        return f"{plan.path}.nii.gz"
    if plan.change == "reencoded":
        return f"{plan.path}.{'jpeg' if plan.source == KERMANY else 'jpg'}"
    if settings.format == "PNG":
        return f"{plan.path}.png"
    suffix = {KERMANY: "jpeg", NIH: "jpg"}.get(plan.source)
    return f"{plan.path}.{suffix or ('jpg', 'jpeg', 'jpg', 'jpg', 'JPG')[plan.image % 5]}"


def _write_images(folder: Path, seed: int, confounding: float, size: str, processes: int) -> None:
    """Share the images out over processes.

    Each is a plain interpreter with arguments, not a ``multiprocessing`` worker: that would run
    the caller's own script again on Windows and macOS."""
    command = [
        sys.executable,
        "-m",
        __name__,
        str(folder),
        str(seed),
        repr(float(confounding)),
        size,
    ]
    environment = dict(os.environ)
    here = str(Path(__file__).resolve().parents[3])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [here, environment.get("PYTHONPATH")]))
    helpers = {
        part: subprocess.Popen(
            [*command, str(part), str(processes)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for part in range(1, processes)
    }
    try:
        write_part(folder, seed, confounding, size, 0, processes)
        for part, helper in helpers.items():
            if helper.wait() != 0:
                write_part(folder, seed, confounding, size, part, processes)
    finally:
        for helper in helpers.values():
            helper.kill()
            helper.wait()


def write_part(
    folder: Path, seed: int, confounding: float, size: str, part: int, parts: int
) -> None:
    """Write every ``parts``-th image, from number ``part`` on, together with its twins."""
    twins = defaultdict(list)
    for plan in plan_collection(seed, size):
        if plan.change != "missing" and plan.image % parts == part:
            twins[plan.image].append(plan)
    for plans in twins.values():
        settings = settings_of(plans[0], seed, confounding)
        grey, mask = simulate_plan(plans[0], settings, seed, confounding)
        for plan in plans:
            _write_image(folder, plan, settings, grey, mask)


def _write_image(
    folder: Path, plan: Plan, settings: Acquisition, grey: np.ndarray, mask: np.ndarray | None
) -> None:
    path = folder / file_of(plan, settings)
    if plan.change == "resized":
        settings = replace(
            settings, width=round(settings.width * 0.8), height=round(settings.height * 0.8)
        )
        grey, mask = _resize(grey, settings), None if mask is None else _resize(mask, settings)
    elif plan.change == "brightened":
        grey = np.clip(grey * 1.04 + 3, 0, 255).astype(np.uint8)
    elif plan.change == "reencoded":
        settings = replace(settings, format="JPEG", mode="L", quality=58)
    data = encode(grey, settings)
    if plan.change == "truncated":
        data = data[: len(data) // 3]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if mask is not None:
        masks = folder / "masks"
        masks.mkdir(exist_ok=True)
        plain = replace(settings, format="PNG", mode="L")
        (masks / f"{path.stem}.png").write_bytes(encode(mask, plain))


def _resize(grey: np.ndarray, settings: Acquisition) -> np.ndarray:
    from PIL import Image

    return np.asarray(
        Image.fromarray(grey).resize((settings.width, settings.height), Image.Resampling.BOX)
    )


def _write_tables(folder: Path, plans: list[Plan], seed: int, confounding: float) -> None:
    files = {p.path: file_of(p, settings_of(p, seed, confounding)) for p in plans}
    people = {p.patient: (q.sex, q.age) for p in plans for q in [draw_patient(p.patient)]}
    text = metadata_csv(covid_rows(plans, files, people), seed)
    (folder / "covid-chestxray-dataset" / "metadata.csv").write_text(
        text, encoding="utf-8", newline=""
    )
    (folder / "README.txt").write_text(README, encoding="utf-8", newline="\n")


def main() -> None:
    """The helper process: ``python -m`` this module FOLDER SEED DIAL SIZE PART PARTS."""
    parser = argparse.ArgumentParser(description="Write one part of a collection of phantoms.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("seed", type=int)
    parser.add_argument("confounding", type=float)
    parser.add_argument("size")
    parser.add_argument("part", type=int)
    parser.add_argument("parts", type=int)
    given = parser.parse_args()
    write_part(given.folder, given.seed, given.confounding, given.size, given.part, given.parts)


if __name__ == "__main__":
    main()
