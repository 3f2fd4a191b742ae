"""``cxrlab data fetch``: the sources one by one, said before, checked, and written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from filelock import FileLock, Timeout

from cxrlab.errors import CXRLabError
from cxrlab.fetching.faults import FULL, need_space, size_text, writing
from cxrlab.fetching.files import Failure
from cxrlab.fetching.together import LOCK
from cxrlab.files import workspace_root
from cxrlab.progress import counted
from cxrlab.sources import EXTERNAL, covid, is_phantom, kermany, manifest
from cxrlab.sources.fetch_github import REPOSITORIES, plan_repository
from cxrlab.sources.fetch_kermany import KAGGLE_SIZE, from_kagglehub, ways
from cxrlab.sources.fetch_report import FetchReport
from cxrlab.sources.licences import before_the_download
from cxrlab.sources.plans import Plan

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

Say = Callable[[str], None]


def fetch(
    what: str = "all",
    data: str | Path | None = None,
    limit: int | None = None,
    commit: str | None = None,
    archive: str | Path | None = None,
    say: Say = print,
) -> FetchReport:
    """See :func:`cxrlab.sources.fetch`. ``say`` gets each sentence for the reader."""
    if what not in WHAT:
        raise CXRLabError(f"{what!r} cannot be fetched. Choose one of {', '.join(WHAT)}.")
    if limit is not None and limit < 1:
        raise CXRLabError(f"limit is {limit}, but at least 1 image a source has to come.")
    if archive is not None and kermany.NAME not in WHAT[what]:
        raise CXRLabError("An archive is a way to the source kermany: name kermany or all with it.")
    if commit is not None and covid.NAME not in WHAT[what]:
        raise CXRLabError("A commit is one of the COVID-19 source: name covid or all with it.")
    folder = workspace_root() / FOLDER if data is None else Path(data).expanduser()
    folder = folder.resolve()
    if is_phantom(folder):
        raise CXRLabError(
            f"{folder} holds phantoms, and real X-rays may not be mixed with them. "
            "Name another folder with --data."
        )
    with _one_at_a_time(folder, say):
        return _Fetch(folder, limit, commit, archive, say).run(WHAT[what])


def _one_at_a_time(folder: Path, say: Say) -> AbstractContextManager:
    """Hold the folder for this process. Raises :class:`CXRLabError` where it cannot be made."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        try:
            return lock.acquire(timeout=0)
        except Timeout:
            say(f"Another fetch into {folder} is running. Waiting until it is done.")
        return lock.acquire()


