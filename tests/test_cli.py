"""The command line as a reader meets it: help, mistakes, the doctor, JupyterLab, links."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cxrlab import __version__, doctor, lab, links
from cxrlab.cli import app
from cxrlab.errors import CXRLabError

runner = CliRunner()


def cxrlab(*arguments, **variables):
    """The real command, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "cxrlab", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
    )


HEAVY = ("tensorflow", "keras", "pandas", "matplotlib", "sklearn", "nbconvert")
LISTING = f"""
import sys
sys.argv[0] = "cxrlab"
from cxrlab.cli import main
try:
    main()
except SystemExit as end:
    loaded = [name for name in {HEAVY!r} if name in sys.modules]
    sys.exit(f"loaded {{loaded}}" if loaded else end.code)
"""


@pytest.mark.parametrize("command", [[], ["doctor"], ["run"], ["lab"], ["data"], ["train"]])
def test_help_loads_nothing_heavy(command):
    done = subprocess.run(
        [sys.executable, "-c", LISTING, *command, "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Usage: cxrlab" in done.stdout


def test_every_command_explains_itself_within_a_page():
    top = runner.invoke(app, ["--help"])
    commands = [line.split()[0] for line in top.output.split("Commands:")[1].splitlines() if line]
    assert {"doctor", "data", "run", "lab", "train", "tune", "evaluate", "predict"} <= set(commands)
    assert "Not for medical use" in top.output
    for variable in ("CXRLAB_DATA", "CXRLAB_BUDGET", "CXRLAB_WORKSPACE"):
        assert variable in top.output
    for command in commands:
        page = runner.invoke(app, [command, "--help"])
        assert page.exit_code == 0
        assert len(page.output.splitlines()) < 50


def test_the_version_is_told():
    assert runner.invoke(app, ["--version"]).output == f"cxrlab {__version__}\n"


def test_a_mistake_is_a_sentence_and_exit_code_1(tmp_path):
    done = cxrlab("run", "--notebooks", "88", "--out", str(tmp_path))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("There is no notebook 88.")
    assert "Traceback" not in done.stderr


def test_an_unknown_budget_is_refused_whether_said_or_set():
    said = cxrlab("run", "--budget", "huge")
    told = cxrlab("run", CXRLAB_BUDGET="huge")
    for done in (said, told):
        assert done.returncode == 2
        assert "huge" in done.stderr


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

    monkeypatch.setattr(doctor.metadata, "version", absent)
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
    assert doctor.data_finding().seen.startswith("phantoms")
    assert doctor.data_finding(tmp_path / "nowhere").state == doctor.PROBLEM
    assert doctor.data_finding(tmp_path).state == doctor.PROBLEM
    for name in ("covid-chestxray-dataset", "chest_xray"):
        (tmp_path / name).mkdir()
    finding = doctor.data_finding(tmp_path)
    assert finding.state == doctor.OK
    assert "no nih-no-finding" in finding.seen
    monkeypatch.setenv("CXRLAB_DATA", str(tmp_path))
    assert doctor.data_finding() == finding


def test_the_doctor_ends_with_1_when_something_stands_in_the_way(tmp_path):
    done = runner.invoke(app, ["doctor", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert done.output.strip().endswith("Not ready: look at Data.")


def test_the_doctor_tells_a_workspace_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path / "file"))
    assert doctor.workspace_finding().state == doctor.PROBLEM
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path / "new" / "deeper"))
    assert doctor.workspace_finding().state == doctor.OK
    assert not (tmp_path / "new").exists()


