"""What is to be signed in one step, by whom, and under which rules: the same for a session and for a ticket."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ...signing.json_values import to_json
from ...signing.report import Overall
from ...signing.sign_job import Flow, Level, SignJob, SignResult, SignStep, Subfilter
from ...signing.stamp_texts import annex_text, copy_text, sealed_lines
from ..directory import own_agency
from ..errors import GatewayError
from ..node import Node
from ..pipeline.examination import Rules, rules_for
from ..pipeline.intake import VIETNAM
from .numbering import number_text
from .records import CaseView, Revision, read_case
from .states import Role, require_turn
from .values import Appearance

PICTURED: Final = (SignStep.INITIALS, SignStep.LEADER, SignStep.AGENCY)
CLOSING: Final = (SignStep.AGENCY, SignStep.ANNEX, SignStep.DIGITISED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A case whose turn it is, with the rules its finished document will be judged by."""

    case: CaseView
    role: Role
    agency_name: str
    rules: Rules
    picture: str | None  # SHA-256 in the file store


async def get_ready(
    node: Node, agency_id: UUID, case_id: UUID, role: Role, holder: str, certificate_sha256: str
) -> Ready:
    """Read the case and check that this holder may sign it now."""
    async with node.db.unit(agency_id) as conn:
        case = await read_case(node, conn, agency_id, case_id)
        require_turn(case.state, role)
        agency = await own_agency(node, conn, agency_id)
        today = node.clock().astimezone(VIETNAM).date()
        _require_signer(case, role, holder, today)
        rules = await rules_for(
            node,
            conn,
            sender=agency.code,
            sender_name=agency.name,
            on=case.row["document_date"] or today,
            received_at=node.clock(),
        )
        drawn = await node.db.queries.signing_picture(conn, agency_id=agency_id, certificate_sha256=certificate_sha256)
    picture = None if drawn is None else drawn["sha256"]
    return Ready(case=case, role=role, agency_name=agency.name, rules=rules, picture=picture)


def _require_signer(case: CaseView, role: Role, holder: str, today: Any) -> None:
    """registers.md C22: the person of the signer block signs, with the own certificate, while the authority lasts."""
    signer = case.request.signer
    if role is not Role.LEADER:
        return
    if signer.full_name is not None and not _same_name(signer.full_name, holder):
        raise GatewayError(
            "SIGNING_NOT_THE_SIGNER",
            f"Văn bản do {signer.full_name} ký nhưng chứng thư là của {holder}; không ký bằng khóa của người khác.",
        )
    if signer.delegation is not None and not signer.delegation.covers(today):
        raise GatewayError("SIGNING_DELEGATION_OVER", "Thời hạn được giao ký đã qua hoặc chưa đến.")


def _same_name(one: str, other: str) -> bool:
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def files_of_step(ready: Ready) -> tuple[Any, ...]:
    """The agency signs everything that leaves (L-14); the leader and those before him sign the main document."""
    return ready.case.unsigned if ready.role is Role.CLERK else (ready.case.main,)


def step_of(ready: Ready, file: Any) -> SignStep:
    if ready.role is Role.INITIALS:
        return SignStep.INITIALS
    if ready.role is Role.LEADER:
        return SignStep.LEADER
    if file["kind"] == "separate":
        return SignStep.ANNEX
    return SignStep.DIGITISED if ready.case.row["flow"] == Flow.PAPER_SCAN else SignStep.AGENCY


@asynccontextmanager
async def job_at_hand(node: Node, ready: Ready, file: Any, target: Path) -> AsyncIterator[SignJob]:
    """The job, and what it reads at hand for as long as the block lasts."""
    agency_id = ready.case.row["agency_id"]
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(node.files.at_hand(agency_id, file["sha256"]))
        picture = None
        if ready.picture is not None and _pictured(ready, file):
            picture = await stack.enter_async_context(node.files.at_hand(agency_id, ready.picture))
        yield _make_job(node, ready, file, _Paths(source=source, target=target, picture=picture))


def _pictured(ready: Ready, file: Any) -> bool:
    step = step_of(ready, file)
    return step in PICTURED or _older_seal(ready.case.row, step)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paths:
    source: Path
    target: Path
    picture: Path | None


def _make_job(node: Node, ready: Ready, file: Any, paths: _Paths) -> SignJob:
    """Everything about one signature in one file; where its key is, is not said here."""
    row, settings = ready.case.row, node.settings.signing
    profile, now, step = row["profile"], node.clock(), step_of(ready, file)
    policy = ready.rules.annex if step in (SignStep.ANNEX, SignStep.DIGITISED) else ready.rules.main
    return SignJob(
        step=step,
        source=str(paths.source),
        target=str(paths.target),
        now=now,
        trust_folder=str(node.trust_folder),
        trust_store=settings.trust_store,
        picture=str(paths.picture) if paths.picture is not None else None,
        text=_text(ready, step, now),
        seal_diameter_mm=profile["seal_diameter_mm"],
        flow=Flow(row["flow"]),
        subfilter=Subfilter(profile["subfilter"]),
        level=Level(profile["level"]),
        tsa_url=settings.tsa_url,
        signer_block=ready.case.request.signer.block if step is SignStep.LEADER else None,
        policy=policy.value,
        document_date=row["document_date"],
        sender_code=ready.rules.sender_code,
        sender_name=ready.rules.sender_name,
        registry=ready.rules.registry,
    )


def _text(ready: Ready, step: SignStep, now: datetime) -> tuple[str, ...]:
    """Cases D and E are text without a picture; the 2019 profile adds words to the seal (signatures.md 8)."""
    row = ready.case.row
    if step is SignStep.ANNEX:
        return (annex_text(f"{number_text(row['number'])}/{row['notation']}", now),)
    if _older_seal(row, step):
        return sealed_lines(ready.agency_name, now)
    if step is SignStep.DIGITISED:
        return (copy_text(ready.case.request.copy_form, ready.agency_name, now),)
    return ()


def _older_seal(row: Any, step: SignStep) -> bool:
    """The seal's picture with words beside it, on issued documents and on digitised paper (ST-4.2.đ, ST-8.2.b)."""
    older = row["profile"]["appearance"] == Appearance.TT01_2019
    return older and step in (SignStep.AGENCY, SignStep.DIGITISED)


def refuse_bad(step: SignStep, result: SignResult) -> None:
    """What the agency closes is whole: our own verifier finds nothing against it (signatures.md 2, step 9)."""
    if step in CLOSING and result.overall == Overall.INVALID:
        raise GatewayError("SIGNING_RESULT_INVALID", "Bản vừa ký không qua được chính bộ kiểm tra của nút nên bị bỏ.")


def made_revision(file: Any, step: SignStep, result: SignResult, size: int) -> Revision:
    return Revision(
        position=file["position"],
        step=step,
        before=file["sha256"],
        after=result.sha256,
        size=size,
        by_agency=step in CLOSING,
        report={"overall": result.overall, "warnings": to_json(result.warnings)},
    )
