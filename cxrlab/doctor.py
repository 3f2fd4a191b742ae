"""What this machine offers the course, asked without loading TensorFlow."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

import cxrlab
from cxrlab.files import workspace_root
from cxrlab.memory import GIGABYTE, memory_here
from cxrlab.precision import cpu_multiplies_bfloat16

MEMORY_NEEDED = 2.0  # GB: TensorFlow takes 0.7, training the network most of the rest
DISK_NEEDED = 1.0  # GB: phantoms, decoded X-rays, models

# The libraries behind the network, and the names they are installed by.
LIBRARIES = {
    "TensorFlow": ("tensorflow", "tensorflow-cpu"),
    "Keras": ("keras",),
    "Keras Tuner": ("keras-tuner",),
    "TensorBoard": ("tensorboard",),
}

OK, NOTE, PROBLEM = "ok", "note", "problem"


@dataclass(frozen=True)
class Finding:
    """One line of the report. ``state`` is ``ok``, ``note`` (works, but) or ``problem``."""

    subject: str
    seen: str
    state: str = OK
    advice: str = ""


def examine(data: str | Path | None = None, gpu: bool = False) -> list[Finding]:
    """Look at Python, libraries, hardware, data, workspace and kernel.

    ``data`` defaults to ``CXRLAB_DATA``, then to phantoms. ``gpu`` also asks TensorFlow, in a
    process of its own, whether it sees a GPU; that takes some seconds.
    """
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("Python", python_finding),
        *((name, partial(library_finding, name)) for name in LIBRARIES),
        ("GPU", graphics_finding),
        *([("TensorFlow's GPUs", tensorflow_gpu_finding)] if gpu else []),
        ("Memory", memory_finding),
        ("Disk", disk_finding),
        ("Processor", processor_finding),
        ("Data", partial(data_finding, data)),
        ("Workspace", workspace_finding),
        ("Jupyter kernel", kernel_finding),
        ("JupyterLab", lab_finding),
    ]
    return [_found(subject, check) for subject, check in checks]


def _found(subject: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except ImportError as error:
        advice = 'The installation is incomplete: pip install "cxrlab[tf-cpu]"'
        return Finding(subject, f"not looked at: {error}", PROBLEM, advice)


def verdict(findings: Iterable[Finding]) -> str:
    """One line for all of them."""
    problems = [finding.subject for finding in findings if finding.state == PROBLEM]
    if problems:
        return f"Not ready: look at {', '.join(problems)}."
    return "Ready: the course runs here."


def python_finding() -> Finding:
    seen = f"{platform.python_version()} at {sys.executable}, with CXRLab {cxrlab.__version__}"
    if (3, 11) <= sys.version_info < (3, 14):
        return Finding("Python", seen)
    return Finding("Python", seen, PROBLEM, "Use Python 3.11, 3.12 or 3.13.")


def library_finding(name: str) -> Finding:
    """A library's version. TensorFlow's comes under more than one name."""
    version = first_version(LIBRARIES[name])
    if version:
        return Finding(name, version)
    advice = 'Install it with: pip install "cxrlab[tf-cpu]"'
    return Finding(name, "not installed", PROBLEM, advice)


def graphics_finding() -> Finding:
    """NVIDIA GPUs that the driver lists."""
    program = shutil.which("nvidia-smi")
    listed = _output([program, "-L"]) if program else ""
    gpus = [line.split(" (")[0] for line in listed.splitlines() if line.startswith("GPU")]
    if not gpus:
        return Finding("GPU", "no NVIDIA GPU: the class budget is made for that")
    if first_version(("tensorflow",)):
        advice = "See whether TensorFlow uses it: cxrlab doctor --gpu"
        return Finding("GPU", "; ".join(gpus), advice=advice)
    advice = 'TensorFlow for the CPU only is installed: pip install "cxrlab[tf,cuda]"'
    return Finding("GPU", "; ".join(gpus), NOTE, advice)


def tensorflow_gpu_finding() -> Finding:
    """What TensorFlow itself says, from a process of its own."""
    code = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
    answer = _output([sys.executable, "-c", code], {"TF_CPP_MIN_LOG_LEVEL": "3"}).split()
    if not answer or not answer[-1].isdigit():
        advice = 'Install it again: pip install --force-reinstall "cxrlab[tf-cpu]"'
        return Finding("TensorFlow's GPUs", "TensorFlow does not load", PROBLEM, advice)
    return Finding("TensorFlow's GPUs", answer[-1])


def memory_finding() -> Finding:
    memory = memory_here()
    free = memory.available / GIGABYTE
    seen = f"{free:.1f} GB free of {memory.total / GIGABYTE:.1f} GB"
    if free >= MEMORY_NEEDED:
        return Finding("Memory", seen)
    advice = f"Close other programs: training wants {MEMORY_NEEDED:.0f} GB."
    return Finding("Memory", seen, NOTE, advice)


def disk_finding() -> Finding:
    """Free space where the workspace is, or will be."""
    free = shutil.disk_usage(_existing(workspace_root())).free / GIGABYTE
    if free >= DISK_NEEDED:
        return Finding("Disk", f"{free:.1f} GB free")
    advice = f"Free some space ({DISK_NEEDED:.0f} GB), or set CXRLAB_WORKSPACE to another disk."
    return Finding("Disk", f"{free:.1f} GB free", PROBLEM, advice)


def processor_finding() -> Finding:
    """The cores that this process may use, and whether they multiply bfloat16."""
    linux = platform.system() == "Linux"
    seen = f"{len(os.sched_getaffinity(0)) if linux else os.cpu_count()} cores"
    if cpu_multiplies_bfloat16():
        return Finding("Processor", f"{seen}, multiplies bfloat16 in hardware (faster training)")
    return Finding("Processor", f"{seen}, no bfloat16 seen (training in float32)")


def data_finding(data: str | Path | None = None) -> Finding:
    """Phantoms, or a folder and which of the three sources it holds."""
    from cxrlab.sources import SOURCES, STAMP, covid, kermany

    named = data or os.environ.get("CXRLAB_DATA")
    if not named:
        made = (workspace_root() / "phantoms" / STAMP).is_file()
        return Finding("Data", "phantoms, " + ("made" if made else "to be made when first needed"))
    folder = Path(named).expanduser()
    if not folder.is_dir():
        advice = "Name another folder (--data or CXRLAB_DATA), or leave it out for phantoms."
        return Finding("Data", f"{folder} is no folder", PROBLEM, advice)
    present = [name for name in SOURCES if (folder / name).is_dir()]
    absent = [name for name in SOURCES if name not in present]
    seen = f"{folder}: {', '.join(present) or 'none of the sources'}"
    if covid.NAME not in present or len(present) < 2:
        advice = f"It should hold {covid.NAME}/ and {kermany.NAME}/ (or another source of normals)."
        return Finding("Data", seen, PROBLEM, advice)
    return Finding("Data", seen + (f" (no {', '.join(absent)})" if absent else ""))


def workspace_finding() -> Finding:
    """Whether the workspace, or the folder in which it will be made, can be written."""
    folder = workspace_root()
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)):
            return Finding("Workspace", str(folder))
    except OSError as error:
        seen = f"{folder} cannot be written ({error.strerror})"
        return Finding("Workspace", seen, PROBLEM, "Set CXRLAB_WORKSPACE to a folder of yours.")


def kernel_finding() -> Finding:
    """Whether the kernel that Jupyter calls python3 is this Python."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    advice = "Start JupyterLab with cxrlab lab, which sees to it."
    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return Finding("Jupyter kernel", "none called python3", NOTE, advice)
    # A bare name is looked up in the environment that starts Jupyter: this one.
    if not os.path.dirname(program) or os.path.abspath(program) == sys.executable:
        return Finding("Jupyter kernel", "python3 is this environment")
    return Finding("Jupyter kernel", f"python3 is another Python: {program}", NOTE, advice)


def lab_finding() -> Finding:
    version = first_version(("jupyterlab",))
    if version:
        return Finding("JupyterLab", version)
    advice = 'For cxrlab lab: pip install "cxrlab[lab]"'
    return Finding("JupyterLab", "not installed", NOTE, advice)


def first_version(names: Iterable[str]) -> str | None:
    """The version of the first of these distributions that is installed, None without any."""
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def _existing(folder: Path) -> Path:
    """``folder``, or the nearest one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder


def _output(command: list[str], environment: dict[str, str] | None = None) -> str:
    """What a command prints; nothing where it fails or takes more than a minute."""
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
