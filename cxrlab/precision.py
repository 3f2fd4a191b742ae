"""Which number format to train in, asked of the device and not assumed."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cxrlab.errors import CXRLabError

POLICIES = {
    "float32": "float32",
    "bfloat16": "mixed_bfloat16",
    "float16": "mixed_float16",
}


def choose_precision(wanted: str = "auto") -> tuple[str, str]:
    """Give the precision to train in and the reason in words.

    ``wanted`` is ``auto``, ``float32``, ``bfloat16`` or ``float16``. ``auto`` takes float16 on
    NVIDIA GPUs with tensor cores (compute capability 7 and up), bfloat16 on processors that
    multiply it in hardware, and float32 everywhere else, where the short formats are slower.

    Raises :class:`CXRLabError` for any other word.
    """
    if wanted in POLICIES:
        return wanted, "as asked"
    if wanted != "auto":
        raise CXRLabError(
            f"Precision {wanted!r} is unknown. Choose auto, {', '.join(POLICIES)} (--precision)."
        )
    capability = _gpu_capability()
    if capability is not None:
        if capability >= 7:
            return "float16", "the GPU has tensor cores"
        return "float32", "not every GPU says that it has tensor cores"
    if cpu_multiplies_bfloat16():
        return "bfloat16", "the processor multiplies bfloat16 in hardware"
    return "float32", "the processor does not multiply bfloat16 in hardware"


@contextmanager
def precision_policy(name: str) -> Iterator[None]:
    """Build layers in this precision inside the block, and as before after it."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[name])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def cpu_multiplies_bfloat16() -> bool:
    """Whether this processor says that it has AVX512-BF16 or AMX-BF16 (Linux on x86-64 only)."""
    if platform.system() != "Linux":
        return False
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return bool({"avx512_bf16", "amx_bf16"} & set(flags.split()))


def _gpu_capability() -> int | None:
    """The lowest major compute capability of the GPUs, 0 where one does not say, None without any.

    Several GPUs train together, so the oldest decides.
    """
    import tensorflow as tf

    details = tf.config.experimental.get_device_details
    gpus = tf.config.list_physical_devices("GPU")
    return min((details(gpu).get("compute_capability", (0, 0))[0] for gpu in gpus), default=None)
