"""What X-rays a data folder holds, how many are usable, and what is wrong with the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cxrlab.catalog.audit import fingerprint
from cxrlab.catalog.filters import is_covid19, is_normal
from cxrlab.errors import CXRLabError
from cxrlab.sources import NEGATIVES, SOURCES, is_phantom


@dataclass(frozen=True)
class DataStatus:
    """``sources``: one row a source folder. ``problems``: files left out, by source and reason."""

    headline: str
    sources: pd.DataFrame
    problems: pd.DataFrame
    advice: list[str]


def describe(folder: Path) -> DataStatus:
    """Look through ``folder`` and read every image once.

    Never raises for what is missing or damaged inside it: that is what it reports.
    """
    kind = "Phantoms (simulated X-rays)" if is_phantom(folder) else "X-rays"
    rows, problems, advice = [], [], []
    for name, module in SOURCES.items():
        if not (folder / name).is_dir():
            rows.append({"source": name, "listed": 0, "usable": 0, "covid19": 0, "normal": 0})
            advice.append(_what_it_is_for(name))
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
        f"{kind} in {folder}", pd.DataFrame(rows), pd.DataFrame(problems, columns=columns), advice
    )


def _what_it_is_for(name: str) -> str:
    used = [negatives for negatives, sources in NEGATIVES.items() if name in sources]
    purpose = f"--negatives {' and '.join(used)}" if used else "every command"
    return f"There is no folder {name}; {purpose} would need it."
