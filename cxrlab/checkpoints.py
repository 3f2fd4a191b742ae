"""Networks that were trained beforehand and come with the course.

A notebook that is opened before the earlier ones need not wait for their training: where exactly
the same one was done before, its network is at hand. Only networks trained on phantoms, small
enough to ship: nearly all of the published network's 5.6 million weights sit in one dense layer,
and there they are kept as whole numbers of 8 bits, with one scale for each of its units.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxrlab import recordings
from cxrlab.files import write_atomically
from cxrlab.model import published_network
from cxrlab.training import Trained

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = Path(recordings.__file__).parent / "networks"
SMALL = 100_000  # weights: a layer with more of them is kept in 8 bits


def fingerprint(*parts: Iterable[str]) -> str:
    """Stands for which images are in which part; ``parts`` are their ``image_id``."""
    names = [[str(name) for name in part] for part in parts]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]


def keep(trained: Trained, how: dict[str, Any], path: Path) -> Path:
    """Write a published network and ``how`` it was trained (JSON) to ``path``, an ``.npz`` file."""
    arrays: dict[str, np.ndarray] = {}
    for number, weights in enumerate(trained.model.get_weights()):
        if weights.size <= SMALL:
            arrays[f"weights_{number}"] = weights.astype(np.float32)
            continue
        scale = np.abs(weights).max(axis=0, keepdims=True) / 127
        arrays[f"weights_{number}"] = np.rint(weights / np.where(scale > 0, scale, 1)).astype("i1")
        arrays[f"scale_{number}"] = scale.astype(np.float32)
    about = {
        "how": how,
        "history": json.loads(trained.history.to_json(orient="records")),
        "seconds": trained.seconds,
        "precision": trained.precision,
        "versions": recordings.versions(),
    }
    held = io.BytesIO()
    np.savez_compressed(held, about=np.array(json.dumps(about)), **arrays)
    return write_atomically(path, held.getvalue())


def find(how: dict[str, Any], folder: Path = FOLDER) -> Trained | None:
    """The network that was trained in exactly this way, or None."""
    wanted = json.loads(json.dumps(how))  # tuples become lists, as in a file
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as held:
            about = json.loads(held["about"].item())
            if about["how"] == wanted:
                return _network(held, about)
    return None


def _network(held: np.lib.npyio.NpzFile, about: dict[str, Any]) -> Trained:
    settings = about["how"]["settings"]
    model = published_network(settings["dense_units"], settings["dropout"])
    weights = []
    for number in range(len(model.get_weights())):
        kept = held[f"weights_{number}"].astype(np.float32)
        scale = f"scale_{number}"
        weights.append(kept * held[scale] if scale in held else kept)
    model.set_weights(weights)
    reason = f"trained beforehand with TensorFlow {_tensorflow(about['versions'])}"
    history = pd.DataFrame(about["history"])
    return Trained(model, history, about["seconds"], about["precision"], reason)


def _tensorflow(versions: dict[str, str]) -> str:
    return versions.get("tensorflow") or versions.get("tensorflow-cpu") or "of unknown version"
