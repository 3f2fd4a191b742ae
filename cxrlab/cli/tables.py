"""Tables on a terminal, narrow enough for 80 columns."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cxrlab.metrics import Estimate
from cxrlab.sources.tables import NOT_STATED

NOT_MEDICAL = "Not for medical use: this network has learned a teaching data set, not a diagnosis."


def as_table(frame: pd.DataFrame, title: str) -> Table:
    """A DataFrame as a rich table; fractions with three digits."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name, kind in frame.dtypes.items():
        table.add_column(str(name), justify="right" if kind.kind in "if" else "left")
    for row in frame.itertuples(index=False):
        cells = (f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row)
        table.add_row(*map(Text, cells))  # square brackets are brackets, and no markup
    return table


def show_metrics(metrics: dict[str, Any]) -> None:
    """Print the metrics of ``metrics.json`` with their intervals, and what they are not for."""
    title = (
        f"{metrics['n']} X-rays, threshold {metrics['threshold']:.3f}: "
        f"{metrics['tp']} true and {metrics['fp']} false positives, "
        f"{metrics['fn']} false and {metrics['tn']} true negatives"
    )
    rows = [
        (name.replace("_", " "), f"{Estimate(entry['value'], *entry['interval']):.3f}")
        for name, entry in metrics.items()
        if isinstance(entry, dict) and "interval" in entry
    ]
    frame = pd.DataFrame(rows, columns=["metric", "value (95 % interval)"])
    console = Console()
    console.print(as_table(frame, title))
    console.print(NOT_MEDICAL, soft_wrap=True)


def show_leaderboard(board: pd.DataFrame) -> None:
    """Print the ten best trials of a search, their dropout rates in one column."""
    best = board.head(10)
    frame = pd.DataFrame(
        {
            "rank": best["rank"],
            "val_loss": best["val_loss"],
            "recall": best["recall_at_specificity"],
            "units": best["dense_units"],
            "dropout": best.filter(regex="^dropout").astype(str).agg("/".join, axis=1),
            "rate": best["learning_rate"].map("{:g}".format),
        }
    )
    Console().print(as_table(frame, "The best trials (recall at a specificity of 0.9)"))


def show_subgroups(subgroups: pd.DataFrame) -> None:
    """Print recall and specificity by subgroup, or why there is none; nothing without subgroups."""
    groups = subgroups[(subgroups["by"] != "all") & (subgroups["group"] != NOT_STATED)]
    if len(groups):
        found = with_intervals(subgroups, ["by", "group", "cases", "recall", "specificity"])
        Console().print(as_table(found, "By subgroup, 95 % intervals over patients"))


def show_repairs(found: pd.DataFrame) -> None:
    """Print recall and false positives of each repair, and its AUC on the frame alone."""
    table = with_intervals(found, ["repair", "recall", "children", "adults", "frame_only"])
    title = "Repairs: recall, false positives of children and adults, AUC of the frame alone"
    Console().print(as_table(table, title))


def with_intervals(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """These columns, each number with its interval in one: ``0.93 (0.85–0.98)``.

    The interval of ``recall`` is in ``recall_low`` and ``recall_high``; where there is no number,
    ``recall_note`` may say why.
    """
    found = table[names].copy()
    for name in names:
        if f"{name}_low" in table:
            numbers = table[[name, f"{name}_low", f"{name}_high"]].astype(float)
            short = [f"{Estimate(*row)}".replace(" to ", "–") for row in numbers.to_numpy()]
            why = table.get(f"{name}_note", "skipped")
            found[name] = pd.Series(short, table.index).where(table[name].notna(), why)
    return found
