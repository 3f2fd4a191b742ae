"""Repairs: what people do about a shortcut, each tried on the same unseen people.

Every repair is trained on its own choice of the training patients and tested, once for each
person, on COVID-19 patients, healthy children and healthy adults that it has not seen. A repair
that lowers the false positives among adults has a price, and the table shows it: recall.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import pandas as pd

from cxrlab.choices import Budget
from cxrlab.designs import RECIPES, Design, Say, auc_against, candidates, examine, group_table
from cxrlab.errors import CXRLabError
from cxrlab.files import write_json
from cxrlab.model import WeightsUnavailable
from cxrlab.pipeline import decode
from cxrlab.recordings import Recording, data_in_words, record
from cxrlab.runs import claim, write_table
from cxrlab.sources import ADULTS, CHILDREN, COVID19, what_kind
from cxrlab.splits import kfold_by_patient
from cxrlab.training import Settings

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


def repairs_table(
    tried: Mapping[str, pd.DataFrame | str], resamples: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """One row per repair, with the columns ``COLUMNS``.

    ``tried``: name to the scored test people of all folds, or to a note on why the repair was
    skipped; its row is all NaN.

    ``recall`` of COVID-19 and the share of ``children`` and ``adults`` called positive, at each
    network's frozen threshold; ROC AUC of COVID-19 against children, adults and all healthy:
    ``auc_children``, ``auc_adults``, ``auc_all``. ``frame_only`` is the AUC against children when
    all but the outer tenth of the X-ray is filled in: compare it with ``auc_children``.
    ``lungs_hidden`` is the AUC against all healthy when the lungs are filled in: compare it with
    ``auc_all``. Without lungs 0.5 is to be hoped for: an AUC further below it is information, too.
    Each number has a 95 % interval over patients, in ``_low`` and ``_high``.
    """
    rows = [_row(name, found, resamples, seed) for name, found in tried.items()]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict.fromkeys(NUMBERS, float))
    return table.assign(note=table["note"].fillna(""))


def _row(name: str, scored: pd.DataFrame | str, resamples: int, seed: int) -> dict[str, object]:
    if isinstance(scored, str):
        return {"repair": name, "note": scored}
    groups = group_table(scored, resamples, seed).set_index("group")
    found = [groups.loc[group, ["called", "low", "high"]] for group in (COVID19, CHILDREN, ADULTS)]
    for against in AREAS.values():
        found.append(astuple(auc_against(scored, *against, resamples, seed)))
    numbers = [number for triple in found for number in triple]
    return {"repair": name, "note": ""} | dict(zip(NUMBERS, numbers, strict=True))


@dataclass(frozen=True)
class RepairsPlan:
    """Which repairs are tried (``only`` these names, or all), over how many folds."""

    folds: int = 2
    seed: int = 0
    only: Sequence[str] = ()
    designs: Sequence[Design] = REPAIRS

    def chosen(self) -> list[Design]:
        """The designs to try. Raises :class:`CXRLabError` where there is none of a name."""
        names = [design.name for design in self.designs]
        if unknown := [name for name in self.only if name not in names]:
            raise CXRLabError(
                f"There is no repair {unknown[0]!r}. Choose from: {'; '.join(names)} (--only)."
            )
        return [one for one in self.designs if not self.only or one.name in self.only]


def repairs_run(
    out: Path, data: Path, budget: Budget, plan: RepairsPlan, say: Say = print
) -> Recording:
    """Try the repairs on the X-rays in ``data``; keep scores, table and recording in ``out``.

    Each is trained and tested on every fold, so that everybody is tested once.
    ``recording.json`` is what :mod:`cxrlab.recordings` replays. An interrupted run goes on with
    the first repair that is not finished; one whose weights cannot be fetched is skipped, and
    tried again the next time.
    """
    designs, kind = plan.chosen(), what_kind(data)
    settings = {"command": "repairs", "budget": asdict(budget), "folds": plan.folds}
    claim(out, {**settings, "seed": plan.seed, **kind})
    prepared = candidates(data, plan.seed)
    splits = kfold_by_patient(prepared.cases, plan.folds, plan.seed)
    xrays, tried = decode(prepared.cases), {}
    for design in designs:
        path = out / f"{design.name.replace(',', '').replace(' ', '-').lower()}.csv"
        if path.exists():
            tried[design.name] = pd.read_csv(path, low_memory=False)
            continue
        say(f"Repair: {design.name}")
        try:
            parts = []
            for number, split in enumerate(splits, start=1):
                chosen = design.learns_from(split, plan.seed)
                _, scored, _ = examine(design, xrays, chosen, budget, plan.seed, say)
                parts.append(scored.assign(fold=number))
        except WeightsUnavailable as error:
            tried[design.name] = f"skipped: {error}"
            say(tried[design.name])
            continue
        tried[design.name] = pd.concat(parts, ignore_index=True)
        write_table(tried[design.name], path)
    table = repairs_table(tried, budget.resamples, plan.seed)
    options = ["--budget", budget.name, "--folds", str(plan.folds), "--seed", str(plan.seed)]
    options += [word for name in plan.only for word in ("--only", name)]
    command = shlex.join(["cxrlab", "repairs", "--out", "RUN", "--data", "DATA", *options])
    # What was skipped is in the table, but nothing to replay.
    kept = table.dropna(subset=["recall"])
    recording = record(kept, command, plan.seed, data_in_words(kind, prepared.cases))
    write_table(table, out / "repairs.csv")
    write_json(out / "recording.json", recording.to_json())
    return recording
