"""The page of measurements: how it is put together. Nothing here is timed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"


def load(name: str):
    """A script of the folder as a module."""
    spec = importlib.util.spec_from_file_location(f"bench_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def measure():
    return load("measure")


@pytest.fixture
def run_all():
    return load("run_all")


def test_every_benchmark_is_run_by_make_bench(run_all):
    scripts = {path.stem for path in FOLDER.glob("*.py") if "print_json" in path.read_text()}
    assert scripts - {"measure"} == set(run_all.SCRIPTS)


def test_the_page_shows_what_was_measured_and_what_was_missed(measure, run_all):
    where = {"script": "x", "date": "2026-01-02", "machine": "a machine", "versions": "Python 3"}
    claims = [
        measure.result(
            "faster", "s", {"a": [6], "b": [3]}, ratio=("a", "b"), needed="2.5", met=False, note="!"
        ),
        measure.result("small", "MB", {"peak": [5]}, needed="at most 9", met=True),
    ]
    page = run_all.page([{**claim, **where} for claim in claims])
    assert "| faster | a 6, b 3 s | 2.00 | 2.5 | **no** | `x`, 2026-01-02 |" in page
    assert "| small | peak 5 MB |  | at most 9 | yes |" in page
    assert "- **faster**: !" in page
    assert "Measured on a machine; Python 3." in page


def test_a_failing_script_leaves_the_others_and_is_named(run_all, monkeypatch, tmp_path, capsys):
    (tmp_path / "good.py").write_text(
        "import json\nprint(json.dumps({'claim': 'c', 'unit': 's', 'median': {'a': 1}, "
        "'ratio': None, 'needed': 'n', 'met': None}))"
    )
    (tmp_path / "bad.py").write_text("raise SystemExit(3)")
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(run_all, "HERE", tmp_path)
    monkeypatch.setattr(run_all, "REPOSITORY", tmp_path)
    monkeypatch.setattr(run_all, "SCRIPTS", {"bad": False, "good": False})
    monkeypatch.setattr(sys, "argv", ["run_all"])
    with pytest.raises(SystemExit, match="Not measured: bad"):
        run_all.main()
    assert "| c | a 1 s |" in (tmp_path / "docs" / "performance.md").read_text()
