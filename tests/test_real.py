"""The whole way on real X-rays: prepare, train, and the notebooks."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from cxrlab.choices import get_budget
from cxrlab.filters import prepare
from cxrlab.runs import train_run
from cxrlab.splits import check_split, split_by_patient

pytestmark = pytest.mark.real


@pytest.mark.parametrize(("negatives", "each"), [("kermany", 168), ("adult", 150), ("mixed", 168)])
def test_cases_are_balanced_with_the_negatives_that_were_asked_for(real_data, negatives, each):
    prepared = prepare(real_data, negatives)
    assert prepared.cases["label"].value_counts().to_dict() == {0: each, 1: each}
    sources = set(prepared.cases.loc[prepared.cases["label"] == 0, "source"])
    wanted = {"kermany": {"chest_xray"}, "adult": {"nih-no-finding"}}
    assert sources == wanted.get(negatives, {"chest_xray", "nih-no-finding"})
    split = split_by_patient(prepared.cases)
    assert check_split(split) == []


def test_the_same_xray_under_two_patients_stays_in_one_part(real_data):
    # extubation-1.jpg is AR-1.jpg with a note written into it, under another patient's number.
    prepared = prepare(real_data)
    split = split_by_patient(prepared.cases)
    copies = [f"covid-chestxray-dataset/{name}.jpg" for name in ("extubation-1", "AR-1")]
    holding = [name for name, part in split.parts().items() if part["image_id"].isin(copies).any()]
    assert len(holding) == 1


@pytest.mark.training
def test_cross_validation_reaches_the_course_s_figures(real_data, tmp_path):
    metrics = train_run(tmp_path / "run", real_data, get_budget("class"), folds=5, seed=0)
    assert metrics["n"] == 336
    assert metrics["recall"]["value"] >= 0.93
    assert metrics["precision"]["value"] >= 0.90


@pytest.mark.slow
def test_the_notebooks_run_on_real_xrays(real_data, tmp_path):
    from cxrlab.running.course import run_course

    said = io.StringIO()
    stopped = run_course(
        notebooks="01-07",
        budget="smoke",
        data=real_data,
        out=tmp_path / "out",
        console=Console(file=said),
    )
    assert not stopped, said.getvalue()
    assert {path.stem[:2] for path in (tmp_path / "out").glob("0*.html")} == {
        "01",
        "02",
        "03",
        "04",
        "05",
        "06",
        "07",
    }
