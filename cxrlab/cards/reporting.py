"""What careful reporting asks for, and whether a run answers it.

The topics are taken from CLAIM 2024 (10.1148/ryai.240300) and TRIPOD+AI
(10.1136/bmj-2023-078378) and put in our own words. It is a choice of them, not either checklist:
whoever publishes fills in the original.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cxrlab.cards.blocks import Link, Rows, Section, Text
from cxrlab.cards.facts import RunFacts, percent

ANSWERED, PARTLY, OPEN = "answered", "in part", "open"
CLAIM = Link("CLAIM 2024", "https://doi.org/10.1148/ryai.240300")
TRIPOD = Link("TRIPOD+AI", "https://doi.org/10.1136/bmj-2023-078378")

Answer = tuple[str, str]  # status, where it is answered or what is missing


@dataclass(frozen=True)
class Item:
    """One topic, which guidelines ask for it, and how a run answers."""

    topic: str
    asked_by: str
    answer: Callable[[RunFacts], Answer]


def _always(status: str, words: str) -> Callable[[RunFacts], Answer]:
    return lambda facts: (status, words)


def _where(
    holds: Callable[[RunFacts], bool], where: str, missing: str, otherwise: str = OPEN
) -> Callable[[RunFacts], Answer]:
    """Answered where the run holds something, else ``otherwise``."""
    return lambda facts: (ANSWERED, where) if holds(facts) else (otherwise, missing)


def _demographics(facts: RunFacts) -> Answer:
    stated = [
        name
        for name in ("sex", "age", "view")
        if name in facts.scored and facts.scored[name].notna().all()
    ]
    some = [
        name
        for name in ("sex", "age", "view")
        if name in facts.scored and facts.scored[name].notna().any()
    ]
    if len(stated) == 3:
        return ANSWERED, "sex, age and view of every test case: Subgroups"
    if some:
        return PARTLY, f"known for a part of the test cases only: {', '.join(some)}"
    return OPEN, "the run does not say who is in it: no sex, age or view"


def _fairness(facts: RunFacts) -> Answer:
    people = facts.subgroups[facts.subgroups["by"].isin(["sex", "age"])]
    told = [
        row["group"]
        for row in people.to_dict("records")
        if not row["recall_note"] and not row["specificity_note"]
    ]
    if told:
        return PARTLY, f"recall and specificity of: {', '.join(map(str, told))}. No others"
    return OPEN, "no group by sex or age has enough patients of both classes (Subgroups)"


def _external(facts: RunFacts) -> Answer:
    if facts.external is None:
        return OPEN, "tested on patients of its own sources only"
    return PARTLY, (
        f"{facts.external['n']} cases of {facts.external['name']}: Other cases. Whether they are "
        "another hospital is for whoever chose them to show"
    )


def _internal(facts: RunFacts) -> Answer:
    if facts.folds:
        return ANSWERED, f"{facts.folds} folds by patient: Metrics"
    if facts.split is not None:
        return ANSWERED, "one held-out part, split by patient: Data"
    return OPEN, "the run holds no split"


def _shortcuts(facts: RunFacts) -> Answer:
    held = [name for name in ("frame_only", "lungs_hidden") if name in facts.scored]
    groups = len(facts.groups) == 3
    if groups and len(held) == 2:
        return ANSWERED, "by group, frame only, lungs hidden: Shortcuts"
    if groups or held:
        missing = "no second group of healthy people" if held else "no region was hidden"
        return PARTLY, f"some of it (Shortcuts); {missing}"
    return OPEN, "not examined in this run"


def _data(facts: RunFacts) -> Answer:
    if facts.simulated:
        return ANSWERED, "phantoms: Data"
    if facts.simulated is None:
        return PARTLY, "sources are named, but not whether they are real or simulated"
    return PARTLY, "sources: Data. When and where the X-rays were taken is not known for all"


ITEMS = (
    Item("Says that a learned network is studied, and of which kind", "both",
         _where(lambda f: f.network is not None, "Model", "the run holds no network")),
    Item("Place in care: for whom, by whom, at which moment", "both",
         _always(OPEN, "none: made for teaching, not for care (Intended use)")),
    Item("Aim stated before the work, and a protocol", "both",
         _always(OPEN, "no protocol was registered")),
    Item("Where the data come from and when they were collected", "both", _data),
    Item("Who was included and who was left out", "both",
         _always(PARTLY, "the filters are in notebook 02; the sources' own choice is not known")),
    Item("How images were prepared", "both",
         _where(lambda f: "preparation" in f.settings, "Training",
                "scaled to 224×224, one grey channel; this run does not say more", PARTLY)),
    Item("How the reference standard was set, and by whom", "both",
         _where(lambda f: bool(f.simulated), "opacities were simulated: known for certain",
                "labels were taken over from the sources; no PCR results, no second reading",
                PARTLY)),
    Item("Missing data: how much, and what was done", "both",
         _always(PARTLY, "not stated is a group of its own (Subgroups); nothing was filled in")),
    Item("How the size of the study was decided", "both",
         _always(OPEN, "all there is; nobody calculated how many are needed")),
    Item("Parts for training, validation and test, and no patient in two", "both", _internal),
    Item("Who the patients in each part are", "both", _demographics),
    Item("The network in enough detail to build it again", "both",
         _where(lambda f: f.network is not None and f.network.parameters is not None,
                "Model, and model.keras", "the run's network cannot be read here")),
    Item("How it was trained and how its settings were chosen", "both",
         _where(lambda f: bool(f.settings), "Training", "the run holds no settings.json")),
    Item("How classes of different size were handled", "TRIPOD+AI",
         lambda f: (ANSWERED, f"{percent(f.report.prevalence)} of the test cases are positive")),
    Item("Where the threshold comes from", "TRIPOD+AI",
         _where(lambda f: "threshold_from" in f.metrics, "Metrics", "the run does not say")),
    Item("Performance with its uncertainty", "both",
         _always(ANSWERED, "95 % intervals over patients: Metrics")),
    Item("Calibration", "TRIPOD+AI", _always(ANSWERED, "Brier score and ECE: Calibration")),
    Item("Performance on data from elsewhere", "both", _external),
    Item("Performance in subgroups, and fairness", "TRIPOD+AI", _fairness),
    Item("What the network looks at: checks against shortcuts", "CLAIM 2024", _shortcuts),
    Item("Which cases fail, and why", "CLAIM 2024",
         _always(PARTLY, "predictions.csv lists them; nobody has read these X-rays again")),
    Item("Comparison with people or with an established method", "CLAIM 2024",
         _always(OPEN, "none")),
    Item("Patients and public had a say", "TRIPOD+AI", _always(OPEN, "they had none")),
    Item("Ethics approval and consent", "TRIPOD+AI",
         _where(lambda f: bool(f.simulated), "no people are involved",
                "public data; consent is as the sources obtained it, not checked here")),
    Item("Funding and conflicts of interest", "both", _always(OPEN, "the run does not say")),
    Item("Data, code and network can be had", "both",
         _always(PARTLY, "the code is open; X-rays have to be fetched from their sources")),
    Item("Limits", "both", _always(ANSWERED, "Limits")),
)  # fmt: skip


def reporting_section(facts: RunFacts, items: Sequence[Item] = ITEMS) -> Section:
    """The table of items, with how many are answered."""
    answers = [(item, *item.answer(facts)) for item in items]
    counts = {s: sum(status == s for _, status, _ in answers) for s in (ANSWERED, PARTLY, OPEN)}
    return Section(
        "Reporting items",
        [
            Text(
                (
                    "A choice of topics from ",
                    CLAIM,
                    " and ",
                    TRIPOD,
                    ", in the words of this course. It is neither full checklist: for a "
                    f"publication fill in the original. Of {len(answers)} topics "
                    f"{counts[ANSWERED]} are answered, {counts[PARTLY]} in part, and "
                    f"{counts[OPEN]} are open.",
                )
            ),
            Rows(
                ("topic", "asked by", "status", "where, or what is missing"),
                [(item.topic, item.asked_by, status, words) for item, status, words in answers],
            ),
        ],
    )
