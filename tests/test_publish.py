"""Where the course lives: one setting, every address made from it, and `cxrlab publish`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from cxrlab import publish
from cxrlab.cli import app
from cxrlab.errors import CXRLabError
from cxrlab.publish import CHECKOUT, Repository, id_for, repository, stamp

HERE = repository()
FORK = Repository("ann/x-ray.course", "summer-2027")


def colab(notebook: str, to: Repository = HERE) -> str:
    """The address that opens a notebook (``01_motivation``) on Google Colab."""
    path = f"{to.path}/blob/{to.branch}/notebooks/{notebook}.ipynb"
    return f"https://colab.research.google.com/github/{path}"


def badges(notebook: str, to: Repository = HERE) -> str:
    """The line of badges with which a notebook opens."""
    file = f"notebooks/{notebook}.ipynb"
    return (
        "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
        f"({colab(notebook, to)}) "
        "[![Open on Binder](https://mybinder.org/badge_logo.svg)]"
        f"(https://mybinder.org/v2/gh/{to.path}/{to.branch}?urlpath=lab/tree/{file}) "
        f"[Read on GitHub](https://github.com/{to.path}/blob/{to.branch}/{file})"
    )


def test_stamping_moves_our_links_and_no_others():
    here, there = Repository("cxrlab/cxrlab"), Repository("7ann/fork", "2b")
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
    assert "git+https://github.com/7ann/fork@2b" in moved
    assert stamp(moved, here) == f"{ours}\n{others}"


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://github.com/a/b", Repository("a/b")),
        ("https://github.com/ann/x-ray.course/tree/summer-2027", FORK),
        ("https://example.org/a/b", None),
        ("https://github.com/a", None),
        (None, None),  # no checkout
    ],
)
def test_the_setting_is_an_address_on_github(tmp_path, address, found):
    if address:
        (tmp_path / "pyproject.toml").write_text(f'[project.urls]\nRepository = "{address}"\n')
    if found:
        assert repository(tmp_path) == found
    else:
        with pytest.raises(CXRLabError, match="OWNER/NAME.*Clone your copy"):
            repository(tmp_path)


@pytest.fixture
def checkout(tmp_path):
    """A copy of every text file that git knows, but the tests: they say other addresses."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], capture_output=True, text=True, cwd=CHECKOUT, check=True
        ).stdout.split("\0")
    except (OSError, subprocess.SubprocessError):
        pytest.skip("git does not say which files belong to the course")
    for name in listed:
        path = CHECKOUT / name
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
    return {name for name, text in texts.items() if to.path in text}


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
    for path in sorted((checkout / "notebooks").glob("*.ipynb")):
        notebook = nbformat.reads(after[f"notebooks/{path.name}"], as_version=4)
        nbformat.validate(notebook)
        original = nbformat.reads(before[f"notebooks/{path.name}"], as_version=4)
        for cell, old in zip(notebook.cells, original.cells, strict=True):
            assert cell.get("outputs") == old.get("outputs")
            assert cell.id == (old.id if cell.source == old.source else id_for(cell.source, set()))
    publish.publish(HERE.path, HERE.branch, checkout=checkout)
    assert texts(checkout) == before


def test_check_says_what_would_change_and_changes_nothing(checkout, monkeypatch):
    def typed(*words):
        done = CliRunner().invoke(app, ["publish", *words])
        return done.exit_code, done.output

    monkeypatch.setattr(publish.publish, "__defaults__", (None, None, False, checkout, None))
    before = texts(checkout)
    code, said = typed("--repo", "ann/fork", "--check")
    assert (code, "would change  pyproject.toml\n" in said) == (1, True)
    assert texts(checkout) == before
    code, said = typed("--repo", "ann/fork")
    assert (code, "changed  README.md" in said) == (0, True)
    assert typed("--check") == (0, "Everything points at ann/fork, branch main.\n")
    assert typed("--branch", "b2")[0] == 0
    assert typed("--hub", "https://hub.example.org/")[0] == 0
    assert repository(checkout) == Repository("ann/fork", "b2", "https://hub.example.org")
    with pytest.raises(CXRLabError, match="no address of a JupyterHub"):
        publish.publish(hub="hub.example.org")
    assert typed("--hub", "")[0] == 0
    assert repository(checkout) == Repository("ann/fork", "b2")


@pytest.mark.parametrize(
    ("repo", "branch"),
    [("ann", None), ("a/b/c", None), ("https://github.com/a/b", None), ("a b/c", None)]
    + [("a/..", None), ('"/"', None), ("a/b", "feature/x"), ("a/b", "..")],
)
def test_what_names_no_repository_or_branch_is_a_sentence(repo, branch):
    with pytest.raises(CXRLabError, match="fits into no badge"):
        publish.publish(repo, branch, check=True)
