"""What a RUN folder says about itself, read from its files without TensorFlow."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.evaluation import METRICS, Report, subgroup_table
from cxrlab.files import read_json
from cxrlab.runs import read_metrics
from cxrlab.sources import EXTERNAL, SOURCES

NOT_STATED = "not stated"
GROUP_COLUMNS = {"group", "images", "patients", "called", "low", "high", "auc"}


@dataclass(frozen=True)
class Network:
    """The file of a network: its name, its layers (type names in order), its parameters."""

    name: str
    layers: tuple[str, ...]
    parameters: int | None  # None where the weights cannot be counted here


@dataclass(frozen=True)
class RunFacts:
    """The files of a finished run. What it does not hold is None."""

    run: Path
    settings: dict
    metrics: dict
    report: Report
    scored: pd.DataFrame  # image_id, patient_id, label, score, source, and what else is known
    split: pd.DataFrame | None
    history: pd.DataFrame | None
    leaderboard: pd.DataFrame | None
    by_source: pd.DataFrame | None  # as designs.group_table gives it
    external: dict | None  # what `cxrlab evaluate --json` wrote

    @property
    def simulated(self) -> bool | None:
        """Whether it was trained on phantoms; None where the run does not say."""
        return self.settings.get("simulated")

    @property
    def folds(self) -> int:
        """Folds of a cross-validation, 0 for a single split."""
        return int(self.settings.get("folds") or 0)

    @property
    def budget(self) -> dict:
        """The budget's numbers, empty where not stated."""
        return self.settings.get("budget") or {}

    @property
    def resamples(self) -> int:
        """Bootstrap resamples behind an interval."""
        return int(self.budget.get("resamples") or 1000)

    @property
    def seed(self) -> int:
        """The seed of split, training and intervals."""
        return int(self.settings.get("seed") or 0)

    @property
    def tables(self) -> list[pd.DataFrame]:
        """The tables of cases: the split, if there is one, and the scored ones."""
        return [table for table in (self.split, self.scored) if table is not None]

    @property
    def sources(self) -> list[str]:
        """The known sources of its X-rays, in the order of the course."""
        seen = set().union(*(table["source"] for table in self.tables))
        return [name for name in (*SOURCES, *EXTERNAL) if name in seen]

    @property
    def groups(self) -> set[str]:
        """The groups in ``by_source.csv``: COVID-19, children, adults."""
        return set() if self.by_source is None else set(self.by_source["group"])

    @cached_property
    def subgroups(self) -> pd.DataFrame:
        """Recall and specificity by sex, age, view and source at the run's threshold."""
        threshold = self.report.threshold
        return subgroup_table(self.scored, threshold, resamples=self.resamples, seed=self.seed)

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each ``split.csv``, by its path inside the run."""
        files = [self.run / "split.csv"]
        files += [self.run / f"fold-{n}" / "split.csv" for n in range(1, self.folds + 1)]
        return {
            file.relative_to(self.run).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
            if file.is_file()
        }

    @cached_property
    def network(self) -> Network | None:
        """What ``model.keras`` holds."""
        return read_network(self.run / "model.keras")


def read_run(run: str | Path) -> RunFacts:
    """Everything that the card of a run is made of.

    Raises :class:`CXRLabError` where the run is missing, unfinished or damaged.
    """
    run = Path(run)
    metrics = read_metrics(run)
    settings = read_json(run / "settings.json") if (run / "settings.json").is_file() else {}
    try:
        report = Report.from_json(metrics)
    except (KeyError, TypeError) as error:
        raise CXRLabError(
            f"{run / 'metrics.json'} lacks {error}, which cxrlab train writes. "
            "Train the run anew in another folder."
        ) from error
    scored = _table(run / "predictions.csv")
    if scored is None or not {"image_id", "patient_id", "label", "score"} <= set(scored):
        raise CXRLabError(
            f"{run} holds no predictions.csv with image_id, patient_id, label and score. "
            "Train the run anew in another folder."
        )
    split = _table(run / "split.csv")
    groups = _table(run / "by_source.csv")
    external = run / "external.json"
    return RunFacts(
        run=run,
        settings=settings,
        metrics=metrics,
        report=report,
        scored=with_source(scored),
        split=None if split is None else with_source(split),
        history=_table(run / "history.csv"),
        leaderboard=_table(run / "leaderboard.csv"),
        by_source=groups if groups is not None and set(groups) >= GROUP_COLUMNS else None,
        external=_external(external, report.threshold) if external.is_file() else None,
    )


def percent(share: float) -> str:
    """``50 %``."""
    return f"{100 * share:.0f} %"


def with_source(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases with their ``source``: as stated, else the folder that image_id begins with."""
    if "source" in cases:
        return cases
    folder = cases["image_id"].astype(str).str.partition("/")[0]
    return cases.assign(source=folder.where(folder.isin([*SOURCES, *EXTERNAL]), NOT_STATED))


def read_network(path: Path) -> Network | None:
    """Name, layers and parameters in a ``.keras`` file, or None where it is not one.

    The weights are counted in the file itself: seeds of Dropout layers and the optimiser's
    memory are no parameters.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))["config"]
            weights = archive.read("model.weights.h5")
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    layers = tuple(
        layer["class_name"]
        for layer in config.get("layers", [])
        if layer.get("class_name") != "InputLayer"
    )
    return Network(str(config.get("name", "network")), layers, count_weights(weights))


def count_weights(weights: bytes) -> int | None:
    """How many numbers an HDF5 file of Keras weights holds; None without h5py."""
    try:
        import h5py
    except ImportError:
        return None
    sizes = []

    def visit(name: str, item: object) -> None:
        places = name.split("/")
        if isinstance(item, h5py.Dataset) and places[0] != "optimizer":
            sizes.append(0 if "seed_generator" in places else item.size)

    with h5py.File(io.BytesIO(weights), "r") as file:
        file.visititems(visit)
    return int(sum(sizes))


def _external(path: Path, threshold: float) -> dict | None:
    """The numbers of an external validation, if they were taken at the run's threshold."""
    found = read_json(path)
    complete = all(name in found for name in (*METRICS, "n", "patients", "name", "threshold"))
    return found if complete and found["threshold"] == threshold else None


def _table(path: Path) -> pd.DataFrame | None:
    return pd.read_csv(path) if path.is_file() else None
