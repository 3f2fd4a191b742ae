"""How an exercise speaks: a line of text that is also readable where no HTML is shown."""

from __future__ import annotations

import html
import re
from typing import Any

# A sign beside the colour, for readers who cannot tell the colours apart.
LOOKS = {
    "correct": ("✓", "#00664B"),
    "not yet right": ("✗", "#A13F00"),
    "not attempted": ("…", "#5A5A5A"),
}
OTHER_LOOK = ("→", "#004C8C")


def show_message(state: str, message: str) -> None:
    """Show a sentence, marked by its state. Backticks become code."""
    _display(f"{_look(state)[0]} {message}", as_html(state, message))


def show_code(title: str, code: str) -> None:
    """Show a solution."""
    _display(
        f"A solution of “{title}”:\n\n{code}",
        f"<p>A solution of “{html.escape(title)}”:</p><pre>{html.escape(code)}</pre>",
    )


def as_html(state: str, message: str) -> str:
    """The line of :func:`show_message` as HTML."""
    sign, colour = _look(state)
    body = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(message, quote=False))
    return (
        f'<div role="status" style="border-left: 4px solid {colour}; padding: 2px 10px">'
        f'<strong style="color: {colour}">{sign}</strong> {body}</div>'
    )


def _look(state: str) -> tuple[str, str]:
    return LOOKS.get(str(state), OTHER_LOOK)


def _display(plain: str, rich: str) -> None:
    shell = _shell()
    if shell is None:
        print(plain)
        return
    from IPython.display import display

    display({"text/plain": plain, "text/html": rich}, raw=True)


def _shell() -> Any:
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return get_ipython()
