"""``cxrlab data fetch``: which X-rays each source needs, said before, brought, and written down.

The COVID-19 collection and the external sets are repositories on GitHub: their table comes first,
then the images that pass the course's filters. The normal X-rays of children are picked out of
Mendeley's archive one by one, or come from Kaggle or from a copy on this computer.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from rich.filesize import decimal

from cxrlab.errors import CXRLabError, counted
from cxrlab.files import workspace_root
from cxrlab.images import decode_bytes
from cxrlab.sources import (
    EXTERNAL,
    SOURCES,
    covid,
    download,
    external,
    is_phantom,
    kermany,
    manifest,
)
from cxrlab.sources.download import Archive, Wanted
from cxrlab.sources.licences import TERMS
from cxrlab.sources.tables import image_files, is_safe_name, parse_table

WHAT = {
    "covid": (covid.NAME,),
    "kermany": (kermany.NAME,),
    "external": tuple(EXTERNAL),
    "all": (covid.NAME, kermany.NAME, *EXTERNAL),
}
FOLDER = "xrays"  # in the workspace
# Normal X-rays to take while the positives are not there to be counted: some more than the
# COVID-19 collection has of PA X-rays in any copy that we have seen (217).
UNCOUNTED = 250
REASONS_SHOWN = 3
USUAL_SIZE = 700_000  # bytes of an image, where the list of files cannot be had

RAW = "https://raw.githubusercontent.com"
LISTS = "https://api.github.com/repos"
ARCHIVE = (
    "https://data.mendeley.com/public-files/datasets/rscbjbr9sj/files/"
    "f12eaf6d-6023-432f-acc9-80c9d7393433/file_downloaded"
)
SIZE = 1_235_512_464  # bytes of that archive
KAGGLE = "paultimothymooney/chest-xray-pneumonia"
ATTACHED = Path("/kaggle/input")
# chest_xray/train/NORMAL/IM-0115-0001.jpeg, however deep. A name of another kind is left alone.
NORMAL = re.compile(r"(?:^|/)(train|test|val)/NORMAL/([A-Za-z0-9][\w.-]*\.(?:jpe?g|png))$", re.I)


# Where each repository lies on GitHub, and which commit or branch of it is taken. The commits were
# read in a public index. That of the COVID-19 collection holds its table in the later spelling, up
# to patient 481; that of Figure 1 its 48 patients. No commit of Actualmed is known to hold all of
# its images, so its branch is taken.
REPOSITORIES = {
    covid.NAME: ("ieee8023/covid-chestxray-dataset", "6a4242344473ccb5ed0d2148d8c7bfb1691e4ed8"),
    external.ACTUALMED: (f"agchung/{external.ACTUALMED}", "master"),
    external.FIGURE1: (f"agchung/{external.FIGURE1}", "95bb569e55f4110d3b734c0f355340e04e16989a"),
}


@dataclass(frozen=True)
class Wish:
    """What the reader asked for; see :func:`fetch_sources`."""

    folder: Path
    limit: int | None
    commit: str | None
    archive: str | Path | None
    say: Callable[[str], None]

    def commit_of(self, name: str) -> str | None:
        """The state of a source that is to be brought; None for one that is no repository."""
        if name == covid.NAME and self.commit:
            return self.commit
        return REPOSITORIES[name][1] if name in REPOSITORIES else None


@dataclass
class Plan:
    """The images of one source that are to be there in the end, and how they come."""

    source: str
    address: str
    way: str  # repository, remote archive, local archive, ...
    wanted: list[Wanted]
    commit: str | None = None
    limit: int | None = None  # the most images that were asked for; the source may have fewer


@dataclass
class FetchReport:
    """What a fetch did to ``folder``. ``str()`` of it is what a reader should know at the end."""

    folder: Path
    new: int = 0
    already: int = 0
    failed: dict[str, list[str]] = field(default_factory=dict)  # reasons, by source

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for is there."""
        return not self.failed

    def __str__(self) -> str:
        if self.complete and not self.new:
            return f"Nothing to do: what was asked for is in {self.folder} already."
        lines = [
            f"{counted(self.new, 'new image')}, {self.already:,} there already. They lie in "
            f"{self.folder}."
        ]
        for source, reasons in self.failed.items():
            lines.append(f"{source}: {counted(len(reasons), 'failure')}. The first reasons:")
            lines += [f"  {reason}" for reason in dict.fromkeys(reasons)][:REASONS_SHOWN]
        if not self.complete:
            lines.append("What came was kept. Run the same once more: it goes on where it stopped.")
        return "\n".join(lines)


