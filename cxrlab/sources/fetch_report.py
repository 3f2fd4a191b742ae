"""What a fetch did, in the words for its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cxrlab.fetching.faults import size_text
from cxrlab.progress import counted

REASONS_SHOWN = 3


@dataclass
class FetchReport:
    """What a fetch did to ``folder``. ``str()`` of it is what a reader should know at the end."""

    folder: Path
    new: int = 0
    already: int = 0
    travelled: int = 0  # bytes over the network
    failed: dict[str, list[str]] = field(default_factory=dict)  # reasons, by source
    damaged: list[str] = field(default_factory=list)  # images that are broken at the source itself

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for is there."""
        return not self.failed

    def __str__(self) -> str:
        if self.complete and not self.new and not self.travelled:
            lines = [f"Nothing to do: what was asked for is in {self.folder} already."]
        else:
            lines = [
                f"{counted(self.new, 'new image')}, {self.already:,} there already, "
                f"{size_text(self.travelled)} travelled. They lie in {self.folder}."
            ]
        if self.damaged:
            lines.append(
                f"{counted(len(self.damaged), 'image')} cannot be decoded as the source has it: "
                f"{', '.join(self.damaged[:REASONS_SHOWN])}. The audit will leave it out."
            )
        for source, reasons in self.failed.items():
            lines.append(f"{source}: {counted(len(reasons), 'failure')}. The first reasons:")
            lines += [f"  {reason}" for reason in dict.fromkeys(reasons)][:REASONS_SHOWN]
        if not self.complete:
            lines.append(
                "All that came was kept. Run the same once more: it goes on where it stopped."
            )
        return "\n".join(lines)
