"""The exercises and the quiz of notebook 02: a filter, a figure, a clue in the table, a split."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises.answers import called, close, kind, pair, wrong_if
from cxrlab.exercises.engine import Exercise
from cxrlab.exercises.judge import FunctionExercise
from cxrlab.exercises.quiz import load_quiz


def two_copies() -> dict[str, pd.DataFrame]:
    """The same seven made-up rows as an older and as a later copy of the source spells them."""
    older = ["COVID-19", "SARS", "COVID-19, ARDS", None, "Pneumonia", "COVID-19", "No Finding"]
    viral = {"COVID-19": "Pneumonia/Viral/COVID-19", "SARS": "Pneumonia/Viral/SARS"}
    later = [viral.get(name and name.split(",")[0], name) for name in older]
    index = pd.Index([f"row {number}" for number in range(7)])
    return {
        name: pd.DataFrame({"finding": pd.array(findings, dtype="string")}, index=index)
        for name, findings in (("older", older), ("later", later))
    }


def naming(table: pd.DataFrame, text: str = "COVID-19", na: bool = False) -> pd.DataFrame:
    """The rows whose finding contains the text."""
    return table[table["finding"].str.contains(text, na=na)]


two_spellings = FunctionExercise(
    key="02.spellings",
    title="A filter for both spellings",
    variable="covid_rows",
    cases=[(table,) for table in two_copies().values()],
    arguments=lambda table: (table.copy(),),
    right=naming,
    slips={
        "the later copy spells it otherwise, and nothing warned you. Look for what both have "
        "in common.": lambda t: t[t["finding"] == "COVID-19"],
        "the older copy spells it otherwise.": lambda t: naming(t, "Viral/COVID-19"),
        "nothing in either copy. How do they write it? `nb02.two_copies()`.": lambda t: t[:0],
        "“COVID-19, ARDS” is COVID-19, too: a finding may name a second one.": lambda t: t[
            t["finding"].isin(["COVID-19", "Pneumonia/Viral/COVID-19"])
        ],
        "SARS is another disease.": lambda t: naming(t, "COVID|SARS"),
        "a missing `finding` is not stated, so it cannot be assumed: `na=False`.": lambda t: naming(
            t, na=True
        ),
        "the rows that should go: turn it round.": lambda t: t.drop(naming(t).index),
        "that is the condition. Whole rows are `table[condition]`.": lambda t: t[
            "finding"
        ].str.contains("COVID-19", na=False),
        "one column. Keep whole rows: `table[condition]`.": lambda t: t["finding"],
    },
    otherwise="choose whole rows, and change neither them nor their names (no `reset_index`).",
    praise="Both spellings, and the row without a finding stays out.",
    hints=(
        "What do `COVID-19`, `COVID-19, ARDS` and `Pneumonia/Viral/COVID-19` have in common?",
        "`.str.contains(...)` looks for a piece of text in every value of a column; its argument "
        "`na=False` says what a missing value counts as.",
        "Put that condition in square brackets behind the table: `table[condition]`.",
    ),
    answer="""
        def covid_rows(table):
            return table[table["finding"].str.contains("COVID-19", na=False)]
    """,
)

LEFT = {"table": 90, "COVID-19": 61, "X-ray": 50, "PA": 34, "file is there": 33}  # made up


def check_waterfall(function: Any) -> str:
    """A bar per step, lying or standing, as long as its number of rows."""
    import matplotlib.pyplot as plt

    before = set(plt.get_fignums())
    plt.figure()
    try:
        check_bars(called("draw_rows", function, dict(LEFT)))
    finally:  # or the notebook would show the figures of the check
        for figure in set(plt.get_fignums()) - before:
            plt.close(figure)
    return "One bar per step, in order, each as long as its number of rows."


def check_bars(ax: Any) -> None:
    """The bars of :data:`LEFT` on these axes, with their names."""
    from matplotlib.axes import Axes

    kind("draw_rows(...)", ax, Axes, "the Axes that `sns.barplot` returns")
    bars = [bar for bar in ax.patches if bar.get_width() and bar.get_height()]
    wrong_if(len(bars) != len(LEFT), f"`draw_rows` draws {len(bars)} bars for {len(LEFT)} steps.")
    lying = [width for _, width in sorted((bar.get_y(), bar.get_width()) for bar in bars)]
    standing = [height for _, height in sorted((bar.get_x(), bar.get_height()) for bar in bars)]
    counted = {1} in ({*lying}, {*standing})
    given = "The rows are counted already: `sns.barplot(x=..., y=...)` draws given numbers."
    wrong_if(counted, f"In `draw_rows` each bar has length 1, as in a countplot. {given}")
    numbers, across = list(LEFT.values()), max(lying) > 1
    sizes, axis = (lying, ax.yaxis) if across else (standing, ax.xaxis)
    fits = close(sorted(sizes), sorted(numbers))
    wrong_if(not fits, f"The bars of `draw_rows` are not as long as the numbers: {numbers}.")
    names = [label.get_text() for label in axis.get_ticklabels() if label.get_text()]
    wrong_if(names != list(LEFT), f"The names beside the bars of `draw_rows` are {names}.")
    wrong_if(not close(sizes, numbers), "The bars of `draw_rows` stand in another order.")
    label = ax.get_xlabel() if across else ax.get_ylabel()
    wrong_if(not label, 'The axis of the numbers has no name: `ax.set_xlabel("rows left")`.')


waterfall = Exercise(
    key="02.waterfall",
    title="Draw the rows that are left",
    variable="draw_rows",
    judged_by=check_waterfall,
    hints=(
        "`sns.barplot(x=..., y=...)` takes two lists: the numbers and the names.",
        "`list(counts.values())` are the numbers, `list(counts)` the names. It returns the axes.",
        'Keep the axes, `ax = sns.barplot(...)`, name the axis, `ax.set_xlabel("rows left")`, '
        "and return `ax`.",
    ),
    answer="""
        import seaborn as sns

        def draw_rows(counts):
            ax = sns.barplot(x=list(counts.values()), y=list(counts), color="grey")
            ax.set_xlabel("rows left")
            return ax
    """,
)


def clues(*counts: tuple[str | None, int, int]) -> tuple[pd.DataFrame, str]:
    """A made-up table of (value, label, how many rows), and the name of its column."""
    rows = [(value, label) for value, label, count in counts for _ in range(count)]
    return pd.DataFrame(rows, columns=["sex", "label"]), "sex"


clue = FunctionExercise(
    key="02.clue",
    title="A rule that knows one column",
    variable="right_by",
    # Sixteen rows, six of which say nothing about the sex; then two that say everything.
    cases=[
        (("F", 0, 6), ("F", 1, 1), ("M", 0, 1), ("M", 1, 2), (None, 0, 2), (None, 1, 4)),
        (("F", 0, 1), ("M", 1, 1)),
    ],
    arguments=clues,
    right=[12 / 16, 1],
    tolerance=0.005,
    slips={
        "rows without a sex are left out: `groupby(..., dropna=False)`.": [8 / 16, 1],
        "rows without a sex do not count at all: `groupby(..., dropna=False)`.": [8 / 10, 1],
        "the number of rows that the rule gets right. Divide it by all rows.": [12, 2],
        "the larger class of the whole table. Take that of each value.": [9 / 16, 0.5],
        "a mean over values. Add up the rows, then divide.": [(6 / 7 + 2 / 3 + 4 / 6) / 3, 1],
        "a mean of counts. Add them up and divide by all rows.": [4, 1],
        "the rows that the rule gets wrong.": [4 / 16, 0],
    },
    share=True,
    otherwise="use the table and the column that the function gets.",
    praise="0.5 is a coin, 1.0 is a column that gives the label away.",
    hints=(
        "The rule says, for each value of the column, what most of its rows are. For how many "
        "rows of one value is it right? For the larger of its two classes.",
        '`table.groupby(column, dropna=False)["label"]` has one group per value, and one for the '
        "missing ones. `.value_counts()` counts the classes of each.",
        "`pd.crosstab` would do it, too, but leaves missing values out. With `groups` as above: "
        "`groups.agg(lambda label: label.value_counts().max())`, then the sum, then divide.",
    ),
    answer="""
        def right_by(table, column):
            groups = table.groupby(column, dropna=False)["label"]
            right = groups.agg(lambda label: label.value_counts().max())
            return right.sum() / len(table)
    """,
)


def made_up_cases() -> pd.DataFrame:
    """About 200 made-up images: several per patient, and some patients joined to one group."""
    rng = np.random.default_rng(2)
    rows = []
    for patient in range(110):
        label, images = patient % 2, 1 + (rng.random() < 0.4) * rng.integers(1, 5)
        name = f"P{patient:03d}"
        group = f"P{patient - 2:03d}" if patient % 10 == 9 else name
        rows += [(f"{name}-{image}.png", name, group, label) for image in range(images)]
    table = pd.DataFrame(rows, columns=["image_id", "patient_id", "group", "label"])
    return table.sample(frac=1, random_state=0)


def check_split_off(function: Any) -> str:
    """Two tables without a common group, in their shares, and the same for the same seed."""
    from sklearn.model_selection import StratifiedGroupKFold

    table = made_up_cases()
    draws = [(5, 0), (5, 1), (5, 3), (3, 1), (7, 2), (7, 4)]
    parts = {draw: check_cut(function, table, *draw) for draw in draws}
    same = "`split_off` gives another part with the same seed. Pass it on: `random_state=seed`."
    wrong_if(parts[5, 0] != check_cut(function, table, 5, 0), same)
    other = "`split_off` gives the same part for seeds 0 and 1. Shuffle: `shuffle=True`."
    wrong_if(parts[5, 0] == parts[5, 1], other)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    _, ours = next(folds.split(table, table["label"], table["group"]))
    if parts[5, 0] == set(table["image_id"].iloc[ours]):
        return "No group is on both sides, and both classes are in their shares."
    return (
        "No group is on both sides. Your draw is another one than the course's, so the networks "
        "that come with the course do not fit it: notebook 03 trains one."
    )


def check_cut(function: Any, table: pd.DataFrame, folds: int, seed: int) -> set[str]:
    """The images of the part that was split off, if the two tables are as they should be."""
    rest, part = pair("split_off(...)", called("split_off", function, table.copy(), folds, seed))
    for one in (rest, part):
        rows = "two tables. A splitter gives positions: `table.iloc[positions]` takes rows"
        kind("split_off(...)", one, pd.DataFrame, rows)
    lost = len(set(table["image_id"]) - {*rest["image_id"], *part["image_id"]})
    wrong_if(lost, f"`split_off` loses {lost} of {len(table)} images: `.loc` in place of `.iloc`?")
    twice = len(rest) + len(part) > len(table)
    wrong_if(twice, "`split_off` puts some images into both tables.")
    wrong_if(len(part) > len(rest), "`split_off` returns the small table first, not the rest.")
    torn = {each: set(rest[each]) & set(part[each]) for each in ("patient_id", "group")}
    by_group = 'Use a splitter that takes `groups=table["group"]`.'
    patients = len(torn["patient_id"])
    wrong_if(patients, f"`split_off` tears {patients} patients apart. {by_group}")
    groups = f"{len(torn['group'])} groups apart, of patients who share a duplicate"
    wrong_if(torn["group"], f"`split_off` keeps patients whole, but tears {groups}. {by_group}")
    share, positive, wanted = len(part) / len(table), part["label"].mean(), table["label"].mean()
    seen = f"With folds={folds} the part of `split_off` has {share:.0%} of the images"
    fits = close(share, 1 / folds, 0.06)
    wrong_if(not fits, f"{seen}, not about {1 / folds:.0%}. Take one of `folds` folds as the part.")
    seen = f"{positive:.0%} of the part is positive and {wanted:.0%} of the table"
    fits = close(positive, wanted, 0.05)
    wrong_if(not fits, f"In `split_off` {seen}. Take the splitter that is stratified as well.")
    return set(part["image_id"])


split_off = Exercise(
    key="02.split",
    title="A split without a leak",
    variable="split_off",
    judged_by=check_split_off,
    hints=(
        "`train_test_split` knows no groups. scikit-learn's splitters that do have `Group` in "
        "their names; one of them also looks at the label.",
        "`StratifiedGroupKFold(folds, shuffle=True, random_state=seed)` makes `folds` folds. Its "
        '`.split(table, table["label"], groups=table["group"])` gives pairs of positions, one '
        "pair per fold; `next(...)` takes the first.",
        "The first of the pair are the positions of the rest, the second those of the fold. "
        "`table.iloc[positions]` makes tables of them.",
    ),
    answer="""
        from sklearn.model_selection import StratifiedGroupKFold

        def split_off(table, folds, seed):
            splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
            pairs = splitter.split(table, table["label"], groups=table["group"])
            rest, part = next(pairs)
            return table.iloc[rest], table.iloc[part]
    """,
)

quiz = load_quiz("02")
