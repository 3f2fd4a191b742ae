"""Cards: what somebody should know of a network before believing it (10.1145/3287560.3287596).

``model_card`` fills a template with the facts of a trained network. ``write_line`` and
``my_card`` keep the card that a reader of the course writes, line by line, from notebook 04 on.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import h5py
import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from cxrlab.course import Workspace
from cxrlab.elsewhere import calibration, subgroup_table
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, write_atomically, write_json
from cxrlab.metrics import METRICS, Estimate, Report, auc, missed_sentence
from cxrlab.runs import read_metrics
from cxrlab.sources.licences import TERMS
from cxrlab.splits import PARTS

#: The sections of the reader's own card, and what belongs into each.
HINTS = {
    "Intended use": "who may use the network, for what, and for what not",
    "Data": "whose X-rays it learned from, and what tells ill and healthy apart but the disease",
    "Metrics": "recall and precision with their intervals, and on how many patients",
    "Settings": "which settings were chosen, how, and whether the gain is more than luck",
    "Shortcuts": "what the network reads apart from the lungs, and how you know",
    "Elsewhere": "what became of the metrics in another hospital, at the same threshold",
    "Limits": "what nobody should conclude from these numbers",
}
SECTIONS = tuple(HINTS)
#: Topic, what must hold to answer it (an expression of the template), where, and what is missing.
ITEMS = (
    ("Aim and place in care, stated before the work", "false", "", "none: made for teaching"),
    ("Where the X-rays come from", "all_known", "Data", "the source of some is not stated"),
    ("How the labels were set", "settings.simulated", "Data", "taken over, with no second reading"),
    ("Who the test patients are", "all_stated", "Subgroups", "sex, age or view of some is unknown"),
    ("How many patients are needed", "false", "", "all there were; nobody calculated it"),
    ("No patient in two parts", "facts.parts is not none and apart", "Data", "nobody can tell"),
    ("The network, so that it can be built again", "facts.parameters", "Model", "it is not here"),
    ("How it was trained", "facts.history is not none", "Training", "there is no history.csv"),
    ("Where the threshold comes from", "settings.threshold_from", "Training", "not stated"),
    ("Metrics with their uncertainty", "true", "Metrics", ""),
    ("Calibration", "calibration.slope.value", "Calibration", "undefined here"),
    ("Performance in groups of people", "told", "Subgroups", "no sex or age with enough people"),
    ("Performance on X-rays from elsewhere", "facts.external", "Other cases", "not tested"),
    ("Checks against shortcuts", "hidden|length > 2 and not untested", "Shortcuts", "not all"),
    ("Comparison with people; ethics, funding, interests", "false", "", "not stated"),
)
HIDDEN = ("score", "frame_only", "lungs_hidden")  # scores of the whole X-ray, and of parts


@dataclass(frozen=True)
class Facts:
    """What a card is made of; what nobody knows stays at its default."""

    title: str
    settings: Mapping  # as in settings.json, and threshold_from
    report: Report
    # image_id, patient_id, source, label, score; sex, age, view, frame_only, lungs_hidden if known
    scored: pd.DataFrame
    parts: pd.DataFrame | None = None  # image_id, patient_id, source, label, part
    by_source: pd.DataFrame | None = None  # as designs.group_table gives it
    external: Mapping[str, Report] = field(default_factory=dict)  # by name, at the same threshold
    layers: Sequence[str] = ()
    parameters: int | None = None
    history: pd.DataFrame | None = None
    leaderboard: pd.DataFrame | None = None
    digests: Mapping[str, str] = field(default_factory=dict)  # SHA-256 of each split.csv
    lines: Mapping[str, str] = field(default_factory=dict)  # what the reader wrote, by section


def model_card(facts: Facts) -> str:
    """The model card of a trained network, as Markdown."""
    scored, labels, patients = facts.scored, facts.scored["label"], facts.scored["patient_id"]
    settings = dict.fromkeys(("simulated", "confounding", "folds", "seed")) | dict(facts.settings)
    sizes = dict.fromkeys(("name", "images", "epochs", "resamples"))
    budget = sizes | (settings.pop("budget", None) or {})
    how = {"resamples": budget["resamples"] or 1000, "seed": settings["seed"] or 0}
    cases = scored.assign(part="test") if facts.parts is None else facts.parts
    by_part = cases.assign(part=pd.Categorical(cases["part"], PARTS), healthy=cases["label"] == 0)
    by_part = by_part.groupby(["part", "healthy", "source"], observed=True)
    groups = subgroup_table(scored, facts.report.threshold)
    told = groups[groups["by"].isin(["sex", "age"])]
    by_source = pd.DataFrame({"group": []}) if facts.by_source is None else facts.by_source
    untested = [name for name in ("children", "adults") if name not in set(by_source["group"])]
    context = {
        "facts": facts,
        "settings": settings,
        "budget": budget,
        "counts": by_part.agg(images=("image_id", "size"), patients=("patient_id", "nunique")),
        "sources": {name: TERMS[name] for name in TERMS if name in set(cases["source"])},
        "missed": missed_sentence(facts.report),
        "groups": groups.to_dict("records"),
        "by_source": by_source.astype(object).where(by_source.notna(), None).to_dict("records"),
        "Estimate": Estimate,
        "hidden": {n: auc(labels, scored[n], patients, **how) for n in HIDDEN if n in scored},
        "calibration": calibration(labels, scored["score"], patients, **how),
        "disjoint": scored.groupby("source")["label"].nunique().max() < 2,
        "fewest": patients.groupby(labels).nunique().min(),
        "untested": " and healthy ".join(untested),
        "all_known": cases["source"].isin(list(TERMS)).all(),
        "all_stated": scored.reindex(columns=["sex", "age", "view"]).notna().all(axis=None),
        "apart": cases.groupby("patient_id")["part"].nunique().max() < 2,
        "told": told[["recall", "specificity"]].notna().all(axis=1).any(),
    }
    template = resources.files("cxrlab").joinpath("model-card.md.j2").read_text("utf-8")
    options = {"trim_blocks": True, "lstrip_blocks": True, "undefined": StrictUndefined}
    # Every value is escaped once. What a macro returns is Markup, which stays as it is.
    environment = Environment(autoescape=True, finalize=as_it_stands, **options)
    answers = []
    for topic, holds, where, missing in ITEMS:
        answered = environment.compile_expression(holds)(context)
        answers.append((topic, *(("answered", where) if answered else ("open", missing))))
    card = environment.from_string(template).render(context, answers=answers)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" +\n", "\n", card))


def as_it_stands(value: object) -> Markup:
    """The value on one line, escaped so that Markdown shows it as it stands."""
    if isinstance(value, Markup):
        return value
    text = re.sub(r"([\\`*_\[\]<>|#~$&])", r"\\\1", " ".join(str(value).split()))
    return Markup(re.sub(r"^(\d*)([-+=.)])(?!\d)", r"\1\\\2", text))  # begins no list, no rule


def read_run(run: str | Path) -> Facts:
    """The facts in a RUN folder, read without TensorFlow.

    ``external.json`` is what ``cxrlab evaluate --json`` wrote; it counts at the run's own
    threshold. Raises :class:`CXRLabError` where the run is missing, unfinished or damaged.
    """
    run = Path(run)
    metrics = read_metrics(run)
    tables = {file.stem: pd.read_csv(file) for file in run.glob("*.csv")}
    try:
        report, scored = Report.from_json(metrics), tables["predictions"]
        scored[["image_id", "patient_id", "label", "score"]]  # noqa: B018
    except (KeyError, TypeError) as error:
        raise CXRLabError(
            f"{run} is damaged: its metrics.json or predictions.csv lacks {error}. "
            "Train the run anew in another folder."
        ) from error
    known = {file.stem: read_json(file) for file in run.glob("*.json")}
    other = known.get("external", {})
    same = other.get("threshold") == report.threshold and set(METRICS) <= set(other)
    splits = sorted([*run.glob("split.csv"), *run.glob("fold-*/split.csv")])
    layers, parameters = _network(run / "model.keras")
    return Facts(
        title=run.resolve().name,
        settings=known.get("settings", {}) | {"threshold_from": metrics.get("threshold_from")},
        report=report,
        scored=_with_source(scored),
        parts=_with_source(tables["split"]) if "split" in tables else None,
        by_source=tables.get("by_source"),
        external={other["name"]: Report.from_json(other)} if same else {},
        layers=layers,
        parameters=parameters,
        history=tables.get("history"),
        leaderboard=tables.get("leaderboard"),
        digests={
            file.relative_to(run).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in splits
        },
    )


def write_model_card(run: str | Path, out: str | Path | None = None) -> Path:
    """Write ``model-card.md`` into ``out`` (else the run). Raises as :func:`read_run` does."""
    return write_atomically(Path(out or run) / "model-card.md", model_card(read_run(run)))


def _with_source(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases with their ``source``: as stated, else the folder that image_id begins with."""
    folder = cases["image_id"].astype(str).str.partition("/")[0]
    source = cases.get("source", folder.where(folder.isin(list(TERMS))))
    return cases.assign(source=source.fillna("not stated"))


