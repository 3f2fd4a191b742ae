"""The figures of an evaluation, their colours, and their text alternatives."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from matplotlib.colors import to_rgb
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from cxrlab.errors import CXRLabError
from cxrlab.plots import (
    COVID,
    NOT_COVID,
    show,
)
from cxrlab.plots.style import GREY, INK, SERIES_COLOURS


def linear(colour):
    channels = np.array(to_rgb(colour))
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def lightness(colour):
    """L* of CIELAB, 0 black to 100 white."""
    return 116 * np.cbrt(luminance(colour)) - 16


def test_the_classes_differ_in_greyscale_and_for_the_colour_blind():
    assert abs(lightness(COVID) - lightness(NOT_COVID)) > 20
    # Protanopia and deuteranopia after Machado, Oliveira and Fernandes (2009), severity 1.
    blindness = [
        [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
        [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    ]
    for matrix in blindness:
        seen = [np.clip(np.array(matrix) @ linear(c), 0, 1) for c in (COVID, NOT_COVID)]
        assert np.abs(np.sqrt(seen[0]) - np.sqrt(seen[1])).max() > 0.4


def test_lines_and_text_stand_out_from_white():
    for colour in (COVID, NOT_COVID, *SERIES_COLOURS):
        assert 1.05 / (luminance(colour) + 0.05) >= 3  # WCAG: graphics
    for colour in (INK, GREY):
        assert 1.05 / (luminance(colour) + 0.05) >= 4.5  # WCAG: text


NOTEBOOK = """
import matplotlib.pyplot as plt
from cxrlab.plots.alt_text import show
_, ax = plt.subplots(figsize=(2, 1))
ax.plot([0, 1])
show(ax, 'A line "rises" from 0\\n to <1>.')
"""


def test_alt_text_reaches_the_notebook_and_its_page():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
    (output,) = notebook.cells[0].outputs  # one: the figure was closed
    alt = 'A line "rises" from 0 to <1>.'
    assert output.metadata["image/png"]["alt"] == alt
    assert output.data["text/plain"] == alt
    exporter = HTMLExporter(template_name="basic")  # as the pages of cxrlab run
    page, _ = exporter.from_notebook_node(notebook)
    (image,) = BeautifulSoup(page, "html.parser").select("img")
    assert image["alt"] == alt
    assert image["src"].startswith("data:image/png;base64,")


def test_outside_jupyter_show_prints_the_text_and_closes(capsys):
    figure, axes = plt.subplots(1, 2)
    show(axes, "Two empty panels.")
    assert capsys.readouterr().out == "Two empty panels.\n"
    assert not plt.fignum_exists(figure.number)


def test_show_wants_a_figure_and_words():
    with pytest.raises(CXRLabError, match="text alternative"):
        show(plt.figure(), " ")
    with pytest.raises(CXRLabError, match="str is no figure"):
        show("figure.png", "A figure.")
