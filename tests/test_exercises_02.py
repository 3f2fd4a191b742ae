"""The exercises of notebook 02: solutions pass, plausible mistakes fail, each with its own word."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import seaborn as sns
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    train_test_split,
)

from cxrlab.exercises import State, exercises_in, nb02

mpl.use("Agg")


def bars(x, y, label="rows left"):
    ax = sns.barplot(x=x, y=y)
    ax.set_xlabel(label)
    return ax


def first_fold(splitter, column="group"):
    """A function like the solution, with another splitter or other groups."""

    def split_off(table, folds, seed):
        drawn = splitter(folds, seed).split(table, table["label"], table[column])
        rest, part = next(drawn)
        return table.iloc[rest], table.iloc[part]

    return split_off


def right(folds, seed):
    return StratifiedGroupKFold(folds, shuffle=True, random_state=seed)


def positions(table, folds, seed):
    return next(right(folds, seed).split(table, table["label"], table["group"]))


def by_name_of_row(table, folds, seed):
    rest, part = positions(table, folds, seed)
    return table.loc[table.index.isin(rest)], table.loc[table.index.isin(part[:-9])]


def as_share(table, folds, seed):
    return tuple(train_test_split(table, test_size=1 / folds, random_state=seed))


# For each exercise: wrong answers, and a word of the message that each gets.
MISTAKES = {
    "02.spellings": [
        (lambda table: table[table["finding"] == "COVID-19"], "later copy, and nothing warned"),
        (
            lambda table: table[table["finding"].isin(["COVID-19", "Pneumonia/Viral/COVID-19"])],
            "COVID-19, ARDS",
        ),
        (lambda table: table[table["finding"].str.endswith("Viral/COVID-19", na=False)], "older"),
        (lambda table: table[table["finding"] == "covid"], "either copy"),
        (lambda table: table[table["finding"].str.contains("COVID|SARS", na=False)], "'SARS'"),
        (lambda table: table[table["finding"].str.contains("COVID", na=True)], "not stated"),
        (lambda table: table[~table["finding"].str.contains("COVID", na=False)], "turn it round"),
        (lambda table: table["finding"].str.contains("COVID-19", na=False), "condition"),
        (lambda table: table["finding"], "whole rows"),
        (lambda table: table[["finding"]].dropna().reset_index(drop=True), "reset_index"),
        (lambda table: table["findings"], "KeyError"),
        ("COVID-19", "function"),
    ],
    "02.waterfall": [
        (lambda counts: None, "None"),
        (lambda counts: list(counts), "Axes"),
        (lambda counts: bars(list(counts.values()), list(counts), ""), "no name"),
        (lambda counts: bars(sorted(counts.values()), list(counts)), "another order"),
        (lambda counts: bars(list(counts.values())[1:], list(counts)[1:]), "4 bars"),
        (lambda counts: sns.countplot(y=list(counts)), "countplot"),
        (lambda counts: bars([n / 90 for n in counts.values()], list(counts)), "as long as"),
        (lambda counts: bars(list(counts.values()), [*"abcde"]), "names beside"),
    ],
    "02.clue": [
        (lambda table, column: 12, "Divide it"),
        (
            lambda table, column: table.groupby(column)["label"].agg(most).sum() / len(table),
            "dropna",
        ),
        (lambda table, column: 75.0, "percentage"),
        (lambda table, column: table["label"].value_counts().max() / len(table), "whole table"),
        (
            lambda table, column: (
                table.groupby(column, dropna=False)["label"]
                .agg(lambda label: most(label) / len(label))
                .mean()
            ),
            "mean over values",
        ),
        (lambda table, column: 1 - rule(table, column), "gets wrong"),
        (lambda table, column: 0.75, "the function gets"),
        (lambda table, column: table[column], "number"),
    ],
    "02.split": [
        (as_share, "patients apart"),
        (
            first_fold(lambda k, s: StratifiedKFold(k, shuffle=True, random_state=s)),
            "patients apart",
        ),
        (first_fold(right, "patient_id"), "groups apart"),
        (first_fold(lambda k, s: GroupKFold(k, shuffle=True, random_state=s)), "stratified"),
        (
            first_fold(lambda k, s: GroupShuffleSplit(1, test_size=1 / k, random_state=s)),
            "stratified",
        ),
        (first_fold(lambda k, s: StratifiedGroupKFold(k)), "seeds 0 and 1"),
        (first_fold(lambda k, s: right(k, None)), "same seed"),
        (first_fold(lambda k, s: right(5, s)), "folds=3"),
        (positions, "positions"),
        (by_name_of_row, "loses"),
        (
            lambda table, folds, seed: first_fold(right)(table, folds, seed)[::-1],
            "small table first",
        ),
        (lambda table, folds, seed: table, "two tables"),
        (lambda table, folds, seed: (table, table.head(40)), "both tables"),
    ],
}
PLACEHOLDERS = {
    "02.spellings": "def covid_rows(table):\n    return ...",
    "02.waterfall": "def draw_rows(counts):\n    return ...",
    "02.clue": "def right_by(table, column):\n    return ...",
    "02.split": "def split_off(table, folds, seed):\n    return ...",
}
EXERCISES = [e for e in exercises_in(nb02) if "quiz" not in e.key]


def most(label):
    return label.value_counts().max()


def rule(table, column):
    return table.groupby(column, dropna=False)["label"].agg(most).sum() / len(table)


@pytest.fixture(params=EXERCISES, ids=lambda exercise: exercise.key)
def exercise(request):
    return request.param


def test_there_are_mistakes_for_every_exercise():
    assert [e.key for e in EXERCISES] == list(MISTAKES)


def test_the_solution_passes_and_stands_in(exercise, capsys):
    answer = exercise.or_solution(...)
    assert exercise.variable in capsys.readouterr().out
    verdict = exercise.judge(answer)
    assert verdict.state is State.CORRECT, verdict.message
    assert exercise.or_solution(answer) is answer


def test_plausible_mistakes_fail_each_with_its_own_message(exercise):
    for answer, word in MISTAKES[exercise.key]:
        verdict = exercise.judge(answer)
        assert verdict.state is State.WRONG, word
        assert word.lower() in verdict.message.lower(), (word, verdict.message)
        assert "cannot be checked" not in verdict.message
    assert plt.get_fignums() == []


def test_dots_are_not_attempted(exercise):
    names = {}
    exec(PLACEHOLDERS[exercise.key], names)
    assert exercise.judge(names[exercise.variable]).state is State.UNTOUCHED


def test_bars_may_stand_upright():
    def upright(counts):
        ax = sns.barplot(x=list(counts), y=list(counts.values()))
        ax.set_ylabel("rows")
        return ax

    assert nb02.waterfall.judge(upright).state is State.CORRECT


def test_a_figure_of_the_readers_own_stays_open():
    own = plt.figure()
    nb02.waterfall.judge(lambda counts: bars(list(counts.values()), list(counts)))
    assert plt.get_fignums() == [own.number]
    plt.close(own)


def test_a_right_split_of_another_draw_is_told_so():
    def later_fold(table, folds, seed):
        *_, (rest, part) = right(folds, seed).split(table, table["label"], table["group"])
        return table.iloc[rest], table.iloc[part]

    verdict = nb02.split_off.judge(later_fold)
    assert verdict.state is State.CORRECT
    assert "another one than the course's" in verdict.message


def test_the_made_up_cases_hold_every_trap():
    table = nb02.made_up_cases()
    assert table["image_id"].is_unique
    assert table["group"].nunique() < table["patient_id"].nunique() < len(table)
    assert not np.array_equal(table.index, np.arange(len(table)))
    assert (table.groupby("group")["label"].nunique() == 1).all()


def test_each_quiz_question_replies_to_every_option():
    for question in nb02.quiz:
        verdicts = [question.exercise.judge(letter) for letter in question.letters]
        assert [v.state for v in verdicts].count(State.CORRECT) == 1
        assert len({v.message for v in verdicts}) == len(verdicts)


def test_the_two_copies_spell_the_same_rows():
    copies = nb02.two_copies()
    assert list(copies) == ["older", "later"]
    assert isinstance(copies["older"], pd.DataFrame)
    assert copies["later"]["finding"].str.contains("COVID-19").sum() == 3