def test_the_doctor_knows_a_kernel_of_another_python(tmp_path, monkeypatch):
    spec = tmp_path / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = ["/elsewhere/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    finding = doctor.kernel_finding()
    assert finding.state == doctor.NOTE
    assert "/elsewhere/bin/python" in finding.seen


@pytest.fixture
def course(tmp_path):
    """A folder with two notebooks."""
    folder = tmp_path / "course"
    folder.mkdir()
    for name in ("01_a.ipynb", "02_b.ipynb"):
        (folder / name).write_text(f"{{}}  {name}")
    return folder


def test_lab_copies_the_notebooks_and_keeps_the_reader_s_own(course, tmp_path):
    mine = tmp_path / "new" / "mine"
    first = lab.copy_notebooks(mine, course)
    assert (first.copied, first.kept) == (["01_a.ipynb", "02_b.ipynb"], [])
    (mine / "02_b.ipynb").write_text("my answers")
    (mine / "01_a.ipynb").unlink()
    second = lab.copy_notebooks(mine, course)
    assert (second.copied, second.kept) == (["01_a.ipynb"], ["02_b.ipynb"])
    assert (mine / "02_b.ipynb").read_text() == "my answers"
    assert "Kept your own 02_b.ipynb" in second.in_words(mine)
    assert lab.copy_notebooks(mine, course).same == ["01_a.ipynb"]


def test_lab_says_where_it_cannot_write(course, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CXRLabError, match="Choose another folder"):
        lab.copy_notebooks(tmp_path / "file" / "mine", course)


def test_lab_opens_the_first_notebook_with_this_python(course, monkeypatch):
    calls = []

    def call(command, env):
        calls.append((command, env))
        return 0

    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(lab.subprocess, "call", call)
    assert lab.open_lab(course, browser=False) == 0
    (command, environment), *_ = calls
    expected = [sys.executable, "-m", "jupyterlab", str(course / "01_a.ipynb"), "--no-browser"]
    assert command[:5] == expected
    assert environment["JUPYTER_PREFER_ENV_PATH"] == "1"


def test_lab_names_folders_so_that_a_notebook_finds_them(course, monkeypatch, tmp_path):
    seen = {}
    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(lab.subprocess, "call", lambda command, env: seen.update(env) or 0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CXRLAB_DATA", "my-xrays")
    lab.open_lab(course, browser=False)
    assert seen["CXRLAB_DATA"] == str(tmp_path / "my-xrays")


def test_lab_says_when_jupyterlab_is_missing(course, monkeypatch):
    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CXRLabError, match=r"cxrlab\[lab\]"):
        lab.open_lab(course)


def test_one_setting_makes_every_link():
    fork = links.parse_repository("https://github.com/ann/x-ray.course/tree/summer-2027")
    assert fork == links.Repository("ann", "x-ray.course", "summer-2027")
    assert fork.colab("01_a").endswith(
        "/github/ann/x-ray.course/blob/summer-2027/notebooks/01_a.ipynb"
    )
    assert fork.binder("01_a").startswith(
        "https://mybinder.org/v2/gh/ann/x-ray.course/summer-2027?"
    )
    for address in (
        "https://github.com/a/b",
        "https://github.com/a/b.git",
        "https://github.com/a/b/",
    ):
        assert links.parse_repository(address) == links.Repository("a", "b")
    for address in ("", "https://example.org/a/b", "https://github.com/a", "git@github.com:a/b"):
        with pytest.raises(CXRLabError, match="OWNER/NAME"):
            links.parse_repository(address)


def test_stamping_moves_our_links_and_no_others():
    here, there = links.Repository("cxrlab", "cxrlab"), links.Repository("ann", "fork", "b2")
    ours = "\n".join(
        [
            here.badges("01_a"),
            f'%pip install "cxrlab[tf] @ git+{here.url}"',
            f"git clone {here.url}",
        ]
    )
    others = (
        "https://github.com/ieee8023/covid-chestxray-dataset "
        "https://github.com/ieee8023/covid-chestxray-dataset/blob/master/metadata.csv"
    )
    moved = links.stamp(f"{ours}\n{others}", there)
    assert "cxrlab/cxrlab" not in moved
    assert others in moved
    assert there.badges("01_a") in moved
    assert f"git+{there.url}@b2" in moved
    assert links.stamp(moved, here) == f"{ours}\n{others}"


def test_the_setting_is_known_to_an_installation_without_a_checkout(tmp_path):
    try:
        importlib.metadata.metadata("cxrlab")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("cxrlab is on the path without being installed")
    assert links.repository(tmp_path) == links.repository()
