"""The doctor: what it finds, what it advises, and what it leaves out of a notebook."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement
from typer.testing import CliRunner

from cxrlab import doctor, hosts
from cxrlab.choices import remember
from cxrlab.cli import app
from cxrlab.running.refresh import PRIVATE


@pytest.fixture(autouse=True)
def own_computer(monkeypatch):
    """Whatever machine the tests run on, the host is said by the test."""
    monkeypatch.setattr(hosts, "host", lambda: hosts.OWN)


def with_versions(monkeypatch, **changed):
    """Other versions than those installed; None for what is not."""
    real = importlib.metadata.version

    def version(name):
        name = name.replace("-", "_")
        if changed.get(name, "") is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return changed.get(name) or real(name)

    monkeypatch.setattr(doctor.metadata, "version", version)


def test_the_doctor_finds_this_environment_ready():
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 0, done.output
    assert done.output.strip().endswith("Ready: the course runs here.")
    for subject in ("Python", "TensorFlow", "Keras Tuner", "Memory", "Disk", "Jupyter kernel"):
        assert subject in done.output
    assert sys.executable in done.output


def test_the_doctor_ends_with_1_and_with_advice_when_something_stands_in_the_way(
    tmp_path, monkeypatch
):
    with_versions(monkeypatch, keras_tuner=None)
    done = CliRunner().invoke(app, ["doctor", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert 'pip install "cxrlab[tf-cpu]"' in done.output
    assert done.output.strip().endswith("Not ready: look at Keras Tuner, Data.")


def test_the_doctor_does_not_load_tensorflow():
    code = (
        "import sys; from cxrlab.doctor import examine; examine(); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_doctor_survives_a_broken_installation(monkeypatch):
    monkeypatch.setitem(sys.modules, "cxrlab.sources", None)
    states = {finding.subject: finding.state for finding in doctor.examine()}
    assert (states["Data"], states["Workspace"]) == (doctor.PROBLEM, doctor.OK)


def test_the_installed_versions_go_together():
    assert doctor.check_versions() == (doctor.OK, "go together")


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [
        ("keras", "3.0.0", "cxrlab .* needs keras>=3.8, not 3.0.0"),
        ("numpy", "1.26.4", "cxrlab .* needs numpy>=2.0, not 1.26.4"),
        ("pandas", None, "needs pandas, which is not installed"),
    ],
)
def test_versions_that_do_not_go_together_are_named(name, version, said, monkeypatch):
    with_versions(monkeypatch, **{name: version})
    state, seen, _ = doctor.check_versions()
    assert state == doctor.PROBLEM
    assert any(re.search(said, line) for line in seen.split("; "))


def test_what_tensorflow_itself_asks_for_is_looked_at(monkeypatch):
    name = next(n for n in doctor.TENSORFLOW if doctor.first_version((n,)))
    wanted = map(Requirement, importlib.metadata.requires(name))
    assert "ml-dtypes" in {entry.name.replace("_", "-") for entry in wanted}
    with_versions(monkeypatch, ml_dtypes="0.0.1")
    unmet = list(doctor.unmet_requirements())
    assert any(line.startswith(f"{name} ") and line.endswith("not 0.0.1") for line in unmet)


def test_a_library_that_is_missing_is_said_once(monkeypatch):
    with_versions(monkeypatch, keras_tuner=None)
    assert doctor.check_versions()[0] == doctor.OK
    assert doctor.check_library("Keras Tuner")[0] == doctor.PROBLEM


@pytest.fixture
def smi(monkeypatch):
    """A driver with one GPU, on Linux, and TensorFlow for GPUs."""
    said = SimpleNamespace(cards="GPU 0: A card (UUID: GPU-1)")
    monkeypatch.setattr(doctor, "_output", lambda *_: said.cards)
    monkeypatch.setattr(doctor.platform, "system", lambda: "Linux")
    monkeypatch.setattr(doctor, "first_version", lambda names: "2.20.0")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return said


def test_gpus_that_tensorflow_can_use_and_cannot(smi, monkeypatch):
    assert doctor.check_gpu()[:2] == (doctor.OK, "GPU 0: A card")
    monkeypatch.setattr(doctor, "first_version", lambda names: None)
    assert "cxrlab[tf,cuda]" in doctor.check_gpu()[2]
    monkeypatch.setattr(doctor.platform, "system", lambda: "Windows")
    assert "WSL2" in doctor.check_gpu()[2]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert "CUDA_VISIBLE_DEVICES" in doctor.check_gpu()[2]


@pytest.mark.parametrize(
    ("host", "word"),
    [(hosts.COLAB, "Change runtime type"), (hosts.KAGGLE, "Accelerator"), (hosts.BINDER, "none")],
)
def test_without_a_gpu_the_advice_is_the_hosts(host, word, smi, monkeypatch):
    smi.cards = ""
    monkeypatch.setattr(hosts, "host", lambda: host)
    state, _, advice = doctor.check_gpu()
    assert (state, word in advice) == (doctor.OK, True)
    assert doctor.check_host()[1] == host and doctor.check_host()[2]


def test_little_memory_and_disk_are_told(monkeypatch):
    little = SimpleNamespace(available=1e9, total=2e9)
    monkeypatch.setattr(hosts, "memory_here", lambda: little)
    assert doctor.check_memory()[:2] == (doctor.NOTE, "1.0 GB free of 2.0 GB")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=5e8))
    assert doctor.check_disk()[:2] == (doctor.PROBLEM, "0.5 GB free")


def test_the_doctor_looks_at_the_data(tmp_path, monkeypatch):
    assert doctor.check_data() == (doctor.OK, "phantoms")
    assert doctor.check_data(tmp_path / "nowhere")[0] == doctor.PROBLEM
    assert doctor.check_data(tmp_path)[0] == doctor.PROBLEM
    for name in ("covid-chestxray-dataset", "chest_xray"):
        (tmp_path / name).mkdir()
    assert "metadata.csv" in doctor.check_data(tmp_path)[2]
    (tmp_path / "covid-chestxray-dataset" / "metadata.csv").write_text("")
    state, _, advice = doctor.check_data(tmp_path)
    assert state == doctor.NOTE and "data fetch external" in advice
    (tmp_path / "Actualmed-COVID-chestxray-dataset").mkdir()
    state, seen = doctor.check_data(tmp_path)
    assert state == doctor.OK
    assert seen.endswith("(no nih-no-finding), adults of Actualmed-COVID-chestxray-dataset")
    monkeypatch.setenv("CXRLAB_DATA", str(tmp_path))
    assert doctor.check_data()[1] == seen.replace("--data", "CXRLAB_DATA")
    monkeypatch.delenv("CXRLAB_DATA")
    remember(tmp_path)
    assert "(chosen in this workspace)" in doctor.check_data()[1]


def test_a_choice_that_vanished_is_the_datas_problem(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    remember(gone)
    gone.rmdir()
    found = {finding.subject: finding for finding in doctor.examine()}
    assert found["Data"].state == doctor.PROBLEM
    assert "cxrlab data use phantom" in found["Data"].seen


def test_the_doctor_knows_a_kernel_of_another_python(tmp_path, monkeypatch):
    spec = tmp_path / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = ["/elsewhere/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    state, seen, _ = doctor.check_kernel()
    assert state == doctor.NOTE
    assert "/elsewhere/bin/python" in seen


def test_a_notebook_shows_neither_paths_nor_what_changes(tmp_path, monkeypatch, capsys):
    new = tmp_path / "new" / "deeper"
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(new))
    monkeypatch.setattr(hosts, "memory_here", lambda: SimpleNamespace(available=9e9, total=9e9))
    doctor.show()
    first = capsys.readouterr().out
    assert not PRIVATE.search(first)
    for place in (sys.prefix, os.path.expanduser("~"), str(tmp_path)):
        assert place not in first
    assert first.splitlines()[-1] == "Ready: the course runs here."
    assert not new.parent.exists()
    monkeypatch.setattr(hosts, "memory_here", lambda: SimpleNamespace(available=3e9, total=9e9))
    doctor.show()
    assert capsys.readouterr().out == first


def test_a_notebook_shows_what_to_do(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path / "file"))
    doctor.show()
    said = capsys.readouterr().out
    assert "Set CXRLAB_WORKSPACE to a folder of yours." in said
    assert said.splitlines()[-1] == "Not ready: look at Workspace."
