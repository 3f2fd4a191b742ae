"""The drawing of a chest X-ray."""

from __future__ import annotations

import matplotlib.pyplot as plt

from cxrlab.plots import plot_chest_guide


def test_the_patients_right_is_on_the_readers_left_and_the_heart_on_the_other():
    ax = plot_chest_guide()
    places = {text.get_text(): text.get_position()[0] for text in ax.texts}
    assert places["the patient's right"] < 0 < places["the patient's left"]
    heart = next(patch for patch in reversed(ax.patches) if patch.get_facecolor()[0] > 0.7)
    assert heart.get_path().vertices[:, 0].mean() > 0
    plt.close(ax.figure)


def test_no_word_is_cut_off():
    ax = plot_chest_guide()
    ax.figure.canvas.draw()
    width, height = ax.figure.canvas.get_width_height()
    for text in ax.texts:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, text
    plt.close(ax.figure)
