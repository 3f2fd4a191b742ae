"""Exercises and quiz of notebook 01: reading ten X-rays, and counting what went wrong."""

from __future__ import annotations

from cxrlab.exercises import Exercise, Option, Question, Quiz
from cxrlab.exercises.about_reading import (
    check_calls,
    check_cost,
    check_implied,
    check_matrix,
    check_people,
)

ten_calls = Exercise(
    key="01.ten_calls",
    title="Your ten calls",
    variable="my_calls",
    judge_answer=check_calls,
    hints=(
        "Look at X-ray 1 in the grid, decide, and write 1 for COVID-19 or 0 for not. Then go on.",
        "The list has ten numbers between square brackets, with commas, in the order of the "
        "grid. There is no wrong list here; only its form is checked.",
    ),
    answer="my_calls = [1, 0, 1, 0, 0, 1, 0, 1, 0, 1]  # yours will differ",
)

matrix = Exercise(
    key="01.matrix",
    title="A confusion matrix with pandas",
    variable="matrix_of",
    judge_answer=check_matrix,
    hints=(
        "One function of pandas counts how often each pair of values occurs in two columns. "
        "Search its documentation for *cross tabulation*.",
        "`pd.crosstab(rows, columns)`: which of your two arguments belongs in the rows?",
    ),
    answer="""
        def matrix_of(truth, call):
            return pd.crosstab(truth, call)
    """,
)

implied_specificity = Exercise(
    key="01.implied_specificity",
    title="The specificity that was not published",
    variable="implied_specificity",
    judge_answer=check_implied,
    hints=(
        "Step 1 of the derivation gives fp. In code, tp is `recall`, because there is one unit "
        "of positive cases.",
        "fp is `recall * (1 - precision) / precision`. Step 2 subtracts it from 1.",
        "Try it on 0.65 and 0.93 by hand: fp = 0.93 × 0.35 / 0.65 = 0.50.",
    ),
    answer="""
        def implied_specificity(precision, recall):
            false_alarms = recall * (1 - precision) / precision
            return 1 - false_alarms
    """,
)

people = Exercise(
    key="01.people",
    title="From shares to people",
    variable="sort_people",
    judge_answer=check_people,
    hints=(
        "A recall of 0.93 finds 93 of 100 ill people. How many of `ill` does it find?",
        "tp is `round(ill * recall)`, and the other ill people are missed: fn is `ill - tp`.",
        "The healthy go the same way: tn is `round(healthy * specificity)`, fp is the rest.",
    ),
    answer="""
        def sort_people(recall, specificity, ill, healthy):
            tp, tn = round(ill * recall), round(healthy * specificity)
            return {"tp": tp, "fn": ill - tp, "fp": healthy - tn, "tn": tn}
    """,
)

screening_cost = Exercise(
    key="01.screening_cost",
    title="What a screening costs",
    variable="screening_cost",
    judge_answer=check_cost,
    hints=(
        "How many of the ill are missed, and how many of the healthy raise a false alarm? "
        "Each kind has its own cost.",
        "Misses: ill × (1 - recall). False alarms: healthy × (1 - specificity).",
        "Return misses × miss + false alarms × alarm.",
    ),
    answer="""
        def screening_cost(ill, healthy, recall, specificity, miss, alarm):
            missed = ill * (1 - recall)
            false_alarms = healthy * (1 - specificity)
            return missed * miss + false_alarms * alarm
    """,
)

quiz = Quiz(
    (
        Question(
            key="01.quiz1",
            text="A network calls the X-ray of a healthy person COVID-19. What is that?",
            options=(
                Option(
                    "a false negative",
                    "The second word is the call. The call was positive, and it was wrong.",
                ),
                Option(
                    "a false positive",
                    "The call was positive and wrong: a false alarm.",
                    right=True,
                ),
                Option("a miss", "A miss leaves an ill person undetected; this person is healthy."),
            ),
        ),
        Question(
            key="01.quiz2",
            text="What does a recall of 0.98 say?",
            options=(
                Option(
                    "98 of 100 calls are right.",
                    "That would be the accuracy, which mixes both kinds of cases.",
                ),
                Option(
                    "98 of 100 alarms are true.",
                    "That would be the precision: it looks at the alarms, recall at the ill.",
                ),
                Option(
                    "98 of 100 healthy people are correctly cleared.",
                    "That would be the specificity. Recall says nothing about the healthy.",
                ),
                Option(
                    "98 of 100 positive cases are found.",
                    "And 2 of 100 are missed. It says nothing about the healthy.",
                    right=True,
                ),
            ),
        ),
        Question(
            key="01.quiz3",
            text="A test calls everybody positive. Its recall and its specificity are",
            options=(
                Option(
                    "1 and 0",
                    "No case is missed and no healthy person is cleared. One number alone can "
                    "always be made perfect.",
                    right=True,
                ),
                Option(
                    "0 and 1", "That is the test that calls nobody positive: it misses everyone."
                ),
                Option(
                    "both 0.5",
                    "Half the calls may be right, but each number looks at one kind of case "
                    "only. How many of the ill does this test miss?",
                ),
            ),
        ),
        Question(
            key="01.quiz4",
            text="A reader finds all 5 positive cases among ten X-rays. What do we know?",
            options=(
                Option(
                    "The reader finds every case.",
                    "Five hits in five are also likely for a reader who misses one in eight.",
                ),
                Option(
                    "The true recall is probably somewhere between 0.57 and 1.",
                    "This is the 95 % interval of 5 in 5. More cases would make it narrower.",
                    right=True,
                ),
                Option(
                    "Nothing, since ten cases are too few.",
                    "They are few, but a reader with a recall of 0.2 would hardly ever do this.",
                ),
            ),
        ),
        Question(
            key="01.quiz5",
            text="Why were the patients of your ten X-rays set aside before the others were split?",
            options=(
                Option(
                    "Their X-rays are the hardest ones.",
                    "They were drawn at random from all patients; none is harder on purpose.",
                ),
                Option(
                    "Ten X-rays are too few for training.",
                    "They would fit in. What would your score mean, or the network's, if the "
                    "answers had been seen before?",
                ),
                Option(
                    "If you have seen a patient's X-ray and the truth, you cannot be tested on it.",
                    "This holds for you as it does for the network, and notebook 02 is careful "
                    "about it.",
                    right=True,
                ),
            ),
        ),
    )
)