def fetch_sources(
    what: str = "all",
    data: str | Path | None = None,
    limit: int | None = None,
    commit: str | None = None,
    archive: str | Path | None = None,
    say: Callable[[str], None] = print,
) -> FetchReport:
    """Bring real X-rays into ``data``, by default the folder ``xrays`` of the workspace.

    ``what``: ``covid`` (COVID-19 X-rays in PA view), ``kermany`` (as many normal children),
    ``external`` (two sets from elsewhere) or ``all``. ``limit``: the most images per source.
    ``commit``: another state of the COVID-19 source. ``archive``: a zip or folder of the normal
    children on this computer. ``say`` gets each sentence for the reader; what is there already
    is not fetched again.

    Failures of single files or sources are in the report and do not stop the others. Raises
    :class:`CXRLabError` for a wrong choice, or where the disk is too small.
    """
    if what not in WHAT:
        raise CXRLabError(f"{what!r} cannot be fetched. Choose one of {', '.join(WHAT)}.")
    if limit is not None and limit < 1:
        raise CXRLabError(f"limit is {limit}, but at least 1 image per source has to come.")
    if archive is not None and kermany.NAME not in WHAT[what]:
        raise CXRLabError("An archive is a way to the source kermany: name kermany or all with it.")
    if commit is not None and covid.NAME not in WHAT[what]:
        raise CXRLabError("A commit is one of the COVID-19 source: name covid or all with it.")
    folder = Path(data or workspace_root() / FOLDER).expanduser().resolve()
    if is_phantom(folder):
        raise CXRLabError(
            f"{folder} holds phantoms, and real X-rays may not be mixed with them. "
            "Name another folder with --data."
        )
    wish, report = Wish(folder, limit, commit, archive, say), FetchReport(folder)
    with download.one_at_a_time(folder, say):
        plans = _plan_all(WHAT[what], wish, report)
        download.need_space(folder, sum(_to_come(plan)[1] for plan in plans))
        for plan in plans:
            found = download.bring_all(plan.wanted, plan.source)
            manifest.write_entry(folder, plan)
            report.new += len(found.new)
            report.already += found.already
            if found.failed:
                report.failed[plan.source] = [
                    reason if path.name in reason else f"{path.name}: {reason}"
                    for path, reason in found.failed.items()
                ]
    return report


def _plan_all(names: Iterable[str], wish: Wish, report: FetchReport) -> list[Plan]:
    """What is to be brought from each source, with its licence and size said.

    A source that an earlier fetch completed is left out, and no server is asked for it. One whose
    lists cannot be had is noted in the report.
    """
    known = manifest.read(wish.folder)
    plans: list[Plan] = []
    for name in names:
        limit = _normals(plans, wish) if name == kermany.NAME else wish.limit
        entry = known.get(name)
        if entry is None:
            wish.say(str(TERMS[name]))
        elif _is_done(name, entry, wish, limit):
            report.already += len(entry["images"])
            continue
        try:
            if name == kermany.NAME:
                plan = _plan_normals(limit, wish)
            else:
                plan = _plan_repository(name, wish)
        except CXRLabError as error:
            report.failed[name] = [str(error)]
            continue
        files, size = _to_come(plan)
        wish.say(f"{name} ({plan.way}): {counted(files, 'image')} to come, {decimal(size)}.")
        plans.append(plan)
    return plans


def _is_done(name: str, entry: dict, wish: Wish, limit: int | None) -> bool:
    """Whether an earlier fetch brought all of this: the same commit, and no fewer images."""
    before = entry["limit"]
    enough = before is None or (limit is not None and limit <= before)
    same = entry["commit"] == wish.commit_of(name)
    return enough and same and not manifest.absent(wish.folder, name, entry)


def _to_come(plan: Plan) -> tuple[int, int]:
    """How many images of the plan are not there, and their bytes (an estimate)."""
    sizes = [one.size for one in plan.wanted if not one.path.is_file()]
    return len(sizes), sum(sizes)


def in_stable_order(names: Iterable[str]) -> list[str]:
    """The names in an order that looks random and is always the same.

    A limit takes the first of them. File names run along time, machine and part of a source, so
    the first in the alphabet would be no fair sample of it; the order of a digest of the name is.
    Unlike a seeded shuffle it does not depend on what else there is: a larger limit keeps all
    that a smaller one took, and a copy with other files around gives the same choice.
    """
    return sorted(names, key=lambda name: (hashlib.sha256(name.encode()).digest(), name))


# --- repositories ----------------------------------------------------------------------------


