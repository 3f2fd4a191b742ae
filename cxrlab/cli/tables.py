"""Tables and numbers on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd

SHARES = ("recall", "specificity")


def as_table(frame: pd.DataFrame, title: str) -> Table:
    """A DataFrame as a rich table; fractions with three digits."""
    table = Table(title=title, title_justify="left")
    for name, kind in frame.dtypes.items():
        table.add_column(str(name), justify="right" if kind.kind in "if" else "left")
    for row in frame.itertuples(index=False):
        table.add_row(*(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row))
    return table


def leaderboard_table(board: pd.DataFrame) -> Table:
    """The trials of a search, narrow enough for 80 columns: dropout rates in one of them."""
    rates = board.filter(regex=r"^dropout").astype(str).agg("/".join, axis=1)
    narrow = board[["rank", "val_loss", "recall_at_specificity", "dense_units"]].assign(
        dropout=rates,
        learning_rate=board["learning_rate"].map("{:g}".format),
    )
    names = {"recall_at_specificity": "recall", "dense_units": "units", "learning_rate": "rate"}
    return as_table(
        narrow.rename(columns=names), "The best trials (recall at a specificity of 0.9)"
    )


def metrics_table(metrics: dict) -> Table:
    """The metrics of ``metrics.json`` with their intervals."""
    from cxrlab.metrics import Estimate

    table = Table(title=_counts(metrics), title_justify="left")
    table.add_column("metric")
    table.add_column("value (95 % interval)", justify="right")
    for name, entry in metrics.items():
        if isinstance(entry, dict) and "interval" in entry:
            estimate = Estimate(entry["value"], *entry["interval"])
            table.add_row(name.replace("_", " "), f"{estimate:.3f}")
    return table


def _counts(metrics: dict) -> str:
    return (
        f"{metrics['n']} X-rays, threshold {metrics['threshold']:.3f}: "
        f"{metrics['tp']} true and {metrics['fp']} false positives, "
        f"{metrics['fn']} false and {metrics['tn']} true negatives"
    )


def subgroups_table(subgroups: pd.DataFrame) -> Table:
    """Recall and specificity by subgroup, each with its interval or why there is none."""
    title = "By subgroup, 95 % intervals over patients"
    # Without inner lines, and with dashes, it fits into 80 columns.
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("by", "group"):
        table.add_column(name)
    for name in ("cases", *SHARES):
        table.add_column(name, justify="right")
    for row in subgroups.to_dict("records"):
        shares = [row[f"{name}_note"] or _in_words(row, name) for name in SHARES]
        table.add_row(row["by"], row["group"], str(row["cases"]), *shares)
    return table


def repairs_table(found: pd.DataFrame) -> Table:
    """Recall and false positives of each repair, and its AUC on the frame alone."""
    table = Table(title="Repairs, 95 % intervals over patients", title_justify="left")
    table.add_column("repair")
    for name in ("recall", "false positives: children", "adults", "frame only, AUC"):
        table.add_column(name, justify="right")
    for row in found.to_dict("records"):
        if row["note"]:
            table.add_row(row["repair"], "skipped")
            continue
        numbers = ("recall", "children", "adults", "frame_only")
        table.add_row(row["repair"], *(_in_words(row, name) for name in numbers))
    return table


def _in_words(row: Mapping, name: str) -> str:
    """A number of a table and its interval, short: ``0.93 (0.85–0.98)``."""
    from cxrlab.metrics import Estimate

    return f"{Estimate(row[name], row[f'{name}_low'], row[f'{name}_high'])}".replace(" to ", "–")
