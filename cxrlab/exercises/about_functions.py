"""Questions that an exercise can ask of a function of numbers that the reader has written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

from cxrlab.exercises import Wrong, expect
from cxrlab.exercises.engine import described


def agrees(
    name: str,
    function: Any,
    cases: Sequence[tuple],
    right: Callable[..., float],
    slips: Sequence[tuple[Callable[..., float], str]],
    otherwise: str,
) -> None:
    """Whether the reader's function agrees with ``right`` on all ``cases`` (its arguments).

    ``slips``: functions that compute what a plausible mistake would, and what to say of it. One is
    recognised when it explains everything that the function returns, not a single number.
    ``otherwise`` is said of any other mistake.
    """
    results = [expect.called(name, function, *case) for case in cases]
    for case, found in zip(cases, results, strict=True):
        call = f"`{name}({', '.join(map(str, case))})` is"
        if found is None:
            raise Wrong(f"{call} None. End the function with `return ...`.")
        if isinstance(found, bool) or not isinstance(found, Real):
            raise Wrong(f"{call} {described(found)}, but should be a whole number.")
    for case, found in zip(cases, results, strict=True):
        if found == right(*case):
            continue
        why = next((w for slip, w in slips if results == [slip(*c) for c in cases]), otherwise)
        raise Wrong(
            f"`{name}({', '.join(map(str, case))})` is {found:,}, but should be "
            f"{right(*case):,}: {why}"
        )
