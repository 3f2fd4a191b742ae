"""The host, the X-rays, the workspace and Jupyter."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from cxrlab import hosts
from cxrlab.chosen import choose
from cxrlab.doctor.finding import NOTE, OK, PROBLEM, Finding
from cxrlab.doctor.machine import existing
from cxrlab.doctor.versions import first_version
from cxrlab.files import read_json, workspace_root

ADVICE = {
    hosts.COLAB: "What you make goes with the session, unless ON_DRIVE in the first cell is True.",
    hosts.KAGGLE: "Save a version of the notebook to keep what you make.",
    hosts.BINDER: "Nothing is kept here: download what you want to keep.",
}


def host_finding() -> Finding:
    here = hosts.host()
    return Finding("Host", here, advice=ADVICE.get(here, ""))


def data_finding(data: str | Path | None = None) -> Finding:
    """Phantoms, or a folder: which sources it holds, and whether they are whole and current."""
    choice = choose(data)
    if choice.folder is None:
        return _phantom_finding()
    folder = choice.folder
    how = f" ({choice.in_words})"
    if not folder.is_dir():
        advice = f"Name another folder ({choice.by}), or leave it out for phantoms."
        brief = f"{folder.name}{how} is no folder"
        return Finding("Data", f"{folder}{how} is no folder", PROBLEM, advice, brief)
    from cxrlab.sources import ADULTS, SOURCES, covid, filled_by, is_phantom, kermany, sources_in

    present = [name for name in SOURCES if (folder / name).is_dir()]
    state, advice = OK, ""
    if covid.NAME not in present or len(present) < 2:
        state = PROBLEM
        advice = f"It should hold {covid.NAME}/ and {kermany.NAME}/ (or another source of normals)."
    elif not (folder / covid.NAME / "metadata.csv").is_file():
        state, advice = PROBLEM, f"{covid.NAME}/ lacks its metadata.csv."
    elif not is_phantom(folder):
        state, advice = _as_fetched(folder)
    held = ", ".join(present) or "none of the sources"
    if state == OK and (absent := [name for name in SOURCES if name not in present]):
        held += f" (no {', '.join(absent)})"
        adults = filled_by(ADULTS, sources_in(folder))
        if not adults:
            state = NOTE
            advice = "Notebooks 06 and 07 need adults: `cxrlab data fetch external` brings some."
        elif adults[0] not in SOURCES:
            held += f", adults of {', '.join(adults)}"
    kind = "phantoms in " if is_phantom(folder) else ""
    brief = f"{kind}{folder.name}{how}: {held}"
    return Finding("Data", f"{kind}{folder}{how}: {held}", state, advice, brief)


def _phantom_finding() -> Finding:
    from cxrlab.sources import STAMP
    from cxrlab.sources.phantom import PIXELS

    folder = workspace_root() / "phantoms"
    if not (folder / STAMP).is_file():
        return Finding("Data", "phantoms, to be made when first needed", brief="phantoms")
    try:
        stamp = read_json(folder / STAMP)
        counts, pixels = dict(stamp["images"]), stamp.get("pixels")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Finding("Data", "phantoms, to be made anew: their note cannot be read")
    if pixels != PIXELS:
        return Finding("Data", "phantoms of an older version, to be made anew when next needed")
    expected = sum(counts.values())
    files = (path for name in counts for path in (folder / name).rglob("*"))
    images = sum(path.suffix.lower() in {".png", ".jpg", ".jpeg"} for path in files)
    if images < expected:
        advice = f"Delete the folder {folder.name} in the workspace. It is made anew, in a minute."
        seen = f"phantoms, but {expected - images} of {expected} images are gone"
        return Finding("Data", seen, PROBLEM, advice)
    return Finding("Data", "phantoms, made", brief="phantoms")


def _as_fetched(folder: Path) -> tuple[str, str]:
    """State and advice: is what `cxrlab data fetch` brought still there, and still current?"""
    from cxrlab.sources import manifest
    from cxrlab.sources.fetch_github import REPOSITORIES

    current = {name: repository.commit for name, repository in REPOSITORIES.items()}
    for name, entry in manifest.read(folder).items():
        if missing := len(manifest.absent(folder, name, entry)):
            return PROBLEM, (
                f"{name}: {missing:,} of {entry['wanted']:,} fetched images are gone or changed. "
                "Run `cxrlab data fetch` for this folder again."
            )
        if entry["commit"] != current.get(name, entry["commit"]):
            return NOTE, (
                f"{name} is of another state of its source than this version of the course "
                "fetches. `cxrlab data fetch` brings it up to date."
            )
    return OK, ""


def workspace_finding() -> Finding:
    """Whether the workspace, or the folder in which it will be made, can be written."""
    folder = workspace_root()
    try:
        with tempfile.TemporaryFile(dir=existing(folder)):
            return Finding("Workspace", str(folder), brief="can be written")
    except OSError as error:
        seen = f"{folder} cannot be written ({error.strerror})"
        brief = f"cannot be written ({error.strerror})"
        advice = "Set CXRLAB_WORKSPACE to a folder of yours."
        return Finding("Workspace", seen, PROBLEM, advice, brief)


def kernel_finding() -> Finding:
    """Whether the kernel that Jupyter calls python3 is this Python."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    advice = "Start JupyterLab with cxrlab lab, which sees to it."
    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return Finding("Jupyter kernel", "none called python3", NOTE, advice)
    # A bare name is looked up in the environment that starts Jupyter: this one.
    if not os.path.dirname(program) or os.path.abspath(program) == sys.executable:
        return Finding("Jupyter kernel", "python3 is this environment")
    brief = "python3 is another Python"
    return Finding("Jupyter kernel", f"{brief}: {program}", NOTE, advice, brief)


def lab_finding() -> Finding:
    version = first_version(("jupyterlab",))
    if version:
        return Finding("JupyterLab", version)
    if hosts.host() != hosts.OWN:
        return Finding("JupyterLab", "not needed: this host brings its own")
    advice = 'For cxrlab lab: pip install "cxrlab[lab]"'
    return Finding("JupyterLab", "not installed", NOTE, advice)
