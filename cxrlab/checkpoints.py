"""Networks that were trained beforehand and come with the course.

A notebook that is opened before notebook 03 need not wait for a training. Only networks trained
on phantoms, small enough to ship: nearly all of the published network's 5.6 million weights sit in
one dense layer, and there they are kept as whole numbers of 8 bits, with one scale per unit.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cxrlab import recordings
from cxrlab.files import write_atomically

if TYPE_CHECKING:
    import keras

    from cxrlab.splits import Split

FOLDER = Path(recordings.__file__).parent / "networks"
SMALL = 100_000  # weights: a layer with more of them is kept in 8 bits


def fingerprint(split: Split) -> str:
    """Stands for which image is in which part, with which label: 16 hexadecimal digits."""
    names = [
        [list(map(str, row)) for row in part[["image_id", "label"]].to_numpy()]
        for part in split.parts().values()
    ]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]


def keep(model: keras.Model, how: dict[str, Any], path: Path) -> Path:
    """Write a published network and ``how`` it was trained (JSON) to ``path``, an ``.npz`` file."""
    arrays: dict[str, np.ndarray] = {}
    for number, weights in enumerate(model.get_weights()):
        if weights.size <= SMALL:
            arrays[f"weights_{number}"] = weights.astype(np.float32)
            continue
        scale = np.abs(weights).max(axis=0, keepdims=True) / 127
        arrays[f"weights_{number}"] = np.rint(weights / np.where(scale > 0, scale, 1)).astype("i1")
        arrays[f"scale_{number}"] = scale.astype(np.float32)
    about = {"how": how, "versions": recordings.versions()}
    held = io.BytesIO()
    np.savez_compressed(held, about=np.array(json.dumps(about)), **arrays)
    return write_atomically(path, held.getvalue())


def find(how: dict[str, Any], folder: Path = FOLDER) -> Path | None:
    """The file of the network that was trained in exactly this way, or None."""
    wanted = json.loads(json.dumps(how))  # tuples become lists, as in a file
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as held:
            if json.loads(held["about"].item())["how"] == wanted:
                return path
    return None


def unpack(path: Path) -> keras.Model:
    """The network in a file that :func:`keep` wrote."""
    from cxrlab.model import published_network

    model = published_network()
    weights = []
    with np.load(path, allow_pickle=False) as held:
        for number in range(len(model.get_weights())):
            kept = held[f"weights_{number}"].astype(np.float32)
            scale = f"scale_{number}"
            weights.append(kept * held[scale] if scale in held else kept)
    model.set_weights(weights)
    return model
