"""One line of the doctor's report."""

from __future__ import annotations

from dataclasses import dataclass

OK, NOTE, PROBLEM = "ok", "note", "problem"


@dataclass(frozen=True)
class Finding:
    """What was seen of a subject. ``state`` is ``ok``, ``note`` (works, but) or ``problem``.

    ``brief`` is what a notebook shows instead of ``seen``: no path of this machine, and no number
    that is another one in the next run.
    """

    subject: str
    seen: str
    state: str = OK
    advice: str = ""
    brief: str = ""
