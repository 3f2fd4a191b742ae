"""Run every benchmark and write docs/performance.md.

    python benchmarks/run_all.py [--data DIR] [--only NAME]

Each script prints JSON; what a script printed is kept in build/benchmarks and shown in the table
until it is measured again. A script that fails leaves the table as it was.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import psutil

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
#: In the order of the table; the longest last. ``True``: measured on X-rays (--data).
SCRIPTS = {
    "import_time": False,
    "phantoms_500": False,
    "training_speed": True,
    "notebook_memory": False,
}


def run(name: str, data: Path | None) -> list[dict]:
    """What one script printed, with where and when it ran. Raises CalledProcessError."""
    command = [sys.executable, str(HERE / f"{name}.py")]
    if SCRIPTS[name] and data is not None:
        command += ["--data", str(data)]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    printed = json.loads(done.stdout)
    where = {"script": name, "date": datetime.date.today().isoformat(), **machine()}
    return [{**one, **where} for one in (printed if isinstance(printed, list) else [printed])]


def machine() -> dict[str, str]:
    """Processor, memory and versions, in words."""
    from cxrlab.recordings import versions
    from cxrlab.training import cpu_multiplies_bfloat16

    memory = psutil.virtual_memory().total / 2**30
    short = "with" if cpu_multiplies_bfloat16() else "without"
    return {
        "machine": f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores "
        f"{short} bfloat16, {memory:.0f} GiB",
        "versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
    }


def page(results: list[dict]) -> str:
    """docs/performance.md: one row per claim, and under it how to measure again."""
    lines = [
        "# How fast, and how large",
        "",
        "Every number here was printed by a script in `benchmarks/`; `make bench` runs them all",
        "and writes this page (`make bench DATA=folder` measures training on real X-rays, too).",
        "Both sides of a comparison run in turn within one script, and what counts is the ratio",
        "of their medians: the machine is shared, and its seconds are not yours.",
        "",
        "| claim | measured (median) | ratio | needed | met | script, date |",
        "|---|---|---|---|---|---|",
    ]
    for one in results:
        medians = ", ".join(f"{name} {value:g}" for name, value in one["median"].items())
        ratio = "" if one["ratio"] is None else f"{one['ratio']:.2f}"
        met = {True: "yes", False: "**no**", None: ""}[one["met"]]
        lines.append(
            f"| {one['claim']} | {medians} {one['unit']} | {ratio} | {one['needed']} | {met} "
            f"| `{one['script']}`, {one['date']} |"
        )
    notes = [f"- **{one['claim']}**: {one['note']}" for one in results if one.get("note")]
    places = sorted({f"{one['machine']}; {one['versions']}" for one in results})
    lines += ["", *notes, *([""] if notes else []), *(f"Measured on {place}." for place in places)]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="real X-rays for what is measured on X-rays")
    parser.add_argument("--only", action="append", choices=list(SCRIPTS), help="run only this one")
    options = parser.parse_args()
    kept = REPOSITORY / "build" / "benchmarks"
    kept.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in options.only or SCRIPTS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            found = run(name, options.data)
        except (subprocess.CalledProcessError, json.JSONDecodeError) as error:
            print(f"{name} failed: {error}", file=sys.stderr)
            failed.append(name)
            continue
        (kept / f"{name}.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
        print(json.dumps(found, indent=2), flush=True)
    files = [kept / f"{name}.json" for name in SCRIPTS]
    results = [one for file in files if file.exists() for one in json.loads(file.read_text())]
    if results:
        (REPOSITORY / "docs" / "performance.md").write_text(page(results), encoding="utf-8")
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
