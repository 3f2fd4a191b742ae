"""What this machine offers the course: one check a subject, asked without loading TensorFlow.

No sentence of a check that is content names a path of this machine or a number that is another
one in the next run, so that a notebook can show it and be stored.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import cxrlab
from cxrlab import hosts
from cxrlab.choices import choose
from cxrlab.errors import CXRLabError
from cxrlab.files import workspace_root
from cxrlab.training import cpu_multiplies_bfloat16

OK, NOTE, PROBLEM = "ok", "note", "problem"

# The libraries behind the network, and the names they are installed by.
TENSORFLOW = ("tensorflow", "tensorflow-cpu")
LIBRARIES = {
    "TensorFlow": TENSORFLOW,
    "Keras": ("keras",),
    "Keras Tuner": ("keras-tuner",),
    "TensorBoard": ("tensorboard",),
}
MEMORY_NEEDED = 2.0  # GB: TensorFlow takes 0.7, training the network most of the rest
DISK_NEEDED = 1.0  # GB: phantoms, decoded X-rays, models

WHAT_IS_KEPT = {
    hosts.COLAB: "What you make goes with the session, unless ON_DRIVE in the first cell is True.",
    hosts.KAGGLE: "Save a version of the notebook to keep what you make.",
    hosts.BINDER: "Nothing is kept here: download what you want to keep.",
}
# How to come by a GPU, by host; on a computer of one's own, by system.
TO_GET_A_GPU = {
    hosts.COLAB: "Runtime › Change runtime type › a GPU, then run the notebook from its top.",
    hosts.KAGGLE: "Settings › Accelerator (wants an account with a verified phone number).",
    hosts.BINDER: "Binder has none. Google Colab and Kaggle offer one.",
    "Windows": "TensorFlow uses a GPU under WSL2 only, not in Windows itself.",
    "Darwin": "TensorFlow for macOS uses the processor.",
}


class Finding(NamedTuple):
    """What was seen of a subject. ``state`` is ``ok``, ``note`` (works, but) or ``problem``."""

    subject: str
    state: str
    seen: str
    advice: str = ""


def examine(data: str | Path | None = None, gpu: bool = False) -> list[Finding]:
    """Look at the host, Python, libraries, hardware, data, workspace and kernel.

    ``data`` defaults to the reader's choice. ``gpu`` also asks TensorFlow, in a process of its
    own, whether it sees a GPU; that takes some seconds.
    """
    checks: dict[str, Callable[[], tuple[str, ...]]] = {
        "Host": check_host,
        "Python": check_python,
        **{name: partial(check_library, name) for name in LIBRARIES},
        "Versions": check_versions,
        "GPU": check_gpu,
        **({"TensorFlow's GPUs": ask_tensorflow} if gpu else {}),
        "Memory": check_memory,
        "Disk": check_disk,
        "Processor": check_processor,
        "Data": partial(check_data, data),
        "Workspace": check_workspace,
        "Jupyter kernel": check_kernel,
    }
    findings = []
    for subject, check in checks.items():
        try:
            findings.append(Finding(subject, *check()))
        except ImportError as error:
            advice = 'The installation is incomplete: pip install "cxrlab[tf-cpu]"'
            findings.append(Finding(subject, PROBLEM, f"not looked at: {error}", advice))
        except CXRLabError as error:
            findings.append(Finding(subject, PROBLEM, str(error)))
    return findings


def verdict(findings: Iterable[Finding]) -> str:
    """One line for all of them."""
    problems = [finding.subject for finding in findings if finding.state == PROBLEM]
    if problems:
        return f"Not ready: look at {', '.join(problems)}."
    return "Ready: the course runs here."


def show() -> None:
    """Print the findings and the verdict in a notebook."""
    findings = examine()
    width = max(len(finding.subject) for finding in findings)
    for subject, state, seen, advice in findings:
        print(f"{state:8}{subject:{width}}  {seen}")
        if advice:
            print(f"{'':{width + 8}}  {advice}")
    print(verdict(findings))


# Each check returns a state, what was seen and, where something is to be done, advice.


def check_host() -> tuple[str, ...]:
    """Whose machine this is, and what it keeps."""
    here = hosts.host()
    return OK, here, WHAT_IS_KEPT.get(here, "")


def check_python() -> tuple[str, ...]:
    """Python's version and the course's."""
    seen = f"{platform.python_version()}, with CXRLab {cxrlab.__version__}"
    if (3, 11) <= sys.version_info < (3, 14):
        return OK, seen
    return PROBLEM, seen, "Use Python 3.11, 3.12 or 3.13."


def check_library(name: str) -> tuple[str, ...]:
    """A library's version. TensorFlow's comes under more than one name."""
    version = first_version(LIBRARIES[name])
    if version:
        return OK, version
    return PROBLEM, "not installed", 'Install it with: pip install "cxrlab[tf-cpu]"'


def check_versions() -> tuple[str, ...]:
    """Whether each of the libraries has the versions that it and CXRLab ask for."""
    unmet = list(unmet_requirements())
    if not unmet:
        return OK, "go together"
    advice = 'Let pip choose them anew: pip install --upgrade "cxrlab[tf-cpu]"'
    return PROBLEM, "; ".join(unmet), advice


def unmet_requirements() -> Iterator[str]:
    """Sentences on what the installed CXRLab and its libraries ask for and do not find.

    What a library asks for is read from what it was installed with. A library that is missing
    altogether has a line of its own in the report and is left out here.
    """
    from packaging.requirements import Requirement

    libraries = {name for names in LIBRARIES.values() for name in names}
    for name in ("cxrlab", *sorted(libraries)):
        version = first_version((name,))
        for line in (metadata.requires(name) or []) if version else []:
            wanted = Requirement(line)
            extra = "tf" if name == "cxrlab" else ""
            if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
                continue
            found = first_version(TENSORFLOW if wanted.name in TENSORFLOW else (wanted.name,))
            if found is None and wanted.name not in libraries:
                yield f"{name} {version} needs {wanted.name}, which is not installed"
            elif found and not wanted.specifier.contains(found, prereleases=True):
                yield f"{name} {version} needs {wanted.name}{wanted.specifier}, not {found}"


def first_version(names: Iterable[str]) -> str | None:
    """The version of the first of these distributions that is installed, None without any."""
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def check_gpu() -> tuple[str, ...]:
    """NVIDIA GPUs that the driver lists and TensorFlow can use, or how to come by one."""
    system = platform.system()
    listed = _output(["nvidia-smi", "-L"]).splitlines()
    gpus = "; ".join(line.split(" (")[0] for line in listed if line.startswith("GPU"))
    if not gpus:
        advice = TO_GET_A_GPU.get(hosts.host()) or TO_GET_A_GPU.get(system, "")
        return OK, "no NVIDIA GPU: the class budget is made for that", advice
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return NOTE, gpus, "Unset CUDA_VISIBLE_DEVICES, which hides it from TensorFlow."
    if system != "Linux":
        return NOTE, gpus, TO_GET_A_GPU.get(system, "")
    if first_version(("tensorflow",)):
        return OK, gpus, "Does TensorFlow use it? cxrlab doctor --gpu"
    advice = 'TensorFlow for the CPU only is installed: pip install "cxrlab[tf,cuda]"'
    return NOTE, gpus, advice


def ask_tensorflow() -> tuple[str, ...]:
    """How many GPUs TensorFlow itself sees, from a process of its own."""
    code = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
    answer = _output([sys.executable, "-c", code]).split()
    if answer and answer[-1].isdigit():
        return OK, answer[-1]
    advice = 'Install it again: pip install --force-reinstall "cxrlab[tf-cpu]"'
    return PROBLEM, "TensorFlow does not load", advice


def _output(command: list[str]) -> str:
    """What a command prints; nothing where it fails or takes more than a minute."""
    quiet = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        return subprocess.check_output(command, text=True, timeout=60, **quiet)
    except (OSError, subprocess.SubprocessError):
        return ""


def check_memory() -> tuple[str, ...]:
    """What this process may still take."""
    memory = hosts.memory_here()
    free = memory.available / hosts.GIGABYTE
    if free >= MEMORY_NEEDED:
        return OK, f"more than {MEMORY_NEEDED:.0f} GB free"
    advice = f"Close other programs: training wants {MEMORY_NEEDED:.0f} GB."
    if hosts.host() == hosts.BINDER:
        advice = "Binder gives 2 GB at the most: trainings take small batches here."
    return NOTE, f"{free:.1f} GB free of {memory.total / hosts.GIGABYTE:.1f} GB", advice


def check_disk() -> tuple[str, ...]:
    """Free space where the workspace is, or will be."""
    free = shutil.disk_usage(_existing(workspace_root())).free / hosts.GIGABYTE
    if free >= DISK_NEEDED:
        return OK, f"more than {DISK_NEEDED:.0f} GB free"
    advice = f"Free some space ({DISK_NEEDED:.0f} GB), or set CXRLAB_WORKSPACE to another disk."
    return PROBLEM, f"{free:.1f} GB free", advice


def check_processor() -> tuple[str, ...]:
    """The cores that this process may use, and whether they multiply bfloat16."""
    linux = platform.system() == "Linux"
    cores = f"{len(os.sched_getaffinity(0)) if linux else os.cpu_count()} cores"
    if cpu_multiplies_bfloat16():
        return OK, f"{cores}, multiplies bfloat16 in hardware (faster training)"
    return OK, f"{cores}, no bfloat16 seen (training in float32)"


def check_data(data: str | Path | None = None) -> tuple[str, ...]:
    """Phantoms, or a folder and which sources it holds. `cxrlab data status` reads the images."""
    from cxrlab.sources import ADULTS, SOURCES, covid, filled_by, is_phantom, kermany, sources_in

    choice = choose(data)
    folder = choice.folder
    if folder is None:
        return OK, "phantoms"
    named = f"{folder.name} ({choice.in_words})"
    if not folder.is_dir():
        advice = f"Name another folder ({choice.by}), or leave it out for phantoms."
        return PROBLEM, f"{named} is no folder", advice
    there = sources_in(folder)
    held = ", ".join(name for name in there if name in SOURCES) or "none of the sources"
    absent = ", ".join(name for name in SOURCES if name not in there)
    seen = f"{'phantoms in ' if is_phantom(folder) else ''}{named}: {held}"
    seen += f" (no {absent})" if absent else ""
    if covid.NAME not in there or len(there) < 2:
        normals = f"{kermany.NAME}/ (or another source of normals)"
        return PROBLEM, seen, f"It should hold {covid.NAME}/ and {normals}."
    if not (folder / covid.NAME / "metadata.csv").is_file():
        return PROBLEM, seen, f"{covid.NAME}/ lacks its metadata.csv."
    adults = filled_by(ADULTS, there)
    if not adults:
        advice = "Notebooks 06 and 07 need adults: `cxrlab data fetch external` brings some."
        return NOTE, seen, advice
    return OK, seen if adults[0] in SOURCES else f"{seen}, adults of {', '.join(adults)}"


def check_workspace() -> tuple[str, ...]:
    """Whether the workspace, or the folder in which it will be made, can be written."""
    folder = workspace_root()
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)):
            return OK, "can be written"
    except OSError as error:
        advice = "Set CXRLAB_WORKSPACE to a folder of yours."
        return PROBLEM, f"{folder} cannot be written ({error.strerror})", advice


def _existing(folder: Path) -> Path:
    """``folder``, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def check_kernel() -> tuple[str, ...]:
    """Whether the kernel that Jupyter calls python3 is this Python."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    advice = "Start JupyterLab with cxrlab lab, which sees to it."
    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return NOTE, "none called python3", advice
    # A bare name is looked up in the environment that starts Jupyter: this one.
    if not os.path.dirname(program) or os.path.abspath(program) == sys.executable:
        return OK, "python3 is this environment"
    return NOTE, f"python3 is another Python: {program}", advice
