"""Build the site: stage the pages, then let Sphinx make HTML of them. ``make site`` runs this.

No notebook is executed. ``--check-links`` asks every external address instead of building.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from sphinx.cmd.build import main as sphinx

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build"
SOURCE, SITE = BUILD / "site-source", BUILD / "site"


def main(check_links: bool = False) -> int:
    """Returns the exit code: 1 where anything at all was wrong, a warning included."""
    # Phantoms and networks in a workspace of their own; they are made once.
    os.environ["CXRLAB_WORKSPACE"] = str(BUILD / "site-workspace")
    os.environ["CXRLAB_BUDGET"], os.environ["CXRLAB_DATA"] = "class", ""
    started = time.monotonic()
    from pages import SiteError, stage

    try:
        stage(SOURCE)
    except SiteError as error:
        print(f"The site cannot be built: {error}", file=sys.stderr)
        return 1
    builder, out = ("linkcheck", BUILD / "links") if check_links else ("html", SITE)
    strict = [] if check_links else ["--fail-on-warning", "--keep-going", "--nitpicky"]
    # Fresh each time: cheap, and a page that is gone does not stay.
    options = ["--fresh-env", "--quiet", "--conf-dir", str(HERE), "-b", builder, *strict]
    code = sphinx([*options, "-d", str(BUILD / "site-doctrees"), str(SOURCE), str(out)])
    if not code and not check_links:
        print(f"The site stands in {SITE / 'index.html'} ({time.monotonic() - started:.0f} s).")
    return code


if __name__ == "__main__":
    sys.exit(main("--check-links" in sys.argv[1:]))
