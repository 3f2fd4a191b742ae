"""On whose machine the course runs, where that machine keeps files, and how much memory it gives.

Colab and Kaggle start every session on a fresh machine, with a folder of their own for what a
reader makes. On Colab even that goes when the machine is reset; Google Drive stays.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path, PurePosixPath

from cxrlab.errors import CXRLabError

KAGGLE, COLAB, BINDER, OWN = "Kaggle", "Google Colab", "Binder", "a computer of your own"

# What each host sets in the environment, and so in every command started from a notebook. Kaggle
# comes first: its machines are made from Colab's image.
SIGNS = {
    KAGGLE: ("KAGGLE_KERNEL_RUN_TYPE",),
    COLAB: ("COLAB_RELEASE_TAG", "COLAB_GPU"),
    BINDER: ("BINDER_LAUNCH_HOST", "BINDER_SERVICE_HOST"),
}
# Where a host shows and keeps what a reader makes. Kaggle saves it with a version of the notebook.
KEPT = {KAGGLE: PurePosixPath("/kaggle/working"), COLAB: PurePosixPath("/content")}
WORKSPACE = "cxrlab-workspace"

GIGABYTE = 1e9
SHORT_MEMORY = 4 * GIGABYTE  # with less in all, a training takes small batches
# What a container (Binder, Kubernetes, Slurm) may take and holds, in control groups 2 and 1.
CGROUPS = Path("/sys/fs/cgroup")
CGROUP_FILES = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)


def host() -> str:
    """The host's name: :data:`KAGGLE`, :data:`COLAB`, :data:`BINDER`, or else :data:`OWN`."""
    for name, signs in SIGNS.items():
        if any(sign in os.environ for sign in signs):
            return name
    return COLAB if "google.colab" in sys.modules else OWN


def workspace_here() -> Path:
    """The workspace folder where ``CXRLAB_WORKSPACE`` names none: the host's, or the home's."""
    return Path(KEPT.get(host()) or Path.home()) / WORKSPACE


def keep_work(on_drive: bool = False) -> None:
    """Say where this host keeps the reader's work; on Colab, ``on_drive`` puts it in their Drive.

    It holds for this notebook and the commands that it starts. Raises :class:`CXRLabError` where
    Colab is not allowed to.
    """
    if on_drive and host() != COLAB:
        print(f"Google Drive can be reached from Google Colab only. This is {host()}.")
    elif on_drive:
        from google.colab import drive

        try:
            drive.mount("/content/drive")
        except Exception as error:  # Colab's own kinds, which differ between its versions
            raise CXRLabError(
                f"Google Drive was not opened ({error!r}). Run the cell again and allow it, or set "
                "ON_DRIVE to False to keep your work on Colab's machine."
            ) from error
        os.environ["CXRLAB_WORKSPACE"] = f"/content/drive/MyDrive/{WORKSPACE}"
    print(f"What you make is kept in {os.environ.get('CXRLAB_WORKSPACE') or workspace_here()}.")


def memory_here() -> tuple[float, float]:
    """Bytes that this process may take now, and in all: the machine's, or what its container
    leaves of them, or ``CXRLAB_MEMORY`` (in GB; :class:`CXRLabError` where that is no number).
    """
    import psutil

    machine = psutil.virtual_memory()
    limits = [(machine.total, machine.total - machine.available)]  # and how much is in use
    for names in CGROUP_FILES:
        with suppress(OSError, ValueError):  # no such file, or "max": no limit
            limit, used = (float((CGROUPS / name).read_text()) for name in names)
            limits.append((limit, used))
    if said := os.environ.get("CXRLAB_MEMORY"):
        try:
            limits.append((float(said) * GIGABYTE, psutil.Process().memory_info().rss))
        except ValueError as error:
            seen = f"CXRLAB_MEMORY is {said!r}, not a number of GB, such as 1.9."
            raise CXRLabError(seen) from error
    free = min(max(limit - used, 0) for limit, used in limits)
    return free, min(limit for limit, _ in limits)


def is_memory_short() -> bool:
    """Whether this machine has less than 4 GB in all, as Binder has."""
    return memory_here()[1] < SHORT_MEMORY
