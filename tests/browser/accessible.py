"""What axe, a checker of accessibility, finds serious or critical on a page."""

from __future__ import annotations

import pytest

# Where axe looks in JupyterLab: at what the course shows. JupyterLab's own editors have no name,
# they and the boxes of wide outputs cannot be scrolled by keyboard, and its list of cells is a
# feed without articles.
IN_JUPYTERLAB = (".jp-Notebook .jp-OutputArea-output > *", ".jp-Notebook .jp-RenderedMarkdown")
# What Keras shows has colours of its own: the summary of a network, and terminal colours.
KERAS = ("pre[style*=Menlo]", "[class^=ansi-]")


def serious(page, *parts: str) -> list[str]:
    """Each serious or critical finding in these parts of a page (CSS selectors), or in all of it.

    Without what Keras colours. A part that the page does not have is an error.
    """
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    context = {"exclude": [[part] for part in KERAS]}
    if parts:
        context["include"] = [[part] for part in parts]
    found = axe.Axe().run(page, context=context).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:300]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
