"""One way through the house: imports go along the flow, and never back."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cxrlab

PACKAGE = Path(cxrlab.__file__).parent

# The rooms in the order of the flow. A room imports from its own line and from those above it.
FLOW = [
    {"errors", "quiet", "hosts"},
    {"files", "budgets", "progress", "recordings", "memory", "stored", "chosen"},
    {"images"},
    {"fetching"},
    # The schema is the words in which sources and catalog speak; it imports neither.
    {"sources", "catalog"},
    {"splits", "cases", "data_status"},
    {"preparation", "augmentation"},
    {"pipeline", "precision", "convolution", "devices", "callbacks"},
    {"model", "residual", "transfer", "quick_steps", "one_graph"},
    {"training"},
    {"evaluation", "tuning", "explain", "checkpoints"},
    {"designs"},
    {"shortcuts", "recipes"},
    {"repairs"},
    {"case_folders"},
    {"case_files"},
    {"runs"},
    {"tuned_runs", "repair_runs", "workspace", "cards"},
    {"plots", "course", "reader"},
    {"widgets", "exercises"},
    {"links", "doctor", "lab", "running"},
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


def test_the_schema_imports_no_room_but_the_errors():
    assert imported_rooms(PACKAGE / "catalog" / "schema.py") <= {"errors"}


def loaded_after(code: str) -> set[str]:
    command = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_importing_the_package_is_light():
    heavy = {"tensorflow", "keras", "pandas", "matplotlib", "sklearn", "numpy"}
    assert not heavy & loaded_after("import cxrlab")


def test_what_needs_no_model_loads_no_tensorflow():
    rooms = "cases, evaluation, plots, reader, splits, sources, images, runs, course, tuning"
    rooms += ", case_files, shortcuts"
    assert not {"tensorflow", "keras", "keras_tuner"} & loaded_after(f"from cxrlab import {rooms}")
