"""GPU, memory, disk and processor."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from cxrlab import hosts
from cxrlab.doctor.finding import NOTE, PROBLEM, Finding
from cxrlab.doctor.versions import first_version
from cxrlab.files import workspace_root
from cxrlab.hosts import GIGABYTE, memory_here
from cxrlab.training import cpu_multiplies_bfloat16

MEMORY_NEEDED = 2.0  # GB: TensorFlow takes 0.7, training the network most of the rest
DISK_NEEDED = 1.0  # GB: phantoms, decoded X-rays, models

# How to come by a GPU, by host; on a computer of one's own, by system.
TO_GET_A_GPU = {
    hosts.COLAB: "Runtime › Change runtime type › a GPU, then run the notebook from its top.",
    hosts.KAGGLE: "Settings › Accelerator (wants an account with a verified phone number).",
    hosts.BINDER: "Binder has none. Google Colab and Kaggle offer one.",
}
ON_SYSTEM = {
    "Windows": "TensorFlow uses a GPU under WSL2 only, not in Windows itself.",
    "Darwin": "TensorFlow for macOS uses the processor.",
}


def graphics_finding() -> Finding:
    """NVIDIA GPUs that the driver lists and TensorFlow can use, or why there is none."""
    program = shutil.which("nvidia-smi")
    listed = _output([program, "-L"]) if program else ""
    gpus = [line.split(" (")[0] for line in listed.splitlines() if line.startswith("GPU")]
    if not gpus:
        return _without_gpu(driver=program is not None)
    seen = "; ".join(gpus)
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and hidden.strip() in ("", "-1"):
        advice = "Unset CUDA_VISIBLE_DEVICES, which hides it from TensorFlow."
        return Finding("GPU", seen, NOTE, advice)
    if platform.system() != "Linux":
        return Finding("GPU", seen, NOTE, ON_SYSTEM.get(platform.system(), ""))
    if first_version(("tensorflow",)):
        return Finding("GPU", seen, advice="Does TensorFlow use it? cxrlab doctor --gpu")
    advice = 'TensorFlow for the CPU only is installed: pip install "cxrlab[tf,cuda]"'
    return Finding("GPU", seen, NOTE, advice)


def _without_gpu(driver: bool) -> Finding:
    here = hosts.host()
    if driver and here == hosts.OWN:
        advice = "Run nvidia-smi to see what it says, and install the driver again."
        return Finding("GPU", "NVIDIA's driver is here and lists none", NOTE, advice)
    seen = "no NVIDIA GPU: the class budget is made for that"
    advice = TO_GET_A_GPU.get(here) or ON_SYSTEM.get(platform.system(), "")
    return Finding("GPU", seen, advice=advice)


def tensorflow_gpu_finding() -> Finding:
    """What TensorFlow itself says, from a process of its own."""
    code = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
    answer = _output([sys.executable, "-c", code]).split()
    if not answer or not answer[-1].isdigit():
        advice = 'Install it again: pip install --force-reinstall "cxrlab[tf-cpu]"'
        return Finding("TensorFlow's GPUs", "TensorFlow does not load", PROBLEM, advice)
    return Finding("TensorFlow's GPUs", answer[-1])


def memory_finding() -> Finding:
    memory = memory_here()
    free = memory.available / GIGABYTE
    seen = f"{free:.1f} GB free of {memory.total / GIGABYTE:.1f} GB"
    if free >= MEMORY_NEEDED:
        return Finding("Memory", seen, brief=f"more than {MEMORY_NEEDED:.0f} GB free")
    advice = f"Close other programs: training wants {MEMORY_NEEDED:.0f} GB."
    if hosts.host() == hosts.BINDER:
        advice = "Binder gives 2 GB at the most: trainings take small batches here."
    return Finding("Memory", seen, NOTE, advice)


def disk_finding() -> Finding:
    """Free space where the workspace is, or will be."""
    free = shutil.disk_usage(existing(workspace_root())).free / GIGABYTE
    if free >= DISK_NEEDED:
        brief = f"more than {DISK_NEEDED:.0f} GB free"
        return Finding("Disk", f"{free:.1f} GB free", brief=brief)
    advice = f"Free some space ({DISK_NEEDED:.0f} GB), or set CXRLAB_WORKSPACE to another disk."
    return Finding("Disk", f"{free:.1f} GB free", PROBLEM, advice)


def processor_finding() -> Finding:
    """The cores that this process may use, and whether they multiply bfloat16."""
    linux = platform.system() == "Linux"
    seen = f"{len(os.sched_getaffinity(0)) if linux else os.cpu_count()} cores"
    if cpu_multiplies_bfloat16():
        return Finding("Processor", f"{seen}, multiplies bfloat16 in hardware (faster training)")
    return Finding("Processor", f"{seen}, no bfloat16 seen (training in float32)")


def existing(folder: Path) -> Path:
    """``folder``, or the nearest one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder


def _output(command: list[str]) -> str:
    """What a command prints; nothing where it fails or takes more than a minute."""
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            stdin=subprocess.DEVNULL,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
