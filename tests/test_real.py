"""The whole way on real X-rays: training, and the notebooks."""

from __future__ import annotations

import pytest

from cxrlab.choices import get_budget
from cxrlab.runs import TrainPlan, train_run

pytestmark = pytest.mark.real


@pytest.mark.training
def test_cross_validation_reaches_the_course_s_figures(real_data, tmp_path):
    metrics = train_run(tmp_path / "run", real_data, get_budget("class"), TrainPlan(folds=5))
    assert metrics["n"] == 336
    assert metrics["recall"]["value"] >= 0.93
    assert metrics["precision"]["value"] >= 0.90


@pytest.mark.slow
def test_the_notebooks_run_on_real_xrays(real_data, tmp_path):
    from cxrlab.running.course import run_course

    assert run_course("01-07", "smoke", real_data, tmp_path / "out") == []
    pages = {path.stem[:2] for path in (tmp_path / "out").glob("0*.html")}
    assert pages == {f"0{number}" for number in range(1, 8)}
