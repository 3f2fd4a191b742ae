"""Exercises of notebook 07: solutions pass, plausible mistakes fail, each with its own words."""

from __future__ import annotations

import textwrap
from pathlib import Path

import nbformat
import pytest

from cxrlab.exercises import Exercise, State, exercises_in, nb07

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "07_beyond_the_test_set.ipynb"
TASKS = [thing for thing in vars(nb07).values() if isinstance(thing, Exercise)]
IMPORTS = nb07.bootstrap.imports + nb07.rival.imports + "import pandas as pd\n"


def written(code: str, exercise: Exercise):
    """What a reader's cell leaves in the variable of the exercise."""
    variables = {"nb07": nb07}
    exec(IMPORTS + textwrap.dedent(code), variables)
    return variables[exercise.variable]


@pytest.mark.parametrize("exercise", exercises_in(nb07), ids=lambda e: e.key)
def test_keys_and_hints(exercise):
    assert exercise.key.startswith("07.")
    assert len(exercise.hints) >= 2


@pytest.mark.parametrize("exercise", TASKS, ids=lambda e: e.key)
def test_the_solution_passes_and_stands_in_for_dots(exercise):
    verdict = exercise.judge(exercise.or_solution(...))
    assert verdict.state is State.CORRECT, verdict.message


@pytest.mark.parametrize("exercise", TASKS, ids=lambda e: e.key)
def test_the_notebooks_placeholder_is_not_attempted(exercise):
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    (source,) = (c.source for c in cells if f".check({exercise.variable})" in c.source)
    answer = written(source.split("nb07.")[0], exercise)
    assert exercise.judge(answer).state is State.UNTOUCHED


OF_ALL = "np.concatenate([np.flatnonzero(patients == each) for each in drawn])"


def bootstrap(rows=OF_ALL, ends="2.5, 97.5", seed=0, draws=300, drawn="names, names.size"):
    """The solution with one of its parts written differently."""
    return f"""
def auc_interval(labels, scores, patients):
    rng, names, found = np.random.default_rng({seed}), np.unique(patients), []
    for _ in range({draws}):
        drawn = rng.choice({drawn})
        rows = {rows}
        found.append(roc_auc_score(labels[rows], scores[rows]))
    return np.percentile(found, [{ends}])
"""


def returns(name, value):
    arguments = {
        "auc_interval": "labels, scores, patients",
        "rival": "training, column",
        "ppv": "r, s, p",
        "benefit": "tp, fp, n, t",
    }
    return f"def {name}({arguments[name]}):\n    return {value}"


ENCODE = 'OneHotEncoder(handle_unknown="ignore"), LogisticRegression()'


def rival(fit='fit(training[[column]], training["label"])', steps=ENCODE):
    return returns("rival", f"make_pipeline({steps}).{fit}" if fit else f"make_pipeline({steps})")


def guarded(true, false):
    """A PPV that minds the division by 0."""
    return returns("ppv", f"({true}) / ({true} + {false}) if {true} + {false} else None")


LINES = written(nb07.card_lines.answer, nb07.card_lines)


def lines(**changed):
    """The solution with other words under one section; ``Intended_use`` for the first."""
    return f"lines = {LINES | {name.replace('_', ' '): text for name, text in changed.items()}}"


