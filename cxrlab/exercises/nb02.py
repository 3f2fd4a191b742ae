"""The exercises and the quiz of notebook 02: a filter, a figure, a clue in the table, a split."""

from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises.engine import described, exercise, read_texts
from cxrlab.exercises.judge import FunctionExercise, called, close, kind, pair
from cxrlab.exercises.quiz import load_quiz


def two_copies() -> dict[str, pd.DataFrame]:
    """The same seven made-up rows as an older and as a later copy of the source spells them."""
    table = read_texts("02")["exercises"]["02.spellings"]["table"]
    rows = pd.DataFrame(table, [f"row {number}" for number in range(7)], dtype="string")
    return {name: rows[[name]].set_axis(["finding"], axis=1) for name in table}


two_spellings = FunctionExercise(
    key="02.spellings",
    answer="""
        def covid_rows(table):
            return table[table["finding"].str.contains("COVID-19", na=False)]
    """,
    cases=[(table,) for table in two_copies().values()],
    slips={
        'table[table["finding"] == "COVID-19"]': "the later copy spells it otherwise.",
        "COVID-19 -> Viral/COVID-19": "the older copy spells it otherwise.",
        "table[:0]": "nothing in either copy. How do they write it? `nb02.two_copies()`.",
        '.contains("COVID-19", na=False) -> .endswith("COVID-19").fillna(False)': "with ARDS, too.",
        "na=False -> na=True": "a missing `finding` cannot be assumed: `na=False`.",
        "table[table -> [table": "that is the condition. Whole rows are `table[condition]`.",
    },
)

LEFT = {"table": 90, "COVID-19": 61, "X-ray": 50, "PA": 34, "file is there": 33}  # made up


@exercise(
    "02.waterfall",
    """
    import seaborn as sns

    def draw_rows(counts):
        ax = sns.barplot(x=list(counts.values()), y=list(counts), color="grey")
        ax.set_xlabel("rows left")
        return ax
    """,
)
def waterfall(function: Any) -> None:
    """A bar per step, lying or standing, as long as its number of rows; with their names."""
    import matplotlib.pyplot as plt

    before = {*plt.get_fignums()}
    plt.figure()
    try:
        ax = called("draw_rows", function, dict(LEFT))
    finally:  # or the notebook would show the figures of the check
        for figure in {*plt.get_fignums()} - before:
            plt.close(figure)
    kind("draw_rows(...)", ax, plt.Axes, "the Axes that `sns.barplot` returns")
    lying = all(bars.orientation == "horizontal" for bars in ax.containers)
    axis, label = (ax.yaxis, ax.get_xlabel()) if lying else (ax.xaxis, ax.get_ylabel())
    sizes = [round(float(size), 2) for bars in ax.containers for size in bars.datavalues]
    names = [tick.get_text() for tick in axis.get_ticklabels() if tick.get_text()]
    fits = names == list(LEFT) and sizes == list(LEFT.values())
    waterfall.reply_if(not fits, "bars", sizes=sizes, names=", ".join(names), left=LEFT)
    waterfall.reply_if(not label, "label")


def clues(*counts: tuple[str | None, int, int]) -> tuple[pd.DataFrame, str]:
    """A made-up table of (value, label, how many rows), and the name of its column."""
    rows = [(value, label) for value, label, count in counts for _ in range(count)]
    return pd.DataFrame(rows, columns=["sex", "label"]), "sex"


clue = FunctionExercise(
    key="02.clue",
    answer="""
        def right_by(table, column):
            groups = table.groupby(column, dropna=False)["label"]
            right = groups.agg(lambda label: label.value_counts().max())
            return right.sum() / len(table)
    """,
    # Sixteen rows, six of which say nothing about the sex; then two that say everything.
    cases=[
        (("F", 0, 6), ("F", 1, 1), ("M", 0, 1), ("M", 1, 2), (None, 0, 2), (None, 1, 4)),
        (("F", 0, 1), ("M", 1, 1)),
    ],
    arguments=clues,
    tolerance=0.005,
    slips={
        ", dropna=False -> ": "rows without a sex are left out: `groupby(..., dropna=False)`.",
        "right[right.index.notna()].sum() / table[column].count()": "rows without a sex count.",
        "right.sum()": "the number of rows that the rule gets right. Divide it by all rows.",
        "(right / groups.size()).mean()": "a mean over values. Add up the rows, then divide.",
        "1 - right.sum() / len(table)": "the rows that the rule gets wrong.",
    },
    is_share=True,
)


def made_up_cases() -> pd.DataFrame:
    """About 200 made-up images: several per patient, and some patients joined to one group."""
    patients = np.random.default_rng(2).integers(110, size=220)
    table = pd.DataFrame({"image_id": np.arange(220).astype(str), "patient_id": patients})
    # Every tenth patient shares a duplicate with the one before the last.
    table = table.assign(group=patients - 2 * (patients % 10 == 9), label=patients % 2)
    return table.sample(frac=1, random_state=0)


@exercise(
    "02.split",
    """
    from sklearn.model_selection import StratifiedGroupKFold

    def split_off(table, folds, seed):
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        pairs = splitter.split(table, table["label"], groups=table["group"])
        rest, part = next(pairs)
        return table.iloc[rest], table.iloc[part]
    """,
)
def split_off(function: Any) -> str | None:
    """Two tables without a common group, in their shares, and the same for the same seed."""
    table = made_up_cases()
    draws = [(5, 0), (5, 1), (5, 3), (3, 1), (7, 2), (7, 4)]
    parts = {draw: check_cut(function, table, *draw) for draw in draws}
    split_off.reply_if(parts[5, 0] != check_cut(function, table, 5, 0), "same seed")
    split_off.reply_if(parts[5, 0] == parts[5, 1], "other seed")
    own_draw = parts[5, 0] != check_cut(split_off.run(), table, 5, 0)
    return split_off.texts["own_draw"] if own_draw else None


def check_cut(function: Any, table: pd.DataFrame, folds: int, seed: int) -> set[str]:
    """The images of the part that was split off, if the two tables are as they should be."""
    rest, part = pair("split_off(...)", called("split_off", function, table.copy(), folds, seed))
    for each in (rest, part):
        whole = isinstance(each, pd.DataFrame) and {*table} <= {*each}
        split_off.reply_if(not whole, "no rows", seen=described(each))
    images = pd.concat([rest, part])["image_id"]
    lost, twice = len(table) - images.nunique(), images.duplicated().sum()
    split_off.reply_if(lost or twice, "images", lost=lost, twice=twice, all=len(table))
    split_off.reply_if(len(part) > len(rest), "order")
    for column in ("patient_id", "group"):
        torn = len({*rest[column].astype(str)} & {*part[column].astype(str)})  # 12 is "12"
        split_off.reply_if(torn, column, torn=torn)
    share, positive, wanted = len(part) / len(table), part["label"].mean(), table["label"].mean()
    fits = close(share, 1 / folds, 0.06)
    split_off.reply_if(not fits, "share", folds=folds, share=share, wanted=1 / folds)
    fits = close(positive, wanted, 0.05)
    split_off.reply_if(not fits, "strata", positive=positive, wanted=wanted)
    return set(part["image_id"])


quiz = load_quiz("02")
