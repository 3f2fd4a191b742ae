"""The quiz of notebook 03: what a convolutional network is."""

from cxrlab.exercises import Option, Question, Quiz

quiz = Quiz(
    (
        Question(
            "03.quiz1",
            "Why do the three convolution layers, which do the seeing, need so few parameters?",
            (
                Option(
                    "They look only at a part of the image.",
                    "Each output sees a small window, but the windows cover the whole image.",
                ),
                Option(
                    "The same small kernel is used at every place.",
                    "The weights are shared: 3 × 3 of them a channel, however large the image.",
                    right=True,
                ),
                Option(
                    "Pooling throws most of their parameters away.",
                    "Pooling throws outputs away. It has no parameters and takes none from others.",
                ),
            ),
        ),
        Question(
            "03.quiz2",
            "A network is asked about a new patient. What does its dropout do?",
            (
                Option(
                    "It silences a random 30 % of the numbers, as always.",
                    "Then the same X-ray would get another score each time. Dropout belongs to "
                    "training.",
                ),
                Option(
                    "It silences the 30 % that matter least.",
                    "Dropout knows nothing about what matters; it draws at random, in training.",
                ),
                Option(
                    "Nothing: it only works while the network is trained.",
                    "All numbers pass. This is also why a training loss can lie above the "
                    "validation loss.",
                    right=True,
                ),
            ),
        ),
        Question(
            "03.quiz3",
            "The X-ray shows COVID-19. Which score costs the highest loss?",
            (
                Option(
                    "0.04",
                    "Sure and wrong: -log(0.04) is 3.2. At 0.5 the loss is 0.69.",
                    right=True,
                ),
                Option("0.5", "An unsure answer costs 0.69. Being sure and wrong costs more."),
                Option("0.97", "That is a sure, right answer: it costs 0.03, the least of all."),
            ),
        ),
        Question(
            "03.quiz4",
            "The training loss falls to 0.02 while the validation loss has been rising for five "
            "epochs. What helps?",
            (
                Option(
                    "Training on, until the validation loss comes down too.",
                    "The gap comes from learning by heart, and more epochs give more of that.",
                ),
                Option(
                    "A network with more parameters.",
                    "More parameters can learn more by heart: the gap would rather grow.",
                ),
                Option(
                    "More training X-rays, more dropout, or stopping earlier.",
                    "All three make learning by heart harder, or stop before it begins.",
                    right=True,
                ),
                Option(
                    "A smaller learning rate, because the network underfits.",
                    "A training loss of 0.02 is no underfitting: the training X-rays are known.",
                ),
            ),
        ),
    )
)
