"""Have the course bring the networks that a notebook begins with where 03 has not been run.

``python -m cxrlab.running.keep_networks``, the last step of ``make notebooks``: takes the network
of notebook 03 out of the workspace in which :mod:`cxrlab.running.refresh` executed the notebooks
at the class budget. On the confounded phantoms of notebook 06 no notebook trains: that is done
here.
"""

from __future__ import annotations

import os
from pathlib import Path

from cxrlab import checkpoints, course
from cxrlab.running.notebooks import CHECKOUT
from cxrlab.training import load_model, save_model, train

BUDGET = "class"


def keep_networks(workspace: Path, folder: Path = checkpoints.FOLDER) -> list[Path]:
    """Write the network of each kind of phantoms in ``workspace`` to ``folder``.

    Ends with a sentence where notebook 03 has left none.
    """
    os.environ["CXRLAB_WORKSPACE"] = str(workspace)
    kept = []
    for name in ("phantoms", "phantoms-confounded"):
        space = course.open_workspace(workspace / name, BUDGET)
        path = course.network_path(space)
        if not path.exists() and name == "phantoms":
            raise SystemExit(
                f"Notebook 03 has left no network in {workspace}. Run python -m "
                "cxrlab.running.refresh first, all notebooks at the class budget."
            )
        if not path.exists():
            parts = course.get_xrays(space)
            found = train(parts.training, parts.validation, space.budget, space.seed)
            save_model(found.model, path)
        how = course.how_shipped(space)
        kept.append(checkpoints.keep(load_model(path), how, folder / f"{name}-{BUDGET}.npz"))
    return kept


if __name__ == "__main__":
    for file in keep_networks(CHECKOUT / "build" / "notebooks-workspace"):
        print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB")
