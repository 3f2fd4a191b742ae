"""Strangers' code in processes of their own: one runs a notebook, others judge its answers.

No security boundary: whoever runs a notebook lets it do all that they may do themselves.
"""

import os
import pickle
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import nbformat
import psutil

from cxrlab.exercises.engine import Exercise
from cxrlab.exercises.quiz import exercises_by_notebook
from cxrlab.files import write_json
from cxrlab.hosts import GIGABYTE

# All that a submission sees of the instructor's environment, which may hold tokens.
PASSED_ON = "PATH PYTHONPATH VIRTUAL_ENV LD_LIBRARY_PATH LANG LC_ALL TZ SYSTEMROOT TMPDIR TEMP TMP"
RESTS_ON = ("builtins", "cxrlab", "numpy", "pandas")  # the modules that a verdict comes from


class Limits(NamedTuple):
    """Of one submission: the course's budget, minutes, GB of memory (held to on Linux only)."""

    budget: str = "smoke"
    minutes: float = 10
    memory: float = 4


def run_apart(code: str, home: Path, limits: Limits) -> str:
    """Run Python with ``home`` as home, workspace and place: why it ended early, or ``""``."""
    environment = {name: os.environ[name] for name in PASSED_ON.split() if name in os.environ}
    environment |= {"HOME": str(home), "USERPROFILE": str(home), "CXRLAB_WORKSPACE": str(home)}
    environment |= {"CXRLAB_BUDGET": limits.budget, "CXRLAB_MEMORY": str(limits.memory)}
    command = [sys.executable, "-P", "-c", code]  # -P: no module of the submission's in the way
    with (home / "log.txt").open("w+b") as log:
        where = {"cwd": home, "env": environment, "stdout": log, "stderr": log}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **where)
    try:
        with suppress(
            AttributeError, OSError, psutil.Error
        ):  # macOS and Windows have no such limit
            # A kernel inherits it: a cell that wants more gets a MemoryError.
            most = int(limits.memory * GIGABYTE)
            psutil.Process(process.pid).rlimit(psutil.RLIMIT_DATA, (most, most))
        if (ended := process.wait(60 * limits.minutes)) == 0:
            return ""
        if ended == -signal.SIGINT:
            raise KeyboardInterrupt
        said = (home / "log.txt").read_text("utf-8", "replace").strip().rpartition("\n")[2]
        return f"stopped early ({said or ended})"
    except subprocess.TimeoutExpired:
        return f"stopped after {limits.minutes:g} minutes"
    finally:
        with suppress(psutil.NoSuchProcess):
            for each in psutil.Process(process.pid).children(recursive=True):
                each.kill()
        process.kill()
        process.wait()


def run(notebook: str, minutes: float) -> None:
    """Execute it in its folder. A cell that fails, or takes a quarter of the time, is left."""
    from cxrlab.running.execute import execute

    careless = {"allow_errors": True, "timeout": 15 * minutes, "interrupt_on_timeout": True}
    path = Path(notebook)
    execution = execute(path, path.parent, {}, **careless)
    nbformat.write(execution.notebook, path.with_name("ran.ipynb"))
    sys.exit(execution.failure.partition(": ")[2] or 0)


def judge(answer: str) -> None:
    """Write the verdict on the answer in ``01.matrix.answer`` into ``01.matrix.json``."""
    file = Path(answer)
    exercise = {e.key: e for own in exercises_by_notebook().values() for e in own}[file.stem]
    before = parts_of_the_library()
    verdict = exercise.judge(pickle.loads(file.read_bytes()))
    now = parts_of_the_library()
    changed = next((place[1] for place, p in before.items() if now.get(place) is not p), "")
    said = f"It changes `{changed}`, which judges it." if changed else verdict.message
    state = "TAMPERED" if changed else verdict.state.name
    write_json(file.with_suffix(".json"), [state, said])


def parts_of_the_library() -> dict[tuple[int, str], Any]:
    """What a patch would replace: functions, methods, exercises and what these hold."""
    modules = [m for name, m in sys.modules.items() if name.partition(".")[0] in RESTS_ON]
    within = [p for m in modules for p in vars(m).values() if isinstance(p, type | Exercise)]
    return {
        (id(owner), name): getattr(part, "__code__", part)
        for owner in modules + within
        for name, part in vars(owner).items()
        if callable(part) or not isinstance(owner, ModuleType)
    }