MISTAKES = [
    (nb07.bootstrap, bootstrap("rng.integers(0, labels.size, labels.size)"), "draws X-rays"),
    (nb07.bootstrap, bootstrap("np.isin(patients, drawn)"), "twice only once"),
    (nb07.bootstrap, bootstrap(drawn="names, names.size, replace=False"), "with replacement"),
    (nb07.bootstrap, bootstrap(ends="5, 95"), "90 % interval"),
    (nb07.bootstrap, bootstrap(ends="25, 75"), "quartiles"),
    (nb07.bootstrap, bootstrap(ends="0, 100", draws=200), "neither at the extremes"),
    (nb07.bootstrap, bootstrap(ends="97.5, 2.5"), "lower one comes first"),
    (nb07.bootstrap, bootstrap(drawn="names, names.size // 2"), "as many patients as there are"),
    (nb07.bootstrap, bootstrap(ends="2.5"), "two numbers"),
    (nb07.bootstrap, returns("auc_interval", "None"), "returns None"),
    (nb07.bootstrap, returns("auc_interval", "(float('nan'), float('nan'))"), "nan to nan"),
    (nb07.bootstrap, bootstrap("drawn"), "stops with"),
    (nb07.bootstrap, "auc_interval = 0.9, 0.95", "should be a function"),
    (nb07.rival, rival(fit=""), "not fitted"),
    (nb07.rival, rival(steps="OneHotEncoder(), LogisticRegression()"), "not met in training"),
    (nb07.rival, rival('fit(training, training["label"])'), "two brackets"),
    (nb07.rival, rival('fit(training[["view"]], training["label"])'), "unseen at fit time"),
    (nb07.rival, rival('fit(training[column], training["label"])'), "stops with ValueError"),
    (nb07.rival, rival('fit(training[[column]], 1 - training["label"])'), "no higher score"),
    (nb07.rival, rival(steps="LogisticRegression()"), "could not convert string to float"),
    (nb07.rival, returns("rival", f"[{ENCODE}]"), "should return the fitted pipeline"),
    (nb07.rival, returns("rival", "None"), "returns None"),
    (nb07.bayes, guarded("r * p", "(1 - s) * p"), "cancels out"),
    (nb07.bayes, guarded("r * p", "s * (1 - p)"), "Of the healthy, 1 - specificity"),
    (nb07.bayes, guarded("(1 - s) * (1 - p)", "r * p"), "share of the alarms that is false"),
    (nb07.bayes, guarded("s * (1 - p)", "(1 - r) * p"), "negative predictive value"),
    (nb07.bayes, returns("ppv", "r * p"), "Divide by all alarms"),
    (nb07.bayes, returns("ppv", "r * p / (r * p + (1 - s) * (1 - p))"), "ZeroDivisionError"),
    (nb07.bayes, guarded("r * p", "(1 - s) * (1 - p)").replace("None", "0.0"), "is 0, but nobody"),
    (nb07.bayes, returns("ppv", "None"), "End the function with `return`"),
    (nb07.bayes, returns("ppv", "0.3"), "10,000 people"),
    (nb07.bayes, returns("ppv", "'0.5'"), "should be a number"),
    (nb07.bayes, "ppv = 0.5", "should be a function"),
    (nb07.net_benefit_of, returns("benefit", "(tp - fp) / n"), "0.5 alone"),
    (nb07.net_benefit_of, returns("benefit", "tp / n - fp / n * (1 - t) / t"), "upside down"),
    (nb07.net_benefit_of, returns("benefit", "tp / n - fp / n * t"), "not the threshold"),
    (nb07.net_benefit_of, returns("benefit", "tp - fp * t / (1 - t)"), "Divide by n"),
    (nb07.net_benefit_of, returns("benefit", "tp / n"), "for nothing"),
    (nb07.net_benefit_of, returns("benefit", "tp / (tp + fp)"), "that is the precision"),
    (nb07.net_benefit_of, returns("benefit", "tp / n + fp / n * t / (1 - t)"), "are a cost"),
    (nb07.net_benefit_of, returns("benefit", "True"), "should be a number"),
    (nb07.net_benefit_of, returns("benefit", "fp / n"), "should be 0.05778"),
    (nb07.repair_choice, "chosen = 'none'", "adults it alarms 0.95"),
    (nb07.repair_choice, "chosen = 'call hardly anybody ill'", "finds 0.62"),
    (nb07.repair_choice, "chosen = 'adults only'", "children it alarms 0.31"),
    (nb07.repair_choice, "chosen = 'mixed'", "0.16"),
    (nb07.repair_choice, "chosen = 'mixed and sharpened'", "without the lungs"),
    (nb07.repair_choice, "chosen = 'robust'", "should be one of"),
    (nb07.repair_choice, "chosen = 4", "an int (4)"),
    (nb07.repair_choice, "chosen = nb07.repairs_tried()", "is a table"),
    (nb07.card_lines, "lines = 'For lessons.'", "a dictionary"),
    (nb07.card_lines, lines(Limits=None), 'says nothing under "Limits"'),
    (nb07.card_lines, lines(Limits="None known."), "a whole sentence"),
    (nb07.card_lines, lines(Limits=["Never", "tested"]), 'Under "Limits" stands a list'),
    (
        nb07.card_lines,
        lines(Intended_use="For lessons about networks and chest X-rays."),
        "*not* for",
    ),
    (
        nb07.card_lines,
        lines(Elsewhere="In hospital B the recall of COVID-19 was 0.91 among 152 patients."),
        "a number with its interval",
    ),
    (
        nb07.card_lines,
        lines(Elsewhere="In hospital B the recall for COVID-19 was 0.91 (0.85 to 0.95)."),
        "of how many patients",
    ),
    (
        nb07.card_lines,
        lines(Limits="It has been tested on simulated X-rays of adults."),
        "names no limit",
    ),
]


@pytest.mark.parametrize(
    ("exercise", "code", "telling"), MISTAKES, ids=[f"{e.key}-{t}" for e, _, t in MISTAKES]
)
def test_a_plausible_mistake_is_told_what_it_is(exercise, code, telling):
    verdict = exercise.judge(written(code, exercise))
    assert verdict.state is State.WRONG, verdict.message
    assert telling in verdict.message, verdict.message
    assert "cannot be checked" not in verdict.message


