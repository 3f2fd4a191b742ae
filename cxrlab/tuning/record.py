"""The finished trials of a search: one small JSON file each, and the table made from them.

Keras Tuner keeps the state of a search in files that it rewrites while it runs, so a kill at
the wrong moment can cost a trial or the search. We keep our own record instead: a trial's file
is written whole when the trial ends. A search that starts again proposes the same trials from
its seed and finds the finished ones here.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, write_json


def trial_key(values: dict[str, Any], epochs: int) -> str:
    """A short name for a combination trained for this many epochs, the same on every machine."""
    text = json.dumps([values, epochs], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_trial(folder: Path, key: str) -> dict | None:
    """The finished trial of this key, or None."""
    path = folder / f"{key}.json"
    return read_json(path) if path.exists() else None


def write_trial(folder: Path, key: str, trial: dict) -> None:
    """Keep a finished trial."""
    write_json(folder / f"{key}.json", trial)


def whole_files(folder: Path) -> list[Path]:
    """The JSON files of ``folder`` by name, without any that somebody is just writing.

    A file is written under a hidden name, which a kill at that moment leaves behind.
    """
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))


def check_same_search(folder: Path, plan: dict) -> None:
    """Note what this search is, or see that the folder holds the same one.

    Raises :class:`CXRLabError` when the folder belongs to another search: results of different
    data, seeds or objectives do not belong on one leaderboard.
    """
    path = folder / "search.json"
    if not path.exists():
        write_json(path, plan)
        return
    before = read_json(path)
    different = sorted(name for name in plan if before.get(name) != plan[name])
    if different:
        name = different[0]
        raise CXRLabError(
            f"{folder} holds another search (its {name} is {before.get(name)!r}, "
            f"this one's is {plan[name]!r}). Continue it with its own settings, or name a new "
            "folder."
        )


def leaderboard(folder: Path, objective: str = "val_loss") -> pd.DataFrame:
    """Every finished trial in ``folder``, best first.

    Columns: ``rank``, the searched values, ``val_loss``, ``recall_at_specificity`` (on
    validation, at the specificity of the search, 0...1), ``epochs``, ``seconds``, ``trial``
    (the order in which they finished, from 1).
    """
    trials = [read_json(path) for path in whole_files(folder / "trials")]
    rows = [
        {**trial["values"], **trial["metrics"], "finished": trial["finished"]} for trial in trials
    ]
    if not rows:
        return pd.DataFrame()
    table = pd.DataFrame(rows).sort_values("finished", ignore_index=True)
    table["trial"] = table.index + 1
    return ranked(table.drop(columns="finished"), objective)


def ranked(table: pd.DataFrame, objective: str) -> pd.DataFrame:
    """These trials best first, with their ``rank`` in front."""
    # Equal objectives (recall often ties) are ranked by the loss.
    table = table.sort_values(
        [objective, "val_loss"], ascending=[objective == "val_loss", True], ignore_index=True
    )
    table.insert(0, "rank", table.index + 1)
    return table
