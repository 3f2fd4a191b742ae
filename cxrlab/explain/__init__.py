"""Looking inside a trained network: where its evidence lies."""

from cxrlab.explain.asked_again import ask_again, far_from
from cxrlab.explain.gradcam import evidence_layer, grad_cam, hires_cam
from cxrlab.explain.network import scores_now
from cxrlab.explain.occlusion import occlusion_map, occlusion_maps
from cxrlab.explain.regions import REGIONS, hide, region
from cxrlab.explain.sanity import Cascade, cascade
from cxrlab.explain.scoring import (
    baseline_maps,
    energy_inside,
    map_lead,
    opacity_masks,
    pointing_hits,
    score_maps,
)

__all__ = [
    "REGIONS",
    "Cascade",
    "ask_again",
    "baseline_maps",
    "cascade",
    "energy_inside",
    "evidence_layer",
    "far_from",
    "grad_cam",
    "hide",
    "hires_cam",
    "map_lead",
    "occlusion_map",
    "occlusion_maps",
    "opacity_masks",
    "pointing_hits",
    "region",
    "score_maps",
    "scores_now",
]
