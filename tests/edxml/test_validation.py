"""Validation: libxml2's schema messages in Vietnamese with their place, and what no schema sees."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import xmlschema

from lienthong.edxml.validation import validate

CASES = Path(__file__).parent / "cases"
NEW = (CASES / "01-new.edxml").read_text(encoding="utf-8")
STATUS = (CASES / "05-status-03.edxml").read_text(encoding="utf-8")
SCHEMA = Path(__file__).parents[2] / "schemas/edxml/edxml-strict.xsd"
MESSAGE = "/edXML/edXMLEnvelope/edXMLHeader/MessageHeader"
PDF = "JVBERi0xLjQKJSVFT0YK"

# what is changed -> message and XPath of the first finding
FAULTS: dict[str, tuple[str, str, str]] = {
    "pattern": (
        NEW.replace("000.00.11.H53</edXML:OrganId>", "vxp.saas.03</edXML:OrganId>", 1),
        "Giá trị của OrganId sai mẫu quy định.",
        MESSAGE + "/From/OrganId",
    ),
    "too long": (
        NEW.replace("<edXML:Subject>", "<edXML:Subject>" + "a" * 500),
        "Giá trị của Subject dài quá giới hạn.",
        MESSAGE + "/Subject",
    ),
    "empty": (
        NEW.replace("<edXML:Place>Tây Ninh</edXML:Place>", "<edXML:Place></edXML:Place>"),
        "Phần tử Place để trống.",
        MESSAGE + "/PromulgationInfo/Place",
    ),
    "not in the list": (
        STATUS.replace(">03<", ">07<"),
        "Giá trị của StatusCode không có trong danh mục.",
        MESSAGE + "/StatusCode",
    ),
    "too great": (
        NEW.replace("<edXML:Priority>1", "<edXML:Priority>5"),
        "Giá trị của Priority lớn hơn mức cho phép.",
        MESSAGE + "/OtherInfo/Priority",
    ),
    "too small": (
        NEW.replace("<edXML:Priority>1", "<edXML:Priority>-1"),
        "Giá trị của Priority nhỏ hơn mức cho phép.",
        MESSAGE + "/OtherInfo/Priority",
    ),
    "no number": (
        NEW.replace("<edXML:PageAmount>3", "<edXML:PageAmount>ba"),
        "Giá trị của PageAmount sai kiểu dữ liệu.",
        MESSAGE + "/OtherInfo/PageAmount",
    ),
    "missing": (
        re.sub(r"\s*<edXML:CodeNotation>.*</edXML:CodeNotation>", "", NEW),
        "Phần tử Code thiếu phần tử con (cần CodeNotation).",
        MESSAGE + "/Code",
    ),
    "order": (
        NEW.replace("<edXML:SignerInfo>", "<edXML:Content>hai</edXML:Content><edXML:SignerInfo>"),
        "Phần tử Content không được ở vị trí này (cần SignerInfo).",
        MESSAGE + "/Content[2]",
    ),
    "second receiver": (
        NEW.replace("000.00.13.H53", "sai mẫu"),
        "Giá trị của OrganId sai mẫu quy định.",
        MESSAGE + "/To[2]/OrganId",
    ),
    "text between": (
        NEW.replace("<edXML:Code>", "<edXML:Code>chữ"),
        "Phần tử Code có chữ nằm giữa các phần tử con.",
        MESSAGE + "/Code",
    ),
    "attribute": (
        NEW.replace("<edXML:Code>", '<edXML:Code id="1">'),
        "Phần tử Code có thuộc tính không được phép.",
        MESSAGE + "/Code",
    ),
    "no version": (
        NEW.replace(' version="1.0">\n        <edXML:Reference>', ">\n        <edXML:Reference>"),
        "Phần tử edXMLManifest thiếu thuộc tính bắt buộc.",
        "/edXML/edXMLEnvelope/edXMLBody/edXMLManifest",
    ),
}


def in_file(text: str, folder: Path) -> Path:
    path = folder / "package.edxml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("case", sorted(FAULTS))
def test_fault_is_told_with_its_place(case: str, tmp_path: Path) -> None:
    text, message, xpath = FAULTS[case]
    path = in_file(text, tmp_path)
    first = validate(path)[0]
    assert (first.code, first.message, first.xpath) == ("EDXML_SCHEMA", message, xpath)
    assert first.line is not None
    name = xpath.rpartition("/")[2].partition("[")[0]
    assert name in text.splitlines()[first.line - 1]
    assert not xmlschema.XMLSchema(SCHEMA).is_valid(path)


def attach(data: bytes) -> Callable[[str], str]:
    return lambda text: text.replace(PDF, base64.b64encode(data).decode())


UNSEEN: dict[str, tuple[Callable[[str], str], str]] = {
    "base64 on two lines": (lambda text: text.replace(PDF, PDF[:8] + "\n" + PDF[8:]), "EDXML_BASE64_LINES"),
    "no base64": (lambda text: text.replace(PDF, "[[…]]"), "EDXML_ATTACHMENT_BASE64"),
    "empty": (lambda text: text.replace(PDF, ""), "EDXML_ATTACHMENT_EMPTY"),
    "zip label on a pdf": (lambda text: text.replace("application/pdf", "application/zip"), "EDXML_ZIP_LABEL"),
    "zip label on a raw docx": (
        lambda text: attach(b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml")(text).replace(
            "application/pdf", "application/zip"
        ),
        "EDXML_ZIP_LABEL",
    ),
    "other type in the manifest": (
        lambda text: text.replace("application/pdf", "application/zip", 1),
        "EDXML_MANIFEST_MISMATCH",
    ),
    "reference twice": (
        lambda text: re.sub(r"(\s*<edXML:Reference>.*?</edXML:Reference>)", r"\1\1", text, count=1, flags=re.DOTALL),
        "EDXML_MANIFEST_MISMATCH",
    ),
}


@pytest.mark.parametrize("case", sorted(UNSEEN))
def test_what_no_schema_sees_is_found(case: str, tmp_path: Path) -> None:
    change, code = UNSEEN[case]
    assert change(NEW) != NEW
    assert code in {finding.code for finding in validate(in_file(change(NEW), tmp_path))}
