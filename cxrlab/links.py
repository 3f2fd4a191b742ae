"""Where the course lives: launch links and badges, all made from one setting in pyproject.toml.

``[project.urls] Repository`` names owner and repository (with ``/tree/BRANCH`` at its end, the
branch too). ``cxrlab publish`` sets it and carries it into the README, the pages in docs and the
notebooks; ``python -m cxrlab.links`` carries it there as it is.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from cxrlab.errors import CXRLabError
from cxrlab.files import write_atomically

CHECKOUT = Path(__file__).resolve().parent.parent
NAME = r"[\w.-]+"
SETTING = re.compile(r'^Repository = "[^"]*"$', re.MULTILINE)

# Every place where an address of this repository can stand, and nothing else: links to other
# people's repositories are left alone. Each matches up to the branch, or the name where no
# branch follows.
PLACES = {
    "colab": re.compile(
        rf"https://colab\.research\.google\.com/github/{NAME}/{NAME}/blob/[^/\s)]+(?=/notebooks/)"
    ),
    "binder": re.compile(rf"https://mybinder\.org/v2/gh/{NAME}/{NAME}/[^?\s)\"]+"),
    "github": re.compile(
        rf"https://github\.com/{NAME}/{NAME}/blob/[^/\s)]+(?=/(?:notebooks|docs)/)"
    ),
    "install": re.compile(rf"git\+https://github\.com/{NAME}/{NAME}(?:@[^\s\"')\\]+)?"),
    "clone": re.compile(rf"git clone https://github\.com/{NAME}/{NAME}"),
}


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub and the branch that readers get."""

    owner: str
    name: str
    branch: str = "main"

    @property
    def url(self) -> str:
        return f"https://github.com/{self.owner}/{self.name}"

    @property
    def setting(self) -> str:
        """What stands in pyproject.toml."""
        return self.url if self.branch == "main" else f"{self.url}/tree/{self.branch}"

    @property
    def addresses(self) -> dict[str, str]:
        """What stands at each of :data:`PLACES`."""
        path = f"{self.owner}/{self.name}"
        branch = "" if self.branch == "main" else f"@{self.branch}"
        return {
            "colab": f"https://colab.research.google.com/github/{path}/blob/{self.branch}",
            "binder": f"https://mybinder.org/v2/gh/{path}/{self.branch}",
            "github": f"{self.url}/blob/{self.branch}",
            "install": f"git+{self.url}{branch}",
            "clone": f"git clone {self.url}",
        }

    def colab(self, notebook: str) -> str:
        """The address that opens ``notebook`` (``01_motivation``) on Google Colab."""
        return f"{self.addresses['colab']}/notebooks/{notebook}.ipynb"

    def binder(self, notebook: str) -> str:
        """The address that opens ``notebook`` in JupyterLab on Binder."""
        return f"{self.addresses['binder']}?urlpath=lab/tree/notebooks/{notebook}.ipynb"

    def github(self, notebook: str) -> str:
        """The address of ``notebook`` to read on GitHub."""
        return f"{self.addresses['github']}/notebooks/{notebook}.ipynb"

    def badges(self, notebook: str) -> str:
        """The line of badges, in Markdown, with which ``notebook`` opens."""
        return (
            "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
            f"({self.colab(notebook)}) "
            "[![Open on Binder](https://mybinder.org/badge_logo.svg)]"
            f"({self.binder(notebook)}) "
            f"[Read on GitHub]({self.github(notebook)})"
        )


def parse_repository(address: str) -> Repository:
    """Read ``https://github.com/OWNER/NAME`` or ``https://github.com/OWNER/NAME/tree/BRANCH``."""
    found = re.fullmatch(
        rf"https://github\.com/({NAME})/({NAME}?)(?:\.git)?(?:/tree/([^\s?#]+?))?/?", address
    )
    if not found:
        raise CXRLabError(
            f"The Repository address in pyproject.toml is {address!r}. Expected "
            "https://github.com/OWNER/NAME, and /tree/BRANCH behind it unless the branch is main."
        )
    owner, name, branch = found.groups()
    return Repository(owner, name, branch or "main")


