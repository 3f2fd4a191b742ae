"""What each command calls finished, and how to see that a file is whole."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pandas as pd
from PIL import Image

STATE = ("oracle.json", "tuner0.json")  # of Keras Tuner, written anew all the time


@dataclass(frozen=True)
class Command:
    """A command line, its surroundings, and what counts as finished in its folder."""

    name: str
    words: Callable[[Path], list[str]]  # after ``python``; given the folder
    finished: Callable[[Path], Iterable[Path]]
    results: Callable[[Path], object]
    surroundings: Callable[[Path], AbstractContextManager[dict]]
    as_served: bool = False  # whole is not what can be read, but what the undisturbed run has


def finished(command: Command, out: Path) -> dict[Path, str]:
    """The files that the command has reported finished, with their hashes."""
    return {path: digest(path) for path in command.finished(out)} if out.exists() else {}


def results(command: Command, out: Path) -> object:
    """What a finished folder says, to be compared with that of an undisturbed run."""
    return command.results(out)


def digest(path: Path) -> str:
    """SHA-256 of a file, or that there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"


def unkept_promises(out: Path) -> list[str]:
    """What a folder says it holds, and does not."""
    promised = []
    if (out / "run.json").exists():
        for entry in json.loads((out / "run.json").read_text(encoding="utf-8"))["notebooks"]:
            copy = Path(entry["page"]).with_suffix(".ipynb").name
            promised += [out / entry["page"], out / "notebooks" / copy]
    if (out / "metrics.json").exists():
        promised += [out / name for name in ("model.keras", "history.csv", "predictions.csv")]
    return [path.name for path in promised if not path.is_file()]


def half_written(command: Command, out: Path, wanted: object) -> list[Path]:
    """Files under a final name that are not whole; ``wanted`` are an undisturbed run's results."""
    if command.as_served:
        return [out / name for name, sha256 in command.results(out) if (name, sha256) not in wanted]
    return [path for path in _files(out) if not _whole(path)]


def _files(out: Path) -> list[Path]:
    """Files under final names: no hidden ones, which nobody reads, and no partial ones."""
    inside = [path.relative_to(out) for path in sorted(out.rglob("*")) if path.is_file()]
    final = [path for path in inside if not any(part[0] == "." for part in path.parts)]
    return [out / path for path in final if path.name not in STATE and ".part" not in path.name]


def _is_picture(path: Path) -> bool:
    with Image.open(path) as image:
        image.load()
    return True


def _is_zip(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return archive.testzip() is None


def _is_table(path: Path) -> bool:
    pd.read_csv(path, low_memory=False)
    return path.read_bytes().endswith(b"\n")


WHOLE: dict[str, Callable[[Path], object]] = {
    ".json": lambda path: json.loads(path.read_text(encoding="utf-8")) is not None,
    ".html": lambda path: path.read_text(encoding="utf-8").rstrip().endswith("</html>"),
    ".ipynb": lambda path: nbformat.validate(nbformat.read(path, as_version=4)) is None,
    ".csv": _is_table,
    **dict.fromkeys((".keras", ".zip"), _is_zip),
    **dict.fromkeys((".png", ".jpg", ".jpeg"), _is_picture),
}


def _whole(path: Path) -> bool:
    try:
        return bool(WHOLE.get(path.suffix.lower(), Path.exists)(path))
    except (OSError, ValueError, zipfile.BadZipFile, nbformat.ValidationError):
        return False


def _fold_files(out: Path) -> Iterator[Path]:
    """Training: a fold is finished with its predictions, a run with its metrics."""
    for mark in out.glob("fold-*/predictions.csv"):
        yield from _files(mark.parent)
    if (out / "metrics.json").exists():
        yield from _files(out)
    elif (out / "settings.json").exists():
        yield out / "settings.json"


def _trial_files(out: Path) -> Iterator[Path]:
    """Search: each finished trial, the settings and the split, and with the leaderboard the rest.

    The state of Keras Tuner itself (oracle.json, tuner0.json) is written anew all the time.
    """
    finished = (out / "leaderboard.csv").exists()
    for path in _files(out):
        if path.name == "trial.json":
            if '"status": "COMPLETED"' in path.read_text(encoding="utf-8"):
                yield path
        elif finished or path.name in ("settings.json", "split.csv"):
            yield path


def _course_files(out: Path) -> Iterator[Path]:
    """Notebooks: what 02 leaves in the workspace. Pages are written anew by every run."""
    workspace = out / "workspace"
    yield from (path for path in _files(workspace) if path.name in ("split.csv", "cases.csv"))


def _pages(out: Path) -> list:
    """The notebooks that run.json calls done, and what it promises of them that is not there."""
    stored = json.loads((out / "run.json").read_text(encoding="utf-8"))
    done = [(entry["name"], entry["failure"]) for entry in stored["notebooks"]]
    return [*done, *unkept_promises(out)]


def _metrics(out: Path) -> object:
    return json.loads((out / "metrics.json").read_text(encoding="utf-8"))


def _search_results(out: Path) -> object:
    board = pd.read_csv(out / "leaderboard.csv").drop(columns="trial")
    return _metrics(out), board.to_dict("records")


@contextmanager
def _on_phantoms(folder: Path) -> Iterator[dict]:
    """Phantoms in a workspace of the run's own, and no choice from outside."""
    from cxrlab.phantoms import make_phantoms

    data = make_phantoms(folder / "phantoms", size="tiny")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CXRLAB_")}
    yield {**kept, "CXRLAB_DATA": str(data), "CXRLAB_WORKSPACE": str(folder / "workspace")}


@contextmanager
def _upstream(folder: Path) -> Iterator[dict]:
    """A server of our own that holds phantoms in place of the real X-rays."""
    from upstream import Upstream

    with _on_phantoms(folder) as environment, Upstream() as server:
        data = Path(environment.pop("CXRLAB_DATA"))
        server.take(data)
        pictures = sorted((data / "nih-no-finding").iterdir())[:4]
        server.add_external([path.read_bytes() for path in pictures])
        server.misbehave("*", "late", seconds=0.3)  # so that a kill finds work undone
        yield {**environment, "CXRLAB_MIRROR": server.root}


def _fetched(out: Path) -> object:
    return sorted((str(path.relative_to(out)), digest(path)) for path in _files(out))


def _fetch(out: Path) -> list[str]:
    """Three of the kinds, which the server of our own has."""
    script = "import sys; from cxrlab.sources import fetch\n"
    script += "for what in ('covid', 'kermany', 'external'): fetch(what, sys.argv[1])"
    return ["-c", script, str(out)]


def _smoke(*words: str) -> Callable[[Path], list[str]]:
    return lambda out: ["-m", "cxrlab", *words, "--budget", "smoke", "--out", str(out)]


COMMANDS = {
    command.name: command
    for command in (
        Command("train", _smoke("train", "--folds", "2"), _fold_files, _metrics, _on_phantoms),
        Command(
            "tune", _smoke("tune", "--trials", "4"), _trial_files, _search_results, _on_phantoms
        ),
        Command("run", _smoke("run", "--notebooks", "02-03"), _course_files, _pages, _on_phantoms),
        Command("fetch", _fetch, _files, _fetched, _upstream, as_served=True),
    )
}