class _Fetch:
    """One run: plan every source, announce, bring, write down."""

    def __init__(
        self,
        folder: Path,
        limit: int | None,
        commit: str | None,
        archive: str | Path | None,
        say: Say,
    ) -> None:
        self.folder, self.limit, self.commit, self.archive = folder, limit, commit, archive
        self.say = say
        self.report = FetchReport(folder)
        self.ways = ways(archive)
        self.positives: int | None = None

    def run(self, names: tuple[str, ...]) -> FetchReport:
        known = manifest.read(self.folder)
        todo = [name for name in names if not self._is_done(name, known)]
        for name in todo:
            if name not in known:
                self.say(before_the_download(name))
        if todo:
            self.say("Reading the lists of what there is (about 1 MB a source).")
        plans = [plan for name in todo if (plan := self._planned(name)) is not None]
        self._announce(plans)
        for plan in plans:
            self._bring(plan)
        return self.report

    def _is_done(self, name: str, known: dict) -> bool:
        """Whether an earlier fetch brought all of this; then no server is asked."""
        entry = known.get(name)
        if entry is None or manifest.absent(self.folder, name, entry):
            return False
        commit = None if name == kermany.NAME else self._commit(name)
        if not manifest.covers(entry, commit, self.limit):
            return False
        if name == kermany.NAME:
            wanted = self._positives() or UNCOUNTED
            if (entry["asked"] or 0) < min(wanted, self.limit or wanted):
                return False
        self.report.already += len(entry["images"])
        return True

    def _commit(self, name: str) -> str:
        return (self.commit if name == covid.NAME else None) or REPOSITORIES[name].commit

    def _planned(self, name: str) -> Plan | None:
        try:
            if name == kermany.NAME:
                return self._next_way()
            plan = plan_repository(REPOSITORIES[name], self.folder, self.limit, self._commit(name))
        except CXRLabError as error:
            self._failed(name, [str(error)])
            return None
        if name == covid.NAME:
            self.positives = len(plan.images)
        return plan

    def _next_way(self) -> Plan:
        """The plan of the first way to the normal X-rays that works; each is tried once."""
        number = self._normals()
        while self.ways:
            called, way = self.ways.pop(0)
            if way is from_kagglehub:
                self.say(f"Where installed, kagglehub brings Kaggle's whole copy, {KAGGLE_SIZE}.")
            try:
                return way(self.folder, number)
            except CXRLabError as error:
                self._went_wrong(called, error)
        raise CXRLabError(
            "None of the ways to the normal X-rays worked. Download the data set by hand from "
            "https://data.mendeley.com/datasets/rscbjbr9sj/2 or from Kaggle, and name the file "
            "with --archive."
        )

    def _went_wrong(self, called: str, error: CXRLabError) -> None:
        if getattr(error.__cause__, "errno", None) in FULL:  # it would be full another way, too
            raise error
        self.say(f"{called} did not work: {error}" + (" The next way is tried." * bool(self.ways)))

    def _normals(self) -> int:
        """As many normal X-rays as the 1:1 balance needs."""
        number = self._positives()
        if not number:
            self.say(
                f"The COVID-19 source is not here to be counted, so {UNCOUNTED} normal X-rays "
                "are taken."
            )
            number = UNCOUNTED
        return min(number, self.limit or number)

    def _positives(self) -> int:
        """How many COVID-19 X-rays are to be balanced: planned now, fetched before, or by hand."""
        if self.positives is not None:
            return self.positives
        entry = manifest.read(self.folder).get(covid.NAME)
        if entry is not None:
            return entry["wanted"]
        home = self.folder / covid.NAME
        try:
            kept = REPOSITORIES[covid.NAME].keep(covid.load(home))
        except CXRLabError:  # there is no table yet
            return 0
        return sum(Path(path).is_file() for path in set(kept["path"].dropna()))

    def _announce(self, plans: list[Plan]) -> None:
        """What is to come, before any of it does. Raises where the disk cannot hold it."""
        for plan in plans:
            self.report.travelled += plan.travelled
            size = ("" if plan.exact else "about ") + size_text(plan.bytes)
            here = len(plan.images) - plan.coming
            already = f", {here:,} are there already" if here else ""
            self.say(
                f"{plan.source} ({plan.way}): {counted(plan.coming, 'image')} to come, "
                f"{size}{already}."
            )
            for note in plan.notes:
                self.say(f"  {note}")
        total = sum(plan.bytes for plan in plans)
        if len(plans) > 1:
            self.say(f"Together: {size_text(total)}.")
        if total:
            need_space(self.folder, total)

    def _bring(self, plan: Plan) -> None:
        """Bring what was planned; where a way to the normal X-rays gives none of them, the next."""
        before = _there(plan)
        travelled = plan.travelled
        stopped = None
        try:
            found = plan.bring()
            travelled += found.bytes
            self.report.travelled += found.bytes
            problems = [_reason(failure) for failure in found.failed]
        except CXRLabError as error:  # it would have stopped all the others, too
            stopped, problems = error, [str(error)]
        self._write_down(plan, travelled)
        now = _there(plan)
        self.report.new += len(now - before)
        self.report.already += len(before)
        self.report.damaged += sorted(plan.damaged.names)
        if plan.source == kermany.NAME and problems and (stopped or not now):
            try:
                self._went_wrong(plan.way, stopped or CXRLabError(problems[0]))
                following = self._next_way()
                self._announce([following])
            except CXRLabError as last:
                problems.append(str(last))
            else:
                self.report.already -= len(before)
                return self._bring(following)
        if problems:
            self._failed(plan.source, problems)

    def _write_down(self, plan: Plan, travelled: int) -> None:
        images = [next(_same_stem(path), path) for path in plan.images]
        manifest.write_entry(
            self.folder,
            plan.source,
            images,
            address=plan.address,
            commit=plan.commit,
            way=plan.way,
            limit=self.limit,
            asked=plan.asked,
            travelled=travelled,
        )

    def _failed(self, source: str, reasons: list[str]) -> None:
        self.report.failed.setdefault(source, []).extend(reasons)


def _there(plan: Plan) -> set[Path]:
    """Those of its images that are there, whichever ending turned out on the way."""
    return {path for path in plan.images if next(_same_stem(path), path).is_file()}


def _same_stem(path: Path) -> Iterator[Path]:
    """The files with one of the endings that this source may have, if it leaves them open."""
    repository = REPOSITORIES.get(path.parents[1].name)
    for end in repository.suffixes if repository else ():
        if path.with_name(path.stem + end).is_file():
            yield path.with_name(path.stem + end)


def _reason(failure: Failure) -> str:
    named = failure.path.name in failure.reason
    return failure.reason if named else f"{failure.path.name}: {failure.reason}"
