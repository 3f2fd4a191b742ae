"""What this machine offers the course, asked without loading TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from cxrlab.doctor.finding import NOTE, OK, PROBLEM, Finding
from cxrlab.doctor.machine import (
    disk_finding,
    graphics_finding,
    memory_finding,
    processor_finding,
    tensorflow_gpu_finding,
)
from cxrlab.doctor.place import (
    data_finding,
    host_finding,
    kernel_finding,
    lab_finding,
    workspace_finding,
)
from cxrlab.doctor.versions import (
    LIBRARIES,
    first_version,
    library_finding,
    python_finding,
    together_finding,
)
from cxrlab.errors import CXRLabError

__all__ = [
    "LIBRARIES",
    "NOTE",
    "OK",
    "PROBLEM",
    "Finding",
    "examine",
    "first_version",
    "show",
    "verdict",
]


def examine(data: str | Path | None = None, gpu: bool = False) -> list[Finding]:
    """Look at the host, Python, libraries, hardware, data, workspace and kernel.

    ``data`` defaults to the reader's choice (:mod:`cxrlab.chosen`). ``gpu`` also asks TensorFlow,
    in a process of its own, whether it sees a GPU; that takes some seconds.
    """
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("Host", host_finding),
        ("Python", python_finding),
        *((name, partial(library_finding, name)) for name in LIBRARIES),
        ("Versions", together_finding),
        ("GPU", graphics_finding),
        *([("TensorFlow's GPUs", tensorflow_gpu_finding)] if gpu else []),
        ("Memory", memory_finding),
        ("Disk", disk_finding),
        ("Processor", processor_finding),
        ("Data", partial(data_finding, data)),
        ("Workspace", workspace_finding),
        ("Jupyter kernel", kernel_finding),
        ("JupyterLab", lab_finding),
    ]
    return [_found(subject, check) for subject, check in checks]


def _found(subject: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except ImportError as error:
        advice = 'The installation is incomplete: pip install "cxrlab[tf-cpu]"'
        return Finding(subject, f"not looked at: {error}", PROBLEM, advice)
    except CXRLabError as error:
        return Finding(subject, str(error), PROBLEM)


def verdict(findings: Iterable[Finding]) -> str:
    """One line for all of them."""
    problems = [finding.subject for finding in findings if finding.state == PROBLEM]
    if problems:
        return f"Not ready: look at {', '.join(problems)}."
    return "Ready: the course runs here."


def show() -> None:
    """Print the findings and the verdict in a notebook, without a path of this machine."""
    findings = examine()
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        print(f"{finding.state:8}{finding.subject:{width}}  {finding.brief or finding.seen}")
        if finding.advice:
            print(f"{'':{width + 8}}  {finding.advice}")
    print(verdict(findings))
