"""pyHanko's reader with a memory: each object of a file is parsed once, whatever revision asks for it.

The difference analysis looks at every revision behind a signature and reads the whole signed one for each signature;
pyHanko parses the same bytes again each time. An object is known by its number and its place in the file, so a
revision never sees another one's object. The search for all ways to an object is pyHanko's own, without its detours
through numbers and names, and it is bounded: shared children make exponentially many ways (signatures.md 4.1).
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from pyhanko.pdf_utils import generic, misc
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader, RawPdfPath

from .quick_objects import QuickObjects
from .refused import DocumentRefused

WAYS_MAX: Final = 200_000  # steps of one search; a letter takes about a thousand


ATOMS: Final = frozenset(
    (
        generic.NameObject,
        generic.NumberObject,
        generic.FloatObject,
        generic.BooleanObject,
        generic.NullObject,
        generic.ByteStringObject,
        generic.TextStringObject,
    )
)
ASKED_OFTEN: Final = ("get_last_change", "get_introducing_revision")
Path = tuple[str | int, ...]
Key = tuple[int, int]


class QuickReader(PdfFileReader):
    """Same answers as its base; a test compares both."""

    def __init__(self, stream: Any, *, strict: bool) -> None:
        self._known: dict[tuple[int, int, int], Any] = {}
        self._quick = QuickObjects(self)
        self._plain = False  # pyHanko alone reads while the trailer is unknown, and encrypted files
        super().__init__(stream, strict=strict)
        self._plain = self.encrypt_dict is None
        for name in ASKED_OFTEN:  # the table of a file that is open for reading never changes
            setattr(self.xrefs, name, lru_cache(maxsize=None)(getattr(self.xrefs, name)))

    def _read_object(
        self,
        ref: generic.Reference,
        marker: Any,
        never_decrypt: bool = False,  # noqa: FBT001, FBT002 - pyHanko's signature
        as_metadata_stream: bool = False,  # noqa: FBT001, FBT002
    ) -> Any:
        if type(marker) is not int or never_decrypt or as_metadata_stream or not self._plain:
            return super()._read_object(ref, marker, never_decrypt, as_metadata_stream)
        key = (ref.idnum, ref.generation, marker)
        value = self._known.get(key)
        if value is None:
            value = self._quick.read(self.stream, *key)
            if value is None:
                value = super()._read_object(ref, marker, never_decrypt, as_metadata_stream)
            self._known[key] = value
        return value

    def get_historical_resolver(self, revision: int) -> HistoricalResolver:
        resolver = self._historical_resolver_cache.get(revision)
        if resolver is None:
            resolver = self._historical_resolver_cache[revision] = QuickResolver(self, revision)
        return resolver


class QuickResolver(HistoricalResolver):
    """One revision of the file."""

    _ways: dict[Key, list[Path]] | None = None

    def _get_usages_of_ref(self, ref: generic.Reference) -> set[RawPdfPath]:
        ways = (self._ways or {}).get((ref.idnum, ref.generation), ())
        return {RawPdfPath(*way) for way in ways}

    def _load_reverse_xref_cache(self) -> None:
        if self._ways is None:
            self._ways = _Ways(self).found

    def _subsume_object(self, obj: Any) -> Any:
        kind = type(obj)
        if kind is generic.IndirectObject:
            return generic.IndirectObject(obj.reference.idnum, obj.reference.generation, self)
        if kind is generic.DictionaryObject or kind is generic.ArrayObject:
            old = obj.container_ref
            if old is None:
                return super()._subsume_object(obj)  # type: ignore[no-untyped-call]
            return self._copied(obj, generic.Reference(old.idnum, old.generation, self))
        if kind in ATOMS:
            return obj
        return super()._subsume_object(obj)  # type: ignore[no-untyped-call]

    def _copied(self, obj: Any, container: generic.Reference) -> Any:
        """Containers are copied so that their references lead into this revision; all else in them is shared."""
        kind = type(obj)
        result: Any
        if kind is generic.DictionaryObject:
            result = generic.DictionaryObject()
            dict.update(result, {key: self._copied(value, container) for key, value in obj.items()})
        elif kind is generic.ArrayObject:
            if all(type(value) in ATOMS for value in obj):
                return obj  # numbers lead nowhere
            result = generic.ArrayObject([self._copied(value, container) for value in obj])
        elif kind is generic.IndirectObject:
            return generic.IndirectObject(obj.reference.idnum, obj.reference.generation, self)
        elif kind in ATOMS:
            return obj
        else:
            return self._subsume_object(obj)
        result.container_ref = container
        return result

    def _collect_indirect_references(self, obj: Any, seen: set[generic.Reference], since_revision: Any = None) -> None:
        if type(obj) in ATOMS:
            return
        if isinstance(obj, generic.IndirectObject):
            reference = obj.reference
            if reference in seen:
                return
            if since_revision is None or self.reader.xrefs.get_introducing_revision(reference) >= since_revision:
                seen.add(reference)
            else:
                return
            obj = self(reference)
        if isinstance(obj, generic.DictionaryObject):
            for value in obj.values():
                if type(value) not in ATOMS:
                    self._collect_indirect_references(value, seen, since_revision)
        elif isinstance(obj, generic.ArrayObject):
            for value in obj:
                if type(value) not in ATOMS:
                    self._collect_indirect_references(value, seen, since_revision)


class _Ways:
    """All ways from the trailer to each object; page and structure trees are entered from above only."""

    def __init__(self, resolver: QuickResolver) -> None:
        self.found: dict[Key, list[Path]] = defaultdict(list)
        self._resolver = resolver
        self._steps = 0
        self._pages = self._page_tree()
        self._structure = self._structure_tree()
        self._walk(resolver.trailer_view, (), (), in_structure=False)

    def _page_tree(self) -> dict[Key, Path]:
        pages = self._resolver.root.raw_get("/Pages")
        way: Path = ("/Root", "/Pages")
        known: dict[Key, Path] = {}
        if isinstance(pages, generic.IndirectObject):
            known[pages.idnum, pages.generation] = way
        for key, kid_way in _page_nodes(pages.get_object(), way):
            if key in known:
                raise misc.PdfReadError("Circular reference in page tree in mapping stage")
            known[key] = kid_way
        return known

    def _structure_tree(self) -> set[Key]:
        known: set[Key] = set()
        with contextlib.suppress(KeyError):
            for key in _structure_nodes(self._resolver.root.raw_get("/StructTreeRoot").get_object()):
                if key in known:
                    raise misc.PdfReadError("Circular reference in structure tree in mapping stage")
                known.add(key)
        return known

    def _walk(self, obj: Any, way: Path, above: tuple[Key, ...], *, in_structure: bool) -> None:
        self._steps += 1
        if self._steps > WAYS_MAX:
            raise DocumentRefused("SIG_TOO_COMPLEX", "các đối tượng dẫn tới nhau theo quá nhiều đường")
        if isinstance(obj, generic.IndirectObject):
            key = (obj.idnum, obj.generation)
            if key in above:
                return
            self.found[key].append(way)
            above = (*above, key)
            obj = self._resolver(obj.reference)
            if self._pages.get(key, way) != way or (not in_structure and key in self._structure):
                return
        if isinstance(obj, generic.DictionaryObject):
            at_root = way == ("/Root", "/StructTreeRoot")
            for name, value in obj.items():
                if type(value) in ATOMS or name == "/Parent" or (in_structure and name == "/P"):
                    continue
                inside = in_structure or (at_root and name == "/K")
                self._walk(value, (*way, name), above, in_structure=inside)
        elif isinstance(obj, generic.ArrayObject):
            for place, value in enumerate(obj):
                if type(value) not in ATOMS:
                    self._walk(value, (*way, place), above, in_structure=in_structure)


def _page_nodes(pages: Any, way: Path) -> Iterator[tuple[Key, Path]]:
    for place, kid in enumerate(pages["/Kids"]):
        kid_way = (*way, "/Kids", place)
        if isinstance(kid, generic.IndirectObject):
            yield (kid.idnum, kid.generation), kid_way
        node = kid.get_object()
        if node.get("/Type", None) == "/Pages":
            yield from _page_nodes(node, kid_way)


def _structure_nodes(element: Any) -> Iterator[Key]:
    try:
        children = element["/K"]
    except KeyError:
        return
    for child in children if isinstance(children, generic.ArrayObject) else (children,):
        node = child.get_object()
        if not isinstance(node, generic.DictionaryObject) or not _is_element(node):
            continue
        if isinstance(child, generic.IndirectObject):
            yield child.idnum, child.generation
        yield from _structure_nodes(node)


def _is_element(node: generic.DictionaryObject) -> bool:
    try:
        return bool(node["/Type"] == "/StructElem")
    except KeyError:  # the default, says ISO 32000
        return True
