"""Hypothesis strategies for writable packages: everything that the strict profile may write."""

from __future__ import annotations

import hashlib
import tempfile
import unicodedata
from datetime import date, datetime
from pathlib import Path

from hypothesis import strategies as st

from lienthong.edxml.codes import code_lists
from lienthong.edxml.content_types import content_type
from lienthong.edxml.dates import VIETNAM
from lienthong.edxml.identifiers import DocumentId, OrganCode
from lienthong.edxml.model import (
    Attachment,
    Business,
    BusinessType,
    DocumentPackage,
    DocumentType,
    Organization,
    OtherInfo,
    Priority,
    ReceiverChange,
    Replacement,
    ResponseFor,
    Signer,
    StaffInfo,
    StatusPackage,
    TraceHeader,
    UpdateInfo,
)

VIETNAMESE = "aăâbcdđeêghiklmnoôơpqrstuưvxyàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ"
ALPHABET = st.one_of(
    st.sampled_from(VIETNAMESE + VIETNAMESE.upper() + " 0123456789/-.,:&<>\"'\n\t"),
    st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co")),
)


def texts(limit: int) -> st.SearchStrategy[str]:
    raw = st.text(ALPHABET, min_size=1, max_size=min(limit, 40))
    clean = raw.map(lambda text: unicodedata.normalize("NFC", text).strip())
    return clean.filter(lambda text: 0 < len(text) <= limit)


def maybe(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


ORGANS = st.one_of(
    st.from_regex(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}", fullmatch=True),
    st.from_regex(r"[A-Z][0-9]{2}(\.[0-9A-Z]{1,4}){0,5}", fullmatch=True),
).map(OrganCode)
# The vendor's checker and ours agree that a token has no blanks.
TOKENS = st.text(st.sampled_from("0123456789ABCĐHVT/-,.&<"), min_size=1, max_size=30)
DOCUMENT_IDS = TOKENS.map(DocumentId)
DAYS = st.dates(date(1945, 9, 2), date(2099, 12, 31))
MOMENTS = st.builds(datetime.combine, DAYS, st.times().map(lambda time: time.replace(microsecond=0)), st.just(VIETNAM))

RECEIVERS = st.builds(
    Organization,
    code=ORGANS,
    name=texts(200),
    in_charge=maybe(texts(200)),
    address=texts(250),
    email=maybe(texts(100)),
    telephone=maybe(texts(20)),
    fax=maybe(texts(20)),
    website=maybe(texts(100)),
)
STAFF = st.builds(
    StaffInfo,
    department=maybe(texts(300)),
    staff=texts(300),
    email=maybe(texts(100)),
    mobile=maybe(texts(30)),
)
RESPONSES = st.builds(ResponseFor, organ=ORGANS, code=texts(100), document_id=DOCUMENT_IDS, promulgation_date=DAYS)
UPDATES = st.builds(
    UpdateInfo,
    document_changed=st.booleans(),
    receivers_changed=st.booleans(),
    receivers=st.lists(st.builds(ReceiverChange, organ=ORGANS, added=st.booleans()), max_size=3).map(tuple),
)
REPLACEMENTS = st.lists(
    st.builds(Replacement, document_id=DOCUMENT_IDS, organs=st.lists(ORGANS, max_size=3).map(tuple)),
    min_size=1,
    max_size=3,
).map(tuple)


@st.composite
def businesses(draw: st.DrawFn) -> Business:
    kind = draw(st.sampled_from(BusinessType))
    return Business(
        type=kind,
        reason=draw(maybe(texts(500))),
        document_id=draw(DOCUMENT_IDS) if kind in {BusinessType.RECALL, BusinessType.UPDATE} else None,
        paper=draw(maybe(st.booleans())),
        update=draw(UPDATES) if kind is BusinessType.UPDATE else None,
        replacements=draw(REPLACEMENTS) if kind is BusinessType.REPLACE else (),
        staff=draw(maybe(STAFF)),
    )


OTHERS = st.builds(
    OtherInfo,
    priority=st.sampled_from(Priority),
    sphere=maybe(texts(100)),
    typist_notation=maybe(texts(10)),
    copies=maybe(st.integers(0, 65535)),
    pages=maybe(st.integers(0, 65535)),
    direction=maybe(st.booleans()),
    appendixes=st.lists(texts(500), max_size=3).map(tuple),
)
KINDS = st.sampled_from(code_lists().kinds).map(
    lambda kind: DocumentType(type=kind.type, detail=kind.number, name=kind.name)
)
FILE_NAMES = st.builds(
    "{}.{}".format,
    texts(50).map(lambda text: "".join("_" if unicodedata.category(c)[0] == "C" else c for c in text)),
    st.sampled_from(["pdf", "doc", "docx", "xlsx", "png", "txt", "jar", "bin"]),
).filter(lambda name: not set(name) & set("/\\\n\t\u2028\u2029"))
BYTES = st.one_of(
    st.binary(min_size=1, max_size=300),
    st.binary(max_size=100).map(lambda tail: b"%PDF-1.7\n" + tail),
    st.binary(max_size=100).map(lambda tail: b"PK\x03\x04" + tail),
)


def attachment(content_id: str, name: str, data: bytes, description: str | None = None) -> Attachment:
    with tempfile.NamedTemporaryFile(prefix="lienthong-test-", delete=False) as file:
        file.write(data)
    return Attachment(
        content_id=content_id,
        name=name,
        content_type=content_type(name, data[:512]),
        path=Path(file.name),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        description=description,
    )


@st.composite
def attachments(draw: st.DrawFn) -> tuple[Attachment, ...]:
    ids = draw(st.lists(st.uuids().map(str), unique=True, max_size=3))
    return tuple(attachment(one, draw(FILE_NAMES), draw(BYTES), draw(maybe(texts(500)))) for one in ids)


DOCUMENTS = st.builds(
    DocumentPackage,
    sender=RECEIVERS,
    receivers=st.lists(RECEIVERS, min_size=1, max_size=3, unique_by=lambda one: one.code.key).map(tuple),
    document_id=DOCUMENT_IDS,
    code_number=texts(11),
    code_notation=texts(30),
    promulgation_date=DAYS,
    document_type=KINDS,
    subject=texts(500),
    business=businesses(),
    signer=st.builds(Signer, competence=maybe(texts(100)), position=maybe(texts(100)), full_name=texts(50)),
    place=maybe(texts(50)),
    content=texts(500),
    due_date=maybe(DAYS),
    other=OTHERS,
    responses=st.lists(RESPONSES, max_size=2).map(tuple),
    steering=st.integers(0, 2),
    to_places=st.lists(texts(150), max_size=3).map(tuple),
    traces=st.lists(st.builds(TraceHeader, organ=ORGANS, timestamp=MOMENTS), min_size=1, max_size=3).map(tuple),
    attachments=attachments(),
)
STATUSES = st.builds(
    StatusPackage,
    sender=RECEIVERS,
    response_for=RESPONSES,
    status_code=st.sampled_from(sorted(code_lists().statuses)),
    timestamp=MOMENTS,
    description=texts(500),
    staff=STAFF,
)
PACKAGES = DOCUMENTS | STATUSES
