"""Exercises and quiz of notebook 01: reading ten X-rays, and counting what went wrong."""

from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises.engine import exercise
from cxrlab.exercises.judge import FunctionExercise, close, is_number, kind
from cxrlab.exercises.quiz import load_quiz


@exercise("01.ten_calls", "my_calls = [1, 0, 1, 0, 0, 1, 0, 1, 0, 1]  # yours will differ")
def ten_calls(calls: Any) -> str:
    """Ten calls of 0 or 1."""
    lists = list | tuple | np.ndarray | pd.Series
    calls = list(kind("my_calls", calls, lists, "a list of ten numbers, such as `[0, 1, 1, ...]`"))
    ten_calls.reply_if(len(calls) != 10, "number", number=len(calls))
    for place, call in enumerate(calls, start=1):
        ten_calls.reply_if(isinstance(call, str), "text", place=place, call=call)
        is_call = close(call, 0, 0) or close(call, 1, 0)
        ten_calls.reply_if(not is_call, "undecided", place=place, call=call)
    called_positive = sum(map(int, calls))
    praise = "one_kind" if called_positive in (0, 10) else "calls"
    return ten_calls.texts[praise].format(positive=called_positive)


# All four counts differ.
TRUTH = pd.Series([1, 1, 1, 1, 1, 1, 1, 0, 0, 0], name="truth")
CALL = pd.Series([1, 1, 1, 1, 0, 0, 0, 1, 0, 0], name="call")

matrix = FunctionExercise(
    key="01.matrix",
    answer="""
        def matrix_of(truth, call):
            return pd.crosstab(truth, call)
    """,
    cases=[(TRUTH, CALL)],
    slips={
        "pd.crosstab(call, truth)": "the calls stand in the rows. Hand over the truth first.",
        'pd.crosstab(truth, call, normalize="index")': "shares. Leave `normalize` out.",
        "pd.crosstab(truth, call, margins=True)": "sums as well. Leave `margins` out.",
        "pd.crosstab(truth, call).to_numpy()": "right counts, but without names: rows and columns "
        "are named 0 and 1, as `pd.crosstab` does. scikit-learn's `confusion_matrix` comes next.",
    },
)

implied_specificity = FunctionExercise(
    key="01.implied_specificity",
    answer="""
        def implied_specificity(precision, recall):
            false_alarms = recall * (1 - precision) / precision
            return 1 - false_alarms
    """,
    # The first two are what the project published, before and after tuning.
    cases=[(0.65, 0.93), (0.69, 0.98), (0.8, 0.6), (1.0, 0.9), (np.array([0.7, 0.8]), 0.9)],
    tolerance=0.006,
    slips={
        "false_alarms": "the share of false alarms; subtract it from 1.",
        "1 - (1 - precision) / precision": "all positive cases count as found; only `recall` is.",
        "1 - precision * (1 - recall) / recall": "precision and recall have changed places.",
        "precision": "1 - precision is a share of the **alarms**, not of the **cases**.",
        "1 - (1 - precision) * recall": "1 - (1 - precision) * recall is about **alarms**.",
    },
    is_share=True,
)


def are_whole(counts: Any) -> bool:
    """People are; only a dictionary of numbers is looked at."""
    numbers = counts.values() if isinstance(counts, dict) else ()
    return all(number % 1 == 0 for number in numbers if is_number(number))


people = FunctionExercise(
    key="01.people",
    answer="""
        def sort_people(recall, specificity, ill, healthy):
            tp, tn = round(ill * recall), round(healthy * specificity)
            return {"tp": tp, "fn": ill - tp, "fp": healthy - tn, "tn": tn}
    """,
    cases=[(0.93, 0.7, 200, 800), (0.98, 0.56, 100, 900), (0.8, 0.95, 52, 953)],
    tolerance=1,
    slips={
        "dict(tp=ill - tp, fn=tp, fp=healthy - tn, tn=tn)": "tp and fn are swapped: tp are found.",
        "dict(tp=tp, fn=ill - tp, fp=tn, tn=healthy - tn)": "fp and tn change places: see tn.",
        "dict(tp=tp, fn=healthy - tn, fp=ill - tp, tn=tn)": "fn and fp are swapped: fn are ill.",
        "recall, specificity, -> specificity, recall,": "recall is of the ill, not of the healthy.",
        "round( -> (": "fractions of people. Use `round(...)`.",
        "dict(tp=recall, fn=1 - recall, fp=1 - specificity, tn=specificity)": "shares, not people.",
    },
    seen_as=lambda counts, *_: (counts, 9 * are_whole(counts)),
)

screening_cost = FunctionExercise(
    key="01.screening_cost",
    answer="""
        def screening_cost(ill, healthy, recall, specificity, miss, alarm):
            missed = ill * (1 - recall)
            false_alarms = healthy * (1 - specificity)
            return missed * miss + false_alarms * alarm
    """,
    # Whole people, so that it is also right to count them; then a column of costs.
    cases=[(50, 950, 0.98, 0.56, 10, 1), (20, 80, 0.9, 0.7, np.array([1, 8]), 5)],
    slips={
        "missed * alarm + false_alarms * miss": "the two costs are swapped.",
        "(ill - missed) * miss + (healthy - false_alarms) * alarm": "you charge for right calls.",
        "missed * miss": "the false alarms cost something, too.",
        "false_alarms * alarm": "the misses cost something, too.",
        "(ill + healthy) * ((1 - recall) * miss + (1 - specificity) * alarm)": "only the ill "
        "can be missed, only the healthy alarmed.",
    },
)

quiz = load_quiz("01")
