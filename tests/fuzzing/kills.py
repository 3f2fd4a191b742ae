"""Kills cxrlab at random moments, and looks whether anything that was finished is lost.

    make test-kills          fifty kills over train, tune, run and fetch

Each command is first run undisturbed, which says how long it takes. Then it is started in a new
folder, killed at a random moment (SIGKILL: nothing can be tidied up), looked at, started again
and killed again, some times in a row, and at last left alone: it has to end with exit code 0.
Exit code 1 where anything was lost. Prints a JSON summary. For POSIX systems.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from fuzzing.finished import (
    COMMANDS,
    Command,
    digest,
    finished,
    half_written,
    results,
    unkept_promises,
)

PATIENCE = 15  # times the undisturbed run: what a start may take before it counts as hanging


@dataclass
class Tally:
    """What came of the kills of one command."""

    seconds: float  # of the undisturbed run
    kills: int = 0
    too_late: int = 0  # the command had ended before its kill came
    kept: int = 0  # finished files that were compared after a kill
    completed: int = 0  # last starts that ended with exit code 0
    same_results: int = 0  # of these, with the results of the undisturbed run
    left_behind: int = 0  # hidden temporary files that a kill left
    faults: list[str] = field(default_factory=list)


def start(command: Command, out: Path, environment: dict, log: Path) -> subprocess.Popen:
    """The command as a shell would start it, in a process group of its own."""
    with log.open("ab") as said:
        return subprocess.Popen(
            [sys.executable, *command.words(out)],
            stdout=said,
            stderr=said,
            stdin=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )


def kill(process: subprocess.Popen) -> None:
    """SIGKILL to the process, its group, and its children (a notebook's kernel has its own)."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        children = []
    os.killpg(process.pid, signal.SIGKILL)
    for child in children:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(children, timeout=10)
    process.wait()


def to_the_end(command: Command, out: Path, environment: dict, log: Path, limit: float) -> int:
    """The exit code of a start that is left alone; it is killed after ``limit`` seconds."""
    process = start(command, out, environment, log)
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        kill(process)
        return -signal.SIGKILL


def look(
    command: Command, out: Path, before: dict[Path, str], tally: Tally, wanted: object
) -> dict[Path, str]:
    """Compare with what had been finished ``before``; what is finished now."""
    for name in unkept_promises(out):
        tally.faults.append(f"{command.name}: {name} is promised and not there")
    for path in half_written(command, out, wanted):
        tally.faults.append(f"{command.name}: {path.relative_to(out)} is half-written")
    for path, sha256 in before.items():
        tally.kept += 1
        if digest(path) != sha256:
            tally.faults.append(f"{command.name}: {path.relative_to(out)} was lost or changed")
    return finished(command, out)


def disturbed(
    command: Command,
    out: Path,
    environment: dict,
    kills: int,
    rng: random.Random,
    tally: Tally,
    wanted: object,
) -> None:
    """Kill the command ``kills`` times in the same folder, then let it complete."""
    kept: dict[Path, str] = {}
    log, limit = out.with_suffix(".log"), PATIENCE * tally.seconds + 60
    for _ in range(kills):
        process = start(command, out, environment, log)
        try:
            process.wait(rng.uniform(0, tally.seconds))
        except subprocess.TimeoutExpired:
            kill(process)
            tally.kills += 1
        else:
            tally.too_late += 1
            if process.returncode:
                tally.faults.append(f"{command.name}: a restart failed, see {log}")
        kept = look(command, out, kept, tally, wanted)
    code = to_the_end(command, out, environment, log, limit)
    look(command, out, kept, tally, wanted)
    hidden = [path for path in out.rglob(".*") if path.suffix != ".lock"]
    tally.left_behind += len(hidden)
    if code:
        tally.faults.append(f"{command.name}: exit code {code} at the end, see {log}")
        return
    tally.completed += 1
    tally.same_results += results(command, out) == wanted
    shutil.rmtree(out)


def run(names: list[str], kills: int, seed: int, folder: Path, in_a_row: int = 5) -> dict:
    """Kill each of the commands ``kills`` times or a few more; the summary."""
    rng, tallies = random.Random(seed), {}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in names:
        command = COMMANDS[name]
        with ExitStack() as stack:
            environment = stack.enter_context(command.surroundings(folder))
            out = folder / f"{name}-undisturbed"
            begun = time.monotonic()
            code = to_the_end(command, out, environment, folder / "log", 900)
            tally = tallies[name] = Tally(round(time.monotonic() - begun, 1))
            if code:
                tally.faults.append(f"{name}: exit code {code} undisturbed, see {folder / 'log'}")
                continue
            wanted, number = results(command, out), 0
            while tally.kills < kills and len(tally.faults) < 10:
                number += 1
                row = min(in_a_row, kills - tally.kills)
                out = folder / f"{name}-{number}"
                disturbed(command, out, environment, row, rng, tally, wanted)
                print(json.dumps({name: vars(tally)}), file=sys.stderr, flush=True)
    return {
        "seed": seed,
        "kills": sum(tally.kills for tally in tallies.values()),
        "commands": {name: vars(tally) for name, tally in tallies.items()},
        "faults": sum(len(tally.faults) for tally in tallies.values()),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commands", nargs="+", choices=list(COMMANDS), default=list(COMMANDS))
    parser.add_argument("--kills", type=int, default=13, help="of each command, at the least")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("build") / "kills")
    asked = parser.parse_args()
    found = run(asked.commands, asked.kills, asked.seed, asked.folder.absolute())
    print(json.dumps(found, indent=1))
    return 1 if found["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
