"""The command line as a reader meets it: help, mistakes, JupyterLab."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cxrlab.cli import app
from cxrlab.running import course

runner = CliRunner()


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
    top = runner.invoke(app, ["--help"]).output
    commands = [line.split()[0] for line in top.split("Commands:")[1].splitlines() if line]
    wanted = "doctor data run lab copies progress grade publish train tune evaluate predict repairs"
    assert {*wanted.split(), "report"} == set(commands)
    for words in ("Not for medical use", "CXRLAB_DATA", "CXRLAB_BUDGET", "CXRLAB_WORKSPACE"):
        assert words in top
    for command in commands:
        page = runner.invoke(app, [command, "--help"])
        assert page.exit_code == 0
        assert len(page.output.splitlines()) < 50


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--notebooks", "88"], 1, "There is no notebook 88. There are 01, "),
        (["--budget", "huge"], 2, "'huge'"),
    ],
)
def test_a_mistake_is_a_sentence_and_an_exit_code(words, code, said, tmp_path):
    command = [sys.executable, "-m", "cxrlab", "run", "--out", str(tmp_path), *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, said in done.stderr) == (code, "", True)
    assert "Traceback" not in done.stderr


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two notebooks, which stand for those of an installation."""
    made = tmp_path / "course"
    made.mkdir()
    for name in ("01_a.ipynb", "02_b.ipynb"):
        (made / name).write_text(f"{{}}  {name}")
    monkeypatch.setattr(course, "SHIPPED", made)
    return made


def test_lab_copies_the_notebooks_keeps_the_reader_s_own_and_opens_the_first(
    folder, monkeypatch, tmp_path
):
    seen = {}
    monkeypatch.setattr(
        course.subprocess, "call", lambda command, env: seen.update(env, command=command) or 0
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CXRLAB_DATA", "my-xrays")
    monkeypatch.setenv("CXRLAB_WORKSPACE", "here")
    mine = tmp_path / "new" / "mine"
    for answers in ("my answers", "more answers"):
        assert runner.invoke(app, ["lab", str(mine)]).exit_code == 0
        assert (mine / "01_a.ipynb").read_bytes() == (folder / "01_a.ipynb").read_bytes()
        (mine / "01_a.ipynb").unlink()
        assert (mine / "02_b.ipynb").read_text() in ("{}  02_b.ipynb", "my answers")
        (mine / "02_b.ipynb").write_text(answers)
    assert seen["command"][:4] == [sys.executable, "-m", "jupyterlab", str(mine / "01_a.ipynb")]
    assert seen["JUPYTER_PREFER_ENV_PATH"] == "1"
    # So that a notebook finds them.
    assert seen["CXRLAB_DATA"] == str(tmp_path / "my-xrays")
    assert seen["CXRLAB_WORKSPACE"] == str(tmp_path / "here")


def test_lab_says_what_it_lacks(folder, monkeypatch):
    monkeypatch.setattr(course.importlib.util, "find_spec", lambda name: None)
    for words, lacks in ([], "no checkout"), ([str(folder)], "cxrlab[lab]"):
        done = runner.invoke(app, ["lab", *words])
        assert (done.exit_code, lacks in done.stderr) == (1, True)
