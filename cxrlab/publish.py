"""Where the course lives: badges, links and install cells, all made from one setting.

``[project.urls] Repository`` in pyproject.toml names owner and repository (with ``/tree/BRANCH``
at its end, the branch too). ``cxrlab publish`` sets it and carries it into the README, the pages
in docs and the notebooks.
"""

import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import nbformat

import cxrlab
from cxrlab.errors import CXRLabError
from cxrlab.files import write_atomically

CHECKOUT = Path(cxrlab.__file__).resolve().parent.parent
NAME = r"(?!\.+[/\"])[A-Za-z0-9_.-]+"
SETTING = re.compile(
    rf'^Repository = "https://github\.com/({NAME}/{NAME})(?:/tree/({NAME}))?"$', re.MULTILINE
)
# Every place where an address of this repository can stand, and what stands there. Nothing else:
# links to other people's repositories are left alone.
PLACES = {
    rf"(colab\.research\.google\.com/github/|//github\.com/){NAME}/{NAME}/blob/[^/\s)]+"
    r"(?=/(?:notebooks|docs)/)": r"\g<1>{path}/blob/{branch}",
    rf"(mybinder\.org/v2/gh/){NAME}/{NAME}/[^?\s)\"]+": r"\g<1>{path}/{branch}",
    rf"(git\+https://github\.com/){NAME}/{NAME}(?:@[^\s\"')\\]+)?": r"\g<1>{path}{at_branch}",
    rf"(git clone https://github\.com/){NAME}/{NAME}": r"\g<1>{path}",
}


class Repository(NamedTuple):
    """A repository on GitHub, ``OWNER/NAME``, and the branch that readers get."""

    path: str
    branch: str = "main"

    @property
    def setting(self) -> str:
        """The line in pyproject.toml."""
        branch = "" if self.branch == "main" else f"/tree/{self.branch}"
        return f'Repository = "https://github.com/{self.path}{branch}"'


def repository(checkout: Path = CHECKOUT) -> Repository:
    """What the setting says. Raises :class:`CXRLabError` where there is none."""
    settings = checkout / "pyproject.toml"
    text = settings.read_text(encoding="utf-8") if settings.is_file() else ""
    found = SETTING.search(text)
    if not found:
        raise CXRLabError(
            f'{settings} lacks its line Repository = "https://github.com/OWNER/NAME" (with '
            "/tree/BRANCH behind NAME unless the branch is main). Clone your copy of the course "
            "and run cxrlab publish there, after pip install -e ."
        )
    return Repository(found[1], found[2] or "main")


def publish(to: Repository, check: bool = False, checkout: Path = CHECKOUT) -> list[str]:
    """Point the setting, and with it every badge, link and install cell, at a repository.

    Returns the files that change; ``check`` writes none of them. Raises :class:`CXRLabError` for
    names that GitHub would not take.
    """
    if not SETTING.fullmatch(to.setting):
        raise CXRLabError(
            f"{to.path!r} on branch {to.branch!r} fits into no badge. Expected OWNER/NAME, as in "
            "ann/cxrlab, and a branch of letters, digits, dots, dashes and underscores."
        )
    places = ("pyproject.toml", "README.md", "docs/*.md", "notebooks/*.ipynb")
    changed = []
    for path in sorted(path for place in places for path in checkout.glob(place)):
        text = stamped(path, to)
        if text != path.read_text(encoding="utf-8"):
            changed.append(path.relative_to(checkout).as_posix())
            if not check:
                write_atomically(path, text)
    return changed


def stamped(path: Path, to: Repository) -> str:
    """The file's text with its links pointing at ``to``. A notebook's outputs are left alone."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return stamp(text, to)
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        cell.source = stamp(cell.source, to)
    return to_text(notebook)


def stamp(text: str, to: Repository) -> str:
    """``text`` with every address of the course's repository pointing at ``to``."""
    at_branch = "" if to.branch == "main" else f"@{to.branch}"
    for place, address in PLACES.items():
        there = address.format(path=to.path, branch=to.branch, at_branch=at_branch)
        text = re.sub(place, there, text)
    return SETTING.sub(to.setting, text)


def to_text(notebook: nbformat.NotebookNode) -> str:
    """The notebook as its file holds it.

    The id of each cell is made from what the cell says: only a changed cell changes its id.
    """
    seen = Counter()
    for cell in notebook.cells:
        stem = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        seen[stem] += 1
        cell.id = stem if seen[stem] == 1 else f"{stem}-{seen[stem]}"
    return nbformat.writes(notebook).rstrip("\n") + "\n"
