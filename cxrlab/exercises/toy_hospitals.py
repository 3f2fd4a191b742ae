"""Small made-up tables for the exercises of notebook 07, each with its traps."""

from __future__ import annotations

import textwrap

import pandas as pd

# The threshold that was chosen at home, before anybody saw the other hospital.
THRESHOLD = 0.62

# What a hospital asks of a repair: at least this recall, at most these shares of false alarms, and
# an AUC without the lungs that is at most this.
DEMANDS = {"recall": 0.90, "children": 0.05, "adults": 0.10, "lungs_hidden": 0.65}

# What a card says when it says it all; ``short_card`` answers some of these.
CARD_ITEMS = (
    "intended use",
    "who was tested",
    "threshold",
    "intervals",
    "another hospital",
    "subgroups",
    "calibration",
    "limits",
)
ANSWERED = frozenset({"intended use", "threshold", "calibration", "limits"})


def other_hospital() -> pd.DataFrame:
    """Fourteen made-up people of another hospital: ``label`` and the network's ``score``."""
    ill = [0.97, 0.91, 0.84, 0.66, 0.58, 0.93]
    healthy = [0.12, 0.71, 0.35, 0.62, 0.80, 0.44, 0.69, 0.08]
    return pd.DataFrame({"label": [1] * len(ill) + [0] * len(healthy), "score": ill + healthy})


def two_networks() -> pd.DataFrame:
    """Eleven made-up cases: ``label``, and what network A and network B ``call`` them."""
    return pd.DataFrame(
        {
            "label": [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
            "call_a": [1, 1, 0, 0, 1, 1, 0, 1, 1, 0, 1],
            "call_b": [1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1],
        }
    )


def repairs_tried() -> pd.DataFrame:
    """Six made-up repairs, each with a temptation; the columns are those of the real table."""
    rows = [
        ("none", 0.98, 0.02, 0.95, 0.99),
        ("call hardly anybody ill", 0.62, 0.00, 0.01, 0.61),
        ("adults only", 0.93, 0.31, 0.04, 0.62),
        ("mixed", 0.95, 0.03, 0.16, 0.90),
        ("mixed and cropped", 0.91, 0.04, 0.08, 0.60),
        ("mixed and sharpened", 0.96, 0.02, 0.06, 0.97),
    ]
    columns = ["repair", "recall", "children", "adults", "lungs_hidden"]
    return pd.DataFrame(rows, columns=columns)


def short_card() -> str:
    """A made-up model card that leaves four of :data:`CARD_ITEMS` open."""
    text = (
        "ThoraxAI 2.1 reads chest X-rays of adults with suspected COVID-19 and helps the "
        "radiologist; it decides nothing by itself. It calls an X-ray positive from a score of "
        "0.62 on, a number chosen on validation patients and frozen. On our test set its recall "
        "is 0.98 and its specificity 0.97. Brier score 0.03, calibration error 0.02. It was not "
        "made for children, for lateral views, or for other viral pneumonias."
    )
    return textwrap.fill(text, 88)
