"""Where the X-rays come from: one module a source, all of them read into one catalog."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from filelock import FileLock

from cxrlab.catalog.schema import validate
from cxrlab.chosen import choose
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, workspace_root
from cxrlab.sources import actualmed, covid, figure1, kermany, nih

if TYPE_CHECKING:
    from cxrlab.sources.fetch_report import FetchReport

SOURCES = {module.NAME: module for module in (covid, kermany, nih)}
# Hospitals that the course does not learn from. Both lie inside COVIDx, with the COVID-19 source.
EXTERNAL = {module.NAME: module for module in (actualmed, figure1)}

# Which folders the negatives come from: children as published, adults, or half and half.
NEGATIVES = {
    "kermany": (kermany.NAME,),
    "adult": (nih.NAME,),
    "mixed": (kermany.NAME, nih.NAME),
}

STAMP = "phantoms.json"  # lies in a folder of phantoms and in no other


def data_folder(data: str | Path | None = None) -> Path:
    """The folder of X-rays that :func:`cxrlab.chosen.choose` settles on.

    ``data`` may be ``phantom``. Phantoms are made once and kept. Raises :class:`CXRLabError`
    where a named folder does not exist.
    """
    choice = choose(data)
    if choice.folder is None:
        return _phantoms()
    if not choice.folder.is_dir():
        raise CXRLabError(
            f"{choice.by} names {choice.folder}, which is not a folder. Name the folder that holds "
            f"{covid.NAME}/ and {kermany.NAME}/, or leave it out to work on simulated X-rays."
        )
    return choice.folder


def is_phantom(folder: str | Path) -> bool:
    """Whether the X-rays in ``folder`` are simulated; they are then labelled so when shown."""
    return (Path(folder) / STAMP).is_file()


def what_kind(folder: str | Path) -> dict:
    """For the settings of a run: ``simulated``, and for phantoms how far up their dial was."""
    if not is_phantom(folder):
        return {"simulated": False}
    return {"simulated": True, "confounding": read_json(Path(folder) / STAMP)["confounding"]}


def phantom_choices(folder: str | Path) -> dict:
    """What phantoms were made from, as their folder says; empty for real X-rays."""
    if not is_phantom(folder):
        return {}
    said = read_json(Path(folder) / STAMP)
    return {name: said[name] for name in ("version", "seed", "confounding", "size")}


def check_negatives(negatives: str) -> tuple[str, ...]:
    """The folder names behind ``kermany``, ``adult`` or ``mixed``. Raises :class:`CXRLabError`."""
    if negatives not in NEGATIVES:
        raise CXRLabError(
            f"There are no negatives called {negatives!r}. Choose kermany (children, as "
            "published), adult, or mixed (half and half)."
        )
    return NEGATIVES[negatives]


def load_catalog(data_dir: str | Path, negatives: str = "kermany") -> pd.DataFrame:
    """All images of the COVID-19 source and of the wanted negatives' source(s), as one catalog.

    ``negatives`` is ``kermany`` (children), ``adult`` or ``mixed``. Nothing is filtered yet and
    files may be missing. Raises :class:`CXRLabError` where a source's folder is not there.
    """
    data_dir = Path(data_dir)
    wanted = (covid.NAME, *check_negatives(negatives))
    missing = [name for name in wanted if not (data_dir / name).is_dir()]
    if missing:
        held = sorted(entry.name for entry in data_dir.iterdir()) if data_dir.is_dir() else []
        raise CXRLabError(
            f"{data_dir} has no folder {' and no folder '.join(missing)}, which negatives="
            f"{negatives!r} needs. It holds: {', '.join(held[:8]) or 'nothing'}. "
            "`cxrlab data status` shows the expected layout."
        )
    tables = [SOURCES[name].load(data_dir / name) for name in wanted]
    return validate(pd.concat(tables, ignore_index=True))


def load_external(data_dir: str | Path) -> pd.DataFrame:
    """The external sets that ``data_dir`` holds, as one catalog. Nothing is filtered yet.

    Raises :class:`CXRLabError` where it holds none of them, or one that cannot be read.
    """
    data_dir = Path(data_dir)
    present = [name for name in EXTERNAL if (data_dir / name).is_dir()]
    if not present:
        raise CXRLabError(
            f"{data_dir} holds no external set: none of the folders {', '.join(EXTERNAL)}. "
            "`cxrlab data fetch external` brings them."
        )
    tables = [EXTERNAL[name].load(data_dir / name) for name in present]
    return validate(pd.concat(tables, ignore_index=True))


def fetch(
    what: str = "all",
    data: str | Path | None = None,
    limit: int | None = None,
    commit: str | None = None,
    archive: str | Path | None = None,
) -> FetchReport:
    """Bring real X-rays into ``data``, by default the folder ``xrays`` of the workspace.

    ``what``: ``covid`` (COVID-19 X-rays in PA view), ``kermany`` (as many normal children),
    ``external`` (two sets from elsewhere) or ``all``. ``limit``: the most images a source.
    ``commit``: another state of the COVID-19 source. ``archive``: a zip or folder of the normal
    children on this computer. Says what it does; what is there already is not fetched again.

    Failures of single files or sources are in the report and do not stop the others. Raises
    :class:`CXRLabError` for a wrong choice, or where the disk is too small.
    """
    from cxrlab.sources.fetch_all import fetch as fetch_sources

    return fetch_sources(what, data, limit, commit, archive)


def confounded_phantoms() -> Path:
    """The course's phantoms with the dial turned up, in the workspace: made once and kept.

    The same patients with the same lungs, but every X-ray is taken in the manner of its source.
    """
    return _phantoms("phantoms-confounded", confounding=1.0)


def _phantoms(name: str = "phantoms", **choices: float) -> Path:
    """The course's own simulated X-rays, in the workspace. One process at a time makes them."""
    from cxrlab.sources.phantom import make_phantoms

    folder = workspace_root() / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{name}.lock")):
        try:
            return make_phantoms(folder, **choices)  # at once, where they are there already
        except FileExistsError as error:
            raise CXRLabError(f"The simulated X-rays cannot be made. {error}") from error
