"""Repairs: what people do about a shortcut, each tried on the same unseen people.

Every repair is trained on its own choice of the training patients and tested, once for each
person, on COVID-19 patients, healthy children and healthy adults that it has not seen. A repair
that lowers the false positives among adults has a price, and the table shows it: recall.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import pandas as pd

from cxrlab import recordings
from cxrlab.budgets import Budget
from cxrlab.cases import Prepared
from cxrlab.designs import RECIPES, Design, Say, auc_against, candidates, examine, group_table
from cxrlab.errors import CXRLabError
from cxrlab.files import write_json
from cxrlab.pipeline import Xrays, decode
from cxrlab.recordings import Recording, data_in_words, record
from cxrlab.runs import claim, write_table
from cxrlab.sources import ADULTS, CHILDREN, COVID19, what_kind
from cxrlab.splits import Split, kfold_by_patient, split_by_patient
from cxrlab.training import Settings
from cxrlab.transfer import WeightsUnavailable

#: In the order of the table: first what leaves the choice of patients alone, then what does not.
REPAIRS = (
    RECIPES["published"],
    Design("lung field only", settings=Settings(preparation="lung field")),
    Design("histogram equalisation", settings=Settings(preparation="equalise")),
    Design("CLAHE", settings=Settings(preparation="clahe")),
    Design("augmentation", settings=Settings(augmentation="strong")),
    Design("mixed negatives", "mixed"),
    Design("mixed, augmentation", "mixed", Settings(augmentation="strong")),
    Design("mixed, balanced batches", "mixed", Settings(balance_sources=True), every=True),
    Design("mixed, transfer learning", "mixed", Settings(network="transfer")),
    RECIPES["robust"],
)

#: AUC of the table: COVID-19 against whom (None: all healthy), and by which score.
AREAS = {
    "auc_children": (CHILDREN, "score"),
    "auc_adults": (ADULTS, "score"),
    "auc_all": (None, "score"),
    "frame_only": (CHILDREN, "frame_only"),
    "lungs_hidden": (None, "lungs_hidden"),
}
NUMBERS = [
    f"{name}{end}"
    for name in ("recall", "children", "adults", *AREAS)
    for end in ("", "_low", "_high")
]
COLUMNS = ("repair", *NUMBERS, "note")


@dataclass(frozen=True)
class Tried:
    """One repair: the scored test people of all folds, or the reason why it was not tried."""

    name: str
    scored: pd.DataFrame | None
    note: str = ""


@dataclass(frozen=True)
class Bench:
    """What all repairs share: the decoded X-rays and the splits on which each is tried."""

    prepared: Prepared
    xrays: Xrays
    splits: tuple[Split, ...]


def bench(data: Path, seed: int = 0, folds: int = 0) -> Bench:
    """Read all usable X-rays in ``data`` and split them by patient.

    With ``folds`` of 2 or more each person is tested once; without, a fifth of them.
    """
    prepared = candidates(data, seed)
    if folds:
        splits = kfold_by_patient(prepared.cases, folds, seed, together=prepared.near)
    else:
        splits = [split_by_patient(prepared.cases, seed, together=prepared.near)]
    return Bench(prepared, decode(prepared.cases), tuple(splits))


def try_repair(
    design: Design, on: Bench, budget: Budget, seed: int = 0, say: Say | None = None
) -> Tried:
    """Train and test a repair on every split of the bench.

    Where the weights that transfer learning starts from cannot be fetched, the row says so.
    """
    parts = []
    for number, split in enumerate(on.splits, start=1):
        try:
            found = examine(design, on.xrays, split, budget, seed, say)
        except WeightsUnavailable as error:
            return Tried(design.name, None, f"skipped: {error}")
        parts.append(found.scored.assign(fold=number))
    return Tried(design.name, pd.concat(parts, ignore_index=True))


def repairs_table(tried: Sequence[Tried], resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """One row per repair, with the columns ``COLUMNS``; all NaN where a repair was skipped.

    ``recall`` of COVID-19 and the share of ``children`` and ``adults`` called positive, at each
    network's frozen threshold; ROC AUC of COVID-19 against children, adults and all healthy:
    ``auc_children``, ``auc_adults``, ``auc_all``. ``frame_only`` is the AUC against children when
    all but the outer tenth of the X-ray is filled in: compare it with ``auc_children``.
    ``lungs_hidden`` is the AUC against all healthy when the lungs are filled in: compare it with
    ``auc_all``. Without lungs 0.5 is to be hoped for: an AUC further below it is information, too.
    Each number has a 95 % interval over patients, in ``_low`` and ``_high``.
    """
    rows = [_row(one, resamples, seed) for one in tried]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict.fromkeys(NUMBERS, float))
    return table.assign(note=table["note"].fillna(""))


def _row(one: Tried, resamples: int, seed: int) -> dict[str, object]:
    row: dict[str, object] = {"repair": one.name, "note": one.note}
    if one.scored is None:
        return row
    groups = group_table(one.scored, resamples, seed).set_index("group")
    found = [groups.loc[group, ["called", "low", "high"]] for group in (COVID19, CHILDREN, ADULTS)]
    for against in AREAS.values():
        found.append(astuple(auc_against(one.scored, *against, resamples, seed)))
    numbers = [number for triple in found for number in triple]
    return row | dict(zip(NUMBERS, numbers, strict=True))


def recorded(kind: str = "real") -> Recording:
    """The table as it was recorded for the course, on "real" X-rays or on "phantoms"."""
    return recordings.recorded(f"repairs-{kind}")


def repairs_run(
    out: Path,
    data: Path,
    budget: Budget,
    *,
    folds: int = 2,
    seed: int = 0,
    only: Sequence[str] = (),
    designs: Sequence[Design] = REPAIRS,
    say: Say = print,
) -> Recording:
    """Try every repair on the X-rays in ``data``; keep scores, table and recording in ``out``.

    ``recording.json`` is what :mod:`cxrlab.recordings` replays. An interrupted run goes on with
    the first repair that is not finished; a skipped one is tried again. ``only`` names the repairs
    to try; raises :class:`CXRLabError` where there is none of a name.
    """
    designs = _chosen(designs, only)
    kind = what_kind(data)
    claim(
        out,
        {"command": "repairs", "budget": asdict(budget), "folds": folds, "seed": seed, **kind},
    )
    on, tried = bench(data, seed, folds), []
    for design in designs:
        path = out / f"{design.name.replace(',', '').replace(' ', '-').lower()}.csv"
        if path.exists():
            tried.append(Tried(design.name, pd.read_csv(path, low_memory=False)))
            continue
        say(f"Repair: {design.name}")
        one = try_repair(design, on, budget, seed, say)
        if one.scored is None:
            say(one.note)
        else:
            write_table(one.scored, path)
        tried.append(one)
    table = repairs_table(tried, budget.resamples, seed)
    options = ["--budget", budget.name, "--folds", str(folds), "--seed", str(seed)]
    options += [word for name in only for word in ("--only", name)]
    command = shlex.join(["cxrlab", "repairs", "--out", "RUN", "--data", "DATA", *options])
    # What was skipped is in the table, but nothing to replay.
    recording = record(
        table.dropna(subset=["recall"]), command, seed, data_in_words(kind, on.prepared.cases)
    )
    write_table(table, out / "repairs.csv")
    write_json(out / "recording.json", recording.to_json())
    return recording


def _chosen(designs: Sequence[Design], only: Sequence[str]) -> list[Design]:
    """The designs of these names, in their own order; all of them where no name is given."""
    names = [design.name for design in designs]
    if unknown := [name for name in only if name not in names]:
        raise CXRLabError(
            f"There is no repair {unknown[0]!r}. Choose from: {'; '.join(names)} (--only)."
        )
    return [design for design in designs if not only or design.name in only]
