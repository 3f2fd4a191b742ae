"""Have the networks that the committed notebooks trained come with the course.

``python -m cxrlab.running.keep_networks``, the last step of ``make notebooks``: takes them out of
the workspace in which :mod:`cxrlab.running.refresh` executed the notebooks at the class budget.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cxrlab import checkpoints, course
from cxrlab.errors import CXRLabError
from cxrlab.running.notebooks import CHECKOUT
from cxrlab.training import Settings
from cxrlab.workspace import open_workspace

BUDGET = "class"


def keep_networks(workspace: Path, folder: Path = checkpoints.FOLDER) -> list[Path]:
    """Write the network of each kind of phantoms in ``workspace`` to ``folder``.

    Raises :class:`CXRLabError` where one was not trained.
    """
    os.environ["CXRLAB_WORKSPACE"] = str(workspace)
    kept = []
    for name in ("phantoms", "phantoms-confounded"):
        space = open_workspace(workspace / name, BUDGET)
        if not (space.folder / "network" / "settings.json").exists():
            raise CXRLabError(
                f"There is no network trained on {name} in {workspace}. Run python -m "
                "cxrlab.running.refresh first, all notebooks at the class budget."
            )
        parts = course.get_xrays(space)
        trained = course.get_network(space, parts)
        how = course.how_trained(space, parts, Settings(), space.seed)
        kept.append(checkpoints.keep(trained, how, folder / f"{name}-{BUDGET}.npz"))
    return kept


def main() -> int:
    """Keep both and say so."""
    try:
        for path in keep_networks(CHECKOUT / "build" / "notebooks-workspace"):
            print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    except CXRLabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
