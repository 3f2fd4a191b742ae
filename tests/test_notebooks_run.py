"""Notebooks executed as tests: every line that stands commented out, and 03 without the library."""

from __future__ import annotations

import re

import nbformat
import pytest

from cxrlab.publish import CHECKOUT
from cxrlab.running.course import environment_for
from cxrlab.running.execute import execute

NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))
# 06 and 07 hold no such lines but hints and solutions, which the tests of the exercises run.
LONGER = [path for path in NOTEBOOKS if path.stem[:2] in ("01", "02", "03", "04", "05")]
# A call or an assignment behind a hash, and no sentence.
COMMENTED = re.compile(r"^(\s*)# ([\w.]+(?:\(| = ).*)$", re.MULTILINE)
FROM_THE_LIBRARY = "from the library"
WITHOUT = """
import sys

sys.modules["cxrlab.model"] = sys.modules["cxrlab.tuning"] = None
"""


def uncommented(source: str) -> str:
    """The cell with every commented-out line of code in force."""
    return COMMENTED.sub(r"\1\2", source)


def test_a_commented_line_is_told_from_a_sentence():
    assert uncommented("x = 1\n# nb03.x.hint()") == "x = 1\nnb03.x.hint()"
    assert uncommented("# found = search(3)") == "found = search(3)"
    for sentence in ("# between the calls 0 and 1", "# (n, 1) like the scores", "y = 1  # two()"):
        assert uncommented(sentence) == sentence


@pytest.mark.slow
@pytest.mark.parametrize("path", LONGER, ids=lambda path: path.stem)
def test_every_commented_line_runs(path, tmp_path):
    """And 03 without the library's networks and search, as it is written in the open."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert sum(len(COMMENTED.findall(cell.source)) for cell in code) >= 2
    for cell in code:
        cell.source = uncommented(cell.source)
    if path.stem.startswith("03"):
        notebook.cells = [
            cell for cell in notebook.cells if FROM_THE_LIBRARY not in cell.metadata.get("tags", [])
        ]
        notebook.cells.insert(0, nbformat.v4.new_code_cell(WITHOUT))
    copy = tmp_path / "notebook.ipynb"
    nbformat.write(notebook, copy)
    environment = environment_for("smoke", None, tmp_path / "workspace")
    execution = execute(copy, path.parent, environment | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    assert not execution.failure, execution.failure
    said = nbformat.writes(execution.notebook)
    assert "Not attempted yet" in said
    assert "5,631,169" in said or not path.stem.startswith("03")
