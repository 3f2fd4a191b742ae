"""The quiz of notebook 06."""

from __future__ import annotations

from cxrlab.exercises import Option, Question, Quiz

quiz = Quiz(
    (
        Question(
            "06.quiz1",
            "A probe sees the outer 10 % of each X-ray and has an AUC of 0.99. Then",
            (
                Option(
                    "the class can be told from these data without the lungs",
                    "That is what was shown: about the data, not yet about any network.",
                    right=True,
                ),
                Option(
                    "the network of notebook 03 looks at the frame",
                    "It could. Whether it does, only an experiment with that network can say.",
                ),
                Option(
                    "COVID-19 shows at the edge of the film",
                    "There is no lung there. What shows is where and how the film was taken.",
                ),
            ),
        ),
        Question(
            "06.quiz2",
            "With the lungs hidden a network keeps its AUC. With nothing hidden it",
            (
                Option(
                    "certainly does not look at the lungs",
                    "It may look at both. It does not need them, which is less and bad enough.",
                ),
                Option(
                    "may use the lungs, but does not need them for its score",
                    "So the score is no evidence that it has learned anything about lungs.",
                    right=True,
                ),
                Option(
                    "looks at the lungs, or its score would not be so high",
                    "The score is as high without them.",
                ),
            ),
        ),
        Question(
            "06.quiz3",
            "A network trained against healthy children is shown healthy adults. Its recall on "
            "this test is high, and it calls most of the adults positive. The likeliest reading:",
            (
                Option(
                    "these adults are ill, and nobody knew",
                    "One or the other perhaps. Most of them, from a source of healthy people, no.",
                ),
                Option(
                    "the threshold is too low: raise it",
                    "Then fewer patients are found as well. No threshold undoes what was learned.",
                ),
                Option(
                    "it learned what goes with the children's source, and takes the rest for ill",
                    "An adult, or another machine, is enough to be called positive.",
                    right=True,
                ),
            ),
        ),
        Question(
            "06.quiz4",
            "Each patient has a random label. Split by image, a probe has an AUC of 0.75. Why?",
            (
                Option(
                    "By luck: a coin can fall that way",
                    "Once, perhaps. Over several draws and hundreds of X-rays, no.",
                ),
                Option(
                    "It recognises patients whom it was trained on",
                    "Their other X-rays carry the same random label, and look alike.",
                    right=True,
                ),
                Option(
                    "The X-rays of the ill look different",
                    "They may, but the labels here have nothing to do with being ill.",
                ),
            ),
        ),
        Question(
            "06.quiz5",
            "A heat map lies over both lungs. Before you take it as evidence you want to see",
            (
                Option(
                    "a brighter colour scale",
                    "Colours tell where, never how much, and nothing about truth.",
                ),
                Option(
                    "that it changes with the weights, and beats a map of the usual place",
                    "A map that stays for random weights, or is no better than knowing where "
                    "opacities mostly are, explains nothing.",
                    right=True,
                ),
                Option(
                    "the same map for ten more patients",
                    "Ten maps by a method that does not depend on the network are no more than "
                    "one.",
                ),
            ),
        ),
    )
)
