"""Checks of a filtered table: the right rows, whole and unchanged, under their own names."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cxrlab.exercises.engine import Wrong, described


def filtered(
    name: str,
    answer: Any,
    table: pd.DataFrame,
    keep: pd.Series,
    column: str,
    if_missing: str = "",
    if_extra: str = "",
) -> None:
    """Raise :class:`Wrong` unless ``answer`` is the rows of ``table`` where ``keep`` is true.

    ``column`` is what the filter looks at: its values name the rows that are missing or too
    many. ``if_missing`` and ``if_extra`` are sentences of advice for these two. The order of the
    rows does not matter.
    """
    _whole_rows(name, answer, table)
    _own_names(name, answer, table)
    right, seen = set(table.index[keep]), set(answer.index)
    if right and seen == set(table.index) - right:
        raise Wrong(
            f"`{name}` holds exactly the rows that should go. Turn the condition round "
            f"(`==` instead of `!=`, or without `~`)."
        )
    if seen == set(table.index) != right:
        raise Wrong(
            f"`{name}` still holds all {len(table)} rows: nothing was filtered. Put a condition "
            f"on `{column}` in square brackets behind the table."
        )
    extra = table.loc[[label for label in answer.index if label not in right], column]
    if extra.isna().any():
        raise Wrong(
            f"`{name}` holds a row whose `{column}` is missing. What nobody stated cannot be "
            "assumed: ask for what you want (`==`), not for what you do not want (`!=`)."
        )
    if len(extra):
        raise Wrong(f"`{name}` should not hold rows with `{column}` {_listed(extra)}. {if_extra}")
    lost = table.loc[keep & ~table.index.isin(answer.index), column]
    if len(lost):
        raise Wrong(f"`{name}` lacks rows with `{column}` {_listed(lost)}. {if_missing}")
    _unchanged(name, answer, table)


def not_silent(name: str, found: dict[str, Any]) -> None:
    """Raise :class:`Wrong` where a filter found no row in one copy of a table, or in any.

    ``found``: what the filter returned, by the name of the copy; each copy holds rows to find.
    """
    silent = [n for n, rows in found.items() if isinstance(rows, pd.DataFrame) and rows.empty]
    if len(silent) == len(found):
        raise Wrong(
            f"`{name}` finds nothing in either copy. How do they write what you are looking for? "
            "Print the column of each."
        )
    if silent:
        raise Wrong(
            f"`{name}` finds nothing in the {silent[0]} copy, and nothing warned you: it knows "
            "one spelling. Look for what both have in common."
        )


def _whole_rows(name: str, answer: Any, table: pd.DataFrame) -> None:
    if isinstance(answer, pd.Series) and pd.api.types.is_bool_dtype(answer.dtype):
        raise Wrong(
            f"`{name}` is a column of True and False. That is the condition; put it in square "
            "brackets behind the table to get its rows: `table[condition]`."
        )
    if isinstance(answer, pd.Series):
        raise Wrong(f"`{name}` is one column of the table. Keep whole rows: `table[condition]`.")
    if not isinstance(answer, pd.DataFrame):
        raise Wrong(f"`{name}` is {described(answer)}, but should be a DataFrame.")
    columns = [column for column in table if column not in answer]
    if columns:
        raise Wrong(
            f"`{name}` lacks the column {', '.join(map(str, columns))}. A filter drops rows; "
            "all columns stay."
        )


def _own_names(name: str, answer: pd.DataFrame, table: pd.DataFrame) -> None:
    if answer.index.has_duplicates:
        raise Wrong(f"`{name}` holds the row {answer.index[answer.index.duplicated()][0]!r} twice.")
    unknown = answer.index.difference(table.index)
    if len(unknown):
        raise Wrong(
            f"`{name}` has rows named {_listed(pd.Series(unknown))}, which the table does not "
            "have. Keep the index as it is: no `reset_index`, no rows of your own."
        )


def _unchanged(name: str, answer: pd.DataFrame, table: pd.DataFrame) -> None:
    original = table.loc[answer.index]
    for column in table:
        was, now = original[column].astype("string"), answer[column].astype("string")
        if not was.fillna("").equals(now.fillna("")):
            raise Wrong(
                f"`{name}` holds the right rows, but the values of `{column}` were changed on "
                "the way. Tidy them inside the condition only, so that the record stays as found."
            )


def _listed(values: pd.Series) -> str:
    """The first three different values, as Python writes them."""
    different = list(dict.fromkeys(values))
    more = " ..." if len(different) > 3 else ""
    return ", ".join(map(repr, different[:3])) + more
