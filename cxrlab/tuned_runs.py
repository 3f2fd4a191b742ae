"""A RUN folder made by a search: the leaderboard, and the best settings trained for good."""

from __future__ import annotations

import os
import re
import shlex
import socket
import sys
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from cxrlab.budgets import Budget
from cxrlab.cases import Prepared, prepare
from cxrlab.designs import Design
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json
from cxrlab.pipeline import Xrays, decode
from cxrlab.recordings import data_in_words
from cxrlab.runs import Say, claim, finish, fit_and_score, save_training, write_table
from cxrlab.sources import what_kind
from cxrlab.splits import Split, load_manifest, save_manifest, split_by_patient, subsample
from cxrlab.tuning import ORDER_FREE, Host, Search, save_search, search, work_for
from cxrlab.tuning.workers import wait_for_chief


def tune_run(
    out: Path,
    data: Path,
    budget: Budget,
    *,
    negatives: str = "kermany",
    trials: int | None = None,
    tuner: str = "random",
    space: str = "per-layer",
    objective: str = "val_loss",
    seed: int = 0,
    precision: str = "auto",
    until: float | None = None,
    workers: int = 0,
    chief: str | None = None,
    say: Say = print,
) -> tuple[dict, pd.DataFrame]:
    """Search, train the best settings with the whole budget, and test them once.

    An interrupted search goes on; a finished one takes more trials when ``trials`` is raised,
    and then trains its best settings anew. After ``until`` minutes no new trial is begun.
    The trials are trained by as many ``workers`` of this machine, or by those that ask at the
    address ``chief`` (see :func:`tune_worker`), or else by this process.
    Returns ``metrics.json`` and the leaderboard.
    """
    if workers and chief:
        raise CXRLabError(
            "A search has --workers of this machine, or a --chief whose workers are started "
            "elsewhere. Give one of the two."
        )
    trials = budget.trials if trials is None else trials
    asked = {"tuner": tuner, "space": space, "objective": objective, "seed": seed}
    prepared, split, xrays, parts = _opened(out, data, budget, negatives, asked)
    host = None
    if workers or chief:
        same = {"data": data, "budget": budget.name, "negatives": negatives, "out": out}
        same |= asked | {"precision": precision}
        host = Host(
            chief or Host.address,
            workers,
            lambda address, worker: _worker_command(address, worker, same),
        )
        if tuner not in ORDER_FREE:
            say(
                f"What a {tuner} search proposes depends on the order in which trials end: with "
                "workers its trials differ from one run to the next."
            )
    found = search(
        *parts,
        budget,
        out / "search",
        trials=trials,
        precision=precision,
        until=until,
        host=host,
        **asked,
    )
    if _is_up_to_date(out, found):
        say(f"{out} is finished already: nothing was done.")
        return read_json(out / "metrics.json"), found.leaderboard
    say(f"Training the best settings: {found.best}")
    design = Design("tuned", negatives, found.best)
    trained, scored, threshold = fit_and_score(xrays, split, budget, design, seed, precision, say)
    save_training(out, trained)
    metrics = finish(out, scored, threshold, "validation", budget, seed)
    command = _command(found, budget, tuner, space, negatives, seed)
    data_words = data_in_words(what_kind(data), prepared.cases)
    save_search(found, out / "recording.json", command, seed, data_words)
    write_table(found.leaderboard, out / "leaderboard.csv")  # last: it says what was trained
    return metrics, found.leaderboard


def tune_worker(
    out: Path,
    data: Path,
    budget: Budget,
    address: str,
    worker: str | None = None,
    *,
    negatives: str = "kermany",
    tuner: str = "random",
    space: str = "per-layer",
    objective: str = "val_loss",
    seed: int = 0,
    precision: str = "auto",
) -> None:
    """Train trials for the chief at ``address``, which keeps its run in the same ``out``.

    A worker may start before its chief. Its name, by default host and process, is its own.
    Raises :class:`CXRLabError` for a name that cannot be that of a file.
    """
    worker = worker or f"{socket.gethostname()}-{os.getpid()}"
    if not re.fullmatch(r"\w[\w.-]*", worker):
        raise CXRLabError(
            f"{worker!r} is no name for a worker: use letters, digits, dots and dashes, as in "
            "--worker-id gpu-3."
        )
    wait_for_chief(out / "search", address)
    asked = {"tuner": tuner, "space": space, "objective": objective, "seed": seed}
    *_, parts = _opened(out, data, budget, negatives, asked)
    work_for(address, worker, *parts, budget, out / "search", precision=precision, **asked)


def _opened(
    out: Path, data: Path, budget: Budget, negatives: str, asked: dict
) -> tuple[Prepared, Split, Xrays, tuple[Xrays, Xrays]]:
    """The folder claimed, and its data: prepared, split, decoded, and as a search takes them."""
    claim(
        out,
        {
            "command": "tune",
            "negatives": negatives,
            "budget": asdict(budget),
            **asked,
            **what_kind(data),
        },
    )
    seed = asked["seed"]
    prepared = prepare(data, negatives, seed)
    split, xrays = _split_of(out, prepared, seed), decode(prepared.cases)
    training = xrays.of(subsample(split.train, budget.images, seed))
    return prepared, split, xrays, (training, xrays.of(split.validation))


def _worker_command(address: str, worker: str, same: dict) -> list[str]:
    """The command line of a worker that this machine starts."""
    options = {**same, "worker": address, "worker-id": worker}
    words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    return [sys.executable, "-m", "cxrlab", "tune", *words]


def _command(
    found: Search, budget: Budget, tuner: str, space: str, negatives: str, seed: int
) -> str:
    """What to type for the same search."""
    options = {
        "--budget": budget.name,
        "--trials": len(found.leaderboard),
        "--tuner": tuner,
        "--space": space,
        "--objective": found.objective,
        "--negatives": negatives,
        "--seed": seed,
    }
    words = [str(word) for option in options.items() for word in option]
    return shlex.join(["cxrlab", "tune", "--out", "RUN", "--data", "DATA", *words])


def _split_of(out: Path, prepared: Prepared, seed: int) -> Split:
    manifest = out / "split.csv"
    if manifest.exists():
        return load_manifest(manifest, prepared.cases)
    split = split_by_patient(prepared.cases, seed, together=prepared.near)
    save_manifest(split, manifest)
    return split


def _is_up_to_date(out: Path, found: Search) -> bool:
    """Whether the kept network was trained from the best trial of the leaderboard as it is."""
    path = out / "leaderboard.csv"
    return path.exists() and len(pd.read_csv(path)) == len(found.leaderboard)
