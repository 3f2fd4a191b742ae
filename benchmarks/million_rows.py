"""A catalog of a million rows: validated, filtered, audited without pixels, and split.

The table is made up, and its fingerprints with it: no image is read, though every row's file is
looked for. Runs in a process of its own, so that its peak
memory is its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from measure import alternately, print_json, result

ROWS = 1_000_000
PATIENTS = 500_000
SECONDS, GIGABYTES = 15.0, 1.5


def made_up(rows: int = ROWS, patients: int = PATIENTS, seed: int = 0):
    """A table as a source module would hand it over, and the fingerprints of its files."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    patient = rng.integers(0, patients, rows)
    positive = patient % 2 == 0
    number = pd.Series(np.arange(rows)).astype("string").str.zfill(7)
    source = pd.Series(np.where(positive, "covid-chestxray-dataset", "chest_xray"), dtype="string")
    whose = source + "/" + pd.Series(patient).astype("string")

    def drawn(values: list, shares: list[float]) -> pd.Series:
        """Text that repeats, most of it one and the same."""
        codes = rng.choice(len(values), rows, p=shares)
        return pd.Series(pd.array(np.array(values, object)[codes], dtype="string"))

    sick = drawn(["COVID-19", "Pneumonia/Viral/COVID-19", "Tuberculosis"], [0.4, 0.4, 0.2])
    well = drawn(["Normal", "Pneumonia"], [0.7, 0.3])
    table = pd.DataFrame(
        {
            "image_id": source + "/" + number + ".png",
            "path": str(Path(__file__).resolve()),  # a file that is there
            "source": source,
            "patient_id": whose,
            "finding": sick.where(positive, well),
            "view": drawn(["PA", "AP", "L", ""], [0.6, 0.25, 0.1, 0.05]),
            "modality": drawn(["X-ray", "CT"], [0.95, 0.05]),
            "sex": drawn(["F", "M", ""], [0.45, 0.45, 0.1]),
            "age": rng.integers(0, 95, rows).astype(float),
            "license": drawn(["CC BY 4.0", ""], [0.5, 0.5]),
            "url": drawn(["https://example.org", ""], [0.5, 0.5]),
        }
    )
    content = number.copy()
    content[::100] = content[1::100].to_numpy()  # one in a hundred is the same file again
    problem = pd.Series(pd.NA, index=range(rows), dtype="string")
    problem[::1000] = "truncated"
    prints = pd.DataFrame(
        {"problem": problem, "sha256": content.str.zfill(64), "phash": content.str.zfill(64)}
    )
    prints.index = pd.Index(table["image_id"], name="image_id")
    return table, prints


def once() -> None:
    """Take all the steps once, and print seconds a step and the peak memory in GB."""
    import resource

    from cxrlab.catalog.audit import audit
    from cxrlab.catalog.filters import select_cases
    from cxrlab.catalog.schema import to_catalog
    from cxrlab.splits import check_split, split_by_patient

    table, prints = made_up()
    taken: dict[str, float] = {}

    def step(name: str, run: Callable):
        started = time.perf_counter()
        value = run()
        taken[name] = time.perf_counter() - started
        return value

    catalog = step("schema", lambda: to_catalog(table))
    step("audit", lambda: audit(catalog, prints))
    cases = step("filters", lambda: select_cases(catalog, hashes=prints))
    cases = cases.drop(columns="path")  # one and the same: no test of a split
    split = step("split", lambda: split_by_patient(cases, seed=0))
    problems = step("check of the split", lambda: check_split(split))
    if problems:
        raise SystemExit(f"The split is wrong: {problems}")
    # Kibibytes on Linux, bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_gb = peak * (1 if sys.platform == "darwin" else 1024) / 1e9
    print(json.dumps({"taken": taken, "peak": peak_gb, "cases": len(cases)}))


def main() -> None:
    """Three processes, one after the other; the medians count."""
    runs = []

    def seconds() -> float:
        command = [sys.executable, __file__, "--once"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        runs.append(json.loads(done.stdout))
        return sum(runs[-1]["taken"].values())

    measured = alternately({"all steps": seconds})
    peaks = [run["peak"] for run in runs]
    steps = {name: median(run["taken"][name] for run in runs) for name in runs[0]["taken"]}
    time_taken = result(
        f"a catalog of {ROWS:,} rows: validate, audit without pixels, filter, split",
        "s",
        measured,
        needed=f"under {SECONDS:.0f} s",
        steps={name: round(value, 2) for name, value in steps.items()},
        selected=runs[0]["cases"],
    )
    memory = result(
        f"peak memory of the same, with the table of {ROWS:,} rows itself",
        "GB",
        {"resident at the most": peaks},
        needed=f"under {GIGABYTES} GB",
    )
    time_taken["met"] = time_taken["median"]["all steps"] < SECONDS
    memory["met"] = memory["median"]["resident at the most"] < GIGABYTES
    print_json(time_taken, memory)


if __name__ == "__main__":
    if "--once" in sys.argv:
        once()
    else:
        main()
