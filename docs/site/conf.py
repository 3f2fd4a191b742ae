"""Sphinx's settings for the site. ``build.py`` stages the pages that Sphinx reads."""

from __future__ import annotations

import re
import sys
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from pages import first_sentences  # noqa: E402

import cxrlab  # noqa: E402
from cxrlab.publish import repository  # noqa: E402

project, author = "CXRLab", "The CXRLab authors"
copyright = "the CXRLab authors. Code: BSD 3-Clause. Text and figures: CC BY 4.0"
version = release = cxrlab.__version__
extensions = ["myst_nb", "sphinx_design"]
nb_execution_mode = "off"  # the committed outputs are shown
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4
html_math_renderer = "mathml"  # browsers draw it themselves: no script from elsewhere

html_theme, html_title = "sphinx_book_theme", "CXRLab"
html_static_path, html_css_files = [str(HERE / "static")], ["site.css"]
html_js_files = [
    (f"{name}.js", {"defer": "defer"})
    for name in ("quiz", "bench", "reading", "convolution", "threshold")
]
html_extra_path = [str(HERE.parents[1] / "build" / "site-source" / "extra")]  # figures
html_copy_source = html_show_sourcelink = html_use_index = False
published = repository()
html_theme_options = {
    "repository_url": f"https://github.com/{published.path}",
    "repository_branch": published.branch,
    "repository_provider": "github",
    "use_repository_button": True,
    "use_download_button": False,
    "home_page_in_toc": True,
    "show_navbar_depth": 1,
    "extra_footer": "<p>Not for medical use. Nothing here may inform the care of a person.</p>",
    "launch_buttons": {
        "notebook_interface": "jupyterlab",
        "colab_url": "https://colab.research.google.com",
        "binderhub_url": "https://mybinder.org",
        "jupyterhub_url": published.hub,
    },
}
linkcheck_anchors = False  # some pages make their anchors by script
linkcheck_timeout, linkcheck_retries = 30, 2


def explain_terms(app, doctree, docname: str) -> None:
    """Let each link into the glossary carry the first sentence of its entry, shown on hover."""
    sentences = first_sentences()
    for link in doctree.findall(nodes.reference):
        found = re.search(r"glossary\.html#(.+)$", link.get("refuri", ""))
        if found and found[1] in sentences:
            link["reftitle"] = sentences[found[1]]
            link["classes"].append("term")


def draw_formula(self, node) -> None:
    """A formula as MathML; its source is kept for whoever copies it."""
    block = isinstance(node, nodes.math_block)
    formula = tex2mathml(node.astext(), as_block=block)
    tag = "div" if block else "span"
    self.body.append(f'<{tag} class="math" data-tex="{escape(node.astext())}">{formula}</{tag}>')
    raise nodes.SkipNode


def setup(app) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (draw_formula, None), (draw_formula, None))
    app.connect("doctree-resolved", explain_terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
