"""Python and the libraries behind the network: their versions, and whether they go together."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata

import cxrlab
from cxrlab.doctor.finding import PROBLEM, Finding

# The libraries behind the network, and the names they are installed by.
TENSORFLOW = ("tensorflow", "tensorflow-cpu")
LIBRARIES = {
    "TensorFlow": TENSORFLOW,
    "Keras": ("keras",),
    "Keras Tuner": ("keras-tuner",),
    "TensorBoard": ("tensorboard",),
}
INSTALL = 'Install it with: pip install "cxrlab[tf-cpu]"'


def python_finding() -> Finding:
    version = f"{platform.python_version()}, with CXRLab {cxrlab.__version__}"
    seen = f"{version}, at {sys.executable}"
    if (3, 11) <= sys.version_info < (3, 14):
        return Finding("Python", seen, brief=version)
    return Finding("Python", seen, PROBLEM, "Use Python 3.11, 3.12 or 3.13.", brief=version)


def library_finding(name: str) -> Finding:
    """A library's version. TensorFlow's comes under more than one name."""
    version = first_version(LIBRARIES[name])
    if version:
        return Finding(name, version)
    return Finding(name, "not installed", PROBLEM, INSTALL)


def together_finding() -> Finding:
    """Whether each of the libraries has the versions that it and CXRLab ask for."""
    unmet = list(unmet_requirements())
    if not unmet:
        return Finding("Versions", "go together")
    advice = 'Let pip choose them anew: pip install --upgrade "cxrlab[tf-cpu]"'
    return Finding("Versions", "; ".join(unmet), PROBLEM, advice)


def unmet_requirements() -> Iterator[str]:
    """Sentences on what the installed CXRLab and its libraries ask for and do not find.

    What a library asks for is read from what it was installed with. A library that is missing
    altogether has a line of its own in the report and is left out here.
    """
    from packaging.requirements import Requirement

    libraries = {name for names in LIBRARIES.values() for name in names}
    for name in ("cxrlab", *sorted(libraries)):
        version = first_version((name,))
        for line in (metadata.requires(name) or []) if version else []:
            wanted = Requirement(line)
            extra = "tf" if name == "cxrlab" else ""
            if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
                continue
            names = TENSORFLOW if wanted.name in TENSORFLOW else (wanted.name,)
            found = first_version(names)
            if found is None and wanted.name not in libraries:
                yield f"{name} {version} needs {wanted.name}, which is not installed"
            elif found and not wanted.specifier.contains(found, prereleases=True):
                yield f"{name} {version} needs {wanted.name}{wanted.specifier}, not {found}"


def first_version(names: Iterable[str]) -> str | None:
    """The version of the first of these distributions that is installed, None without any."""
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None
