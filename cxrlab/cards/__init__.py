"""Cards: what a reader should know of a run before believing it, and of the data before using it.

``model_card(run)`` describes a RUN folder (Mitchell 2019, 10.1145/3287560.3287596),
``provenance_card(source)`` a source of X-rays (Gebru 2021, 10.1145/3458723).
"""

from __future__ import annotations

from pathlib import Path

from cxrlab.cards import numbers, sections
from cxrlab.cards.blocks import Bullets, Card, Link, Section, make_card
from cxrlab.cards.excerpt import excerpt
from cxrlab.cards.facts import read_run
from cxrlab.cards.provenance import provenance_card, provenance_page
from cxrlab.cards.reporting import reporting_section
from cxrlab.files import write_atomically

__all__ = [
    "Card",
    "excerpt",
    "model_card",
    "provenance_card",
    "provenance_page",
    "write_model_card",
]

NAMES = ("model-card.md", "model-card.html")

REFERENCES = Section(
    "References",
    [
        Bullets(
            [
                (
                    "Model cards: ",
                    Link("Mitchell et al. 2019", "https://doi.org/10.1145/3287560.3287596"),
                    "; datasheets: ",
                    Link("Gebru et al. 2021", "https://doi.org/10.1145/3458723"),
                ),
                (
                    "Reporting: ",
                    Link("CLAIM 2024", "https://doi.org/10.1148/ryai.240300"),
                    "; ",
                    Link("TRIPOD+AI", "https://doi.org/10.1136/bmj-2023-078378"),
                ),
                (
                    "Shortcuts on these sources: ",
                    Link("DeGrave et al. 2021", "https://doi.org/10.1038/s42256-021-00338-7"),
                    "; ",
                    Link("Maguolo and Nanni 2021", "https://doi.org/10.1016/j.inffus.2021.04.008"),
                    "; ",
                    Link("Roberts et al. 2021", "https://doi.org/10.1038/s42256-021-00307-0"),
                ),
                "The network retraces N. P. Phan Dinh, Development of a Convolutional Neural "
                "Network for the Classification of Covid-19 X-Ray Images, 2021",
            ]
        )
    ],
)


def model_card(run: str | Path) -> Card:
    """The model card of a RUN folder, made from what the folder holds, without TensorFlow.

    It also shows ``by_source.csv`` (as ``designs.group_table`` gives it) and ``external.json``
    (what ``cxrlab evaluate RUN CASES --json RUN/external.json`` writes), where they are there.
    Raises :class:`cxrlab.errors.CXRLabError` where the run is missing or unfinished.
    """
    facts = read_run(run)
    made = [
        sections.model_section(facts),
        sections.use_section(facts),
        sections.data_section(facts),
        sections.training_section(facts),
        numbers.metrics_section(facts),
        numbers.external_section(facts),
        numbers.subgroup_section(facts),
        numbers.shortcuts_section(facts),
        numbers.calibration_section(facts),
        sections.limits_section(facts),
        reporting_section(facts),
        REFERENCES,
    ]
    title = f"Model card: {Path(run).resolve().name}"
    return make_card(title, sections.opening(facts), [part for part in made if part is not None])


def write_model_card(run: str | Path, out: str | Path | None = None) -> list[Path]:
    """Write ``model-card.md`` and ``model-card.html`` into ``out`` (else the run); the files.

    Raises as :func:`model_card` does, before anything is written.
    """
    card = model_card(run)
    folder = Path(out or run)
    return [
        write_atomically(folder / name, text)
        for name, text in zip(NAMES, (card.markdown, card.html), strict=True)
    ]
