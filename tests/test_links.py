"""Where the course lives: one setting, every address made from it, and `cxrlab publish`."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from cxrlab import links
from cxrlab.cli import app
from cxrlab.errors import CXRLabError
from cxrlab.running.notebooks import id_for

TOP = Path(__file__).resolve().parent.parent
HERE = links.repository(TOP)
FORK = links.Repository("ann", "x-ray.course", "summer-2027")
runner = CliRunner()


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


def tracked() -> list[Path]:
    """The course's own text files, as git knows them or, without git, as they lie here."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], capture_output=True, text=True, cwd=TOP, check=True
        ).stdout.split("\0")
    except (OSError, subprocess.SubprocessError):
        pytest.skip("git does not say which files belong to the course")
    # What the tests themselves say about addresses is no address of the course.
    paths = [TOP / name for name in listed if name and not name.startswith("tests/")]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:4000]]


@pytest.fixture
def checkout(tmp_path):
    """A copy of every tracked text file."""
    folder = tmp_path / "checkout"
    for path in tracked():
        copy = folder / path.relative_to(TOP)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return folder


def texts(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def mentions(texts: dict[str, str], repository: links.Repository) -> list[str]:
    """The files that name the repository, in whatever kind of address."""
    return [name for name, text in texts.items() if f"{repository.owner}/{repository.name}" in text]


def test_every_address_agrees_with_the_one_setting():
    assert links.publish(check=True).changes == []


def test_publishing_leaves_no_address_behind_and_comes_back(checkout):
    before = texts(checkout)
    named = mentions(before, HERE)
    assert {"README.md", "pyproject.toml", "docs/instructor-guide.md"} <= set(named)
    done = links.publish("ann/x-ray.course", "summer-2027", checkout=checkout)
    assert done.to == FORK == links.repository(checkout)
    after = texts(checkout)
    assert mentions(after, HERE) == [], "an address that links.PLACES does not know"
    assert mentions(after, FORK) == named
    assert [line.partition(":")[0] for line in done.changes] == [
        "pyproject.toml",
        *sorted(set(named) - {"pyproject.toml"}, key=lambda name: (name != "README.md", name)),
    ]
    assert {name for name in before if before[name] != after[name]} == set(named)
    assert links.publish(checkout=checkout, check=True).changes == []
    links.publish(f"{HERE.owner}/{HERE.name}", HERE.branch, checkout=checkout)
    assert texts(checkout) == before


def test_a_published_notebook_is_as_jupyter_writes_it(checkout):
    links.publish("ann/fork", checkout=checkout)
    for path in sorted((checkout / "notebooks").glob("*.ipynb")):
        text = path.read_text(encoding="utf-8")
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        assert nbformat.writes(notebook).rstrip("\n") + "\n" == text
        taken: set[str] = set()
        assert [cell.id for cell in notebook.cells] == [
            id_for(cell.source, taken) for cell in notebook.cells
        ]
        original = json.loads((TOP / "notebooks" / path.name).read_text(encoding="utf-8"))
        assert [cell.get("outputs") for cell in json.loads(text)["cells"]] == [
            cell.get("outputs") for cell in original["cells"]
        ]


def test_check_says_what_would_change_and_changes_nothing(checkout, monkeypatch):
    monkeypatch.setattr(links, "CHECKOUT", checkout)
    before = texts(checkout)
    done = runner.invoke(app, ["publish", "--repo", "ann/fork", "--check"])
    assert done.exit_code == 1
    assert "would change  pyproject.toml: Repository, https://github.com/ann/fork\n" in done.output
    assert "would change  docs/instructor-guide.md: 1 address\n" in done.output
    assert texts(checkout) == before
    done = runner.invoke(app, ["publish", "--repo", "ann/fork"])
    assert done.exit_code == 0
    assert done.output.endswith("Everything points at https://github.com/ann/fork, branch main.\n")
    done = runner.invoke(app, ["publish", "--check"])
    assert (done.exit_code, "would" in done.output) == (0, False)
    assert runner.invoke(app, ["publish", "--branch", "b2"]).exit_code == 0
    assert links.repository(checkout) == links.Repository("ann", "fork", "b2")


@pytest.mark.parametrize(
    "repo", ["", "ann", "ann/", "/fork", "a/b/c", "https://github.com/a/b", "a b/c", "a/..", '"/"']
)
def test_what_names_no_repository_changes_nothing(repo, checkout):
    before = texts(checkout)
    with pytest.raises(CXRLabError, match="OWNER/NAME"):
        links.publish(repo, checkout=checkout)
    assert texts(checkout) == before


@pytest.mark.parametrize("branch", ["feature/x", "a b", "..", "x?y", "x)"])
def test_a_branch_that_would_break_a_badge_is_refused(branch, checkout):
    with pytest.raises(CXRLabError, match="branch"):
        links.publish("ann/fork", branch, checkout=checkout)


def test_a_setting_that_stands_twice_is_not_guessed_at(checkout):
    settings = checkout / "pyproject.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text + '\n[tool.other]\nRepository = "x"\n', encoding="utf-8")
    with pytest.raises(CXRLabError, match="2 lines"):
        links.publish("ann/fork", checkout=checkout)
    settings.write_text(text, encoding="utf-8")
    links.publish("ann/fork", checkout=checkout)
    old, new = (tomllib.loads(t) for t in (text, settings.read_text(encoding="utf-8")))
    assert new["project"]["urls"].pop("Repository") == "https://github.com/ann/fork"
    assert old["project"]["urls"].pop("Repository") == HERE.setting
    assert new == old


def test_without_a_checkout_it_says_where_to_run(tmp_path):
    with pytest.raises(CXRLabError, match="checkout"):
        links.publish("ann/fork", checkout=tmp_path)
