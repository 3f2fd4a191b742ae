"""Where the X-rays come from: one module a source, all of them read into one catalog.

A further source is a module like :mod:`cxrlab.sources.nih` with its terms in ``terms.json``, a line
in ``SOURCES`` or ``EXTERNAL`` and a place in ``ROLES``; to be fetched, a line in ``PLANNED`` of
``sources/fetching.py``.
"""

from collections.abc import Collection
from pathlib import Path

import pandas as pd
from filelock import FileLock

from cxrlab.choices import choose
from cxrlab.errors import CXRLabError
from cxrlab.files import make_folder, read_json, workspace_root, writing
from cxrlab.sources import covid, external, kermany, nih
from cxrlab.sources.fetching import fetch as fetch
from cxrlab.sources.tables import STAMP, is_phantom

SOURCES = {source.name: source for source in (covid.SOURCE, kermany.SOURCE, nih.SOURCE)}
# Hospitals that the course does not learn from. Actualmed and Figure 1 lie inside COVIDx, with the
# COVID-19 source.
EXTERNAL = {source.name: source for source in (*covid.INSIDE_COVIDX, *external.SOURCES)}
ALL_SOURCES = SOURCES | EXTERNAL

COVID19, CHILDREN, ADULTS = "COVID-19", "children", "adults"
# The groups of people that the course compares, and the sources that have them. The external sets
# lend their healthy people only where the course's own source of adults is not there.
ROLES = {COVID19: (covid.NAME,), CHILDREN: (kermany.NAME,)}
ROLES |= {ADULTS: (nih.NAME, covid.ACTUALMED, covid.FIGURE1)}
ROLE_OF = {source: role for role, sources in ROLES.items() for source in sources}
# Who the negatives are: children as published, adults, or half and half.
NEGATIVES = {"kermany": (CHILDREN,), "adult": (ADULTS,), "mixed": (CHILDREN, ADULTS)}


def data_folder(data: str | Path | None = None) -> Path:
    """The folder of X-rays that :func:`cxrlab.choices.choose` settles on.

    Phantoms are made once. Raises :class:`CXRLabError` where a named folder does not exist.
    """
    choice = choose(data)
    if choice.folder is None:
        return _phantoms()
    if not choice.folder.is_dir():
        raise CXRLabError(
            f"{choice.folder}, {choice.in_words}, is not a folder. Name one that holds "
            f"{covid.NAME}/ and {kermany.NAME}/ (`cxrlab data use DIR`), or `cxrlab data use "
            "phantom` for simulated X-rays."
        )
    return choice.folder


def phantom_choices(folder: str | Path) -> dict:
    """What phantoms were made from, as their folder says; empty for real X-rays."""
    said = read_json(Path(folder) / STAMP) if is_phantom(folder) else {}
    return {name: said[name] for name in ("pixels", "seed", "confounding", "size") if name in said}


def what_kind(folder: str | Path) -> dict:
    """For the settings of a run: ``simulated``, and for phantoms how far up their dial was."""
    dial = phantom_choices(folder).get("confounding")
    return {"simulated": False} if dial is None else {"simulated": True, "confounding": dial}


def sources_in(data_dir: str | Path) -> list[str]:
    """The names of the sources, external ones included, whose folder is in ``data_dir``."""
    return [name for name in ALL_SOURCES if (Path(data_dir) / name).is_dir()]


def check_negatives(negatives: str) -> tuple[str, ...]:
    """The groups behind ``kermany``, ``adult`` or ``mixed``. Raises :class:`CXRLabError`."""
    if negatives not in NEGATIVES:
        raise CXRLabError(
            f"There are no negatives called {negatives!r}. Choose kermany (children, as "
            "published), adult, or mixed (half and half)."
        )
    return NEGATIVES[negatives]


def filled_by(role: str, there: Collection[str]) -> tuple[str, ...]:
    """Who ``role`` is taken from: the course's own source if ``there``, else all external ones."""
    able = [name for name in ROLES[role] if name in there]
    return tuple([name for name in able if name in SOURCES] or able)


def load_catalog(data_dir: str | Path, negatives: str = "kermany") -> pd.DataFrame:
    """All images of the COVID-19 source and of the wanted negatives' source(s), as one catalog.

    ``negatives`` is ``kermany`` (children), ``adult`` or ``mixed``. Nothing is filtered yet and
    files may be missing. Without NIH's adults the external sets stand in for them
    (:func:`filled_by`). Raises :class:`CXRLabError` where a source's folder is not there.
    """
    there = sources_in(data_dir)
    groups = (COVID19, *check_negatives(negatives))
    if missing := [ROLES[group][0] for group in groups if not filled_by(group, there)]:
        raise CXRLabError(
            f"{data_dir} has no folder {' and no folder '.join(missing)}, which negatives="
            f"{negatives!r} needs. It holds: {', '.join(there) or 'no source'}. "
            "`cxrlab data fetch` brings the X-rays of all sources."
        )
    wanted = [name for group in groups for name in filled_by(group, there)]
    tables = [ALL_SOURCES[name].load(Path(data_dir, name)) for name in wanted]
    return pd.concat(tables, ignore_index=True)


def confounded_phantoms() -> Path:
    """The course's phantoms with the dial up: the same lungs, taken in their source's manner."""
    return _phantoms("phantoms-confounded", confounding=1.0)


def hospital_phantoms() -> Path:
    """Phantoms of another hospital, in the workspace: new patients, with the dial down."""
    return _phantoms("phantoms-hospital-b", seed=1, size="ward")


def _phantoms(name: str = "phantoms", **choices: float | str) -> Path:
    """Simulated X-rays in the workspace. One process at a time makes them."""
    from cxrlab.phantoms import make_phantoms

    folder = make_folder(workspace_root()) / name
    with writing(folder), FileLock(folder.with_name(f"{name}.lock")):
        return make_phantoms(folder, **choices)  # at once, where they are there already
