"""Figures: they draw what they are given, and their text alternative says what is drawn."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from matplotlib.colors import to_rgb
from PIL import Image

from cxrlab import plots
from cxrlab.convolution import KERNELS, convolve, max_pool
from cxrlab.errors import CXRLabError
from cxrlab.metrics import Confusion, Estimate
from cxrlab.plots import COVID, GREY, INK, NOT_COVID, SERIES_COLOURS, show

pytestmark = pytest.mark.usefixtures("house_style")


@pytest.fixture
def shown(monkeypatch, capsys):
    """Call a plot; give its text alternative and its axes, which would be closed otherwise."""
    monkeypatch.setattr(plt, "close", lambda figure: None)

    def call(plot, *given, **named):
        plot(*given, **named)
        return " ".join(capsys.readouterr().out.split()), plt.gcf().axes

    yield call
    monkeypatch.undo()


def texts(ax):
    return [text.get_text() for text in ax.texts]


# Colours, and the way of a text to its reader


def linear(colour):
    channels = np.array(to_rgb(colour))
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def test_colours_differ_in_greyscale_and_stand_out_from_white():
    light = {c: float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (*SERIES_COLOURS, GREY)}
    assert abs(116 * (np.cbrt(light[COVID]) - np.cbrt(light[NOT_COVID]))) > 20  # L* of CIELAB
    contrast = {colour: 1.05 / (one + 0.05) for colour, one in light.items()}
    assert min(contrast.values()) >= 3  # WCAG: graphics
    assert min(contrast[INK], contrast[GREY]) >= 4.5  # WCAG: text


def test_the_text_goes_into_the_output_and_the_picture(monkeypatch):
    """JupyterLab and every page show it; an ``alt`` in the metadata JupyterLab would drop."""
    sent = {}
    monkeypatch.setattr(plots, "get_ipython", object)
    monkeypatch.setattr(plots, "display", lambda data, **about: sent.update(data, **about))
    show(plt.figure(figsize=(2, 1)), 'A line "rises" from 0\n to <1>.')
    alt = 'A line "rises" from 0 to <1>.'
    assert sent.keys() == {"text/html", "text/plain", "raw"} and sent["text/plain"] == alt
    (image,) = BeautifulSoup(sent["text/html"], "html.parser")
    picture = Image.open(io.BytesIO(base64.b64decode(image["src"].partition(",")[2])))
    assert image["alt"] == alt
    assert picture.text == {"Description": alt} and picture.width > 200


def test_outside_jupyter_show_prints_the_text_closes_and_wants_a_figure_and_words(capsys):
    figure, axes = plt.subplots(1, 2)
    show(axes, "Two empty panels.")
    assert capsys.readouterr().out == "Two empty panels.\n"
    assert not plt.fignum_exists(figure.number)
    with pytest.raises(CXRLabError, match="text alternative"):
        show(plt.figure(), " ")
    with pytest.raises(CXRLabError, match="str is no figure"):
        show("figure.png", "A figure.")


# The two drawings


def test_a_chest_is_drawn_as_a_reader_sees_it_and_no_word_is_cut_off(shown):
    text, (ax,) = shown(plots.plot_chest_guide)
    assert "two dark lungs" in text and "The patient's right is on the left" in text
    places = {text.get_text(): text.get_position()[0] for text in ax.texts}
    assert places["the patient's right"] < 0 < places["the patient's left"]
    heart = next(patch for patch in reversed(ax.patches) if patch.get_facecolor()[0] > 0.7)
    assert heart.get_path().vertices[:, 0].mean() > 0
    ax.figure.canvas.draw()
    boxes = np.array([words.get_window_extent().extents for words in ax.texts])
    assert boxes.min() >= 0 and (boxes[:, 2:] <= ax.figure.canvas.get_width_height()).all()


STEPS = [step for steps in (*plots.WORKFLOW.values(), plots.PARTS) for step in steps]
COUNTS = dict(zip(STEPS, range(150, 0, -10), strict=True))


@pytest.mark.parametrize(
    ("counts", "note"), [({}, "drops: another\nfinding"), (COUNTS, "−10: another finding")]
)
def test_every_count_of_the_workflow_stands_in_its_box_and_in_the_text(shown, counts, note):
    text, (ax,) = shown(plots.plot_workflow, counts)
    assert set(STEPS) | {str(count) for count in counts.values()} | {note} <= set(texts(ax))
    shades = [patch.get_width() for patch in ax.patches if patch.get_alpha() == 0.16]
    assert len(shades) == len(counts)
    assert not counts or max(shades) == pytest.approx(plots.BOX)
    assert text.count(",") == len(STEPS) - 4
    assert all(f"{name} {count}" in text for name, count in counts.items())


def test_a_workflow_without_the_count_of_a_step_says_which():
    with pytest.raises(CXRLabError, match="No count for PA: run all cells above"):
        plots.plot_workflow({name: count for name, count in COUNTS.items() if name != "PA"})


# Convolution

XRAY = np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8)


def numbers(values):
    return [f"{value:.4g}" for value in values.ravel()]


def test_a_convolution_step_shows_all_its_numbers(shown):
    patch, kernel = XRAY[20:25, 30:35], KERNELS["vertical edges"]
    outputs = convolve(patch, kernel)
    given = XRAY, (20, 30), patch, kernel, outputs
    text, axes = shown(plots.plot_convolution_step, *given, simulated=True)
    assert texts(axes[0]) == ["simulated"]
    assert [texts(ax) for ax in axes[1:]] == [numbers(each) for each in (patch, kernel, outputs)]
    frame = axes[0].patches[0]
    assert frame.get_xy() == (29.5, 19.5) and frame.get_width() == 5
    first = "; ".join(", ".join(map(str, row)) for row in patch[:3, :3])
    assert f"has the rows {first}; the kernel -1, 0, 1;" in text
    assert f"the first of 9 outputs is {outputs[0, 0]:.4g}" in text


def test_maps_share_their_colours_and_count_their_pixels(shown):
    maps = [convolve(XRAY, KERNELS["Laplacian"]), np.zeros((10, 12))]
    text, axes = shown(plots.plot_maps, maps, ["one", "two"])
    limits = {ax.images[0].get_clim() for ax in axes[:2]}
    assert len(limits) == 1 and sum(limits.pop()) == 0
    assert [label.get_text() for label in axes[1].get_xticklabels()] == ["1", "12"]
    assert "one: Map of 58 × 58 numbers" in text and f"{(maps[0] < 0).mean():.0%} below" in text
    assert "two: Map of 10 × 12 numbers from 0.00 to 0.00: 0% below zero, 100% exactly" in text


def test_dropout_paints_what_it_silenced_and_not_what_was_zero(shown):
    before, masked = np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[0.0, 0.0], [4.0, 0.0]])
    text, axes = shown(plots.plot_dropout, before, [masked], ["all", "one"])
    assert axes[0].images[0].get_clim()[0] == 0  # no blue half without negative values
    painted = axes[1].images[0].get_array()
    assert np.ma.getmaskarray(painted).tolist() == [[False, True], [False, True]]
    assert "one: Map of 2 × 2 numbers from 0.00 to 4.00: 0% below zero, 25% exactly zero" in text
    assert "50% silenced" in text


def test_pooling_shows_the_same_corner_before_and_after(shown):
    before = np.round(convolve(XRAY, KERNELS["horizontal edges"]))
    after = max_pool(before)
    text, axes = shown(plots.plot_pooling, before, after, (4, 6))
    assert texts(axes[2]) == numbers(before[8:14, 12:18])
    assert texts(axes[3]) == numbers(after[4:7, 6:9])
    a, b, c, d = before[8:10, 12:14].ravel()
    assert f"Before: 58 × 58 numbers, the frame begins with {a:g}, {b:g}; {c:g}, {d:g}." in text
    assert f"After: 29 × 29 numbers, the frame begins with {after[4, 6]:g}." in text


# People


def test_every_person_is_drawn_once_and_filled_when_called(shown):
    both = {"all healthy": Confusion(0, 0, 10, 90), "looks": Confusion(tp=9, fp=18, fn=1, tn=72)}
    text, (other, ax) = shown(plots.plot_people, both)
    assert [other.get_title(), ax.get_title()] == list(both)
    assert text.startswith("200 people as marks")
    assert "all healthy: 0 ill, found; 10 ill, MISSED" in text and "looks: 9 ill, found" in text
    drawn = [line.get_xdata().size for line in ax.lines]
    assert drawn == [9, 1, 18, 72]
    places = {(x, y) for line in ax.lines for x, y in line.get_xydata()}
    assert len(places) == 100
    filled = [to_rgb(line.get_markerfacecolor()) != (1, 1, 1) for line in ax.lines]
    assert filled == [True, False, True, False]
    assert len({line.get_marker() for line in ax.lines}) == 2  # ill and healthy without colour
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend[1] == "1 ill, MISSED" and all(words in text for words in legend)


# Intervals

TABLE = pd.DataFrame(
    {
        "dial down": {"whole image": Estimate(0.55, 0.48, 0.62), "frame": Estimate(0.51, 0.4, 0.6)},
        "dial up": {"whole image": Estimate(1.0, 0.97, 1.0), "frame": Estimate(0.93)},
    }
)


def test_the_text_holds_each_value_with_its_interval_and_columns_differ(shown):
    text, (ax,) = shown(plots.plot_intervals, TABLE, "ROC AUC", chance=0.5)
    assert text == (
        "ROC AUC, dots with 95 % intervals. "
        "whole image, dial down: 0.55 (0.48 to 0.62); frame, dial down: 0.51 (0.40 to 0.60); "
        "whole image, dial up: 1.00 (0.97 to 1.00); frame, dial up: 0.93."
    )
    dots = [container.lines[0] for container in ax.containers]
    assert len({dot.get_color() for dot in dots}) == len({dot.get_marker() for dot in dots}) == 2
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == list(TABLE)
    assert ax.lines[-1].get_xdata() == [0.5, 0.5] and texts(ax) == ["chance"]


def test_each_value_is_drawn_on_its_interval_and_one_column_needs_no_name(shown):
    text, (ax,) = shown(plots.plot_intervals, TABLE[["dial down"]], "ROC AUC")
    assert "whole image: 0.55 (0.48 to 0.62); frame: 0.51" in text and "dial down" not in text
    ((dots, _, (spans,)),) = ax.containers
    np.testing.assert_allclose(dots.get_xydata(), [[0.55, 0], [0.51, 1]])
    np.testing.assert_allclose(spans.get_segments(), [[[0.48, 0], [0.62, 0]], [[0.4, 1], [0.6, 1]]])
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row of the table comes first


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("gap", [Estimate(None), Estimate(np.nan, np.nan, np.nan), np.nan, None])
def test_what_is_undefined_leaves_a_gap(shown, gap):
    table = TABLE.copy().astype(object)
    table.loc["whole image", "dial down"] = gap
    text, (ax,) = shown(plots.plot_intervals, table, "ROC AUC")
    assert [len(container.lines[0].get_xdata()) for container in ax.containers] == [1, 2]
    assert "whole image, dial down" not in text and "nan" not in text
    assert len(ax.figure.legends[0].get_texts()) == 2
    text, _ = shown(plots.plot_intervals, pd.DataFrame({"a": [gap], "b": [gap]}), "ROC AUC")
    assert "Nothing is defined." in text


# X-rays, and what lies over them

FILM = np.full((224, 224, 1), 90, np.uint8)


def test_x_rays_are_stamped_where_simulated_and_named_in_the_text(shown):
    text, axes = shown(
        plots.plot_xrays, [FILM] * 3, ["ill", "well", "ill"], 2, True, note="All are grey."
    )
    assert text == "3 simulated chest images, 2 per row: ill (2 times), well. All are grey."
    assert [texts(ax) for ax in axes] == [["simulated"]] * 3 + [[]]
    assert [ax.get_title() for ax in axes] == ["ill", "well", "ill", ""]
    text, axes = shown(plots.plot_xrays, [FILM], ["one"], columns=1)
    assert text == "One chest image: one." and texts(axes[0]) == []
    with pytest.raises(CXRLabError, match="1 titles for 2 pictures"):
        plots.plot_xrays([FILM] * 2, ["one"])


def one_place(row: int, column: int, size: int = 28) -> np.ndarray:
    heat = np.zeros((1, size, size))
    heat[0, row, column] = 3.7
    return heat


@pytest.mark.parametrize(
    ("heat", "where"),
    [
        (one_place(21, 7), (0.77, 0.27)),
        (one_place(3, 5, size=7) - 2, (0.5, 0.79)),  # evidence against is not painted
    ],
)
def test_the_brightest_place_is_painted_and_named(shown, heat, where):
    text, axes = shown(plots.plot_heat, [FILM], {"made up": heat}, ["an X-ray"], simulated=True)
    said = [int(share) / 100 for share in re.findall(r"(\d+)%", text)]
    painted = np.argwhere(axes[1].images[-1].get_array()[..., 3]).mean(axis=0) / 224
    assert said == pytest.approx(where, abs=0.08) and painted == pytest.approx(where, abs=0.04)
    assert [*texts(axes[0]), *texts(axes[1])].count("simulated") == 2


def test_each_kind_of_map_of_each_x_ray_is_shown_under_its_name(shown):
    two = np.concatenate([one_place(1, 1), one_place(26, 26)])
    maps = {"first": two, "second": two * [[[1]], [[-1]]]}
    text, axes = shown(plots.plot_heat, [FILM, FILM], maps, ["score 0.9", "score 0.1"])
    assert [ax.get_title() for ax in axes[:3]] == ["X-ray", "first", "second"]
    said = re.findall(r"X-ray (\d, \w+): (\w+)", text)
    assert said[:2] == [("1, first", "brightest"), ("1, second", "brightest")]
    assert said[2:] == [("2, first", "brightest"), ("2, second", "empty")]
    assert "Maps over 2 X-rays (score 0.9, score 0.1)" in text
    assert texts(axes[5]) == ["empty"] and len(axes[5].images) == 1  # the X-ray alone


def test_a_mask_is_outlined_and_the_text_says_whether_the_map_hits_it(shown):
    mask = np.zeros((1, 224, 224), bool)
    mask[0, 150:200, 40:80] = True
    maps = {"hit": one_place(21, 7), "miss": one_place(7, 21)}
    text, axes = shown(plots.plot_heat, [FILM], maps, ["an X-ray"], mask)
    assert text.count("on an opacity") == 1 and text.count("not on one") == 1
    assert text.find("hit:") < text.find(", on an opacity") < text.find("miss:")
    for ax in axes[1:3]:
        (line,) = ax.collections[0].get_paths()
        assert line.vertices.min(0) == pytest.approx([40, 150], abs=1)
        assert line.vertices.max(0) == pytest.approx([80, 200], abs=1)
    text, axes = shown(plots.plot_heat, [FILM], maps, ["an X-ray"], np.zeros_like(mask))
    assert text.count("not on one") == 2 and len(axes[1].collections) == 0
