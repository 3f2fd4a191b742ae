"""Normal X-rays of children, three ways: single members of Mendeley's archive, Kaggle, a copy here.

Whichever way they come, the same number gives the same X-rays.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import shutil
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from cxrlab.errors import CXRLabError
from cxrlab.fetching.archive import Archive, Member, extract_members, open_archive
from cxrlab.fetching.files import Failure, Fetched
from cxrlab.files import written_beside
from cxrlab.progress import LiveLine
from cxrlab.sources import kermany
from cxrlab.sources.listing import image_files
from cxrlab.sources.plans import Damaged, Plan, in_stable_order

ARCHIVE = (
    "https://data.mendeley.com/public-files/datasets/rscbjbr9sj/files/"
    "f12eaf6d-6023-432f-acc9-80c9d7393433/file_downloaded"
)
SIZE = 1_235_512_464  # bytes
SHA256 = "13efc055629733dbab07877f8b3c9f81097840dbcdaa326a8542322c2281ce36"
KAGGLE = "paultimothymooney/chest-xray-pneumonia"
KAGGLE_SIZE = "1.2 GB"  # all of it comes, because Kaggle does not list it without an account
ATTACHED = Path("/kaggle/input")

# chest_xray/train/NORMAL/IM-0115-0001.jpeg, however deep. A name of another kind is left alone.
NORMAL = re.compile(r"(?:^|/)(train|test|val)/NORMAL/([A-Za-z0-9][\w.-]*\.(?:jpe?g|png))$", re.I)


@dataclass(frozen=True)
class Candidate:
    """One normal X-ray that could be taken."""

    name: str  # train/NORMAL/IM-0115-0001.jpeg
    size: int  # bytes
    content: Callable[[], int]  # its CRC-32
    origin: Member | Path


def ways(archive: str | Path | None = None) -> list[tuple[str, Callable[[Path, int], Plan]]]:
    """The ways to try in turn, each with what it is called.

    A local copy that was named is the only one. On Kaggle the data set lies attached to the
    notebook, at no cost, and comes first.
    """
    if archive is not None:
        return [("the copy on this computer", partial(from_copy, Path(archive).expanduser()))]
    web = [("Mendeley's archive", from_mendeley), ("Kaggle (kagglehub)", from_kagglehub)]
    found = _attached()
    if found is None:
        return web
    return [("the attached data set", partial(from_folder, found, "attached folder")), *web]


def from_mendeley(folder: Path, number: int) -> Plan:
    """Read the archive's directory over the network, and plan to bring single members."""
    return _from_archive(ARCHIVE, SIZE, ARCHIVE, folder, number)


def from_copy(copy: Path, folder: Path, number: int) -> Plan:
    """From a folder or a zip on this computer. Raises :class:`CXRLabError` where it is neither."""
    if copy.is_dir():
        return from_folder(copy, "local folder", folder, number)
    if not copy.is_file():
        raise CXRLabError(
            f"--archive names {copy}, which is neither a file nor a folder. Name ChestXRay2017.zip "
            "or Kaggle's archive.zip, or the folder that one was unpacked into."
        )
    if copy.stat().st_size == SIZE:
        with copy.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
                raise CXRLabError(
                    f"{copy} has the size of Mendeley's archive and another SHA-256, so it is "
                    "damaged. Copy it again."
                )
    return _from_archive(copy, None, copy.name, folder, number)


def from_folder(place: Path, way: str, folder: Path, number: int) -> Plan:
    """Copy from an unpacked folder.

    A copy and no link: what is attached on Kaggle is gone with the session and cannot travel to
    another disk, and a folder of X-rays should stay whole on its own.
    """
    candidates = [
        Candidate(name, path.stat().st_size, partial(_crc, path), path)
        for path in image_files(place)
        if (name := _name(path.relative_to(place).as_posix()))
    ]
    chosen = choose(candidates, number, str(place))
    aims = {folder / kermany.NAME / one.name: one for one in chosen}
    coming = [one for path, one in aims.items() if not _has(path, one)]
    damaged = Damaged()
    return Plan(
        kermany.NAME,
        f"https://www.kaggle.com/{KAGGLE}" if "local" not in way else place.name,
        way,
        list(aims),
        len(coming),
        sum(one.size for one in coming),
        partial(_copy_all, aims, damaged),
        asked=number,
        damaged=damaged,
    )


