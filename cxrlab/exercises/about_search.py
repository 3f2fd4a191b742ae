"""Checks about a search: its space, its leaderboard, and two models on the same cases."""

from __future__ import annotations

from collections.abc import Mapping
from math import comb, prod
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises.engine import Wrong, described
from cxrlab.exercises.expect import called, kind, number


def whole_number(name: str, value: Any) -> int:
    """A whole number of any type (``24``, ``24.0``, NumPy's), not a truth value."""
    value = number(name, value)
    if value != int(value):
        raise Wrong(f"`{name}` is {value:g}, but should be a whole number.")
    return int(value)


def counts_combinations(name: str, function: Any, spaces: list[dict]) -> None:
    """Whether the function multiplies the numbers of choices of each of ``spaces``."""
    for space in spaces:
        sizes = [len(choices) for choices in space.values()]
        result = called(name, function, space)
        if result is None:
            raise Wrong(f"`{name}` returns nothing. End it with `return` and the count.")
        result = whole_number(name, result)
        right = prod(sizes)
        if result == right:
            continue
        if result == sum(sizes):
            raise Wrong(
                f"`{name}` gives {result} for {_sizes(sizes)} choices: that is their sum. Every "
                "choice of one setting goes with every choice of the others, so multiply."
            )
        if result == len(space):
            raise Wrong(
                f"`{name}` gives {result}: that counts the settings. Count the choices of each "
                "(`len(space[name])`) and combine these counts."
            )
        if result == sizes[0]:
            raise Wrong(
                f"`{name}` gives {result}, the choices of the first setting alone. Does it return "
                "inside the loop? The `return` belongs after it."
            )
        raise Wrong(
            f"`{name}` gives {result} for a space with {_sizes(sizes)} choices; expected {right}. "
            "It has to work for any space: use the `space` it is given."
        )


def is_best_trial(name: str, answer: Any, board: pd.DataFrame) -> None:
    """Whether the answer is the ``trial`` number with the lowest ``val_loss`` of the board."""
    if isinstance(answer, pd.Series | pd.DataFrame):
        if not (isinstance(answer, pd.Series) and answer.size == 1):
            raise Wrong(
                f"`{name}` is {described(answer)}, but should be one number from the column "
                '"trial". Ask the row you found for its ["trial"].'
            )
        answer = answer.iloc[0]
    answer = whole_number(name, answer)

    def trial(position: int) -> int:
        return int(board["trial"].iloc[position])

    losses, recalls = board["val_loss"].to_numpy(), board["recall_at_specificity"].to_numpy()
    best = int(losses.argmin())
    if answer == trial(best):
        return
    slips = {
        trial(int(losses.argmax())): "has the highest loss. A loss is better when it is lower",
        trial(int(recalls.argmax())): "has the highest recall, but this search was told to make "
        "the validation loss small. Whoever changes the objective afterwards picks what suits them",
        trial(len(board) - 1): "is in the last row. The table is not sorted by the objective",
        trial(0): "is in the first row. The table is not sorted by the objective",
        int(board["trial"].max()): "ran last. The order of the trials says nothing about them",
        best: "is the row's position, not the trial's number, which stands in the column `trial`",
    }
    if answer in slips:
        raise Wrong(f"`{name}` is {answer}, which {slips[answer]}.")
    raise Wrong(f'`{name}` is {answer}. Look for the row with the lowest "val_loss".')


def counts_discordant(name: str, function: Any, cases: list[tuple[list, list, list]]) -> None:
    """Whether the function gives (only A right, only B right) for (truth, calls A, calls B)."""
    for truth, calls_a, calls_b in cases:
        result = called(name, function, truth, calls_a, calls_b)
        if not isinstance(result, tuple | list | np.ndarray) or len(result) != 2:
            raise Wrong(
                f"`{name}` returns {described(result)}, but should return two counts: "
                "`return only_a, only_b`."
            )
        seen = tuple(whole_number(name, value) for value in result)
        right_a, right_b = np.equal(truth, calls_a), np.equal(truth, calls_b)
        wanted = int(np.sum(right_a & ~right_b)), int(np.sum(~right_a & right_b))
        if seen == wanted:
            continue
        positive = np.equal(truth, 1)
        called_only = tuple(
            int(np.sum(np.equal(x, 1) & np.equal(y, 0)))
            for x, y in ((calls_a, calls_b), (calls_b, calls_a))
        )
        slips = {
            wanted[::-1]: "the two counts are swapped: first the cases that only A got right",
            (int(right_a.sum()), int(right_b.sum())): "these are all cases that A and B got "
            "right; leave out those that both got right, for they do not tell the two apart",
            (int(np.sum(~right_a & ~right_b)), int(np.sum(right_a & right_b))): "these are the "
            "cases on which both agree; the others are wanted",
            called_only: "that counts who called the case positive. Right means equal to the "
            "truth, and on a negative case 0 is right",
            (
                int(np.sum(right_a & ~right_b & positive)),
                int(np.sum(~right_a & right_b & positive)),
            ): "that looks at the positive cases only. Negative ones can be right or wrong too",
        }
        why = slips.get(seen, "go case by case: is A right, is B right, and is only one of them?")
        raise Wrong(
            f"`{name}` gives {seen} for truth {truth}, A {calls_a}, B {calls_b}; "
            f"expected {wanted}: {why}."
        )


