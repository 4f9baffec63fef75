"""The envelope as a small tree of elements without attachment contents, and its place names (XPath)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Element:
    """One element: local name, namespace, line. Grows while it is parsed or composed, then is only read."""

    name: str
    text: str = ""
    uri: str | None = None
    line: int | None = None
    parent: Element | None = None
    attributes: dict[str, str] = field(default_factory=dict)  # "name" or "{uri}name"
    children: list[Element] = field(default_factory=list)
    always: bool = False  # written even when it holds nothing
    content: bool = False  # holds an attachment's base64, which is not kept here
    span: tuple[int, int] | None = None  # of a parsed content: where its start tag and its end tag begin, in bytes

    @property
    def value(self) -> str | None:
        """The trimmed text; empty is absent (edxml.md row 3)."""
        return self.text.strip() or None

    def named(self, *names: str) -> Iterator[Element]:
        """The children of these local names, whatever their prefix and order (edxml.md 1.3)."""
        return (child for child in self.children if child.name in names)

    def add(self, child: Element) -> Element:
        child.parent = self
        self.children.append(child)
        return child

    @property
    def empty(self) -> bool:
        """Whether neither it nor anything below it has a text."""
        return not (self.content or self.always) and self.value is None and all(child.empty for child in self.children)

    @property
    def xpath(self) -> str:
        """Path of local names, numbered where several of one name stand beside each other."""
        steps: list[str] = []
        at: Element | None = self
        while at is not None:
            steps.append(_step(at))
            at = at.parent
        return "/" + "/".join(reversed(steps))


def _step(element: Element) -> str:
    if element.parent is None:
        return element.name
    twins = [child for child in element.parent.children if child.name == element.name]
    if len(twins) < 2:
        return element.name
    return f"{element.name}[{next(n for n, twin in enumerate(twins, 1) if twin is element)}]"