@pytest.mark.parametrize("exercise", TASKS, ids=lambda e: e.key)
def test_each_mistake_has_words_of_its_own(exercise):
    # The slow ones come with a telling phrase of their own, above.
    codes = [code for e, code, _ in MISTAKES if e is exercise is not nb07.bootstrap]
    messages = [exercise.judge(written(code, exercise)).message for code in codes]
    assert len(set(messages)) == len(messages)
    tellings = [telling for e, _, telling in MISTAKES if e is exercise]
    assert len(set(tellings)) == len(tellings) >= 3


VECTORISED = """
def auc_interval(labels, scores, patients):
    rng = np.random.RandomState(3)
    table = pd.DataFrame({"y": labels, "s": scores}, index=patients)
    names = table.index.unique()
    drawn = [table.loc[names[rng.randint(0, len(names), len(names))]] for _ in range(300)]
    return pd.Series([roc_auc_score(t["y"], t["s"]) for t in drawn]).quantile([0.025, 0.975])
"""
BY_POSITION = """
def auc_interval(labels, scores, patients):
    names, codes = np.unique(patients, return_inverse=True)
    counts = np.random.default_rng(5).multinomial(len(names), [1 / len(names)] * len(names), 1000)
    above = (scores[labels == 1][:, None] > scores[labels == 0]).astype(float)
    weights = counts[:, codes]
    ill, healthy = weights[:, labels == 1], weights[:, labels == 0]
    aucs = sorted(((ill @ above) * healthy).sum(1) / (ill.sum(1) * healthy.sum(1)))
    return aucs[25], aucs[975]
"""
RIGHT = [
    *((nb07.bootstrap, bootstrap(seed=seed, draws=200)) for seed in (1, 2)),
    (nb07.bootstrap, bootstrap(seed=7, draws=1000)),
    (nb07.bootstrap, bootstrap("[i for each in drawn for i in np.flatnonzero(patients == each)]")),
    (nb07.bootstrap, VECTORISED),
    (nb07.bootstrap, BY_POSITION),
    (nb07.rival, rival(steps='OneHotEncoder(handle_unknown="ignore"), LogisticRegression(C=10)')),
    (
        nb07.rival,
        "def rival(training, column):\n"
        f"    model = make_pipeline({ENCODE})\n"
        '    model.fit(training[[column]], training["label"].to_numpy())\n'
        "    return model",
    ),
    (nb07.bayes, guarded("np.float32(r) * p", "(1 - s) * (1 - p)")),
    (
        nb07.bayes,
        "def ppv(recall, specificity, prevalence):\n"
        "    if recall == 0 and specificity == 1:\n"
        "        return None\n"
        "    odds = prevalence / (1 - prevalence)\n"
        "    return 1 - (1 - specificity) / (1 - specificity + recall * odds)",
    ),
    (nb07.net_benefit_of, returns("benefit", "np.float64(tp - fp * t / (1 - t)) / n")),
    (nb07.repair_choice, "chosen = np.str_(' Mixed and cropped ')"),
    (
        nb07.card_lines,
        lines(
            Intended_use="It can't be used for patients: it is for lessons.",
            Elsewhere="Recall in hospital B: 91 % (84 to 94 %; n = 220 X-rays of COVID-19).",
            Limits="We cannot tell whether it works for children.",
        ),
    ),
    (
        nb07.card_lines,
        lines(Elsewhere="In hospital B recall was between 0.84 and 0.94 (0.91) in 152 patients."),
    ),
]


@pytest.mark.parametrize(("exercise", "code"), RIGHT, ids=lambda x: getattr(x, "key", ""))
def test_a_right_answer_written_differently_passes(exercise, code):
    verdict = exercise.judge(written(code, exercise))
    assert verdict.state is State.CORRECT, verdict.message


def test_exactly_one_repair_meets_all_demands():
    names = nb07.repairs_tried()["repair"]
    states = {name: nb07.repair_choice.judge(name).state for name in names}
    assert [name for name, state in states.items() if state is State.CORRECT] == [
        "mixed and cropped"
    ]


@pytest.mark.parametrize("question", [*nb07.quiz], ids=lambda q: q.key)
def test_the_quiz_has_one_right_option_and_a_reply_to_each(question):
    states = [question.exercise.judge(letter).state for letter in question.letters]
    assert states.count(State.CORRECT) == 1 and states.count(State.WRONG) == len(states) - 1
    assert len({option.reply for option in question.options}) == len(question.options)
