"""The line under a running search: trial, best so far, time left."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf
from pathlib import Path

import pandas as pd

from cxrlab.progress import LiveLine, clock, counted
from cxrlab.tuning.record import leaderboard, whole_files


class LiveBoard:
    """Watches the record of a search; :meth:`look` is called whenever something may be new."""

    def __init__(
        self,
        folder: Path,
        objective: str,
        trials: int,
        deadline: float = inf,
        on_trial: Callable[[pd.DataFrame], None] | None = None,
    ) -> None:
        self._folder, self._objective, self._trials = folder, objective, trials
        self._deadline, self._on_trial = deadline, on_trial
        self._line, self._started = LiveLine(), time.monotonic()
        self._board = leaderboard(folder, objective)
        self._before = len(self._board)  # found, not trained in this run

    def look(self) -> None:
        """Bring the line up to date, and tell ``on_trial`` of a trial that ended."""
        if len(whole_files(self._folder / "trials")) != len(self._board):
            self._board = leaderboard(self._folder, self._objective)
            if self._on_trial is not None:
                self._on_trial(self._board)
        done = len(self._board)
        now = time.monotonic()
        left = time_left(
            now - self._started, done - self._before, self._trials - done, self._deadline - now
        )
        best = f" · best so far {self._best():.3f}" if done else ""
        line = f"Trial {min(done + 1, self._trials)} of at most {self._trials}{best}"
        self._line.update(f"{line} · {left}")

    def close(self) -> None:
        """Leave what came out standing; where the time was up, say how to go on."""
        self._board = leaderboard(self._folder, self._objective)
        done = len(self._board)
        said = f"{counted(done, 'trial')}, the best with {self._objective} {self._best():.3f}"
        if time.monotonic() >= self._deadline and done < self._trials:
            said += (
                f". The time was up before all {self._trials} trials were done: the same search "
                "without --until, or with a new one, goes on from here"
            )
        self._line.close(said)

    def _best(self) -> float:
        return self._board[self._objective].iloc[0]


def time_left(elapsed: float, trained: int, missing: int, until_deadline: float = inf) -> str:
    """Words for the time left, from ``trained`` trials in ``elapsed`` seconds.

    ``missing`` trials are not done yet. Whichever ends first counts: they, or the time (seconds)
    until the deadline.
    """
    estimate = min(elapsed / trained * missing if trained else inf, max(until_deadline, 0.0))
    if estimate == inf:
        return f"{clock(elapsed)} so far, time left not known yet"
    return f"about {clock(estimate)} left"
