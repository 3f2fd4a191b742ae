"""Which X-rays may we learn from? Small filters on the catalog, each of which keeps account.

Every filter takes a table and a :class:`FilterLog`, returns the rows that it keeps and writes
down how many it dropped and why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from os.path import isfile

import numpy as np
import pandas as pd

from cxrlab.catalog.audit import fingerprint
from cxrlab.catalog.schema import once_a_value
from cxrlab.errors import CXRLabError
from cxrlab.sources import EXTERNAL, ROLES, check_negatives, covid, filled_by

POSITIVES = "COVID-19"  # the branches of the workflow
NEGATIVES = "normal"
BOTH = "both"


@dataclass(frozen=True)
class Step:
    """What one filter did: ``dropped`` rows of ``before`` rows, and ``why``."""

    name: str
    why: str
    before: int
    after: int
    branch: str = BOTH
    dropped_ids: tuple[str, ...] = field(default=(), repr=False)

    @property
    def dropped(self) -> int:
        return self.before - self.after


@dataclass
class FilterLog:
    """The steps of a filtering in the order in which they were taken."""

    steps: list[Step] = field(default_factory=list)

    def table(self) -> pd.DataFrame:
        """One row a step: branch, step, before, dropped, after, why."""
        columns = ["branch", "step", "before", "dropped", "after", "why"]
        rows = [
            (step.branch, step.name, step.before, step.dropped, step.after, step.why)
            for step in self.steps
        ]
        return pd.DataFrame(rows, columns=columns)


def is_covid19(findings: pd.Series) -> pd.Series:
    """Whether each finding names COVID-19, in either spelling of the source.

    Older copies say ``COVID-19`` or ``COVID-19, ARDS``, later ones ``Pneumonia/Viral/COVID-19``.
    """
    covid19 = r"(?:^|[/,])\s*COVID-19\s*(?:$|[/,])"
    return once_a_value(findings, lambda said: said.str.contains(covid19, case=False).fillna(False))


def is_normal(findings: pd.Series) -> pd.Series:
    """Whether each finding says that nothing was found: ``Normal`` or ``No Finding``."""
    return once_a_value(findings, lambda said: said.str.lower().isin(["normal", "no finding"]))


def keep_covid19(cases: pd.DataFrame, log: FilterLog, branch: str = POSITIVES) -> pd.DataFrame:
    """Rows whose finding names COVID-19, in either spelling."""
    keep = is_covid19(cases["finding"])
    return _keep(cases, keep, log, "COVID-19", "another finding", branch)


def keep_xray(cases: pd.DataFrame, log: FilterLog, branch: str = POSITIVES) -> pd.DataFrame:
    """X-rays; no computed tomography."""
    keep = cases["modality"] == "X-ray"
    return _keep(cases, keep, log, "X-ray", "another modality (CT)", branch)


def keep_posteroanterior(
    cases: pd.DataFrame, log: FilterLog, branch: str = POSITIVES
) -> pd.DataFrame:
    """X-rays taken from back to front (PA).

    For the COVID-19 source only, as published: the children's X-rays are all AP, and the
    adults' views are not stated, so that the filter would drop every negative.
    """
    keep = cases["view"] == "PA"
    return _keep(cases, keep, log, "posteroanterior (PA)", "another view (AP, lateral ...)", branch)


def keep_normal(cases: pd.DataFrame, log: FilterLog, branch: str = NEGATIVES) -> pd.DataFrame:
    """Rows without a finding (``Normal`` or ``No Finding``).

    Of an external set, which holds all sorts, only frontal X-rays: from the side, or from nobody
    knows where, a chest would be told by its view.
    """
    keep, why = is_normal(cases["finding"]), "another finding"
    lent = cases["source"].isin(EXTERNAL)
    if lent.any():
        frontal = cases["view"].str.match(r"(?:PA|AP)\b").fillna(False)
        keep &= ~lent | (frontal & (cases["modality"] == "X-ray"))
        why += ", or (external sets) no frontal X-ray"
    return _keep(cases, keep, log, "normal", why, branch)


def drop_missing(cases: pd.DataFrame, log: FilterLog, branch: str = BOTH) -> pd.DataFrame:
    """Rows whose file is in the folder; rows with an unsafe or no file name go, too."""
    unnamed = cases["path"].isna()
    here = pd.Series(list(map(isfile, cases["path"].fillna(""))), cases.index, dtype=bool)
    keep = here & ~unnamed
    why = f"{(~here & ~unnamed).sum()} not in the folder"
    if unnamed.any():
        why += f", {unnamed.sum()} with an unsafe file name or none"
    return _keep(cases, keep, log, "file is there", why, branch)


def drop_unreadable(
    cases: pd.DataFrame, log: FilterLog, fingerprints: pd.DataFrame, branch: str = BOTH
) -> pd.DataFrame:
    """Rows whose file can be decoded, according to :func:`cxrlab.catalog.audit.fingerprint`."""
    unknown = (~cases["image_id"].isin(fingerprints.index)).sum()
    if unknown:
        raise CXRLabError(
            f"{unknown} of {len(cases)} images have no fingerprint. Make the fingerprints from "
            "the same catalog: cxrlab.catalog.audit.fingerprint(catalog)."
        )
    problem = cases["image_id"].map(fingerprints["problem"])
    counts = problem.value_counts()
    why = ", ".join(f"{count} {reason}" for reason, count in counts.items()) or "none unreadable"
    return _keep(cases, problem.isna(), log, "readable", why, branch)


def drop_exact_duplicates(
    cases: pd.DataFrame, log: FilterLog, fingerprints: pd.DataFrame, branch: str = BOTH
) -> pd.DataFrame:
    """One row of those with the same file content, the first by ``image_id``.

    Where the same content stands under both labels nobody knows which is true: all of it goes.
    """
    content = cases["image_id"].map(fingerprints["sha256"])
    content = content.fillna(cases["image_id"])  # without a fingerprint: a content of its own
    # Grouping takes long on a large table, so only those that share their content are grouped.
    shared = cases.assign(content=content)[content.duplicated(keep=False)]
    labels = shared["label"].groupby(shared["content"]).transform("nunique")
    contradicted = cases.index.isin(labels.index[labels > 1])
    again = shared.sort_values("image_id")["content"].duplicated()
    keep = ~cases.index.isin(again.index[again]) & ~contradicted
    why = f"{(~keep & ~contradicted).sum()} the same file again"
    if contradicted.any():
        why += f", {contradicted.sum()} the same file under both labels"
    return _keep(cases, keep, log, "no exact duplicates", why, branch)


def label_cases(cases: pd.DataFrame) -> pd.DataFrame:
    """The table with ``label``: 1 COVID-19, 0 normal, missing for any other finding."""
    label = pd.Series(pd.NA, index=cases.index, dtype="Int64")
    label[is_normal(cases["finding"])] = 0
    label[is_covid19(cases["finding"])] = 1
    return cases.assign(label=label)


def balance(
    cases: pd.DataFrame, log: FilterLog, seed: int = 0, negatives: str = "kermany"
) -> pd.DataFrame:
    """As many negatives as positives: a random choice (``seed``) from the larger class.

    With ``negatives="mixed"`` children and adults are half of the negatives each. The choice
    depends on the images alone and not on the order of the rows.
    """
    roles = check_negatives(negatives)
    shuffled = cases.sort_values("image_id").sample(frac=1, random_state=seed)
    positive = shuffled[shuffled["label"] == 1]
    healthy = shuffled[shuffled["label"] == 0]
    pools = [healthy[healthy["source"].isin(ROLES[role])] for role in roles]
    # The scarcest pool limits its half, and with it the other half and the positives.
    size = min(len(positive), min(map(len, pools)) * len(pools))
    shares = [size // len(pools) + (rank < size % len(pools)) for rank in range(len(pools))]
    kept = [positive[:size], *(pool[:share] for pool, share in zip(pools, shares, strict=True))]
    keep = cases.index.isin(pd.concat(kept).index)
    counts = cases["label"].value_counts()
    why = f"{counts.get(1, 0)} COVID-19 and {counts.get(0, 0)} normal made {size} of each"
    return _keep(cases, keep, log, "balanced 1:1", why, BOTH)


def select_cases(
    catalog: pd.DataFrame,
    negatives: str = "kermany",
    seed: int = 0,
    log: FilterLog | None = None,
    hashes: pd.DataFrame | None = None,
    balanced: bool = True,
) -> pd.DataFrame:
    """The published selection: COVID-19 PA X-rays and as many normal ones, all of them usable.

    Without ``balanced`` every usable X-ray stays, whatever the classes count. ``hashes`` is what
    :func:`cxrlab.catalog.audit.fingerprint` made of the catalog; left out, the files of the
    selection are read here. Returns a labelled catalog in the order of the rows.
    Raises :class:`CXRLabError` where one of the classes comes out empty.
    """
    log = FilterLog() if log is None else log
    roles = check_negatives(negatives)

    positive = catalog[catalog["source"] == covid.NAME]
    positive = keep_covid19(positive, log)
    positive = keep_xray(positive, log)
    positive = keep_posteroanterior(positive, log)
    positive = drop_missing(positive, log, POSITIVES)

    there = set(catalog["source"])
    sources = [name for role in roles for name in filled_by(role, there)]
    normal = catalog[catalog["source"].isin(sources)]
    normal = keep_normal(normal, log)
    normal = drop_missing(normal, log, NEGATIVES)

    if hashes is None:
        hashes = fingerprint(pd.concat([positive, normal]))
    positive = drop_unreadable(positive, log, hashes, POSITIVES)
    normal = drop_unreadable(normal, log, hashes, NEGATIVES)

    cases = label_cases(pd.concat([positive, normal]))
    cases = drop_exact_duplicates(cases, log, hashes)
    if balanced:
        cases = balance(cases, log, seed, negatives)
    if cases["label"].nunique() < 2:
        raise CXRLabError(_nothing_left(log))
    return cases.reset_index(drop=True)


def _keep(
    cases: pd.DataFrame,
    keep: pd.Series | np.ndarray,
    log: FilterLog,
    name: str,
    why: str,
    branch: str,
) -> pd.DataFrame:
    """The rows where ``keep`` holds (missing counts as no), with the step written down."""
    keep = pd.Series(keep, index=cases.index).astype("boolean").fillna(False).astype(bool)
    dropped = tuple(cases.loc[~keep, "image_id"])
    log.steps.append(Step(name, why, len(cases), int(keep.sum()), branch, dropped))
    return cases[keep]


def _nothing_left(log: FilterLog) -> str:
    """The sentence for a selection without cases: which step emptied a branch."""
    emptied = next((step for step in log.steps if step.after == 0 < step.before), None)
    if emptied is None:
        return "The catalog is empty, so no cases can be selected from it."
    return (
        f"No X-rays are left in the branch {emptied.branch!r} after the step {emptied.name!r}, "
        f"which dropped all {emptied.before} ({emptied.why}). Look at log.table() and at the "
        "columns finding, view, modality and path of the catalog."
    )