def tells_better_from_luck(name: str, function: Any) -> None:
    """Whether the function reads an interval of a gain as "better", "worse" or "cannot tell"."""
    cases = [
        ((0.02, 0.11), "better", "The whole interval lies above 0."),
        ((-0.11, -0.02), "worse", "The whole interval lies below 0, so after is worse."),
        ((-0.03, 0.12), "cannot tell", "0 lies inside, though the middle lies above it."),
        ((-0.12, 0.03), "cannot tell", "0 lies inside, though the middle lies below it."),
        ((0.0, 0.07), "cannot tell", "0 is the edge of the interval and still in it."),
        ((-0.07, 0.0), "cannot tell", "0 is the edge of the interval and still in it."),
        (
            (None, None),
            "cannot tell",
            "There is no interval: the two networks agree on every case.",
        ),
    ]
    for interval, wanted, why in cases:
        try:
            result = called(name, function, *interval)
        except Wrong as wrong:
            if interval[0] is None:
                raise Wrong(f"{wrong} {why} Test for `low is None` first.") from None
            raise
        if result == wanted:
            continue
        if not isinstance(result, str) or result not in ("better", "worse", "cannot tell"):
            raise Wrong(
                f'`{name}` returns {described(result)}, but should return "better", "worse" or '
                '"cannot tell".'
            )
        raise Wrong(
            f'`{name}` says "{result}" for the interval {interval}; expected "{wanted}". {why}'
        )


def is_two_sided_p(name: str, answer: Any, a: int, b: int, cases: int) -> None:
    """Whether the answer is the exact two-sided p-value of ``a`` against ``b`` discordant cases."""
    answer = number(name, answer, 0, 1)
    n = a + b
    one_sided = sum(comb(n, k) for k in range(min(a, b) + 1)) / 2**n
    right = min(1.0, 2 * one_sided)
    if np.isclose(answer, right, atol=0.0006):
        return
    if np.isclose(answer, one_sided, atol=0.0006):
        raise Wrong(
            f"`{name}` is {answer:g}: that is the chance of {n} in a row for one network. Nobody "
            "said beforehand which one would win, so count both directions: double it."
        )
    if np.isclose(answer, n / cases, atol=0.0006):
        raise Wrong(
            f"`{name}` is {answer:g}: that is the share of discordant cases, {n} of {cases}. Asked "
            "is how often a fair coin is as one-sided as they are."
        )
    if answer < 0.05:
        raise Wrong(
            f"`{name}` is {answer:g}. How often does a fair coin, tossed {n} times, land all heads "
            "or all tails? That is more often than you say."
        )
    raise Wrong(
        f"`{name}` is {answer:g}. Only the {n} discordant cases count, and in the most favourable "
        "case all of them speak for the same network."
    )


def widens(name: str, answer: Any, published: dict[str, tuple], most: int) -> int:
    """Whether the space holds the published one, offers more, and stays within ``most``.

    Returns the number of its combinations.
    """
    answer = kind(name, answer, Mapping, "a dictionary such as tuning.SPACES['shared']")
    if missing := [setting for setting in published if setting not in answer]:
        raise Wrong(f'`{name}` has no "{missing[0]}". Keep every setting of the published space.')
    if extra := [setting for setting in answer if setting not in published]:
        raise Wrong(
            f'`{name}` has "{extra[0]}", which our network does not know. Widen '
            f"{', '.join(published)}; a new setting would need new code in the model."
        )
    for setting, choices in answer.items():
        _check_choices(name, setting, choices, published[setting])
    if all(len(answer[setting]) == len(published[setting]) for setting in published):
        raise Wrong(f"`{name}` is the published space itself. Add a dropout or a learning rate.")
    if len(answer["dropout"]) + len(answer["learning_rate"]) == len(published["dropout"]) + len(
        published["learning_rate"]
    ):
        raise Wrong(f"`{name}` offers no new dropout or learning rate. Add at least one.")
    count = prod(len(choices) for choices in answer.values())
    if count > most:
        raise Wrong(
            f"`{name}` has {count} combinations, more than {most}. Each new choice multiplies the "
            "others: add fewer."
        )
    return count


def _check_choices(name: str, setting: str, choices: Any, published: tuple) -> None:
    where = f'`{name}["{setting}"]`'
    if not isinstance(choices, tuple | list):
        raise Wrong(
            f"{where} is {described(choices)}, but should be a tuple or list, also for one choice: "
            "(0.1,) with its comma."
        )
    for choice in choices:
        if isinstance(choice, bool) or not isinstance(choice, Real):
            raise Wrong(f"{where} holds {described(choice)}; give numbers only.")
        if setting == "dropout" and not 0 <= choice < 1:
            raise Wrong(
                f"{where} holds {choice:g}. A dropout rate is the share of units silenced: at "
                "least 0 and below 1."
            )
        if setting == "dense_units" and not (isinstance(choice, Integral) and choice > 0):
            raise Wrong(
                f"{where} holds {choice:g}; a layer has a whole number of units, 1 or more."
            )
        if setting == "learning_rate" and choice <= 0:
            raise Wrong(f"{where} holds {choice:g}. At a rate of 0 or less nothing is learned.")
    if len(set(choices)) < len(choices):
        raise Wrong(f"{where} names a choice twice, which makes the same combination twice.")
    if lost := [choice for choice in published if choice not in choices]:
        raise Wrong(
            f"{where} lacks {lost[0]:g} of the published space. To widen is to keep what was there."
        )


def _sizes(sizes: list[int]) -> str:
    return " and ".join(map(str, sizes))
