"""What GitHub Actions runs: the README's commands, on the systems and Pythons that are promised."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")

TOP = Path(__file__).resolve().parent.parent
GITHUB = TOP / ".github"
README = (TOP / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ON = True  # how YAML 1.1 reads the key "on"
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((GITHUB / "workflows").glob("*.yml"))
}
TESTS = WORKFLOWS["tests"]["jobs"]["tests"]


def documented() -> set[str]:
    """Every command line in the README's code blocks, without what is said behind it."""
    blocks = re.findall(r"^```(?:sh|powershell)\n(.*?)^```", README, re.M | re.S)
    return {line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()}


def test_all_systems_and_the_oldest_and_newest_python_are_tested():
    matrix = TESTS["strategy"]["matrix"]
    assert {os.partition("-")[0] for os in matrix["os"]} == {"ubuntu", "macos", "windows"}
    label = "Programming Language :: Python :: "
    promised = [line.removeprefix(label) for line in PROJECT["classifiers"] if label in line]
    assert matrix["python"] == [promised[0], promised[-1]]
    assert TESTS["runs-on"] == "${{ matrix.os }}"
    assert TESTS["strategy"]["fail-fast"] is False


def test_what_is_run_is_what_the_readme_says():
    pinned, newest, *others = [step for step in TESTS["steps"] if "run" in step]
    assert pinned["run"] in documented()
    assert newest["run"] == pinned["run"].replace("-c constraints.txt ", "") != pinned["run"]
    assert (pinned["if"], newest["if"]) == ("${{ !inputs.newest }}", "${{ inputs.newest }}")
    commands = [step["run"] for step in others]
    assert commands[0] == "cxrlab doctor" and set(commands[1:]) <= documented()
    tests = {line for line in documented() if line.startswith(("ruff", "python -m pytest"))}
    assert tests <= set(commands)
    assert others[-1]["env"] == {"CXRLAB_BUDGET": "smoke"}


def test_every_monday_the_newest_releases_are_tested_and_every_tuesday_the_links():
    for name, day in (("newest", 1), ("links", 2)):
        (schedule,) = WORKFLOWS[name][ON]["schedule"]
        assert re.fullmatch(rf"\d+ \d+ \* \* {day}", schedule["cron"])
    (job,) = WORKFLOWS["newest"]["jobs"].values()
    assert job == {"uses": "./.github/workflows/tests.yml", "with": {"newest": True}}
    assert list(WORKFLOWS["tests"][ON]["workflow_call"]["inputs"]) == ["newest"]
    # A scheduled file is switched off after 60 quiet days; pushes are tested all the same.
    assert "schedule" not in WORKFLOWS["tests"][ON]
    assert WORKFLOWS["links"]["jobs"]["links"]["steps"][-1] == {"run": "make check-links"}


def test_the_site_is_built_before_it_is_published():
    jobs = WORKFLOWS["site"]["jobs"]
    assert [step["run"] for step in jobs["build"]["steps"] if "run" in step] == ["make site"]
    assert "permissions" not in jobs["build"]
    assert jobs["publish"]["needs"] == "build"
    assert jobs["publish"]["permissions"] == {"pages": "write", "id-token": "write"}
    targets = re.findall(r"^([\w-]+):", (TOP / "Makefile").read_text(), re.MULTILINE)
    assert {"site", "check-links"} <= set(targets)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_only_read_and_names_its_actions_by_version(name):
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    text = (GITHUB / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    for action in re.findall(r"uses: (\S+)", text):
        assert action.startswith("./") or re.fullmatch(r"actions/[\w-]+@v\d+", action)
    assert "secrets" not in text


@pytest.mark.parametrize("name", ["broken-host", "mistake-in-the-text"])
def test_an_issue_form_asks_for_what_is_needed_to_help(name):
    form = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / f"{name}.yml").read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= form.keys()  # what GitHub asks for
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    for field in fields:
        options = field["attributes"].get("options", [])
        assert field["attributes"]["label"]
        assert field["type"] in (["dropdown"] if options else ["input", "textarea"])
    assert any(field.get("validations", {}).get("required") for field in fields)
    assert "cxrlab doctor" in str(form)
