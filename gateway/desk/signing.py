"""Signing a case inside a session: what is signed, by which rules, and the one transaction that keeps it.

The signature is made before the transaction and counts only with it: a crash in between leaves the case where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from ...signing.errors import SigningError
from ...signing.sign_job import SignResult
from ..errors import GatewayError
from ..node import Node
from .orders import Ready, files_of_step, get_ready, job_at_hand, made_revision, refuse_bad
from .pressing import adopt
from .records import Revision, Signature, commit_signatures
from .sessions import end_session
from .states import Role
from .tools import Desk, OpenSession, desk_of

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
AT_ONCE: Final = 3  # cases of a batch in work: one signs, the others are read and written


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one case of a batch; ``code`` and ``message`` when it was not signed."""

    case_id: UUID
    state: str | None = None
    code: str | None = None
    message: str | None = None
    warnings: tuple[str, ...] = ()


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
    try:
        async with job_at_hand(node, ready, file, target) as job:
            result = await desk.tokens.sign(session.handle, job)
        stored = await adopt(node, session.agency_id, target, result.sha256)
    finally:
        await asyncio.to_thread(target.unlink, missing_ok=True)
    if result.certificate_sha256 != session.certificate_sha256:
        raise GatewayError("SIGNING_CERTIFICATE", "Thiết bị đã ký bằng chứng thư khác với chứng thư của phiên.")
    refuse_bad(job.step, result)
    return result, made_revision(file, job.step, result, stored.size)


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
