"""Precision is a policy with a reason, and makes no difference to what a network learns."""

from __future__ import annotations

import numpy as np
import pytest

from cxrlab import precision
from cxrlab.budgets import get_budget
from cxrlab.callbacks import progress_callback
from cxrlab.cases import prepare
from cxrlab.evaluation import confusion, roc_auc
from cxrlab.pipeline import decode
from cxrlab.splits import split_by_patient, subsample
from cxrlab.training import predict, train

CPUINFO = "processor\t: 0\nflags\t\t: fpu sse2 avx512f {}\nbugs\t\t: none\n"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("avx512_bf16", True), ("amx_bf16 amx_tile", True), ("amx_int8 avx512_vnni", False)],
)
def test_the_processor_is_read_from_its_flags(monkeypatch, tmp_path, flags, expected):
    (tmp_path / "cpuinfo").write_text(CPUINFO.format(flags))
    monkeypatch.setattr(precision.platform, "system", lambda: "Linux")
    monkeypatch.setattr(precision, "Path", lambda path: tmp_path / "cpuinfo")
    assert precision.cpu_multiplies_bfloat16() is expected


@pytest.mark.parametrize(
    ("gpus", "expected"), [([], None), ([8], 8), ([8, 6], 6), ([None], 0), ([7, 9], 7)]
)
def test_the_oldest_gpu_decides(monkeypatch, gpus, expected):
    import tensorflow as tf

    def details(major):
        return {} if major is None else {"compute_capability": (major, 5)}

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", details)
    assert precision._gpu_capability() == expected


def test_the_precision_and_its_reason_come_back_and_are_shown(capsys):
    name, reason = precision.choose_precision("float32")
    shown = progress_callback(3, f" in {name} ({reason})")
    shown.on_train_begin()
    shown.on_epoch_begin(0)
    shown.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.25})
    shown.on_train_end()
    line = "1 epoch in float32 (as asked) · loss 0.500, validation loss 0.250"
    assert line in capsys.readouterr().err


@pytest.mark.training
def test_metrics_agree_between_precisions_within_the_spread_of_their_seeds(course_phantoms):
    """Three seeds each at the class budget, in float32 and in bfloat16."""
    prepared, budget = prepare(course_phantoms), get_budget("class")
    split = split_by_patient(prepared.cases, 0, together=prepared.near)
    xrays = decode(prepared.cases)
    training = xrays.of(subsample(split.train, budget.images, 0))
    validation, test = xrays.of(split.validation), xrays.of(split.test)

    def metrics(name: str, seed: int) -> tuple[float, float, float]:
        done = train(training, validation, budget, seed, precision=name, quiet=True)
        assert done.precision == name
        scores = predict(done.model, test)
        counts = confusion(test.labels, scores, 0.5)
        return counts.recall, counts.specificity, roc_auc(test.labels, scores)

    exact, short = (
        np.array([metrics(name, seed) for seed in range(3)]) for name in ("float32", "bfloat16")
    )
    spread = np.sqrt((exact.var(axis=0, ddof=1) + short.var(axis=0, ddof=1)) / 2)
    # Two means of three differ by 0.82 spreads as a rule: 2 are more than twice that. Where no
    # seed differs from another, a test image or two.
    allowed = np.maximum(2 * spread, 2 / len(test))
    assert (np.abs(exact.mean(axis=0) - short.mean(axis=0)) <= allowed).all(), (exact, short)
