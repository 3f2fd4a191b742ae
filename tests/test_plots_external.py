"""The figures of another hospital: what they draw is what they were given."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

from cxrlab.errors import CXRLabError
from cxrlab.evaluation import external_report
from cxrlab.plots import (
    plot_calibration,
    plot_decision_curve,
    plot_internal_external,
    plot_subgroups,
)


@pytest.fixture(scope="module")
def cases():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 60)
    return pd.DataFrame(
        {
            "label": labels,
            "score": np.clip(0.4 + 0.25 * labels + rng.normal(0, 0.15, 120), 0.01, 0.99),
            "sex": rng.choice(["F", "M", None], 120),
            "view": np.where(labels == 1, "PA", "AP"),
            "source": np.where(labels == 1, "covid-chestxray-dataset", "chest_xray"),
        }
    )


@pytest.fixture(scope="module")
def report(cases):
    return external_report(cases, 0.5, resamples=100)


pytestmark = pytest.mark.usefixtures("house_style")


def test_calibration_shows_every_bin_and_every_case(cases, report):
    top, bottom = plot_calibration(
        report.calibration, cases["label"], cases["score"], report.calibration_error
    )
    points = top.containers[0].lines[0]
    assert points.get_ydata() == pytest.approx(report.calibration["observed"])
    drawn = sum(np.ptp(patch.get_path().vertices[:, 1]) > 0 for patch in bottom.patches)
    assert drawn == 2  # one outline a class
    words = top.get_title(loc="left")
    assert f"{report.calibration_error.debiased.value:.2f} (" in words and "by chance" in words


def test_the_decision_curve_has_its_two_rivals(report):
    ax = plot_decision_curve(report.decisions, most=0.8)
    names = [line.get_label() for line in ax.lines]
    assert names == ["network, 95 % interval", "treat all", "treat none"]
    assert len({line.get_linestyle() for line in ax.lines}) == 3
    assert max(ax.lines[0].get_xdata()) == pytest.approx(0.8)
    assert ax.get_ylim()[0] < 0 < ax.get_ylim()[1]


def test_every_subgroup_has_a_row_and_the_silent_ones_a_word(report):
    axes = plot_subgroups(report.subgroups)
    table = report.subgroups
    assert len(axes[0].get_yticks()) == len(table)
    for ax, name, count in zip(
        axes, ("recall", "specificity"), ("positives", "negatives"), strict=True
    ):
        words = [text.get_text() for text in ax.texts]
        notes = table[f"{name}_note"]
        assert [word for word in words if word in ("too few", "not stated")] == [
            note for note in notes if note
        ]
        assert [word for word in words if word not in ("too few", "not stated")] == [
            f"{n:,}" for n in table[count]
        ]


def test_internal_and_external_stand_side_by_side(cases, report):
    healthy = external_report(cases[cases["label"] == 0], 0.5, resamples=50).report
    ax = plot_internal_external(report.report, {"mixed": report.report, "healthy": healthy})
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["own test set (120 X-rays)", "mixed (120 X-rays)", "healthy (60 X-rays)"]
    # Recall and ROC AUC are undefined among healthy people.
    assert [text.get_text() for text in ax.texts] == ["undefined"] * 2
    alone = plot_internal_external(report.report, healthy)
    assert alone.get_legend_handles_labels()[1][1] == "external (60 X-rays)"
    with pytest.raises(CXRLabError, match="three"):
        plot_internal_external(report.report, dict.fromkeys("abcd", healthy))


def test_nothing_is_cut_off_at_seven_inches(cases, report):
    axes = [
        plot_calibration(report.calibration, cases["label"], cases["score"])[0],
        plot_decision_curve(report.decisions),
        plot_subgroups(report.subgroups)[0],
        plot_internal_external(report.report, report.report),
    ]
    for ax in axes:
        figure = ax.figure
        figure.canvas.draw()
        assert figure.get_figwidth() <= 7
        box = figure.get_tightbbox()
        assert box.x0 >= -0.02 and box.x1 <= figure.get_figwidth() + 0.02
        assert box.y0 >= -0.02 and box.y1 <= figure.get_figheight() + 0.02
