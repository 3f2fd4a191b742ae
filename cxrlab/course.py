"""What one notebook hands to the next: loaded from the workspace, or made now.

So a reader can join at any notebook.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import cxrlab
from cxrlab import recordings, sources
from cxrlab.choices import PHANTOM, Budget, choose, get_budget, remember
from cxrlab.errors import CXRLabError
from cxrlab.files import make_folder, read_json, workspace_root, write_atomically, write_json
from cxrlab.filters import prepare
from cxrlab.pipeline import Xrays, decode
from cxrlab.sources.tables import to_catalog
from cxrlab.splits import PARTS, Split, check_split, split_by_patient, subsample

if TYPE_CHECKING:
    import keras

SHIPPED = Path(recordings.__file__).parent / "networks"  # trained on phantoms, small enough to ship
SMALL = 100_000  # weights: a layer with more of them is shipped in 8 bits


@dataclass(frozen=True)
class Workspace:
    """One choice of data, budget and seed, and the folder of what was made from it."""

    data: Path
    budget: Budget
    seed: int
    folder: Path
    chosen: str = ""  # how the data came to be chosen, in words

    @property
    def simulated(self) -> bool:
        """Whether the X-rays are phantoms."""
        return sources.is_phantom(self.data)

    def __str__(self) -> str:
        kind = "phantoms (simulated X-rays)" if self.simulated else f"X-rays in {self.data.name}"
        by = f", {self.chosen}" if self.chosen else ""
        return f"Data: {kind}{by} · budget: {self.budget.name} · seed: {self.seed}"

    def headline(
        self, notebook: str, label: str, value: str, interval: str = "", note: str = ""
    ) -> None:
        """Keep a number for the index page of ``cxrlab run``, in place of an earlier one."""
        path = self.folder.parent / "headlines.json"
        kept = read_json(path) if path.exists() else []
        kept = [line for line in kept if (line["notebook"], line["label"]) != (notebook, label)]
        line = {"notebook": notebook, "label": label, "value": value}
        kept.append(line | {"interval": interval, "note": note})
        write_json(path, sorted(kept, key=lambda line: line["notebook"]))


def open_workspace(
    data: str | Path | None = None, budget: str | None = None, seed: int = 0
) -> Workspace:
    """Open the workspace for this choice; where no data is named, phantoms are made first.

    ``data`` and ``budget`` default to the reader's choice (:mod:`cxrlab.choices`). The folder's
    name ends in a digest of files, choices and version: nothing made from others is picked up.
    """
    xrays, work = sources.data_folder(data), get_budget(budget)
    files = [
        (path.relative_to(xrays).as_posix(), path.stat().st_size)
        for path in sorted(xrays.rglob("*"))
        if path.is_file()
    ]
    parts = [cxrlab.__version__, files, "kermany", asdict(work), seed]  # its negatives
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]
    # Only plain letters: Keras Tuner finds no trial again in a folder with square brackets.
    kind = "phantoms" if sources.is_phantom(xrays) else re.sub(r"[^\w.-]", "_", xrays.name)
    folder = workspace_root() / f"{kind}-{work.name}-seed{seed}-{digest}"
    return Workspace(xrays, work, seed, make_folder(folder), choose(data).in_words)


def begin(seed: int = 0) -> Workspace:
    """Open the workspace and print what it stands for. Example: ``space = course.begin()``."""
    space = open_workspace(seed=seed)
    print(space)
    return space


def use_data(data: str | Path, seed: int = 0) -> Workspace:
    """Choose ``data``, a folder or ``phantom``, for this and every later notebook, and begin.

    Raises :class:`CXRLabError` where the folder is none, or ``CXRLAB_DATA`` names another.
    Example: ``space = course.use_data("my-xrays")``.
    """
    folder = remember(None if str(data) == PHANTOM else data)
    now = choose().folder
    if now != folder:
        raise CXRLabError(
            f"{data} is remembered, but CXRLAB_DATA goes before it and says {now or PHANTOM}. "
            "Unset CXRLAB_DATA and start the notebook again."
        )
    return begin(seed)


def get_ten(space: Workspace) -> pd.DataFrame:
    """The ten X-rays of notebook 01, of patients who are in no part: ``course.get_ten(space)``."""
    kept = space.folder / "ten.csv"
    if not kept.exists():
        prepared = prepare(space.data, seed=space.seed, ten=True)
        write_atomically(kept, prepared.ten.to_csv(index=False))
    return _read_cases(kept)


def get_split(space: Workspace) -> Split:
    """The split of notebook 02, left or made now. Example: ``course.get_split(space).train``."""
    kept = space.folder / "cases.csv"
    if not kept.exists():
        prepared = prepare(space.data, seed=space.seed, ten=True)
        keep_split(space, *split_by_patient(prepared.cases, space.seed).parts().values())
    table = _read_cases(kept)
    parts = dict(list(table.drop(columns="part").groupby(table["part"])))
    return Split(*(parts[name].reset_index(drop=True) for name in PARTS))


def keep_split(
    space: Workspace, train: pd.DataFrame, validation: pd.DataFrame, test: pd.DataFrame
) -> Split:
    """Leave three parts for the next notebooks, with all columns of the catalog.

    Raises :class:`CXRLabError` where :func:`cxrlab.splits.check_split` finds a problem.
    Example: ``course.keep_split(space, train, validation, test)``.
    """
    parts = map(to_catalog, (train, validation, test))
    split = Split(*(part.sort_values("image_id", ignore_index=True) for part in parts))
    if problems := check_split(split):
        raise CXRLabError(
            f"This split is not kept: {'; '.join(problems)}. Split by group and run this again."
        )
    write_atomically(space.folder / "split.csv", split.manifest())
    write_atomically(space.folder / "cases.csv", split.as_table().to_csv(index=False))
    return split


@dataclass(frozen=True)
class Parts:
    """The X-rays of a split, decoded when first asked for; ``training`` is cut to ``images``."""

    split: Split
    images: int
    seed: int

    @cached_property
    def training(self) -> Xrays:
        return decode(subsample(self.split.train, self.images, self.seed))

    @cached_property
    def validation(self) -> Xrays:
        return decode(self.split.validation)

    @cached_property
    def test(self) -> Xrays:
        return decode(self.split.test)


def get_xrays(space: Workspace) -> Parts:
    """The pixels of the split's three parts. Example: ``course.get_xrays(space).training``."""
    return Parts(get_split(space), space.budget.images, space.seed)


