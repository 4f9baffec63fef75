"""What the demonstration verifies by itself: every line is said when it is known and counted at the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from .screen import say


@dataclass(slots=True)
class Checks:
    """Mutable: grows while the demonstration runs."""

    lines: list[tuple[str, bool]] = field(default_factory=list)

    def expect(self, what: str, truth: object, seen: object = "") -> None:
        """``what`` must be true; ``seen`` is shown when it is not."""
        self.lines.append((what, bool(truth)))
        say(f"[{'đạt' if truth else 'KHÔNG ĐẠT'}] {what}" + (f" (thấy: {seen})" if not truth else ""), indent=2)

    def equal(self, what: str, seen: object, expected: object) -> None:
        self.expect(what, seen == expected, f"{seen}; phải là: {expected}")

    @property
    def failed(self) -> list[str]:
        return [what for what, truth in self.lines if not truth]
