"""Execute the committed notebooks in place and store what they show, the same bytes each time.

``python -m cxrlab.running.refresh [01-05] [--budget B]`` (``make notebooks``) runs on phantoms in
a workspace of its own. Run it twice: what differs depends on chance or the clock, and should not
be shown. With ``--networks`` it then stores the networks that a notebook begins with where
notebook 03 has not been run.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from pathlib import Path

import nbformat
from rich.console import Console

from cxrlab.errors import CXRLabError
from cxrlab.files import write_atomically
from cxrlab.publish import CHECKOUT, id_for
from cxrlab.running.course import environment_for, find_notebooks, select_notebooks
from cxrlab.running.execute import execute
from cxrlab.running.pages import without_widgets

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
KEPT = ("slideshow", "tags")  # of a cell's metadata
# What tells one machine, or one run, from the next.
PRIVATE = re.compile(
    r"(?:/home/|/Users/|/root/|/work/|/tmp/|/var/folders/|[A-Z]:\\\\?Users\\)\S*"
    r"|\b0x[0-9a-f]{6,}\b"
)
# What Keras's progress bar writes over, and its clock: the last state of each line stays.
OVERWRITTEN = re.compile(r"[^\n]*(?:\r|\x08)+(?=[^\n\r\x08])")
CLOCK = re.compile(r" +[\dhms.]+ \d+m?s/(?:step|epoch)(?: -)?")
# The clocks of Keras Tuner: "Trial 4 Complete [00h 00m 21s]", "Total elapsed time: 00h 01m 20s".
TUNER_CLOCK = re.compile(r" \[\d+h \d+m \d+s\]|\n?Total elapsed time: [\dhms ]+")
# What TensorFlow writes about its build before it reads any setting for its log. Only some
# processors bring it about; a reader may see it in red, and the guide says that it is harmless.
OPENING_LINES = re.compile(r"(?:WARNING: All log messages before absl|I\d{4} [\d:.]+ ).*\n?")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def texts_of(output: nbformat.NotebookNode) -> list[tuple[nbformat.NotebookNode, str]]:
    """Every text that an output shows: what holds it, and under which key."""
    data = output.get("data", {})
    found = [(data, kind) for kind in data if kind.startswith("text/")]
    return [*found, (output, "text")] if "text" in output else found


def private_text(notebook: nbformat.NotebookNode) -> list[str]:
    """The places where an output shows a path or a memory address of the machine it ran on."""
    return [
        f"cell {cell.execution_count}: {found[0]}"
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for held, key in texts_of(output)
        for found in PRIVATE.finditer(held[key])
    ]


def normalise(notebook: nbformat.NotebookNode, hide: dict[str, str]) -> None:
    """Leave in ``notebook``, in place, only what is the same in every execution.

    ``hide`` maps paths of this machine to what the reader sees instead.
    """
    without_widgets(notebook)
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    taken: set[str] = set()
    for cell in notebook.cells:
        cell.id = id_for(cell.source, taken)
        kept = {name: cell.metadata[name] for name in KEPT if cell.metadata.get(name)}
        cell.metadata = nbformat.from_dict(kept)
        for output in list(cell.get("outputs", [])):
            for held, key in texts_of(output):
                for private, shown in hide.items():
                    held[key] = held[key].replace(private, shown)
            if output.output_type == "stream":
                output.text = without_clock(output.text)
                if output.name == "stderr":
                    output.text = OPENING_LINES.sub("", output.text)
                if not output.text:
                    cell.outputs.remove(output)


def without_clock(text: str) -> str:
    """A progress bar of Keras as it ends, without colours and without the time it took."""
    return TUNER_CLOCK.sub("", CLOCK.sub("", OVERWRITTEN.sub("", COLOURS.sub("", text))))


def refresh(path: Path, workspace: Path, budget: str, console: Console) -> None:
    """Execute the notebook at ``path`` on phantoms and write it back, normalised.

    Raises :class:`CXRLabError`, and leaves the file as it was, when a cell fails or an output
    shows something of this machine.
    """
    execution = execute(path, path.parent, environment_for(budget, None, workspace), console)
    if execution.failure:
        raise CXRLabError(f"{execution}\nThe file is unchanged.")
    console.out(execution, highlight=False)
    notebook = execution.notebook
    normalise(notebook, {str(workspace): "cxrlab-workspace", str(CHECKOUT): "cxrlab"})
    if private := private_text(notebook):
        raise CXRLabError(
            f"{path.name} shows what only this machine has: {'; '.join(private)}. "
            "Have the cell print something else. The file is unchanged."
        )
    nbformat.validate(notebook)
    write_atomically(path, nbformat.writes(notebook).rstrip("\n") + "\n")


def keep_networks(workspace: Path, budget: str) -> None:
    """Store the network of each kind of phantoms in ``workspace``, for the course to bring along.

    Notebook 03 has left that of the phantoms. On the confounded ones of notebook 06 no notebook
    trains: that is done here.
    """
    from cxrlab import course

    os.environ["CXRLAB_WORKSPACE"] = str(workspace)
    for name in ("phantoms", "phantoms-confounded"):
        space = course.open_workspace(workspace / name, budget)
        network = course.load_network(space, course.get_xrays(space), yours=True)
        file = course.SHIPPED / f"{name}-{budget}.npz"
        course.ship(network, course.how_shipped(space), file)
        print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB")


def main() -> None:
    """Refresh the notebooks named on the command line, all by default."""
    parser = argparse.ArgumentParser(prog="python -m cxrlab.running.refresh", description=__doc__)
    parser.add_argument("notebooks", nargs="?", help="03, 01-05 or 01,03; all by default")
    parser.add_argument("--budget", default="class")
    parser.add_argument("--networks", action="store_true", help="store the trained networks, too")
    wanted = parser.parse_args()
    workspace = CHECKOUT / "build" / "notebooks-workspace"
    if wanted.notebooks is None:
        shutil.rmtree(workspace, ignore_errors=True)
    try:
        for path in select_notebooks(find_notebooks(CHECKOUT / "notebooks"), wanted.notebooks):
            refresh(path, workspace, wanted.budget, Console())
        if wanted.networks:
            keep_networks(workspace, wanted.budget)
    except CXRLabError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
