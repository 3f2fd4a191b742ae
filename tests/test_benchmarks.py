"""The page of measurements: how it is put together. Nothing here is timed."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from cxrlab.choices import BUDGETS

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


@pytest.fixture
def gpu_minutes(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("gpu_minutes")


# Where a network of Keras is trained in a notebook, and how often it stands there.
TRAINED = {
    "03": {"model.fit(": 3, ": train_again(": 4, "small.fit(": 1},
    "05": {"\n    tuner.search(train": 1, "build_model(best).fit(": 1},
    "06": {"model.fit(": 1, "fit(everyone.take(": 1, "reader = fit(": 1},
}


def test_the_trainings_that_are_reckoned_are_those_of_the_notebooks(gpu_minutes):
    budget = BUDGETS["class"]
    planned = gpu_minutes.trainings(budget, 192, 400, eager=False)
    assert {each.notebook for each in planned} == TRAINED.keys() == gpu_minutes.WORDS.keys()
    times = {name: sum(e.times for e in planned if e.notebook == name) for name in TRAINED}
    # In 03 train_again is no training of its own; in 06 two designs in two halves, and the letter.
    assert times == {"03": 3 - 1 + 4 + 1, "05": budget.trials + 1, "06": 2 * 2 + 1}
    for path in (FOLDER.parent / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        source = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        expected = TRAINED.get(path.stem[:2], {"model.fit(": 0, "\n    tuner.search(": 0})
        assert {call: source.count(call) for call in expected} == expected, path.name


def test_budgets_and_memory_decide_how_much_is_trained(gpu_minutes):
    full = gpu_minutes.trainings(BUDGETS["full"], 700, 500, eager=False)
    assert [each.images for each in full if each.notebook == "06"] == [500, 700]
    assert [each.times for each in full if each.notebook == "05"] == [24 + 1]  # not 50
    short = gpu_minutes.trainings(BUDGETS["class"], 192, 500, eager=True)
    assert [each.times for each in short if each.notebook == "05"] == [
        1
    ]  # the trials are looked up


def test_minutes_are_the_first_epoch_and_the_median_of_the_later_ones(gpu_minutes):
    training = gpu_minutes.Training("06", 2, 6, 192)
    assert gpu_minutes.minutes(training, [30, 6, 9, 12]) == (2.5, 2.0, 3.0)
    once = gpu_minutes.Training("03", 1, 1, 192)
    assert gpu_minutes.minutes(once, [30]) == (0.5, 0.5, 0.5)
    rest = [(gpu_minutes.Training(name, 1, 1, 192), [60]) for name in ("03", "05")]
    page = gpu_minutes.table({"class": [*rest, (training, [30, 6, 9, 12])]})
    assert page.splitlines()[0] == "| notebook | trains | `class`, minutes |"
    assert "| 06 | five trainings | 2.5 (2.0 to 3.0) |" in page
    assert page.splitlines()[-1] == "| 01, 02, 04, 07 | nothing | 0 |"


@pytest.mark.slow
def test_the_table_of_minutes_is_printed_at_the_smallest_budget():
    command = [sys.executable, str(FOLDER / "gpu_minutes.py")]
    command += ["--budgets", "smoke", "--minutes", "0"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    heading, rule, *rows = done.stdout.partition("\n\n")[0].splitlines()
    assert (heading, rule) == ("| notebook | trains | `smoke`, minutes |", "|---|---|---|")
    assert len(rows) == 4
    assert "Measured on 2" in done.stdout


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
