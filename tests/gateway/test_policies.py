"""Policies: law > nation > province > agency, per date, and what an incoming document's verdict leads to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from lienthong.edxml.findings import Finding, Severity
from lienthong.gateway.errors import InputFault
from lienthong.gateway.pipeline.arrivals import decide
from lienthong.gateway.pipeline.examination import Examination
from lienthong.gateway.policies.resolver import choose, resolve
from lienthong.gateway.postgres.database import Database
from lienthong.signing.report import (
    Answer,
    FileReport,
    LegalValue,
    Overall,
    Question,
    SignatureReport,
    SignerRole,
    Verdict,
)


def row(scope: str, *, binding: bool = False, value: object = None) -> dict[str, Any]:
    return {"scope": scope, "binding": binding, "valid_from": date(2020, 1, 1), "value": value or scope}


@pytest.mark.parametrize(
    ("rows", "speaks"),
    [
        ([], None),
        ([row("nation"), row("agency")], "agency"),
        ([row("agency"), row("nation", binding=True)], "nation"),
        ([row("province", binding=True), row("law", binding=True)], "law"),
        ([row("nation"), row("province")], "province"),
    ],
)
def test_the_nearest_scope_speaks_unless_a_higher_one_binds(rows: list[dict[str, Any]], speaks: str | None) -> None:
    chosen = choose(rows)
    assert (chosen["scope"] if chosen else None) == speaks


@pytest.mark.parametrize(
    ("day", "policy"), [(date(2020, 3, 4), "NA_ANY_ONE"), (date(2020, 3, 5), "ND30"), (date(2026, 1, 1), "ND30")]
)
async def test_the_required_signatures_follow_the_documents_date(
    database: Database, ids: Callable[[], UUID], day: date, policy: str
) -> None:
    node: Any = SimpleNamespace(db=database, new_id=ids)
    async with database.unit(None) as conn:
        found = await resolve(node, conn, "required_signatures", agency_code="000.00.01.H99", on=day)
    assert found["required_signatures"].value == policy
    assert found["required_signatures"].legal_basis


def report(
    overall: Overall, *, bad: Question | None = None, code: str | None = None, signed: bool = True
) -> FileReport:
    answers = tuple(
        Answer(
            question=question,
            verdict=Verdict.INVALID if question is bad else Verdict.VALID,
            code=code if question is bad and code else "TEST",
            message="thử",
        )
        for question in Question
    )
    signature = SignatureReport(
        field_name="Sig",
        signed_revision=1,
        role=SignerRole.LEADER,
        signer_name="TEST",
        signer_organ=None,
        certificate_sha256="0" * 64,
        certificate_serial="1",
        issuer="TEST",
        signing_time=None,
        time_source="none",
        subfilter="ETSI.CAdES.detached",
        certifies=False,
        answers=answers,
    )
    return FileReport(
        sha256="0" * 64,
        size=1,
        pages=1,
        pdf_version="1.7",
        encrypted=False,
        overall=overall,
        legal_value=LegalValue.ORIGINAL if overall is Overall.VALID else LegalValue.REFERENCE,
        policy="ND30",
        answers=answers,
        signatures=(signature,) if signed else (),
        reason_code=code,
        reason="lý do" if code else None,
    )


VALID = report(Overall.VALID)
ALTERED = report(Overall.INVALID, bad=Question.INTEGRITY, code="SIG_ALTERED")
INCOMPLETE = report(Overall.INVALID, bad=Question.ORDER, code="SIG_REQUIRED_SET_MISSING")
UNSIGNED = report(Overall.INVALID, bad=Question.ORDER, code="SIG_NOT_SIGNED", signed=False)
UNDETERMINED = report(Overall.UNDETERMINED, code="SIG_REVOCATION_UNKNOWN")
FAULT = InputFault(code="FILE_MACRO", place="files[1]", message="Tệp có macro.")
ERROR = Finding(code="EDXML_ATTACHMENT_BROKEN", severity=Severity.ERROR, message="Tệp hỏng.")


@pytest.mark.parametrize(
    ("reports", "faults", "findings", "strict", "label", "code", "proposal"),
    [
        ((VALID,), (), (), False, "Hợp lệ", None, None),
        ((VALID, None), (), (), False, "Hợp lệ", None, None),
        ((INCOMPLETE,), (), (), False, "Chỉ tham khảo", None, None),
        ((UNSIGNED,), (), (), False, "Chỉ tham khảo", None, None),
        ((VALID, UNSIGNED), (), (), False, "Chỉ tham khảo", None, None),
        ((INCOMPLETE,), (), (), True, "Giữ lại", "SIG_REQUIRED_SET_MISSING", "02"),
        ((ALTERED,), (), (), False, "Giữ lại", "SIG_ALTERED", "02"),
        ((VALID, ALTERED), (), (), False, "Giữ lại", "SIG_ALTERED", "02"),
        ((INCOMPLETE, ALTERED), (), (), False, "Giữ lại", "SIG_REQUIRED_SET_MISSING", "02"),
        ((UNDETERMINED,), (), (), False, "Giữ lại", "SIG_REVOCATION_UNKNOWN", None),
        ((VALID, None), (FAULT,), (), False, "Giữ lại", "FILE_MACRO", "02"),
        ((VALID,), (), (ERROR,), False, "Giữ lại", "EDXML_ATTACHMENT_BROKEN", "02"),
        ((None,), (), (), False, "Chỉ tham khảo", None, None),
    ],
)
def test_what_becomes_of_an_incoming_document(
    reports: Any, faults: Any, findings: Any, strict: bool, label: str, code: str | None, proposal: str | None
) -> None:
    reading: Any = SimpleNamespace(findings=findings)
    decision = decide(reading, Examination(faults=faults, reports=reports), strict=strict)
    assert (decision.label, decision.code, decision.proposal) == (label, code, proposal)
