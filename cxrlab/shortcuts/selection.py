"""Pairs of classes in which the disease cannot be what tells the sources apart, or the reverse."""

from __future__ import annotations

import pandas as pd

from cxrlab.cases import Prepared
from cxrlab.catalog.audit import fingerprint, near_duplicates
from cxrlab.catalog.filters import (
    BOTH,
    FilterLog,
    drop_exact_duplicates,
    drop_missing,
    drop_unreadable,
    is_covid19,
    keep_normal,
    keep_posteroanterior,
    keep_xray,
)
from cxrlab.errors import CXRLabError
from cxrlab.sources import ADULTS, covid, filled_by, kermany
from cxrlab.splits import patient_groups

# Rows of later copies of metadata.csv on which nobody has decided.
UNDECIDED = ("todo", "unknown")


def normals_of(
    catalog: pd.DataFrame,
    first: str = kermany.NAME,
    second: str | None = None,
    hashes: pd.DataFrame | None = None,
) -> Prepared:
    """The usable normal X-rays of two sources; ``label`` says which: 0 ``first``, 1 ``second``.

    Without ``second`` the adults of the catalog are meant, whichever source they come from. From
    the COVID-19 source PA views only, as everywhere in the course. ``hashes`` is what
    :func:`cxrlab.catalog.audit.fingerprint` made of the catalog; left out, the files are read
    here. Raises :class:`CXRLabError` where a source has no normal X-ray.
    """
    log = FilterLog()
    others = filled_by(ADULTS, set(catalog["source"])) if second is None else (second,)
    cases = catalog[catalog["source"].isin([first, *others])]
    cases = keep_xray(keep_normal(cases, log, BOTH), log, BOTH)
    cases = cases[(cases["source"] != covid.NAME) | (cases["view"] == "PA")]
    cases = cases.assign(label=cases["source"].isin(others).astype("Int64"))
    names = (f"normal X-rays of {first}", f"normal X-rays of {' and '.join(others) or ADULTS}")
    return _usable(cases, log, hashes, names)


def same_source_cases(catalog: pd.DataFrame, hashes: pd.DataFrame | None = None) -> Prepared:
    """PA X-rays of the COVID-19 source alone; ``label`` 1 COVID-19, 0 anything else it holds.

    The negatives came the same way as the positives: out of publications, through the same hands.
    They are few, and mostly other kinds of pneumonia. ``hashes`` as in :func:`normals_of`. Raises
    :class:`CXRLabError` where one of the two is not there.
    """
    log = FilterLog()
    cases = _decided(catalog, log)
    names = ("PA X-rays with another finding", "PA X-rays with COVID-19")
    return _usable(cases, log, hashes, names)


def has_other_findings(catalog: pd.DataFrame) -> bool:
    """Whether files of the other findings are here that :func:`same_source_cases` needs.

    They are not in a folder that was fetched: only the X-rays with COVID-19 are brought.
    """
    log = FilterLog()
    cases = _decided(catalog, log)
    return not drop_missing(cases[cases["label"] == 0], log).empty


def _decided(catalog: pd.DataFrame, log: FilterLog) -> pd.DataFrame:
    """PA X-rays of the COVID-19 source with a finding; ``label`` 1 COVID-19, 0 another."""
    cases = catalog[catalog["source"] == covid.NAME]
    cases = keep_posteroanterior(keep_xray(cases, log, BOTH), log, BOTH)
    decided = cases["finding"].notna() & ~cases["finding"].str.lower().isin(UNDECIDED)
    cases = cases[decided]
    return cases.assign(label=is_covid19(cases["finding"]).astype("Int64"))


def _usable(
    cases: pd.DataFrame, log: FilterLog, hashes: pd.DataFrame | None, names: tuple[str, str]
) -> Prepared:
    """Labelled cases without missing, unreadable and repeated files, and what looks alike."""
    cases = drop_missing(cases, log)
    hashes = fingerprint(cases) if hashes is None else hashes.loc[cases["image_id"]]
    near = near_duplicates(hashes)
    cases = cases.assign(group=patient_groups(cases, near))
    cases = drop_exact_duplicates(drop_unreadable(cases, log, hashes), log, hashes)
    counts = cases["label"].value_counts().reindex([0, 1], fill_value=0)
    if (counts == 0).any():
        raise CXRLabError(
            f"Two classes are needed, but there are {counts[0]} usable {names[0]} and "
            f"{counts[1]} usable {names[1]}. Load a catalog that holds both: "
            'cxrlab.sources.load_catalog(data, "mixed").'
        )
    return Prepared(cases.reset_index(drop=True), log, near)
