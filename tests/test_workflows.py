"""What GitHub Actions runs: the README's commands, on the systems and Pythons that are promised."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")

TOP = Path(__file__).resolve().parent.parent
README = (TOP / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FILES = sorted((TOP / ".github" / "workflows").glob("*.yml"))
ON = True  # how YAML 1.1 reads the key "on"


def workflow(name: str) -> dict:
    return yaml.safe_load((TOP / ".github" / "workflows" / name).read_text(encoding="utf-8"))


@pytest.fixture
def job() -> dict:
    return workflow("tests.yml")["jobs"]["tests"]


def documented() -> set[str]:
    """Every command line in the README's code blocks, without what is said behind it."""
    blocks = re.findall(r"^```(?:sh|powershell)\n(.*?)^```", README, re.M | re.S)
    return {line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()}


def test_all_systems_and_the_oldest_and_newest_python_are_tested(job):
    matrix = job["strategy"]["matrix"]
    assert {os.partition("-")[0] for os in matrix["os"]} == {"ubuntu", "macos", "windows"}
    label = "Programming Language :: Python :: "
    promised = [line.removeprefix(label) for line in PROJECT["classifiers"] if label in line]
    assert matrix["python"] == [promised[0], promised[-1]]
    assert job["runs-on"] == "${{ matrix.os }}"
    assert job["strategy"]["fail-fast"] is False


def test_what_is_run_is_what_the_readme_says(job):
    steps = [step for step in job["steps"] if "run" in step]
    pinned, newest, *others = steps
    assert pinned["run"] in documented()
    assert newest["run"] == pinned["run"].replace("-c constraints.txt ", "")
    assert newest["run"] != pinned["run"]
    assert (pinned["if"], newest["if"]) == ("${{ !inputs.newest }}", "${{ inputs.newest }}")
    commands = [step["run"] for step in others]
    assert commands[0] == "cxrlab doctor"
    assert commands[0] in README
    assert set(commands[1:]) <= documented()
    tests = [
        command for command in documented() if command.startswith(("ruff", "python -m pytest"))
    ]
    assert set(tests) <= set(commands)
    assert others[-1]["env"] == {"CXRLAB_BUDGET": "smoke"}


def test_dependencies_are_cached_and_no_run_lasts_forever(job):
    setup = next(step for step in job["steps"] if "setup-python" in step.get("uses", ""))
    assert setup["with"]["cache"] == "pip"
    assert setup["with"]["cache-dependency-path"].split() == ["pyproject.toml", "constraints.txt"]
    assert workflow("tests.yml")["concurrency"]["cancel-in-progress"] is True
    assert 30 <= job["timeout-minutes"] <= 120


def test_every_monday_the_newest_releases_are_tested():
    weekly = workflow("newest.yml")
    (schedule,) = weekly[ON]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* 1", schedule["cron"])
    (job,) = weekly["jobs"].values()
    assert job == {"uses": "./.github/workflows/tests.yml", "with": {"newest": True}}
    (name,) = workflow("tests.yml")[ON]["workflow_call"]["inputs"]
    assert name == "newest"
    # A scheduled file is switched off after 60 quiet days; pushes are tested all the same.
    assert "schedule" not in workflow("tests.yml")[ON]


def test_a_workflow_may_only_read_and_names_its_actions_by_version():
    for path in FILES:
        assert workflow(path.name)["permissions"] == {"contents": "read"}
        text = path.read_text(encoding="utf-8")
        for action in re.findall(r"uses: (\S+)", text):
            assert action.startswith("./") or re.fullmatch(r"actions/[\w-]+@v\d+", action)
        assert "secrets" not in text


@pytest.mark.parametrize("name", ["broken-host", "mistake-in-the-text"])
def test_an_issue_form_asks_for_what_is_needed_to_help(name):
    path = TOP / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml"
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= form.keys()  # what GitHub asks for
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in fields} <= {"input", "textarea", "dropdown"}
    assert len({field["id"] for field in fields}) == len(fields)
    for field in fields:
        assert field["attributes"]["label"]
        options = field["attributes"].get("options", [])
        assert bool(options) == (field["type"] == "dropdown")
        assert all(isinstance(option, str) for option in options)
    assert any(field.get("validations", {}).get("required") for field in fields)
    assert "cxrlab doctor" in path.read_text(encoding="utf-8")


def test_the_site_is_built_before_it_is_published_and_its_links_are_asked_weekly():
    jobs = workflow("site.yml")["jobs"]
    assert [step["run"] for step in jobs["build"]["steps"] if "run" in step] == ["make site"]
    assert "permissions" not in jobs["build"]
    assert jobs["publish"]["needs"] == "build"
    assert jobs["publish"]["permissions"] == {"pages": "write", "id-token": "write"}
    weekly = workflow("links.yml")
    assert re.fullmatch(r"\d+ \d+ \* \* \d", weekly[ON]["schedule"][0]["cron"])
    assert weekly["jobs"]["links"]["steps"][-1] == {"run": "make check-links"}
    targets = re.findall(r"^([\w-]+):", (TOP / "Makefile").read_text(), re.MULTILINE)
    assert {"site", "check-links"} <= set(targets)
