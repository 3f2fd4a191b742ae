"""Which notebooks there are, and which of them somebody means by ``01-05``."""

from __future__ import annotations

import re
from pathlib import Path

import cxrlab
from cxrlab.errors import CXRLabError

PACKAGE = Path(cxrlab.__file__).resolve().parent
CHECKOUT = PACKAGE.parent


def in_checkout() -> bool:
    """Whether this package runs from a checkout of the repository rather than installed."""
    return (CHECKOUT / "pyproject.toml").is_file() and (CHECKOUT / "notebooks").is_dir()


def notebooks_folder() -> Path:
    """The course's notebooks: those of the checkout, else those shipped with the package."""
    return CHECKOUT / "notebooks" if in_checkout() else PACKAGE / "_notebooks"


def number(notebook: Path) -> str:
    """``01_motivation.ipynb`` has the number ``01``."""
    return notebook.stem[:2]


def find_notebooks(folder: Path | None = None) -> list[Path]:
    """The numbered notebooks (``01_motivation.ipynb``, ...) of ``folder``, in their order.

    Raises :class:`CXRLabError` where there are none.
    """
    folder = folder or notebooks_folder()
    found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise CXRLabError(
            f"No numbered notebook (such as 01_motivation.ipynb) is in {folder}. "
            "Install cxrlab again, or work in a checkout of its repository."
        )
    return found


def select_notebooks(found: list[Path], wanted: str | None) -> list[Path]:
    """Choose from ``found`` by number: ``03``, ``01-05``, ``01,03`` or ``1-2,06``; all for None.

    Raises :class:`CXRLabError` for words it cannot read and for numbers that no notebook has.
    """
    if wanted is None:
        return found
    numbers: set[int] = set()
    for part in wanted.split(","):
        match = re.fullmatch(r"\s*(\d{1,2})(?:\s*-\s*(\d{1,2}))?\s*", part)
        if not match:
            raise CXRLabError(
                f"Cannot read {wanted!r} as notebook numbers. "
                "Write one (03), a range (01-05) or several (01,03)."
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise CXRLabError(f"The range {part.strip()} runs backwards: {last:02d}-{first:02d}?")
        numbers.update(range(first, last + 1))
    known = {int(number(notebook)) for notebook in found}
    if missing := sorted(numbers - known):
        raise CXRLabError(
            f"There is no notebook {', '.join(f'{n:02d}' for n in missing)}. "
            f"There are {', '.join(f'{n:02d}' for n in sorted(known))}."
        )
    return [notebook for notebook in found if int(number(notebook)) in numbers]


def working_folder() -> Path:
    """The folder in which a reader may work on the notebooks: the checkout's.

    Raises :class:`CXRLabError` outside a checkout, where the shipped ones are not to be edited.
    """
    if not in_checkout():
        raise CXRLabError(
            "This installation is no checkout of the repository. "
            "Name a folder for your copies of the notebooks: cxrlab lab my-cxrlab"
        )
    return CHECKOUT / "notebooks"
