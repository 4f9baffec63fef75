"""What we sign, judged and shown by programs that are not ours: poppler's pdfsig (NSS) and pdftotext."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from lienthong.signing.sign_job import AGENCY_FIELD, LEADER_FIELD, Level, SignStep, Subfilter

from .office import Office


def told(tool: str, path: Path) -> str:
    arguments = [tool, str(path), *(["-"] if tool == "pdftotext" else [])]
    return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout


def complete(office: Office, **settings: object) -> str:
    office.prepare()
    office.leader(**settings)
    office.fill(number="12", date="Mẫu, ngày 21 tháng 11 năm 2026")
    office.agency(**settings)
    return told("pdfsig", office.paper)


@pytest.mark.parametrize("level", [Level.B_T, Level.B_LT, Level.B_LTA])
@pytest.mark.parametrize("subfilter", list(Subfilter))
def test_both_signatures_are_valid(office: Office, subfilter: Subfilter, level: Level) -> None:
    if (subfilter, level) == (Subfilter.ADOBE, Level.B_LTA):
        level = Level.B_B
    output = complete(office, subfilter=subfilter, level=level)
    assert re.findall(r"Field Name: (\S+)", output)[:2] == [LEADER_FIELD, AGENCY_FIELD]
    assert output.count("Signature Validation: Signature is Valid.") >= 2
    assert re.findall(r"Signature Type: (\S+)", output)[:2] == [subfilter.value] * 2


def test_elliptic_signature_is_valid(office: Office) -> None:
    office.prepare()
    office.sign(SignStep.LEADER, office.elliptic(ec.SECP256R1()), registry=())
    assert "Signature Validation: Signature is Valid." in told("pdfsig", office.paper)


def test_altered_document_is_not(office: Office) -> None:
    complete(office)
    content = bytearray(office.paper.read_bytes())
    content[content.index(b"stream") + 20] ^= 1
    office.paper.write_bytes(content)
    assert "Signature is Valid." not in told("pdfsig", office.paper)


def test_number_and_date_are_read_with_the_page(office: Office) -> None:  # NA-9.2.a
    complete(office)
    words = told("pdftotext", office.paper)
    assert "12" in words.split()
    assert "Mẫu, ngày 21 tháng 11 năm 2026" in words
