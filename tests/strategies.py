"""Strategies of hypothesis that several tests draw from."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

shares = st.floats(0, 1, allow_nan=False)


@st.composite
def scored(draw, least=4):
    """Labels of both classes and scores with and without ties."""
    labels = draw(st.lists(st.integers(0, 1), min_size=least, max_size=60))
    labels = np.array([0, 1, *labels])
    score = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), shares)
    scores = draw(st.lists(score, min_size=labels.size, max_size=labels.size))
    return labels, np.array(scores)