def _plan_repository(name: str, wish: Wish) -> Plan:
    """Bring the table and the list of files, and settle which images are to come."""
    repository, commit = REPOSITORIES[name][0], wish.commit_of(name)
    home, images = wish.folder / name, wish.folder / name / "images"
    raw = f"{RAW}/{repository}/{quote(commit, safe='/')}"
    before = manifest.read(wish.folder).get(name, {"commit": commit})
    if not (home / "metadata.csv").is_file() or before["commit"] != commit:
        table = download.get(f"{raw}/metadata.csv")
        parse_table(table, "metadata.csv", external.FIGURE1_NEEDED)  # columns that all of them have
        download.write(home / "metadata.csv", table)
    catalog = (SOURCES | EXTERNAL)[name](home)
    used = covid.used if name == covid.NAME else external.used
    paths = map(Path, catalog.loc[used(catalog), "path"].dropna())  # an unsafe name has no path
    names = {path.relative_to(images).as_posix() for path in paths if path.is_relative_to(images)}
    listed = _list_of_images(repository, commit)
    if not listed and name == external.FIGURE1:  # whose table does not say how its files end
        raise CXRLabError(
            "GitHub did not give its list of the files of Figure 1, without which they have no "
            "names. It gives 60 lists an hour to one address: run this again later."
        )
    if name == external.FIGURE1:
        by_stem = {PurePosixPath(file).stem: file for file in listed}
        names = {by_stem.get(PurePosixPath(file).stem, file) for file in names}
    if listed:
        names &= set(listed)  # a table may name images that the repository does not have
    wanted = []
    for file in in_stable_order(names)[: wish.limit]:
        size, digest = listed.get(file, (None, None))
        read = partial(download.get, f"{raw}/images/{quote(file)}", size)
        check = partial(_is_as_listed, name=file, digest=digest)
        wanted.append(Wanted(images / file, read, check, size or USUAL_SIZE))
    return Plan(name, f"https://github.com/{repository}", "repository", wanted, commit, wish.limit)


