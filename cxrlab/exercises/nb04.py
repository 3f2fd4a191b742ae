"""Exercises and quiz of notebook 04: accuracy, precision, recall."""

from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises.engine import described
from cxrlab.exercises.judge import FunctionExercise, close, is_number, pair, wrong_if
from cxrlab.exercises.quiz import load_quiz


def labels_and_calls(tp: int, fp: int, fn: int, tn: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and calls with these counts."""
    numbers = [tp, fp, fn, tn]
    return np.repeat([1, 0, 1, 0], numbers), np.repeat([1, 1, 0, 0], numbers)


specificity_function = FunctionExercise(
    key="04.specificity",
    imports="import numpy as np\nfrom sklearn.metrics import *\n",
    answer="""
        def specificity_of(labels, calls):
            return recall_score(labels, calls, pos_label=0, zero_division=np.nan)
    """,
    # No two formulas agree on all of these; in the last two nobody is healthy.
    cases=[(18, 12, 2, 68), (7, 3, 5, 25), (4, 6, 10, 0), (8, 0, 2, 0), (5, 0, 0, 0)],
    arguments=labels_and_calls,
    slips={
        "recall_score(labels, calls)": "that is the recall: of the ill, the share found.",
        "precision_score(labels, calls)": "that is the precision: of the alarms, those true.",
        "accuracy_score(labels, calls)": "that is the accuracy: of all, the right calls.",
        "precision_score(labels, calls, pos_label=0)": "a share of those called healthy.",
        "return  -> return 1 - ": "that is the false positive rate: the healthy alarmed.",
        ", zero_division=np.nan -> ": "0, where nobody is healthy, says that all were alarmed.",
        "return recall -> return None if labels.all() else recall": "undefined is np.nan.",
    },
    is_share=True,
)


def made_up_part(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores of a classifier that is better than chance.

    Both parts have the same few scores, so that a threshold in between is as good as one of them.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    scores = np.clip(0.35 + 0.3 * labels + rng.normal(0, 0.15, n), 0, 1)
    return labels, np.round(20 * scores) / 20


def calls_and_specificity(result: Any, validation: tuple, *_: Any) -> tuple:
    """How many X-rays of the validation part are called positive, and the reported specificity."""
    threshold, specificity = pair("choose_and_report(...)", result)
    wrong_if(not is_number(threshold), f"`threshold` is {described(threshold)}, not a number.")
    return (validation[1] >= threshold).sum(), specificity


threshold_for_recall = FunctionExercise(
    key="04.threshold",
    answer="""
        def choose_and_report(validation, test, wanted):
            precision, recall, cuts = metrics.precision_recall_curve(*validation)
            threshold = cuts[recall[:-1] >= wanted].max()
            labels, scores = test
            return threshold, recall_score(labels, scores >= threshold, pos_label=0)
    """,
    imports="import numpy as np\nfrom sklearn import metrics\nfrom sklearn.metrics import *\n",
    cases=[(made_up_part(2, 200), made_up_part(12, 90), wanted) for wanted in (0.95, 0.8)],
    seen_as=calls_and_specificity,
    slips={
        "*validation -> *test": "chosen on the test part, which then judges its own choice.",
        ".max() -> .min()": "more false alarms than needed. Of all that do take the highest.",
        "cuts[recall[:-1] >= wanted].max() -> wanted": "that is the wanted recall, not a score.",
        "cuts[recall[:-1] >= wanted].max() -> np.inf": "there nobody is called positive.",
        "scores = test -> scores = validation": "on validation. Report that on test.",
        ", pos_label=0 -> ": "the recall on test. The specificity looks at the healthy.",
        "threshold, recall -> threshold, 1 - recall": "the share of the healthy who were alarmed.",
        "threshold, precision_score(labels, scores >= threshold)": "the precision on test.",
    },
)


def made_up_ill(patients: int = 30) -> pd.DataFrame:
    """X-rays of ill people: each patient is found on all of 1 to 5 X-rays, or on none."""
    rng = np.random.default_rng(5)
    count = np.resize([1, 1, 2, 3, 5], patients)
    found = rng.random(patients) < np.where(count > 2, 0.9, 0.5)
    numbers = np.repeat(np.arange(patients), count)
    return pd.DataFrame({"patient": numbers, "found": found[numbers].astype(int)})


def mean_and_spread(result: Any, *_: Any) -> np.ndarray:
    """Of the resampled recalls, each in units of what chance may move it; the ends are right."""
    recalls, ends = pair("bootstrap(...)", result)
    reply_if = bootstrap_patients.reply_if
    reply_if(np.shape(recalls) != (1000,), "shape", shape=np.shape(recalls))
    reply_if(np.ptp(recalls) == 0, "all equal")
    # The reader's ends may be those of another part than the middle 95 %.
    for low, high in ((0.975, 0.025), (0.05, 0.95), (0.25, 0.75), (0, 1)):
        reply_if(close(ends, np.quantile(recalls, [low, high]), 0.002), f"{low} to {high}")
    wanted = np.quantile(recalls, [0.025, 0.975])
    reply_if(not close(ends, wanted, 0.002), "ends", ends=ends, wanted=wanted.round(3))
    return np.array([np.mean(recalls) / 0.025, np.std(recalls) / 0.013])


bootstrap_patients = FunctionExercise(
    key="04.bootstrap",
    answer="""
        def bootstrap(cases, rng):
            per_patient = cases.groupby("patient")["found"].agg(["sum", "count"]).to_numpy()
            n = len(per_patient)
            drawn = per_patient[rng.integers(n, size=(1000, n))].sum(axis=1)
            recalls = drawn[:, 0] / drawn[:, 1]
            return recalls, np.quantile(recalls, [0.025, 0.975])
    """,
    cases=[(0,)],
    arguments=lambda seed: (made_up_ill(), np.random.default_rng(seed)),
    seen_as=mean_and_spread,
    tolerance=1,
    slips={
        'groupby("patient") -> groupby(cases.index)': "as if X-rays were drawn. Draw patients.",
        '["sum", "count"] -> ["mean", "nunique"]': "means over patients. Add up, then divide.",
        "size=(1000, n) -> size=(1000, 5)": "draw as many patients as there are.",
    },
)

ppv = FunctionExercise(
    key="04.ppv",
    answer="""
        def ppv(recall, specificity, prevalence):
            true = recall * prevalence
            false = (1 - specificity) * (1 - prevalence)
            return true / (true + false)
    """,
    cases=[(0.8, 0.95, 0.01), (0.9, 0.7, 0.2), (0.6, 0.85, 0.5), (0.8, 0.95, np.array([0.1, 0.5]))],
    tolerance=1e-4,
    slips={
        "true / (true + specificity * (1 - prevalence))": "cleared healthy people are no alarms.",
        "true": "those are the true alarms among all people. Divide by all alarms.",
        "true / false": "divide the true alarms by *all* alarms.",
        "false / (true + false)": "that is the share of the alarms that is false.",
        "recall / (recall + 1 - specificity)": "the prevalence is missing or cancels out.",
        "true / (true + 1 - specificity)": "false alarms come from the healthy only.",
        "recall": "that is the recall: of the ill. The question is of the alarms.",
    },
    is_share=True,
)

quiz = load_quiz("04")
