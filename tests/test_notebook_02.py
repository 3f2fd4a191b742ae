"""Notebook 02 and the library make the same split, and what 02 hands over is checked."""

from __future__ import annotations

import nbformat
import pandas as pd
import pytest

from cxrlab import course
from cxrlab.errors import CXRLabError
from cxrlab.publish import CHECKOUT

NOTEBOOK = CHECKOUT / "notebooks" / "02_data_filtering.ipynb"


def run_cells(data, monkeypatch) -> dict:
    """The names that the notebook's code cells leave, without the cell that sets up Colab."""
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.setenv("CXRLAB_DATA", str(data))
    names: dict = {}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code" and "google.colab" not in cell.source:
            exec(compile(cell.source, NOTEBOOK.name, "exec"), names)
    return names


def assert_same_split(data, monkeypatch, tmp_path):
    names = run_cells(data, monkeypatch)
    kept = course.get_split(names["space"])
    ten = course.get_ten(names["space"])
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path / "cold"))
    cold = course.get_split(course.begin())
    pd.testing.assert_frame_equal(course.get_ten(course.begin()), ten)
    for name, part in cold.parts().items():
        assert part["image_id"].tolist() == kept.parts()[name]["image_id"].tolist()
        assert part["image_id"].tolist() == names[name]["image_id"].tolist()
        assert part["group"].tolist() == kept.parts()[name]["group"].tolist()
        assert not part["group"].isin(ten["group"]).any()
    counts = names["counts"]
    assert counts["together"] == counts["file is there"] + counts["NORMAL"]
    assert counts["balanced 1:1"] == sum(counts[name] for name in cold.parts())


@pytest.mark.parametrize(
    "data",
    [
        "phantom_data",
        pytest.param("course_phantoms", marks=pytest.mark.slow),
        pytest.param("real_data", marks=pytest.mark.real),
    ],
)
def test_a_cold_start_makes_the_split_of_notebook_02(data, request, monkeypatch, tmp_path):
    assert_same_split(request.getfixturevalue(data), monkeypatch, tmp_path)


def test_a_split_that_leaks_or_has_a_nameless_case_is_not_handed_over(phantom_data, monkeypatch):
    monkeypatch.setenv("CXRLAB_DATA", str(phantom_data))
    space = course.begin()
    split = course.get_split(space)
    leaking = pd.concat([split.test, split.train.head(1)])
    with pytest.raises(CXRLabError, match="1 patients are in more than one part"):
        course.keep_split(space, split.train, split.validation, leaking)
    nameless = split.test.assign(patient_id=pd.NA)
    with pytest.raises(CXRLabError, match="patient_id"):
        course.keep_split(space, split.train, split.validation, nameless)
    assert course.get_split(space).test["image_id"].equals(split.test["image_id"])
