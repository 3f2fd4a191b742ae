"""The exercises and the quiz of notebook 07: would it work in another hospital?"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.utils.validation import check_is_fitted

from cxrlab.exercises import Exercise, Option, Question, Quiz, Wrong
from cxrlab.exercises.engine import described
from cxrlab.exercises.expect import called
from cxrlab.metrics import precision_at_prevalence

# How far off the ends may lie, in widths of the right interval: what 200 draws leave uncertain.
NEAR = 0.07

Slips = Sequence[tuple[Callable[..., float | None], str]]


def _people(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Made-up patients with six X-rays each that score alike: labels, scores, patients."""
    rng = np.random.default_rng(number)
    patients = np.repeat(np.arange(number), 6)
    labels = (patients < number // 2).astype(int)
    noise = rng.normal(0, 1, number)[patients] + rng.normal(0, 0.1, patients.size)
    return labels, 1 / (1 + np.exp(-(labels + noise))), np.char.add("p", patients.astype(str))


def _resampled(labels: np.ndarray, scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The AUC of each resample; ``counts`` (resamples, X-rays): how often each X-ray is drawn."""
    above = (scores[labels == 1][:, None] > scores[labels == 0]).astype(float)
    ill, healthy = counts[:, labels == 1], counts[:, labels == 0]
    pairs = ill.sum(1) * healthy.sum(1)
    return ((ill @ above) * healthy).sum(1)[pairs > 0] / pairs[pairs > 0]


def _intervals(number: int) -> dict[str, np.ndarray]:
    """What the bootstrap of :func:`_people` should give (no words), and what slips give."""
    rng, xrays = np.random.default_rng(1), number * 6
    drawn = rng.multinomial(number, np.full(number, 1 / number), 4000).repeat(6, axis=1)
    alone = rng.multinomial(xrays, np.full(xrays, 1 / xrays), 4000)
    ends = "The middle 95 % lie between the percentiles 2.5 and 97.5."
    ways = {
        "": (drawn, 2.5),
        "draws X-rays. The six X-rays of a patient come together or not at all: draw patients, and "
        "take all of their X-rays.": (alone, 2.5),
        "takes a patient who was drawn twice only once. Go through the drawn patients one by one, "
        "and `np.concatenate` their X-rays.": (drawn.clip(max=1), 2.5),
        f"leaves out 5 % at each end, for a 90 % interval. {ends}": (drawn, 5),
        f"ends at the quartiles. {ends}": (drawn, 25),
        "is too wide. Draw as many patients as there are, and end neither at the extremes nor "
        "anywhere but at the percentiles 2.5 and 97.5.": (drawn, 0.3),
    }
    labels, scores, _ = _people(number)
    return {
        words: np.percentile(_resampled(labels, scores, counts), [edge, 100 - edge])
        for words, (counts, edge) in ways.items()
    }


def check_bootstrap(auc_interval: Any) -> str:
    """The 95 % interval of an AUC, whole patients resampled.

    A few hundred draws leave the ends uncertain, so the mean over four groups of people counts.
    """
    away: dict[str, list] = {}
    for number in (40, 44, 50, 56):
        labels, scores, patients = _people(number)
        found = called("auc_interval", auc_interval, labels, scores, patients)
        kinds = list | tuple | np.ndarray | pd.Series
        if not isinstance(found, kinds) or len(found) != 2:
            raise Wrong(
                f"`auc_interval` returns {described(found)}, but should return two numbers: the "
                "lower and the upper end."
            )
        low, high = (float(end) for end in found)
        if low > high:
            raise Wrong("`auc_interval` returns the upper end first. The lower one comes first.")
        if high - low < 1e-9:
            raise Wrong(
                "Both ends of `auc_interval` are the same: is each resample drawn anew, with "
                "replacement?"
            )
        ways = _intervals(number)
        right = ways[""]
        for words, ends in ways.items():
            away.setdefault(words, []).append((np.array([low, high]) - ends) / np.ptp(right))
    off = {words: np.linalg.norm(np.mean(each, axis=0)) for words, each in away.items()}
    nearest = min(off, key=lambda words: off[words])
    if off[""] < NEAR:
        value = roc_auc_score(labels, scores)
        return (
            f"The AUC of these made-up patients is {value:.2f} ({low:.2f} to {high:.2f}). Had "
            "each X-ray been drawn by itself, the interval would look half as wide."
        )
    if nearest and off[nearest] < NEAR:
        raise Wrong(f"`auc_interval` {nearest}")
    raise Wrong(
        f"`auc_interval` returns {low:.2f} to {high:.2f} for made-up patients for whom some "
        f"{right[0]:.2f} to {right[1]:.2f} is right. Draw as many patients as there are, with "
        "replacement; take the AUC of all their X-rays; repeat; take the percentiles 2.5 and 97.5."
    )


bootstrap = Exercise(
    key="07.bootstrap",
    title="An interval for an AUC",
    variable="auc_interval",
    judge_answer=check_bootstrap,
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
    if not hasattr(found, "predict_proba"):
        raise Wrong(
            f"`rival` returns {described(found)}, but should return the fitted pipeline, which can "
            "`predict_proba`."
        )
    elsewhere = pd.DataFrame({"machine": ["A", "B", "C"]})
    try:
        check_is_fitted(found)
        scores = np.asarray(found.predict_proba(elsewhere))[:, 1]
    except NotFittedError as error:
        raise Wrong(
            "The pipeline that `rival` returns is not fitted, so it cannot score anything. Call "
            '`.fit(training[[column]], training["label"])`.'
        ) from error
    except ValueError as error:
        if "unknown" in str(error).lower():
            raise Wrong(
                "`rival` stops at a value that it has not met in training, as another hospital "
                'has them. `OneHotEncoder(handle_unknown="ignore")` goes on.'
            ) from error
        raise Wrong(
            f"What `rival` returns cannot score `cases[[column]]` ({error}). Fit it on a table of "
            "one column: `training[[column]]`, with two brackets."
        ) from error
    if not scores[0] > scores[1]:
        raise Wrong(
            "What `rival` returns gives machine A no higher score than B, but in training five of "
            "six from A were ill, and one of six from B."
        )
    return "It sees no X-ray, and still has an opinion."


rival = Exercise(
    key="07.rival",
    title="A rival that sees no X-ray",
    variable="rival",
    judge_answer=check_rival,
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

# Recall, specificity, prevalence; in the last nobody is called positive.
BAYES_CASES = [(0.9, 0.8, 0.5), (0.95, 0.9, 0.02), (0.6, 0.99, 0.2), (0.0, 1.0, 0.1)]
# True and false positives, people, threshold.
BENEFIT_CASES = [(8, 20, 100, 0.1), (30, 40, 200, 0.5), (9, 12, 60, 0.8)]


def check_bayes(ppv: Any) -> str:
    """A function of recall, specificity and prevalence; undefined is ``None``."""
    slips: Slips = [
        (lambda r, s, p: r * p, "that is the true alarms among all people. Divide by all alarms."),
        (
            lambda r, s, p: _share(r, 1 - s),
            "the prevalence is not used or cancels out: this holds where half of the people are "
            "ill. The false alarms come from the healthy, of whom there are 1 - prevalence.",
        ),
        (
            lambda r, s, p: _share(r * p, s * (1 - p)),
            "the healthy who were correctly cleared were counted as alarms. Of the healthy, "
            "1 - specificity are alarmed.",
        ),
        (
            lambda r, s, p: _share((1 - s) * (1 - p), r * p),
            "that is the share of the alarms that is false.",
        ),
        (
            lambda r, s, p: _share(s * (1 - p), (1 - r) * p),
            "that is the negative predictive value: of those called healthy, the healthy.",
        ),
    ]
    _agrees(
        "ppv",
        ppv,
        BAYES_CASES,
        precision_at_prevalence,
        slips,
        "imagine 10,000 people: how many ill raise an alarm, how many healthy?",
    )
    return (
        "Recall and specificity are taken along as they are. In another hospital neither need be."
    )


bayes = Exercise(
    key="07.ppv",
    title="PPV at any prevalence",
    variable="ppv",
    judge_answer=check_bayes,
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


def _net_benefit(tp: float, fp: float, n: float, threshold: float) -> float:
    return tp / n - fp / n * threshold / (1 - threshold)


def check_benefit(benefit: Any) -> str:
    """True positives per person, less the false ones at the threshold's exchange rate."""
    slips: Slips = [
        (
            lambda tp, fp, n, t: (tp - fp) / n,
            "every false alarm costs as much as a case found is worth. That holds at a threshold "
            "of 0.5 alone: weight it with threshold / (1 - threshold).",
        ),
        (
            lambda tp, fp, n, t: tp / n - fp / n * (1 - t) / t,
            "the odds are upside down. A low threshold says that false alarms are cheap.",
        ),
        (
            lambda tp, fp, n, t: tp / n - fp / n * t,
            "the weight is the odds, threshold / (1 - threshold), not the threshold.",
        ),
        (
            lambda tp, fp, n, t: tp - fp * t / (1 - t),
            "that is for all people together. Divide by n, to have it per person.",
        ),
        (
            lambda tp, fp, n, t: tp / n,
            "the false alarms are for nothing here. Take their price off.",
        ),
        (lambda tp, fp, n, t: tp / (tp + fp), "that is the precision."),
        (
            lambda tp, fp, n, t: tp / n + fp / n * t / (1 - t),
            "false alarms are a cost: take them off.",
        ),
    ]
    _agrees(
        "benefit",
        benefit,
        BENEFIT_CASES,
        _net_benefit,
        slips,
        "tp / n, less fp / n times the odds of the threshold.",
    )
    return "It can be negative: then it would be better to do nothing at all."


net_benefit_of = Exercise(
    key="07.benefit",
    title="Net benefit",
    variable="benefit",
    judge_answer=check_benefit,
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


def _share(part: float, rest: float) -> float | None:
    return part / (part + rest) if part + rest else None


def _agrees(
    name: str,
    function: Any,
    cases: Sequence[tuple],
    right: Callable[..., float | None],
    slips: Slips,
    otherwise: str,
) -> None:
    """Whether a function of numbers agrees with ``right`` (as far as one rounds) on ``cases``."""
    results = [called(name, function, *case) for case in cases]
    wanted = [right(*case) for case in cases]
    for case, seen, expected in zip(cases, results, wanted, strict=True):
        call = f"`{name}({', '.join(map(str, case))})` is"
        if seen is None and expected is not None:
            raise Wrong(f"{call} None. End the function with `return` and the value.")
        if seen is not None and (isinstance(seen, bool) or not isinstance(seen, Real)):
            raise Wrong(f"{call} {described(seen)}, but should be a number.")
    if all(map(_same, results, wanted)):
        return
    for slip, words in slips:
        if all(map(_same, results, [slip(*case) for case in cases])):
            case = next(
                c for c, r, w in zip(cases, results, wanted, strict=True) if not _same(r, w)
            )
            raise Wrong(f"`{name}({', '.join(map(str, case))})`: {words}")
    for case, seen, expected in zip(cases, results, wanted, strict=True):
        call = f"`{name}({', '.join(map(str, case))})`"
        if expected is None and seen is not None:
            raise Wrong(f"{call} is {seen:g}, but nobody is called positive: return None.")
        if not _same(seen, expected):
            raise Wrong(f"{call} is {seen:.4g}, but should be {expected:.4g}: {otherwise}")


def _same(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, abs_tol=5e-4)


# What a hospital asks of a repair: at least this recall, at most these shares of false alarms, and
# an AUC without the lungs that is at most this.
DEMANDS = {"recall": 0.90, "children": 0.05, "adults": 0.10, "lungs_hidden": 0.65}

WORDS = {
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
    columns = ["repair", "recall", "children", "adults", "lungs_hidden"]
    return pd.DataFrame(rows, columns=columns)


def _unmet(row: Mapping[str, Any]) -> list[str]:
    """The demands that a row of the repairs does not meet, in words."""
    failed = []
    for column, limit in DEMANDS.items():
        enough = row[column] >= limit if column == "recall" else row[column] <= limit
        if not enough:
            wanted = "at least" if column == "recall" else "at most"
            failed.append(f"{WORDS[column]} {row[column]:.2f} ({wanted} {limit:.2f} was asked)")
    return failed


def check_repair(chosen: Any) -> str:
    """The one repair that meets all four demands."""
    table = repairs_tried()
    if isinstance(chosen, pd.Series | pd.DataFrame):
        raise Wrong("`chosen` is a table. Give the name in the column `repair`, as a text.")
    names = table["repair"].tolist()
    if not isinstance(chosen, str) or chosen.strip().lower() not in names:
        raise Wrong(f"`chosen` is {described(chosen)}, but should be one of {', '.join(names)}.")
    row = table.set_index("repair").loc[chosen.strip().lower()]
    if failed := _unmet(row):
        raise Wrong(f"`chosen` is “{chosen}”, but {'; '.join(failed)}.")
    return (
        "Its recall is not the highest, and neither are its false alarms the fewest. The one that "
        "is better at both still knows who is ill with the lungs hidden: whatever it looks at, "
        "it is not the disease."
    )


repair_choice = Exercise(
    key="07.repair",
    title="Choose a repair",
    variable="chosen",
    judge_answer=check_repair,
    hints=(
        "Strike out every row that misses one of the four demands, one demand after the other.",
        "Two rows are left by recall and false alarms. What do they know without the lungs?",
        "An AUC near 0.5 with the lungs hidden means that the score came from the lungs.",
    ),
    answer="""
        chosen = "mixed and cropped"
    """,
)

# The sections of the reader's card that notebook 07 closes.
CLOSED = ("Intended use", "Elsewhere", "Limits")
NO = re.compile(r"\b(no|not|never|nobody|none|neither|nothing|without)\b|cannot|n['’]t\b")
# "152 healthy adults", "n = 152"
PEOPLE = re.compile(
    r"\d+\s+(?:[a-z-]+\s+){0,2}(?:patients|people|persons|adults|x-rays|images)|\bn\s*=\s*\d+"
)


def check_lines(lines: Any) -> str:
    """Three sentences of the reader's own card."""
    if not isinstance(lines, Mapping):
        raise Wrong(f"`lines` is {described(lines)}, but should be a dictionary, section to text.")
    for section in CLOSED:
        text = lines.get(section)
        if text is None or text is ...:
            raise Wrong(f'`lines` says nothing under "{section}".')
        if not isinstance(text, str) or len(text.split()) < 6:
            raise Wrong(f'Under "{section}" stands {described(text)}. Write a whole sentence.')
    use, away, limits = (lines[section].lower() for section in CLOSED)
    if not NO.search(use):
        raise Wrong('"Intended use" says what it is for. Say also what it is *not* for.')
    away = away.replace("covid-19", "")
    if len(re.findall(r"\d+(?:[.,]\d+)?", PEOPLE.sub("", away))) < 3:
        raise Wrong(
            '"Elsewhere" needs a number with its interval: recall or specificity in hospital B, '
            "and from where to where."
        )
    if not PEOPLE.search(away):
        raise Wrong('"Elsewhere" does not say of how many patients or X-rays.')
    if not (NO.search(limits) or re.search(r"\b(only|unknown|untested|untried)\b", limits)):
        raise Wrong('"Limits" names no limit. What was not tested, or must not be concluded?')
    return "A reader who has never met you can now tell what you know and what you do not."


card_lines = Exercise(
    key="07.card",
    title="Three lines of your card",
    variable="lines",
    judge_answer=check_lines,
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
                    "The precision of this group is 0.5, whatever the score says.",
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
