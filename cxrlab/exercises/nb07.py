"""The exercises and the quiz of notebook 07: would it work in another hospital?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises.engine import Wrong, described, exercise
from cxrlab.exercises.judge import FunctionExercise, WordsExercise, called, kind, pair, wrong_if
from cxrlab.exercises.nb04 import PPV_SLIPS
from cxrlab.exercises.quiz import load_quiz

# Patients, and the ends of the right interval for them, from 4,000 resamples.
KNOWN_ENDS = {40: (0.529, 0.852), 44: (0.694, 0.947), 50: (0.527, 0.835), 56: (0.610, 0.870)}
# How far a slip moves the two ends, in widths of the right interval, on average over them.
MOVED_ENDS = {
    "draws X-rays. Those of a patient come together or not at all: draw patients.": (0.323, -0.272),
    "takes a patient who was drawn twice only once. Go through the drawn patients one by one, "
    "and `np.concatenate` their X-rays.": (0.149, -0.072),
    "leaves out 5 % at each end, for a 90 % interval.": (0.092, -0.066),
    "ends at the quartiles, not at the percentiles 2.5 and 97.5.": (0.366, -0.286),
    "is too wide. Draw as many patients as there are, and end neither at the extremes nor "
    "anywhere but at the percentiles 2.5 and 97.5.": (-0.216, 0.142),
}
NEAR = 0.07  # of a width: what 200 draws leave uncertain


def made_up_people(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Patients with six X-rays each that score alike: labels, scores, patients."""
    rng = np.random.default_rng(number)
    patients = np.repeat(np.arange(number), 6)
    labels = (patients < number // 2).astype(int)
    noise = rng.normal(0, 1, number)[patients] + rng.normal(0, 0.1, patients.size)
    return labels, 1 / (1 + np.exp(-(labels + noise))), np.char.add("p", patients.astype(str))


@exercise(
    "07.bootstrap",
    """
    def auc_interval(labels, scores, patients):
        rng, names, found = np.random.default_rng(0), np.unique(patients), []
        for _ in range(300):
            drawn = rng.choice(names, names.size)
            rows = np.concatenate([np.flatnonzero(patients == each) for each in drawn])
            found.append(roc_auc_score(labels[rows], scores[rows]))
        return np.percentile(found, [2.5, 97.5])
    """,
    imports="import numpy as np\nfrom sklearn.metrics import roc_auc_score\n",
)
def bootstrap(auc_interval: Any) -> str:
    """The 95 % interval of an AUC, whole patients resampled.

    A few hundred draws leave the ends uncertain, so the mean over four groups of people counts.
    """
    moved = []
    for number, right in KNOWN_ENDS.items():
        found = called("auc_interval", auc_interval, *made_up_people(number))
        low, high = map(float, pair("auc_interval(...)", found))
        wrong_if(low > high, "`auc_interval` returns the upper end first, not the lower one.")
        moved.append((np.array([low, high]) - right) / np.ptp(right))
    slips = {"": 0, **MOVED_ENDS}
    off = {words: np.linalg.norm(np.mean(moved, 0) - ends) for words, ends in slips.items()}
    nearest = min(off, key=off.get)
    why = "does something else. Draw as many patients as there are, with replacement; take the AUC "
    why += "of all their X-rays; repeat; take the percentiles 2.5 and 97.5."
    seen = f"`auc_interval` returns {low:.2f} to {high:.2f} where some {right} are right"
    known = nearest if off[nearest] < NEAR else why
    wrong_if(not off[""] < NEAR, f"{seen}. It {known}")
    return "Had each X-ray been drawn by itself, the interval would look half as wide."


def opinion(model: Any, *_: Any) -> bool:
    """Whether it gives machine A the higher score, and a machine it has never met one as well."""
    try:
        scores = model.predict_proba(pd.DataFrame({"machine": ["A", "B", "C"]}))[:, 1]
    except (AttributeError, ValueError) as error:  # not fitted is both
        fitted = "Return the pipeline, fitted on `training[[column]]`, with two brackets"
        to_do = f'{fitted}. At a new value `OneHotEncoder(handle_unknown="ignore")` goes on.'
        raise Wrong(f"What `rival` returns cannot score cases ({error}). {to_do}") from error
    return scores[0] > scores[1]


RIVALS = pd.DataFrame({"view": ["PA", "AP"] * 6, "machine": ["A"] * 6 + ["B"] * 6})

rival = FunctionExercise(
    key="07.rival",
    answer="""
        def rival(training, column):
            model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
            return model.fit(training[[column]], training["label"])
    """,
    imports="from sklearn.linear_model import LogisticRegression\n"
    "from sklearn.pipeline import make_pipeline\n"
    "from sklearn.preprocessing import OneHotEncoder\n",
    # Five of six from machine A are ill, and one of six from B.
    cases=[(RIVALS.assign(label=[1] * 5 + [0] * 6 + [1]), "machine")],
    seen_as=opinion,
    slips={'training["label"]) -> 1 - training["label"])': "A has to score higher than B."},
)

bayes = FunctionExercise(
    key="07.ppv",
    answer="""
        def ppv(recall, specificity, prevalence):
            true = recall * prevalence
            false = (1 - specificity) * (1 - prevalence)
            return true / (true + false) if true + false else None
    """,
    # Recall, specificity, prevalence; in the last nobody is called positive.
    cases=[(0.9, 0.8, 0.5), (0.95, 0.9, 0.02), (0.6, 0.99, 0.2), (0.0, 1.0, 0.1)],
    tolerance=5e-4,
    slips={"else None -> else 0": "nobody is called positive: return None.", **PPV_SLIPS},
)

net_benefit_of = FunctionExercise(
    key="07.benefit",
    answer="""
        def benefit(tp, fp, n, threshold):
            return tp / n - fp / n * threshold / (1 - threshold)
    """,
    cases=[(8, 20, 100, 0.1), (30, 40, 200, 0.5), (9, 12, 60, 0.8)],
    tolerance=5e-4,
    slips={
        "(tp - fp) / n": "an alarm costs as much as a case at 0.5 alone.",
        "tp / n - fp / n * (1 - threshold) / threshold": "the odds are upside down.",
        "tp / n - fp / n * threshold": "weight with the odds, not the threshold.",
        "tp - fp * threshold / (1 - threshold)": "for all together. Divide by n.",
        "tp / (tp + fp)": "that is the precision.",
        "tp / n + fp / n * threshold / (1 - threshold)": "false alarms are a cost.",
    },
)

# What a hospital asks of a repair: at least this recall, at most these shares of false alarms, and
# an AUC without the lungs that is at most this.
DEMANDS = {"recall": 0.90, "children": 0.05, "adults": 0.10, "lungs_hidden": 0.65}


def repairs_tried() -> pd.DataFrame:
    """Six made-up repairs, each with a temptation; the columns are those of the real table."""
    return pd.DataFrame(repair_choice.texts["table"], columns=["repair", *DEMANDS])


repair_choice = WordsExercise(key="07.repair", answer='chosen = "mixed and cropped"')

NO = re.compile(r"\b(no|not|never|nobody|none|neither|nothing|without)\b|cannot|n['’]t\b")
OPEN = re.compile(r"\b(only|unknown|untested|untried)\b")
# "152 healthy adults", "n = 152"
PEOPLE = re.compile(
    r"\d+\s+(?:[a-z-]+\s+){0,2}(?:patients|people|persons|adults|x-rays|images)|\bn\s*=\s*\d+"
)


@exercise(
    "07.card",
    """
    lines = {
        "Intended use": "For lessons about networks; not for any decision about a person.",
        "Elsewhere": "The specificity in hospital B is 0.90 (0.84 to 0.94), of 152 adults.",
        "Limits": "COVID-19 was never told from another pneumonia, nor real X-rays read.",
    }
    """,
)
def card_lines(lines: Any) -> str:
    """Three sentences of the reader's own card."""
    kind("lines", lines, Mapping, "a dictionary, section to text")
    for section in ("Intended use", "Elsewhere", "Limits"):
        text = lines.get(section)
        a_sentence = isinstance(text, str) and len(text.split()) >= 6
        seen = f'Under "{section}" `lines` has {described(text)}'
        wrong_if(not a_sentence, f"{seen}. Write a whole sentence.")
    use, away, limits = (lines[name].lower() for name in ("Intended use", "Elsewhere", "Limits"))
    unsaid = '"Intended use" says what it is for. Say also what it is *not* for.'
    wrong_if(not NO.search(use), unsaid)
    numbers = re.findall(r"\d+(?:[.,]\d+)?", PEOPLE.sub("", away.replace("covid-19", "")))
    needs = '"Elsewhere" needs a number with its interval, recall or specificity in hospital B'
    enough = len(numbers) >= 3 and PEOPLE.search(away)
    wrong_if(not enough, f"{needs}, from where to where, and of how many patients or X-rays.")
    no_limit = '"Limits" names no limit. What was not tested, or must not be concluded?'
    wrong_if(not (NO.search(limits) or OPEN.search(limits)), no_limit)
    return "A reader who has never met you can now tell what you know and what you do not."


quiz = load_quiz("07")
