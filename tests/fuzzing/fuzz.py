"""The documented fuzzing run: ten thousand mutations and more, counted in one JSON summary.

    make test-fuzz                      on phantoms
    make test-fuzz DATA=folder          on X-rays in the course's layout

Exit code 1 where a promise was broken. What broke it is kept in build/fuzz/.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from fuzzing.child import make_case
from fuzzing.readers import READERS
from fuzzing.samples import all_samples

KEPT = Path("build") / "fuzz"


def run(
    count: int,
    seed: int,
    data: Path,
    readers: list[str],
    seconds: float = 10,
    gigabytes: float = 1.5,
    kept: Path = KEPT,
) -> dict:
    """The summary of ``count`` mutations; what went wrong is kept in ``kept``.

    ``seconds`` and ``gigabytes`` are what one case may take.
    """
    results, first = [], 0
    with tempfile.TemporaryDirectory() as home:
        while first < count:
            options = {"data": data, "home": home, "seed": seed, "first": first, "count": count}
            options |= {"seconds": seconds, "gigabytes": gigabytes}
            words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
            done, ended = child([*words, "--readers", *readers])
            results += done
            if ended is None:
                break
            # The process ended in the middle of a case: note which, and go on behind it.
            number, how = ended
            results.append({"case": number, "outcome": how, "fault": how})
            first = number + 1
    samples = all_samples(data, seed)
    for result in results:
        if "fault" in result:
            sample, changes, damaged = make_case(samples, seed, result["case"], readers)
            result |= {"reader": sample.reader, "sample": sample.name, "changes": changes}
            kept.mkdir(parents=True, exist_ok=True)
            (kept / f"{seed}-{result['case']}-{sample.name.strip('.')}").write_bytes(damaged)
    return summary(results, seed)


def child(words: list[str]) -> tuple[list[dict], tuple[int, str] | None]:
    """The results of one process, and the case that ended it with what happened, if one did.

    Raises ``RuntimeError`` where the process ends before its first case.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "fuzzing.child", *words]
    results, begun = [], None
    # Decoders written in C complain to the standard error stream, about every second file.
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=complaints, text=True, env=environment
        ) as process,
    ):
        for line in process.stdout:
            said = json.loads(line)
            if "begins" in said:
                begun = said["begins"]
            else:
                results.append(said)
                begun = None
        process.wait()
        complaints.seek(0)
        last = complaints.read()[-2000:]
    if process.returncode == 0:
        return results, None
    if begun is None:
        raise RuntimeError(f"fuzzing stopped with exit code {process.returncode}:\n{last}")
    hung = process.returncode == -signal.SIGALRM
    return results, (begun, "hang" if hung else f"crash ({process.returncode})")


def summary(results: list[dict], seed: int) -> dict:
    """Counts by reader and outcome, what broke a promise, and the slowest cases."""
    outcomes = defaultdict(Counter)
    for result in results:
        outcomes[result["reader"]][result["outcome"]] += 1
    slowest = sorted(results, key=lambda result: -result.get("seconds", 0))[:5]
    return {
        "seed": seed,
        "mutations": len(results),
        "by_reader": {name: sum(counts.values()) for name, counts in sorted(outcomes.items())},
        "outcomes": {name: dict(counts.most_common()) for name, counts in sorted(outcomes.items())},
        "crashes": sum(result["outcome"].startswith("crash") for result in results),
        "hangs": sum(result["outcome"] == "hang" for result in results),
        "faults": [result for result in results if "fault" in result],
        "slowest": slowest,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, help="X-rays in the course's layout (else phantoms)")
    parser.add_argument("--readers", nargs="+", choices=list(READERS), default=list(READERS))
    asked = parser.parse_args()
    from cxrlab.sources import data_folder

    found = run(asked.count, asked.seed, data_folder(asked.data), asked.readers)
    print(json.dumps(found, indent=1))
    return 1 if found["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
