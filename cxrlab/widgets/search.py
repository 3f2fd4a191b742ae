"""Looking into a search: a leaderboard that grows with it, and an explorer of its trials."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cxrlab.progress import in_notebook
from cxrlab.tuning import (
    OBJECTIVE_NAMES,
    choices_of,
    filter_trials,
    sort_trials,
    trial_in_words,
)
from cxrlab.tuning.explore import ANY
from cxrlab.widgets.search_chart import scatter_svg

#: Rows of the explorer's table: the chosen trial and its neighbours, so that it is never hidden.
ROWS = 9

WORDS = "max-width:52em;line-height:1.5"  # how the sentences under the controls look
SCORES = ("val_loss", "recall_at_specificity", "epochs")


class LiveBoard:
    """A leaderboard that is drawn anew after each trial, in place: hand it to ``on_trial``.

    ``names`` are the settings to show. Times are left out, so that a stored notebook does not
    change with the machine's mood. Outside a notebook nothing is drawn until :meth:`__str__`.
    """

    def __init__(self, names: Sequence[str], objective: str = "val_loss") -> None:
        self.columns = ["rank", "trial", *names, objective]
        self._table = pd.DataFrame()
        self._handle = None

    def __call__(self, leaderboard: pd.DataFrame) -> None:
        """Show this leaderboard in place of the one before."""
        if len(self._table) == len(leaderboard) and self._handle is not None:
            return  # a search that goes on meets its finished trials first: nothing new to see
        self._table = leaderboard
        content = {"text/plain": str(self), "text/html": table_html(leaderboard, self.columns)}
        if in_notebook():
            from IPython.display import display

            if self._handle is None:
                self._handle = display(content, raw=True, display_id=True)
            else:
                self._handle.update(content, raw=True)

    def __str__(self) -> str:
        if self._table.empty:
            return "No trial has finished yet."
        return self._table[self.columns].to_string(index=False, float_format="{:g}".format)


@dataclass(frozen=True)
class View:
    """What the explorer shows: the trials that pass the filters, and one of them in full."""

    trials: list[int]  # in the order of the table
    chosen: int | None  # the trial shown; None when no trial passes
    words: str
    table: str  # HTML
    chart: str  # SVG


def search_view(
    leaderboard: pd.DataFrame,
    settings: Sequence[str] | Mapping[str, Sequence[float]],
    filters: Mapping[str, float | str],
    sort_by: str = "rank",
    across: str = "trial",
    position: int = 0,
    objective: str = "val_loss",
) -> View:
    """Filter, sort, and describe the trial at ``position`` (from 0) of the sorted table."""
    names = list(settings)
    kept = sort_trials(filter_trials(leaderboard, filters), sort_by)
    trials = [int(trial) for trial in kept["trial"]]
    count = f"{len(kept)} of {len(leaderboard)} trials pass the filters."
    if not trials:
        return View([], None, f"{count} Set one of them back to “any”.", "", "")
    position = min(position, len(trials) - 1)
    chosen = trials[position]
    words = f"{count} {trial_in_words(leaderboard, chosen, names, objective)}"
    columns = ["rank", "trial", *names, *(name for name in SCORES if name in kept)]
    values = choices_of(leaderboard, settings).get(across)
    start = min(max(0, position - ROWS // 2), max(0, len(kept) - ROWS))
    around = kept.iloc[start : start + ROWS]
    if len(around) < len(kept):
        words += f" The table shows rows {start + 1} to {start + len(around)} of {len(kept)}."
    return View(
        trials,
        chosen,
        words,
        table_html(around, columns, chosen),
        scatter_svg(kept, across, objective, chosen, values),
    )


def table_html(board: pd.DataFrame, columns: Sequence[str], chosen: int | None = None) -> str:
    """The trials as an HTML table; the row of the ``chosen`` trial is marked, in words too."""
    cell = "padding:2px 8px;text-align:right"
    head = "".join(
        f'<th scope="col" style="{cell};vertical-align:bottom">{_spoken(name)}</th>'
        for name in columns
    )
    rows = []
    for trial in board[list(columns)].to_dict("records"):
        here = chosen is not None and trial["trial"] == chosen
        look = ' style="background:#FBE6D8;color:#222;font-weight:bold"' if here else ""
        cells = "".join(f'<td style="{cell}">{_number(n, v)}</td>' for n, v in trial.items())
        rows.append(f"<tr{look}{' aria-current=true' if here else ''}>{cells}</tr>")
    return (
        '<div style="max-height:17em;overflow:auto;line-height:1.5">'
        '<table style="border-collapse:collapse">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def explore_search(
    leaderboard: pd.DataFrame,
    settings: Sequence[str] | Mapping[str, Sequence[float]],
    objective: str = "val_loss",
) -> Any:
    """The search explorer: sort and filter the trials, and step through them one by one.

    Returns an ipywidgets Box whose parts are reachable by keyboard. Nothing is trained.
    """
    import ipywidgets as widgets

    wide = {"description_width": "9em"}
    place = widgets.Layout(width="20em")

    def dropdown(description: str, options: list, value: Any = None) -> Any:
        value = options[0] if value is None else value
        return widgets.Dropdown(
            options=options, value=value, description=description, style=wide, layout=place
        )

    names = list(settings)
    sortable = ["rank", "trial", *names, *(name for name in SCORES if name in leaderboard)]
    spoken = [(_spoken(name), name) for name in sortable]
    sort_by = dropdown("Sort by", spoken, "rank")
    across = dropdown("Chart across", [(_spoken(n), n) for n in ["trial", *names]], "trial")
    filters = {
        name: dropdown(
            _spoken(name).capitalize(), [(ANY, ANY), *((f"{c:g}", c) for c in values)], ANY
        )
        for name, values in choices_of(leaderboard, settings).items()
    }
    step = widgets.IntSlider(
        value=1, min=1, max=len(leaderboard), description="Row of the table", style=wide,
        layout=widgets.Layout(width="28em"),
    )  # fmt: skip
    back = widgets.Button(description="Previous trial")
    on = widgets.Button(description="Next trial")
    table, chart, words = widgets.HTML(), widgets.HTML(), widgets.HTML()

    def redraw(_change: Any = None) -> None:
        wanted = {name: control.value for name, control in filters.items()}
        view = search_view(
            leaderboard, settings, wanted, sort_by.value, across.value, step.value - 1, objective
        )
        step.max = max(1, len(view.trials))
        table.value, chart.value = view.table, view.chart
        words.value = f'<div role="status" style="{WORDS}">{html.escape(view.words)}</div>'

    def walk(steps: int) -> None:
        step.value = min(max(step.value + steps, step.min), step.max)

    back.on_click(lambda _button: walk(-1))
    on.on_click(lambda _button: walk(+1))
    for control in [sort_by, across, step, *filters.values()]:
        control.observe(redraw, names="value")
    redraw()
    grid = widgets.Layout(flex_flow="row wrap")
    return widgets.VBox(
        [
            widgets.HBox([sort_by, across], layout=grid),
            widgets.HBox([*filters.values()], layout=grid),
            widgets.HBox([step, back, on], layout=grid),
            words,
            table,
            chart,
        ]
    )


def _spoken(name: str) -> str:
    words = {"val_loss": "validation loss", "recall_at_specificity": "recall at specificity 0.9"}
    return words.get(name, name.replace("_", " "))


def _number(name: str, value: float) -> str:
    return f"{value:.3f}" if name in OBJECTIVE_NAMES else f"{value:g}"
