"""Where the course lives: launch links and badges, all made from one setting in pyproject.toml.

``[project.urls] Repository`` names owner and repository (with ``/tree/BRANCH`` at its end, the
branch too). ``python -m cxrlab.links`` carries it into the README and the notebooks;
``python -m cxrlab.links --check`` only says where they disagree.
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
    """The files that carry links: the README and every notebook."""
    return [checkout / "README.md", *sorted((checkout / "notebooks").glob("*.ipynb"))]


def stamped(path: Path, to: Repository) -> str:
    """The file's text with its links pointing at ``to``. A notebook's outputs are left alone."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return stamp(text, to)
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        source = cell["source"]
        cell["source"] = (
            stamp(source, to) if isinstance(source, str) else [stamp(line, to) for line in source]
        )
    if notebook == json.loads(text):
        return text
    # As Jupyter writes it.
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Rewrite the links, or with ``--check`` name the files whose links disagree."""
    check = "--check" in (sys.argv[1:] if arguments is None else arguments)
    to = repository()
    wrong = [
        path for path in linked_files() if path.read_text(encoding="utf-8") != stamped(path, to)
    ]
    for path in wrong:
        if not check:
            write_atomically(path, stamped(path, to))
        print(f"{path.name}: links {'do not point' if check else 'now point'} at {to.url}")
    if not wrong:
        print(f"All links point at {to.url}, branch {to.branch}.")
    return 1 if check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