def _network(file: Path) -> tuple[Sequence[str], int | None]:
    """The type of each layer in a ``.keras`` file, and how many weights it holds."""
    try:
        with zipfile.ZipFile(file) as archive:
            layers = json.loads(archive.read("config.json"))["config"]["layers"]
            weights = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return (), None
    sizes = {}  # the states of random numbers and of the optimiser are no parameters
    weights.visititems(lambda name, item: sizes.update({name: getattr(item, "size", 0)}))
    counted = [n for name, n in sizes.items() if not re.search("^optimizer|seed_generator", name)]
    return [i["class_name"] for i in layers if i["class_name"] != "InputLayer"], sum(counted)


def write_line(space: Workspace, section: str, text: str) -> None:
    """Keep a sentence of the reader's own card, in place of an earlier one of this section.

    ``...`` or an empty text leaves the card as it is. Prints where the card stands. Raises
    :class:`CXRLabError` for an unknown section.
    """
    if section not in HINTS:
        raise CXRLabError(f"The card has no section {section!r}. It has {', '.join(SECTIONS)}.")
    lines = read_lines(space)
    words = "" if text is None or text is ... else " ".join(str(text).split())
    if not words.strip(".… "):
        earlier = "keeps your earlier sentence" if section in lines else "stays open on your card"
        print(f"{section} {earlier}: nothing was written.")
        return
    lines[section] = words
    write_json(space.folder / "card.json", lines)
    still_open = [name for name in SECTIONS if name not in lines]
    print(f"{section} is on your card. Open: {', '.join(still_open) or 'nothing'}.")


def read_lines(space: Workspace) -> dict[str, str]:
    """The sentences on the reader's own card, by section, in the order of the card.

    Raises :class:`CXRLabError` where ``card.json`` is damaged.
    """
    path = space.folder / "card.json"
    try:
        kept = read_json(path) if path.exists() else {}
        return {name: str(kept[name]) for name in SECTIONS if name in kept}
    except (ValueError, TypeError) as error:
        raise CXRLabError(f"{path} is damaged. Delete it, and write your lines anew.") from error


def my_card(space: Workspace) -> str:
    """The reader's own card as Markdown, with what is still open."""
    lines = read_lines(space)
    simulated = ", and nothing about people: its X-rays are SIMULATED" if space.simulated else ""
    warning = f"Not for medical use{simulated}. Nothing here may inform the care of a person."
    blocks = ["#### My model card", f"> **{warning}**"]
    for name, hint in HINTS.items():
        words = as_it_stands(lines[name]) if name in lines else f"*Open: {hint}.*"
        blocks.append(f"**{name}.** {words}")
    blocks.append(f"{len(HINTS) - len(lines)} of {len(HINTS)} sections are open.")
    return "\n\n".join(blocks) + "\n"
