"""One line that rewrites itself, so that a long step shows life without flooding a notebook."""

from __future__ import annotations

import sys
import time


class LiveLine:
    """A status line for the place we are in: a notebook cell, a terminal, or nowhere.

    In a notebook the line is one output that is updated in place; the last text stays. In a
    terminal it is overwritten with a carriage return. Where standard error goes to a file only
    the last text is written.
    """

    # Redrawing more often than this costs time and shows nothing more.
    PAUSE_SECONDS = 0.2

    def __init__(self) -> None:
        self._handle = None
        self._text = ""
        self._last_drawn = 0.0
        self._width = 0

    def update(self, text: str) -> None:
        """Show ``text`` instead of the last one, unless that was a moment ago."""
        self._text = text
        if time.monotonic() - self._last_drawn >= self.PAUSE_SECONDS:
            self._draw()

    def close(self, text: str | None = None) -> None:
        """Leave ``text`` (or the last text) standing."""
        self._text = text if text is not None else self._text
        if in_notebook():
            self._draw()
        elif self._text:
            print("\r" + self._text.ljust(self._width), file=sys.stderr, flush=True)

    def _draw(self) -> None:
        self._last_drawn = time.monotonic()
        if in_notebook():
            self._draw_in_notebook()
        elif sys.stderr.isatty():
            print("\r" + self._text.ljust(self._width), end="", file=sys.stderr, flush=True)
            self._width = len(self._text)

    def _draw_in_notebook(self) -> None:
        from IPython.display import display

        data = {"text/plain": self._text}
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code, so that its output can be updated in place."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def clock(seconds: float) -> str:
    """``75`` becomes ``1:15``."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"


def counted(number: int, what: str) -> str:
    """``1 epoch``, ``2 epochs``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
