"""Which X-rays may we learn from? Small filters on the catalog, each of which keeps account.

Every filter takes a table and a :class:`FilterLog`, returns the rows that it keeps and writes
down how many it dropped and why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from os.path import isfile

import numpy as np
import pandas as pd

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

    @property
    def dropped(self) -> int:
        return self.before - self.after


@dataclass
class FilterLog:
    """The steps of a filtering in the order in which they were taken."""

    steps: list[Step] = field(default_factory=list)

    def table(self) -> pd.DataFrame:
        """One row per step: branch, step, before, dropped, after, why."""
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
    text = findings.astype("string")
    return text.str.contains(covid19, case=False).fillna(False).astype(bool)


def is_normal(findings: pd.Series) -> pd.Series:
    """Whether each finding says that nothing was found: ``Normal`` or ``No Finding``."""
    return findings.astype("string").str.lower().isin(["normal", "no finding"])


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
    contradicted = cases.groupby(content)["label"].transform("nunique") > 1
    again = content[cases["image_id"].sort_values().index].duplicated()
    keep = ~again & ~contradicted
    why = f"{(again & ~contradicted).sum()} the same file again"
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
    depends on the images alone and not on the order of the rows. With one source of negatives it
    is that of ``cases.groupby("label").sample(n, random_state=seed)``.
    """
    roles = check_negatives(negatives)
    ordered = cases.sort_values("image_id", ignore_index=True)
    role = ordered["source"].map({name: role for role in roles for name in ROLES[role]})
    healthy = ordered[(ordered["label"] == 0) & role.notna()]
    positive = ordered[ordered["label"] == 1]
    # The scarcest group limits its share, and with it the other groups and the positives.
    pools = healthy.groupby(role[healthy.index])
    share = min([len(positive) // len(roles), *pools.size().reindex(list(roles), fill_value=0)])
    draw = np.random.RandomState(seed)
    chosen = pools.sample(share, random_state=draw)["image_id"].to_list()
    chosen += positive.sample(share * len(roles), random_state=draw)["image_id"].to_list()
    counts = cases["label"].value_counts()
    why = f"{counts.get(1, 0)} COVID-19 and {counts.get(0, 0)} normal made "
    why += f"{share * len(roles)} of each"
    return _keep(cases, cases["image_id"].isin(chosen), log, "balanced 1:1", why, BOTH)


def published_candidates(
    catalog: pd.DataFrame, negatives: str = "kermany", log: FilterLog | None = None
) -> pd.DataFrame:
    """The published filters: COVID-19 PA X-rays and normal ones whose file is there, labelled.

    Their files have not been opened yet; :func:`cxrlab.cases.select` does that.
    """
    log = FilterLog() if log is None else log
    positive = catalog[catalog["source"] == covid.NAME]
    for keep in (keep_covid19, keep_xray, keep_posteroanterior):
        positive = keep(positive, log)
    positive = drop_missing(positive, log, POSITIVES)
    there = set(catalog["source"])
    sources = [name for role in check_negatives(negatives) for name in filled_by(role, there)]
    normal = keep_normal(catalog[catalog["source"].isin(sources)], log)
    normal = drop_missing(normal, log, NEGATIVES)
    return label_cases(pd.concat([positive, normal], ignore_index=True))


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
    log.steps.append(Step(name, why, len(cases), int(keep.sum()), branch))
    return cases[keep]


def nothing_left(log: FilterLog) -> CXRLabError:
    """The error for a selection without cases: which step emptied a branch."""
    emptied = next((step for step in log.steps if step.after == 0 < step.before), None)
    if emptied is None:
        return CXRLabError("The catalog is empty, so no cases can be selected from it.")
    return CXRLabError(
        f"No X-rays are left in the branch {emptied.branch!r} after the step {emptied.name!r}, "
        f"which dropped all {emptied.before} ({emptied.why}). Look at log.table() and at the "
        "columns finding, view, modality and path of the catalog."
    )
