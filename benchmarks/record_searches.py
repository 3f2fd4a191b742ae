"""Record what notebook 05 replays: 72 trainings of the shared space, and before and after tuning.

    python benchmarks/record_searches.py table   # 24 combinations, three seeds each
    python benchmarks/record_searches.py fifty   # 50 trials with a rate for each dropout layer
    python benchmarks/record_searches.py after   # the default and the winner of the fifty

All train at the class budget on the course's phantoms and split, as notebook 05 does (``after``
also on the real X-rays that ``CXRLAB_DATA`` names, for notebook 07), and write a recording into
``cxrlab/recordings``. Finished trainings are kept in ``build/searches``, so an interrupted command
goes on.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score

from cxrlab import course, recordings
from cxrlab.course import open_workspace
from cxrlab.files import read_json, write_json
from cxrlab.metrics import choose_threshold, confusion
from cxrlab.sources import what_kind
from cxrlab.training import Settings, predict, train
from cxrlab.tuning import SPACES, Plan, recorded_search, search, settings_from

TOP = Path(__file__).resolve().parents[1]
KEPT = TOP / "build" / "searches"
SEEDS = (1, 2, 3)


def trained(parts: course.Parts, budget, settings: Settings, seed: int) -> dict:
    """Losses and scores of one training; read back where it was done before."""
    name = "-".join(str(value) for value in (*asdict(settings).values(), seed, budget.epochs))
    name = f"{parts.split.digest()}-{name}"
    path = KEPT / f"{name.replace(' ', '')}.json"
    if not path.exists():
        done = train(parts.training, parts.validation, budget, seed, settings)
        best = done.history.iloc[done.best_epoch - 1]
        write_json(
            path,
            {
                "val_loss": float(best["val_loss"]),
                "epoch": done.best_epoch,
                "validation": predict(done.model, parts.validation).round(5).tolist(),
                "test": predict(done.model, parts.test).round(5).tolist(),
            },
        )
    return read_json(path)


def figures(labels: np.ndarray, scores: np.ndarray, threshold: float, part: str) -> dict:
    """Recall, specificity, F1 and AUC of one part at a threshold."""
    counts = confusion(labels, scores, threshold)
    found = {
        "recall": counts.recall,
        "specificity": counts.specificity,
        "f1": counts.f1,
        "auc": roc_auc_score(labels, scores),
    }
    return {f"{part}_{name}": round(float(value), 4) for name, value in found.items()}


def table(parts: course.Parts, budget) -> pd.DataFrame:
    """One row per training: settings, seed, validation and test figures."""
    budget = replace(budget, epochs=budget.trial_epochs)
    rows = []
    for units, rate, learning, seed in product(*SPACES["shared"].values(), SEEDS):
        done = trained(parts, budget, Settings(units, rate, learning), seed)
        validation, test = np.array(done["validation"]), np.array(done["test"])
        threshold = choose_threshold(parts.validation.labels, validation, halfway=False)
        row = {
            "dense_units": units,
            "dropout": rate,
            "learning_rate": learning,
            "seed": seed,
            "val_loss": round(done["val_loss"], 4),
            "test_loss": round(log_loss(parts.test.labels, test), 4),
            "threshold": round(threshold, 4),
            **figures(parts.validation.labels, validation, threshold, "val"),
            **figures(parts.test.labels, test, threshold, "test"),
        }
        rows.append(row)
        print(len(rows), row, flush=True)
    return pd.DataFrame(rows)


def fifty(parts: course.Parts, budget) -> pd.DataFrame:
    """One row per trial, as ``cxrlab tune`` finds them."""
    return search(parts.training, parts.validation, budget, KEPT / "fifty", Plan(trials=50))


def after(parts: course.Parts, budget) -> pd.DataFrame:
    """One row per X-ray of validation and test: the scores of both settings, three seeds each."""
    winner = recorded_search().table.iloc[0]
    settings = {"before": Settings(), "after": settings_from(winner.to_dict())}
    frames = []
    for name, part in (("validation", parts.validation), ("test", parts.test)):
        frame = part.cases[["image_id", "patient_id"]].assign(label=part.labels, part=name)
        for when, seed in product(settings, SEEDS):
            done = trained(parts, budget, settings[when], seed)
            frame[f"{when}_{seed}"] = np.round(done[name], 4)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["table", "fifty", "after"])
    what = parser.parse_args().what
    space = open_workspace()
    parts = course.get_xrays(space)
    cases = pd.concat(parts.split.parts().values())
    made = {"table": table, "fifty": fifty, "after": after}[what](parts, space.budget)
    command = f"python benchmarks/record_searches.py {what}"
    recording = recordings.record(made, command, space.seed, what_kind(space.data), cases)
    folder = TOP / "cxrlab" / "recordings"
    if what == "fifty":
        write_json(folder / "search-fifty-trials.json", recording.to_json())
        return
    name = {"table": "search-table", "after": "before-after"}[what]
    if not space.simulated:
        name = f"{name}-real"
        # Strangers' files: what a recording needs of an X-ray is whose it is, not its name.
        recording.table["patient_id"] = pd.factorize(recording.table["patient_id"])[0]
        recording.table["image_id"] = range(len(recording.table))
    content = recording.to_json()
    rows = ",\n  ".join(json.dumps(row) for row in content.pop("rows"))
    head = json.dumps(content, indent=1)[:-2]
    # One row per line, so that a change of the recording can be read.
    text = f'{head},\n "rows": [\n  {rows}\n ]\n}}\n'
    (folder / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
