"""The sections of a model card (Mitchell 2019, 10.1145/3287560.3287596), each made from a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from cxrlab.cards.blocks import Block, Bullets, Rows, Section, Text
from cxrlab.cards.facts import RunFacts, percent
from cxrlab.cards.provenance import PHANTOMS, facts_of
from cxrlab.splits import PARTS

LABELS = {1: "COVID-19", 0: "not COVID-19"}


def opening(facts: RunFacts) -> list[Block]:
    """What nobody should overlook, before anything else."""
    blocks = [Text("Not for medical use. Nothing here may inform the care of a person.", loud=True)]
    if facts.simulated:
        dial = facts.settings.get("confounding")
        sources = (
            "" if not dial else f" Their sources were made to look different (dial at {dial:g})."
        )
        blocks.append(
            Text(
                "SIMULATED: trained and tested on phantoms, X-rays that a program made. No number "
                f"on this card says anything about people.{sources}",
                loud=True,
            )
        )
    elif facts.simulated is None:
        blocks.append(
            Text("The run does not say whether its X-rays are real or simulated.", loud=True)
        )
    if facts.budget.get("name") == "smoke":
        blocks.append(
            Text(
                "The smoke budget only checks that everything runs: these numbers mean nothing.",
                loud=True,
            )
        )
    return blocks


def model_section(facts: RunFacts) -> Section:
    """What the network is."""
    network = facts.network
    rows = [
        ("what it does", "gives a frontal chest X-ray a score from 0 to 1 for COVID-19"),
        ("input", "224×224 pixels, one grey channel copied to three, within 0…1"),
    ]
    if network is not None:
        kinds = Counter(network.layers)
        rows += [
            ("network", network.name.replace("_", " ")),
            (
                "layers",
                f"{len(network.layers)}: " + ", ".join(f"{n} {k}" for k, n in kinds.items()),
            ),
        ]
        if network.parameters is not None:
            rows.append(("parameters", f"{network.parameters:,}"))
    rows += [
        ("made with", f"CXRLab {facts.settings.get('cxrlab', '(version not stated)')}"),
        ("licence", "the code is BSD 3-Clause; the X-rays it learned from keep theirs (Data)"),
        ("contact", "not stated: whoever shares this network should add a name here"),
    ]
    return Section("Model", [Rows(("property", "value"), rows)])


def use_section(facts: RunFacts) -> Section:
    """What it is for, and what it is not for."""
    return Section(
        "Intended use",
        [
            Text(
                "Made for teaching: students of computing, medicine and statistics see in it how "
                "such a network is built, measured and mistrusted."
            ),
            Bullets(
                [
                    "Not for diagnosis, screening, triage or any other decision about a person.",
                    "Not for children, other views than frontal ones, computed tomography, or "
                    "photographs of X-rays: it has learned from none of them as positives.",
                    "Not as evidence that COVID-19 can be seen on an X-ray: it was never asked to "
                    "tell COVID-19 from another pneumonia.",
                ]
            ),
        ],
    )


def data_section(facts: RunFacts) -> Section:
    """Which X-rays are in which part, and where they come from."""
    blocks: list[Block] = []
    if facts.split is not None:
        blocks.append(Text(_parts_sentence(facts)))
        blocks.append(_counts(facts.split, ["part", "label", "source"]))
        digests = [(name, digest) for name, digest in facts.digests.items()]
        blocks.append(
            Text("Which X-ray is in which part: split.csv. The same digest means the same split.")
        )
        blocks.append(Rows(("file", "SHA-256"), digests))
    else:
        blocks.append(Text("The run holds no split.csv; these are the scored test cases."))
        blocks.append(_counts(facts.scored, ["label", "source"]))
    names = [PHANTOMS] if facts.simulated else facts.sources
    for name in names:
        known = facts_of(name)
        blocks.append(Text(f"{known.title}. {known.people}"))
        blocks.append(
            Bullets(
                [
                    ("Where: ", known.origin, "."),
                    f"Collected: {known.collected}",
                    f"Labels: {known.labels}",
                    f"Licence: {known.licence}",
                    f"Pitfalls: {' '.join(known.pitfalls)}",
                    ("Cite: ", *known.cite, "."),
                ]
            )
        )
    return Section("Data", blocks)


def training_section(facts: RunFacts) -> Section:
    """How it was trained, from settings.json, history.csv and leaderboard.csv."""
    rows = [(_named(name), value) for name, value in _flat(facts.settings)]
    blocks: list[Block] = [Rows(("setting", "value"), rows)] if rows else []
    if facts.leaderboard is not None and len(facts.leaderboard):
        best = facts.leaderboard.iloc[0]
        chosen = [
            f"{_named(name)} {best[name]:g}"
            for name in facts.leaderboard
            if name == "dense_units" or name == "learning_rate" or name.startswith("dropout")
        ]
        blocks.append(
            Text(
                f"The best of {len(facts.leaderboard)} tried settings was trained for good: "
                f"{', '.join(chosen)}."
            )
        )
    if facts.history is not None and {"epoch", "val_loss"} <= set(facts.history):
        best = facts.history.loc[facts.history["val_loss"].idxmin()]
        first = " (first fold)" if facts.folds else ""
        blocks.append(
            Text(
                f"Trained for {len(facts.history)} epochs{first}; the weights are those of epoch "
                f"{int(best['epoch'])}, which had the lowest validation loss, "
                f"{best['val_loss']:.3f}."
            )
        )
    return Section("Training", blocks or [Text("The run does not say how it was trained.")])


def limits_section(facts: RunFacts) -> Section:
    """What the numbers do not say, in plain words."""
    items = []
    positive = set(facts.scored.loc[facts.scored["label"] == 1, "source"])
    negative = set(facts.scored.loc[facts.scored["label"] == 0, "source"])
    if facts.simulated:
        items.append("Phantoms are simpler than people. A good score here is practice.")
    alike = facts.simulated and not facts.settings.get("confounding")
    if not positive & negative and not alike:
        items.append(
            "Positives and negatives come from different sources. Whatever tells the sources "
            "apart (age, view, machine, file) tells the classes apart, so that the metrics cannot "
            "say whether the disease was recognised."
        )
    if facts.external is None:
        items.append("It has not been tested on X-rays from anywhere else.")
    else:
        items.append("The test on other cases is one more sample, not every hospital.")
    if unseen := [group for group in ("children", "adults") if group not in facts.groups]:
        items.append(
            f"How often it calls healthy {' and healthy '.join(unseen)} ill was not tested."
        )
    classes = facts.scored.groupby("label")["patient_id"].nunique()
    fewest = int(classes.min())
    items += [
        f"The smaller class of the test has {fewest} patients: read the intervals, not the values.",
        f"{percent(facts.report.prevalence)} of the test cases are ill. Where fewer are, more of "
        "the alarms are false: precision holds for this prevalence only.",
        "One seed: another one would have given other numbers.",
        "Subgroups without a number may be served badly; this card cannot tell.",
    ]
    return Section("Limits", [Bullets(items)])


def _parts_sentence(facts: RunFacts) -> str:
    cut = facts.budget.get("images")
    said = "Split by patient: all X-rays of a patient are in one part."
    if facts.folds:
        said += f" The table shows the first of {facts.folds} folds."
    if cut:
        said += f" Of the training part at most {cut} X-rays were used (budget)."
    return said


def _counts(cases: pd.DataFrame, by: list[str]) -> Rows:
    """Images and patients by these columns."""
    order = {name: place for place, name in enumerate(PARTS)}
    # COVID-19 first in each part, and the parts in their order.
    keys = {"part": lambda part: part.map(order), "label": lambda label: -label.astype(int)}
    ordered = cases.sort_values(by, key=lambda c: keys.get(c.name, lambda same: same)(c))
    named = ordered.assign(label=ordered["label"].astype(int).map(LABELS))
    table = named.groupby(by, sort=False, dropna=False).agg(
        images=("image_id", "size"), patients=("patient_id", "nunique")
    )
    rows = [
        tuple(map(str, (*_tuple(key), *row)))
        for key, row in zip(table.index, table.itertuples(index=False), strict=True)
    ]
    total = ("all", *[""] * (len(by) - 1), str(len(cases)), str(cases["patient_id"].nunique()))
    return Rows((*by, "images", "patients"), [*rows, total], ("images", "patients"))


def _tuple(key: object) -> tuple:
    return key if isinstance(key, tuple) else (key,)


def _flat(settings: Mapping) -> list[tuple[str, str]]:
    """Settings as words; a nested dictionary, such as the budget, in one cell."""
    rows = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            value = ", ".join(f"{_named(key)} {number}" for key, number in value.items())
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        elif value is None:
            value = "not given"
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        rows.append((name, str(value)))
    return rows


def _named(name: str) -> str:
    return name.replace("_", " ")
