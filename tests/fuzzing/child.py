"""One process of the fuzzing run: cases FIRST to COUNT, a line before and after each.

A case depends on seed and number alone, so that it can be made again. A case that takes too long
ends the process (SIGALRM, unhandled), and so does a crash of a decoder: the parent notices both.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import shutil
import signal
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # Python's own files would count as writes outside the folder

from fuzzing.guard import Guard  # noqa: E402
from fuzzing.mutations import mutated  # noqa: E402
from fuzzing.readers import READERS, outcome_of  # noqa: E402
from fuzzing.samples import Sample, all_samples  # noqa: E402

# Of a hundred mutations so many go to each reader; the image reader meets the most strangers.
SHARES = {
    "image": 55,
    "metadata": 15,
    "cases": 10,
    "manifest": 5,
    "recording": 5,
    "archive": 10,
}


def make_case(samples: list[Sample], seed: int, number: int, readers: list[str]) -> tuple:
    """The sample, the names of the changes, and the mutated bytes of a case."""
    rng = random.Random(f"{seed} {number}")
    reader = rng.choices(readers, [SHARES[name] for name in readers])[0]
    own = [sample for sample in samples if sample.reader == reader]
    sample, other = rng.choice(own), rng.choice(own)
    return sample, *mutated(sample.data, rng, other.data)


def run_case(sample: Sample, data: bytes, home: Path, guard: Guard) -> dict:
    """What became of one case: ``outcome``, and ``fault`` where a promise was broken."""
    folder = home / "inside" / "case"
    folder.mkdir(parents=True)
    before = tree(home)
    guard.arm(folder)
    try:
        result = {"outcome": outcome_of(sample, data, folder)}
    except BaseException as error:
        result = {"outcome": "fault", "fault": f"{type(error).__name__}: {error}"[:300]}
    breaches = guard.disarm()
    if breaches:
        result = {"outcome": "fault", "fault": f"outside its folder: {breaches[:3]}"}
    shutil.rmtree(folder)
    if tree(home) != [entry for entry in before if entry[0] != str(folder)]:
        result = {"outcome": "fault", "fault": "files around its folder have changed"}
    return result


def tree(home: Path) -> list[tuple[str, int]]:
    """Names and sizes of everything in the canary folder."""
    return sorted((str(path), path.lstat().st_size) for path in home.rglob("*") if path.is_file())


def limit_memory(gigabytes: float) -> None:
    """Allow so much more memory than the libraries have taken already. Linux only."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return
    import resource

    taken = int(statm.read_text().split()[0]) * resource.getpagesize()
    limit = taken + int(gigabytes * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--readers", nargs="+", default=list(READERS))
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--gigabytes", type=float, required=True)
    asked = parser.parse_args()
    logging.disable()
    samples = all_samples(asked.data, asked.seed)
    guard = Guard()
    (asked.home / "inside").mkdir(parents=True, exist_ok=True)
    (asked.home / "canary.txt").write_text("Nobody writes here.\n")
    # Unharmed samples first: they load the libraries, and a sample that is refused is no sample.
    for sample in samples:
        if sample.reader in asked.readers:
            shutil.rmtree(asked.home / "inside" / "case", ignore_errors=True)
            (asked.home / "inside" / "case").mkdir()
            outcome_of(sample, sample.data, asked.home / "inside" / "case")
    shutil.rmtree(asked.home / "inside" / "case")
    limit_memory(asked.gigabytes)
    for number in range(asked.first, asked.count):
        print(json.dumps({"begins": number}), flush=True)
        sample, changes, data = make_case(samples, asked.seed, number, asked.readers)
        signal.setitimer(signal.ITIMER_REAL, asked.seconds)
        begun = time.perf_counter()
        result = run_case(sample, data, asked.home, guard)
        signal.setitimer(signal.ITIMER_REAL, 0)
        took = round(time.perf_counter() - begun, 3)
        about = {"case": number, "reader": sample.reader, "sample": sample.name}
        print(json.dumps({**about, "changes": changes, "seconds": took, **result}), flush=True)


if __name__ == "__main__":
    main()