def network_path(space: Workspace) -> Path:
    """Where notebook 03 leaves its network: another file for another split, so that none is picked
    up that has learned from test X-rays. Example: ``model.save(course.network_path(space))``.
    """
    return space.folder / f"network-{get_split(space).digest()}.keras"


def network_file(space: Workspace, yours: bool = False) -> Path | None:
    """The ``.keras`` file of the network to use: shipped with the course, or yours of notebook 03.

    With the networks shipped for the course's phantoms and split the numbers of 04, 06 and 07 are
    the same on every computer. ``yours`` takes that of notebook 03, the only one for other X-rays,
    another split or the full budget. Where there is none, this says so and gives None.
    Example: ``model = keras.saving.load_model(course.network_file(space))``.
    """
    brought = space.simulated and space.budget.name != "full" and not yours
    shipped = find_shipped(how_shipped(space)) if brought else None
    if shipped is None:
        if (left := network_path(space)).exists():
            return left
        print("There is no network for these X-rays yet: run notebook 03 first.")
        return None
    digest = hashlib.sha256(shipped.read_bytes()).hexdigest()[:8]
    unpacked = space.folder / f"shipped-{digest}.keras"
    if not unpacked.exists():
        from cxrlab.training import save_model

        save_model(unpack(shipped), unpacked)
    print("This network came with the course, trained as in notebook 03. (yours=True takes yours.)")
    return unpacked


def load_network(space: Workspace, parts: Parts, yours: bool = False) -> keras.Model:
    """The network of :func:`network_file`; where there is none, it is trained now, and kept.
    Example: ``network = course.load_network(space, xrays)``.
    """
    from cxrlab.training import load_model, save_model, train

    if file := network_file(space, yours):
        return load_model(file)
    print("Until then the same network is trained here.")
    trained = train(parts.training, parts.validation, space.budget, space.seed)
    save_model(trained.model, network_path(space))
    return trained.model


