"""Cards: what somebody should know of a network before believing it (10.1145/3287560.3287596)."""

import re
from importlib import resources
from pathlib import Path

import pandas as pd
from jinja2 import Environment
from markupsafe import Markup

from cxrlab.course import Workspace
from cxrlab.elsewhere import calibration, subgroup_table
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, write_json
from cxrlab.metrics import METRICS, Estimate, auc
from cxrlab.runs import read_metrics
from cxrlab.sources import ALL_SOURCES
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
HIDDEN = ("score", "frame_only", "lungs_hidden")  # scores of the whole X-ray, and of parts


def model_card(run: Path) -> str:
    """The model card of the network in a RUN folder, as Markdown, made without TensorFlow.

    ``external.json`` is what ``cxrlab evaluate --json`` wrote; it counts at the run's own
    threshold. Raises :class:`CXRLabError` where the run is missing, unfinished or damaged.
    """
    metrics = read_metrics(run)
    tables = {file.stem: pd.read_csv(file) for file in run.glob("*.csv")}
    known = {file.stem: read_json(file) for file in run.glob("*.json")}
    try:
        settings, by_source = known["settings"], tables["by_source"]
        cases, scored = tables["split"], tables["predictions"]
        labels, scores, patients = (scored[name] for name in ("label", "score", "patient_id"))
        threshold = metrics["threshold"]
    except KeyError as error:
        raise CXRLabError(f"{run} lacks {error}. Train the run anew in another folder.") from error
    cases["source"] = cases["image_id"].str.partition("/")[0]
    by_part = cases.assign(
        part=pd.Categorical(cases["part"], PARTS),
        kind=cases["label"].map({1: "COVID-19", 0: "not COVID-19"}),
    ).groupby(["part", "kind", "source"], observed=True)
    groups = subgroup_table(scored, threshold)
    told = groups.loc[groups["by"].isin(["sex", "age"]), ["recall", "specificity"]].notna()
    untested = [name for name in ("children", "adults") if name not in set(by_source["group"])]
    external = known.get("external", {})
    context = {
        "title": run.resolve().name,
        "settings": settings,
        "metrics": metrics,
        "external": external if external.get("threshold") == threshold else None,
        "tables": tables,
        "known": known.get("threshold"),  # of a recipe, by source of healthy people
        "by_source": by_source.astype(object).where(by_source.notna(), None).to_dict("records"),
        "groups": groups.to_dict("records"),
        "counts": by_part.agg(images=("image_id", "size"), patients=("patient_id", "nunique")),
        "sources": {n: about for n, about in ALL_SOURCES.items() if n in set(cases["source"])},
        "hidden": {name: auc(labels, scored[name], patients) for name in HIDDEN if name in scored},
        "calibration": calibration(labels, scores, patients),
        "fewest": patients.groupby(labels).nunique().min(),
        "untested": " and healthy ".join(untested),
        "disjoint": scored.groupby("source")["label"].nunique().max() < 2,
        "apart": cases.groupby("patient_id")["part"].nunique().max() < 2,
        "all_stated": scored.reindex(columns=["sex", "age", "view"]).notna().all(axis=None),
        "told": told.all(axis=1).any(),
        "METRICS": METRICS,
        "Estimate": Estimate,
    }
    # Every value is escaped once. What a macro returns is Markup, which stays as it is.
    options = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True}
    template = resources.files("cxrlab").joinpath("model-card.md.j2").read_text("utf-8")
    card = Environment(finalize=as_it_stands, **options).from_string(template).render(context)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" +\n", "\n", card))


def as_it_stands(value: object) -> Markup:
    """The value on one line, escaped so that Markdown shows it as it stands."""
    if isinstance(value, Markup):
        return value
    text = re.sub(r"([\\`*_\[\]<>|#~$&])", r"\\\1", " ".join(str(value).split()))
    return Markup(re.sub(r"^(\d*)([-+=.)])(?!\d)", r"\1\\\2", text))  # begins no list, no rule


def write_line(space: Workspace, section: str, text: str) -> None:
    """Keep a sentence of the reader's own card, in place of an earlier one of this section.

    ``...`` or an empty text leaves the card as it is. Prints where the card stands.
    Raises :class:`CXRLabError` for an unknown section.
    Example: ``card.write_line(space, "Limits", "Phantoms are simpler than people.")``.
    """
    if section not in HINTS:
        raise CXRLabError(f"The card has no section {section!r}. It has {', '.join(HINTS)}.")
    lines = read_lines(space)
    words = "" if text is None or text is ... else " ".join(str(text).split())
    if not words.strip(".… "):
        earlier = "keeps your earlier sentence" if section in lines else "stays open on your card"
        print(f"{section} {earlier}: nothing was written.")
        return
    lines[section] = words
    write_json(space.folder / "card.json", lines)
    still_open = [name for name in HINTS if name not in lines]
    print(f"{section} is on your card. Open: {', '.join(still_open) or 'nothing'}.")


def read_lines(space: Workspace) -> dict[str, str]:
    """The sentences on the reader's own card, by section."""
    path = space.folder / "card.json"
    return read_json(path) if path.exists() else {}


def my_card(space: Workspace) -> str:
    """The reader's own card as Markdown, with what is still open.

    Example: ``IPython.display.Markdown(card.my_card(space))``.
    """
    lines = read_lines(space)
    simulated = ", and nothing about people: its X-rays are SIMULATED" if space.simulated else ""
    warning = f"Not for medical use{simulated}. Nothing here may inform the care of a person."
    blocks = ["#### My model card", f"> **{warning}**"]
    for name, hint in HINTS.items():
        words = as_it_stands(lines[name]) if name in lines else f"*Open: {hint}.*"
        blocks.append(f"**{name}.** {words}")
    blocks.append(f"{len(HINTS) - len(lines)} of {len(HINTS)} sections are open.")
    return "\n\n".join(blocks) + "\n"
