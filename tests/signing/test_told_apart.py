"""The holder's computer signs the document it was shown and no other."""

from __future__ import annotations

import hashlib

import pytest
from asn1crypto import cms

from lienthong.signing.errors import SigningError
from lienthong.signing.told_apart import refuse_other_document

SHOWN = b"%PDF-1.7 the document that was read\n%%EOF\n"
PREPARED = SHOWN + b"10 0 obj << /Contents <" + b"0" * 64 + b"> >> endobj\n%%EOF\n"
GAP = (PREPARED.index(b"<00") + 0, PREPARED.index(b"> >>") + 1)


def attributes(content: bytes, gap: tuple[int, int] = GAP) -> bytes:
    digest = hashlib.sha256(content[: gap[0]] + content[gap[1] :]).digest()
    listed = [
        cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
        cms.CMSAttribute({"type": "message_digest", "values": [digest]}),
    ]
    packed: bytes = cms.CMSAttributes(listed).dump()
    return packed


def test_the_document_that_was_shown() -> None:
    refuse_other_document(attributes(PREPARED), SHOWN, PREPARED, GAP)


@pytest.mark.parametrize(
    ("signed", "prepared", "gap"),
    [
        (attributes(b"%PDF another" + PREPARED), PREPARED, GAP),  # the digest of another file
        (attributes(b"X" + PREPARED[1:]), b"X" + PREPARED[1:], GAP),  # another file altogether
        (attributes(PREPARED, (0, GAP[1])), PREPARED, (0, GAP[1])),  # a gap that leaves the document out
        (attributes(PREPARED), PREPARED, (GAP[1], GAP[0])),
        (attributes(PREPARED), PREPARED, (GAP[0], len(PREPARED) + 9)),
        (b"\x31\x00", PREPARED, GAP),
        (b"no attributes at all", PREPARED, GAP),
    ],
)
def test_anything_else_is_refused(signed: bytes, prepared: bytes, gap: tuple[int, int]) -> None:
    with pytest.raises(SigningError) as caught:
        refuse_other_document(signed, SHOWN, prepared, gap)
    assert caught.value.code == "SIG_EXTERNAL_NOT_SHOWN"
