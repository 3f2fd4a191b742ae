"""What X-rays a data folder holds, how many are usable, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cxrlab.catalog.audit import fingerprint
from cxrlab.catalog.filters import is_covid19, is_normal
from cxrlab.errors import CXRLabError
from cxrlab.sources import (
    ADULTS,
    EXTERNAL,
    NEGATIVES,
    ROLES,
    SOURCES,
    filled_by,
    is_phantom,
    manifest,
)


@dataclass(frozen=True)
class DataStatus:
    """``sources``: one row a source folder. ``problems``: files left out, by source and reason.

    ``fetched``: for each source that `cxrlab data fetch` brought, whether it is complete or stale.
    """

    headline: str
    sources: pd.DataFrame
    problems: pd.DataFrame
    advice: list[str]
    fetched: list[str] = field(default_factory=list)


def describe(folder: Path) -> DataStatus:
    """Look through ``folder`` and read every image once.

    Never raises for what is missing or damaged inside it: that is what it reports.
    """
    kind = "Phantoms (simulated X-rays)" if is_phantom(folder) else "X-rays"
    rows, problems, advice = [], [], []
    # An external set is no part of the course's own layout: its absence is not worth a row.
    present = {name: module for name, module in EXTERNAL.items() if (folder / name).is_dir()}
    for name, module in (SOURCES | present).items():
        if not (folder / name).is_dir():
            rows.append({"source": name, "listed": 0, "usable": 0, "covid19": 0, "normal": 0})
            advice.append(_what_it_is_for(name, present))
            continue
        try:
            catalog = module.load(folder / name)
        except CXRLabError as error:
            rows.append({"source": name, "listed": 0, "usable": 0, "covid19": 0, "normal": 0})
            advice.append(str(error))
            continue
        problem = catalog["image_id"].map(fingerprint(catalog)["problem"])
        usable = catalog[problem.isna()]
        rows.append(
            {
                "source": name,
                "listed": len(catalog),
                "usable": len(usable),
                "covid19": int(is_covid19(usable["finding"]).sum()),
                "normal": int(is_normal(usable["finding"]).sum()),
            }
        )
        for reason, count in problem.value_counts().items():
            problems.append({"source": name, "reason": reason, "images": count})
    columns = ["source", "reason", "images"]
    return DataStatus(
        f"{kind} in {folder}",
        pd.DataFrame(rows),
        pd.DataFrame(problems, columns=columns),
        advice,
        fetched_state(folder),
    )


def fetched_state(folder: Path) -> list[str]:
    """One sentence for each source that was fetched into ``folder``: complete, short or stale.

    Looks at ``fetched.json`` and at the files' sizes alone, so that it is quick.
    """
    from cxrlab.sources.fetch_github import REPOSITORIES

    return manifest.sentences(folder, {name: one.commit for name, one in REPOSITORIES.items()})


def _what_it_is_for(name: str, external: Collection[str]) -> str:
    used = [
        negatives
        for negatives, roles in NEGATIVES.items()
        if any(name in ROLES[role] for role in roles)
    ]
    purpose = f"--negatives {' and '.join(used)}" if used else "every command"
    if name not in ROLES[ADULTS]:
        return f"There is no folder {name}; {purpose} would need it."
    if lenders := filled_by(ADULTS, external):
        return (
            f"There is no folder {name}; for {purpose} the X-rays without a finding of "
            f"{' and '.join(lenders)} stand in for it."
        )
    return (
        f"There is no folder {name}; {purpose} would need it, and so would notebooks 06 and 07. "
        "`cxrlab data fetch external` brings sets that can stand in for it."
    )