def from_kagglehub(folder: Path, number: int) -> Plan:
    """All of Kaggle's copy through the package kagglehub, without an account.

    It lies in kagglehub's own cache afterwards, where it may be deleted.
    """
    try:
        hub = importlib.import_module("kagglehub")
    except ImportError as error:
        raise CXRLabError(
            'The package kagglehub is not installed: pip install "cxrlab[kaggle]", or download '
            f"https://www.kaggle.com/{KAGGLE} and name it with --archive."
        ) from error
    try:
        place = Path(hub.dataset_download(KAGGLE))
    except Exception as error:
        # Whatever a client of Kaggle says may hold an address with a key in it: only its kind.
        raise CXRLabError(f"kagglehub could not bring {KAGGLE} ({type(error).__name__}).") from None
    return from_folder(place, "kagglehub", folder, number)


def choose(candidates: list[Candidate], number: int, place: str) -> list[Candidate]:
    """``number`` of the candidates in the stable order, each content once.

    The order is that of the file names alone: Kaggle moved some X-rays into another part, and
    still the same ones are taken. The course balances by images, not by patients, and so does
    this. Known exact duplicates would be dropped by the audit and leave too few: they are told
    from size and CRC, which an archive's directory says before anything travels.
    """
    # Some copies hold the whole once more in a folder inside: each name counts once.
    distinct = {one.name: one for one in candidates}.values()
    by_name = in_stable_order(distinct, lambda one: PurePosixPath(one.name).name)
    chosen: list[Candidate] = []
    sizes: dict[int, list[Candidate]] = {}
    for one in by_name:
        if len(chosen) == number:
            break
        others = sizes.setdefault(one.size, [])
        if any(one.content() == other.content() for other in others):
            continue
        others.append(one)
        chosen.append(one)
    if not chosen:
        raise CXRLabError(
            f"{place} holds no normal X-rays. Expected are folders train/NORMAL and test/NORMAL "
            "with images inside, as in the archive of Mendeley or Kaggle."
        )
    return chosen


def _from_archive(
    place: str | Path, size: int | None, address: str, folder: Path, number: int
) -> Plan:
    archive = open_archive(place, size)  # stays open: its directory need not travel twice
    candidates = [
        Candidate(name, member.size, partial(int, member.crc), member)
        for member in archive.members()
        if (name := _name(member.name))
    ]
    try:
        chosen = choose(candidates, number, str(place))
    except CXRLabError:
        archive.close()
        raise
    aims = {folder / kermany.NAME / one.name: one for one in chosen}
    coming = [one for path, one in aims.items() if not _has(path, one)]
    damaged = Damaged()
    return Plan(
        kermany.NAME,
        address,
        f"{archive.kind} archive",
        list(aims),
        len(coming),
        sum(one.origin.packed for one in coming),
        partial(_extract_all, archive, aims, damaged),
        travelled=archive.bytes_read,
        asked=number,
        damaged=damaged,
    )


def _extract_all(archive: Archive, aims: dict[Path, Candidate], damaged: Damaged) -> Fetched:
    members = [
        (one.origin, path, partial(damaged.note, name=path.name)) for path, one in aims.items()
    ]
    with archive:
        return extract_members(archive, members, kermany.NAME)


def _copy_all(aims: dict[Path, Candidate], damaged: Damaged) -> Fetched:
    """Copy the images that are not there, with a line that tells how far we are."""
    new, already, failed = [], [], []
    line = LiveLine()
    for number, (path, one) in enumerate(aims.items(), 1):
        line.update(f"{kermany.NAME}: {number:,} of {len(aims):,} images copied")
        if _has(path, one):
            already.append(path)
            continue
        try:
            with written_beside(path) as beside:
                shutil.copyfile(one.origin, beside)
                damaged.note(beside, path.name)
            new.append(path)
        except (OSError, CXRLabError) as error:
            failed.append(Failure(str(one.origin), path, str(error)))
    line.close(f"{kermany.NAME}: {len(new):,} images copied, {len(already):,} were there")
    return Fetched(new, already, failed, 0)


def _has(path: Path, one: Candidate) -> bool:
    """Whether the image lies there already, the same bytes."""
    return path.is_file() and path.stat().st_size == one.size and _crc(path) == one.content()


def _name(inside: str) -> str | None:
    """``train/NORMAL/IM-0115-0001.jpeg`` for a path that ends so, None for any other."""
    found = None if "__MACOSX" in inside else NORMAL.search(inside)
    return f"{found[1].lower()}/NORMAL/{found[2]}" if found else None


def _crc(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            crc = zlib.crc32(block, crc)
    return crc


def _attached() -> Path | None:
    """The data set as Kaggle attaches it to a notebook, wherever below its folder of inputs."""
    return next(_folders_of_normals(ATTACHED), None)


def _folders_of_normals(root: Path) -> Iterator[Path]:
    for depth in ("*", "*/*", "*/*/*", "*/*/*/*"):
        for place in sorted(root.glob(f"{depth}/train/NORMAL")):
            yield place.parents[1]
