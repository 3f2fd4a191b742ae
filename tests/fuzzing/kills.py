"""The documented kills: commands are stopped at random moments, and nothing finished is lost.

    make test-kills          fifty kills over train, tune, run and fetch

Each command is first run undisturbed, which says how long it takes. Then it is started in a new
folder, killed at a random moment (SIGKILL: nothing can be tidied up), looked at, started again
and killed again, some times in a row, and at last left alone: it has to end with exit code 0.
Exit code 1 where anything was lost. Prints a JSON summary. For POSIX systems.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import nbformat
import pandas as pd
import psutil
from PIL import Image

PATIENCE = 15  # times the undisturbed run: what a start may take before it counts as hanging
STATE = ("oracle.json", "tuner0.json")  # of Keras Tuner, written anew all the time


class Command(NamedTuple):
    """What follows ``python``, and what counts in its folder as finished and as its result."""

    words: list[str]
    finished: Callable[[Path], Iterable[Path]]
    results: Callable[[Path], object]


def final_files(out: Path) -> list[Path]:
    """Files under final names: no hidden ones, which nobody reads."""
    inside = [path.relative_to(out) for path in sorted(out.rglob("*")) if path.is_file()]
    return [out / p for p in inside if not any(part[0] == "." for part in p.parts)]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"


def is_whole(path: Path) -> bool:
    """Whether a file can be read to its end, as its suffix says what it is."""
    try:
        match path.suffix.lower():
            case ".json":
                json.loads(path.read_text(encoding="utf-8"))
            case ".html":
                return path.read_text(encoding="utf-8").rstrip().endswith("</html>")
            case ".ipynb":
                nbformat.validate(nbformat.read(path, as_version=4))
            case ".csv":
                pd.read_csv(path, low_memory=False)
                return path.read_bytes().endswith(b"\n")
            case ".keras" | ".zip":
                return zipfile.ZipFile(path).testzip() is None
            case ".png" | ".jpg" | ".jpeg":
                Image.open(path).load()
    except (OSError, ValueError, zipfile.BadZipFile, nbformat.ValidationError):
        return False
    return True


def broken(out: Path, served: dict[str, str] | None = None) -> list[str]:
    """What is half-written, and what is promised and not there.

    A fetched file is whole where it is the one that the server has, ``served``.
    """
    files = {path.relative_to(out).as_posix(): path for path in final_files(out)}
    found = [
        f"{name} is half-written"
        for name, path in files.items()
        if path.name not in STATE
        and (not is_whole(path) if served is None else served.get(name) != digest(path))
    ]
    promised = []
    if "run.json" in files:
        for entry in json.loads(files["run.json"].read_text(encoding="utf-8"))["notebooks"]:
            promised += [entry["page"], f"notebooks/{Path(entry['page']).stem}.ipynb"]
    if "metrics.json" in files:
        promised += ["model.keras", "history.csv", "predictions.csv"]
    return found + [f"{name} is promised and not there" for name in promised if name not in files]


def folds(out: Path) -> Iterator[Path]:
    """Training: a fold is finished with its predictions, a run with its metrics."""
    for mark in out.glob("fold-*/predictions.csv"):
        yield from final_files(mark.parent)
    if (out / "metrics.json").exists():
        yield from final_files(out)
    yield from out.glob("settings.json")


def trials(out: Path) -> Iterator[Path]:
    """Search: finished trials, settings and split, and with the leaderboard all the rest."""
    finished = (out / "leaderboard.csv").exists()
    for path in final_files(out):
        if path.name == "trial.json":
            if '"status": "COMPLETED"' in path.read_text(encoding="utf-8"):
                yield path
        elif path.name not in STATE and (finished or path.name in ("settings.json", "split.csv")):
            yield path


def handed_over(out: Path) -> Iterator[Path]:
    """Notebooks: what 02 leaves in the workspace. Pages are written anew by every run."""
    files = final_files(out / "workspace")
    yield from (path for path in files if path.name in ("split.csv", "cases.csv"))


def metrics(out: Path) -> object:
    return json.loads((out / "metrics.json").read_text(encoding="utf-8"))


def leaderboard(out: Path) -> object:
    board = pd.read_csv(out / "leaderboard.csv").drop(columns="trial")
    return metrics(out), board.to_dict("records")


def pages(out: Path) -> object:
    """The notebooks that run.json calls done."""
    stored = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return [(entry["name"], entry["failure"]) for entry in stored["notebooks"]]


def fetched(out: Path) -> dict[str, str]:
    return {path.relative_to(out).as_posix(): digest(path) for path in final_files(out)}


FETCH = "import sys; from cxrlab.sources import fetch\n"
FETCH += "for what in ('covid', 'kermany', 'external'): fetch(what, sys.argv[-1])"
SMOKE = ["--budget", "smoke", "--out"]
COMMANDS = {
    "train": Command(["-m", "cxrlab", "train", "--folds", "2", *SMOKE], folds, metrics),
    "tune": Command(["-m", "cxrlab", "tune", "--trials", "4", *SMOKE], trials, leaderboard),
    "run": Command(["-m", "cxrlab", "run", "--notebooks", "02-03", *SMOKE], handed_over, pages),
    "fetch": Command(["-c", FETCH], final_files, fetched),
}


@contextmanager
def surroundings(folder: Path) -> Iterator[dict]:
    """Phantoms in a workspace of the run's own, a server that has them, no choice from outside."""
    from upstream import Upstream

    from cxrlab.phantoms import make_phantoms

    data = make_phantoms(folder / "phantoms", size="tiny")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CXRLAB_")}
    kept |= {"CXRLAB_DATA": str(data), "CXRLAB_WORKSPACE": str(folder / "workspace")}
    with Upstream() as server:
        server.take(data)
        pictures = sorted((data / "nih-no-finding").iterdir())[:4]
        server.add_external([path.read_bytes() for path in pictures])
        server.misbehave("*", "late", seconds=0.3)  # so that a kill finds work undone
        yield {**kept, "CXRLAB_MIRROR": server.root}


