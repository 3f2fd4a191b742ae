"""The exercises and the quiz of notebook 07: would it work in another hospital?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from cxrlab.exercises.answers import Wrong, called, described, kind, wrong_if
from cxrlab.exercises.engine import Exercise
from cxrlab.exercises.judge import FunctionExercise
from cxrlab.exercises.nb04 import PPV_SLIPS, precision_at
from cxrlab.exercises.quiz import load_quiz

# How far off the ends may lie, in widths of the right interval: what 200 draws leave uncertain.
NEAR = 0.07


def made_up_people(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Patients with six X-rays each that score alike: labels, scores, patients."""
    rng = np.random.default_rng(number)
    patients = np.repeat(np.arange(number), 6)
    labels = (patients < number // 2).astype(int)
    noise = rng.normal(0, 1, number)[patients] + rng.normal(0, 0.1, patients.size)
    return labels, 1 / (1 + np.exp(-(labels + noise))), np.char.add("p", patients.astype(str))


def resampled(labels: np.ndarray, scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The AUC of each resample; ``counts`` (resamples, X-rays): how often each X-ray is drawn."""
    above = (scores[labels == 1][:, None] > scores[labels == 0]).astype(float)
    ill, healthy = counts[:, labels == 1], counts[:, labels == 0]
    pairs = ill.sum(1) * healthy.sum(1)
    return ((ill @ above) * healthy).sum(1)[pairs > 0] / pairs[pairs > 0]


@cache
def known_intervals(number: int) -> dict[str, np.ndarray]:
    """What the bootstrap of :func:`made_up_people` should give (no words), and what slips give."""
    rng, xrays = np.random.default_rng(1), number * 6
    drawn = rng.multinomial(number, np.full(number, 1 / number), 4000).repeat(6, axis=1)
    alone = rng.multinomial(xrays, np.full(xrays, 1 / xrays), 4000)
    ways = {
        "": (drawn, 2.5),
        "draws X-rays. Those of a patient come together or not at all: draw patients.": (
            alone,
            2.5,
        ),
        "takes a patient who was drawn twice only once. Go through the drawn patients one by one, "
        "and `np.concatenate` their X-rays.": (drawn.clip(max=1), 2.5),
        "leaves out 5 % at each end, for a 90 % interval.": (drawn, 5),
        "ends at the quartiles, not at the percentiles 2.5 and 97.5.": (drawn, 25),
        "is too wide. Draw as many patients as there are, and end neither at the extremes nor "
        "anywhere but at the percentiles 2.5 and 97.5.": (drawn, 0.3),
    }
    labels, scores, _ = made_up_people(number)
    return {
        words: np.percentile(resampled(labels, scores, counts), [edge, 100 - edge])
        for words, (counts, edge) in ways.items()
    }


def check_bootstrap(auc_interval: Any) -> str:
    """The 95 % interval of an AUC, whole patients resampled.

    A few hundred draws leave the ends uncertain, so the mean over four groups of people counts.
    """
    away: dict[str, list] = {}
    for number in (40, 44, 50, 56):
        found = called("auc_interval", auc_interval, *made_up_people(number))
        are_two = np.shape(found) == (2,)
        wrong_if(not are_two, f"`auc_interval` returns {described(found)}, not two numbers.")
        low, high = map(float, found)
        wrong_if(low > high, "`auc_interval` returns the upper end first, not the lower one.")
        fresh = "is each resample drawn anew, with replacement?"
        wrong_if(high - low < 1e-9, f"Both ends of `auc_interval` are the same: {fresh}")
        known = known_intervals(number)
        for words, ends in known.items():
            away.setdefault(words, []).append(([low, high] - ends) / np.ptp(known[""]))
    off = {words: np.linalg.norm(np.mean(each, axis=0)) for words, each in away.items()}
    nearest = min(off, key=off.get)
    if off[""] < NEAR:
        return "Had each X-ray been drawn by itself, the interval would look half as wide."
    wrong_if(off[nearest] < NEAR, f"`auc_interval` {nearest}")
    right = known[""]
    raise Wrong(
        f"`auc_interval` returns {low:.2f} to {high:.2f} for made-up patients for whom some "
        f"{right[0]:.2f} to {right[1]:.2f} is right. Draw as many patients as there are, with "
        "replacement; take the AUC of all their X-rays; repeat; take the percentiles 2.5 and 97.5."
    )


bootstrap = Exercise(
    key="07.bootstrap",
    title="An interval for an AUC",
    variable="auc_interval",
    judged_by=check_bootstrap,
    hints=(
        "One resample: `drawn = rng.choice(names, names.size)` draws patients with replacement.",
        "`rows = np.concatenate([np.flatnonzero(patients == each) for each in drawn])` are all "
        "of their X-rays, as often as each was drawn.",
        "Collect `roc_auc_score(labels[rows], scores[rows])` a few hundred times, then "
        "`np.percentile(found, [2.5, 97.5])`.",
    ),
    answer="""
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


def check_rival(rival: Any) -> str:
    """A fitted pipeline that knows one column of a table, and meets a value it has never seen."""
    training = pd.DataFrame({"view": ["PA", "AP"] * 6, "machine": ["A"] * 6 + ["B"] * 6})
    training["label"] = [1] * 5 + [0] * 6 + [1]
    found = called("rival", rival, training, "machine")
    can_score = hasattr(found, "predict_proba")
    wrong_if(not can_score, f"`rival` returns {described(found)}, not the fitted pipeline.")
    try:
        check_is_fitted(found)
        scores = found.predict_proba(pd.DataFrame({"machine": ["A", "B", "C"]}))[:, 1]
    except NotFittedError as error:
        to_do = 'Call `.fit(training[[column]], training["label"])`.'
        raise Wrong(f"The pipeline that `rival` returns is not fitted. {to_do}") from error
    except ValueError as error:
        to_do = "Fit it on a table of one column: `training[[column]]`, with two brackets."
        if "unknown" in str(error).lower():
            to_do = (
                "It stops at a value that it has not met in training, as another hospital has "
                'them. `OneHotEncoder(handle_unknown="ignore")` goes on.'
            )
        raise Wrong(f"What `rival` returns cannot score cases ({error}). {to_do}") from error
    wrong_if(
        scores[0] <= scores[1],
        "What `rival` returns gives machine A no higher score than B, but in training five of six "
        "from A were ill, and one of six from B.",
    )
    return "It sees no X-ray, and still has an opinion."


rival = Exercise(
    key="07.rival",
    title="A rival that sees no X-ray",
    variable="rival",
    judged_by=check_rival,
    hints=(
        "`make_pipeline(a, b)` runs one step after the other; `.fit(table, labels)` returns it.",
        '`OneHotEncoder(handle_unknown="ignore")` turns words into columns of 0 and 1.',
        'Fit it with `training[[column]]` (a table, two brackets) and `training["label"]`.',
    ),
    answer="""
        def rival(training, column):
            model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
            return model.fit(training[[column]], training["label"])
    """,
    imports="from sklearn.linear_model import LogisticRegression\n"
    "from sklearn.pipeline import make_pipeline\n"
    "from sklearn.preprocessing import OneHotEncoder\n",
)


def precision_or_none(recall: float, specificity: float, prevalence: float) -> float | None:
    """The precision; ``None`` where nobody is called positive."""
    anybody = recall * prevalence or specificity < 1
    return precision_at(recall, specificity, prevalence) if anybody else None


bayes = FunctionExercise(
    key="07.ppv",
    title="PPV at any prevalence",
    variable="ppv",
    # Recall, specificity, prevalence; in the last nobody is called positive.
    cases=[(0.9, 0.8, 0.5), (0.95, 0.9, 0.02), (0.6, 0.99, 0.2), (0.0, 1.0, 0.1)],
    right=precision_or_none,
    slips={
        "nobody is called positive: return None.": lambda *case: precision_or_none(*case) or 0,
        **PPV_SLIPS,
    },
    otherwise="imagine 10,000 people: how many ill raise an alarm, how many healthy?",
    praise="Recall and specificity are taken along as they are. In another hospital neither "
    "need be.",
    tolerance=5e-4,
    hints=(
        "Of all people, `recall * prevalence` are ill and raise an alarm.",
        "Of all people, `(1 - specificity) * (1 - prevalence)` are healthy and raise one.",
        "Divide the first by the sum of both. Where the sum is 0, return None.",
    ),
    answer="""
        def ppv(recall, specificity, prevalence):
            true = recall * prevalence
            false = (1 - specificity) * (1 - prevalence)
            return true / (true + false) if true + false else None
    """,
)

net_benefit_of = FunctionExercise(
    key="07.benefit",
    title="Net benefit",
    variable="benefit",
    cases=[(8, 20, 100, 0.1), (30, 40, 200, 0.5), (9, 12, 60, 0.8)],
    right=lambda tp, fp, n, t: tp / n - fp / n * t / (1 - t),
    slips={
        "an alarm costs as much as a case at 0.5 alone.": lambda tp, fp, n, t: (tp - fp) / n,
        "the odds are upside down. At a low threshold false alarms are cheap.": (
            lambda tp, fp, n, t: tp / n - fp / n * (1 - t) / t
        ),
        "weight with the odds, not the threshold.": lambda tp, fp, n, t: tp / n - fp / n * t,
        "for all together. Divide by n.": lambda tp, fp, n, t: tp - fp * t / (1 - t),
        "the false alarms are for nothing here.": lambda tp, fp, n, t: tp / n,
        "that is the precision.": lambda tp, fp, n, t: tp / (tp + fp),
        "false alarms are a cost.": lambda tp, fp, n, t: tp / n + fp / n * t / (1 - t),
    },
    otherwise="tp / n, less fp / n times the odds of the threshold.",
    praise="It can be negative: then it would be better to do nothing at all.",
    tolerance=5e-4,
    hints=(
        "Start with the cases found per person: `tp / n`.",
        "A false alarm costs `threshold / (1 - threshold)`: at 0.1 a ninth of a case found.",
        "Take `fp / n` times that price off.",
    ),
    answer="""
        def benefit(tp, fp, n, threshold):
            return tp / n - fp / n * threshold / (1 - threshold)
    """,
)

# What a hospital asks of a repair: at least this recall, at most these shares of false alarms, and
# an AUC without the lungs that is at most this.
DEMANDS = {"recall": 0.90, "children": 0.05, "adults": 0.10, "lungs_hidden": 0.65}

IN_WORDS = {
    "recall": "of the ill it finds",
    "children": "of the children it alarms",
    "adults": "of the healthy adults it alarms",
    "lungs_hidden": "without the lungs its AUC is still",
}


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
    return pd.DataFrame(rows, columns=["repair", *DEMANDS])


def check_repair(chosen: Any) -> str:
    """The one repair that meets all four demands."""
    table = repairs_tried().set_index("repair")
    name = chosen.strip().lower() if isinstance(chosen, str) else chosen
    known = isinstance(name, str) and name in table.index
    names = ", ".join(table.index)
    wrong_if(not known, f"`chosen` is {described(chosen)}, but should be one of {names}.")
    failed = []
    for column, limit in DEMANDS.items():
        value, at_least = table.loc[name, column], column == "recall"
        if (value < limit) if at_least else (value > limit):
            asked = f"at {'least' if at_least else 'most'} {limit:.2f} was asked"
            failed.append(f"{IN_WORDS[column]} {value:.2f} ({asked})")
    wrong_if(failed, f"`chosen` is “{chosen}”, but {'; '.join(failed)}.")
    return (
        "Its recall is not the highest, and neither are its false alarms the fewest. The one that "
        "is better at both still knows who is ill with the lungs hidden: whatever it looks at, "
        "it is not the disease."
    )


repair_choice = Exercise(
    key="07.repair",
    title="Choose a repair",
    variable="chosen",
    judged_by=check_repair,
    hints=(
        "Strike out every row that misses one of the four demands, one demand after the other.",
        "Two rows are left by recall and false alarms. What do they know without the lungs?",
        "An AUC near 0.5 with the lungs hidden means that the score came from the lungs.",
    ),
    answer="""
        chosen = "mixed and cropped"
    """,
)

NO = re.compile(r"\b(no|not|never|nobody|none|neither|nothing|without)\b|cannot|n['’]t\b")
OPEN = re.compile(r"\b(only|unknown|untested|untried)\b")
# "152 healthy adults", "n = 152"
PEOPLE = re.compile(
    r"\d+\s+(?:[a-z-]+\s+){0,2}(?:patients|people|persons|adults|x-rays|images)|\bn\s*=\s*\d+"
)


def check_lines(lines: Any) -> str:
    """Three sentences of the reader's own card."""
    kind("lines", lines, Mapping, "a dictionary, section to text")
    sections = ("Intended use", "Elsewhere", "Limits")
    for section in sections:
        text = lines.get(section)
        wrong_if(text is None, f'`lines` says nothing under "{section}".')
        a_sentence = isinstance(text, str) and len(text.split()) >= 6
        seen = f'Under "{section}" stands {described(text)}'
        wrong_if(not a_sentence, f"{seen}. Write a whole sentence.")
    use, away, limits = (lines[section].lower() for section in sections)
    unsaid = '"Intended use" says what it is for. Say also what it is *not* for.'
    wrong_if(not NO.search(use), unsaid)
    away = away.replace("covid-19", "")
    numbers = re.findall(r"\d+(?:[.,]\d+)?", PEOPLE.sub("", away))
    wrong_if(
        len(numbers) < 3,
        '"Elsewhere" needs a number with its interval: recall or specificity in hospital B, and '
        "from where to where.",
    )
    whose = '"Elsewhere" does not say of how many patients or X-rays.'
    wrong_if(not PEOPLE.search(away), whose)
    no_limit = '"Limits" names no limit. What was not tested, or must not be concluded?'
    wrong_if(not (NO.search(limits) or OPEN.search(limits)), no_limit)
    return "A reader who has never met you can now tell what you know and what you do not."


card_lines = Exercise(
    key="07.card",
    title="Three lines of your card",
    variable="lines",
    judged_by=check_lines,
    hints=(
        "Intended use: for whom, and for what it must not be used.",
        "Elsewhere: the specificity in hospital B, its interval, and how many healthy people.",
        "Limits: the card is for somebody who might use the network. What would hurt them?",
    ),
    answer="""
        lines = {
            "Intended use": "For lessons about networks and X-rays; not for any decision about "
            "a person.",
            "Elsewhere": "At the frozen threshold the specificity in hospital B is 0.90 (0.84 to "
            "0.94), among 152 healthy adults.",
            "Limits": "Tested on simulated X-rays only; COVID-19 was never told from another "
            "pneumonia.",
        }
    """,
)

quiz = load_quiz("07")
