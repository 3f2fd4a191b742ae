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
from typer.testing import CliRunner

from cxrlab import doctor, hosts
from cxrlab.choices import remember
from cxrlab.cli import app

REAL_VERSION = importlib.metadata.version


@pytest.fixture(autouse=True)
def own_computer(monkeypatch):
    """Whatever machine the tests run on, the host is said by the test."""
    monkeypatch.setattr(hosts, "host", lambda: hosts.OWN)


def found(subject, data=None):
    """State, what was seen, and advice, of one subject."""
    return next(finding[1:] for finding in doctor.examine(data) if finding.subject == subject)


def with_versions(monkeypatch, **changed):
    """Other versions than those installed; None for what is not."""

    def version(name):
        name = name.replace("-", "_")
        if changed.get(name, "") is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return changed.get(name) or REAL_VERSION(name)

    monkeypatch.setattr(doctor.metadata, "version", version)


def test_the_doctor_finds_this_environment_ready_without_loading_tensorflow():
    code = "import sys; from cxrlab import doctor; doctor.show(); print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-2:] == ["Ready: the course runs here.", "False"], done.stderr
    subjects = [line[8:24].strip() for line in done.stdout.splitlines() if line[:2] == "ok"]
    assert {"Python", "TensorFlow", "Keras Tuner", "Versions", "Disk", "Data"} <= set(subjects)


def test_the_doctor_ends_with_1_and_with_advice_when_something_stands_in_the_way(
    tmp_path, monkeypatch
):
    with_versions(monkeypatch, keras_tuner=None)
    done = CliRunner().invoke(app, ["doctor", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert sys.executable in done.output
    assert 'pip install --upgrade "cxrlab[tf-cpu]"' in done.output
    # A library that is missing is said once, and not by Versions again.
    assert done.output.strip().endswith("Not ready: look at Keras Tuner, Data.")


def test_a_python_newer_than_the_tested_ones_is_a_note(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    assert found("Python")[::2] == (doctor.NOTE, doctor.NEWER_PYTHON)


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [
        ("keras", "3.0.0", "cxrlab needs keras>=3.8, not 3.0.0"),
        ("numpy", "1.26.4", "cxrlab needs numpy>=2.0, not 1.26.4"),
        ("ml_dtypes", "0.0.1", "tensorflow(-cpu)? needs ml[-_]dtypes.*, not 0.0.1"),
    ],
)
def test_versions_that_do_not_go_together_are_named(name, version, said, monkeypatch):
    with_versions(monkeypatch, **{name: version})
    state, seen, _ = found("Versions")
    assert state == doctor.PROBLEM
    assert any(re.fullmatch(said, line) for line in seen.split("; "))


def test_gpus_that_tensorflow_can_use_and_cannot(monkeypatch):
    cards = "GPU 0: A card (UUID: GPU-1)\n"
    monkeypatch.setattr(doctor.subprocess, "check_output", lambda *_, **__: cards)
    with_versions(monkeypatch, tensorflow="2.20.0", tensorflow_cpu=None)
    assert found("GPU") == (doctor.OK, "GPU 0: A card", "")
    with_versions(monkeypatch, tensorflow_cpu="2.20.0")
    assert "cxrlab[tf,cuda]" in found("GPU")[2]


@pytest.mark.parametrize("host", [hosts.COLAB, hosts.KAGGLE, hosts.BINDER])
def test_a_host_is_said_with_what_it_keeps(host, monkeypatch):
    monkeypatch.setattr(hosts, "host", lambda: host)
    assert found("Host")[1] == host and found("Host")[2]


def test_little_memory_and_disk_are_told(monkeypatch):
    monkeypatch.setattr(hosts, "memory_here", lambda: (1e9, 2e9))
    assert found("Memory")[:2] == (doctor.NOTE, "1.0 GB free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=5e8))
    assert found("Disk")[:2] == (doctor.PROBLEM, "0.5 GB free")


def test_the_doctor_looks_at_the_data(tmp_path, monkeypatch):
    assert found("Data") == (doctor.OK, "phantoms", "")
    assert found("Data", tmp_path / "nowhere")[0] == doctor.PROBLEM
    for name in ("covid-chestxray-dataset", "chest_xray"):
        (tmp_path / name).mkdir()
    assert "metadata.csv" in found("Data", tmp_path)[2]
    (tmp_path / "covid-chestxray-dataset" / "metadata.csv").write_text("")
    state, _, advice = found("Data", tmp_path)
    assert state == doctor.NOTE and "data fetch nih" in advice
    (tmp_path / "Actualmed-COVID-chestxray-dataset").mkdir()
    state, seen, _ = found("Data", tmp_path)
    assert (state, "named by --data" in seen, "Actualmed" in seen) == (doctor.OK, True, True)


def test_a_choice_that_vanished_is_the_datas_problem(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    remember(gone)
    gone.rmdir()
    state, seen, advice = found("Data")
    assert state == doctor.PROBLEM and seen == "gone (chosen in this workspace) is no folder"
    assert "cxrlab data use phantom" in advice


def test_the_doctor_knows_a_kernel_of_another_python(tmp_path, monkeypatch):
    spec = tmp_path / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = ["/elsewhere/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    state, seen, _ = found("Jupyter kernel")
    assert (state, "/elsewhere/bin/python" in seen) == (doctor.NOTE, True)


def test_a_notebook_shows_neither_paths_nor_what_changes(tmp_path, monkeypatch, capsys):
    new = tmp_path / "new" / "deeper"
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(new))
    said = []
    for free in (9e9, 3e9):
        monkeypatch.setattr(hosts, "memory_here", lambda free=free: (free, 9e9))
        doctor.show()
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    for place in (sys.prefix, os.path.expanduser("~"), str(tmp_path), "/tmp/"):
        assert place not in said[0]
    assert not new.parent.exists()


def test_a_workspace_that_cannot_be_written_is_told_with_what_to_do(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path / "file"))
    doctor.show()
    said = capsys.readouterr().out
    assert "Set CXRLAB_WORKSPACE to a folder of yours." in said
    assert said.splitlines()[-1] == "Not ready: look at Workspace."