def _list_of_images(repository: str, commit: str) -> dict[str, tuple[int, str]]:
    """``{path in images/: (bytes, git's SHA-1)}``, empty where GitHub does not give the list.

    Without it sizes are estimated, and content is checked by decoding alone.
    """
    url = f"{LISTS}/{repository}/git/trees/{quote(commit, safe='')}:images?recursive=1"
    try:
        answer = json.loads(download.get(url))
        files = [entry for entry in answer["tree"] if entry["type"] == "blob"]
        listed = {entry["path"]: (int(entry["size"]), str(entry["sha"])) for entry in files}
        return {} if answer["truncated"] else listed
    except (CXRLabError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _is_as_listed(data: bytes, name: str, digest: str | None) -> None:
    """Raise unless this is the very file of the commit or, without a digest, a whole image.

    A file that is damaged at its source stays: the audit of notebook 02 tells of it.
    """
    if digest is None:
        decode_bytes(data, name)
        return
    blob = b"blob %d\0" % len(data) + data  # what git takes the hash of
    if hashlib.sha1(blob, usedforsecurity=False).hexdigest() != digest:
        raise CXRLabError(f"{name} is not the file that the repository lists under this name.")


# --- normal X-rays ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Candidate:
    """One normal X-ray that could be taken."""

    name: str  # train/NORMAL/IM-0115-0001.jpeg
    size: int  # bytes
    crc: Callable[[], int]  # CRC-32 of its content
    read: Callable[[], bytes]

    def check(self, data: bytes) -> None:
        """Raise unless ``data`` is the content of this X-ray."""
        if len(data) != self.size or zlib.crc32(data) != self.crc():
            raise CXRLabError(f"{self.name} did not come as it is at its source. Run this again.")


def _normals(plans: list[Plan], wish: Wish) -> int:
    """As many normal X-rays as the 1:1 balance needs: counted in the plan, else in the folder."""
    number = next((len(plan.wanted) for plan in plans if plan.source == covid.NAME), 0)
    if not number and (wish.folder / covid.NAME / "metadata.csv").is_file():
        catalog = covid.load(wish.folder / covid.NAME)
        paths = catalog.loc[covid.used(catalog), "path"].dropna().unique()
        number = sum(Path(path).is_file() for path in paths)
    return min(number or UNCOUNTED, wish.limit or UNCOUNTED)


def _plan_normals(number: int, wish: Wish) -> Plan:
    """The plan of the first way to the normal X-rays that works.

    A copy that was named is the only way. On Kaggle the data set lies attached to the notebook,
    at no cost, and comes first. Whichever way they come, the same number gives the same X-rays.
    """
    ways = {"remote archive": partial(_in_archive, ARCHIVE, SIZE), "kagglehub": _from_kagglehub}
    if wish.archive is not None:
        copy = Path(wish.archive).expanduser()
        if not copy.exists():
            raise CXRLabError(f"--archive names {copy}, which is neither a file nor a folder.")
        archive, folder = partial(_in_archive, copy), partial(_in_folder, copy)
        ways = {"local folder": folder} if copy.is_dir() else {"local archive": archive}
    elif attached := next(ATTACHED.glob("**/train/NORMAL"), None):
        ways = {"attached folder": partial(_in_folder, attached.parents[1]), **ways}
    for way, find in ways.items():
        try:
            chosen = choose(find(), number)
        except CXRLabError as error:
            wish.say(f"The way to the normal X-rays over the {way} did not work: {error}")
            continue
        address = {"remote archive": ARCHIVE}.get(way, f"https://www.kaggle.com/{KAGGLE}")
        home = wish.folder / kermany.NAME
        wanted = [Wanted(home / one.name, one.read, one.check, one.size) for one in chosen]
        return Plan(kermany.NAME, address, way, wanted, limit=number)
    raise CXRLabError(
        "None of the ways to the normal X-rays worked. Download the data set by hand from "
        "https://data.mendeley.com/datasets/rscbjbr9sj/2 or from Kaggle, and name the file "
        "with --archive."
    )


def choose(candidates: Iterable[Candidate], number: int) -> list[Candidate]:
    """``number`` of the candidates in the stable order of their file names, each content once.

    Kaggle moved some X-rays into another part, and still the same ones are taken. The audit would
    drop exact duplicates and leave too few: they are told by size and CRC-32, which an archive's
    directory says before anything travels. Raises :class:`CXRLabError` where there are none.
    """
    # Some copies hold the whole once more in a folder inside: each name counts once.
    by_name = {PurePosixPath(one.name).name: one for one in candidates}
    chosen: dict[tuple[int, int], Candidate] = {}
    for name in in_stable_order(by_name):
        if len(chosen) == number:
            break
        one = by_name[name]
        chosen.setdefault((one.size, one.crc()), one)
    if not chosen:
        raise CXRLabError(
            "It holds no normal X-rays. Expected are folders train/NORMAL and test/NORMAL with "
            "images inside, as in the archive of Mendeley or Kaggle."
        )
    return list(chosen.values())


def _in_archive(place: Path | str, size: int | None = None) -> Iterator[Candidate]:
    """The normal X-rays in a zip; of one on the web its directory travels, then what is taken."""
    archive = Archive(place, size)
    for member in archive.members:
        if name := normal_name(member.filename):
            crc, read = partial(int, member.CRC), partial(archive.read, member)
            yield Candidate(name, member.file_size, crc, read)


def _in_folder(place: Path) -> Iterator[Candidate]:
    """The normal X-rays in an unpacked folder, to be copied: what Kaggle attaches does not stay."""
    for path in image_files(place):
        if name := normal_name(path.relative_to(place).as_posix()):
            read = partial(_copy, path)
            yield Candidate(name, path.stat().st_size, lambda read=read: zlib.crc32(read()), read)


def _copy(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CXRLabError(f"{path} cannot be read: {error.strerror or error}.") from error


def _from_kagglehub() -> Iterator[Candidate]:
    """All of Kaggle's copy (1.2 GB), without an account. It stays in kagglehub's own cache."""
    try:
        hub = importlib.import_module("kagglehub")
        return _in_folder(Path(hub.dataset_download(KAGGLE)))
    except ImportError as error:
        raise CXRLabError(
            'The package kagglehub is not installed: pip install "cxrlab[kaggle]", or download '
            f"https://www.kaggle.com/{KAGGLE} and name it with --archive."
        ) from error
    except Exception as error:
        # Whatever a client of Kaggle says may hold an address with a key in it: only its kind.
        raise CXRLabError(f"kagglehub could not bring {KAGGLE} ({type(error).__name__}).") from None


def normal_name(inside: str) -> str | None:
    """``train/NORMAL/IM-0115-0001.jpeg`` for a path in a copy that ends so, None for any other.

    A path that would leave its folder is no name either.
    """
    found = NORMAL.search(inside)
    if not found or not is_safe_name(inside) or "__MACOSX" in inside:
        return None
    return f"{found[1].lower()}/NORMAL/{found[2]}"
