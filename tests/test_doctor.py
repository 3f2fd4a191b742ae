"""The doctor: what it finds, what it advises, and what it leaves out of a notebook."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from cxrlab import doctor, hosts
from cxrlab.chosen import remember
from cxrlab.cli import app
from cxrlab.doctor import machine, place, versions
from cxrlab.files import read_json, workspace_root, write_json
from cxrlab.running.refresh import PRIVATE

runner = CliRunner()


@pytest.fixture(autouse=True)
def own_computer(monkeypatch):
    """Whatever machine the tests run on, the host is said by the test."""
    monkeypatch.setattr(hosts, "host", lambda: hosts.OWN)


def states(findings):
    return {finding.subject: finding.state for finding in findings}


def test_the_doctor_finds_this_environment_ready(tmp_path):
    done = runner.invoke(app, ["doctor"])
    assert done.exit_code == 0, done.output
    assert done.output.strip().endswith("Ready: the course runs here.")
    for subject in ("Python", "TensorFlow", "Keras Tuner", "Memory", "Disk", "Jupyter kernel"):
        assert subject in done.output


def test_the_doctor_does_not_load_tensorflow():
    code = (
        "import sys; from cxrlab.doctor import examine; examine(); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_doctor_misses_libraries_that_are_missing(monkeypatch):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(versions.metadata, "version", absent)
    found = doctor.examine()
    assert states(found)["TensorFlow"] == doctor.PROBLEM
    assert states(found)["JupyterLab"] == doctor.NOTE
    assert "TensorFlow" in doctor.verdict(found)


def test_the_doctor_survives_a_broken_installation(monkeypatch):
    monkeypatch.setitem(sys.modules, "cxrlab.sources", None)
    found = doctor.examine()
    assert states(found)["Data"] == doctor.PROBLEM
    assert states(found)["Workspace"] == doctor.OK


def test_the_doctor_looks_at_the_data(tmp_path, monkeypatch):
    assert place.data_finding().seen.startswith("phantoms")
    assert place.data_finding(tmp_path / "nowhere").state == doctor.PROBLEM
    assert place.data_finding(tmp_path).state == doctor.PROBLEM
    for name in ("covid-chestxray-dataset", "chest_xray"):
        (tmp_path / name).mkdir()
    assert "metadata.csv" in place.data_finding(tmp_path).advice
    (tmp_path / "covid-chestxray-dataset" / "metadata.csv").write_text("")
    without = place.data_finding(tmp_path)
    assert without.state == doctor.NOTE and "data fetch external" in without.advice
    (tmp_path / "Actualmed-COVID-chestxray-dataset").mkdir()
    finding = place.data_finding(tmp_path)
    assert finding.state == doctor.OK
    assert finding.seen.endswith("(no nih-no-finding), adults of Actualmed-COVID-chestxray-dataset")
    monkeypatch.setenv("CXRLAB_DATA", str(tmp_path))
    assert place.data_finding().seen == finding.seen.replace("--data", "CXRLAB_DATA")
    monkeypatch.delenv("CXRLAB_DATA")
    remember(tmp_path)
    assert "(chosen in this workspace)" in place.data_finding().seen


def test_the_doctor_ends_with_1_when_something_stands_in_the_way(tmp_path):
    done = runner.invoke(app, ["doctor", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert done.output.strip().endswith("Not ready: look at Data.")


def test_the_doctor_tells_a_workspace_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path / "file"))
    assert place.workspace_finding().state == doctor.PROBLEM
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path / "new" / "deeper"))
    assert place.workspace_finding().state == doctor.OK
    assert not (tmp_path / "new").exists()


def test_the_doctor_knows_a_kernel_of_another_python(tmp_path, monkeypatch):
    spec = tmp_path / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = ["/elsewhere/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    finding = place.kernel_finding()
    assert finding.state == doctor.NOTE
    assert "/elsewhere/bin/python" in finding.seen


def test_a_choice_that_vanished_is_the_datas_problem(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    remember(gone)
    gone.rmdir()
    found = {finding.subject: finding for finding in doctor.examine()}
    assert found["Data"].state == doctor.PROBLEM
    assert "cxrlab data use phantom" in found["Data"].seen


@pytest.fixture
def fetched(tmp_path):
    """A folder as `cxrlab data fetch` leaves it, with one image."""
    from cxrlab.sources import covid, manifest
    from cxrlab.sources.fetch_github import REPOSITORIES

    image = tmp_path / covid.NAME / "images" / "a.png"
    image.parent.mkdir(parents=True)
    for name in ("chest_xray", "nih-no-finding"):
        (tmp_path / name).mkdir()
    (tmp_path / covid.NAME / "metadata.csv").write_text("")
    image.write_bytes(b"abc")
    manifest.write_entry(
        tmp_path,
        covid.NAME,
        [image],
        address="https://example.org",
        commit=REPOSITORIES[covid.NAME].commit,
        way="repository",
        limit=None,
        asked=None,
        travelled=3,
    )
    return image


def test_what_was_fetched_is_counted(fetched, tmp_path):
    assert place.data_finding(tmp_path).state == doctor.OK
    fetched.write_bytes(b"ab")
    finding = place.data_finding(tmp_path)
    assert finding.state == doctor.PROBLEM
    assert "1 of 1 fetched images are gone or changed" in finding.advice


def test_what_was_fetched_from_an_older_state_is_stale(fetched, tmp_path):
    note = read_json(tmp_path / "fetched.json")
    note["sources"]["covid-chestxray-dataset"]["commit"] = "older"
    write_json(tmp_path / "fetched.json", note)
    finding = place.data_finding(tmp_path)
    assert finding.state == doctor.NOTE
    assert "another state" in finding.advice


@pytest.mark.parametrize("note", ["", "[]", '{"sources": 3}', '{"sources": {"a": {}}}'])
def test_a_damaged_note_of_what_was_fetched_stops_nothing(note, fetched, tmp_path):
    (tmp_path / "fetched.json").write_text(note)
    assert place.data_finding(tmp_path).state == doctor.OK


def test_phantoms_that_are_gone_or_old_are_told(phantom_data):
    home = workspace_root() / "phantoms"
    assert "to be made when first needed" in place.data_finding().seen
    shutil.copytree(phantom_data, home)
    assert place.data_finding().seen == "phantoms, made"
    next(home.rglob("*.jp*g")).unlink()
    assert place.data_finding().state == doctor.PROBLEM
    stamp = read_json(home / "phantoms.json")
    write_json(home / "phantoms.json", {**stamp, "pixels": "of old"})
    assert "older version" in place.data_finding().seen
    (home / "phantoms.json").write_text("{")
    assert "made anew" in place.data_finding().seen


def test_a_host_with_a_jupyter_of_its_own_needs_no_jupyterlab(monkeypatch):
    monkeypatch.setattr(place, "first_version", lambda names: None)
    assert place.lab_finding().state == doctor.NOTE
    monkeypatch.setattr(hosts, "host", lambda: hosts.COLAB)
    assert place.lab_finding().state == doctor.OK


def test_a_notebook_shows_neither_paths_nor_what_changes(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path / "space"))
    doctor.show()
    first = capsys.readouterr().out
    assert not PRIVATE.search(first)
    for place_here in (sys.prefix, os.path.expanduser("~"), str(tmp_path)):
        assert place_here not in first
    assert first.splitlines()[-1].startswith(("Ready", "Not ready"))
    less = SimpleNamespace(available=2.5e9, total=3e9)
    monkeypatch.setattr(machine, "memory_here", lambda: less)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: SimpleNamespace(free=3e9))
    doctor.show()
    assert capsys.readouterr().out == first


def test_a_notebook_shows_what_to_do(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path / "file"))
    doctor.show()
    said = capsys.readouterr().out
    assert "Set CXRLAB_WORKSPACE to a folder of yours." in said
    assert said.splitlines()[-1] == "Not ready: look at Workspace."
