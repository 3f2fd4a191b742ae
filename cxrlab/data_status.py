"""What X-rays a data folder holds, how many are usable, and what is wrong with the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.filters import fingerprint, is_covid19, is_normal
from cxrlab.sources import (
    ADULTS,
    EXTERNAL,
    NEGATIVES,
    ROLES,
    SOURCES,
    filled_by,
    is_phantom,
    manifest,
    sources_in,
)


@dataclass(frozen=True)
class DataStatus:
    """``sources``: one row per source folder. ``problems``: files left out, by source and reason.

    ``fetched``: for each source that `cxrlab data fetch` brought, whether it is complete or stale.
    """

    headline: str
    sources: pd.DataFrame
    problems: pd.DataFrame
    advice: list[str]
    fetched: list[str]


def describe(folder: Path) -> DataStatus:
    """Look through ``folder`` and read every image once.

    Never raises for what is missing or damaged inside it: that is what it reports.
    """
    kind = "Phantoms (simulated X-rays)" if is_phantom(folder) else "X-rays"
    rows, problems, advice = [], [], []
    there = sources_in(folder)
    # An external set is no part of the course's own layout: its absence is not worth a row.
    looked_at = SOURCES | {name: EXTERNAL[name] for name in EXTERNAL if name in there}
    for name, load in looked_at.items():
        row = {"source": name, "listed": 0, "usable": 0, "covid19": 0, "normal": 0}
        rows.append(row)
        if name not in there:
            advice.append(_what_it_is_for(name, there))
            continue
        try:
            catalog = load(folder / name)
        except CXRLabError as error:
            advice.append(str(error))
            continue
        problem = catalog["image_id"].map(fingerprint(catalog)["problem"])
        finding = catalog.loc[problem.isna(), "finding"]
        row |= {"listed": len(catalog), "usable": len(finding)}
        row |= {"covid19": is_covid19(finding).sum(), "normal": is_normal(finding).sum()}
        for reason, count in problem.value_counts().items():
            problems.append({"source": name, "reason": reason, "images": count})
    left_out = pd.DataFrame(problems, columns=["source", "reason", "images"])
    headline = f"{kind} in {folder}"
    return DataStatus(headline, pd.DataFrame(rows), left_out, advice, fetched_state(folder))


def fetched_state(folder: Path) -> list[str]:
    """One sentence for each source that was fetched into ``folder``: complete, short or stale."""
    from cxrlab.sources.fetching import REPOSITORIES

    said = []
    for name, entry in manifest.read(folder).items():
        number, limit = f"{entry['wanted']:,}", entry["limit"]
        limited = "" if limit is None else f", limited to {limit:,}"
        state = f"complete as fetched ({number} images, {entry['date']}, {entry['way']}{limited})."
        if missing := manifest.absent(folder, name, entry):
            state = f"{missing:,} of {number} fetched images are missing or changed."
        elif name in REPOSITORIES and entry["commit"] != REPOSITORIES[name][1]:
            state = f"fetched at another state of its source ({entry['commit']}) than is usual now."
        again = "" if state.startswith("complete") else " Run `cxrlab data fetch` again."
        said.append(f"{name}: {state}{again}")
    return said


def _what_it_is_for(name: str, there: list[str]) -> str:
    """What a source that is not there would be needed for, and what can stand in for it."""
    used = [
        negatives
        for negatives, groups in NEGATIVES.items()
        if any(name in ROLES[group] for group in groups)
    ]
    purpose = f"--negatives {' and '.join(used)}" if used else "every command"
    if name not in ROLES[ADULTS]:
        return f"There is no folder {name}; {purpose} would need it."
    if lenders := filled_by(ADULTS, there):
        return (
            f"There is no folder {name}; for {purpose} the X-rays without a finding of "
            f"{' and '.join(lenders)} stand in for it."
        )
    return (
        f"There is no folder {name}; {purpose} would need it, and so would notebooks 06 and 07. "
        "`cxrlab data fetch external` brings sets that can stand in for it."
    )
