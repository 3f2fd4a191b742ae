"""The numbers of a model card: metrics, other cases, subgroups, shortcuts, calibration."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from cxrlab.cards.blocks import Block, Bullets, Rows, Section, Text
from cxrlab.cards.facts import NOT_STATED, RunFacts, percent
from cxrlab.evaluation import (
    brier,
    evaluate,
    expected_calibration_error,
    missed_sentence,
    share_words,
)
from cxrlab.evaluation.metrics import METRICS

INTERVAL = "95 % interval"
WORDS = {"roc_auc": "ROC AUC", "f1": "F1"}


def metrics_section(facts: RunFacts) -> Section:
    """Counts and metrics with intervals on the test cases."""
    counts, origin = facts.report.confusion, facts.metrics.get("threshold_from", NOT_STATED)
    how = {
        "validation": "chosen on the validation part (highest F1), before the test",
        "given": "given beforehand",
    }.get(origin, origin)
    tested = (
        f"{facts.folds} folds by patient: each patient was tested once, by a network that had not "
        "seen them, and all are pooled here. The network in this folder is that of the first fold."
        if facts.folds
        else "Tested once, on patients that are in no other part."
    )
    return Section(
        "Metrics",
        [
            Text(
                f"{tested} {facts.report.n} X-rays of {facts.report.patients} patients, of which "
                f"{percent(facts.report.prevalence)} are positive. Threshold "
                f"{facts.report.threshold:.3f}, {how}."
            ),
            Rows(
                ("test cases", "called COVID-19", "called not COVID-19"),
                [
                    ("COVID-19", f"{counts.tp} (true positives)", f"{counts.fn} (missed)"),
                    (
                        "not COVID-19",
                        f"{counts.fp} (false alarms)",
                        f"{counts.tn} (true negatives)",
                    ),
                ],
                ("called COVID-19", "called not COVID-19"),
            ),
            metrics_rows(facts.metrics),
            Text(
                f"{missed_sentence(facts.report)} Intervals are 95 %, over patients (bootstrap, "
                "or Wilson where each patient counts once)."
            ),
        ],
    )


def metrics_rows(content: Mapping) -> Rows:
    """The metrics in ``content``, as a Report's JSON holds them."""
    rows = []
    for name in METRICS:
        low, high = content[name]["interval"]
        rows.append(
            (WORDS.get(name, name.replace("_", " ")), *_value(content[name]["value"], low, high))
        )
    return Rows(("metric", "value", INTERVAL), rows, ("value", INTERVAL))


def external_section(facts: RunFacts) -> Section | None:
    """What `cxrlab evaluate` found on other cases, if the run holds it."""
    if facts.external is None:
        return None
    found = facts.external
    return Section(
        "Other cases",
        [
            Text(
                f"{found['n']} X-rays of {found['patients']} patients in {found['name']}, at the "
                "same frozen threshold. Whoever chose them has to say how they differ from the "
                "X-rays above."
            ),
            metrics_rows(found),
        ],
    )


def subgroup_section(facts: RunFacts) -> Section:
    """Recall and specificity by subgroup; silent where a group is too small or not stated."""
    rows = [
        (
            row["by"],
            str(row["group"]),
            str(row["cases"]),
            str(row["patients"]),
            share_words(row, "recall"),
            share_words(row, "specificity"),
        )
        for row in facts.subgroups.to_dict("records")
    ]
    return Section(
        "Subgroups",
        [
            Text(
                "At the frozen threshold, with 95 % intervals over patients. A group with fewer "
                "than 10 patients of a class gets no number for it (too few), and people of whom "
                "the source does not say it get none at all (not stated)."
            ),
            Rows(
                ("by", "group", "cases", "patients", "recall", "specificity"),
                rows,
                ("cases", "patients", "recall", "specificity"),
            ),
            Bullets(
                ["A difference between groups may be one of their sources: look at who is who."]
            ),
        ],
    )


