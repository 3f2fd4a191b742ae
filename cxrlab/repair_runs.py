"""A folder in which all repairs are tried, one after the other, and what they came to."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from cxrlab.budgets import Budget
from cxrlab.designs import Design
from cxrlab.errors import CXRLabError
from cxrlab.files import write_json
from cxrlab.recordings import Recording, data_in_words, record
from cxrlab.repairs import REPAIRS, Tried, bench, repairs_table, try_repair
from cxrlab.runs import Say, claim, write_table
from cxrlab.sources import what_kind


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
    recording = record(table, command, seed, data_in_words(kind, on.prepared.cases))
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
