"""What one notebook hands to the next: load it from the workspace, or make it now.

Each notebook takes its own step in the open. The steps before it come from here, so that a
reader can join at any notebook.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxrlab import checkpoints
from cxrlab.cases import prepare
from cxrlab.catalog.schema import to_catalog
from cxrlab.chosen import PHANTOM, choose, remember
from cxrlab.errors import CXRLabError
from cxrlab.files import write_atomically, write_json
from cxrlab.pipeline import Xrays, decode
from cxrlab.sources import confounded_phantoms, phantom_choices, what_kind
from cxrlab.splits import (
    Split,
    check_split,
    load_manifest,
    save_manifest,
    split_by_patient,
    subsample,
)
from cxrlab.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    import keras

    from cxrlab.elsewhere import ExternalReport
    from cxrlab.metrics import Estimate


def begin(seed: int = 0, negatives: str = "kermany") -> Workspace:
    """Open the workspace of this course and say which data, budget and seed it stands for."""
    space = open_workspace(seed=seed, negatives=negatives)
    print(space)
    return space


def use_data(data: str | Path, seed: int = 0, negatives: str = "kermany") -> Workspace:
    """Choose ``data``, a folder or ``phantom``, for this and every later notebook, and begin.

    Raises :class:`CXRLabError` where the folder is none, or ``CXRLAB_DATA`` names another.
    """
    folder = remember(None if str(data) == PHANTOM else data)
    now = choose()
    if now.folder != folder:
        raise CXRLabError(
            f"{data} is remembered, but CXRLAB_DATA goes before it and says "
            f"{now.folder or PHANTOM}. Unset CXRLAB_DATA and start the notebook again."
        )
    return begin(seed, negatives)


def get_ten(space: Workspace) -> pd.DataFrame:
    """The ten X-rays that the reader judges in notebook 01: one per patient, always the same.

    Their patients are set aside before anything is split, so they are in no part.
    """
    kept = space.folder / "ten.csv"
    if not kept.exists():
        prepared = prepare(space.data, space.negatives, space.seed, ten=True)
        write_atomically(kept, prepared.ten.to_csv(index=False))
    return _read_cases(kept)


def get_split(space: Workspace) -> Split:
    """The split that notebook 02 left, or the same one made now."""
    manifest, table = space.folder / "split.csv", space.folder / "cases.csv"
    if not (manifest.exists() and table.exists()):
        prepared = prepare(space.data, space.negatives, space.seed, ten=True)
        split = split_by_patient(prepared.cases, space.seed)
        keep_split(space, split.train, split.validation, split.test)
    return load_manifest(manifest, _read_cases(table))


def keep_split(
    space: Workspace, train: pd.DataFrame, validation: pd.DataFrame, test: pd.DataFrame
) -> Split:
    """Check three parts and leave them for the next notebooks.

    Columns of the catalog that the tables lack are added empty. Raises :class:`CXRLabError` where
    a patient, a group, an image or a file is in two parts, or an image has no patient.
    """
    parts = (to_catalog(part).sort_values("image_id") for part in (train, validation, test))
    split = Split(*(part.reset_index(drop=True) for part in parts))
    problems = check_split(split)
    if problems:
        raise CXRLabError(
            f"This split is not kept: {'; '.join(problems)}. Split by group and run this again."
        )
    cases = pd.concat(split.parts().values(), ignore_index=True)
    write_atomically(space.folder / "cases.csv", cases.to_csv(index=False))
    save_manifest(split, space.folder / "split.csv")
    return split


@dataclass(frozen=True)
class Parts:
    """The X-rays of a split, each part decoded when it is first asked for.

    The training part is cut to the budget.
    """

    split: Split
    images: int
    seed: int

    @cached_property
    def training(self) -> Xrays:
        """What a network learns from."""
        return decode(subsample(self.split.train, self.images, self.seed))

    @cached_property
    def validation(self) -> Xrays:
        """What choices are made on."""
        return decode(self.split.validation)

    @cached_property
    def test(self) -> Xrays:
        """What is left for the end."""
        return decode(self.split.test)


def get_xrays(space: Workspace) -> Parts:
    """The pixels of the split's three parts."""
    return Parts(get_split(space), space.budget.images, space.seed)


def network_path(space: Workspace) -> Path:
    """Where notebook 03 leaves its network: another file for another split.

    So no notebook picks up a network that has learned from what is now a test X-ray.
    """
    return space.folder / f"network-{checkpoints.fingerprint(get_split(space))}.keras"


def network_file(space: Workspace) -> Path | None:
    """The ``.keras`` file of the network to use: that of notebook 03, else the course's own.

    The course brings networks trained on its phantoms and split. With other X-rays, another split
    or the full budget there is none: then this says so and gives None.

    Example: ``model = keras.saving.load_model(course.network_file(space))``.
    """
    own = network_path(space)
    if own.exists():
        return own
    shipped = None
    if space.simulated and space.budget.name != "full":
        shipped = checkpoints.find(how_shipped(space))
    if shipped is None:
        print("There is no network for these X-rays yet: run notebook 03 first.")
        return None
    digest = hashlib.sha256(shipped.read_bytes()).hexdigest()[:8]
    unpacked = space.folder / f"shipped-{digest}.keras"
    if not unpacked.exists():
        from cxrlab.training import save_model

        save_model(checkpoints.unpack(shipped), unpacked)
    print("Notebook 03 has not been run here: this network was trained beforehand.")
    return unpacked


