"""How much memory there is to take, and the batch that fits into it.

A container (Binder, Kubernetes, Slurm) may hold a process to less than the machine has. Linux
says so in its control groups, version 1 or 2, and the kernel kills whoever takes more. The
environment variable ``CXRLAB_MEMORY`` (in GB) says so by hand.
"""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cxrlab.errors import CXRLabError
from cxrlab.progress import LiveLine

GIGABYTE = 1e9
CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")
# Version 1 says "no limit" with the largest number of whole pages.
UNLIMITED = 1 << 60

# The published network on one X-ray: the values that each layer passes on, the input included.
# All are kept from the way forward for the way back.
VALUES_KEPT = (
    224 * 224 * 3  # input
    + 222 * 222 * 32  # first convolution
    + 2 * 111 * 111 * 32  # pooling and dropout
    + 109 * 109 * 64
    + 2 * 54 * 54 * 64
    + 52 * 52 * 128
    + 2 * 26 * 26 * 128
)
LARGEST_LAYER = 222 * 222 * 32  # its gradient lives twice on the way back: before and after ReLU
WEIGHTS = 5_631_169
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}

# Bytes: Python with TensorFlow, Keras and what a notebook draws with, before any batch.
LIBRARIES = 900_000_000
RESERVE = 0.15  # share of what could be taken that is left alone, for whatever else may grow

SHORT = 4 * GIGABYTE  # with less than this in all, memory is given back at once
# Where the C library begins to take a piece of memory from the system by itself, and gives it back
# as soon as it is free. Left alone it learns from the first large piece to keep such pieces.
OWN_PIECE = 1_000_000  # bytes
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's names for mallopt

# Of the available memory, for pixels. A training holds them up to three times: as they were read,
# as a part of a split, and inside TensorFlow.
MEMORY_SHARE = 0.25


class Memory(NamedTuple):
    """Bytes: ``available`` to this process now, of ``total`` that it may ever have."""

    available: int
    total: int


def memory_here() -> Memory:
    """The machine's memory, or what the control groups of this process leave of it."""
    import psutil

    machine = psutil.virtual_memory()
    available, total = machine.available, machine.total
    for limit, used in (*_limits(), *_limit_by_hand()):
        available = min(available, max(limit - used, 0))
        total = min(total, limit)
    return Memory(available, total)


def _limit_by_hand() -> Iterator[tuple[int, int]]:
    """What ``CXRLAB_MEMORY`` allows and this process holds of it. Raises :class:`CXRLabError`."""
    import psutil

    said = os.environ.get("CXRLAB_MEMORY")
    if not said:
        return
    try:
        limit = float(said) * GIGABYTE
    except ValueError:
        limit = 0
    if not 0 < limit < UNLIMITED:
        raise CXRLabError(f"CXRLAB_MEMORY is {said!r}, but has to be a number of GB, such as 1.9.")
    yield int(limit), psutil.Process().memory_info().rss


def spare_memory() -> None:
    """Where memory is short, have TensorFlow give back at once what it does not use any more.

    To be called before TensorFlow is loaded. By itself it keeps what it once took, in an allocator
    of its own: that is quicker, but after several trainings it holds twice what one of them needs.
    Without it the C library takes and gives back each large piece. On Linux only.
    """
    if memory_here().total >= SHORT:
        return
    os.environ.setdefault("TF_ONEDNN_USE_SYSTEM_ALLOCATOR", "1")
    change = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if change is not None:
        change(M_MMAP_THRESHOLD, OWN_PIECE)
        change(M_TRIM_THRESHOLD, OWN_PIECE)


def available_memory() -> int:
    """Bytes that this process can still take."""
    return memory_here().available


def clear_away() -> None:
    """Give back what networks hold that nobody uses any more.

    They refer to themselves in circles, and Python looks for such circles the more rarely, the
    more there is in memory: with TensorFlow loaded, after some GB only.
    """
    gc.collect()
    if not gc.get_freeze_count():
        # What is left are the libraries' half a million objects: not to be looked through again.
        gc.freeze()


def is_beyond_memory(needed: int, share: float = MEMORY_SHARE) -> bool:
    """Whether ``needed`` bytes are more than this share of the available memory."""
    return needed > share * available_memory()


def _limits() -> Iterator[tuple[int, int]]:
    """Limit and use, in bytes, of every control group above this process that has a limit."""
    try:
        lines = OWN_CGROUP.read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if not controllers:  # version 2: one hierarchy for everything
            files = ("memory.max", "memory.current", "inactive_file")
            yield from _limits_above(CGROUPS, name, files)
        elif "memory" in controllers.split(","):
            files = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            yield from _limits_above(CGROUPS / "memory", name, files)


def _limits_above(root: Path, name: str, files: tuple[str, str, str]) -> Iterator[tuple[int, int]]:
    """From the group of this process up to ``root``.

    A container often sees its own group as the root, under a name that it cannot see.
    """
    limit_file, used_file, cached = files
    own = root / name.strip("/")
    for group in (own, *own.parents):
        try:
            limit = int((group / limit_file).read_text())
            used = int((group / used_file).read_text())
            said = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            # Files that were read and are not in use count as used, but give way when needed.
            used -= int(said.get(cached, 0))
        except (OSError, ValueError):  # no such group, or no limit: "max"
            limit, used = UNLIMITED, 0
        if limit < UNLIMITED:
            yield limit, used
        if group == root:
            return


def training_need(batch_size: int, precision: str = "float32") -> int:
    """Bytes that training the published network takes beside the libraries: an estimate.

    For each X-ray of a batch the values that every layer passes on, kept for the way back in the
    precision of the training, and the gradient of the largest layer twice, as float32; once the
    weights, their gradients and Adam's two averages. Measured with TensorFlow on a processor:
    1.05 GB (here 1.00) for a batch of 32 in float32, 0.70 GB (here 0.75) in bfloat16.
    """
    gradients = 2 * LARGEST_LAYER * BYTES["float32"]
    image = VALUES_KEPT * BYTES[precision] + gradients
    return batch_size * image + 4 * WEIGHTS * BYTES["float32"]


def predicting_need(batch_size: int) -> int:
    """Bytes that asking the published network takes: two layers at a time, and the weights."""
    return (2 * batch_size * LARGEST_LAYER + WEIGHTS) * BYTES["float32"]


def room_for_batches() -> int:
    """Bytes that this process may fill with batches, whatever part of them it holds already.

    TensorFlow keeps what it once took and uses it again: so what counts is all that the process
    holds and could take, less the libraries (which may still have to be loaded) and a reserve.
    """
    import psutil

    held = psutil.Process().memory_info().rss
    return int((available_memory() + held) * (1 - RESERVE) - LIBRARIES)


def batch_size_that_fits(
    wanted: int, precision: str = "float32", training: bool = True, room: int | None = None
) -> int:
    """``wanted`` images a batch, halved until they fit into ``room`` bytes of memory.

    Left out, the machine is asked (:func:`room_for_batches`). Says in one sentence when it is
    fewer than wanted: another batch size is another training. Never less than one.
    """
    room = room_for_batches() if room is None else room

    def need(size: int) -> int:
        return training_need(size, precision) if training else predicting_need(size)

    size = wanted
    while size > 1 and need(size) > room:
        size //= 2
    if size < wanted:
        free, asked = max(room, 0) / GIGABYTE, need(wanted) / GIGABYTE
        LiveLine().close(
            f"Batches of {size} X-rays instead of {wanted}: there are {free:.1f} GB of memory for "
            f"them, and {wanted} would take about {asked:.1f} GB."
        )
    return size
