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
from cxrlab.publish import CHECKOUT, Repository, repository, stamp, to_text

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
def checkout(tmp_path, monkeypatch):
    """A copy of every text file that git knows, but the tests: they say other addresses."""
    command = ["git", "ls-files", "-z"]
    if shutil.which("git") is None or not (CHECKOUT / ".git").exists():
        pytest.skip("git does not say which files belong to the course")
    done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=True)
    for name in done.stdout.split("\0"):
        path = CHECKOUT / name
        if name.startswith("tests/") or not path.is_file() or b"\0" in path.read_bytes()[:4000]:
            continue
        copy = tmp_path / "checkout" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    for function in (publish.repository, publish.publish):
        others = function.__defaults__[:-1]
        monkeypatch.setattr(function, "__defaults__", (*others, tmp_path / "checkout"))
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


def typed(*words):
    done = CliRunner().invoke(app, ["publish", *words])
    return done.exit_code, done.output


def test_publishing_leaves_no_address_behind_and_comes_back(checkout):
    before = texts(checkout)
    named = mentions(before, HERE)
    assert {"README.md", "pyproject.toml", "docs/instructor-guide.md"} <= named
    assert typed("--check") == (0, f"Everything points at {HERE.path}, branch {HERE.branch}.\n")
    code, said = typed("--repo", FORK.path, "--branch", FORK.branch, "--check")
    assert (code, "would change  pyproject.toml\n" in said) == (1, True)
    assert texts(checkout) == before
    assert typed("--repo", FORK.path)[0] == 0
    code, said = typed("--branch", FORK.branch)
    assert (code, "changed  README.md" in said) == (0, True)
    assert repository(checkout) == FORK
    after = texts(checkout)
    assert mentions(after, HERE) == set(), "an address that publish.PLACES does not know"
    assert mentions(after, FORK) == named
    assert {name for name in before if before[name] != after[name]} == named
    said = "Everything points at ann/x-ray.course, branch summer-2027.\n"
    assert typed("--check") == (0, said)
    for path in sorted((checkout / "notebooks").glob("*.ipynb")):
        notebook, original = (
            nbformat.reads(kept[f"notebooks/{path.name}"], as_version=4) for kept in (after, before)
        )
        nbformat.validate(notebook)
        for cell, old in zip(notebook.cells, original.cells, strict=True):
            assert cell.get("outputs") == old.get("outputs")
            assert (cell.id == old.id) == (cell.source == old.source)
    assert typed("--repo", HERE.path)[0] == 0  # on main
    assert texts(checkout) == before


def test_equal_cells_get_ids_of_their_own():
    cells = [nbformat.v4.new_code_cell("1") for _ in range(3)]
    to_text(nbformat.v4.new_notebook(cells=cells))
    assert [cell.id for cell in cells] == [cells[0].id + end for end in ("", "-2", "-3")]


@pytest.mark.parametrize(
    ("repo", "branch"),
    [("ann", "main"), ("a/b/c", "main"), ("https://github.com/a/b", "main"), ("a b/c", "main")]
    + [("a/..", "main"), ('"/"', "main"), ("a/b", "feature/x"), ("a/b", "..")],
)
def test_what_names_no_repository_or_branch_is_a_sentence(repo, branch):
    with pytest.raises(CXRLabError, match="fits into no badge"):
        publish.publish(Repository(repo, branch), check=True)