def repository(checkout: Path = CHECKOUT) -> Repository:
    """The one setting: from the checkout's pyproject.toml, else as installed."""
    settings = checkout / "pyproject.toml"
    if settings.is_file():
        project = tomllib.loads(settings.read_text(encoding="utf-8"))["project"]
        return parse_repository(project["urls"]["Repository"])
    for entry in metadata.metadata("cxrlab").get_all("Project-URL") or []:
        label, _, address = entry.partition(", ")
        if label == "Repository":
            return parse_repository(address)
    raise CXRLabError("This installation does not say where its repository is. Install it again.")


def stamp(text: str, to: Repository) -> str:
    """``text`` with every address of the course's repository pointing at ``to``."""
    addresses = to.addresses
    for place, pattern in PLACES.items():
        text = pattern.sub(lambda _, address=addresses[place]: address, text)
    return text


def linked_files(checkout: Path = CHECKOUT) -> list[Path]:
    """The files that carry links: the README, the pages in docs and every notebook."""
    pages = sorted((checkout / "docs").glob("*.md"))
    return [checkout / "README.md", *pages, *sorted((checkout / "notebooks").glob("*.ipynb"))]


def stamped(path: Path, to: Repository) -> str:
    """The file's text with its links pointing at ``to``. A notebook's outputs are left alone."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return stamp(text, to)
    notebook = json.loads(text)
    moved = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if (stamped_source := stamp(source, to)) != source:
            cell["source"] = stamped_source.splitlines(keepends=True)
            moved.append(cell)
    if not moved:
        return text
    from cxrlab.running.notebooks import id_for  # an id is made from what the cell says

    taken = {cell.get("id", "") for cell in notebook["cells"] if cell not in moved}
    for cell in moved:
        if "id" in cell:
            cell["id"] = id_for("".join(cell["source"]), taken)
    # As Jupyter writes it.
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


@dataclass(frozen=True)
class Published:
    """What :func:`publish` changed, or would change: a sentence a file, none where all agree."""

    to: Repository
    changes: list[str]


def publish(
    repo: str | None = None,
    branch: str | None = None,
    check: bool = False,
    checkout: Path | None = None,
) -> Published:
    """Point the setting, and with it every badge, link and install cell, at another repository.

    ``repo`` is ``OWNER/NAME``, by default that of the setting; ``branch`` is ``main`` for a new
    ``repo`` and else stays. ``check`` writes nothing. Raises :class:`CXRLabError` for names that
    GitHub would not take and where ``checkout`` is none.
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
    changes = []
    texts = {settings: settings.read_text(encoding="utf-8")}
    if repository(checkout) != to:
        new, found = SETTING.subn(lambda _: f'Repository = "{to.setting}"', texts[settings])
        if found != 1:
            raise CXRLabError(
                f"pyproject.toml has {found} lines that begin with Repository, expected one. "
                "Restore it from the course's repository and run the command again."
            )
        texts[settings] = new
        changes.append(f"pyproject.toml: Repository, {to.setting}")
    for path in linked_files(checkout):
        before, after = path.read_text(encoding="utf-8"), stamped(path, to)
        if before != after:
            texts[path] = after
            moved = _count_moved(before, to)
            name = path.relative_to(checkout).as_posix()
            changes.append(f"{name}: {moved} address{'' if moved == 1 else 'es'}")
    if changes and not check:
        for path, text in texts.items():
            write_atomically(path, text)
    return Published(to, changes)


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


def _count_moved(text: str, to: Repository) -> int:
    return sum(
        found[0] != to.addresses[place]
        for place, pattern in PLACES.items()
        for found in pattern.finditer(text)
    )


def main(arguments: list[str] | None = None) -> int:
    """Carry the setting into every file, or with ``--check`` name those that disagree."""
    check = "--check" in (sys.argv[1:] if arguments is None else arguments)
    done = publish(check=check)
    for change in done.changes:
        print(change)
    if not done.changes:
        print(f"All links point at {done.to.url}, branch {done.to.branch}.")
    return 1 if check and done.changes else 0


if __name__ == "__main__":
    sys.exit(main())