# --- networks that come with the course ------------------------------------------------------


def how_shipped(space: Workspace) -> dict[str, Any]:
    """All that tells one shipped network from another: the phantoms, the split, the seed."""
    split = get_split(space).digest()
    return {"phantoms": sources.phantom_choices(space.data), "split": split, "seed": space.seed}


def ship(model: keras.Model, how: dict[str, Any], path: Path) -> Path:
    """Write a published network and ``how`` it was trained (JSON) to ``path``, an ``.npz`` file.

    The one layer that holds nearly all weights is kept in 8 bits, with one scale per unit.
    """
    arrays: dict[str, np.ndarray] = {}
    for number, weights in enumerate(model.get_weights()):
        if weights.size > SMALL:
            scale = np.abs(weights).max(axis=0, keepdims=True) / 127
            weights = np.rint(weights / np.where(scale > 0, scale, 1)).astype("i1")
            arrays[f"scale_{number}"] = scale.astype(np.float32)
        arrays[f"weights_{number}"] = weights
    held = io.BytesIO()
    np.savez_compressed(held, about=np.array(json.dumps({"how": how})), **arrays)
    return write_atomically(path, held.getvalue())


def find_shipped(how: dict[str, Any]) -> Path | None:
    """The file of the network that was trained in exactly this way, or None."""
    for path in sorted(SHIPPED.glob("*.npz")):
        with np.load(path, allow_pickle=False) as held:
            if json.loads(held["about"].item())["how"] == how:
                return path
    return None


def unpack(path: Path) -> keras.Model:
    """The network in a file that :func:`ship` wrote."""
    from cxrlab.model import published_network

    model = published_network()
    with np.load(path, allow_pickle=False) as held:
        kept = {name: held[name].astype(np.float32) for name in held if name != "about"}
    numbers = range(len(model.get_weights()))
    model.set_weights([kept[f"weights_{n}"] * kept.get(f"scale_{n}", 1) for n in numbers])
    return model


# --- thresholds and other hospitals, for notebooks 06 and 07 -----------------------------------


def get_threshold(network: keras.Model, parts: Parts) -> float:
    """The score with the highest F1 on validation: ``course.get_threshold(network, xrays)``."""
    from cxrlab.metrics import choose_threshold
    from cxrlab.training import predict

    validation = parts.validation
    return choose_threshold(validation.labels, predict(network, validation), halfway=False)


def confounded_data(space: Workspace) -> Path:
    """The folder of X-rays whose source shows in everything, not in the lungs alone.

    Phantoms: the same patients with the confounding dial up, made once in some 15 seconds. Real
    X-rays are confounded as they are. Example: ``course.confounded_data(space)``.
    """
    return sources.confounded_phantoms() if space.simulated else space.data


def get_confounded(space: Workspace) -> tuple[Parts, keras.Model]:
    """The X-rays of :func:`confounded_data`, and the network that learned from them.
    Example: ``its_xrays, its_network = course.get_confounded(space)``.
    """
    there = open_workspace(confounded_data(space), space.budget.name, space.seed)
    parts = get_xrays(there)
    return parts, load_network(there, parts)


def hospital_b(space: Workspace, parts: Parts) -> Xrays:
    """Patients with COVID-19 and healthy adults from whom no network of the course has learned.

    Phantoms are new patients (made once, in some ten seconds). Of real X-rays the adults are new,
    the patients those of the test part. Raises :class:`CXRLabError` where there are no adults.
    Example: ``b = course.hospital_b(space, xrays)``.
    """
    folder = sources.hospital_phantoms() if space.simulated else space.data
    table = space.folder / f"hospital-b-{parts.split.digest()}.csv"
    if not table.exists():
        cases = prepare(folder, "adult", space.seed, balanced=False).cases
        if not space.simulated:
            healthy = cases[cases["label"] == 0]
            cases = pd.concat([parts.test.cases[parts.test.labels == 1], healthy])
        write_atomically(table, cases.to_csv(index=False))
    return decode(_read_cases(table))


def _read_cases(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"label": "Int64"}, low_memory=False)
