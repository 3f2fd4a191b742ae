"""The doctor on versions that do not go together, and on GPUs of every kind."""

from __future__ import annotations

import importlib.metadata
import re
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from cxrlab import doctor, hosts
from cxrlab.doctor import machine, place, versions


@pytest.fixture(autouse=True)
def own_computer(monkeypatch):
    """Whatever machine the tests run on, the host is said by the test."""
    monkeypatch.setattr(hosts, "host", lambda: hosts.OWN)


def with_versions(monkeypatch, **changed):
    """Other versions than those installed; None for what is not."""
    changed = {name.replace("_", "-"): version for name, version in changed.items()}
    real = importlib.metadata.version

    def version(name):
        name = name.replace("_", "-")
        if changed.get(name, "") is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return changed.get(name) or real(name)

    monkeypatch.setattr(versions.metadata, "version", version)


def test_the_installed_versions_go_together():
    assert list(versions.unmet_requirements()) == []
    assert versions.together_finding().state == doctor.OK


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [
        ("keras", "3.0.0", "cxrlab .* needs keras>=3.8, not 3.0.0"),
        ("numpy", "1.26.4", "cxrlab .* needs numpy>=2.0, not 1.26.4"),
        ("keras_tuner", "1.0.0", "needs keras-tuner>=1.4.7, not 1.0.0"),
        ("pandas", None, "needs pandas, which is not installed"),
    ],
)
def test_versions_that_do_not_go_together_are_named(name, version, said, monkeypatch):
    with_versions(monkeypatch, **{name: version})
    finding = versions.together_finding()
    assert finding.state == doctor.PROBLEM
    assert any(re.search(said, line) for line in finding.seen.split("; "))


def test_what_tensorflow_itself_asks_for_is_looked_at(monkeypatch):
    name = next(n for n in versions.TENSORFLOW if versions.first_version((n,)))
    wanted = next(
        Requirement(line)
        for line in importlib.metadata.requires(name)
        if line.replace("-", "_").startswith("ml_dtypes")
    )
    with_versions(monkeypatch, **{wanted.name.replace("-", "_"): "0.0.1"})
    assert any(
        line.startswith(f"{name} ") and wanted.name in line and line.endswith("not 0.0.1")
        for line in versions.unmet_requirements()
    )


def test_a_library_that_is_missing_is_said_once(monkeypatch):
    with_versions(monkeypatch, keras_tuner=None)
    assert versions.together_finding().state == doctor.OK
    assert versions.library_finding("Keras Tuner").state == doctor.PROBLEM


@pytest.fixture
def smi(monkeypatch):
    """A driver with one GPU, on Linux, and TensorFlow for GPUs."""
    said = SimpleNamespace(cards="GPU 0: A card (UUID: GPU-1)")
    monkeypatch.setattr(machine.shutil, "which", lambda name: name)
    monkeypatch.setattr(machine, "_output", lambda *_: said.cards)
    monkeypatch.setattr(machine.platform, "system", lambda: "Linux")
    monkeypatch.setattr(machine, "first_version", lambda names: "2.20.0")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return said


def test_a_gpu_that_tensorflow_can_use(smi):
    finding = machine.graphics_finding()
    assert (finding.seen, finding.state) == ("GPU 0: A card", doctor.OK)


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_a_gpu_that_is_hidden(hidden, smi, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert "CUDA_VISIBLE_DEVICES" in machine.graphics_finding().advice


def test_a_gpu_that_windows_keeps_from_tensorflow(smi, monkeypatch):
    monkeypatch.setattr(machine.platform, "system", lambda: "Windows")
    assert "WSL2" in machine.graphics_finding().advice


def test_a_gpu_and_tensorflow_for_the_cpu(smi, monkeypatch):
    monkeypatch.setattr(machine, "first_version", lambda names: None)
    assert "cxrlab[tf,cuda]" in machine.graphics_finding().advice


def test_a_driver_that_lists_nothing(smi):
    smi.cards = ""
    finding = machine.graphics_finding()
    assert (finding.state, "driver" in finding.advice) == (doctor.NOTE, True)


@pytest.mark.parametrize(
    ("host", "word"),
    [(hosts.COLAB, "Change runtime type"), (hosts.KAGGLE, "Accelerator"), (hosts.BINDER, "none")],
)
def test_without_a_gpu_the_advice_is_the_hosts(host, word, smi, monkeypatch):
    smi.cards = ""
    monkeypatch.setattr(hosts, "host", lambda: host)
    finding = machine.graphics_finding()
    assert (finding.state, word in finding.advice) == (doctor.OK, True)
    assert place.host_finding().seen == host
    assert place.host_finding().advice
