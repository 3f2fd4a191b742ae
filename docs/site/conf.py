"""Sphinx's settings for the site: ``make site``. The pages are staged first, see ``pages.py``."""

import re
import tomllib

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from pages import CHECKOUT, HERE, first_sentences, letters, stage

from cxrlab.publish import repository

SOURCE = CHECKOUT / "build" / "site-source"
stage(SOURCE)

project, author, html_title = "CXRLab", "The CXRLab authors", "CXRLab"
copyright = "the CXRLab authors. Code: BSD 3-Clause. Text and figures: CC BY 4.0"
extensions = ["myst_nb", "sphinx_design"]
nb_execution_mode = "off"  # the committed outputs are shown
nb_code_prompt_show = "Show the cell that installs the course on Colab and Kaggle"
nb_code_prompt_hide = "Hide it"
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4
html_math_renderer = "mathml"  # browsers draw it themselves: no script from elsewhere
html_theme = "sphinx_book_theme"
html_static_path, html_css_files = [str(HERE / "static")], ["site.css"]
scripts = ("quiz", "bench", "reading", "convolution", "threshold")
html_js_files = [(f"{name}.js", {"defer": "defer"}) for name in scripts]
html_extra_path = [str(SOURCE / "extra")]  # figures
smartquotes = html_copy_source = html_show_sourcelink = html_use_index = False
published = repository()
settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
html_theme_options = {
    "repository_url": f"https://github.com/{published.path}",
    "repository_branch": published.branch,
    "repository_provider": "github",
    "use_repository_button": True,
    "use_download_button": False,
    "home_page_in_toc": True,
    "collapse_navbar": True,  # its arrows have no name
    "navbar_persistent": [],  # the search field stands in the sidebar
    "extra_footer": "<p>Not for medical use. Nothing here may inform the care of a person.</p>",
    "launch_buttons": {
        "notebook_interface": "jupyterlab",
        "colab_url": "https://colab.research.google.com",
        "binderhub_url": "https://mybinder.org",
        "jupyterhub_url": settings["tool"]["cxrlab"]["hub"],
    },
}
linkcheck_anchors, linkcheck_timeout, linkcheck_retries = False, 30, 2
linkcheck_ignore = [r"https://doi\.org/"]  # permanent, and many publishers turn scripts away


def explain_terms(app, doctree: nodes.document, docname: str) -> None:
    """Let each link into the glossary show, on hover, the first sentence of its entry."""
    sentences = first_sentences()
    for link in doctree.findall(nodes.reference):
        found = re.search(r"glossary\.html#(.+)$", link.get("refuri", ""))
        if found and letters(found[1]) in sentences:
            link["reftitle"] = sentences[letters(found[1])]
            link["classes"].append("term")


def draw_formula(self, node: nodes.math | nodes.math_block) -> None:
    """A formula as MathML."""
    self.body.append(tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def setup(app) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (draw_formula, None), (draw_formula, None))
    app.connect("doctree-resolved", explain_terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
