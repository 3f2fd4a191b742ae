"""The quiz of notebook 07: would it work in another hospital?"""

from cxrlab.exercises import Option, Question, Quiz

quiz = Quiz(
    (
        Question(
            "07.quiz1",
            "In another hospital the false alarms triple at the frozen threshold. Next you",
            (
                Option(
                    "choose the threshold again on these people, and report that specificity",
                    "Then these people have chosen and cannot judge any more. It would take new "
                    "ones to test the new threshold.",
                ),
                Option(
                    "report what happened, then ask why, and test any change on other people",
                    "The frozen threshold is what was promised. A new one is a new test.",
                    right=True,
                ),
                Option(
                    "report the ROC AUC alone, which needs no threshold",
                    "It says how well the network ranks. The people were alarmed at a threshold.",
                ),
            ),
        ),
        Question(
            "07.quiz2",
            "A dummy that knows only the source does as well as the network. This shows that",
            (
                Option(
                    "the network has learned the source and nothing else",
                    "It may have. It may also know the disease: here the two cannot be told apart.",
                ),
                Option(
                    "these cases cannot show that the network knows more than the source",
                    "Where source and disease go together, so do the scores of both.",
                    right=True,
                ),
                Option(
                    "the network should be given the source as an input",
                    "Then it would know for sure what it should not use.",
                ),
            ),
        ),
        Question(
            "07.quiz3",
            "All X-rays that a network gives a score of 0.9 are looked at: half are healthy. It",
            (
                Option(
                    "is badly calibrated",
                    "Of those scored 0.9, nine in ten should be ill.",
                    right=True,
                ),
                Option(
                    "must have a low ROC AUC",
                    "It may rank all of the ill above all others and still be too sure of itself.",
                ),
                Option(
                    "has a precision of 0.9",
                    "The precision of this heap is 0.5, whatever the score says.",
                ),
            ),
        ),
        Question(
            "07.quiz4",
            "A repair lowers the false alarms from 0.95 to 0.06 and the recall from 0.98 to 0.91. "
            "With the lungs hidden its AUC is 0.95. You",
            (
                Option(
                    "take it: both numbers are what was asked for",
                    "It knows who is ill without seeing a lung. In the third hospital that may "
                    "be gone.",
                ),
                Option(
                    "do not trust it yet: it can hardly be the disease that it sees",
                    "Numbers on two sources say nothing about a third, as long as the network "
                    "looks elsewhere.",
                    right=True,
                ),
                Option(
                    "reject it, because the recall fell",
                    "A recall of 0.98 that comes with 0.95 of false alarms was worth nothing.",
                ),
            ),
        ),
        Question(
            "07.quiz5",
            "A model card is",
            (
                Option(
                    "a proof that the model is safe",
                    "It says what was tested and what was not. Safety is shown by other means.",
                ),
                Option(
                    "a list of what is known and what is open, for whoever has to decide",
                    "The open items are the useful half.",
                    right=True,
                ),
                Option(
                    "advertising, so best left to others",
                    "Who trained the model knows best where it was never tried.",
                ),
            ),
        ),
    )
)
