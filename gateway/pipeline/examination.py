"""Examination of a document's files: are they what their names say, and what do their signatures say.

One road for both directions. The first file is the main document: the required set of signatures judges it. A separate
PDF annex needs the agency's own signature (NĐ 30/2020 Phụ lục I Phần I.II.8.b); other files need none. The heavy work
runs in worker processes (DESIGN.md, decision 9); here the requests are made and the answers weighed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ...edxml.identifiers import OrganCode
from ...queue.port import Connection
from ...signing.evidence_bundle import Bundle
from ...signing.policies import NOT_APPLICABLE
from ...signing.report import FileReport, LegalValue, Overall
from ...signing.report_json import report_to_json
from ...signing.request import RegisteredCertificate, VerificationRequest
from ..errors import InputFault
from ..node import Node
from ..policies.resolver import Resolved, resolve
from .judging import Judged, judge, registered

MAIN_POLICY: Final = "required_signatures"
ANNEX_POLICY: Final = "required_signatures.annex"
STRICT_POLICY: Final = "strict"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileToExamine:
    path: Path
    name: str
    content_type: str
    sha256: str

    @property
    def is_pdf(self) -> bool:
        return self.name.lower().endswith(".pdf") or self.content_type == "application/pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is asked of the sender's documents of that date, resolved once."""

    sender_code: str
    sender_name: str | None
    document_date: date
    received_at: datetime
    main: Resolved
    annex: Resolved
    strict: bool
    registry: tuple[RegisteredCertificate, ...]
    appearance: bool = False  # of what comes in, the rendered signatures are looked at too (registers.md C7)

    def for_digitised(self) -> Rules:
        """Of a paper that was signed by hand and scanned, the agency's signature is asked (NĐ 30/2020 Điều 25.1.c)."""
        return replace(self, main=self.annex)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    faults: tuple[InputFault, ...]  # files that are not what they should be
    reports: tuple[FileReport | None, ...]  # one for each file; None: no signature is asked of it
    evidence: tuple[Bundle | None, ...] = ()  # one for each file with a final verdict
    checked: bool = True  # False only with signing.mode = "unsafe_off"

    @property
    def main(self) -> FileReport | None:
        return self.reports[0] if self.reports else None

    @property
    def overall(self) -> Overall:
        """The worst of the files: a document is as good as its worst file."""
        if not self.checked:
            return Overall.UNDETERMINED
        marks = [report.overall for report in self.reports if report is not None]
        for worst in (Overall.INVALID, Overall.UNDETERMINED, Overall.VALID):
            if worst in marks:
                return worst
        return Overall.NOT_APPLICABLE

    @property
    def legal_value(self) -> LegalValue | None:
        """That of the weakest file; absent as soon as one file that is asked for signatures has none."""
        values = {r.legal_value for r in self.reports if r is not None and r.overall is not Overall.NOT_APPLICABLE}
        if LegalValue.REFERENCE in values:
            return LegalValue.REFERENCE
        if None in values:
            return None
        return next(
            (weakest for weakest in (LegalValue.BY_SENDER_RULES, LegalValue.ORIGINAL) if weakest in values), None
        )

    @property
    def worst(self) -> FileReport | None:
        """The first file that made the overall result what it is."""
        return next((r for r in self.reports if r is not None and r.overall is self.overall), None)

    @property
    def only_signatures_missing(self) -> bool:
        """Every file that is not VALID merely lacks signatures (registers.md C1)."""
        bad = [r for r in self.reports if r is not None and r.overall is not Overall.VALID]
        return all(r.missing_signatures_only or r.reason_code == "SIG_NOT_SIGNED" for r in bad)

    def as_json(self) -> list[dict[str, Any] | None]:
        return [None if report is None else report_to_json(report) for report in self.reports]


async def rules_for(
    node: Node, conn: Connection, *, sender: OrganCode, sender_name: str | None, on: date | None, received_at: datetime
) -> Rules:
    """Resolve the policies of the sending agency and the document's date (C1)."""
    day = on or received_at.date()
    keys = (MAIN_POLICY, ANNEX_POLICY, STRICT_POLICY)
    policies = await resolve(node, conn, *keys, agency_code=sender.value, on=day)
    return Rules(
        sender_code=sender.value,
        sender_name=sender_name,
        document_date=day,
        received_at=received_at,
        main=policies[MAIN_POLICY],
        annex=policies[ANNEX_POLICY],
        strict=bool(policies[STRICT_POLICY].value),
        registry=await _registry(node, conn, sender, day) if node.settings.signing.mode == "verify" else (),
    )


async def _registry(node: Node, conn: Connection, sender: OrganCode, on: date) -> tuple[RegisteredCertificate, ...]:
    """The sender's entries in the register of certificates, under whichever of its codes they were made."""
    own = {sender.key}
    async for row in node.db.queries.find_agencies(conn, keys=[sender.key], on_date=on):
        own |= {code.upper() for code in (row["code"], row["code102"], row["old_code"]) if code}
    rows = node.db.queries.certificates_of_agencies(conn, keys=sorted(own))
    return tuple([registered(row, sender.value) async for row in rows])


@asynccontextmanager
async def files_at_hand(node: Node, agency_id: UUID, files: Sequence[Any]) -> AsyncIterator[list[FileToExamine]]:
    """Stored files by their rows (sha256, name, content_type), at hand for as long as the block lasts."""
    async with AsyncExitStack() as stack:
        yield [
            FileToExamine(
                path=await stack.enter_async_context(node.files.at_hand(agency_id, row["sha256"])),
                name=row["name"],
                content_type=row["content_type"],
                sha256=row["sha256"],
            )
            for row in files
        ]


async def examine_files(node: Node, files: Sequence[FileToExamine], rules: Rules, *, keep: bool = True) -> Examination:
    """Inspect and verify every file, one after the other; the answer of a file never depends on another's.

    ``keep``: with the evidence of the verdicts; a rehearsal keeps nothing.
    """
    faults: list[InputFault] = []
    judged: list[Judged | None] = []
    for position, file in enumerate(files):
        faults.extend(await _inspect(node, file, position))
        judged.append(await _verify(node, file, position, rules, keep=keep))
    return Examination(
        faults=tuple(faults),
        reports=tuple(one.report if one else None for one in judged),
        evidence=tuple(one.evidence if one else None for one in judged),
        checked=node.settings.signing.mode == "verify",
    )


async def _inspect(node: Node, file: FileToExamine, position: int) -> list[InputFault]:
    answer = await node.verifier.inspect(str(file.path), name=file.name, main=position == 0)
    return [
        InputFault(code=finding["code"], place=f"files[{position}] {file.name}", message=finding["message"])
        for finding in answer["findings"]
        if finding["severity"] == "error"
    ]


async def _verify(node: Node, file: FileToExamine, position: int, rules: Rules, *, keep: bool) -> Judged | None:
    policy = rules.main.value if position == 0 else rules.annex.value
    if not file.is_pdf or policy == NOT_APPLICABLE or node.settings.signing.mode != "verify":
        return None
    return await judge(
        node,
        VerificationRequest(
            path=str(file.path),
            policy=policy,
            now=node.clock(),
            trust_folder=str(node.trust_folder),
            trust_store=node.settings.signing.trust_store,
            received_at=rules.received_at,
            document_date=rules.document_date,
            sender_code=rules.sender_code,
            sender_name=rules.sender_name,
            registry=rules.registry,
            appearance=rules.appearance,
            sha1_documents_until=node.settings.signing.sha1_documents_until,
        ),
        sha256=file.sha256,
        keep=keep,
    )
