"""A short way to read plainly written PDF objects, in place of pyHanko's, which reads one character at a time.

It knows a subset of the syntax and gives exactly what pyHanko gives for it; for everything else (escapes it does not
know, comments, doubled keys, odd white space, indirect lengths) it says None and pyHanko reads the object itself. A
test compares both over many files and over generated objects.
"""

from __future__ import annotations

import binascii
import re
from typing import Any, BinaryIO, Final

from pyhanko.pdf_utils import generic

FIRST_CHUNK: Final = 2048
LARGEST: Final = 192 * 1024  # a signature dictionary with its value; larger objects are streams
DEEPEST: Final = 40
KEYS_MAX: Final = 4096
_SPACE: Final = rb"[\x00\t\n\x0c\r ]*"
_BEFORE_NEXT: Final = rb"(?=[\x00\t\n\x0c\r ()<>\[\]{}/%])"
_HEADER: Final = re.compile(rb"(\d{1,9}) (\d{1,5}) obj(?=[\n\r <\[(/])")
_TOKEN: Final = re.compile(
    _SPACE
    + rb"(?:(/[!\"$&'*-.0-;=?-Z\\^-z|~]+)"  # 1: a name without escapes
    + _BEFORE_NEXT
    + rb"|([1-9]\d{0,6}) (\d{1,5}) R"  # 2, 3: a reference
    + _BEFORE_NEXT
    + rb"|([+-]?\d{1,18})"  # 4: an integer
    + _BEFORE_NEXT
    + rb"|([+-]?(?:\d{1,18}\.\d{0,18}|\.\d{1,18}))"  # 5: a real
    + _BEFORE_NEXT
    + rb"|(<<|>>|\[|\])"  # 6: a bracket
    + rb"|<([0-9a-fA-F]*)>"  # 7: a hexadecimal string
    + rb"|\(((?:[^()\\]++|\\[0-3][0-7]{2}|\\[()\\nrtbf])*)\)"  # 8: a literal string without inner parentheses
    + rb"|(true|false|null)"  # 9: a word
    + _BEFORE_NEXT
    + rb")",
)
_NUMBER: Final = rb"[+-]?(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})"
_NUMBERS: Final = re.compile(  # the rest of an array of numbers
    rb"[\t\n\x0c\r ]*(" + _NUMBER + rb"(?:[\t\n\x0c\r ]++" + _NUMBER + rb")*)[\t\n\x0c\r ]*\]"
)
_ESCAPE: Final = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_LETTERS: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_END: Final = re.compile(_SPACE + rb"endobj")
_STREAM: Final = re.compile(_SPACE + rb"stream\r?\n")
_ENDSTREAM: Final = re.compile(_SPACE + rb"endstream" + _SPACE + rb"endobj")


class NotPlainError(Exception):
    """The object is written in a way that pyHanko must read itself."""


class QuickObjects:
    """Reads objects of one reader. Keys are shared between dictionaries: nobody writes to them."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._keys: dict[bytes, generic.NameObject] = {}

    def read(self, stream: BinaryIO, number: int, generation: int, place: int) -> Any | None:
        """The object at ``place``, or None."""
        stream.seek(place)
        text = stream.read(FIRST_CHUNK)
        if b"endobj" not in text and b"stream" not in text:
            text += stream.read(LARGEST - FIRST_CHUNK)
        head = _HEADER.match(text)
        if head is None or int(head[1]) != number or int(head[2]) != generation:
            return None
        container = generic.Reference(number, generation, self._reader)
        try:
            value, end = self._value(text, head.end(), container, 0)
            if _END.match(text, end):
                return value
            return self._stream(stream, text, (place, end), value)
        except NotPlainError:
            return None

    def _value(self, text: bytes, at: int, container: Any, depth: int) -> tuple[Any, int]:
        found = _TOKEN.match(text, at)
        if found is None or depth > DEEPEST:
            raise NotPlainError
        kind = found.lastindex
        if kind == 6:
            if found[6] == b"<<":
                return self._dictionary(text, found.end(), container, depth)
            if found[6] == b"[":
                return self._array(text, found.end(), container, depth)
            raise NotPlainError
        value = self._atom(found, kind)
        value.container_ref = container
        return value, found.end()

    def _atom(self, found: re.Match[bytes], kind: int | None) -> Any:
        if kind == 1:
            return generic.NameObject(found[1].decode("ascii"))
        if kind == 3:
            return generic.IndirectObject(int(found[2]), int(found[3]), self._reader)
        if kind == 4:
            return generic.NumberObject(found[4])
        if kind == 5:
            return generic.FloatObject(found[5].decode("ascii"))
        if kind == 7:
            if len(found[7]) % 2:
                raise NotPlainError
            return generic.pdf_string(binascii.unhexlify(found[7]))
        if kind == 8:
            return generic.pdf_string(_unescaped(found[8]))
        return generic.NullObject() if found[9] == b"null" else generic.BooleanObject(found[9] == b"true")

    def _dictionary(self, text: bytes, at: int, container: Any, depth: int) -> tuple[Any, int]:
        entries: dict[Any, Any] = {}
        while True:
            found = _TOKEN.match(text, at)
            if found is None:
                raise NotPlainError
            if found[6] == b">>":
                break
            if found[1] is None:
                raise NotPlainError
            key = self._key(found[1])
            if key in entries:
                raise NotPlainError
            entries[key], at = self._value(text, found.end(), container, depth + 1)
        value = generic.DictionaryObject()
        dict.update(value, entries)
        value.container_ref = container
        return value, found.end()

    def _array(self, text: bytes, at: int, container: Any, depth: int) -> tuple[Any, int]:
        value = generic.ArrayObject()
        value.container_ref = container
        numbers = _NUMBERS.match(text, at)
        if numbers is not None:
            for written in numbers[1].split():
                number = generic.FloatObject(written.decode()) if b"." in written else generic.NumberObject(written)
                number.container_ref = container
                value.append(number)
            return value, numbers.end()
        while True:
            found = _TOKEN.match(text, at)
            if found is not None and found[6] == b"]":
                return value, found.end()
            item, at = self._value(text, at, container, depth + 1)
            value.append(item)

    def _key(self, written: bytes) -> generic.NameObject:
        key = self._keys.get(written)
        if key is None:
            key = generic.NameObject(written.decode("ascii"))
            if len(self._keys) < KEYS_MAX:
                self._keys[written] = key
        return key

    def _stream(self, stream: BinaryIO, text: bytes, at: tuple[int, int], value: Any) -> Any | None:
        begun = _STREAM.match(text, at[1])
        if begun is None or not isinstance(value, generic.DictionaryObject):
            return None
        length = dict.get(value, "/Length")
        if type(length) is not generic.NumberObject or length < 0:
            return None
        stream.seek(at[0] + begun.end())
        content = stream.read(length)
        if len(content) != length or _ENDSTREAM.match(stream.read(64)) is None:
            return None
        read = generic.StreamObject(value, encoded_data=content)
        read.container_ref = value.container_ref
        return read


def _unescaped(text: bytes) -> bytes:
    if b"\\" not in text:
        return text
    return _ESCAPE.sub(lambda one: bytes((int(one[1], 8),)) if len(one[1]) == 3 else _LETTERS.get(one[1], one[1]), text)
