"""Checks that understand a metric: its formula, its look-alikes, and where it is undefined.

:func:`check_value` judges a number that was computed from one confusion matrix,
:func:`check_metric` a function, by trying it on several. Both recognise the metrics that
readers mix up with the wanted one, and say which it is and what it divides by what.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

from cxrlab.evaluation.metrics import Confusion, ratio
from cxrlab.exercises import expect
from cxrlab.exercises.engine import Wrong, described

# metric: (in letters, in words, from counts)
FORMULAS: dict[str, tuple[str, str, Callable[[Confusion], float | None]]] = {
    "recall": ("tp / (tp + fn)", "of the ill, the share found", lambda c: c.recall),
    "precision": ("tp / (tp + fp)", "of the alarms, the share that is true", lambda c: c.precision),
    "specificity": (
        "tn / (tn + fp)",
        "of the healthy, the share left in peace",
        lambda c: c.specificity,
    ),
    "accuracy": ("(tp + tn) / all", "of all, the share called rightly", lambda c: c.accuracy),
    "F1": ("2 tp / (2 tp + fp + fn)", "precision and recall in one", lambda c: c.f1),
    "prevalence": ("(tp + fn) / all", "of all, the share that is ill", lambda c: c.prevalence),
    "negative predictive value": (
        "tn / (tn + fn)",
        "of those called healthy, the share that is",
        lambda c: ratio(c.tn, c.tn + c.fn),
    ),
    "false positive rate": (
        "fp / (fp + tn)",
        "of the healthy, the share alarmed",
        lambda c: ratio(c.fp, c.fp + c.tn),
    ),
    "miss rate": (
        "fn / (fn + tp)",
        "of the ill, the share missed",
        lambda c: ratio(c.fn, c.fn + c.tp),
    ),
    "share of false alarms": (
        "fp / (fp + tp)",
        "of the alarms, the share that is false",
        lambda c: ratio(c.fp, c.fp + c.tp),
    ),
    "odds of a true alarm": (
        "tp / fp",
        "true alarms for each false one",
        lambda c: ratio(c.tp, c.fp),
    ),
    "true positives among all": (
        "tp / all",
        "a share of everybody, not of those the question is about",
        lambda c: ratio(c.tp, c.n),
    ),
}

# No two formulas agree on all of these; every count is 0 in some, so that each metric is
# undefined somewhere, and sizes differ, so that rounding or whole-number division shows.
MATRICES = (
    Confusion(tp=18, fp=12, fn=2, tn=68),
    Confusion(tp=7, fp=3, fn=5, tn=25),
    Confusion(tp=30, fp=1, fn=11, tn=9),
    Confusion(tp=0, fp=4, fn=6, tn=10),
)
UNDEFINED_ON = {
    "recall": Confusion(tp=0, fp=3, fn=0, tn=17),
    "precision": Confusion(tp=0, fp=0, fn=10, tn=90),
    "specificity": Confusion(tp=8, fp=0, fn=2, tn=0),
    "accuracy": Confusion(tp=0, fp=0, fn=0, tn=0),
    "F1": Confusion(tp=0, fp=0, fn=0, tn=12),
}


def formula(metric: str, counts: Confusion) -> float | None:
    """The value of a metric of ``FORMULAS``; ``None`` where undefined."""
    return FORMULAS[metric][2](counts)


def recognise(value: float, counts: Confusion, tolerance: float = 0.005) -> str | None:
    """Which metric of ``counts`` has this value, if any."""
    for name in FORMULAS:
        known = formula(name, counts)
        if known is not None and expect.close(value, known, tolerance):
            return name
    return None


def check_value(name: str, value: Any, counts: Confusion, metric: str) -> float:
    """The reader's number for one metric of one matrix, or a :class:`Wrong` that says why not.

    ``name`` is the reader's variable, ``metric`` one of ``FORMULAS``.
    """
    if value is None:
        raise Wrong(f"`{name}` is None, but here the {metric} is defined: give its value.")
    value = expect.number(name, value, 0, 1)
    if expect.close(value, formula(metric, counts)):
        return value
    if other := recognise(value, counts):
        raise Wrong(f"`{name}` is {value:.3g}: {_mistaken(other, metric)}")
    raise Wrong(
        f"`{name}` is {value:.3g}, but the {metric} is {FORMULAS[metric][1]}: "
        f"`{FORMULAS[metric][0]}`. Which cell of the matrix is each of them?"
    )


def check_metric(name: str, function: Any, metric: str, takes: Sequence[str]) -> None:
    """The reader's function for a metric, tried on several matrices and where it is undefined.

    ``takes`` names its arguments in their order, such as ``("tp", "fp")``. The function should
    return ``None`` where there is nothing to divide by.
    """
    for counts in MATRICES:
        _check_defined(name, function, metric, takes, counts)
    _check_undefined(name, function, metric, takes)


def _check_defined(
    name: str, function: Any, metric: str, takes: Sequence[str], counts: Confusion
) -> None:
    arguments = _arguments(counts, takes)
    call = _in_words(name, counts, takes)
    result = expect.called(name, function, *arguments)
    wanted = formula(metric, counts)
    if result is None:
        zero = " 0 is a value like any other here, not an absence." if wanted == 0 else ""
        raise Wrong(f"`{call}` returns None: does `{name}` return its result?{zero}")
    if isinstance(result, bool) or not isinstance(result, Real):
        raise Wrong(f"`{call}` returns {described(result)}, but should return a number.")
    if math.isclose(result, wanted, abs_tol=1e-9):
        return
    if other := _same_everywhere(function, metric, takes):
        raise Wrong(f"`{name}` computes something else: {_mistaken(other, metric)}")
    if wanted and math.isclose(result, 100 * wanted, rel_tol=0.01):
        raise Wrong(f"`{call}` returns {result:g}: a percentage. Return a share from 0 to 1.")
    if expect.close(result, wanted, 0.06) and result == round(result, 2):
        raise Wrong(f"`{call}` returns {result:g}, rounded. Return the whole {wanted:.6f}...")
    if result == wanted // 1:
        raise Wrong(
            f"`{call}` returns {result:g}, but {wanted:.3f} was expected: `//` or `int` cuts off "
            "what comes after the point. Divide with `/`."
        )
    raise Wrong(
        f"`{call}` returns {result:.3g}, but {wanted:.3f} was expected: "
        f"{FORMULAS[metric][1]}, `{FORMULAS[metric][0]}`."
    )


def _check_undefined(name: str, function: Any, metric: str, takes: Sequence[str]) -> None:
    counts = UNDEFINED_ON[metric]
    call = _in_words(name, counts, takes)
    try:
        result = function(*_arguments(counts, takes))
    except ZeroDivisionError:
        raise Wrong(
            f"`{call}` divides by zero. Here the {metric} is undefined: look at what you divide "
            "by first, and return None where it is 0."
        ) from None
    except Exception as error:
        raise Wrong(f"`{call}` stops with {type(error).__name__} ({error}).") from error
    if result is None:
        return
    if isinstance(result, Real) and math.isnan(result):
        raise Wrong(f"`{call}` returns NaN. This course says undefined with None: return that.")
    if result == 0:
        raise Wrong(
            f"`{call}` returns 0, which claims that the worst was seen. There was nothing to "
            f"divide by, so the {metric} is undefined: return None."
        )
    raise Wrong(
        f"`{call}` returns {described(result)}. There was nothing to divide by, so the {metric} "
        "is undefined: return None."
    )


def _same_everywhere(function: Callable, metric: str, takes: Sequence[str]) -> str | None:
    """The metric that the function computes on all matrices, if it is another known one."""
    for other in FORMULAS:
        if other != metric and all(_agrees(function, other, takes, c) for c in MATRICES):
            return other
    return None


def _agrees(function: Callable, other: str, takes: Sequence[str], counts: Confusion) -> bool:
    wanted = formula(other, counts)
    try:
        result = function(*_arguments(counts, takes))
        return (result is None) if wanted is None else math.isclose(result, wanted, abs_tol=0.005)
    except Exception:  # a function that fails elsewhere is not that metric
        return False


def _mistaken(seen: str, wanted: str) -> str:
    return (
        f"that is the {seen}, `{FORMULAS[seen][0]}` ({FORMULAS[seen][1]}). "
        f"The {wanted} is {FORMULAS[wanted][1]}: `{FORMULAS[wanted][0]}`."
    )


def _arguments(counts: Confusion, takes: Sequence[str]) -> list[int]:
    return [getattr(counts, letter) for letter in takes]


def _in_words(name: str, counts: Confusion, takes: Sequence[str]) -> str:
    return f"{name}({', '.join(f'{letter}={getattr(counts, letter)}' for letter in takes)})"
