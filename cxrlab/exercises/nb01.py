"""Exercises and quiz of notebook 01: reading ten X-rays, and counting what went wrong."""

from __future__ import annotations

from cxrlab.exercises import Exercise, Option, Question, Quiz
from cxrlab.exercises.about_reading import (
    check_calls,
    check_cost,
    check_counts,
    check_fewer_missed,
    check_implied,
    check_recall,
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

own_counts = Exercise(
    key="01.own_counts",
    title="Four counts",
    variable="my_counts",
    judge_answer=check_counts,
    hints=(
        "Go through the table column by column and put each X-ray into one of four heaps: both "
        "1, both 0, truth 1 but call 0, truth 0 but call 1.",
        "tp: both are 1. fp: truth 0, call 1. fn: truth 1, call 0. tn: both are 0. In Python: "
        '`((read["truth"] == 1) & (read["call"] == 1)).sum()` counts the first.',
    ),
    answer="""
        ill, alarm = read["truth"] == 1, read["call"] == 1
        tp, fp = (ill & alarm).sum(), (~ill & alarm).sum()
        fn, tn = (ill & ~alarm).sum(), (~ill & ~alarm).sum()
        my_counts = (tp, fp, fn, tn)
    """,
)

recall_by_hand = Exercise(
    key="01.recall",
    title="A recall by hand",
    variable="recall",
    judge_answer=check_recall,
    hints=(
        "Which of the four counts are of people who do have COVID-19? Two of them are.",
        "Positive cases: tp + fn = 27 + 3. Found among them: tp = 27.",
    ),
    answer="recall = 27 / (27 + 3)",
)

fewer_missed = Exercise(
    key="01.fewer_missed",
    title="From shares to people",
    variable="fewer_missed",
    judge_answer=check_fewer_missed,
    hints=(
        "A recall of 0.93 finds 93 of 100 people. How many of 2,000 does it miss?",
        "Misses are 2000 × (1 - recall), once with 0.93 and once with 0.98.",
    ),
    answer="fewer_missed = 2000 * (1 - 0.93) - 2000 * (1 - 0.98)",
)

implied_specificity = Exercise(
    key="01.implied_specificity",
    title="The specificity that nobody published",
    variable="implied_specificity",
    judge_answer=check_implied,
    hints=(
        "Imagine 1 positive and 1 negative case for each unit: then tp is the recall itself. "
        "How large is fp, if precision is tp / (tp + fp)?",
        "Solve precision = recall / (recall + fp) for fp: fp = recall × (1 - precision) / "
        "precision. The negative cases number 1, too, so specificity is 1 - fp.",
        "Try it on 0.65 and 0.93 by hand: fp = 0.93 × 0.35 / 0.65 = 0.50.",
    ),
    answer="""
        def implied_specificity(precision, recall):
            false_alarms = recall * (1 - precision) / precision
            return 1 - false_alarms
    """,
)

screening_cost = Exercise(
    key="01.screening_cost",
    title="What a screening costs",
    variable="screening_cost",
    judge_answer=check_cost,
    hints=(
        "How many of the ill are missed, and how many of the healthy raise a false alarm? "
        "Each kind has its price.",
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
                    "98 of 100 healthy people are left in peace.",
                    "That would be the specificity. Recall says nothing about the healthy.",
                ),
                Option(
                    "98 of 100 positive cases are found.",
                    "And 2 of 100 are missed. What the healthy go through, it does not say.",
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
                    "Nobody is missed and nobody is left in peace. One number alone can "
                    "always be made to shine.",
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
            text="Why do the examples that you studied come from the training part, and the ten "
            "X-rays of your own test from the test part?",
            options=(
                Option(
                    "The test part holds the harder X-rays.",
                    "Both are drawn from the same X-rays at random; neither is harder on purpose.",
                ),
                Option(
                    "The training part holds more X-rays.",
                    "It does, but ten could be taken from either. What would your score mean if "
                    "you had seen the answers before?",
                ),
                Option(
                    "Who has seen an X-ray with its answer cannot be tested on it.",
                    "This holds for you as it does for the network, and notebook 02 takes great "
                    "pains over it.",
                    right=True,
                ),
            ),
        ),
    )
)
