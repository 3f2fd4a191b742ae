"""The made-up results that notebook 06 asks its readers to interpret."""

from __future__ import annotations

import numpy as np
import pandas as pd

#: What a verdict may be in exercise 2.
WORDS = ("source", "disease", "open")

# The right word for each network, and what to reply to the others.
VERDICTS = {
    "A": (
        "source",
        {
            "disease": "Its AUC of 0.99 hardly falls when the lungs are hidden, and within one "
            "source it is near chance. What is left of the disease?",
            "open": "Three experiments agree: the frame is enough, the lungs are not needed, and "
            "within one source next to nothing is told apart.",
        },
    ),
    "B": (
        "disease",
        {
            "source": "A frame at chance, chance without the lungs, and a fine score within one "
            "source: there the source cannot help.",
            "open": "No proof is ever complete, but all three experiments could have shown the "
            "source, and none did. Say so.",
        },
    ),
    "C": (
        "open",
        {
            "disease": "It needs the lungs. But lungs differ between children and adults, too, "
            "and the experiment within one source was not done.",
            "source": "The frame says nothing and the lungs are needed: no sign of the source. "
            "But what in the lungs it reads, nobody has asked.",
        },
    ),
    "D": (
        "open",
        {
            "source": "0.70 for the frame looks like the source, but its interval reaches from "
            "0.36 to 0.95: twelve patients cannot tell.",
            "disease": "Its score within one source has an interval from 0.41 to 0.97. That "
            "includes chance.",
        },
    ),
}


def four_networks() -> pd.DataFrame:
    """AUC (95 % interval) of four made-up networks, each tested against children."""
    return pd.DataFrame(
        {
            "network": ["A", "B", "C", "D"],
            "test patients": [400, 400, 400, 12],
            "whole": ["0.99 (0.98 to 1.00)", "0.93 (0.90 to 0.96)", "0.97 (0.95 to 0.99)",
                      "0.97 (0.80 to 1.00)"],
            "frame only": ["0.98 (0.96 to 0.99)", "0.52 (0.46 to 0.58)", "0.51 (0.45 to 0.57)",
                           "0.70 (0.36 to 0.95)"],
            "lungs hidden": ["0.99 (0.97 to 1.00)", "0.54 (0.48 to 0.60)", "0.53 (0.47 to 0.59)",
                             "0.66 (0.33 to 0.93)"],
            "within one source": ["0.56 (0.49 to 0.63)", "0.90 (0.85 to 0.94)", "not done",
                                  "0.75 (0.41 to 0.97)"],
        }
    ).set_index("network")  # fmt: skip


def pictures_to_hide() -> list[tuple[np.ndarray, tuple, int]]:
    """Pictures, boxes and grey values on which exercise 3 is judged."""
    rng = np.random.default_rng(6)
    first = rng.integers(1, 100, (12, 20), dtype=np.uint8)
    second = rng.integers(1, 100, (24, 24), dtype=np.uint8)
    return [
        (first, ((2, 10, 3, 8), (2, 10, 12, 18)), 128),
        (second, ((4, 9, 1, 7), (10, 20, 13, 22), (0, 2, 0, 5)), 200),
    ]


def fifty_people() -> pd.DataFrame:
    """What a made-up network called 20 patients, 20 healthy children and 10 healthy adults."""
    groups = [("patient", 1, 20, 16), ("child", 0, 20, 1), ("adult", 0, 10, 8)]
    rows = [
        (group, label, number < called)
        for group, label, count, called in groups
        for number in range(count)
    ]
    people = pd.DataFrame(rows, columns=["group", "label", "called"])
    return people.sample(frac=1, random_state=6).reset_index(drop=True)


CLAIM = """
A group trains a network on COVID-19 patients of five hospitals against healthy people of a sixth.
The test patients come from the same six hospitals, and none of them was trained on. The AUC is
0.98 (0.97 to 0.99). A probe that sees only the frame has an AUC of 0.53 (0.49 to 0.57). Grad-CAM
maps of three patients show warm lungs. "The network has learned the disease," they write.
"""

# Controls to choose from: what each is, whether it is missing, and why (or why not).
CONTROLS = {
    "a": ("a probe that sees only the frame", False, "they did that, and report 0.53."),
    "b": ("COVID-19 against other findings, within the five hospitals", True,
          "Class and hospital still go together in everything reported; what is told apart when "
          "the hospital cannot help?"),
    "c": ("more epochs of training", False,
          "a longer training changes the network; it asks no question about it."),
    "d": ("healthy people of a seventh hospital", True,
          "All healthy people come from one hospital. Does the network call healthy strangers "
          "positive?"),
    "e": ("Grad-CAM maps of twenty more patients", False,
          "more pictures of the same kind. Would they look different if the network had learned "
          "the hospital?"),
    "f": ("the same maps from a network with random weights", True,
          "The maps are offered as evidence, but would maps of an untrained network look just as "
          "warm?"),
    "g": ("a split by patient", False, "they did that: none of the test patients was trained on."),
}  # fmt: skip

MISSING = frozenset(letter for letter, control in CONTROLS.items() if control[1])


def claim() -> None:
    """Print the claim of exercise 6 and the controls to choose from."""
    print(CLAIM.strip())
    print()
    for letter, (control, *_) in CONTROLS.items():
        print(f"{letter}: {control}")
