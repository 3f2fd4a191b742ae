"""The documented fuzzing run: ten thousand mutations and more, counted in one JSON summary.

    make test-fuzz                      on phantoms
    make test-fuzz DATA=folder          on X-rays in the course's layout

A case depends on seed and number alone, so that it can be made again. Cases run in a process of
their own: one that takes too long or crashes ends it, and a new one goes on behind. Exit code 1
where a promise was broken. What broke it is kept in build/fuzz/.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from multiprocessing.connection import Connection
from pathlib import Path

from fuzzing.guard import Guard
from fuzzing.mutations import mutated
from fuzzing.readers import READERS, outcome_of
from fuzzing.samples import Sample, all_samples

KEPT = Path("build") / "fuzz"
MEMORY = 1_500_000_000  # bytes that a case may take beyond what the libraries have taken
STARTING = 300  # seconds until the libraries are loaded
# Of a hundred mutations so many go to each reader; the image reader meets the most strangers.
SHARES = {"image": 60, "metadata": 15, "cases": 10, "recording": 5, "archive": 10}


def run(
    count: int, seed: int, data: Path, readers: list[str], seconds: float = 10, kept: Path = KEPT
) -> dict:
    """The summary of ``count`` mutations, each of at most ``seconds``; faults go to ``kept``."""
    results, first, spawn = [], 0, multiprocessing.get_context("spawn")
    while first < count:
        here, there = spawn.Pipe(duplex=False)
        what = (there, data, seed, range(first, count), readers)
        child = spawn.Process(target=work, args=what)
        child.start()
        there.close()
        done, first = first, count
        try:
            assert here.poll(STARTING) and here.recv() == "ready"
            while done < count:
                if not here.poll(seconds):
                    raise TimeoutError
                results.append(here.recv())
                done += 1
        except (EOFError, TimeoutError) as error:
            how = "hang" if isinstance(error, TimeoutError) else "crash"
            results.append({"case": done, "outcome": how, "fault": how})
            first = done + 1
        finally:
            child.kill()
            child.join()
    samples, outcomes = all_samples(data, seed), defaultdict(Counter)
    faults = [result for result in results if "fault" in result]
    for result in faults:
        sample, changes, damaged = make_case(samples, seed, result["case"], readers)
        result |= {"reader": sample.reader, "sample": sample.name, "changes": changes}
        kept.mkdir(parents=True, exist_ok=True)
        (kept / f"{seed}-{result['case']}-{sample.name.strip('.')}").write_bytes(damaged)
    for result in results:
        outcomes[result["reader"]][result["outcome"]] += 1
    slowest = sorted(results, key=lambda result: -result.get("seconds", 0))[:5]
    return {"seed": seed, "outcomes": outcomes, "faults": faults, "slowest": slowest}


def work(there: Connection, data: Path, seed: int, numbers: range, readers: list[str]) -> None:
    """Try the cases one after the other, and send what became of each."""
    sys.dont_write_bytecode = True  # Python's own files would count as writes outside the folder
    logging.disable()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # decoders written in C complain about every file
    samples, guard = all_samples(data, seed), Guard()
    for sample in samples:  # unharmed first: they load the libraries
        if sample.reader in readers:
            tried(sample, sample.data, guard)
    if (statm := Path("/proc/self/statm")).exists():  # Linux only
        import resource

        taken = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    there.send("ready")
    for number in numbers:
        sample, _, damaged = make_case(samples, seed, number, readers)
        begun = time.perf_counter()
        result = {"case": number, "reader": sample.reader, **tried(sample, damaged, guard)}
        there.send({**result, "seconds": round(time.perf_counter() - begun, 3)})


def make_case(samples: list[Sample], seed: int, number: int, readers: list[str]) -> tuple:
    """The sample, the names of the changes, and the mutated bytes of a case."""
    rng = random.Random(f"{seed} {number}")
    reader = rng.choices(readers, [SHARES[name] for name in readers])[0]
    own = [sample for sample in samples if sample.reader == reader]
    sample, other = rng.choice(own), rng.choice(own)
    return sample, *mutated(sample.data, rng, other.data)


def tried(sample: Sample, data: bytes, guard: Guard) -> dict[str, str]:
    """What became of ``data``: ``outcome``, and ``fault`` where a promise was broken."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "inside" / "case"
        folder.mkdir(parents=True)
        guard.arm(folder)
        try:
            result = {"outcome": outcome_of(sample, data, folder)}
        except BaseException as error:
            result = {"outcome": "fault", "fault": f"{type(error).__name__}: {error}"[:300]}
        if breaches := guard.disarm():
            result = {"outcome": "fault", "fault": f"outside its folder: {breaches[:3]}"}
    return result


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
