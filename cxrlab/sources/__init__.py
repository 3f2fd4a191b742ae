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
from cxrlab.sources import covid, kermany
from cxrlab.sources.roles import (
    ADULTS,
    CHILDREN,
    COVID19,
    EXTERNAL,
    NEGATIVES,
    ROLES,
    SOURCES,
    check_negatives,
    filled_by,
)

if TYPE_CHECKING:
    from cxrlab.sources.fetch_report import FetchReport

__all__ = [
    "ADULTS",
    "CHILDREN",
    "COVID19",
    "EXTERNAL",
    "NEGATIVES",
    "ROLES",
    "SOURCES",
    "STAMP",
    "check_negatives",
    "confounded_phantoms",
    "data_folder",
    "fetch",
    "filled_by",
    "hospital_phantoms",
    "is_phantom",
    "load_catalog",
    "load_external",
    "phantom_choices",
    "sources_in",
    "what_kind",
]

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
    return {name: said.get(name) for name in ("pixels", "seed", "confounding", "size")}


def sources_in(data_dir: str | Path) -> list[str]:
    """The names of the sources, external ones included, whose folder is in ``data_dir``."""
    return [name for name in SOURCES | EXTERNAL if (Path(data_dir) / name).is_dir()]


def load_catalog(data_dir: str | Path, negatives: str = "kermany") -> pd.DataFrame:
    """All images of the COVID-19 source and of the wanted negatives' source(s), as one catalog.

    ``negatives`` is ``kermany`` (children), ``adult`` or ``mixed``. Nothing is filtered yet and
    files may be missing. Without NIH's adults the external sets stand in for them
    (:func:`filled_by`). Raises :class:`CXRLabError` where a source's folder is not there.
    """
    data_dir = Path(data_dir)
    there = sources_in(data_dir)
    roles = (COVID19, *check_negatives(negatives))
    missing = [ROLES[role][0] for role in roles if not filled_by(role, there)]
    if missing:
        raise CXRLabError(_lacking(data_dir, missing, negatives))
    wanted = [name for role in roles for name in filled_by(role, there)]
    tables = [(SOURCES | EXTERNAL)[name].load(data_dir / name) for name in wanted]
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


def hospital_phantoms() -> Path:
    """Phantoms of another hospital, in the workspace: new patients, with the dial down."""
    return _phantoms("phantoms-hospital-b", seed=1, size="ward")


def _lacking(data_dir: Path, missing: list[str], negatives: str) -> str:
    names = sorted(entry.name for entry in data_dir.iterdir()) if data_dir.is_dir() else []
    held = [name for name in names if not name.startswith(".")]
    said = (
        f"{data_dir} has no folder {' and no folder '.join(missing)}, which negatives="
        f"{negatives!r} needs. It holds: {', '.join(held[:8]) or 'nothing'}. "
    )
    if missing == [ROLES[ADULTS][0]]:
        said += (
            "`cxrlab data fetch external` brings sets whose X-rays without a finding can stand "
            "in for it. "
        )
    return said + "`cxrlab data status` shows the expected layout."


def _phantoms(name: str = "phantoms", **choices: float | str) -> Path:
    """The course's own simulated X-rays, in the workspace. One process at a time makes them."""
    from cxrlab.sources.phantom import make_phantoms

    folder = workspace_root() / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{name}.lock")):
        try:
            return make_phantoms(folder, **choices)  # at once, where they are there already
        except FileExistsError as error:
            raise CXRLabError(f"The simulated X-rays cannot be made. {error}") from error
