"""Where the course lives: one setting, every address made from it, and `cxrlab publish`."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from cxrlab import publish
from cxrlab.cli import app
from cxrlab.errors import CXRLabError
from cxrlab.publish import Repository, repository, stamp
from cxrlab.running.notebooks import id_for

TOP = Path(__file__).resolve().parent.parent
HERE = repository(TOP)
FORK = Repository("ann", "x-ray.course", "summer-2027")
runner = CliRunner()


def colab(notebook: str, to: Repository = HERE) -> str:
    """The address that opens a notebook (``01_motivation``) on Google Colab."""
    path = f"{to.owner}/{to.name}/blob/{to.branch}/notebooks/{notebook}.ipynb"
    return f"https://colab.research.google.com/github/{path}"


def badges(notebook: str, to: Repository = HERE) -> str:
    """The line of badges with which a notebook opens."""
    home, file = f"{to.owner}/{to.name}", f"notebooks/{notebook}.ipynb"
    return (
        "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
        f"({colab(notebook, to)}) "
        "[![Open on Binder](https://mybinder.org/badge_logo.svg)]"
        f"(https://mybinder.org/v2/gh/{home}/{to.branch}?urlpath=lab/tree/{file}) "
        f"[Read on GitHub](https://github.com/{home}/blob/{to.branch}/{file})"
    )


def test_stamping_moves_our_links_and_no_others():
    here, there = Repository("cxrlab", "cxrlab"), Repository("ann", "fork", "b2")
    install = '%pip install "cxrlab[tf] @ git+https://github.com/cxrlab/cxrlab"'
    ours = f"{badges('01_a', here)}\n{install}\ngit clone https://github.com/cxrlab/cxrlab"
    others = (
        "https://github.com/ieee8023/covid-chestxray-dataset "
        "https://github.com/ieee8023/covid-chestxray-dataset/blob/master/metadata.csv"
    )
    moved = stamp(f"{ours}\n{others}", there)
    assert "cxrlab/cxrlab" not in moved
    assert others in moved
    assert badges("01_a", there) in moved
    assert "git+https://github.com/ann/fork@b2" in moved
    assert stamp(moved, here) == f"{ours}\n{others}"


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://github.com/a/b", ("a", "b", "main")),
        ("https://github.com/a/b.git", ("a", "b", "main")),
        ("https://github.com/ann/x-ray.course/tree/summer-2027", FORK),
        ("https://example.org/a/b", None),
        ("https://github.com/a", None),
        ("git@github.com:a/b", None),
    ],
)
def test_the_setting_is_an_address_on_github(tmp_path, address, found):
    text = f'[project]\n[project.urls]\nRepository = "{address}"\n'
    (tmp_path / "pyproject.toml").write_text(text)
    if found:
        assert repository(tmp_path) == found
        return
    with pytest.raises(CXRLabError, match="OWNER/NAME"):
        repository(tmp_path)


def test_the_setting_is_known_to_an_installation_without_a_checkout(tmp_path):
    try:
        importlib.metadata.metadata("cxrlab")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("cxrlab is on the path without being installed")
    assert repository(tmp_path) == HERE


@pytest.fixture
def checkout(tmp_path):
    """A copy of every text file that git knows, but the tests: they say other addresses."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], capture_output=True, text=True, cwd=TOP, check=True
        ).stdout.split("\0")
    except (OSError, subprocess.SubprocessError):
        pytest.skip("git does not say which files belong to the course")
    for name in listed:
        path = TOP / name
        if name.startswith("tests/") or not path.is_file() or b"\0" in path.read_bytes()[:4000]:
            continue
        copy = tmp_path / "checkout" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return tmp_path / "checkout"


def texts(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def mentions(texts: dict[str, str], to: Repository) -> set[str]:
    """The files that name the repository, in whatever kind of address."""
    return {name for name, text in texts.items() if f"{to.owner}/{to.name}" in text}


def test_every_address_agrees_with_the_one_setting():
    assert publish.publish(check=True) == (HERE, [])


def test_publishing_leaves_no_address_behind_and_comes_back(checkout):
    before = texts(checkout)
    named = mentions(before, HERE)
    assert {"README.md", "pyproject.toml", "docs/instructor-guide.md"} <= named
    to, changes = publish.publish("ann/x-ray.course", "summer-2027", checkout=checkout)
    assert to == FORK == repository(checkout)
    after = texts(checkout)
    assert mentions(after, HERE) == set(), "an address that publish.PLACES does not know"
    assert mentions(after, FORK) == named == set(changes)
    assert {name for name in before if before[name] != after[name]} == named
    assert publish.publish(checkout=checkout, check=True) == (FORK, [])
    publish.publish(f"{HERE.owner}/{HERE.name}", HERE.branch, checkout=checkout)
    assert texts(checkout) == before


def test_a_published_notebook_is_as_jupyter_writes_it(checkout):
    publish.publish("ann/fork", checkout=checkout)
    for path in sorted((checkout / "notebooks").glob("*.ipynb")):
        text = path.read_text(encoding="utf-8")
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        assert nbformat.writes(notebook).rstrip("\n") + "\n" == text
        original = nbformat.read(TOP / "notebooks" / path.name, as_version=4)
        moved = 0
        for cell, before in zip(notebook.cells, original.cells, strict=True):
            assert cell.get("outputs") == before.get("outputs")
            if cell.source == before.source:
                assert cell.id == before.id
            else:
                moved += 1
                assert cell.id == id_for(cell.source, set())
        assert moved > 1  # the badges, and the cell that installs


def test_check_says_what_would_change_and_changes_nothing(checkout, monkeypatch):
    monkeypatch.setattr(publish, "CHECKOUT", checkout)
    monkeypatch.setattr(publish.repository, "__defaults__", (checkout,))
    before = texts(checkout)
    done = runner.invoke(app, ["publish", "--repo", "ann/fork", "--check"])
    assert done.exit_code == 1
    assert "would change  pyproject.toml\n" in done.output
    assert texts(checkout) == before
    done = runner.invoke(app, ["publish", "--repo", "ann/fork"])
    assert done.exit_code == 0
    assert done.output.endswith("Everything points at https://github.com/ann/fork.\n")
    done = runner.invoke(app, ["publish", "--check"])
    assert (done.exit_code, "would" in done.output) == (0, False)
    assert runner.invoke(app, ["publish", "--branch", "b2"]).exit_code == 0
    assert repository(checkout) == Repository("ann", "fork", "b2")


@pytest.mark.parametrize(
    ("repo", "branch"),
    [("ann", None), ("a/b/c", None), ("https://github.com/a/b", None), ("a b/c", None)]
    + [("a/..", None), ('"/"', None), ("a/b", "feature/x"), ("a/b", "..")],
)
def test_what_names_no_repository_or_branch_changes_nothing(repo, branch, checkout):
    before = texts(checkout)
    with pytest.raises(CXRLabError, match="branch" if branch else "OWNER/NAME"):
        publish.publish(repo, branch, checkout=checkout)
    assert texts(checkout) == before


def test_what_it_cannot_change_it_does_not_guess_at(checkout, tmp_path):
    settings = checkout / "pyproject.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text + '\n[tool.other]\nRepository = "x"\n', encoding="utf-8")
    with pytest.raises(CXRLabError, match="2 lines"):
        publish.publish("ann/fork", checkout=checkout)
    with pytest.raises(CXRLabError, match="Clone your copy"):
        publish.publish("ann/fork", checkout=tmp_path)
