"""The probes of notebook 06 as Markdown tables, for docs/results.md.

    python benchmarks/shortcut_numbers.py DATA [DATA ...]

Each DATA is a folder in the layout of CXRLAB_DATA. Nothing is trained but linear probes, which
takes about a minute per folder. Seed 0, 1,000 bootstrap resamples over patients.
"""

from __future__ import annotations

import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxrlab import metrics, shortcuts
from cxrlab.pipeline import Xrays, decode

PAIRS = (
    ("COVID-19", "children"),
    ("COVID-19", "adults"),
    ("adults", "children"),
    ("COVID-19", "other findings"),
)


def regions() -> dict[str, np.ndarray]:
    """What notebook 06 shows its probes of 32 × 32 pixels."""
    frame = np.ones((32, 32), bool)
    frame[3:-3, 3:-3] = False
    centre = np.zeros((32, 32), bool)
    centre[6:26, 6:26] = True
    corner = np.arange(32) % 29 < 3
    return {
        "whole image": np.ones((32, 32), bool),
        "centre darkened": ~centre,
        "frame of 10 %": frame,
        "corners": np.outer(corner, corner),
    }


def probe(small: Xrays, mask: np.ndarray, who: tuple[str, str]) -> metrics.Estimate:
    """The AUC of a probe for two kinds of people, as in notebook 06."""
    pair = small.take(np.flatnonzero(small.cases["who"].isin(who)))
    first, group = (pair.cases["who"] == who[0]).to_numpy(int), pair.cases["group"].to_numpy()
    scored = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000)),
        pair.pixels[:, mask, 0],
        first,
        groups=group,
        cv=StratifiedGroupKFold(5, shuffle=True, random_state=0),
        method="predict_proba",
    )
    return metrics.auc(first, scored[:, 1], group)


def main(folders: list[str]) -> None:
    for folder in folders:
        people = shortcuts.everyone(folder)
        small = decode(people, size=32)
        print(f"\n{people.groupby('who')['group'].agg(['size', 'nunique'])}\n")
        print("| told apart | from | AUC (95 % interval) |\n|---|---|---|")
        for who in PAIRS:
            if not set(who) <= set(people["who"]):
                continue
            for name, mask in regions().items():
                print(f"| {' and '.join(who)} | {name} | {probe(small, mask, who):.2f} |")


if __name__ == "__main__":
    main(sys.argv[1:])
