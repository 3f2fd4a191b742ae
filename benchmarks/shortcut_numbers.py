"""The probes of notebook 06 as Markdown tables, for docs/results.md.

    python benchmarks/shortcut_numbers.py DATA [DATA ...]

Each DATA is a folder in the layout of CXRLAB_DATA. Nothing is trained but linear probes; it takes
about a minute a folder. Seed 0, 1,000 bootstrap resamples over patients.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from cxrlab.cases import prepare
from cxrlab.catalog.audit import fingerprint
from cxrlab.shortcuts import (
    header_probe,
    region_probe,
    same_source_probe,
    source_probe,
)
from cxrlab.sources import load_catalog


def probes(data: Path) -> pd.DataFrame:
    """Every probe on one folder, one row each, with the experiment in the first column."""
    children, adults = prepare(data), prepare(data, "adult")
    catalog = load_catalog(data, "mixed")
    hashes = fingerprint(catalog)
    tables = {
        "COVID-19 or children, header": header_probe(children.cases, together=children.near),
        "COVID-19 or children": region_probe(children.cases, together=children.near),
        "COVID-19 or adults": region_probe(adults.cases, together=adults.near),
        "children or adults, no disease": source_probe(catalog, hashes=hashes),
        "COVID-19 or other findings, one source": same_source_probe(catalog, hashes=hashes),
    }
    return pd.concat(
        [table.assign(experiment=name) for name, table in tables.items()], ignore_index=True
    )


def in_words(value: float, low: float, high: float) -> str:
    """A number with its interval."""
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def main(folders: list[str]) -> None:
    for folder in map(Path, folders):
        print(f"\n## {folder.name}\n\n| experiment | shown | AUC (95 % interval) | X-rays |")
        print("|---|---|---|---|")
        for row in probes(folder).itertuples():
            auc = in_words(row.auc, row.low, row.high)
            print(f"| {row.experiment} | {row.shown} | {auc} | {row.images} |")


if __name__ == "__main__":
    main(sys.argv[1:])
