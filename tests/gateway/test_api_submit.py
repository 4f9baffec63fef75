"""Submitting over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Room


async def test_a_good_document_is_accepted(room: Room) -> None:
    answer = await room.submit()
    body = await answer.json()
    assert (answer.status, body["state"]) == (202, "accepted"), body
    assert answer.headers["Location"] == f"/v1/documents/{body['id']}"
