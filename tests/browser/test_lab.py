"""The notebooks as a reader meets them: cells run, exercises answer, widgets react."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("number", ["01"])
def test_it_runs_without_an_error(open_notebook, number):
    lab = open_notebook(number)
    assert lab.errors() == []
