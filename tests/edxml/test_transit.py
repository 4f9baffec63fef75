"""What an axis does to a package, on packages that are not as we write them."""

from __future__ import annotations

import io
import re
from datetime import datetime
from pathlib import Path

from lienthong.edxml.dates import VIETNAM
from lienthong.edxml.identifiers import OrganCode
from lienthong.edxml.model import DocumentPackage
from lienthong.edxml.reader import read_package
from lienthong.edxml.transit import add_trace

CASES = Path(__file__).parent / "cases"
NEW = (CASES / "01-new.edxml").read_text(encoding="utf-8")
AT = datetime(2024, 6, 3, 8, 15, 31, tzinfo=VIETNAM)
XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"


def delivered(text: str, folder: Path, organ: OrganCode | None = None) -> str:
    path, sink = folder / "package.edxml", io.BytesIO()
    path.write_text(text, encoding="utf-8")
    add_trace(path, sink, organ, AT)
    return sink.getvalue().decode()


def test_only_a_trace_is_added_to_a_package_of_ours(tmp_path: Path) -> None:
    trace = """        <edXML:TraceHeader>
          <edXML:Timestamp>2024/06/03 08:15:31</edXML:Timestamp>
        </edXML:TraceHeader>
"""
    closing = "      </edXML:TraceHeaderList>"
    assert delivered(NEW, tmp_path) == NEW.replace(closing, trace + closing)


def test_status_gets_no_trace(tmp_path: Path) -> None:
    status = (CASES / "05-status-03.edxml").read_text(encoding="utf-8")
    assert delivered(status, tmp_path, OrganCode("001.00.20.TT2")) == status


def test_layout_becomes_the_vendors_and_empty_elements_go(tmp_path: Path) -> None:
    plain = NEW.replace("<edXML:", "<").replace("</edXML:", "</").replace("<SteeringType>", "<Fax/><SteeringType>")
    assert delivered(plain, tmp_path) == delivered(NEW, tmp_path)


def test_attachment_text_passes_untouched(tmp_path: Path) -> None:
    odd = NEW.replace("JVBERi0xLjQKJSVFT0YK", "JVBE\n  Ri0x &amp; LjQK")
    assert "JVBE\n  Ri0x &amp; LjQK</edXML:ContentTransferEncoded>" in delivered(odd, tmp_path)


def test_package_without_a_trace_list_gets_one(tmp_path: Path) -> None:
    bare = re.sub(r"\s*<edXML:TraceHeaderList>.*</edXML:TraceHeaderList>", "", NEW, flags=re.DOTALL)
    path = tmp_path / "delivered.edxml"
    path.write_text(delivered(bare, tmp_path, OrganCode("H00")), encoding="utf-8")
    package = read_package(path, tmp_path).package
    assert isinstance(package, DocumentPackage)
    assert [(trace.organ, trace.timestamp) for trace in package.traces] == [(OrganCode("H00"), AT)]


def test_foreign_elements_and_attributes_keep_their_namespace(tmp_path: Path) -> None:
    signature = f'<Signature xmlns="{XMLDSIG}"><SignedInfo Id="a &quot;b&quot;"><X>1</X></SignedInfo></Signature>'
    linked = NEW.replace("    </edXML:edXMLHeader>", signature + "</edXML:edXMLHeader>").replace(
        "<edXML:Reference>", '<edXML:Reference xmlns:x="http://www.w3.org/1999/xlink" x:href="cid:1">', 1
    )
    text = delivered(linked, tmp_path)
    assert text.count(f'xmlns="{XMLDSIG}"') == 1
    assert 'Id="a &quot;b&quot;"' in text
    assert ':href="cid:1"' in text
    again = delivered(text, tmp_path)
    assert again.count("<edXML:TraceHeader>") == text.count("<edXML:TraceHeader>") + 1
    assert again.count("\n") == text.count("\n") + 3


def test_attachments_before_the_envelope_keep_their_contents(tmp_path: Path) -> None:
    start, end = NEW.index("  <edXML:edXMLEnvelope"), NEW.index("  <AttachmentEncoded>")
    swapped = NEW.replace(NEW[start:end], "").replace("</edXML>\n", NEW[start:end] + "</edXML>\n")
    path = tmp_path / "delivered.edxml"
    path.write_text(delivered(swapped, tmp_path), encoding="utf-8")
    before = read_package(CASES / "01-new.edxml", tmp_path)
    assert read_package(path, tmp_path).content_digest == before.content_digest