def kill(process: subprocess.Popen) -> None:
    """SIGKILL to the process, its group, and its children (a notebook's kernel has its own)."""
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGKILL)
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(children, timeout=10)
    process.wait()


def start(words: list[str], log: Path, environment: dict, seconds: float) -> int | None:
    """The exit code of a start in a process group of its own, None where it had to be killed."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, *words],
            stdout=said,
            stderr=said,
            stdin=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        kill(process)


def disturb(name: str, kills: int, rng: random.Random, folder: Path, in_a_row: int) -> dict:
    """Kill a command so many times, some in a row in the same folder; what came of it."""
    command, log = COMMANDS[name], folder / f"{name}.log"
    tally = {"kills": 0, "kept": 0, "completed": 0, "same_results": 0, "faults": []}
    with surroundings(folder) as environment:
        out, begun = folder / f"{name}-undisturbed", time.monotonic()
        code = start([*command.words, str(out)], log, environment, 900)
        if code != 0:
            return tally | {"faults": [f"exit code {code} undisturbed, see {log}"]}
        seconds, wanted = time.monotonic() - begun, command.results(out)
        served = wanted if name == "fetch" else None
        while tally["kills"] < kills and not tally["faults"]:
            out, before = folder / f"{name}-{tally['kills']}", {}
            for last in [False] * min(in_a_row, kills - tally["kills"]) + [True]:
                limit = PATIENCE * seconds + 60 if last else rng.uniform(0, seconds)
                code = start([*command.words, str(out)], log, environment, limit)
                tally["kills"] += code is None
                tally["faults"] += [] if code in (0, None) else [f"exit code {code}, see {log}"]
                if out.exists():
                    tally["faults"] += broken(out, served)
                lost = [path.name for path, sha256 in before.items() if digest(path) != sha256]
                tally["faults"] += [f"{each} was lost or changed" for each in lost]
                tally["kept"] += len(before)
                before = {path: digest(path) for path in command.finished(out)}
            tally["completed"] += code == 0
            tally["same_results"] += code == 0 and command.results(out) == wanted
            tally["faults"] += ["it hangs"] if code is None else []
    return tally


def run(names: list[str], kills: int, seed: int, folder: Path, in_a_row: int = 5) -> dict:
    """Kill each of the commands ``kills`` times or a few more; the summary."""
    rng, found = random.Random(seed), {}
    for name in names:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        found[name] = disturb(name, kills, rng, folder, in_a_row)
        print(json.dumps({name: found[name]}), file=sys.stderr, flush=True)
        if found[name]["faults"]:
            break  # what is in the folder tells more
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commands", nargs="+", choices=list(COMMANDS), default=list(COMMANDS))
    parser.add_argument("--kills", type=int, default=13, help="of each command, at the least")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    found = run(asked.commands, asked.kills, asked.seed, Path("build/kills").absolute())
    print(json.dumps(found, indent=1))
    return int(any(each["faults"] for each in found.values()))


if __name__ == "__main__":
    sys.exit(main())
