"""One way through the house: imports go along the flow, and never back."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cxrlab
from cxrlab.running.refresh import OPENING_LINES

PACKAGE = Path(cxrlab.__file__).parent

# The rooms in the order of the flow. A room imports from its own line and from those above it.
FLOW = [
    {"errors", "hosts"},
    {"files", "recordings"},
    {"choices", "images", "phantoms"},
    {"sources"},
    {"filters"},
    {"splits"},
    {"pipeline", "convolution"},
    {"model"},
    {"training"},
    {"metrics"},
    {"elsewhere", "tuning", "shortcuts"},
    {"course", "pretrained"},
    {"recipes"},
    {"case_files"},
    {"runs"},
    {"card"},
    {"plots"},
    {"widgets", "reader", "exercises"},
    {"publish", "doctor", "running"},
    {"grading"},
    {"cli", "__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(FLOW) for room in rooms}


def room_of(module: str) -> str:
    """``cxrlab.sources.covid`` lies in the room ``sources``."""
    return module.split(".")[1] if "." in module else "cxrlab"


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def imported_rooms(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cxrlab."):
            found.add(room_of(node.module))
        elif isinstance(node, ast.ImportFrom) and node.module == "cxrlab":
            found |= {alias.name for alias in node.names if alias.name in LEVEL}
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            found |= {room_of(name) for name in names if name.startswith("cxrlab.")}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_along_the_flow(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert room in LEVEL, f"say in FLOW where the room {room} stands"
    backwards = {other for other in imported_rooms(path) if LEVEL[other] > LEVEL[room]}
    assert not backwards, f"{room} imports {backwards}, which come after it"


def run(code: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name[:3] != "TF_"}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )


def loaded_after(code: str) -> set[str]:
    done = run(f"import sys\n{code}\nprint(*sys.modules)")
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_importing_the_package_is_light():
    heavy = {"tensorflow", "keras", "pandas", "matplotlib", "sklearn", "numpy"}
    assert not heavy & loaded_after("import cxrlab")


def test_what_needs_no_model_loads_no_tensorflow():
    rooms = "metrics, elsewhere, plots, reader, splits, sources, images, runs, course"
    rooms += ", tuning, case_files, shortcuts"
    assert not {"tensorflow", "keras", "keras_tuner"} & loaded_after(f"from cxrlab import {rooms}")


def test_notebook_03_needs_no_network_metric_or_search_of_the_library():
    """It builds, trains and judges its own; the library brings the steps around that."""
    run(
        "import sys\n"
        "for name in ('model', 'metrics', 'tuning'):\n"
        "    sys.modules[f'cxrlab.{name}'] = None\n"
        "import cxrlab.course, cxrlab.training, cxrlab.pipeline, cxrlab.exercises.nb03\n"
        "print(cxrlab.training.machine(), cxrlab.training.warm_up(1e-3, 100)(0))"
    )


def test_tensorflow_says_little_where_the_course_was_imported_first():
    """What goes to standard error is a red box in a notebook.

    On some processors TensorFlow writes about its build before it reads any setting for its log.
    """
    code = "import cxrlab, keras\nkeras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])"
    assert OPENING_LINES.sub("", run(code).stderr) == ""


# The library is to be read in an afternoon: these only ever go down (the plan says 8,600 and 75).
MOST_LINES, MOST_FILES, LONGEST_FILE, SHORTEST_FILE = 10_761, 68, 500, 30
MOST_PARAMETERS = 6  # of a function; a command has its options


def length(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_the_library_stays_small():
    lengths = {path: length(path) for path in PACKAGE.rglob("*.py")}
    assert sum(lengths.values()) <= MOST_LINES
    assert len(lengths) <= MOST_FILES


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_is_one_subject_and_its_functions_are_simple(path):
    assert length(path) <= LONGEST_FILE
    assert length(path) >= SHORTEST_FILE or path.stem.startswith("__")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and path.parent.name != "cli":
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            names = [each.arg for each in given if each.arg not in ("self", "cls")]
            assert len(names) <= MOST_PARAMETERS, f"{node.name}({', '.join(names)})"
