"""What several commands share: the options that mean the same everywhere, and the tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Option, echo

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "Folder of real X-rays, or phantom; without it what `cxrlab data use` chose."
DataOption = Annotated[
    Path | None, Option("--data", help=FOLDER, envvar="CXRLAB_DATA", show_default=False)
]
Budget = Annotated[
    Literal["smoke", "class", "full"],
    Option(help="How much work to do.", envvar="CXRLAB_BUDGET"),
]
Seed = Annotated[int, Option(min=0, help="Seed of split and training.")]
Out = Annotated[Path, Option(help="Folder for the run; an interrupted run goes on.")]
Run = Annotated[Path, Argument(help="Folder that train or tune wrote.")]
Negatives = Literal["kermany", "adult", "mixed"]
Recipe = Literal["published", "known", "robust", "pretrained"]
NOT_MEDICAL = "Not for medical use: this network has learned a teaching data set, not a diagnosis."


def show_table(frame: pd.DataFrame, title: str) -> None:
    """Print a DataFrame as a table; fractions with three digits."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name, kind in frame.dtypes.items():
        table.add_column(str(name), justify="right" if kind.kind in "if" else "left")
    for row in frame.itertuples(index=False):
        table.add_row(*(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row))
    Console(markup=False, emoji=False).print(table)  # names of strangers are names


def show_intervals(rows: list[dict], names: list[str], title: str) -> None:
    """Print these columns, each number with its interval (``recall_low``, ``recall_high``).

    Where there is no number, ``recall_note`` says why.
    """
    import pandas as pd

    from cxrlab.metrics import Estimate

    def shown(row: dict, name: str) -> object:
        if f"{name}_low" not in row:
            return row[name]
        if pd.isna(row[name]):
            return row.get(f"{name}_note", "skipped")
        return str(Estimate(*(row[name + end] for end in ("", "_low", "_high"))))

    cells = [{name: shown(row, name) for name in names} for row in rows]
    show_table(pd.DataFrame(cells, columns=names), title)


def show_metrics(metrics: dict[str, Any]) -> None:
    """Print the metrics of ``metrics.json`` with their intervals, and what they are not for."""
    import pandas as pd

    from cxrlab.metrics import Estimate

    rows = {
        name.replace("_", " "): f"{Estimate(entry['value'], *entry['interval']):.3f}"
        for name, entry in metrics.items()
        if isinstance(entry, dict) and "interval" in entry
    }
    title = (
        "{n} X-rays, threshold {threshold:.3f}: {tp} true and {fp} false positives, "
        "{fn} false and {tn} true negatives"
    ).format(**metrics)
    show_table(pd.DataFrame(rows.items(), columns=["metric", "value (95 % interval)"]), title)
    echo(NOT_MEDICAL)


def show_leaderboard(board: pd.DataFrame) -> None:
    """Print the ten best trials of a search, their dropout rates in one column."""
    names = {"rank": "rank", "val_loss": "val_loss", "recall_at_specificity": "recall"}
    names |= {"dense_units": "units", "learning_rate": "rate"}
    rates = board.filter(regex="^dropout").astype(str).agg("/".join, axis=1)
    best = board.astype({"learning_rate": str})[[*names]].rename(columns=names)
    title = "The best trials (recall at a specificity of 0.9)"
    show_table(best.assign(dropout=rates).head(10), title)


def say_left_out(left_out: pd.DataFrame) -> None:
    """Name the images that were left out, and why, on standard error."""
    if len(left_out):
        echo(f"{len(left_out)} images were left out:", err=True)
    for path, reason in left_out.itertuples(index=False):
        echo(f"  {path}: {reason}", err=True)
