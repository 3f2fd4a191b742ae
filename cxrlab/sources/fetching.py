"""``cxrlab data fetch``: which X-rays each source needs, said before, then brought.

A plan lists the files of a source that are to come; ``PLANS`` has one per source. Where a source
has a table it comes first, then the images that pass the course's filters.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from filelock import FileLock
from rich.filesize import decimal

from cxrlab.errors import CXRLabError, counted
from cxrlab.files import make_folder, workspace_root, write_atomically, writing
from cxrlab.images import decode_bytes, read_bytes
from cxrlab.sources import covid, cxnet, kermany, nih, openist, tuberculosis
from cxrlab.sources.download import Archive, Wanted, bring_all, get
from cxrlab.sources.tables import ADULT, Source, image_files, is_covid19, is_phantom, parse_table

# Where each repository lies on GitHub, and which commit or branch of it is taken. That of the
# COVID-19 collection holds its table in the later spelling, up to patient 481; that of Figure 1 its
# 48 patients. No commit of the others is known to hold all of their images: the branch is taken.
REPOSITORIES = {
    covid.SOURCE: ("ieee8023/covid-chestxray-dataset", "6a4242344473ccb5ed0d2148d8c7bfb1691e4ed8"),
    covid.ACTUALMED_SOURCE: (f"agchung/{covid.ACTUALMED}", "master"),
    covid.FIGURE1_SOURCE: (f"agchung/{covid.FIGURE1}", "95bb569e55f4110d3b734c0f355340e04e16989a"),
    openist.SOURCE: ("pi-null-mezon/OpenIST", "master"),
    cxnet.SOURCE: ("armiro/COVID-CXNet", "master"),
}
# Repositories without a table: where their X-rays lie, and which of the files there are wanted.
FOLDERS = {openist.SOURCE: (openist.PLACE, openist.is_xray)}
FOLDERS |= {cxnet.SOURCE: (cxnet.PLACE, cxnet.is_adult)}
IMAGE = re.compile(r"[A-Za-z0-9][\w.@() -]*\.(?:jpe?g|jfif|png)", re.I)
RAW = "https://raw.githubusercontent.com"
LISTS = "https://api.github.com/repos"
ARCHIVE = (
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
# chest_xray/train/NORMAL/IM-0115-0001.jpeg, however deep. Other names, as ._IM-1.jpeg, are left.
NORMAL = re.compile(r"(?:^|/)(train|test|val)/NORMAL/([A-Za-z0-9][\w.-]*\.(?:jpe?g|png))$", re.I)
UNCOUNTED = 250  # normal X-rays, without a table of positives: those in PA view are 217 at the most
INSIDE_COVIDX = (covid.ACTUALMED_SOURCE, covid.FIGURE1_SOURCE)
TUBERCULOSIS = (tuberculosis.MONTGOMERY_SOURCE, tuberculosis.SHENZHEN_SOURCE)
MOST = 100  # X-rays of each, where no limit is named
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
    source, by default 100 of each set with tuberculosis. ``archive``: a zip or folder of the normal
    children on this computer. Says first what each source allows and asks to cite; returns the
    folder. What is there is not fetched again. Raises :class:`CXRLabError` for a wrong choice, and
    at the end where something did not come: one failure does not stop the other files.
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
    for source in WHAT[what]:
        if not (folder / source.name).exists():
            print(f"{source.title}\n  {source.allows}\n  Cite: {source.citation}")
    with writing(make_folder(folder)):
        held = FileLock(folder / ".fetching.lock").acquire()  # a second fetch into it waits
    plans = PLANS | {kermany.SOURCE: partial(normals_plan, archive=archive)}
    failed: list[str] = []
    with held:
        for source in WHAT[what]:
            try:
                wanted = plans[source](source, folder, limit)
                size, free = sum(one.size for one in wanted), shutil.disk_usage(folder).free
                print(f"{source.name}: {counted(len(wanted), 'image')} to come, {decimal(size)}.")
                if size > free:
                    raise CXRLabError(f"only {decimal(free)} are free. Take fewer with --limit.")
                failed += bring_all(wanted, source.name).values() if wanted else ()
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


def in_stable_order(names: Iterable[str]) -> list[str]:
    """The names in an order that looks random and is always the same, for a limit to cut.

    The alphabet runs along time and machine. And unlike a seeded shuffle, a larger limit or another
    copy keeps all that a smaller one took.
    """
    return sorted(names, key=lambda name: (hashlib.sha256(name.encode()).digest(), name))


def repository_plan(source: Source, folder: Path, limit: int | None) -> list[Wanted]:
    """The images of a repository that the course uses. Its table is brought at once."""
    repository, commit = REPOSITORIES[source]
    home, raw = folder / source.name, f"{RAW}/{repository}/{commit}"
    images = home / "images"
    _bring_table(home / "metadata.csv", raw, ("finding",))
    catalog = source.load(home)
    rows = catalog[covid.used(catalog)].dropna(subset="path")  # no unsafe name has one
    names = {
        Path(path).relative_to(images).as_posix(): is_ill
        for path, is_ill in zip(rows["path"], is_covid19(rows["finding"]), strict=True)
        if Path(path).is_relative_to(images)
    }
    files = in_stable_order(names)
    if source == covid.SOURCE:  # other findings last: a limit is for positives
        files.sort(key=lambda name: not names[name])
    if all((images / file).is_file() for file in files[:limit]):
        return []
    listed = _list_of_images(repository, f"{commit}:images")
    if listed:  # a table may name images that the repository does not have
        if source.name == covid.FIGURE1:  # whose table does not say how its files end
            by_stem = {PurePosixPath(file).stem: file for file in listed}
            files = [by_stem.get(PurePosixPath(file).stem, file) for file in files]
        files = [file for file in files if file in listed]
    return _missing(files[:limit], images, f"{raw}/images", listed)


def _bring_table(path: Path, url: str, needed: Sequence[str]) -> None:
    if not path.is_file():
        found = get(f"{url}/{path.name}")
        parse_table(found, path, needed)  # a page of words is no table
        write_atomically(path, found)


def _missing(files: list[str], home: Path, url: str, listed: dict, size: int = USUAL) -> list:
    """Those of the files below ``url`` that are not below ``home``; ``listed`` by GitHub or not."""
    wanted = []
    for file in files:
        about, digest = listed.get(file, (size, None))
        read = partial(_read_image, f"{url}/{quote(file)}", digest)
        wanted.append(Wanted(home / file, read, about))
    return [one for one in wanted if not one.path.is_file()]


def _read_image(url: str, digest: str | None) -> bytes:
    """The very file that GitHub lists under this SHA-1 or, without one, a whole image.

    A file that is damaged at its source stays: the audit of notebook 02 tells of it.
    """
    data = get(url)
    blob = b"blob %d\0" % len(data) + data  # what git takes the hash of
    if digest is None:
        decode_bytes(data, url)
    elif hashlib.sha1(blob, usedforsecurity=False).hexdigest() != digest:
        raise CXRLabError(f"{url} is not the file that the repository lists under this name.")
    return data


def _list_of_images(repository: str, tree: str) -> dict[str, tuple[int, str]]:
    """``{path in tree: (bytes, git's SHA-1)}``; empty beyond the 60 lists per hour of GitHub."""
    try:
        answer = json.loads(get(f"{LISTS}/{repository}/git/trees/{tree}?recursive=1"))
        files = [entry for entry in answer["tree"] if entry["type"] == "blob"]
        return {str(entry["path"]): (int(entry["size"]), str(entry["sha"])) for entry in files}
    except (CXRLabError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def folder_plan(source: Source, folder: Path, limit: int | None) -> list[Wanted]:
    """The X-rays of a repository that has no table, with their masks where it has some."""
    (repository, commit), (place, is_wanted) = REPOSITORIES[source], FOLDERS[source]
    tree = _list_of_images(repository, commit)
    listed = {path[len(place) + 1 :]: tree[path] for path in tree if path.startswith(f"{place}/")}
    names = [name for name in listed if IMAGE.fullmatch(name)]
    if not names:
        said = f"GitHub lists no images in {place} of {repository}. It gives 60 lists per hour"
        raise CXRLabError(f"{said}: run this again later.")
    chosen = in_stable_order(filter(is_wanted, names))[:limit]
    chosen += sorted({openist.mask_path(name).name for name in chosen} & set(names))
    url = f"{RAW}/{repository}/{commit}/{place}"
    return _missing(chosen, folder / source.name / place, url, listed)


def _number_of_normals(folder: Path, limit: int | None) -> int:
    """As many as there are positives, and no more than ``limit``."""
    number = UNCOUNTED
    if (folder / covid.NAME / "metadata.csv").is_file():
        catalog = covid.load(folder / covid.NAME)
        ill = covid.used(catalog) & is_covid19(catalog["finding"])
        number = catalog.loc[ill, "path"].nunique()
    return min(number, limit or number)


def normals_plan(
    source: Source, folder: Path, limit: int | None, archive: str | Path | None = None
) -> list[Wanted]:
    """As many normal X-rays of children as there are positives, from the copy that was named.

    Else, on Kaggle, from the data set attached to the notebook, or else out of Mendeley's archive.
    """
    home, number = folder / source.name, _number_of_normals(folder, limit)
    there = {path.name for path in home.glob("*/NORMAL/[!.]*")}  # a kill leaves hidden files
    if len(there) >= number:
        return []
    attached = next(ATTACHED.glob("**/train/NORMAL"), None)
    copy = Path(archive).expanduser() if archive else attached and attached.parents[1]
    if copy and copy.is_dir():
        files = image_files(copy)
        found = [(one.as_posix(), partial(read_bytes, one), one.stat().st_size) for one in files]
    else:
        opened = Archive(copy or ARCHIVE)
        found = [(one.filename, partial(opened.read, one), one.file_size) for one in opened.members]
    found = [(normal_name(inside), read, size) for inside, read, size in found]
    # Some copies hold the whole once more in a folder inside: each name counts once.
    by_name = {Path(name).name: Wanted(home / name, *how) for name, *how in found if name}
    if not by_name:
        raise CXRLabError(
            f"{copy or ARCHIVE} holds no normal X-rays. Expected are folders train/NORMAL and "
            "test/NORMAL with images inside, as in the archive of Mendeley or Kaggle."
        )
    return [by_name[name] for name in in_stable_order(by_name)[:number] if name not in there]


def normal_name(inside: str) -> str | None:
    """``train/NORMAL/IM-0115-0001.jpeg`` for a path in a copy that ends so, None for any other."""
    found = NORMAL.search(inside)
    return f"{found[1].lower()}/NORMAL/{found[2]}" if found else None


def adults_plan(source: Source, folder: Path, limit: int | None) -> list[Wanted]:
    """As many of NIH's healthy adults as positives, out of no more archives than it takes."""
    home, wanted = folder / source.name, []
    _bring_table(home / NIH_TABLE, NIH, nih.NEEDED)
    adults = set(filter(IMAGE.fullmatch, nih.healthy_adults(home / NIH_TABLE)))
    number = min(_number_of_normals(folder, limit), len(adults))
    there = {path.name for path in home.rglob("[!.]*")} & adults
    for part in range(1, 13):
        if len(there) + len(wanted) >= number:
            break
        opened = Archive(f"{NIH}/images/images_{part:03}.zip")
        members = {PurePosixPath(one.filename).name: one for one in opened.members}
        for name in in_stable_order(adults & members.keys() - there):
            read = partial(opened.read, members[name])
            wanted.append(Wanted(home / name, read, members[name].file_size))
    return wanted[: max(0, number - len(there))]


def tuberculosis_plan(source: Source, folder: Path, limit: int | None) -> list[Wanted]:
    """X-rays of adults, normal and with tuberculosis. Their readings are brought at once."""
    home, url = folder / source.name, tuberculosis.URLS[source.name]
    names = in_stable_order(tuberculosis.names_of(source.name))
    names = names[: 2 * (limit or MOST) + 8]  # some are of children, as their readings say
    places = [f"{tuberculosis.READINGS}/{name}.txt" for name in names]
    places = [place for place in places if not (home / place).is_file()]
    readings = [Wanted(home / place, partial(get, f"{url}/{place}"), 100) for place in places]
    if readings and (failed := bring_all(readings, f"{source.name}, readings")):
        raise CXRLabError(next(iter(failed.values())))
    places = [f"{tuberculosis.XRAYS}/{name}.png" for name in names]
    adults = [one for one in places if not tuberculosis.reading_of(home / one)["age"] < ADULT]
    return _missing(adults[: limit or MOST], home, url, {}, LARGE)


PLANS = {covid.SOURCE: repository_plan, kermany.SOURCE: normals_plan, nih.SOURCE: adults_plan}
PLANS |= dict.fromkeys(INSIDE_COVIDX, repository_plan) | dict.fromkeys(FOLDERS, folder_plan)
PLANS |= dict.fromkeys(TUBERCULOSIS, tuberculosis_plan)
WHAT = {"covid": (covid.SOURCE,), "kermany": (kermany.SOURCE,), "nih": (nih.SOURCE,)}
WHAT |= {"external": INSIDE_COVIDX, "openist": (openist.SOURCE,), "cxnet": (cxnet.SOURCE,)}
WHAT |= {"tuberculosis": TUBERCULOSIS} | {source.name: (source,) for source in TUBERCULOSIS}
WHAT["all"] = tuple(PLANS)
