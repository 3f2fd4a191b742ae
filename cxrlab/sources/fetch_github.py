"""Sources that are a repository with ``metadata.csv`` and ``images/``: the table, then images.

Only images that pass the course's own filters are asked for.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import pandas as pd

from cxrlab.catalog.filters import (
    FilterLog,
    is_covid19,
    is_normal,
    keep_covid19,
    keep_posteroanterior,
    keep_xray,
)
from cxrlab.errors import CXRLabError
from cxrlab.fetching.files import Wanted, fetch_file, fetch_files
from cxrlab.sources import actualmed, covid, figure1, manifest
from cxrlab.sources.plans import Damaged, Plan, decodes, in_stable_order

RAW = "https://raw.githubusercontent.com"
LISTS = "https://api.github.com/repos"


@dataclass(frozen=True)
class Repository:
    """Where a source lies, which state of it is taken, and which of its rows."""

    module: ModuleType
    path: str  # owner/name
    commit: str  # or a branch
    keep: Callable[[pd.DataFrame], pd.DataFrame]
    usual_size: int  # bytes an image, for an estimate where the list of files cannot be had
    needed: tuple[str, ...]
    suffixes: tuple[str, ...] = ()  # endings to try, where the table does not say them

    @property
    def name(self) -> str:
        return self.module.NAME

    @property
    def address(self) -> str:
        return f"https://github.com/{self.path}"


def _published(catalog: pd.DataFrame) -> pd.DataFrame:
    """COVID-19, X-ray, PA: the filters of notebook 02."""
    log = FilterLog()
    return keep_posteroanterior(keep_xray(keep_covid19(catalog, log), log), log)


def _either_class(catalog: pd.DataFrame) -> pd.DataFrame:
    """X-rays with COVID-19 or without a finding, in any view: what an external test can score."""
    finding = catalog["finding"]
    usable = is_covid19(finding) | is_normal(finding).fillna(False)
    return keep_xray(catalog[usable], FilterLog())


# The commits were read in a public index of the repositories. That of the COVID-19 collection
# holds its table in the later spelling, up to patient 481; that of Figure 1 its 48 patients.
# No commit of Actualmed is known to hold all of its images, so its branch is taken.
REPOSITORIES = {
    repository.name: repository
    for repository in (
        Repository(
            covid,
            "ieee8023/covid-chestxray-dataset",
            "6a4242344473ccb5ed0d2148d8c7bfb1691e4ed8",
            _published,
            650_000,
            covid.NEEDED,
        ),
        Repository(
            actualmed,
            "agchung/Actualmed-COVID-chestxray-dataset",
            "master",
            _either_class,
            2_000_000,
            actualmed.NEEDED,
        ),
        Repository(
            figure1,
            "agchung/Figure1-COVID-chestxray-dataset",
            "95bb569e55f4110d3b734c0f355340e04e16989a",
            _either_class,
            500_000,
            figure1.NEEDED,
            figure1.SUFFIXES,
        ),
    )
}


def plan_repository(
    repository: Repository, folder: Path, limit: int | None = None, commit: str | None = None
) -> Plan:
    """Bring the table and the list of files, and settle which images are to come.

    ``folder`` is the data folder, ``limit`` the most images to take, ``commit`` another commit or
    branch than the usual one. Raises :class:`CXRLabError` where the table cannot be had or read.
    """
    commit = commit or repository.commit
    home = folder / repository.name
    travelled = _bring_table(repository, folder, commit)
    files, listed_bytes = _list_of_files(repository, commit)
    kept = repository.keep(repository.module.load(home))
    paths = {Path(path) for path in kept["path"].dropna()}  # a blank or unsafe name has none
    refused = int(kept["path"].isna().sum())
    notes = [f"{refused} rows have no file name or an unsafe one."] if refused else []
    images = home / "images"
    if files is not None:
        paths = {_as_listed(path, images, files, repository.suffixes) for path in paths}
        known = {path for path in paths if _inside(path, images) in files}
        if known < paths:
            notes.append(f"{len(paths - known)} images of the table are not in the repository.")
        paths = known
    chosen = in_stable_order(paths, lambda path: _inside(path, images))[:limit]
    damaged = Damaged()
    wanted = [_wanted(repository, commit, images, path, files, damaged) for path in chosen]
    missing = [want for want in wanted if not want.path.is_file()]
    return Plan(
        repository.name,
        repository.address,
        "repository",
        chosen,
        len(missing),
        sum(want.size or repository.usual_size for want in missing),
        partial(_bring, wanted, repository.suffixes if files is None else ()),
        exact=files is not None,
        commit=commit,
        travelled=travelled + listed_bytes,
        notes=notes,
        damaged=damaged,
    )


def _bring_table(repository: Repository, folder: Path, commit: str) -> int:
    """``metadata.csv`` of this commit. One of another commit that we fetched is replaced."""
    path = folder / repository.name / "metadata.csv"
    before = manifest.read(folder).get(repository.name)
    changed = before is not None and before["commit"] != commit
    arriving = path.with_name("metadata-new.csv") if changed else path
    travelled = fetch_file(
        Wanted(
            f"{RAW}/{repository.path}/{quote(commit, safe='/')}/metadata.csv",
            arriving,
            check=lambda table: _is_table(table, repository.needed),
        )
    )
    arriving.replace(path)
    return travelled


def _is_table(path: Path, needed: tuple[str, ...]) -> None:
    covid.read_metadata(path, needed)


def _list_of_files(
    repository: Repository, commit: str
) -> tuple[dict[str, tuple[int, str]] | None, int]:
    """``{path in images/: (bytes, git's SHA-1)}``, and the bytes that it took.

    None where the list cannot be had: GitHub answers 60 such questions an hour and address
    without an account. Sizes are then estimated, and content is checked by decoding alone.
    """
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "images.json"
        url = f"{LISTS}/{repository.path}/git/trees/{quote(commit, safe='')}:images?recursive=1"
        try:
            travelled = fetch_file(Wanted(url, path))
            answer = json.loads(path.read_bytes())
            if answer["truncated"]:
                return None, travelled
            files = {
                entry["path"]: (int(entry["size"]), str(entry["sha"]))
                for entry in answer["tree"]
                if entry["type"] == "blob"
            }
        except (CXRLabError, OSError, ValueError, KeyError, TypeError, RecursionError):
            return None, 0
        return files or None, travelled


def _inside(path: Path, images: Path) -> str:
    return path.relative_to(images).as_posix() if path.is_relative_to(images) else path.name


def _as_listed(path: Path, images: Path, files: dict, suffixes: tuple[str, ...]) -> Path:
    """The path with the ending that the repository has, where the table does not say it."""
    ends = [path.with_name(path.stem + end) for end in suffixes]
    return next((end for end in ends if _inside(end, images) in files), path)


def _wanted(
    repository: Repository,
    commit: str,
    images: Path,
    path: Path,
    files: dict | None,
    damaged: Damaged,
) -> Wanted:
    name = _inside(path, images)
    url = f"{RAW}/{repository.path}/{quote(commit, safe='/')}/images/{quote(name)}"
    size, digest = (files or {}).get(name, (None, None))
    check = decodes if digest is None else partial(_check, digest=digest, name=name, into=damaged)
    return Wanted(url, path, size=size, check=check)


def _check(path: Path, digest: str, name: str, into: Damaged) -> None:
    """Raise unless this is the very file of the commit; note whether it is an image at all."""
    data = path.read_bytes()
    blob = b"blob %d\0" % len(data) + data  # what git takes the hash of
    if hashlib.sha1(blob, usedforsecurity=False).hexdigest() != digest:
        raise CXRLabError(f"{name} is not the file that the repository lists under this name.")
    into.note(path, name)


def _bring(wanted: list[Wanted], suffixes: tuple[str, ...]):
    """All images. With ``suffixes`` a file that is not there is tried under the next ending."""
    from dataclasses import replace

    what = wanted[0].path.parents[1].name if wanted else "images"
    done = fetch_files(wanted, what)
    for end in suffixes[1:]:
        again = {failure.path: failure for failure in done.failed}
        if not again:
            break
        others = [
            replace(
                want,
                url=want.url.removesuffix(quote(want.path.suffix)) + end,
                path=want.path.with_suffix(end),
            )
            for want in wanted
            if want.path in again
        ]
        more = fetch_files(others, what)
        came = {path.stem for path in (*more.new, *more.already)}
        done = replace(
            done,
            new=done.new + more.new,
            already=done.already + more.already,
            failed=[failure for failure in done.failed if failure.path.stem not in came],
            bytes=done.bytes + more.bytes,
        )
    return done
