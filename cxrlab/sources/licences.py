"""What each source of X-rays allows and what it asks to cite: said once, used wherever it is said.

Printed before the first download of a source, by ``cxrlab data cite``, in docs/data.md and on model
cards. The licence of a single image stands in the catalog's column ``license``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cxrlab.sources import covid, external, kermany, nih


@dataclass(frozen=True)
class Terms:
    """The terms of one source."""

    title: str
    allows: str  # what may be done with it, in a sentence or two
    cite: str  # up to the identifier
    identifier: str  # as it is written: arXiv ..., 10....
    address: str  # where the identifier leads

    @property
    def citation(self) -> str:
        """On one line, with the address."""
        return f"{self.cite}{self.address}"


_COVID_NET = (
    "L. Wang, Z. Q. Lin, A. Wong, COVID-Net: a tailored deep convolutional neural network design "
    "for detection of COVID-19 cases from chest X-ray images, Scientific Reports 10, 19549, 2020, "
)
_RESEARCH = (
    "No licence is stated; its README says that the images are for research purposes only. "
    "Fetch it yourself; never pass images on."
)

TERMS = {
    covid.NAME: Terms(
        "COVID-19 image data collection",
        "Differs from image to image, and is blank for many. Fetch it yourself; never pass "
        "images on.",
        "J. P. Cohen, P. Morrison, L. Dao, K. Roth, T. Q. Duong, M. Ghassemi, COVID-19 Image "
        "Data Collection: Prospective Predictions Are the Future, 2020, ",
        "arXiv 2006.11988",
        "https://arxiv.org/abs/2006.11988",
    ),
    kermany.NAME: Terms(
        "Chest X-rays of children from Guangzhou (Kermany)",
        "CC BY 4.0.",
        "D. Kermany, K. Zhang, M. Goldbaum, Labeled Optical Coherence Tomography (OCT) and "
        "Chest X-Ray Images for Classification, Mendeley Data, v2, 2018, ",
        "10.17632/rscbjbr9sj.2",
        "https://doi.org/10.17632/rscbjbr9sj.2",
    ),
    nih.NAME: Terms(
        "NIH ChestX-ray14, No Finding",
        "Free to use; link to the download site, cite the paper and name the NIH Clinical "
        "Center as the provider.",
        "X. Wang, Y. Peng, L. Lu, Z. Lu, M. Bagheri, R. M. Summers, ChestX-ray8: "
        "Hospital-scale Chest X-ray Database and Benchmarks on Weakly-Supervised "
        "Classification and Localization of Common Thorax Diseases, CVPR 2017, ",
        "10.1109/CVPR.2017.369",
        "https://doi.org/10.1109/CVPR.2017.369",
    ),
    external.ACTUALMED: Terms(
        "Actualmed COVID-19 chest X-rays",
        _RESEARCH,
        _COVID_NET,
        "10.1038/s41598-020-76550-z",
        "https://doi.org/10.1038/s41598-020-76550-z",
    ),
    external.FIGURE1: Terms(
        "Figure 1 COVID-19 chest X-rays",
        _RESEARCH,
        _COVID_NET,
        "10.1038/s41598-020-76550-z",
        "https://doi.org/10.1038/s41598-020-76550-z",
    ),
}


def before_the_download(name: str) -> str:
    """What is said before the first download of a source."""
    terms = TERMS[name]
    return f"{terms.title}\n  What it allows: {terms.allows}\n  Cite: {terms.citation}"


def citations(names: Iterable[str]) -> list[str]:
    """The citations of these sources, each once."""
    return list(dict.fromkeys(TERMS[name].citation for name in names))


def held(folder: str | Path) -> list[str]:
    """Names of the sources that have a folder inside ``folder``, in the order of the course."""
    return [name for name in TERMS if (Path(folder) / name).is_dir()]
