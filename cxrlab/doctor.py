"""What this machine offers the course, asked without loading TensorFlow.

A check that is content names no path of this machine and no number that is another one in the next
run, so that a notebook can show it and be stored.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from jupyter_client.kernelspec import KernelSpecManager
from packaging.requirements import Requirement

import cxrlab
from cxrlab import hosts
from cxrlab.choices import choose
from cxrlab.files import workspace_root
from cxrlab.training import cpu_multiplies_bfloat16

OK, NOTE, PROBLEM = "ok", "note", "problem"

# The libraries behind the network, and the names they are installed by.
LIBRARIES = {"TensorFlow": "tensorflow", "Keras": "keras"}
LIBRARIES |= {"Keras Tuner": "keras-tuner", "TensorBoard": "tensorboard"}
INSTALL = 'Install it with: pip install --upgrade "cxrlab[tf-cpu]"'
NEWER_PYTHON = "3.11 to 3.13 are tested. If pip finds no TensorFlow for this one, use Python 3.13."
MORE_MEMORY = "Close other programs. On Binder 2 GB are all: trainings take small batches there."
MORE_DISK = "Free some space, or set CXRLAB_WORKSPACE to a folder on another disk."
WHAT_IS_KEPT = {
    hosts.COLAB: "What you make goes with the session, unless ON_DRIVE in the first cell is True.",
    hosts.KAGGLE: "Save a version of the notebook to keep what you make.",
    hosts.BINDER: "Nothing is kept here: download what you want to keep.",
}


class Finding(NamedTuple):
    """What was seen, and what to do. ``state``: ``ok``, ``note`` (works, but) or ``problem``."""

    subject: str
    state: str
    seen: str
    advice: str = ""


def check(subject: str, fine: object, seen: str, advice: str, state: str = PROBLEM) -> Finding:
    """``ok`` and no advice where the subject is ``fine``, else the advice and this ``state``."""
    return Finding(subject, OK, seen) if fine else Finding(subject, state, seen, advice)


def examine(data: str | Path | None = None) -> list[Finding]:
    """Look at every subject. ``data`` is a folder, by default the reader's choice.

    Raises :class:`CXRLabError` where CXRLAB_MEMORY is no number, or the choice is unreadable.
    """
    here, python = hosts.host(), f"{platform.python_version()}, with CXRLab {cxrlab.__version__}"
    versions = {name: version_of(package) for name, package in LIBRARIES.items()}
    unmet = unmet_requirements()
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    fast = "multiplies bfloat16 in hardware (faster training)"
    speed = fast if cpu_multiplies_bfloat16() else "no bfloat16 seen (training in float32)"
    folder = workspace_root()
    folder = next(place for place in (folder, *folder.parents) if place.exists())
    return [
        Finding("Host", OK, here, WHAT_IS_KEPT.get(here, "")),
        check("Python", sys.version_info < (3, 14), python, NEWER_PYTHON, NOTE),
        *(check(name, seen, seen or "not installed", INSTALL) for name, seen in versions.items()),
        check("Versions", not unmet, "; ".join(unmet) or "go together", INSTALL),
        check_gpu(),
        check_room("Memory", hosts.memory_here()[0], 2, MORE_MEMORY, NOTE),
        check_room("Disk", shutil.disk_usage(folder).free, 1, MORE_DISK, PROBLEM),
        Finding("Processor", OK, f"{cores} cores, {speed}"),
        check_data(data),
        check_workspace(folder),
        check_kernel(),
    ]


def report(findings: list[Finding]) -> str:
    """One line per subject, its advice below it, and the verdict at the end."""
    lines, width = [], max(len(finding.subject) for finding in findings)
    for subject, state, seen, advice in findings:
        lines.append(f"{state:8}{subject:{width}}  {seen}")
        lines += [f"{'':{width + 8}}  {advice}"] if advice else []
    problems = ", ".join(finding.subject for finding in findings if finding.state == PROBLEM)
    verdict = f"Not ready: look at {problems}." if problems else "Ready: the course runs here."
    return "\n".join([*lines, verdict])


def show() -> None:
    """Print the findings and the verdict in a notebook: ``doctor.show()``."""
    print(report(examine()))


def version_of(package: str) -> str | None:
    """The installed version, None without one. TensorFlow comes under two names."""
    for name in (package, f"{package}-cpu"):
        with suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    return None


def unmet_requirements() -> list[str]:
    """What CXRLab and the libraries ask for and find in another version."""
    unmet = []
    for name in ("cxrlab", "tensorflow-cpu", *LIBRARIES.values()):
        with suppress(metadata.PackageNotFoundError):
            for wanted in map(Requirement, metadata.requires(name) or []):
                found = version_of(wanted.name)
                asked = not wanted.marker or wanted.marker.evaluate({"extra": "tf"})
                if asked and found and not wanted.specifier.contains(found, prereleases=True):
                    unmet.append(f"{name} needs {wanted.name}{wanted.specifier}, not {found}")
    return unmet


def check_gpu() -> Finding:
    """NVIDIA GPUs that the driver lists, and whether TensorFlow can use them."""
    try:
        listed = subprocess.check_output(["nvidia-smi", "-L"], text=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        listed = ""
    gpus = "; ".join(line.split(" (")[0] for line in listed.splitlines() if line[:3] == "GPU")
    if not gpus:
        return Finding("GPU", OK, "no NVIDIA GPU: the class budget is made for that")
    advice = 'TensorFlow for the CPU only is installed: pip install "cxrlab[tf,cuda]"'
    return check("GPU", not version_of("tensorflow-cpu"), gpus, advice, NOTE)


def check_room(subject: str, free: float, needed: int, advice: str, state: str) -> Finding:
    """Whether more than ``needed`` GB are ``free`` (bytes)."""
    enough = free >= needed * hosts.GIGABYTE
    seen = f"more than {needed} GB free" if enough else f"{free / hosts.GIGABYTE:.1f} GB free"
    return check(subject, enough, seen, advice, state)


def check_data(data: str | Path | None) -> Finding:
    """Phantoms, or a folder and which sources it holds. `cxrlab data status` reads the images."""
    from cxrlab.sources import ADULTS, covid, filled_by, sources_in

    folder, in_words = choose(data)
    if folder is None:
        return Finding("Data", OK, "phantoms")
    seen = f"{folder.name} ({in_words})"
    if not folder.is_dir():
        advice = "Choose again: `cxrlab data use DIR`, or `cxrlab data use phantom`."
        return Finding("Data", PROBLEM, f"{seen} is no folder", advice)
    there = sources_in(folder)
    seen += f": {', '.join(there) or 'none of the sources'}"
    if len(there) < 2 or not (folder / covid.NAME / "metadata.csv").is_file():
        advice = f"It should hold {covid.NAME}/ with its metadata.csv, and a source of normals."
        return Finding("Data", PROBLEM, seen, advice)
    advice = "Notebooks 06 and 07 need adults: `cxrlab data fetch nih` brings some."
    return check("Data", filled_by(ADULTS, there), seen, advice, NOTE)


def check_workspace(folder: Path) -> Finding:
    """Whether the workspace, or the folder in which it will be made, can be written."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        seen = f"{folder} cannot be written ({error.strerror})"
        return Finding("Workspace", PROBLEM, seen, "Set CXRLAB_WORKSPACE to a folder of yours.")
    return Finding("Workspace", OK, "can be written")


def check_kernel() -> Finding:
    """Whether the kernel that Jupyter calls python3 is this Python."""
    program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    # A bare name is looked up in the environment that starts Jupyter: this one.
    mine = not os.path.dirname(program) or os.path.abspath(program) == sys.executable
    seen = "python3 is this environment" if mine else f"python3 is another Python: {program}"
    advice = "Start JupyterLab with cxrlab lab, which sees to it."
    return check("Jupyter kernel", mine, seen, advice, NOTE)
