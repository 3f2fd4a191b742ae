"""Would it work elsewhere? A frozen threshold, other people, another prevalence, other risks."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.metrics import brier_score_loss
from statsmodels.discrete.discrete_model import Logit
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

from cxrlab import metrics
from cxrlab.metrics import Confusion, Estimate, check_cases, effective_size, share
from cxrlab.sources.tables import AGE_BANDS, NOT_STATED, to_catalog

SUBGROUPS = ("sex", "age", "view", "source")
TOO_FEW = "too few"
UNKNOWN = ("", "unknown", "n/a", "na", "nan", "none", "null", "-", "?")


def external_report(
    cases: pd.DataFrame, threshold: float, name: str, resamples: int = 1000, seed: int = 0
) -> dict:
    """Judge scored ``cases`` at a ``threshold`` that was frozen before they were seen.

    ``cases`` has ``label`` (0 or 1) and ``score`` (0...1), and where known ``patient_id`` and
    ``SUBGROUPS``. Returns plain numbers for a JSON file: what :func:`cxrlab.metrics.evaluate`,
    :func:`subgroup_table` and :func:`calibration` find, ``None`` for what is undefined.
    Raises :class:`CXRLabError` on unusable input.
    """
    labels, scores, patients = cases["label"], cases["score"], cases.get("patient_id")
    groups = subgroup_table(cases, threshold)
    found = calibration(labels, scores, patients, resamples, seed)
    return {
        "name": name,
        **metrics.evaluate(labels, scores, threshold, patients, resamples, seed),
        "subgroups": groups.astype(object).where(groups.notna(), None).to_dict("records"),
        "brier": found.brier.to_json(),
        "calibration_slope": found.slope.to_json(),
        "calibration_in_the_large": found.in_the_large.to_json(),
    }


def subgroup_table(
    cases: pd.DataFrame, threshold: float, by: Sequence[str] = SUBGROUPS, fewest: int = 10
) -> pd.DataFrame:
    """One row per group, the first for all cases: counts, recall and specificity.

    ``cases`` as for :func:`external_report` (``age`` in years is banded). Columns: ``by``,
    ``group``, ``cases``, ``patients``, ``positives``, ``negatives``, then ``recall``,
    ``recall_low``, ``recall_high``, ``recall_p``, ``recall_note`` and the same of ``specificity``.

    A share is NaN, and its note says why, where the group has fewer than ``fewest`` patients of
    the class (``too few``), or is ``not stated``. The p-value is that of a group against all other
    cases, with effective sample sizes for counts (Rao and Scott 1992, 10.2307/2532311), adjusted
    for all groups of the table by Holm's method.
    Example: ``subgroup_table(scored, threshold=0.5, by=["sex", "age"])``.
    """
    labels, scores, patients = check_cases(cases["label"], cases["score"], cases.get("patient_id"))
    right = (scores >= threshold) == (labels == 1)
    groups = [("all", "all cases", np.ones(len(cases), bool))]
    for column in by:
        values = group_values(cases, column)
        seen, bands = values.value_counts(), list(AGE_BANDS.values())
        # Bands of age in their order, other groups by size, and last what is not stated.
        place = {name: bands.index(name) if name in bands else -seen[name] for name in seen.index}
        names = sorted(seen.index, key=lambda name: (name == NOT_STATED, place[name], name))
        groups += [(column, name, (values == name).to_numpy()) for name in names]
    rows = []
    for column, name, inside in groups:
        n, ill, people = inside.sum(), labels[inside].sum(), np.unique(patients[inside]).size
        row = {"by": column, "group": name, "cases": int(n), "patients": people}
        row |= {"positives": int(ill), "negatives": int(n - ill)}
        for metric, label in (("recall", 1), ("specificity", 0)):
            ours, others = inside & (labels == label), ~inside & (labels == label)
            few = [np.unique(patients[part]).size < max(fewest, 1) for part in (ours, others)]
            note = NOT_STATED if name == NOT_STATED else TOO_FEW if few[0] else ""
            found = [np.nan] * 3 if note else astuple(share(right[ours], patients[ours]))
            p = np.nan if note or few[1] else _p_value(right, patients, (ours, others))
            names = (metric, *(f"{metric}_{end}" for end in ("low", "high", "p", "note")))
            row |= dict(zip(names, (*found, p, note), strict=True))
        rows.append(row)
    table = pd.DataFrame(rows)
    adjusted = np.array(table[["recall_p", "specificity_p"]])
    if (known := ~np.isnan(adjusted)).any():
        adjusted[known] = multipletests(adjusted[known], method="holm")[1]
    return table.assign(recall_p=adjusted[:, 0], specificity_p=adjusted[:, 1])


def group_values(cases: pd.DataFrame, column: str) -> pd.Series:
    """The group of each case as text, read as a catalog is; ages in the bands of the audit."""
    values = cases.get(column, pd.Series(pd.NA, cases.index))
    if column in ("sex", "age", "view"):
        ids = {"image_id": range(len(cases)), "source": "-", "patient_id": "-"}
        values = to_catalog(pd.DataFrame({**ids, column: values}))[column]
    if column == "age":
        values = pd.cut(values, [*AGE_BANDS, np.inf], right=False, labels=AGE_BANDS.values())
    text = values.astype("string").str.strip()
    text = text.groupby(text.str.lower()).transform("first")  # ap supine is AP Supine
    return text.mask(text.str.lower().isin(UNKNOWN)).fillna(NOT_STATED)


def _p_value(right: NDArray, patients: NDArray, parts: tuple[NDArray, NDArray]) -> float:
    """That of two shares, each counted as its effective size."""
    of_part = [(right[part], pd.factorize(patients[part])[0]) for part in parts]
    sizes = np.array([effective_size(*both) for both in of_part])
    hits = sizes * [calls.mean() for calls, _ in of_part]
    if hits.sum() in (0, sizes.sum()):
        return 1.0  # all right or all wrong: no difference to be seen
    return float(proportions_ztest(hits, sizes)[1])


@dataclass(frozen=True)
class Calibration:
    """Are 8 of 10 with a score of 0.8 ill? (Van Calster 2019, 10.1186/s12916-019-1466-7)"""

    brier: Estimate  # mean squared distance of score and label, 0 at best
    slope: Estimate  # 1 at best, lower for too extreme scores, higher for too timid ones
    in_the_large: Estimate  # log odds: 0 at best, lower for scores that are too high on the whole


def calibration(
    labels: ArrayLike,
    scores: ArrayLike,
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Calibration:
    """Brier score, calibration slope and calibration-in-the-large, with 95 % intervals.

    Slope: that of a logistic regression of the label on the logit of the score; in the large: its
    intercept where the slope is held at 1. Their intervals are cluster-robust over patients, the
    Brier score's is a bootstrap over patients. Both regressions are undefined with a single class
    or patient, the slope also where the scores separate the classes or are all alike.
    Arguments as for :func:`cxrlab.metrics.evaluate`.
    Example: ``calibration(test["label"], test["score"], test["patient_id"]).slope``.
    """
    labels, scores, patients = check_cases(labels, scores, patients)
    distance = (scores - labels) ** 2
    draws = metrics.resample(lambda w: w @ distance / w.sum(axis=1), patients, resamples, seed)
    value = float(brier_score_loss(labels, scores))
    low, high = (float(end) for end in np.quantile(draws.round(12), [0.025, 0.975]))
    brier = Estimate(value, min(low, value), max(high, value)) if high > low else Estimate(value)
    if labels.min() == labels.max() or patients.max() == 0:
        return Calibration(brier, Estimate(None), Estimate(None))
    logits = logit(np.clip(scores, 1e-7, 1 - 1e-7))[:, None]  # those of 0 and 1 are infinite
    ones = np.ones_like(logits)
    ill, healthy, slope = logits[labels == 1], logits[labels == 0], Estimate(None)
    if ill.min() < healthy.max() and healthy.min() < ill.max():
        both = Logit(labels, np.hstack([ones, logits]))
        slope = _coefficient(both, [logit(labels.mean()), 0], patients)
    # From 0, Newton's method runs away where the scores are far off: start where it has to end.
    shift = brentq(lambda a: expit(a + logits).sum() - labels.sum(), -40, 40)
    large = _coefficient(Logit(labels, ones, offset=logits[:, 0]), [shift], patients)
    return Calibration(brier, slope, large)


def _coefficient(model: Logit, start: list[float], patients: NDArray) -> Estimate:
    """The last coefficient of the model, with an interval that is cluster-robust over patients."""
    how = {"cov_type": "cluster", "cov_kwds": {"groups": patients}, "use_t": True}
    fitted = model.fit(start, disp=0, **how)
    return Estimate(float(fitted.params[-1]), *(float(end) for end in fitted.conf_int()[-1]))


def precision_range(recall: Estimate, specificity: Estimate, prevalence: float) -> Estimate:
    """The precision at a prevalence, from the lower and the upper ends of both intervals.

    A cautious range: both are so unlucky at once more rarely than either. Undefined without calls.
    Example: ``precision_range(Estimate(0.9, 0.8, 1), Estimate(0.8, 0.7, 0.9), prevalence=0.1)``.
    """
    if None in (recall.value, specificity.value):
        return Estimate(None)
    pairs = zip(astuple(recall), astuple(specificity), strict=True)
    found = Estimate(*(metrics.precision_at_prevalence(*pair, prevalence) for pair in pairs))
    return Estimate(None) if found.value is None else found


def people_tested(recall: float, specificity: float, prevalence: float, n: int = 1000) -> Confusion:
    """Whole people instead of shares (0...1): the rounded counts of the test on ``n`` of them."""
    ill = round(n * prevalence)
    found, cleared = round(ill * recall), round((n - ill) * specificity)
    return Confusion(tp=found, fp=n - ill - cleared, fn=ill - found, tn=cleared)


def screening_sentence(people: Confusion) -> str:
    """Whole people in two sentences: the ill among them, the alarms, and how many are true."""
    ill, alarms = people.tp + people.fn, people.tp + people.fp
    have, raised = "has" if ill == 1 else "have", "1 alarm" if alarms == 1 else f"{alarms:,} alarms"
    start = f"Of {people.n:,} people tested, {ill:,} {have} COVID-19. The test raises"
    if not alarms:
        return f"{start} no alarm at all: its precision is undefined, and all the ill are missed."
    true = f"{people.tp or 'none'} of them {'is' if people.tp == 1 else 'are'} true"
    missed = f"{people.fn:,} of the ill {'is' if people.fn == 1 else 'are'} missed"
    return f"{start} {raised}; {true}, and {missed}."
