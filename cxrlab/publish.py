"""Where the course lives: badges, links and install cells, all made from one setting.

``[project.urls] Repository`` in pyproject.toml names owner and repository (with ``/tree/BRANCH``
at its end, the branch too). ``cxrlab publish`` sets it and carries it into the README, the pages
in docs and the notebooks.
"""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import nbformat

from cxrlab.errors import CXRLabError
from cxrlab.files import write_atomically
from cxrlab.running.notebooks import CHECKOUT, id_for

NAME = r"[\w.-]+"
SETTING = re.compile(r'^Repository = "[^"]*"$', re.MULTILINE)

# Every place where an address of this repository can stand, and what stands there. Nothing else:
# links to other people's repositories are left alone. Each matches up to the branch, or the name
# where no branch follows.
PLACES = {
    rf"https://colab\.research\.google\.com/github/{NAME}/{NAME}/blob/[^/\s)]+(?=/notebooks/)": (
        "https://colab.research.google.com/github/{path}/blob/{branch}"
    ),
    rf"https://mybinder\.org/v2/gh/{NAME}/{NAME}/[^?\s)\"]+": (
        "https://mybinder.org/v2/gh/{path}/{branch}"
    ),
    rf"https://github\.com/{NAME}/{NAME}/blob/[^/\s)]+(?=/(?:notebooks|docs)/)": (
        "https://github.com/{path}/blob/{branch}"
    ),
    rf"git\+https://github\.com/{NAME}/{NAME}(?:@[^\s\"')\\]+)?": (
        "git+https://github.com/{path}{at_branch}"
    ),
    rf"git clone https://github\.com/{NAME}/{NAME}": "git clone https://github.com/{path}",
}


class Repository(NamedTuple):
    """A repository on GitHub and the branch that readers get."""

    owner: str
    name: str
    branch: str = "main"

    @property
    def address(self) -> str:
        """What stands in pyproject.toml."""
        url = f"https://github.com/{self.owner}/{self.name}"
        return url if self.branch == "main" else f"{url}/tree/{self.branch}"


def repository(checkout: Path = CHECKOUT) -> Repository:
    """The one setting: from the checkout's pyproject.toml, else as installed.

    Raises :class:`CXRLabError` where it names no repository on GitHub.
    """
    settings = checkout / "pyproject.toml"
    if settings.is_file():
        project = tomllib.loads(settings.read_text(encoding="utf-8"))["project"]
        address = project["urls"]["Repository"]
    else:
        entries = metadata.metadata("cxrlab").get_all("Project-URL") or []
        address = dict(entry.split(", ", 1) for entry in entries).get("Repository", "")
    found = re.fullmatch(
        rf"https://github\.com/({NAME})/({NAME}?)(?:\.git)?(?:/tree/({NAME}))?/?", address
    )
    if not found:
        raise CXRLabError(
            f"The Repository address in pyproject.toml is {address!r}. Expected "
            "https://github.com/OWNER/NAME, and /tree/BRANCH behind it unless the branch is main."
        )
    return Repository(found[1], found[2], found[3] or "main")


def publish(
    repo: str | None = None,
    branch: str | None = None,
    check: bool = False,
    checkout: Path | None = None,
) -> tuple[Repository, list[str]]:
    """Point the setting, and with it every badge, link and install cell, at another repository.

    ``repo`` is ``OWNER/NAME``, by default that of the setting; ``branch`` is ``main`` for a new
    ``repo`` and else stays. ``check`` writes nothing. Returns what everything points at, and the
    files that change. Raises :class:`CXRLabError` for names that GitHub would not take and where
    ``checkout`` is none.
    """
    checkout = checkout or CHECKOUT
    settings = checkout / "pyproject.toml"
    if not settings.is_file() or not (checkout / "notebooks").is_dir():
        raise CXRLabError(
            "cxrlab publish changes the files of a checkout, and this CXRLab was installed without "
            "one. Clone your copy of the repository, install it with pip install -e . and run the "
            "command there."
        )
    to = _wanted(repo, branch, repository(checkout))
    text = settings.read_text(encoding="utf-8")
    text, found = SETTING.subn(f'Repository = "{to.address}"', text)
    if found != 1:
        raise CXRLabError(
            f"pyproject.toml has {found} lines that begin with Repository, expected one. "
            "Restore it from the course's repository and run the command again."
        )
    linked = [checkout / "README.md", *sorted((checkout / "docs").glob("*.md"))]
    linked += sorted((checkout / "notebooks").glob("*.ipynb"))
    texts = {settings: text, **{path: stamped(path, to) for path in linked}}
    changed = [path for path in texts if path.read_text(encoding="utf-8") != texts[path]]
    for path in [] if check else changed:
        write_atomically(path, texts[path])
    return to, [path.relative_to(checkout).as_posix() for path in changed]


def stamped(path: Path, to: Repository) -> str:
    """The file's text with its links pointing at ``to``. A notebook's outputs are left alone."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return stamp(text, to)
    notebook = nbformat.reads(text, as_version=4)
    taken, moved = {cell.get("id") for cell in notebook.cells}, False
    for cell in notebook.cells:
        source = stamp(cell.source, to)
        if source != cell.source:
            taken.discard(cell.get("id"))
            cell.source, cell.id, moved = source, id_for(source, taken), True
    return nbformat.writes(notebook).rstrip("\n") + "\n" if moved else text


def stamp(text: str, to: Repository) -> str:
    """``text`` with every address of the course's repository pointing at ``to``."""
    at_branch = "" if to.branch == "main" else f"@{to.branch}"
    for place, address in PLACES.items():
        there = address.format(path=f"{to.owner}/{to.name}", branch=to.branch, at_branch=at_branch)
        text = re.sub(place, there, text)
    return text


def _wanted(repo: str | None, branch: str | None, now: Repository) -> Repository:
    owner, name = now.owner, now.name
    if repo is not None:
        owner, _, name = repo.removesuffix(".git").partition("/")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", owner) or not _is_name(name):
            raise CXRLabError(
                f"{repo!r} names no repository on GitHub. Expected OWNER/NAME, as in ann/cxrlab."
            )
    branch = branch or (now.branch if repo is None else "main")
    if not _is_name(branch):
        raise CXRLabError(
            f"The branch {branch!r} does not fit into a badge. Take one of letters, digits, dots, "
            "dashes and underscores."
        )
    return Repository(owner, name, branch)


def _is_name(word: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z0-9_.-]+", word)) and not set(word) <= {"."}
