"""The quiz of notebook 04."""

from __future__ import annotations

from cxrlab.exercises import Option, Question, Quiz

quiz = Quiz(
    (
        Question(
            "04.quiz1",
            "Of 100 people 5 are ill, and a classifier calls 95 of the 100 correctly. "
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
            "Network A has a recall of 0.93 (0.80 to 0.97), network B one of 0.98 (0.87 to 0.99). "
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
