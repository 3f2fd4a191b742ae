"""``python -m cxrlab.cards``: write docs/data.md of this checkout from the facts."""

from pathlib import Path

from cxrlab.cards.provenance import provenance_page
from cxrlab.files import write_atomically

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data.md"

if __name__ == "__main__":
    write_atomically(PAGE, provenance_page())
