"""The command line as a reader meets it: help, mistakes, JupyterLab."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cxrlab.cli import app
from cxrlab.errors import CXRLabError
from cxrlab.running import course

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
from cxrlab.cli import main
try:
    main()
except SystemExit as end:
    loaded = [name for name in {HEAVY!r} if name in sys.modules]
    sys.exit(f"loaded {{loaded}}" if loaded else end.code)
"""


@pytest.mark.parametrize("command", [[], ["run"], ["data", "fetch"], ["train"]])
def test_help_loads_nothing_heavy(command):
    words = [sys.executable, "-c", LISTING, *command, "--help"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage: cxrlab" in done.stdout


def test_every_command_explains_itself_within_a_page():
    top = runner.invoke(app, ["--help"])
    commands = [line.split()[0] for line in top.output.split("Commands:")[1].splitlines() if line]
    assert {"doctor", "data", "run", "lab", "train", "tune", "evaluate", "predict"} <= set(commands)
    assert {"progress", "publish", "repairs", "report"} <= set(commands)
    assert "Not for medical use" in top.output
    for variable in ("CXRLAB_DATA", "CXRLAB_BUDGET", "CXRLAB_WORKSPACE"):
        assert variable in top.output
    for command in commands:
        page = runner.invoke(app, [command, "--help"])
        assert page.exit_code == 0
        assert len(page.output.splitlines()) < 50


def test_a_mistake_is_a_sentence_and_exit_code_1(tmp_path):
    done = cxrlab("run", "--notebooks", "88", "--out", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("There is no notebook 88. There are 01, ")
    assert "Traceback" not in done.stderr


def test_an_unknown_budget_is_refused_whether_said_or_set():
    for done in (cxrlab("run", "--budget", "huge"), cxrlab("run", CXRLAB_BUDGET="huge")):
        assert (done.returncode, "huge" in done.stderr) == (2, True)


@pytest.fixture
def folder(tmp_path):
    """A folder with two notebooks."""
    made = tmp_path / "course"
    made.mkdir()
    for name in ("01_a.ipynb", "02_b.ipynb"):
        (made / name).write_text(f"{{}}  {name}")
    return made


def test_lab_copies_the_notebooks_and_keeps_the_reader_s_own(folder, tmp_path):
    mine = tmp_path / "new" / "mine"
    course.copy_notebooks(mine, folder)
    (mine / "02_b.ipynb").write_text("my answers")
    (mine / "01_a.ipynb").unlink()
    course.copy_notebooks(mine, folder)
    assert (mine / "02_b.ipynb").read_text() == "my answers"
    assert (mine / "01_a.ipynb").read_bytes() == (folder / "01_a.ipynb").read_bytes()


def test_lab_opens_the_first_notebook_with_this_python(folder, monkeypatch, tmp_path):
    seen = {}
    monkeypatch.setattr(course.importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(
        course.subprocess, "call", lambda command, env: seen.update(env, command=command) or 0
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CXRLAB_DATA", "my-xrays")
    assert course.open_lab(folder, browser=False) == 0
    expected = [sys.executable, "-m", "jupyterlab", str(folder / "01_a.ipynb"), "--no-browser"]
    assert seen["command"][:5] == expected
    assert seen["JUPYTER_PREFER_ENV_PATH"] == "1"
    assert seen["CXRLAB_DATA"] == str(tmp_path / "my-xrays")  # so that a notebook finds it


def test_lab_says_what_it_lacks(folder, monkeypatch):
    monkeypatch.setattr(course.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CXRLabError, match=r"cxrlab\[lab\]"):
        course.open_lab(folder)
    monkeypatch.setattr(course, "SHIPPED", folder)
    assert len(course.find_notebooks()) == 2
    with pytest.raises(CXRLabError, match="no checkout"):
        course.open_lab()
