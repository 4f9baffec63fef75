"""One file, one report: every signature asked seven questions, then the file as a whole.

Runs inside a worker process (``workers.py``) and never touches the network. Whatever a third-party parser
throws becomes CHƯA XÁC ĐỊNH with a code (signatures.md 4.1).
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import BinaryIO, Final

from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from .answers import FILE_REASONS, warning
from .checked import Checked, Surroundings, broken, unreadable
from .difference import difference_policy
from .document import Document, active_content, open_document, page_count, trailing_bytes
from .errors import SigningError
from .evidence import file_evidence
from .gathering import gather
from .listing import BrokenSignature, Listed, list_signatures
from .policies import NOT_APPLICABLE, REQUIRED_SETS
from .refusals import FileFacts, file_refused, not_applicable
from .refused import DocumentRefused
from .report import FileReport, Warning  # noqa: A004 - the report's own word
from .request import VerificationRequest
from .signature_check import check_signature
from .summary import summarise
from .trust import TrustStore, load_store

CHUNK: Final = 1 << 20


def verify_file(request: VerificationRequest, *, store: TrustStore | None = None) -> FileReport:
    """The report on one file. Never raises for what is in the file; SigningError only for a broken request.

    ``store``: judged by this one instead of the folder's (a verdict reproduced from its evidence).

    Blocking: SIG_BLOCKING_CALL inside a running event loop, whose workers are in ``verifying.py``.
    """
    _refuse_inside_a_loop()
    if request.policy != NOT_APPLICABLE and request.policy not in REQUIRED_SETS:
        raise SigningError("SIG_POLICY_UNKNOWN", FILE_REASONS["SIG_POLICY_UNKNOWN"].format(detail=request.policy))
    try:
        with open(request.path, "rb") as stream:  # noqa: PTH123 - one handle for digest and reader
            return _verify_stream(stream, request, store)
    except OSError as cause:
        return file_refused(request, FileFacts(), "SIG_FILE_MISSING", type(cause).__name__)


def _refuse_inside_a_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise SigningError("SIG_BLOCKING_CALL", "Kiểm tra chữ ký phải chạy trong tiến trình con, không trên vòng sự kiện")


def _verify_stream(stream: BinaryIO, request: VerificationRequest, given: TrustStore | None) -> FileReport:
    digest, size = file_digest(stream)
    facts = FileFacts(sha256=digest, size=size)
    if request.policy == NOT_APPLICABLE:
        return not_applicable(facts)
    store = given or load_store(request.trust_folder, request.trust_store)
    failure = ""
    for strict in (True, False):
        try:
            return _examine(stream, request, store, facts, strict=strict)
        except DocumentRefused as refused:
            return file_refused(request, facts, refused.code, refused.detail)
        except MemoryError:
            return file_refused(request, facts, "SIG_MEMORY")
        except Exception as cause:  # noqa: BLE001 - sandbox around the PDF parser: next, the tolerant reading
            failure = type(cause).__name__
    return file_refused(request, facts, "SIG_UNREADABLE", failure)


def file_digest(stream: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    stream.seek(0)
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def _examine(
    stream: BinaryIO, request: VerificationRequest, store: TrustStore, facts: FileFacts, *, strict: bool
) -> FileReport:
    # 1. open and bound
    document = open_document(stream, request.limits, strict=strict)
    if strict and document.hybrid:
        # Common office suites write hybrid cross-references; strictness would refuse all of them.
        document = open_document(stream, request.limits, strict=False)
    # 2. list the signatures
    listed = list_signatures(document)
    # 3. ask each of them
    around = _surroundings(document, request, store, listed, stream)
    checked = asyncio.run(_check_all(listed, around)) if listed.signatures else []
    # 4. the file as a whole
    facts = FileFacts(
        sha256=facts.sha256,
        size=facts.size,
        pages=page_count(document),
        pdf_version="{}.{}".format(*document.reader.input_version),
        unsupported=listed.unsupported,
        warnings=_file_warnings(document),
    )
    return replace(summarise(request, facts, checked), materials=gather(checked, store))


def _surroundings(
    document: Document, request: VerificationRequest, store: TrustStore, listed: Listed, stream: BinaryIO
) -> Surroundings:
    return Surroundings(
        document=document,
        request=request,
        evidence=file_evidence(document.reader, store, request),
        policy=difference_policy(),
        trailing=trailing_bytes(document, stream),
        last_revision=listed.last_revision,
        shared_values=listed.shared_values,
    )


async def _check_all(listed: Listed, around: Surroundings) -> list[Checked]:
    return [await _guarded(signature, around) for signature in listed.signatures]


async def _guarded(signature: EmbeddedPdfSignature | BrokenSignature, around: Surroundings) -> Checked:
    if isinstance(signature, BrokenSignature):
        return broken(signature)
    if around.document.strict:
        return await check_signature(signature, around)
    try:
        return await check_signature(signature, around)
    except (MemoryError, DocumentRefused):
        raise
    except Exception as cause:  # noqa: BLE001 - sandbox around the PDF parser: one signature of several
        return unreadable(signature, cause)


def _file_warnings(document: Document) -> tuple[Warning, ...]:
    warnings = []
    active = active_content(document)
    if active:
        warnings.append(warning("SIG_WARN_ACTIVE_CONTENT", ", ".join(active)))
    if document.hybrid:
        warnings.append(warning("SIG_WARN_HYBRID"))
    elif not document.strict:
        warnings.append(warning("SIG_WARN_LAX"))
    return tuple(warnings)
