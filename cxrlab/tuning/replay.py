"""A finished search in one small file, and looking at it again without training anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cxrlab import recordings
from cxrlab.errors import CXRLabError
from cxrlab.files import write_json
from cxrlab.recordings import Recording
from cxrlab.training import Settings
from cxrlab.tuning.keras_search import OBJECTIVES, Search
from cxrlab.tuning.record import ranked
from cxrlab.tuning.space import settings_from

COURSE = "course"
FIFTY_TRIALS = "search-fifty-trials"


@dataclass(frozen=True)
class Replay:
    """A recorded search: how it was made, and its leaderboard, best trial first."""

    recording: Recording
    objective: str

    @property
    def leaderboard(self) -> pd.DataFrame:
        """As :func:`cxrlab.tuning.leaderboard` gives it, without the seconds of the trials."""
        return self.recording.table

    @property
    def best(self) -> Settings:
        """The settings of the best trial."""
        return settings_from(self.leaderboard.iloc[0].to_dict())

    def boards(self) -> Iterator[pd.DataFrame]:
        """The leaderboard as it was after the first trial, the second, and so on."""
        for trial in sorted(self.leaderboard["trial"]):
            so_far = self.leaderboard[self.leaderboard["trial"] <= trial]
            yield ranked(so_far.drop(columns="rank"), self.objective)


def save_search(found: Search, path: Path, command: str, seed: int, data: str) -> Recording:
    """Write a finished search to ``path``, some kilobytes of JSON, for :func:`replay`.

    ``command`` is what made it, ``data`` on what, in words. How long a trial took is left out:
    it says more about the machine than about the search.
    """
    table = found.leaderboard.drop(columns="seconds", errors="ignore")
    recording = recordings.record(table, command, seed, data)
    write_json(path, {"objective": found.objective, **recording.to_json()})
    return recording


def replay(
    source: Path | str = COURSE, on_trial: Callable[[pd.DataFrame], None] | None = None
) -> Replay:
    """Show a recorded search again: ``on_trial`` meets its leaderboard after each trial.

    ``source`` is a file that :func:`save_search` or ``cxrlab tune`` wrote, or ``course`` for the
    fifty trials on phantoms that come with the library.

    Raises :class:`CXRLabError` where there is no such file, or it is no recorded search.
    """
    found = _read(recordings.file_of(FIFTY_TRIALS) if source == COURSE else Path(source))
    if on_trial is not None:
        for board in found.boards():
            on_trial(board)
    return found


def _read(path: Path) -> Replay:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = Replay(recordings.from_json(content), content["objective"])
        complete = {"rank", "trial", *OBJECTIVES} <= set(found.leaderboard) and found.best
    except FileNotFoundError:
        raise CXRLabError(
            f"There is no recorded search at {path}. cxrlab tune leaves one in its RUN folder, "
            "called recording.json."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        complete = False
    if not complete or found.objective not in list(OBJECTIVES):
        raise CXRLabError(
            f"{path} holds no recorded search. Name the recording.json in a folder that "
            "cxrlab tune has finished."
        )
    return found
