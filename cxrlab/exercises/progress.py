"""What a reader has solved: one small file in the workspace, and nowhere else."""

from __future__ import annotations

import json

from filelock import FileLock, Timeout

from cxrlab.files import read_json, workspace_root, write_json

FILE = "progress.json"


def remember(key: str, solved: bool) -> None:
    """Count an attempt at the exercise ``key``. What was solved once stays solved.

    A workspace that cannot be written loses the count and nothing else: the reader's check
    should not fail for it.
    """
    path = workspace_root() / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock"), timeout=2):
            kept = load()
            before = kept.get(key, {"attempts": 0, "solved": False})
            kept[key] = {
                "attempts": before["attempts"] + 1,
                "solved": bool(before["solved"] or solved),
            }
            write_json(path, dict(sorted(kept.items())))
    except (OSError, Timeout):
        pass


def load() -> dict[str, dict]:
    """``{key: {"attempts": n, "solved": bool}}``; empty where nothing readable is kept."""
    try:
        kept = read_json(workspace_root() / FILE)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return {}
    wanted = {"attempts", "solved"}
    if not isinstance(kept, dict):
        return {}
    return {key: e for key, e in kept.items() if isinstance(e, dict) and wanted <= e.keys()}
