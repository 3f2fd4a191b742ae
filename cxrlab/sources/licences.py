"""What each source of X-rays allows and what it asks to cite: said once, used wherever it is said.

Printed before the first download of a source, by ``cxrlab data cite`` and on model cards; what else
is known of each source stands in docs/data.md. The licence of a single image stands in the
catalog's column ``license``.
"""

from __future__ import annotations

from dataclasses import dataclass

from cxrlab.sources import covid, external, kermany, nih


@dataclass(frozen=True)
class Terms:
    """The terms of one source."""

    title: str
    allows: str  # what may be done with it, in a sentence or two
    citation: str  # on one line, with the address

    def __str__(self) -> str:
        return f"{self.title}\n  What it allows: {self.allows}\n  Cite: {self.citation}"


_COVID_NET = (
    "L. Wang, Z. Q. Lin, A. Wong, COVID-Net: a tailored deep convolutional neural network design "
    "for detection of COVID-19 cases from chest X-ray images, Scientific Reports 10, 19549, 2020, "
    "https://doi.org/10.1038/s41598-020-76550-z"
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
        "Data Collection: Prospective Predictions Are the Future, 2020, "
        "https://arxiv.org/abs/2006.11988",
    ),
    kermany.NAME: Terms(
        "Chest X-rays of children from Guangzhou (Kermany)",
        "CC BY 4.0.",
        "D. Kermany, K. Zhang, M. Goldbaum, Labeled Optical Coherence Tomography (OCT) and "
        "Chest X-Ray Images for Classification, Mendeley Data, v2, 2018, "
        "https://doi.org/10.17632/rscbjbr9sj.2",
    ),
    nih.NAME: Terms(
        "NIH ChestX-ray14, No Finding",
        "Free to use; link to the download site, cite the paper and name the NIH Clinical "
        "Center as the provider.",
        "X. Wang, Y. Peng, L. Lu, Z. Lu, M. Bagheri, R. M. Summers, ChestX-ray8: "
        "Hospital-scale Chest X-ray Database and Benchmarks on Weakly-Supervised "
        "Classification and Localization of Common Thorax Diseases, CVPR 2017, "
        "https://doi.org/10.1109/CVPR.2017.369",
    ),
    external.ACTUALMED: Terms("Actualmed COVID-19 chest X-rays", _RESEARCH, _COVID_NET),
    external.FIGURE1: Terms("Figure 1 COVID-19 chest X-rays", _RESEARCH, _COVID_NET),
}
