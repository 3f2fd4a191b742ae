"""Did it learn disease or data source? One function an experiment.

Each takes a table of cases (or a catalog) and returns a table or a small result. Where they agree
that the class can be told without looking at the lungs, a high score proves nothing about disease.
"""

from cxrlab.shortcuts.header import header_features, header_probe
from cxrlab.shortcuts.pixels import region_probe, small_pictures
from cxrlab.shortcuts.planted import (
    SHOWN,
    Planted,
    another_corner,
    marked_xrays,
    marker_mask,
    marker_scores,
    plant_marker,
    planted_shortcut,
)
from cxrlab.shortcuts.probe import COLUMNS, held_out_scores, probe
from cxrlab.shortcuts.regions import (
    REGIONS,
    Region,
    centre_blacked_out,
    corners_only,
    frame_only,
    whole_image,
)
from cxrlab.shortcuts.selection import has_other_findings, normals_of, same_source_cases
from cxrlab.shortcuts.sources_apart import same_source_probe, source_probe
from cxrlab.shortcuts.swapped import Swapped, swapped_negatives

__all__ = [
    "COLUMNS",
    "REGIONS",
    "SHOWN",
    "Planted",
    "Region",
    "Swapped",
    "another_corner",
    "centre_blacked_out",
    "corners_only",
    "frame_only",
    "has_other_findings",
    "header_features",
    "header_probe",
    "held_out_scores",
    "marked_xrays",
    "marker_mask",
    "marker_scores",
    "normals_of",
    "plant_marker",
    "planted_shortcut",
    "probe",
    "region_probe",
    "same_source_cases",
    "same_source_probe",
    "small_pictures",
    "source_probe",
    "swapped_negatives",
    "whole_image",
]
