"""What `import cxrlab` and `cxrlab --help` cost beyond a bare Python, in seconds."""

from __future__ import annotations

import subprocess
import sys
import time

from measure import alternately, print_json, result

PROGRAMS = {
    "bare Python": ["-c", ""],
    "import cxrlab": ["-c", "import cxrlab"],
    "cxrlab --help": ["-m", "cxrlab", "--help"],
}
ALLOWED = {"import cxrlab": 0.5, "cxrlab --help": 1.0}  # seconds beyond bare Python


def seconds(arguments: list[str]) -> float:
    """Wall-clock time of one fresh interpreter."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Measure the three in turn; the first start of each only fills the disk's cache."""
    for arguments in PROGRAMS.values():
        seconds(arguments)
    sides = {name: lambda given=given: seconds(given) for name, given in PROGRAMS.items()}
    measured = alternately(sides, rounds=9)
    claims = []
    for name, allowed in ALLOWED.items():
        both = {side: measured[side] for side in ("bare Python", name)}
        claim = result(f"{name} beyond bare Python", "s", both, needed=f"at most {allowed} s more")
        beyond = claim["median"][name] - claim["median"]["bare Python"]
        claims.append(claim | {"beyond": round(beyond, 3), "met": beyond <= allowed})
    print_json(*claims)


if __name__ == "__main__":
    main()
