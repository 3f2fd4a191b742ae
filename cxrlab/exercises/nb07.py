"""The exercises and the quiz of notebook 07: would it work in another hospital?"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises import nb04
from cxrlab.exercises.engine import Wrong, described, exercise
from cxrlab.exercises.judge import FunctionExercise, WordsExercise, called, kind, pair
from cxrlab.exercises.quiz import load_quiz

NEAR = 0.07  # of the interval's width: what 200 draws leave uncertain


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
def bootstrap(auc_interval: Any) -> None:
    """The 95 % interval of an AUC, whole patients resampled.

    A few hundred draws leave the ends uncertain, so the mean over four groups of people counts:
    how far it is, in widths of the right interval (of 4,000 resamples), and how far slips are.
    """
    texts, moved = bootstrap.texts, []
    for number, right in texts["ends"].items():
        found = called("auc_interval", auc_interval, *made_up_people(int(number)))
        low, high = map(float, pair("auc_interval(...)", found))
        bootstrap.reply_if(low > high, "order")
        moved.append((np.array([low, high]) - right) / np.ptp(right))
    slips = {"": (0, 0), **texts["moved"]}
    off = {words: np.linalg.norm(np.mean(moved, 0) - ends) for words, ends in slips.items()}
    nearest = min(off, key=off.get)
    why = nearest if off[nearest] < NEAR else texts["otherwise"]
    bootstrap.reply_if(not off[""] < NEAR, "ends", low=low, high=high, right=right, why=why)


def opinion(model: Any, *_: Any) -> bool:
    """Whether it gives machine A the higher score, and a machine it has never met one as well."""
    try:
        scores = model.predict_proba(pd.DataFrame({"machine": ["A", "B", "C"]}))[:, 1]
    except (AttributeError, ValueError) as error:  # not fitted is both
        raise Wrong(rival.texts["cannot_score"].format(error=error)) from error
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
    answer=f"{nb04.ppv.answer} if true + false else None",
    # Recall, specificity, prevalence; in the last nobody is called positive.
    cases=[(0.9, 0.8, 0.5), (0.95, 0.9, 0.02), (0.6, 0.99, 0.2), (0.0, 1.0, 0.1)],
    tolerance=5e-4,
    slips={"else None -> else 0": "nobody is called positive: return None.", **nb04.ppv.slips},
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
def card_lines(lines: Any) -> None:
    """Three sentences of the reader's own card."""
    kind("lines", lines, Mapping, "a dictionary, section to text")
    for section in ("Intended use", "Elsewhere", "Limits"):
        text = lines.get(section)
        a_sentence = isinstance(text, str) and len(text.split()) >= 6
        card_lines.reply_if(not a_sentence, "no sentence", section=section, seen=described(text))
    use, away, limits = (lines[name].lower() for name in ("Intended use", "Elsewhere", "Limits"))
    card_lines.reply_if(not NO.search(use), "use")
    numbers = re.findall(r"\d+(?:[.,]\d+)?", PEOPLE.sub("", away.replace("covid-19", "")))
    card_lines.reply_if(len(numbers) < 3 or not PEOPLE.search(away), "elsewhere")
    card_lines.reply_if(not (NO.search(limits) or OPEN.search(limits)), "limits")


quiz = load_quiz("07")
