"""The exercises of notebook 02: a filter, a figure, a clue in the table, and a split."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises.engine import Exercise, Wrong, described
from cxrlab.exercises.expect import called, close, kind, number
from cxrlab.exercises.quiz import Option, Question, Quiz
from cxrlab.filters import is_covid19

# --- 1: a filter for both spellings ----------------------------------------------------------


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


def _check_covid_rows(function: Any) -> str:
    copies = two_copies()
    found = {name: called("covid_rows", function, table.copy()) for name, table in copies.items()}
    for name, rows in found.items():
        _whole_rows(f"covid_rows(...) of the {name} copy", rows, copies[name])
    silent = [name for name, rows in found.items() if rows.empty]
    if len(silent) == 2:
        raise Wrong(
            "`covid_rows` finds nothing in either copy. How do they write what you are looking "
            "for? Print the column of each: `nb02.two_copies()`."
        )
    if silent:
        raise Wrong(
            f"`covid_rows` finds nothing in the {silent[0]} copy, and nothing warned you: it knows "
            "one spelling. Look for what both have in common."
        )
    for name, table in copies.items():
        rows, right = found[name], set(table.index[is_covid19(table["finding"])])
        if set(rows.index) == set(table.index) - right:
            raise Wrong("`covid_rows` returns exactly the rows that should go: turn it round.")
        extra = table.loc[[row for row in rows.index if row not in right], "finding"]
        if extra.isna().any():
            raise Wrong(
                "`covid_rows` returns a row whose `finding` is missing. What is not stated cannot "
                "be assumed: `.str.contains(..., na=False)`."
            )
        if len(extra):
            raise Wrong(f"`covid_rows` returns a row with {extra.iloc[0]!r} of the {name} copy.")
        lost = table.loc[sorted(right - set(rows.index)), "finding"]
        if len(lost):
            raise Wrong(
                f"`covid_rows` misses {lost.iloc[0]!r} of the {name} copy: a finding may name a "
                "second one after a comma, or stand at the end of a path."
            )
        if not rows["finding"].equals(table.loc[rows.index, "finding"]):
            raise Wrong("`covid_rows` changes the findings. Only choose rows: the record stays.")
    return "Both spellings, and the row without a finding stays out."


def _whole_rows(name: str, rows: Any, table: pd.DataFrame) -> None:
    if isinstance(rows, pd.Series):
        if pd.api.types.is_bool_dtype(rows.dtype):
            raise Wrong(
                f"`{name}` is a column of True and False. That is the condition; put it in square "
                "brackets behind the table to get its rows: `table[condition]`."
            )
        raise Wrong(f"`{name}` is one column. Keep whole rows: `table[condition]`.")
    kind(name, rows, pd.DataFrame, "a DataFrame")
    if list(rows) != list(table):
        raise Wrong(f"`{name}` has the columns {list(rows)}, but a filter keeps all columns.")
    if rows.index.has_duplicates or not rows.index.isin(table.index).all():
        raise Wrong(f"`{name}` has other row names than the table. No `reset_index` here.")


two_spellings = Exercise(
    key="02.spellings",
    title="A filter for both spellings",
    variable="covid_rows",
    judge_answer=_check_covid_rows,
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

# --- 2: the rows that are left, as a figure --------------------------------------------------

LEFT = {"table": 90, "COVID-19": 61, "X-ray": 50, "PA": 34, "file is there": 33}  # made up


def _check_waterfall(function: Any) -> str:
    import matplotlib.pyplot as plt

    before = set(plt.get_fignums())
    plt.figure()
    try:
        ax = called("draw_rows", function, dict(LEFT))
        _bars_of(ax)
    finally:  # or the notebook would show the figures of the check
        for figure in set(plt.get_fignums()) - before:
            plt.close(figure)
    return "One bar per step, in order, each as long as its number of rows."


def _bars_of(ax: Any) -> None:
    from matplotlib.axes import Axes

    if ax is None:
        raise Wrong("`draw_rows` returns None. End it with `return` and the axes of the figure.")
    kind("draw_rows(...)", ax, Axes, "the Axes that `sns.barplot` returns")
    bars = [bar for bar in ax.patches if bar.get_width() and bar.get_height()]
    wide, high = [bar.get_width() for bar in bars], [bar.get_height() for bar in bars]
    numbers = list(LEFT.values())
    if len(bars) != len(numbers):
        raise Wrong(f"`draw_rows` draws {len(bars)} bars for {len(numbers)} steps.")
    if all(size == 1 for size in wide) or all(size == 1 for size in high):
        raise Wrong(
            "In `draw_rows` each bar has length 1: a countplot counts names. The rows are counted "
            "already: `sns.barplot(x=..., y=...)` draws given numbers."
        )
    across = np.allclose(sorted(wide), sorted(numbers))
    if not across and not np.allclose(sorted(high), sorted(numbers)):
        raise Wrong(
            f"The bars of `draw_rows` are not as long as the numbers: {numbers} were to be drawn."
        )
    axis = ax.yaxis if across else ax.xaxis
    names = [label.get_text() for label in axis.get_ticklabels()]
    places = [bar.get_y() if across else bar.get_x() for bar in bars]
    order = [size for _, size in sorted(zip(places, wide if across else high, strict=True))]
    if [name for name in names if name] != list(LEFT):
        raise Wrong(f"The names beside the bars of `draw_rows` are {names}, not {list(LEFT)}.")
    if not np.allclose(order, numbers):
        raise Wrong("The bars of `draw_rows` stand in another order than the steps.")
    if not (ax.get_xlabel() if across else ax.get_ylabel()):
        raise Wrong(
            "In `draw_rows` the axis of the numbers has no name. Add it: "
            f'`ax.set_{"x" if across else "y"}label("rows left")`.'
        )


waterfall = Exercise(
    key="02.waterfall",
    title="Draw the rows that are left",
    variable="draw_rows",
    judge_answer=_check_waterfall,
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

# --- 3: how much one column gives away -------------------------------------------------------


def _clues() -> pd.DataFrame:
    """Sixteen made-up rows: (sex, label, how many); six say nothing about the sex."""
    counts = [("F", 0, 6), ("F", 1, 1), ("M", 0, 1), ("M", 1, 2), (None, 0, 2), (None, 1, 4)]
    rows = [(sex, label) for sex, label, count in counts for _ in range(count)]
    return pd.DataFrame(rows, columns=["sex", "label"])


def _check_right_by(function: Any) -> str:
    table = _clues()
    share = called("right_by", function, table.copy(), "sex")
    share = number("right_by(...)", share)
    slips = {
        8 / 16: "It leaves out the rows without a sex: `groupby(..., dropna=False)`.",
        8 / 10: "It leaves out the rows without a sex: `groupby(..., dropna=False)`.",
        12: "That is the number of rows that the rule gets right. Divide it by all rows.",
        9 / 16: "That is the larger class of the whole table. Take the larger class per value.",
        float(np.mean([6 / 7, 2 / 3, 4 / 6])): "That is the mean over values. A value with many "
        "rows counts more: add up the rows, then divide.",
        float(np.mean([6, 2, 4])): "That is a mean of counts. Add them up and divide by all rows.",
        4 / 16: "Those are the rows that the rule gets wrong.",
        75: "That is a percentage. Give a share from 0 to 1.",
    }
    if not close(share, 12 / 16):
        advice = next((words for slip, words in slips.items() if close(share, slip)), "")
        raise Wrong(
            f"`right_by` returns {share:.3g} for a table in which the rule gets 12 of 16 rows "
            f"right. {advice}"
        )
    other = called(
        "right_by", function, pd.DataFrame({"view": ["PA", "AP"], "label": [1, 0]}), "view"
    )
    if other != 1:
        raise Wrong(
            f"`right_by` returns {described(other)} where every PA row has label 1 and every AP "
            "row label 0. It should be 1.0: use the table and the column that the function gets."
        )
    return "0.5 is a coin, 1.0 is a column that gives the label away."


clue = Exercise(
    key="02.clue",
    title="A rule that knows one column",
    variable="right_by",
    judge_answer=_check_right_by,
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

# --- 4: a split without a leak ---------------------------------------------------------------


def made_up_cases() -> pd.DataFrame:
    """About 200 made-up images: several per patient, and some patients joined to one group."""
    rng = np.random.default_rng(2)
    rows = []
    for patient in range(110):
        label, images = patient % 2, 1 + (rng.random() < 0.4) * rng.integers(1, 5)
        group = f"P{patient - 2:03d}" if patient % 10 == 9 else f"P{patient:03d}"
        rows += [
            (f"P{patient:03d}-{n}.png", f"P{patient:03d}", group, label) for n in range(images)
        ]
    table = pd.DataFrame(rows, columns=["image_id", "patient_id", "group", "label"])
    return table.sample(frac=1, random_state=0)


def _check_split_off(function: Any) -> str:
    table = made_up_cases()
    for folds, seed in [(5, 0), (3, 1), (7, 2), (5, 3), (7, 4)]:
        _one_cut(_cut(function, table, folds, seed), table, folds)
    first, again, other = (_cut(function, table, 5, seed)[1] for seed in (0, 0, 1))
    if set(first["image_id"]) != set(again["image_id"]):
        raise Wrong(
            "`split_off` gives another part with the same seed. Pass it on: `random_state=seed`."
        )
    if set(first["image_id"]) == set(other["image_id"]):
        raise Wrong(
            "`split_off` gives the same part for seeds 0 and 1. Shuffle: `shuffle=True, "
            "random_state=seed`."
        )
    if set(first["image_id"]) == set(_as_in_the_course(table)["image_id"]):
        return "No group is on both sides, and both classes are in their shares."
    return (
        "No group is on both sides. Your draw is another one than the course's, so the networks "
        "that come with the course do not fit it: notebook 03 trains one."
    )


def _as_in_the_course(table: pd.DataFrame) -> pd.DataFrame:
    from sklearn.model_selection import StratifiedGroupKFold

    drawn = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    return table.iloc[next(drawn.split(table, table["label"], table["group"]))[1]]


def _cut(function: Any, table: pd.DataFrame, folds: int, seed: int) -> tuple:
    found = called("split_off", function, table.copy(), folds, seed)
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Wrong(
            f"`split_off` returns {described(found)}, but should return two tables: "
            "`return rest, part`."
        )
    if not all(isinstance(one, pd.DataFrame) for one in found):
        raise Wrong(
            f"`split_off` returns {described(found[0])} and {described(found[1])}, but should "
            "return two tables. A splitter gives positions: `table.iloc[positions]` takes rows."
        )
    return tuple(found)


def _one_cut(found: tuple, table: pd.DataFrame, folds: int) -> None:
    rest, part = found
    both = pd.concat([rest, part])
    if not {"image_id", "patient_id", "group", "label"} <= set(both):
        raise Wrong("The tables of `split_off` lack columns. Only choose rows.")
    if set(both["image_id"]) != set(table["image_id"]):
        lost = len(set(table["image_id"]) - set(both["image_id"]))
        raise Wrong(
            f"`split_off` loses {lost} of {len(table)} images. Drop none: each is in one of the "
            "two tables. (`.loc` with positions picks wrong rows; `.iloc` is right.)"
        )
    if both["image_id"].duplicated().any():
        raise Wrong("`split_off` puts some images into both tables.")
    if len(part) > len(rest):
        raise Wrong("`split_off` returns the small table first. Return the rest, then the part.")
    for column in ("patient_id", "group"):
        torn = set(rest[column]) & set(part[column])
        if torn and column == "patient_id":
            raise Wrong(
                f"`split_off` tears {len(torn)} patients apart, such as {min(torn)}. Use a "
                "splitter that takes `groups=`."
            )
        if torn:
            raise Wrong(
                f"`split_off` keeps patients whole, but tears {len(torn)} groups apart, such as "
                f'{min(torn)}: patients who share a duplicate. Pass `groups=table["group"]`.'
            )
    share = len(part) / len(table)
    if not close(share, 1 / folds, 0.06):
        raise Wrong(
            f"With folds={folds} the part of `split_off` has {share:.0%} of the images, not about "
            f"{1 / folds:.0%}. Use `folds`, and take one fold as the part."
        )
    positive, expected = part["label"].mean(), table["label"].mean()
    if not close(positive, expected, 0.05):
        raise Wrong(
            f"`split_off` keeps groups whole, but {positive:.0%} of the part is positive and "
            f"{expected:.0%} of the table. Take the splitter that is stratified as well."
        )


split_off = Exercise(
    key="02.split",
    title="A split without a leak",
    variable="split_off",
    judge_answer=_check_split_off,
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

quiz = Quiz(
    (
        Question(
            "02.quiz1",
            "A filter on a fresh copy of the table keeps no row at all and raises no error. What "
            "do you look at first?",
            (
                Option("The network: it may be too small.", "No network has seen a row yet."),
                Option(
                    "How the column spells what I compare with.",
                    "`value_counts()` on the column shows the new spelling at once. The running "
                    "tally shows the step at which all were lost.",
                    right=True,
                ),
                Option(
                    "Whether the image files are there.",
                    "A missing file is dropped at a step of its own; a filter on a column of the "
                    "table opens no file.",
                ),
            ),
        ),
        Question(
            "02.quiz2",
            "Why do all images of a patient go to the same part?",
            (
                Option(
                    "So that the parts have equal numbers of patients.",
                    "They do not: the parts differ in size on purpose.",
                ),
                Option(
                    "Because several images of a patient would make the classes unbalanced.",
                    "Balance is a matter of counts, and was settled before the split.",
                ),
                Option(
                    "Because a network that knows the patient from training has an easier test.",
                    "The test would then measure memory in part, and promise too much for the "
                    "next patient, whom nobody has seen.",
                    right=True,
                ),
            ),
        ),
        Question(
            "02.quiz3",
            "After our filters every positive is PA and every negative AP. What follows?",
            (
                Option(
                    "A high score may come from the view, and the test set cannot tell.",
                    "The test set has the same flaw as the training set. It takes other data, or "
                    "an experiment, to tell the two apart.",
                    right=True,
                ),
                Option(
                    "Nothing: view is a column of the table, and the network sees only pixels.",
                    "The view shows in the pixels: heart size, shoulder blades, the frame.",
                ),
                Option(
                    "We must filter the negatives by PA, too.",
                    "None would be left: this source has no PA X-rays. Other negatives would be "
                    "needed.",
                ),
            ),
        ),
        Question(
            "02.quiz4",
            "An image in the collection has a blank licence. May you put it into your own public "
            "repository?",
            (
                Option(
                    "Yes: what has no licence belongs to everybody.",
                    "It is the other way round: without a licence all rights stay with the author.",
                ),
                Option(
                    "Yes, if I name the collection it came from.",
                    "Naming a source is good manners, but gives no right to copy.",
                ),
                Option(
                    "No. I can name it, and the reader fetches it where I did.",
                    "That is what the manifest is for: it names images and holds none.",
                    right=True,
                ),
            ),
        ),
        Question(
            "02.quiz5",
            "Two X-rays of different patients have perceptual hashes that differ in 40 of 256 "
            "bits. What do you do?",
            (
                Option(
                    "Delete one: they are the same picture.",
                    "They may be, or only look alike. A hash raises a suspicion and proves "
                    "nothing.",
                ),
                Option(
                    "Keep both, on the same side of the split.",
                    "If they are the same picture nothing leaks, and if they are not nothing is "
                    "lost.",
                    right=True,
                ),
                Option(
                    "Nothing: the files differ, so they are different pictures.",
                    "A picture saved again has other bytes and shows the same chest.",
                ),
            ),
        ),
        Question(
            "02.quiz6",
            "With random labels, one per patient, a nearest neighbour is right for 67 % of the "
            "held-out X-rays. What has it learned?",
            (
                Option("A little of the disease.", "The labels have nothing to do with disease."),
                Option(
                    "Who is in the picture.",
                    "It finds another X-ray of the same patient and repeats its label. Split by "
                    "patient, it is at 50 %.",
                    right=True,
                ),
                Option(
                    "Nothing: 67 % is chance.",
                    "One seed may wander from 50 %, but not the mean of ten.",
                ),
            ),
        ),
    )
)