def shortcuts_section(facts: RunFacts) -> Section:
    """Whether it needs the lungs: by source, frame only, lungs hidden, as far as the run says."""
    blocks: list[Block] = []
    if facts.by_source is not None:
        rows = [
            (
                str(row["group"]),
                f"{row['images']:.0f}",
                f"{row['patients']:.0f}",
                *_value(row["called"], row["low"], row["high"]),
                _short(row["auc"], row.get("auc_low"), row.get("auc_high")),
            )
            for row in facts.by_source.to_dict("records")
        ]
        columns = ("group", "images", "patients", "called COVID-19", INTERVAL, "AUC against it")
        blocks += [
            Text(
                "The same network on unseen people of each group. For COVID-19 the share called "
                "positive is the recall; for the healthy it is false alarms."
            ),
            Rows(columns, rows, columns[1:]),
        ]
    hidden = {
        "frame_only": "only the outer tenth of the X-ray is left",
        "lungs_hidden": "the lungs are filled in",
    }
    rows = []
    for name, words in hidden.items():
        if name in facts.scored and facts.scored["label"].nunique() == 2:
            auc = evaluate(
                facts.scored["label"].to_numpy(int),
                facts.scored[name].to_numpy(float),
                0.5,
                facts.scored["patient_id"].to_numpy(),
                facts.resamples,
                facts.seed,
            )["roc_auc"]
            rows.append((words, *_value(auc.value, auc.low, auc.high)))
    if rows:
        blocks += [
            Text("A network that reads lungs falls to an AUC of 0.5 when it cannot see them:"),
            Rows(("what it was shown", "ROC AUC", INTERVAL), rows, ("ROC AUC", INTERVAL)),
        ]
    if not blocks:
        blocks.append(
            Text(
                "Not examined in this run. On these sources that is a gap that matters: where "
                "each class comes from a source of its own, a network can score well "
                "without looking at a lung (notebook 06)."
            )
        )
    return Section("Shortcuts", blocks)


def calibration_section(facts: RunFacts) -> Section:
    """Whether a score of 0.8 means 80 of 100."""
    labels, scores = facts.scored["label"].to_numpy(int), facts.scored["score"].to_numpy(float)
    how = {"resamples": facts.resamples, "seed": facts.seed}
    patients = facts.scored["patient_id"].to_numpy()
    found = brier(labels, scores, patients, **how)
    error = expected_calibration_error(labels, scores, patients, **how)
    rows = [
        ("Brier score (0 is best)", found.score),
        ("Brier score of always saying the prevalence", found.prevalence_only),
        ("Brier skill (1 is best, 0 is no better than that)", found.skill),
        ("expected calibration error, less its bias", error.debiased),
    ]
    several = " The scores come from several networks, one a fold." if facts.folds else ""
    return Section(
        "Calibration",
        [
            Text(
                f"Can the score be read as a probability, at the prevalence of the test?{several}"
            ),
            Rows(
                ("measure", "value", INTERVAL),
                [(name, *_value(e.value, e.low, e.high)) for name, e in rows],
                ("value", INTERVAL),
            ),
            Text(
                f"The ECE as it is usually reported ({error.bins} bins) is {error.plug_in:.3f}; "
                f"a perfectly calibrated network would show {error.by_chance:.3f} by chance."
            ),
        ],
    )


def _undefined(value: object) -> bool:
    return value is None or pd.isna(value)


def _value(value: float | None, low: float | None, high: float | None) -> tuple[str, str]:
    """A value and its interval as words."""
    if _undefined(value):
        return "undefined", ""
    spread = "" if _undefined(low) else f"{low:.3f} to {high:.3f}"
    return f"{value:.3f}", spread


def _short(value: float | None, low: float | None, high: float | None) -> str:
    value, spread = _value(value, low, high)
    return "" if value == "undefined" else f"{value} ({spread})" if spread else value
