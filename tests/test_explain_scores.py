"""The sanity check of maps, their score against known masks, and the figures of both."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import spearmanr
from test_explain_maps import SIDE, corner_network, phantom_masks

from cxrlab import explain, plots
from cxrlab.errors import CXRLabError
from cxrlab.evaluation.resampling import mean_estimate
from cxrlab.explain.sanity import rank_correlation, similarity

STACK = np.random.default_rng(0).integers(60, 200, (6, SIDE, SIDE, 1), np.uint8)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_a_map_that_never_asks_the_network_fails_the_sanity_check():
    found = explain.cascade(corner_network(), STACK, method=lambda _, pixels: pixels[..., 0] / 255)
    assert list(found.table["layer"]) == ["trained", "score", "look"]
    assert np.allclose(found.table["spearman"], 1) and np.allclose(found.table["ssim"], 1)
    assert found.passed is False and found.verdict.startswith("Not passed")
    assert found.maps.shape == (3, SIDE, SIDE)


def test_a_map_of_what_the_network_uses_passes_and_is_repeatable():
    first = explain.cascade(corner_network(), STACK, method=explain.hires_cam)
    again = explain.cascade(corner_network(), STACK, method=explain.hires_cam)
    assert first.passed is True and first.verdict.startswith("Passed")
    assert first.table.equals(again.table)
    worst = first.table.iloc[1:]["spearman"].max()
    assert worst < 0.5 and f"{worst:.2f}" in first.verdict
    assert first.table["of"].eq(18).all()  # six X-rays, three draws


def test_the_last_layer_is_random_first_and_the_first_last():
    seen = []

    def note(network, pixels):
        seen.append([weights.copy() for weights in network.get_weights()])
        return pixels[..., 0] / 255

    explain.cascade(corner_network(), STACK, method=note, draws=1)
    trained, head, all_random = seen  # weights: look's kernel, score's kernel and bias
    assert np.array_equal(trained[0], head[0]) and not np.array_equal(trained[1], head[1])
    assert not np.array_equal(trained[0], all_random[0])


def test_empty_maps_are_not_compared():
    def vanish(network, pixels):
        whole = np.array_equal(network.get_layer("look").get_weights()[0].ravel(), [1])
        kept = whole and network.get_layer("score").get_weights()[0].max() == 1
        return pixels[..., 0] / 255 if kept else np.zeros(pixels.shape[:3])

    found = explain.cascade(corner_network(), STACK, method=vanish)
    assert found.passed is None and "empty" in found.verdict
    assert list(found.table["compared"]) == [18, 0, 0]
    plots.plot_cascade(found, STACK[0])


def test_rank_correlation_is_scipys_and_similarity_is_one_for_equals():
    random = np.random.default_rng(3)
    one, other = np.maximum(random.normal(size=(2, 20, 20)), 0)  # with many ties at zero
    assert np.isclose(rank_correlation(one, other), spearmanr(one, other, axis=None).statistic)
    assert np.isnan(rank_correlation(one, np.zeros((20, 20))))
    one, other = random.random((2, 60, 60))
    assert np.isclose(similarity(one, one), 1) and abs(similarity(one, other)) < 0.1
    assert similarity(one, 1 - one) < -0.5 and np.isnan(similarity(one, np.ones((60, 60))))


def toy_maps():
    masks = np.zeros((3, 4, 4), bool)
    masks[:2, :2, :2] = True
    masks[2, 3, 3] = True
    maps = np.zeros((3, 4, 4))
    maps[0, 0, 0], maps[0, 3, 3], maps[0, 0, 3] = 3, 1, -5  # energy 3 of 4, hit
    maps[1, 2, 2], maps[1, 1, 1] = 1, 1  # energy 1 of 2, one of two equal tops hits
    return maps, masks  # the third is empty


def test_both_measures_by_hand():
    maps, masks = toy_maps()
    hits, energy = explain.pointing_hits(maps, masks), explain.energy_inside(maps, masks)
    assert list(hits[:2]) == [1, 0.5] and list(energy[:2]) == [0.75, 0.5]
    assert np.isnan(hits[2]) and np.isnan(energy[2])
    near = np.zeros((1, 9, 9))
    near[0, 4, 7] = 1
    mask = np.zeros((1, 9, 9), bool)
    mask[0, 4, 4] = True
    assert [explain.pointing_hits(near, mask, reach)[0] for reach in (0, 2, 3)] == [0, 0, 1]
    with pytest.raises(CXRLabError, match="do not fit"):
        explain.energy_inside(near, masks)


def test_the_baselines_see_no_x_ray_and_no_mask_of_their_own_patient():
    _, masks = toy_maps()
    base = explain.baseline_maps(masks, ["a", "a", "b"])
    area = masks.mean(axis=(1, 2))
    for measured in (explain.pointing_hits, explain.energy_inside):
        assert np.allclose(measured(base["anywhere"], masks), area)
    assert np.array_equal(base["usual place"][0], masks[2]) and base["usual place"][2, 0, 0] == 1
    middle = base["middle of the image"][0]
    assert np.allclose(middle, middle[::-1, ::-1]) and middle.max() == middle[1:3, 1:3].max()


def test_scores_come_with_baselines_counts_and_intervals():
    maps, masks = toy_maps()
    table = explain.score_maps({"ours": maps}, masks, ["a", "b", "c"])
    ours = table[(table["map"] == "ours") & (table["measure"] == "energy inside")].iloc[0]
    assert ours["value"] == 0.625 and (ours["scored"], ours["of"]) == (2, 3)
    assert ours["low"] == 0.5 and ours["high"] == 0.75 and not ours["baseline"]
    assert table["map"].nunique() == 4 and table["baseline"].sum() == 6
    perfect = explain.score_maps({"mask": masks.astype(float)}, masks).iloc[0]
    assert perfect["value"] == 1 and 0 < perfect["low"] < 1  # Wilson: three hits prove little
    empty = explain.score_maps({"none": np.zeros(masks.shape)}, masks).iloc[0]
    assert np.isnan(empty["value"]) or empty["value"] is None


def test_a_lead_is_paired():
    maps, masks = toy_maps()
    lead = explain.map_lead(masks.astype(float), maps, masks)
    assert np.isclose(lead.value, 1 - 0.625) and lead.low < lead.value < lead.high
    with pytest.raises(CXRLabError, match="no measure 'luck'"):
        explain.map_lead(maps, maps, masks, "luck")


def test_a_mean_resamples_patients_and_leaves_out_the_undefined():
    one = mean_estimate([0, 0, 1, 1, np.nan], ["a", "a", "b", "b", "c"], seed=1)
    assert one.value == 0.5 and one.low == 0 and one.high == 1
    assert mean_estimate([np.nan]).value is None
    assert mean_estimate([0.3, 0.3]).low is None  # no spread is not certainty


def test_the_masks_of_phantoms_are_found_and_others_are_a_plain_message(phantom_data, tmp_path):
    cases, masks = phantom_masks(phantom_data)
    assert masks.shape == (len(cases), 224, 224) and masks.dtype == bool
    assert masks.any(axis=(1, 2)).all()
    with pytest.raises(CXRLabError, match="no folder masks"):
        explain.opacity_masks(cases, tmp_path)
    (tmp_path / "masks").mkdir()
    with pytest.raises(CXRLabError, match="have no mask"):
        explain.opacity_masks(cases, tmp_path)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_figures_show_what_they_are_given_and_stamp_phantoms():
    maps, masks = toy_maps()
    xrays = np.full((3, 4, 4, 1), 90, np.uint8)
    ax = plots.plot_heat_map(xrays[0], maps[0], "one", simulated=True, mask=masks[0])
    assert "simulated" in texts(ax) and ax.get_title(loc="center") == "one"
    assert len(ax.figure.axes) == 2  # the colour bar
    assert "empty" in texts(plots.plot_heat_map(xrays[2], maps[2]))
    axes = plots.plot_explanations(
        xrays, {"Grad-CAM": maps, "occlusion": maps}, list("abc"), masks, simulated=True
    )
    assert (
        axes.shape == (3, 4) and "simulated" in texts(axes[1, 1]) and "empty" in texts(axes[2, 2])
    )
    assert [ax.get_title(loc="center") for ax in axes[0]][1:] == [
        "Grad-CAM",
        "occlusion",
        "opacities",
    ]
    assert plots.plot_explanations(xrays[:1], {"Grad-CAM": maps}, ["a"]).shape == (1, 2)
    both = plots.plot_map_scores(explain.score_maps({"ours": maps}, masks))
    assert len(both) == 2 and "0.62" in texts(both[1])


def test_the_cascade_figure_has_a_map_a_step():
    found = explain.cascade(corner_network(), STACK, method=explain.hires_cam, draws=1)
    *tiles, chart = plots.plot_cascade(found, STACK[0], simulated=True)
    assert len(tiles) == 3 and all("simulated" in texts(ax) for ax in tiles)
    assert [tick.get_text() for tick in chart.get_xticklabels()][1] == "score\nrandom"
