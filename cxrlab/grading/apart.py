"""Strangers' code in processes of their own: one runs a notebook, others judge its answers.

No security boundary: whoever runs a notebook lets it do all that they may do themselves.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

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


def run_apart(command: list[str], home: Path, limits: Limits) -> str:
    """Run Python with ``home`` as home, workspace and place: why it ended early, or ``""``."""
    environment = {name: os.environ[name] for name in PASSED_ON.split() if name in os.environ}
    environment |= {"HOME": str(home), "USERPROFILE": str(home), "CXRLAB_WORKSPACE": str(home)}
    environment |= {"CXRLAB_BUDGET": limits.budget, "CXRLAB_MEMORY": str(limits.memory)}
    with (home / "log.txt").open("w+b") as log:
        where = {"cwd": home, "env": environment, "stdout": log, "stderr": log}
        process = subprocess.Popen([sys.executable, *command], stdin=subprocess.DEVNULL, **where)
    try:
        if (code := process.wait(60 * limits.minutes)) == 0:
            return ""
        if code == -signal.SIGINT:
            raise KeyboardInterrupt
        said = (home / "log.txt").read_text("utf-8", "replace").strip().rpartition("\n")[2]
        return f"stopped early ({said or code})"
    except subprocess.TimeoutExpired:
        return f"stopped after {limits.minutes:g} minutes"
    finally:
        with suppress(psutil.NoSuchProcess):
            for each in psutil.Process(process.pid).children(recursive=True):
                each.kill()
        process.kill()
        process.wait()


def run(notebook: Path, minutes: float) -> None:
    """Execute it in its folder. A cell that fails, or takes a quarter of the time, is left."""
    import nbformat

    from cxrlab.running.execute import execute

    careless = {"allow_errors": True, "timeout": 15 * minutes, "interrupt_on_timeout": True}
    execution = execute(notebook, notebook.parent, {}, **careless)
    nbformat.write(execution.notebook, notebook.with_name("ran.ipynb"))
    sys.exit(execution.failure.partition(": ")[2] or 0)


def judge(file: Path) -> None:
    """Write the verdict on the answer in ``01.matrix.answer`` into ``01.matrix.json``."""
    exercise = {e.key: e for own in exercises_by_notebook().values() for e in own}[file.stem]
    before = parts_of_the_library()
    verdict = exercise.judge(pickle.loads(file.read_bytes()))
    now = parts_of_the_library()
    changed = next((".".join(k) for k, part in before.items() if now.get(k) is not part), "")
    said = f"It changes what judges it: {changed}." if changed else verdict.message
    state = "TAMPERED" if changed else verdict.state.name
    write_json(file.with_suffix(".json"), [state, said])


def parts_of_the_library() -> dict[tuple[str, ...], Any]:
    """Functions, methods and exercises, by name, and their code: what a patch would replace."""
    modules = [(n, m) for n, m in sys.modules.items() if n.partition(".")[0] in RESTS_ON]
    found = {(n, key): part for n, m in modules for key, part in vars(m).items()}
    found = {k: part for k, part in found.items() if callable(part) or isinstance(part, Exercise)}
    for key, part in list(found.items()):
        if isinstance(part, type | Exercise):
            found |= {(*key, name): inner for name, inner in vars(part).items()}
    codes = {(*k, "code"): f.__code__ for k, f in found.items() if hasattr(f, "__code__")}
    return found | codes


if __name__ == "__main__":
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limit
        import resource  # the kernel inherits it: a cell that wants more gets a MemoryError

        resource.setrlimit(resource.RLIMIT_DATA, (int(float(sys.argv[4]) * GIGABYTE),) * 2)
    if sys.argv[1] == "run":
        run(Path(sys.argv[2]), float(sys.argv[3]))
    else:
        judge(Path(sys.argv[2]))
