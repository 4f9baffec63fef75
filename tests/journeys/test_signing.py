"""Journeys of a document that is signed on the node: holders with their tokens, the number, the release."""

from __future__ import annotations

import io
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import pytest_asyncio

from lienthong.tests.journeys.province import LONG
from lienthong.tests.journeys.signing_stage import Office, SigningAgency, open_office, open_signing
from lienthong.tests.signing.softhsm import MODULE
from lienthong.tests.waiting import until

SILENT = "000.00.00.G99"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    if not (Path(MODULE).exists() and shutil.which("pkcs11-tool")):
        pytest.skip("softhsm2, opensc")
    with open_office(tmp_path_factory.mktemp("office")) as opened:
        yield opened


@pytest_asyncio.fixture
async def agency(addresses: tuple[str, str], tmp_path: Path, office: Office) -> AsyncIterator[SigningAgency]:
    async with open_signing(tmp_path, addresses[1], office) as opened:
        yield opened


def fields(content: bytes) -> dict[str, str]:
    """The text fields of a PDF."""
    with pikepdf.open(io.BytesIO(content)) as document:
        return {str(f["/T"]): str(f.get("/V", "")) for f in document.Root.AcroForm.Fields if f.get("/FT") == "/Tx"}


async def test_a_batch_is_signed_numbered_sealed_and_sent(agency: SigningAgency) -> None:
    cases = [await agency.case(f"batch-{number}") for number in range(3)]
    signed = await agency.sign("leader", *cases)
    assert [one["state"] for one in signed] == ["number"] * 3, str(signed)
    for case in cases:
        status, answer = await agency.number(case)
        assert (status, answer["state"]) == (200, "agency"), answer
    assert [one["state"] for one in await agency.sign("clerk", *cases)] == ["signed"] * 3
    for case in cases:
        status, answer = await agency.release(case, SILENT)
        assert (status, answer["state"]) == (200, "released"), answer

    async def registered() -> list[dict[str, Any]]:
        rows = await agency.province.rows("SELECT document_number, allotted FROM register_entry ORDER BY number")
        return rows if len(rows) == 3 else []

    rows = await until(registered, LONG)
    assert [row["document_number"] for row in rows] == [f"{number:02d}/SKHCN-CĐS" for number in (1, 2, 3)]
    for number, case in enumerate(cases, start=1):
        shown = await agency.show(case)
        assert fields(await agency.file(case))["so_van_ban"] == shown["number"] == f"{number:02d}"
        _, document = await agency.call("GET", f"/v1/documents/{shown['document']}")
        assert document["files"][0]["overall"] == "VALID", document["files"]
        assert document["document_id"].endswith(f",{number:02d}/SKHCN-CĐS")
