"""The rows of a new case: the case with its first event, its files, and the revisions they have so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from ...queue.port import Connection
from ..files.layout import StoredFile
from ..node import Node
from ..submissions import SubmittedFile
from . import states
from .profiles import Profile
from .values import CaseRequest


async def insert_case(
    node: Node,
    conn: Connection,
    agency_id: UUID,
    case_id: UUID,
    request: CaseRequest,
    raw: dict[str, Any],
    profile: Profile,
    number: dict[str, Any],
    key: str,
    meaning: str,
    actor: str,
) -> bool:
    made = await node.db.queries.insert_signing_case(
        conn,
        id=case_id,
        agency_id=agency_id,
        request_key=key,
        request_hash=meaning,
        flow=profile.flow,
        state=states.first(profile.flow, initials=request.initials),
        book=request.book,
        notation=request.notation,
        type_name=request.type_name,
        doc_subject=request.subject,
        request=raw,
        profile=profile.as_json(),
        initials=request.initials,
        actor=actor,
        **number,
    )
    return made is not None


async def insert_files(
    node: Node,
    conn: Connection,
    agency_id: UUID,
    case_id: UUID,
    kinds: Sequence[str],
    files: Sequence[SubmittedFile],
    prepared: StoredFile | None,
    actor: str,
) -> None:
    current: list[SubmittedFile | StoredFile] = [*files]
    if prepared is not None:
        current[0] = prepared
    await node.db.queries.insert_signing_files(
        conn,
        case_id=case_id,
        agency_id=agency_id,
        kinds=list(kinds),
        names=[file.name for file in files],
        descriptions=[file.description for file in files],
        content_types=[file.content_type for file in files],
        revisions=[1 if one is prepared else 0 for one in current],
        digests=[one.sha256 for one in current],
        sizes=[one.size for one in current],
    )
    written: list[tuple[int, int, str, SubmittedFile | StoredFile]] = [
        (position, 0, "received", file) for position, file in enumerate(files)
    ]
    if prepared is not None:
        written.append((0, 1, "prepared", prepared))
    for position, revision, step, file in written:
        await node.db.queries.insert_signing_revision(
            conn,
            case_id=case_id,
            position=position,
            revision=revision,
            agency_id=agency_id,
            step=step,
            sha256=file.sha256,
            size=file.size,
            actor=actor,
        )
