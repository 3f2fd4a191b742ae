"""The exercises of notebook 02: solutions pass, plausible mistakes fail, each with its own word."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import pandas as pd
import pytest

from cxrlab.exercises import State, exercises_in, nb02
from cxrlab.splits import Split, check_split

LEAKING = nb02.leaking_split()


def everything(**changes) -> dict[str, pd.DataFrame]:
    return {**LEAKING.parts(), **changes}


def mended() -> Split:
    namespace = {"pd": pd, "nb02": nb02}
    exec(textwrap.dedent(nb02.repair_the_split.answer), namespace)
    return namespace["repaired"]


def without_strays() -> dict[str, pd.DataFrame]:
    strays = {"P05", "P27"}
    return {name: part[~part["patient_id"].isin(strays)] for name, part in LEAKING.parts().items()}


def all_to_training() -> dict[str, pd.DataFrame]:
    """Nobody leaks, nothing is lost, but three images each are left for the other parts."""
    table = pd.concat(LEAKING.parts().values(), ignore_index=True)
    homes = {"P01": "test", "P16": "test", "P02": "validation", "P17": "validation"}
    home = table["patient_id"].map(homes).fillna("train")
    return {name: table[home == name] for name in ("train", "validation", "test")}


def positives_only_in_test() -> dict[str, pd.DataFrame]:
    good = mended().parts()
    move = good["test"]["label"] == 0
    return {
        **good,
        "train": pd.concat([good["train"], good["test"][move]]),
        "test": good["test"][~move],
    }


ROWS = nb02.strangers()
TIDY = ROWS["view"].str.strip().str.upper()
PA = TIDY.eq("PA").fillna(False).astype(bool)

# For each exercise: wrong answers, and a word of the message that each gets.
MISTAKES = {
    "02.view": [
        (ROWS[ROWS["view"] == "PA"], "pa'"),
        (ROWS[ROWS["view"].str.upper() == "PA"], "PA '"),
        (ROWS[ROWS["view"].str.contains("PA", case=False, na=False)], "patient sitting"),
        (ROWS[~TIDY.isin(["AP", "L", "AP (PATIENT SITTING)"])], "nobody stated"),
        (ROWS[~PA], "Turn the condition round"),
        (ROWS, "nothing was filtered"),
        (PA, "condition"),
        (ROWS.loc[PA, "view"], "one column"),
        (ROWS[["view"]][PA], "lacks the column modality"),
        (ROWS[PA].reset_index(drop=True), "reset_index"),
        (ROWS.assign(view=TIDY)[PA], "were changed"),
        (pd.concat([ROWS[PA], ROWS[PA].head(1)]), "twice"),
        ([0, 2, 5, 7], "DataFrame"),
    ],
    "02.spellings": [
        (lambda table: table[table["finding"] == "COVID-19"], "later copy, and nothing warned"),
        (
            lambda table: table[table["finding"].isin(["COVID-19", "Pneumonia/Viral/COVID-19"])],
            "COVID-19, ARDS",
        ),
        (lambda table: table[table["finding"].str.endswith("Viral/COVID-19", na=False)], "older"),
        (lambda table: table[table["finding"] == "covid"], "either copy"),
        (lambda table: table[table["finding"].str.contains("COVID|SARS", na=False)], "'SARS'"),
        (lambda table: table[table["finding"].str.contains("COVID", na=True)], "nobody stated"),
        (lambda table: table["finding"].str.contains("COVID-19", na=False), "condition"),
        (lambda table: table["findings"], "KeyError"),
        ("COVID-19", "function"),
    ],
    "02.patients": [
        (lambda table: table["patient_id"].nunique(), "all patients"),
        (lambda table: int(table["patient_id"].duplicated().sum()), "after each patient's"),
        (lambda table: int(table["patient_id"].duplicated(keep=False).sum()), "images of these"),
        (lambda table: int(table["patient_id"].value_counts().max()), "largest number"),
        (lambda table: int((table["patient_id"].value_counts() > 2).sum()), "> 1"),
        (lambda table: table["patient_id"].value_counts(), "one number"),
        (lambda table: 3, "nobody has"),
        (lambda table: len(table), "all images"),
    ],
    "02.leak": [
        ({"P05"}, "Compare every part"),
        ({"P05", "P27", "P03"}, "no leak"),
        ({"P05-3.png"}, "Name the patient"),
        (["P99"], "no patient is called"),
        (set(), "is empty"),
        (2, "set of patients"),
    ],
    "02.repair": [
        (LEAKING, "more than one part"),
        (without_strays(), "instead of deleting"),
        (all_to_training(), "too small"),
        (positives_only_in_test(), "no normal image"),
        (everything(extra=LEAKING.test), "has the parts"),
        (pd.concat(LEAKING.parts().values()), "Split"),
        (everything(train=pd.concat([LEAKING.train, LEAKING.test])), "twice"),
        (everything(train=LEAKING.train.assign(label=1)), "only move rows"),
        (
            everything(test=LEAKING.test.replace("P05", "P99")),
            "`patient_id` were changed",
        ),
        (everything(test=LEAKING.test["image_id"]), "should be a table"),
    ],
}
PLACEHOLDERS = {
    "02.spellings": "def covid_rows(table):\n    return ...",
    "02.patients": "def patients_with_several(table):\n    return ...",
}
EXERCISES = [e for e in exercises_in(nb02) if "quiz" not in e.key]


@pytest.fixture(params=EXERCISES, ids=lambda exercise: exercise.key)
def exercise(request):
    return request.param


def test_there_are_mistakes_for_every_exercise():
    assert [e.key for e in EXERCISES] == list(MISTAKES)


def test_the_solution_passes(exercise):
    namespace = {"pd": pd, "nb02": nb02, "rows": nb02.strangers(), "suspects": LEAKING}
    exec(textwrap.dedent(exercise.answer), namespace)
    verdict = exercise.judge(namespace[exercise.variable])
    assert verdict.state is State.CORRECT, verdict.message


def test_plausible_mistakes_fail_each_with_its_own_message(exercise):
    messages = []
    for answer, word in MISTAKES[exercise.key]:
        verdict = exercise.judge(answer)
        assert verdict.state is State.WRONG
        assert word.lower() in verdict.message.lower(), (word, verdict.message)
        assert "cannot be checked" not in verdict.message
        messages.append(verdict.message)
    assert len(messages) >= 3
    assert len(set(messages)) == len(messages)


def test_the_placeholder_is_not_attempted(exercise):
    namespace = {}
    exec(PLACEHOLDERS.get(exercise.key, f"{exercise.variable} = ..."), namespace)
    assert exercise.judge(namespace[exercise.variable]).state is State.UNTOUCHED


def test_it_has_hints(exercise):
    assert len(exercise.hints) >= 2
    assert len(set(exercise.hints)) == len(exercise.hints)


def test_other_right_answers_pass():
    assert nb02.find_the_leak.judge(["P27", "P05"]).state is State.CORRECT
    assert nb02.repair_the_split.judge(mended().parts()).state is State.CORRECT
    mask = ROWS["view"].str.fullmatch(r"\s*pa\s*", case=False)
    assert nb02.view_filter.judge(ROWS[mask.fillna(False)][::-1]).state is State.CORRECT


def test_moving_the_strays_home_by_hand_passes():
    strays = {"test": "P05-3.png", "validation": "P27-2.png"}
    parts = LEAKING.parts()
    home = [parts[name][parts[name]["image_id"] == image] for name, image in strays.items()]
    stay = {name: part[~part["image_id"].isin(strays.values())] for name, part in parts.items()}
    repaired = {**stay, "train": pd.concat([stay["train"], *home])}
    assert nb02.repair_the_split.judge(repaired).state is State.CORRECT


def test_the_toy_split_leaks_and_nothing_else_is_wrong_with_it():
    assert check_split(LEAKING) == ["2 patients are in more than one part"]
    assert nb02.leaking_patients(LEAKING) == {"P05", "P27"}
    assert nb02.leaking_patients(replace(LEAKING, test=LEAKING.test.iloc[:0])) == {"P27"}


def test_each_quiz_question_replies_to_every_option():
    for question in nb02.quiz:
        verdicts = [question.exercise.judge(letter) for letter in question.letters]
        assert [v.state for v in verdicts].count(State.CORRECT) == 1
        assert len({v.message for v in verdicts}) == len(verdicts)
