"""Exercises of notebook 07: would it work in another hospital? Its quiz: ``quiz07``."""

from __future__ import annotations

from cxrlab.exercises import Exercise, quiz07
from cxrlab.exercises.about_hospitals import (
    check_bayes,
    check_benefit,
    check_brier,
    check_frozen,
    check_pairs,
)
from cxrlab.exercises.about_reports import check_card, check_repair
from cxrlab.exercises.toy_hospitals import (
    CARD_ITEMS,
    DEMANDS,
    THRESHOLD,
    other_hospital,
    repairs_tried,
    short_card,
    two_networks,
)

__all__ = [
    "CARD_ITEMS",
    "DEMANDS",
    "THRESHOLD",
    "bayes",
    "brier_score",
    "frozen_threshold",
    "gaps",
    "net_benefit_of",
    "other_hospital",
    "pairs",
    "quiz",
    "repair_choice",
    "repairs_tried",
    "short_card",
    "two_networks",
]

frozen_threshold = Exercise(
    key="07.frozen",
    title="Read a frozen threshold",
    variable="frozen_specificity",
    judge_answer=check_frozen,
    hints=(
        "The specificity asks the healthy: take the rows with `label` 0.",
        "Called positive is who has a score of 0.62 or more. The others are called negative.",
        '`healthy = people[people["label"] == 0]`, then `(healthy["score"] < 0.62).mean()`.',
    ),
    answer="""
        people = nb07.other_hospital()
        healthy = people[people["label"] == 0]
        frozen_specificity = (healthy["score"] < nb07.THRESHOLD).mean()
    """,
    imports="from cxrlab.exercises import nb07\n",
)

bayes = Exercise(
    key="07.ppv",
    title="PPV at any prevalence",
    variable="ppv",
    judge_answer=check_bayes,
    hints=(
        "Of all people, `recall * prevalence` are ill and raise an alarm.",
        "Of all people, `(1 - specificity) * (1 - prevalence)` are healthy and raise one.",
        "Divide the first by the sum of both. Where the sum is 0, return None.",
    ),
    answer="""
        def ppv(recall, specificity, prevalence):
            true = recall * prevalence
            false = (1 - specificity) * (1 - prevalence)
            return true / (true + false) if true + false else None
    """,
)

brier_score = Exercise(
    key="07.brier",
    title="The Brier score",
    variable="brier",
    judge_answer=check_brier,
    hints=(
        "Walk through both lists together: `for label, score in zip(labels, scores)`.",
        "The distance of a case is `score - label`. Square it, so that its sign does not matter.",
        "The mean is the sum divided by `len(labels)`.",
    ),
    answer="""
        def brier(labels, scores):
            squares = [(score - label) ** 2 for label, score in zip(labels, scores)]
            return sum(squares) / len(squares)
    """,
)

net_benefit_of = Exercise(
    key="07.benefit",
    title="Net benefit",
    variable="benefit",
    judge_answer=check_benefit,
    hints=(
        "Start with the cases found a person: `tp / n`.",
        "A false alarm costs `threshold / (1 - threshold)`: at 0.1 a ninth of a case found.",
        "Take `fp / n` times that price off.",
    ),
    answer="""
        def benefit(tp, fp, n, threshold):
            return tp / n - fp / n * threshold / (1 - threshold)
    """,
)

pairs = Exercise(
    key="07.pairs",
    title="Who was right alone?",
    variable="only_one",
    judge_answer=check_pairs,
    hints=(
        'A is right where `call_a` equals `label`: `two["call_a"] == two["label"]`.',
        "Only A is right where A is and B is not: `a_right & ~b_right`.",
        "`.sum()` counts the True ones. First A's count, then B's.",
    ),
    answer="""
        two = nb07.two_networks()
        a_right, b_right = two["call_a"] == two["label"], two["call_b"] == two["label"]
        only_one = (a_right & ~b_right).sum(), (~a_right & b_right).sum()
    """,
    imports="from cxrlab.exercises import nb07\n",
)

repair_choice = Exercise(
    key="07.repair",
    title="Choose a repair",
    variable="chosen",
    judge_answer=check_repair,
    hints=(
        "Strike out every row that misses one of the four demands, one demand after the other.",
        "Two rows are left by recall and false alarms. What do they know without the lungs?",
        "An AUC near 0.5 with the lungs hidden means that the score came from the lungs.",
    ),
    answer="""
        chosen = "mixed and cropped"
    """,
)

gaps = Exercise(
    key="07.gaps",
    title="What does the card leave open?",
    variable="missing",
    judge_answer=check_card,
    hints=(
        "Go through `nb07.CARD_ITEMS` one by one and look for the words that answer the item.",
        "Numbers are given for recall and specificity. How sure are they, and of how many people?",
        "Four of the eight are open.",
    ),
    answer="""
        missing = {"who was tested", "intervals", "another hospital", "subgroups"}
    """,
)

quiz = quiz07.quiz
