"""Where the X-rays come from: one module a source, all of them read into one catalog."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from filelock import FileLock

from cxrlab.choices import choose
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, workspace_root
from cxrlab.sources import covid, external, kermany, nih
from cxrlab.sources.tables import check_catalog

if TYPE_CHECKING:
    from cxrlab.sources.fetching import FetchReport

STAMP = "phantoms.json"  # lies in a folder of phantoms and in no other

# What reads each source: from its folder to a catalog.
SOURCES = {covid.NAME: covid.load, kermany.NAME: kermany.load, nih.NAME: nih.load}
# Hospitals that the course does not learn from. Both lie inside COVIDx, with the COVID-19 source.
EXTERNAL = {external.ACTUALMED: external.load_actualmed, external.FIGURE1: external.load_figure1}

COVID19, CHILDREN, ADULTS = "COVID-19", "children", "adults"
# The groups of people that the course compares, and the sources that have them. The external sets
# lend their healthy people only where the course's own source of adults is not there.
ROLES = {
    COVID19: (covid.NAME,),
    CHILDREN: (kermany.NAME,),
    ADULTS: (nih.NAME, external.ACTUALMED, external.FIGURE1),
}
# Who the negatives are: children as published, adults, or half and half.
NEGATIVES = {"kermany": (CHILDREN,), "adult": (ADULTS,), "mixed": (CHILDREN, ADULTS)}


def data_folder(data: str | Path | None = None) -> Path:
    """The folder of X-rays that :func:`cxrlab.choices.choose` settles on.

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
    return {name: said.get(name) for name in ("pixels", "seed", "confounding", "size")}


def sources_in(data_dir: str | Path) -> list[str]:
    """The names of the sources, external ones included, whose folder is in ``data_dir``."""
    return [name for name in SOURCES | EXTERNAL if (Path(data_dir) / name).is_dir()]


def check_negatives(negatives: str) -> tuple[str, ...]:
    """The groups behind ``kermany``, ``adult`` or ``mixed``. Raises :class:`CXRLabError`."""
    if negatives not in NEGATIVES:
        raise CXRLabError(
            f"There are no negatives called {negatives!r}. Choose kermany (children, as "
            "published), adult, or mixed (half and half)."
        )
    return NEGATIVES[negatives]


def filled_by(group: str, there: Collection[str]) -> tuple[str, ...]:
    """The sources, of those that are ``there``, which the course takes ``group`` from.

    The course's own source where it is there, otherwise all external sets that can lend people;
    empty where nobody can.
    """
    able = [name for name in ROLES[group] if name in there]
    own = [name for name in able if name in SOURCES]
    return tuple(own or able)


def load_catalog(data_dir: str | Path, negatives: str = "kermany") -> pd.DataFrame:
    """All images of the COVID-19 source and of the wanted negatives' source(s), as one catalog.

    ``negatives`` is ``kermany`` (children), ``adult`` or ``mixed``. Nothing is filtered yet and
    files may be missing. Without NIH's adults the external sets stand in for them
    (:func:`filled_by`). Raises :class:`CXRLabError` where a source's folder is not there.
    """
    data_dir = Path(data_dir)
    there = sources_in(data_dir)
    groups = (COVID19, *check_negatives(negatives))
    missing = [ROLES[group][0] for group in groups if not filled_by(group, there)]
    if missing:
        raise CXRLabError(_lacking(data_dir, missing, negatives))
    wanted = [name for group in groups for name in filled_by(group, there)]
    tables = [(SOURCES | EXTERNAL)[name](data_dir / name) for name in wanted]
    return check_catalog(pd.concat(tables, ignore_index=True))


def _lacking(data_dir: Path, missing: list[str], negatives: str) -> str:
    names = sorted(entry.name for entry in data_dir.iterdir()) if data_dir.is_dir() else []
    held = [name for name in names if not name.startswith(".")]
    said = (
        f"{data_dir} has no folder {' and no folder '.join(missing)}, which negatives="
        f"{negatives!r} needs. It holds: {', '.join(held[:8]) or 'nothing'}. "
    )
    if missing == [nih.NAME]:
        said += (
            "`cxrlab data fetch external` brings sets whose X-rays without a finding can stand "
            "in for it. "
        )
    return said + "`cxrlab data status` shows the expected layout."


def fetch(
    what: str = "all",
    data: str | Path | None = None,
    limit: int | None = None,
    commit: str | None = None,
    archive: str | Path | None = None,
) -> FetchReport:
    """Bring real X-rays into ``data``, by default the folder ``xrays`` of the workspace.

    The choices are those of :func:`cxrlab.sources.fetching.fetch_sources`, which this calls.
    """
    from cxrlab.sources.fetching import fetch_sources

    return fetch_sources(what, data, limit, commit, archive)


def confounded_phantoms() -> Path:
    """The course's phantoms with the dial turned up, in the workspace: made once and kept.

    The same patients with the same lungs, but every X-ray is taken in the manner of its source.
    """
    return _phantoms("phantoms-confounded", confounding=1.0)


def hospital_phantoms() -> Path:
    """Phantoms of another hospital, in the workspace: new patients, with the dial down."""
    return _phantoms("phantoms-hospital-b", seed=1, size="ward")


def _phantoms(name: str = "phantoms", **choices: float | str) -> Path:
    """The course's own simulated X-rays, in the workspace. One process at a time makes them."""
    from cxrlab.phantoms import make_phantoms

    folder = workspace_root() / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{name}.lock")):
        try:
            return make_phantoms(folder, **choices)  # at once, where they are there already
        except FileExistsError as error:
            raise CXRLabError(f"The simulated X-rays cannot be made. {error}") from error
