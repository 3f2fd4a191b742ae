"""One simulated X-ray from beginning to end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from cxrlab.sources.phantom import findings, views
from cxrlab.sources.phantom.acquisition import Acquisition, draw_acquisition, expose, finish
from cxrlab.sources.phantom.anatomy import draw_patient
from cxrlab.sources.phantom.cohort import COVID, KERMANY, Plan
from cxrlab.sources.phantom.geometry import smooth_noise
from cxrlab.sources.phantom.projection import Pose, project


def simulate(
    patient: int = 0,
    image: int = 0,
    disease: str = "",
    severity: float = 0.5,
    view: str = "PA",
    settings: Acquisition | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Simulate one X-ray: ``(image, mask)``, both uint8 arrays (height, width).

    ``patient`` and ``image`` are seeds: the same patient keeps the same anatomy, another image of
    him differs in posture and exposure. ``disease`` is "" (healthy), "covid" or a key of
    ``findings.OTHER_FINDINGS``; ``severity`` (0...1) counts for "covid" only. ``view`` is PA, AP,
    AP Supine, L, Axial or Coronal. The mask (0 or 255) shows where COVID-19 opacities are; it is
    None for everything else. Raises ``ValueError`` for an unknown disease or view.
    """
    if disease not in ("", "covid", *findings.OTHER_FINDINGS):
        known = ", ".join(["covid", *findings.OTHER_FINDINGS])
        raise ValueError(f"The disease is {disease!r}, but should be one of: {known}, or empty.")
    if view not in ("PA", "AP", "AP Supine", "L", "Axial", "Coronal"):
        raise ValueError(
            f"The view is {view!r}, but should be PA, AP, AP Supine, L, Axial or Coronal."
        )
    settings = settings or draw_acquisition(np.random.default_rng([patient, 9, image]))
    plan = Plan("", COVID, patient, image, "", view, "", disease, severity)
    return simulate_plan(plan, settings, seed=patient, confounding=0.0)


def simulate_plan(plan: Plan, settings: Acquisition, seed: int, confounding: float):
    """The picture and the mask (or None) of one planned image, both uint8 of the file's size."""
    rng = np.random.default_rng([seed, 10, plan.image])
    child = confounding if plan.source == KERMANY else 0.0
    patient = draw_patient(plan.patient, child)
    if child:
        patient = replace(patient, size=patient.size * (1 - 0.08 * child))
    slices = {"L": views.lateral, "Axial": views.axial, "Coronal": views.coronal}
    if plan.view in slices:
        return finish(slices[plan.view](patient, settings.shape, rng), settings, rng), None

    pose = draw_pose(rng, plan.view)
    detector = settings.detector(patient.size)
    projection = project(patient, detector, pose)
    pixel = detector.pixel / patient.size
    opacity = findings.incidental(patient, projection, rng, pixel)
    mask = None
    if plan.disease == "covid":
        disease = findings.covid(patient, projection, plan.severity, rng, pixel)
        mask = findings.mask_of(disease, projection)
        opacity = 1 - (1 - opacity) * (1 - disease)
    elif plan.disease:
        disease = findings.OTHER_FINDINGS[plan.disease](patient, projection, rng, pixel)
        opacity = 1 - (1 - opacity) * (1 - disease)
    picture = expose(projection, opacity, settings, np.random.default_rng([seed, 11, plan.image]))
    if plan.view != "PA":
        picture = _leads(picture, rng, pixel)
    grey = finish(picture, settings, np.random.default_rng([seed, 12, plan.image]))
    if mask is not None:
        size = (settings.width, settings.height)
        mask = np.asarray(
            Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)
        )
    return grey, mask


def draw_pose(rng, view: str) -> Pose:
    """Posture and breathing of one image; bedside (AP) ones show larger hearts and less breath."""
    bedside = view != "PA"
    return Pose(
        inspiration=float(np.clip(rng.normal(-0.5 if bedside else 0.0, 0.5), -1.5, 1.2)),
        heart_scale=float(rng.normal(1.14 if bedside else 1.0, 0.025)),
        supine=view == "AP Supine",
        prominence=float(np.clip(rng.normal(1.25, 0.25), 0.7, 2.0)),
        texture_seed=int(rng.integers(1 << 30)),
    )


def _leads(picture: np.ndarray, rng, pixel: float) -> np.ndarray:
    """Electrode wires across a bedside image."""
    rows, cols = picture.shape
    y, x = np.mgrid[:rows, :cols].astype(np.float32)
    bend = smooth_noise(rng, (rows, 1), pixel, 150, 30, 1.5)
    for _ in range(rng.integers(1, 4)):
        middle = (
            cols * rng.uniform(0.15, 0.85)
            + rng.normal(0, 0.35) * (y - rows / 2)
            + 14 * bend * rng.normal()
        )
        wire = np.exp(-(((x - middle) / 0.8) ** 2)) * (y > rows * rng.uniform(0, 0.5))
        picture = picture + 0.22 * wire
    return np.clip(picture, 0, 1)
