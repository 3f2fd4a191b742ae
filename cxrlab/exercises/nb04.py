"""Exercises and quiz of notebook 04: accuracy, precision, recall."""

from __future__ import annotations

from typing import Any

from cxrlab.evaluation import Confusion
from cxrlab.exercises import Exercise, Option, Question, Quiz
from cxrlab.exercises.about_decisions import check_frozen, check_intervals, check_rare
from cxrlab.exercises.about_metrics import check_metric, check_value

# The matrix of exercises 1 and 2: every metric has another value on it.
MATRIX = Confusion(tp=18, fp=12, fn=2, tn=68)


def check_recall(my_recall: Any) -> str:
    """Exercise 1."""
    check_value("my_recall", my_recall, MATRIX, "recall")
    return f"Of {MATRIX.tp + MATRIX.fn} ill people {MATRIX.tp} were found."


def check_precision(my_precision: Any) -> str:
    """Exercise 2."""
    check_value("my_precision", my_precision, MATRIX, "precision")
    return (
        f"Of {MATRIX.tp + MATRIX.fp} alarms {MATRIX.tp} are true. The top of both fractions is "
        "the same; what differs is of whom the question is asked."
    )


def check_function(precision_of: Any) -> str:
    """Exercise 3."""
    check_metric("precision_of", precision_of, "precision", ("tp", "fp"))
    return "It also knows when there is nothing to be precise about."


recall_by_hand = Exercise(
    key="04.recall",
    title="Recall by hand",
    variable="my_recall",
    judge_answer=check_recall,
    hints=(
        "Recall asks about the ill: look only at the row of those who truly have COVID-19.",
        "That row holds 2 who were missed and 18 who were found. Divide the found by the row.",
    ),
    answer="my_recall = 18 / (18 + 2)",
)

precision_by_hand = Exercise(
    key="04.precision",
    title="Precision by hand",
    variable="my_precision",
    judge_answer=check_precision,
    hints=(
        "Precision asks about the alarms: look only at the column of those called COVID-19.",
        "That column holds 12 false alarms and 18 true ones. Divide the true ones by the column.",
    ),
    answer="my_precision = 18 / (18 + 12)",
)

precision_function = Exercise(
    key="04.function",
    title="Precision as a function",
    variable="precision_of",
    judge_answer=check_function,
    hints=(
        "Begin with the formula alone: true positives, divided by all who were called positive.",
        "What happens for `precision_of(0, 0)`? Ask first whether there were any alarms.",
        "`if tp + fp == 0:` return None, else return the fraction.",
    ),
    answer="""
        def precision_of(tp, fp):
            if tp + fp == 0:
                return None
            return tp / (tp + fp)
    """,
)

threshold_for_recall = Exercise(
    key="04.threshold",
    title="A threshold that misses few",
    variable="frozen",
    judge_answer=check_frozen,
    hints=(
        'The rule is `evaluation.choose_threshold(labels, scores, rule="recall", target=0.95)`. '
        "Whose labels and scores should it see?",
        "`evaluation.choose_threshold(*validation, ...)` hands it both of validation.",
        "Then `evaluation.confusion(*test, threshold).specificity` at that very threshold.",
    ),
    answer="""
        threshold_95 = evaluation.choose_threshold(*validation, rule="recall", target=0.95)
        frozen = {
            "threshold": threshold_95,
            "specificity": evaluation.confusion(*test, threshold_95).specificity,
            "validation": validation,
            "test": test,
        }
    """,
)

enough_positives = Exercise(
    key="04.intervals",
    title="How many positives are enough?",
    variable="separable",
    judge_answer=check_intervals,
    hints=(
        "Two intervals overlap when the upper end of the lower one lies above the lower end of "
        "the higher one.",
        "Go down the table pair by pair: `high` of the share 0.90 against `low` of the share 0.96.",
    ),
    answer='separable = {"overlap": True, "positives": 400}',
)

rare_disease = Exercise(
    key="04.rare",
    title="Precision where 1 in 100 is ill",
    variable="precision_at_1_percent",
    judge_answer=check_rare,
    hints=(
        "Count people instead of shares: of 10,000, how many are ill, and how many healthy?",
        "100 are ill, and 0.80 of them raise an alarm. 9,900 are healthy, and 1 - 0.95 of them do.",
        "True alarms 80, false alarms 495. Of all these alarms, what share is true?",
    ),
    answer="precision_at_1_percent = 80 / (80 + 495)",
)

quiz = Quiz(
    (
        Question(
            "04.quiz1",
            "Of 100 people 5 are ill, and a classifier calls 95 of the 100 rightly. "
            "What do you know?",
            (
                Option("It finds most of the ill.", "It may have found none of the five."),
                Option(
                    "Not whether it found even one of the ill.",
                    "Calling everybody healthy is right on 95 as well.",
                    right=True,
                ),
                Option("Its precision is 0.95.", "Precision is a share of the alarms, not of all."),
            ),
        ),
        Question(
            "04.quiz2",
            "You raise the threshold. What is certain on the same cases?",
            (
                Option(
                    "The recall does not rise, and the specificity does not fall.",
                    "Fewer are called ill: fewer found, and fewer alarmed for nothing.",
                    right=True,
                ),
                Option(
                    "The precision rises.",
                    "Most often, but if the next case to drop out is ill, the precision falls.",
                ),
                Option(
                    "Recall and specificity both rise.",
                    "A threshold trades one for the other. Only a better network raises both.",
                ),
            ),
        ),
        Question(
            "04.quiz3",
            "Why is the threshold chosen on validation and not on test?",
            (
                Option(
                    "The test part is too small for it.",
                    "It is no smaller than validation. Its size is not the point.",
                ),
                Option(
                    "It saves time, as validation was scored during training.",
                    "Scoring takes seconds. Look for what the choice does to the test's numbers.",
                ),
                Option(
                    "A threshold that was fitted to the test cases looks better on them than on "
                    "new ones.",
                    "The test set can only judge what it had no say in.",
                    right=True,
                ),
            ),
        ),
        Question(
            "04.quiz4",
            "A test is moved from a ward where half are ill to a screening where 1 in 100 is. "
            "Recall and specificity stay. What happens to the precision?",
            (
                Option("It stays too.", "It counts alarms, and most people who raise them change."),
                Option(
                    "It falls, since there are far more healthy people to raise false alarms.",
                    "The same test, and most of its alarms may be false.",
                    right=True,
                ),
                Option("It rises, since fewer people are ill.", "Fewer ill: fewer true alarms."),
            ),
        ),
        Question(
            "04.quiz5",
            "Network A has a recall of 0.93 (0.80 to 0.97), network B one of 0.98 (0.87 to 1.00). "
            "What follows?",
            (
                Option("B is better.", "A might well be above B: both intervals allow it."),
                Option(
                    "They are equally good.",
                    "Not having seen a difference is not having seen that there is none.",
                ),
                Option(
                    "These test sets cannot tell.",
                    "More positive cases, or both networks on the same cases, might.",
                    right=True,
                ),
            ),
        ),
    )
)