def how_shipped(space: Workspace) -> dict:
    """All that tells one shipped network from another: the phantoms, the split, the seed."""
    return {
        "phantoms": phantom_choices(space.data),
        "split": checkpoints.fingerprint(get_split(space)),
        "seed": space.seed,
    }


def load_network(space: Workspace, parts: Parts) -> keras.Model:
    """The network of :func:`network_file`, computing in float32.

    Where there is none, the network of notebook 03 is trained now, and kept.
    """
    from cxrlab.model import float32_copy
    from cxrlab.training import load_model, save_model, train

    file = network_file(space)
    if file is not None:
        return float32_copy(load_model(file))
    print("Until then the same network is trained here.")
    trained = train(parts.training, parts.validation, space.budget, space.seed)
    save_model(trained.model, network_path(space))
    return trained.model


def get_threshold(network: keras.Model, parts: Parts) -> float:
    """The threshold with the highest F1 on validation; frozen before the test set is looked at."""
    from cxrlab.metrics import choose_threshold
    from cxrlab.training import predict

    validation = parts.validation
    return choose_threshold(validation.labels, predict(network, validation))


def confounded_data(space: Workspace) -> Path:
    """X-rays whose class and source go together in everything, not in the lungs alone.

    For phantoms the same patients with the confounding dial turned up, made once in some 15
    seconds. Real X-rays of several sources are confounded as they are: then ``space.data``.
    """
    return confounded_phantoms() if space.simulated else space.data


def get_strangers(space: Workspace, parts: Parts, learned_by: Parts | None = None) -> Xrays:
    """Positives of new patients, and healthy adults where the published design had children.

    New are patients of whom no network trained on ``learned_by`` has seen an X-ray. Without it
    ``parts`` are meant, and the positives are those of the test part. Raises
    :class:`cxrlab.errors.CXRLabError` where the data hold no healthy adults.
    """
    table = space.folder / "adults.csv"
    if not table.exists():
        cases = prepare(space.data, "adult", space.seed, balanced=False).cases
        write_atomically(table, cases[cases["label"] == 0].to_csv(index=False))
    healthy = decode(_read_cases(table))
    learned_by = learned_by or parts
    learned = np.concatenate([learned_by.training.patients, learned_by.validation.patients])
    ill = [
        part.take(np.flatnonzero((part.labels == 1) & ~np.isin(part.patients, learned)))
        for part in (parts.training, parts.validation, parts.test)
    ]
    return Xrays(
        np.concatenate([part.pixels for part in (*ill, healthy)]),
        np.concatenate([part.labels for part in (*ill, healthy)]),
        pd.concat([part.cases for part in (*ill, healthy)], ignore_index=True),
    )


def keep_run(
    space: Workspace,
    parts: Parts,
    network: keras.Model,
    threshold: float,
    external: ExternalReport | None = None,
    name: str = "run",
) -> Path:
    """A network of the notebooks as a RUN folder, like those that ``cxrlab train`` makes.

    Made once, at the frozen ``threshold``. Beside it lie the numbers of an ``external``
    validation and, by group, those of the healthy adults (:func:`get_strangers`) as well;
    :func:`cxrlab.cards.model_card` reads all of it.
    """
    from cxrlab.designs import group_table, score_with_hidden_parts
    from cxrlab.runs import claim, finish, write_table
    from cxrlab.training import Settings, save_model

    out = space.folder / name
    if not (out / "metrics.json").exists():
        settings = {
            "command": "notebook 07",
            "recipe": "published",
            "negatives": space.negatives,
            "budget": asdict(space.budget),
            "folds": 0,
            "seed": space.seed,
            "threshold": None,
            **what_kind(space.data),
            **Settings().to_json(),
        }
        claim(out, settings)
        save_manifest(parts.split, out / "split.csv")
        save_model(network, out / "model.keras")
        scored = score_with_hidden_parts(network, parts.test, Settings())
        finish(out, scored, threshold, "validation", space.budget, space.seed)
        strangers = get_strangers(space, parts)
        adults = strangers.take(np.flatnonzero(strangers.labels == 0))
        groups = [scored, score_with_hidden_parts(network, adults, Settings())]
        everybody = pd.concat(groups, ignore_index=True)
        everybody = everybody.assign(called=everybody["score"] >= threshold)
        by_source = group_table(everybody, space.budget.resamples, space.seed)
        write_table(by_source, out / "by_source.csv")
    if external is not None:
        write_json(out / "external.json", external.to_json())
    return out


def _read_cases(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"label": "Int64"}, low_memory=False)


def in_words(estimate: Estimate) -> tuple[str, str]:
    """A value and its interval as text: ``("0.93", "0.85 to 0.98")``."""
    if estimate.value is None:
        return "undefined", ""
    interval = "" if estimate.low is None else f"{estimate.low:.2f} to {estimate.high:.2f}"
    return f"{estimate.value:.2f}", interval
