"""What the files of one document say together: a document is as good as its worst file."""

from __future__ import annotations

import pytest

from lienthong.gateway.pipeline.examination import Examination
from lienthong.signing.report import FileReport, LegalValue, Overall


def report(overall: Overall, legal: LegalValue | None) -> FileReport:
    return FileReport(
        sha256="0" * 64,
        size=1,
        pages=1,
        pdf_version="1.7",
        encrypted=False,
        overall=overall,
        legal_value=legal,
        policy="ND30",
        answers=(),
    )


GOOD = report(Overall.VALID, LegalValue.ORIGINAL)
BY_RULES = report(Overall.VALID, LegalValue.BY_SENDER_RULES)
UNKNOWN = report(Overall.UNDETERMINED, None)
ALTERED = report(Overall.INVALID, None)
UNSIGNED = report(Overall.INVALID, LegalValue.REFERENCE)
NOT_ASKED = report(Overall.NOT_APPLICABLE, None)


@pytest.mark.parametrize(
    ("reports", "overall", "legal"),
    [
        ((GOOD, GOOD, None), Overall.VALID, LegalValue.ORIGINAL),
        ((GOOD, NOT_ASKED), Overall.VALID, LegalValue.ORIGINAL),
        ((GOOD, BY_RULES), Overall.VALID, LegalValue.BY_SENDER_RULES),
        ((UNKNOWN, GOOD), Overall.UNDETERMINED, None),
        ((ALTERED, GOOD), Overall.INVALID, None),
        ((GOOD, ALTERED), Overall.INVALID, None),
        ((UNSIGNED, GOOD), Overall.INVALID, LegalValue.REFERENCE),
        ((None, None), Overall.NOT_APPLICABLE, None),
    ],
)
def test_a_document_is_as_good_as_its_worst_file(
    reports: tuple[FileReport | None, ...], overall: Overall, legal: LegalValue | None
) -> None:
    examination = Examination(faults=(), reports=reports)
    assert (examination.overall, examination.legal_value) == (overall, legal)
