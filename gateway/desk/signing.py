"""Signing a case inside a session: what is signed, by which rules, and the one transaction that keeps it.

The signature is made before the transaction and counts only with it: a crash in between leaves the case where it was.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ...signing.copies import CopyForm
from ...signing.errors import SigningError
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
from .opening import adopt
from .records import CaseView, Revision, Signature, commit_signatures, read_case
from .sessions import end_session
from .states import Role, require_turn
from .tools import Desk, OpenSession, desk_of
from .values import Appearance

PICTURED: Final = (SignStep.INITIALS, SignStep.LEADER, SignStep.AGENCY)
# The token forgot its holder: only the PIN opens it again.
LOST: Final = frozenset(
    {
        "SIG_TOKEN_ABSENT",
        "SIG_TOKEN_SESSION_LOST",
        "SIG_TOKEN_HUNG",
        "SIG_TOKEN_PROCESS_DIED",
        "SIG_TOKEN_HANDLE_UNKNOWN",
    }
)
CLOSING: Final = (SignStep.AGENCY, SignStep.ANNEX, SignStep.DIGITISED)
AT_ONCE: Final = 3  # cases of a batch in work: one signs, the others are read and written


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one case of a batch; ``code`` and ``message`` when it was not signed."""

    case_id: UUID
    state: str | None = None
    code: str | None = None
    message: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A case whose turn it is, with the rules its finished document will be judged by."""

    case: CaseView
    role: Role
    agency_name: str
    rules: Rules
    picture: Path | None


# A batch --------------------------------------------------------------------------------------------------------------


async def sign_batch(node: Node, session: OpenSession, cases: Sequence[UUID]) -> list[Outcome]:
    """Each case by itself: one that cannot be signed does not hold up the others. In the order that was asked."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(case_id: UUID) -> Outcome:
        async with turns:
            return await _sign_or_say(node, session, case_id)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(case_id)) for case_id in cases]
    return [task.result() for task in tasks]


async def _sign_or_say(node: Node, session: OpenSession, case_id: UUID) -> Outcome:
    try:
        return await sign_case(node, session, case_id)
    except (GatewayError, SigningError) as error:
        if error.code in LOST:
            await end_session(node, desk_of(node.desk), session, "token")
        return Outcome(case_id=case_id, code=error.code, message=error.message)


async def sign_case(node: Node, session: OpenSession, case_id: UUID) -> Outcome:
    """Every file of the step. Raise SIGNING_NOT_LISTED, SIGNING_SESSION_EXPIRED, the table's or the token's refusal."""
    desk = desk_of(node.desk)
    if case_id not in session.cases:
        raise GatewayError("SIGNING_NOT_LISTED", "Hồ sơ này không nằm trong danh sách khi mở phiên ký.")
    if session.id not in desk.sessions or session.expires_at <= node.clock():
        raise GatewayError("SIGNING_SESSION_EXPIRED", "Phiên ký đã hết hạn; người giữ khóa phải mở phiên mới.")
    ready = await get_ready(node, session.agency_id, case_id, session.role, session.holder, session.certificate_sha256)
    made = []
    warnings: list[str] = []
    for file in files_of_step(ready):
        result, revision = await _sign_file(node, desk, session, ready, file)
        warnings.extend(warning.message for warning in result.warnings)
        made.append((revision, _signature(session, ready, result)))
    after = await commit_signatures(
        node, session.agency_id, case_id, made, before=ready.case.state, actor=f"session:{session.id.hex}"
    )
    return Outcome(case_id=case_id, state=after.state, warnings=tuple(dict.fromkeys(warnings)))


async def _sign_file(
    node: Node, desk: Desk, session: OpenSession, ready: Ready, file: Any
) -> tuple[SignResult, Revision]:
    target = await node.files.new_temporary()
    job = make_job(node, ready, file, target)
    try:
        result = await desk.tokens.sign(session.handle, job)
        stored = await adopt(node, session.agency_id, target, result.sha256)
    finally:
        await asyncio.to_thread(target.unlink, missing_ok=True)
    if result.certificate_sha256 != session.certificate_sha256:
        raise GatewayError("SIGNING_CERTIFICATE", "Thiết bị đã ký bằng chứng thư khác với chứng thư của phiên.")
    refuse_bad(job.step, result)
    return result, made_revision(file, job.step, result, stored.size)


# What both ways of signing share --------------------------------------------------------------------------------------


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
    picture = None if drawn is None else node.files.path(agency_id, drawn["sha256"])
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


def make_job(node: Node, ready: Ready, file: Any, target: Path) -> SignJob:
    """Everything about one signature in one file; where its key is, is not said here."""
    row, settings = ready.case.row, node.settings.signing
    profile, now, step = row["profile"], node.clock(), step_of(ready, file)
    text, pictured = _text(ready, step, now), step in PICTURED or _older_seal(row, step)
    policy = ready.rules.annex if step in (SignStep.ANNEX, SignStep.DIGITISED) else ready.rules.main
    return SignJob(
        step=step,
        source=str(node.files.path(row["agency_id"], file["sha256"])),
        target=str(target),
        now=now,
        trust_folder=str(node.trust_folder),
        trust_store=settings.trust_store,
        picture=str(ready.picture) if ready.picture is not None and pictured else None,
        text=text,
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
        return (copy_text(CopyForm.TRUE_COPY, ready.agency_name, now),)
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


def _signature(session: OpenSession, ready: Ready, result: SignResult) -> Signature:
    return Signature(
        holder=session.holder,
        certificate_sha256=session.certificate_sha256,
        field=result.field,
        level=result.level,
        signing_time=result.signing_time,
        delegation=ready.case.request.signer.delegation if ready.role is Role.LEADER else None,
        session_id=session.id,
    )
