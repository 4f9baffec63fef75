"""A tree as XML text in the vendor's prefix layout (edxml.md 1.2), in pieces between which the contents go."""

from __future__ import annotations

from . import dialects as wire
from .tree import Element

_INDENT = "  "


def serialise(root: Element, newline: str = "\n", indent: str = _INDENT) -> list[bytes]:
    """UTF-8 pieces: n contents make n + 1 pieces, content k belongs between the pieces k and k + 1.

    Empty elements are left out (edxml.md row 3).
    """
    out = _Out(newline, indent)
    out.write('<?xml version="1.0" encoding="UTF-8"?>')
    out.write(newline)
    out.element(root, depth=0, prefixed=False, scope=None)
    return out.pieces()


def escape(text: str) -> str:
    """Character data; a carriage return would be lost in the next parser's line end rule."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


class _Out:
    def __init__(self, newline: str, indent: str) -> None:
        self._newline = newline
        self._indent = indent
        self._pieces: list[list[str]] = [[]]
        self.write = self._pieces[-1].append

    def pieces(self) -> list[bytes]:
        return ["".join(piece).encode() for piece in self._pieces]

    def element(self, element: Element, *, depth: int, prefixed: bool, scope: str | None) -> None:
        prefixed = prefixed or element.name == wire.ENVELOPE
        foreign = element.uri not in {None, wire.QCVN}
        qualified = (prefixed or element.content) and not foreign
        tag = f"{wire.PREFIX}:{element.name}" if qualified else element.name
        self.write(self._indent * depth)
        self.write(f"<{tag}{self._namespaces(element, scope)}{self._attributes(element)}>")
        if element.content:
            self._pieces.append([])
            self.write = self._pieces[-1].append
        self._inside(element, depth, prefixed=prefixed, scope=element.uri if foreign else scope)
        self.write(f"</{tag}>{self._newline}")

    def _inside(self, element: Element, depth: int, *, prefixed: bool, scope: str | None) -> None:
        children = [child for child in element.children if not child.empty]
        if not children:
            self.write(escape(element.value or ""))
            return
        self.write(self._newline)
        for child in children:
            self.element(child, depth=depth + 1, prefixed=prefixed, scope=scope)
        self.write(self._indent * depth)

    def _namespaces(self, element: Element, scope: str | None) -> str:
        if element.name == wire.ENVELOPE or element.content:
            return f' xmlns:{wire.PREFIX}="{wire.QCVN}"'
        if element.parent is None:
            return f' xmlns="{wire.QCVN}"'
        if element.uri not in {None, wire.QCVN, scope}:
            return f' xmlns="{_attribute(element.uri or "")}"'
        return ""

    def _attributes(self, element: Element) -> str:
        written = []
        for number, (key, value) in enumerate(element.attributes.items()):
            uri, _, name = key.removeprefix("{").rpartition("}")
            if uri:
                written.append(f' xmlns:a{number}="{_attribute(uri)}" a{number}:{name}="{_attribute(value)}"')
            else:
                written.append(f' {name}="{_attribute(value)}"')
        return "".join(written)


def _attribute(text: str) -> str:
    return escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
