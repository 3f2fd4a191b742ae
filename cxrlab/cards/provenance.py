"""Where the X-rays come from: the facts, once. docs/data.md and the model cards are made of them.

The questions are those of datasheets for data sets (Gebru 2021, 10.1145/3458723), shortened. What
a source does not say is called so, and not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass

from cxrlab.cards.blocks import Bullets, Card, Link, Rows, Section, Text, make_card, to_markdown
from cxrlab.errors import CXRLabError
from cxrlab.sources import actualmed, covid, figure1, kermany, nih
from cxrlab.sources.licences import TERMS

PHANTOMS = "phantoms"
DATASHEETS = Link("Gebru et al. 2021", "https://doi.org/10.1145/3458723")


@dataclass(frozen=True)
class Provenance:
    """What is known of one source of X-rays."""

    title: str
    origin: str | Link
    maker: str
    collected: str
    people: str
    labels: str
    licence: str
    used: str
    pitfalls: tuple[str, ...]
    cite: tuple[str | Link, ...]


def _stated(source: str) -> dict:
    """Title, licence and citation of a real source, which are said in one place for all."""
    terms = TERMS[source]
    link = Link(terms.identifier, terms.address)
    return {"title": terms.title, "licence": terms.allows, "cite": (terms.cite, link)}


SOURCES = {
    covid.NAME: Provenance(
        **_stated(covid.NAME),
        origin=Link(
            "github.com/ieee8023/covid-chestxray-dataset",
            "https://github.com/ieee8023/covid-chestxray-dataset",
        ),
        maker="Joseph Paul Cohen and colleagues; anybody could contribute. Made in 2020 so that "
        "tools against the new disease could be built.",
        collected="Gathered one by one from figures in publications and from websites with case "
        "reports (Radiopaedia, Eurorad, SIRM and others), as JPEG and PNG: cases that somebody "
        "found worth showing, no sample of any hospital's patients.",
        people="Adults but for a few; sex and age are given for a part of them. Views PA, AP, "
        "AP supine and lateral, and some computed tomography; up to 8 images of a patient.",
        labels="The finding that the publication or website stated, with no second reading by "
        "the collectors. Spelled COVID-19 (also COVID-19, ARDS) in older copies of "
        "metadata.csv, and Pneumonia/Viral/COVID-19 in later ones.",
        used="The positives: X-rays with COVID-19 in posteroanterior (PA) view. All other "
        "findings, views and computed tomography are filtered out.",
        pitfalls=(
            "Many images were scaled, cropped, annotated or compressed for print; file "
            "formats and sizes differ from those of every other source.",
            "Several images of one patient: a split by image leaks.",
            "Near duplicates exist, such as the same X-ray with a caption added, under another "
            "patient.",
            "Positives only: whoever takes the negatives from elsewhere makes the source a "
            "perfect stand-in for the disease.",
            "COVIDx contains it, and is no external test set for it.",
        ),
    ),
    kermany.NAME: Provenance(
        **_stated(kermany.NAME),
        origin=Link("kaggle.com/paultimothymooney/chest-xray-pneumonia", kermany.URL),
        maker="Daniel Kermany, Kang Zhang and Michael Goldbaum, who published it with Mendeley "
        "Data (see Cite), from where the course fetches it; copied to Kaggle by Paul Mooney.",
        collected="Chosen from past patients of one hospital, the Guangzhou Women and Children's "
        "Medical Center, where they were taken in routine care. Unreadable X-rays were sorted "
        "out.",
        people="Children of 1 to 5 years, all in anteroposterior (AP) view. Sex and the age of "
        "the single child are not stated. 5,856 images, 1,583 of them normal.",
        labels="Normal or pneumonia, graded by two physicians; a third one checked the "
        "evaluation set.",
        used="The negatives of the published design: normal X-rays only. Their view is AP, so "
        "that the published filter for PA can apply to the COVID-19 source alone.",
        pitfalls=(
            "A child's chest beside an adult's with COVID-19: age, view, hospital and country "
            "differ along with the disease.",
            "The patient is named in the file name alone (IM-0117-0001.jpeg is of IM-0117).",
            "Exact duplicates exist.",
            "Some copies of the archive hold everything twice, in a folder inside the folder.",
            "The published validation part has 16 images: too few to choose anything by.",
        ),
    ),
    nih.NAME: Provenance(
        **_stated(nih.NAME),
        origin=Link("nihcc.app.box.com/v/ChestXray-NIHCC", nih.URL),
        maker="Xiaosong Wang and colleagues; the NIH Clinical Center provides the data.",
        collected="Frontal X-rays from the archive of one clinical centre in the United States: "
        "112,120 images of 30,805 patients, without names.",
        people="Taken for adults here. Sex, age and view are in a table of the source that does "
        "not come with the files, so the course treats them as not stated.",
        labels="Found by a program in the radiologists' reports. No Finding means that none "
        "of 14 findings was named, not that a person is healthy.",
        used="Controls of another kind: adults without a finding, as negatives (adult, mixed) or "
        "as people that a network has never seen.",
        pitfalls=(
            "Labels from reports are wrong for some images.",
            "Several images of one patient: the patient is the first number of the file name.",
            "Patients of a research hospital: No Finding says nothing about why they came.",
            "All from before COVID-19, from other machines than the positives: the source "
            "still tells the classes apart, if less easily than children do.",
        ),
    ),
    actualmed.NAME: Provenance(
        **_stated(actualmed.NAME),
        origin=Link("github.com/agchung/Actualmed-COVID-chestxray-dataset", actualmed.URL),
        maker="Audrey Chung and the COVID-Net team, with Actualmed and the Universitat Jaume I in "
        "Spain, 2020.",
        collected="Compiled with Actualmed, as PNG; the first are of March 2020. Where they were "
        "taken and how they were chosen is not stated.",
        people="Not stated: sex and age are blank. Views PA and AP; several images of many "
        "patients, under pseudonyms.",
        labels="COVID-19, no finding, or blank. The notes say what is behind the last two: the "
        "infection was excluded, or the test was inconclusive. No finding is a negative test "
        "here, not a radiologist's opinion.",
        used="An external set: X-rays with COVID-19 or no finding, in any view, from a hospital "
        "that the network has not learned from. Where NIH's adults are not in the folder, its "
        "frontal X-rays without a finding stand in for them.",
        pitfalls=(
            "COVIDx contains it: for a network trained on COVIDx it is no external set.",
            "Once it has lent its healthy adults, it is no external test for a network that was "
            "trained on them (mixed or adult negatives).",
            "A person may be negative on one day and positive on another.",
            "Both classes come from one source, unlike in the course's own data.",
        ),
    ),
    figure1.NAME: Provenance(
        **_stated(figure1.NAME),
        origin=Link("github.com/agchung/Figure1-COVID-chestxray-dataset", figure1.URL),
        maker="Audrey Chung and the COVID-Net team, with Figure 1, an app in which clinicians "
        "show cases to each other, 2020.",
        collected="Sent in by clinicians, some as photographs of a screen; 48 patients in the "
        "copy that the course fetches.",
        people="Age and sex are given for a part of them, some as 50+ or mid 50s, which the "
        "course treats as not stated. The view is blank for most.",
        labels="What the sender wrote: COVID-19, pneumonia, no finding, or nothing.",
        used="An external set: X-rays with COVID-19 or no finding, in any view. Few are without "
        "a finding, so specificity cannot be told from it. Where NIH's adults are not in the "
        "folder, its frontal X-rays without a finding stand in for them.",
        pitfalls=(
            "COVIDx contains it: for a network trained on COVIDx it is no external set.",
            "Once it has lent its healthy adults, it is no external test for a network that was "
            "trained on them (mixed or adult negatives).",
            "Some are photographs of screens, with the pattern and the colour of the screen.",
            "A letter after the patient's number (COVID-00003a) counts images, not patients.",
            "The table does not name the files; some end in jpg, some in png.",
        ),
    ),
    PHANTOMS: Provenance(
        title="Phantoms: simulated X-rays",
        origin="made on your machine by cxrlab/sources/phantom, from a seed",
        maker="CXRLab, so that everybody can begin without a download.",
        collected="Computed: chests with ribs, heart, spine, diaphragm and vessels, opacities for "
        "COVID-19, then scatter and noise; written as files in the layouts of the three real "
        "sources, under their folder names.",
        people="Nobody. No patient stands behind any of them, though sex and age are made up "
        "where the real source states them.",
        labels="Known for certain, because the opacities were put there; masks say where.",
        licence="That of the course.",
        used="Whatever the real sources are used for, when no folder of real X-rays is named.",
        pitfalls=(
            "A network that has learned from phantoms knows nothing about people.",
            "The folder names are those of the real sources; the file phantoms.json tells them "
            "apart.",
            "A dial (confounding) makes each source look different, as real ones do. With the "
            "dial off they differ less than any real sources would.",
        ),
        cite=("the CXRLab course itself",),
    ),
}

OPENING = (
    "What is known of the X-rays behind the course, source by source. ",
    "The questions are a short form of those in datasheets for data sets (",
    DATASHEETS,
    "); what a source does not say is left unsaid here. Not for medical use.",
)


def facts_of(source: str) -> Provenance:
    """The facts of one source. Raises :class:`CXRLabError` for a name that is none."""
    if source not in SOURCES:
        raise CXRLabError(
            f"There is no source called {source!r}. Choose one of {', '.join(SOURCES)}."
        )
    return SOURCES[source]


def provenance_section(source: str) -> Section:
    """One source as a section of a page."""
    facts = facts_of(source)
    rows = [
        ("Where it is", facts.origin),
        ("Who made it", facts.maker),
        ("How it was collected", facts.collected),
        ("Who is in it", facts.people),
        ("What the labels are", facts.labels),
        ("Licence", facts.licence),
        ("What the course uses", facts.used),
        ("Cite", facts.cite),
    ]
    pitfalls = [Text("Known pitfalls:"), Bullets(facts.pitfalls)]
    return Section(facts.title, [Rows(("question", "answer"), rows), *pitfalls])


def provenance_card(source: str) -> Card:
    """The card of one source: ``covid-chestxray-dataset``, ``chest_xray``, ``nih-no-finding``
    or ``phantoms``. Raises :class:`CXRLabError` for another name."""
    section = provenance_section(source)
    return make_card(section.heading, section.blocks, [])


def provenance_page() -> str:
    """docs/data.md: the cards of all sources. ``python -m cxrlab.cards`` writes it."""
    sections = [provenance_section(source) for source in SOURCES]
    return to_markdown("The data", [Text(OPENING)], sections)
