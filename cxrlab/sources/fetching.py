"""``cxrlab data fetch``: which X-rays each source needs, said before, then brought.

A plan lists the files of a source that are to come; ``PLANS`` has one per source. Where a source
has a table it comes first, then the images that pass the course's filters.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from filelock import FileLock
from rich.filesize import decimal

from cxrlab.errors import CXRLabError, counted
from cxrlab.files import make_folder, workspace_root, write_atomically, writing
from cxrlab.images import decode_bytes
from cxrlab.sources import covid, external, kermany, nih
from cxrlab.sources.download import Wanted, bring_all, contents, get
from cxrlab.sources.tables import Source, is_covid19, is_phantom, parse_table

# Where each repository lies on GitHub, and which commit or branch of it is taken. That of the
# COVID-19 collection holds its table in the later spelling, up to patient 481; that of Figure 1 its
# 48 patients. No commit of the others is known to hold all of their images: the branch is taken.
REPOSITORIES = {
    covid.NAME: ("ieee8023/covid-chestxray-dataset", "6a4242344473ccb5ed0d2148d8c7bfb1691e4ed8"),
    covid.ACTUALMED: (f"agchung/{covid.ACTUALMED}", "master"),
    covid.FIGURE1: (f"agchung/{covid.FIGURE1}", "95bb569e55f4110d3b734c0f355340e04e16989a"),
    external.OPENIST: ("pi-null-mezon/OpenIST", "master"),
    external.CXNET: ("armiro/COVID-CXNet", "master"),
}
RAW = "https://raw.githubusercontent.com/{}/{}"
LISTS = "https://api.github.com/repos/{}/git/trees/{}?recursive=1"
MENDELEY = (
    "https://data.mendeley.com/public-files/datasets/rscbjbr9sj/files/"
    "f12eaf6d-6023-432f-acc9-80c9d7393433/file_downloaded"
)
ATTACHED = Path("/kaggle/input")
# A copy of NIH ChestX-ray14 that gives parts of its twelve archives, which NIH's own does not.
NIH = (
    "https://huggingface.co/datasets/alkzar90/NIH-Chest-X-ray-dataset/resolve/"
    "d444bf39439f4fbfac6922e2472b1bf2554309e7/data"
)
NIH_TABLE = "Data_Entry_2017_v2020.csv"
HOSPITALS = (external.MONTGOMERY, external.SHENZHEN)
ADDRESSES = external.URLS | {name: RAW.format(*at) for name, at in REPOSITORIES.items()}
# chest_xray/train/NORMAL/IM-0115-0001.jpeg, however deep. Other names, as ._IM-1.jpeg, are left.
NORMAL = re.compile(r"(?:^|/)(train|test|val)/NORMAL/([A-Za-z0-9][\w.-]*\.(?:jpe?g|png))$", re.I)
UNCOUNTED = 250  # normal X-rays, without a table of positives: those in PA view are 217 at the most
MOST = 100  # X-rays of each set with tuberculosis, where no limit is named
USUAL, LARGE = 700_000, 5_000_000  # bytes of an X-ray, and of one of those, about


def fetch(
    what: str = "all",
    data: str | Path | None = None,
    limit: int | None = None,
    archive: str | Path | None = None,
) -> Path:
    """Bring real X-rays into ``data``, by default the folder ``xrays`` of the workspace.

    ``what``: ``covid`` (in PA view), ``kermany`` (as many normal children), ``nih`` (as many
    healthy adults); for tests ``external`` (Actualmed and Figure 1), ``openist``, ``cxnet``,
    ``tuberculosis`` (``montgomery`` and ``shenzhen``); or ``all``. ``limit``: the most images per
    source. ``archive``: a zip or folder of the normal children on this computer. Says first what
    each source allows and asks to cite; what is there is not fetched again. Raises
    :class:`CXRLabError` for a wrong choice, and at the end where something did not come.
    Example: ``course.use_data(sources.fetch())``
    """
    if what not in WHAT:
        raise CXRLabError(f"{what!r} cannot be fetched. Choose one of {', '.join(WHAT)}.")
    if limit is not None and limit < 1:
        raise CXRLabError(f"limit is {limit}, but at least 1 image per source has to come.")
    if archive is not None and not Path(archive).expanduser().exists():
        raise CXRLabError(f"--archive names {archive}, which is neither a file nor a folder.")
    folder = Path(data or workspace_root() / "xrays").expanduser().resolve()
    if is_phantom(folder):
        raise CXRLabError(f"{folder} holds phantoms. Name another folder for real X-rays (--data).")
    plans = PLANS | {kermany.NAME: partial(normals_plan, archive=archive)}
    failed: list[str] = []
    # A second fetch into this folder waits for the first.
    with writing(make_folder(folder)), FileLock(folder / ".fetching.lock"):
        for source in WHAT[what]:
            if not (folder / source.name).exists():
                print(f"{source.title}\n  {source.allows}\n  Cite: {source.citation}")
        for source in WHAT[what]:
            try:
                wanted = plans[source.name](source, folder / source.name, limit)
                size, free = sum(one.size for one in wanted), shutil.disk_usage(folder).free
                print(f"{source.name}: {counted(len(wanted), 'image')} to come, {decimal(size)}.")
                if size > free:
                    raise CXRLabError(f"only {decimal(free)} are free. Take fewer with --limit.")
                failed += bring_all(wanted, source.name)
            except CXRLabError as error:
                failed.append(f"{source.name}: {error}")
    if failed:
        reasons = "\n".join(list(dict.fromkeys(failed))[:3])
        raise CXRLabError(
            f"{counted(len(failed), 'failure')}. The first reasons:\n{reasons}\n"
            "What came was kept. Run the same once more: it goes on where it stopped."
        )
    print(f"What was asked for is in {folder}.")
    return folder


def in_stable_order(paths: Iterable[str]) -> list[str]:
    """The paths in an order that looks random, where the alphabet runs along time and machine.

    It hangs on each file's name alone: a larger limit or another copy keeps what a smaller took.
    """

    def place(path: str) -> tuple[bytes, str]:
        return hashlib.sha256(os.path.basename(path).encode()).digest(), path

    return sorted(paths, key=place)


def table_plan(source: Source, home: Path, limit: int | None) -> list[Wanted]:
    """The images of a repository that the course uses, by its table. That comes at once."""
    _bring_table(home / "metadata.csv", ADDRESSES[source.name], ("finding",))
    catalog = source.load(home)
    rows = catalog[covid.used(catalog)].dropna(subset="path")  # no unsafe name has one
    paths = [Path(path).relative_to(home).as_posix() for path in rows["path"]]
    is_ill = dict(zip(paths, is_covid19(rows["finding"]), strict=True))
    files = in_stable_order(is_ill)
    if source == covid.SOURCE:  # other findings last: a limit is for positives
        files.sort(key=is_ill.get, reverse=True)
    listed = _listed(source)
    if listed:  # a table may name images that are not there, or, in Figure 1, not how they end
        by_stem = {PurePosixPath(file).with_suffix(""): file for file in listed}
        files = [by_stem.get(PurePosixPath(file).with_suffix(""), file) for file in files]
        files = [file for file in files if file in listed]
    return _missing(source, home, files[:limit], listed)


def folder_plan(source: Source, home: Path, limit: int | None) -> list[Wanted]:
    """The X-rays of a set without a table, each with its mask or its reading where it has one."""
    listed = _listed(source)
    chosen = in_stable_order(filter(external.XRAYS[source.name].fullmatch, listed))
    if not chosen:
        said = f"GitHub lists no X-rays in {ADDRESSES[source.name]}. It gives 60 lists per hour"
        raise CXRLabError(f"{said}: run this again later.")
    chosen = chosen[: limit or (MOST if source.name in HOSPITALS else None)]
    paths = (external.mask_path, external.reading_path)
    beside = {path(one).as_posix() for one in chosen for path in paths}
    return _missing(source, home, [*chosen, *sorted(beside & listed.keys())], listed)


def _bring_table(path: Path, url: str, needed: Sequence[str]) -> None:
    if not path.is_file():
        found = get(f"{url}/{path.name}")
        parse_table(found, path, needed)  # a page of words is no table
        write_atomically(path, found)


def _listed(source: Source) -> dict[str, tuple[int, str | None]]:
    """``{path in repository: (bytes, git's SHA-1)}``; empty beyond GitHub's 60 lists per hour."""
    if source.name in HOSPITALS:  # whose server gives no list
        xrays = external.names_of(source.name)
        readings = [external.reading_path(one).as_posix() for one in xrays]
        return dict.fromkeys(xrays, (LARGE, None)) | dict.fromkeys(readings, (100, None))
    try:
        tree = json.loads(get(LISTS.format(*REPOSITORIES[source.name])))["tree"]
        return {one["path"]: (one["size"], one["sha"]) for one in tree if one["type"] == "blob"}
    except (CXRLabError, ValueError, KeyError, TypeError):
        return {}


def _missing(source: Source, home: Path, files: list[str], listed: dict) -> list[Wanted]:
    """Those of the files that are not there yet; ``listed`` by GitHub or not."""
    wanted = []
    for file in files:
        size, digest = listed.get(file, (USUAL, None))
        read = partial(_read_file, f"{ADDRESSES[source.name]}/{quote(file)}", digest)
        wanted.append(Wanted(home / file, read, size))
    return [one for one in wanted if not one.path.is_file()]


def _read_file(url: str, digest: str | None) -> bytes:
    """The very file that GitHub lists under this SHA-1 or, without one, a whole image or a text.

    A file that is damaged at its source stays: the audit of notebook 02 tells of it.
    """
    data = get(url)
    blob = b"blob %d\0" % len(data) + data  # what git takes the hash of
    if digest and hashlib.sha1(blob, usedforsecurity=False).hexdigest() != digest:
        raise CXRLabError(f"{url} is not the file that the repository lists under this name.")
    if not digest and not url.endswith(".txt"):
        decode_bytes(data, url)
    return data


def normals_plan(
    source: Source, home: Path, limit: int | None, archive: str | Path | None = None
) -> list[Wanted]:
    """As many normal X-rays of children as there are positives, from the copy that was named.

    Else, on Kaggle, from the data set attached to the notebook, or else out of Mendeley's archive.
    """
    attached = [train.parent for train in ATTACHED.glob("**/train") if (train / "NORMAL").is_dir()]
    copy = Path(archive).expanduser() if archive else [*attached, MENDELEY][0]
    wanted = _members_of([copy], normal_name, home, _number_of_normals(home.parent, limit))
    if not wanted and not any(home.rglob("NORMAL/*")):
        raise CXRLabError(
            f"{copy} holds no normal X-rays. Expected are folders train/NORMAL and test/NORMAL "
            "with images inside, as in the archive of Mendeley or Kaggle."
        )
    return wanted


def normal_name(inside: str) -> str | None:
    """``train/NORMAL/IM-0115-0001.jpeg`` for a path in a copy that ends so, None for any other."""
    found = NORMAL.search(inside)
    return f"{found[1].lower()}/NORMAL/{found[2]}" if found else None


def adults_plan(source: Source, home: Path, limit: int | None) -> list[Wanted]:
    """As many of NIH's healthy adults as positives. NIH's own table comes at once."""
    _bring_table(home / NIH_TABLE, NIH, nih.NEEDED)
    adults = {name: name for name in nih.healthy_adults(home / NIH_TABLE)}
    archives = [f"{NIH}/images/images_{part:03}.zip" for part in range(1, 13)]
    number = min(_number_of_normals(home.parent, limit), len(adults))
    return _members_of(archives, lambda path: adults.get(os.path.basename(path)), home, number)


def _number_of_normals(folder: Path, limit: int | None) -> int:
    """As many as there are positives, and no more than ``limit``."""
    number = UNCOUNTED
    if (folder / covid.NAME / "metadata.csv").is_file():
        catalog = covid.load(folder / covid.NAME)
        ill = covid.used(catalog) & is_covid19(catalog["finding"])
        number = catalog.loc[ill, "path"].nunique()
    return min(number, limit or number)


def _members_of(
    places: Sequence[Path | str], name_of: Callable[[str], str | None], home: Path, number: int
) -> list[Wanted]:
    """What is missing of ``number`` files below ``home``, out of no more archives than it takes.

    ``name_of`` a path inside gives that below ``home``, or None where the file is none of ours.
    """
    there = {name_of(path.as_posix()) for path in home.rglob("[!.]*")}  # a kill leaves hidden files
    wanted: list[Wanted] = []
    missing = number - len(there - {None})
    for place in places:
        if len(wanted) >= missing:
            break
        found = {name_of(inside): how for inside, *how in contents(place)}
        names = in_stable_order(found.keys() - there - {None})
        wanted += [Wanted(home / name, *found[name]) for name in names]
    return wanted[: max(0, missing)]


PLANNED = {  # by what a reader asks for
    "covid": ((covid.SOURCE,), table_plan),
    "kermany": ((kermany.SOURCE,), normals_plan),
    "nih": ((nih.SOURCE,), adults_plan),
    "external": (covid.INSIDE_COVIDX, table_plan),
    "openist": (external.SOURCES[:1], folder_plan),
    "cxnet": (external.SOURCES[1:2], folder_plan),
    "tuberculosis": (external.SOURCES[2:], folder_plan),
}
PLANS = {source.name: plan for sources, plan in PLANNED.values() for source in sources}
WHAT = {what: sources for what, (sources, _) in PLANNED.items()}
WHAT["all"] = tuple(source for sources in WHAT.values() for source in sources)
WHAT |= {source.name: (source,) for source in WHAT["tuberculosis"]}
