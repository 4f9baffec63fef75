"""XML signature over an envelope: independent verifiers agree, relays are told from tampering, tricks are refused."""

from __future__ import annotations

import base64
import copy
import dataclasses
import hashlib
import io
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
import signxml
from cryptography import x509
from hypothesis import given
from lxml import etree

from lienthong.edxml.dates import VIETNAM
from lienthong.edxml.envelope_signature import EnvelopeVerdict, SignatureState
from lienthong.edxml.identifiers import OrganCode
from lienthong.edxml.model import DocumentPackage, Package
from lienthong.edxml.reader import read_package
from lienthong.edxml.transit import add_trace
from lienthong.signing.envelope_keys import value_holds

from .sealing import certificate, signed
from .strategies import PACKAGES, attachment
from .test_roundtrip import TRIES, folder_with, remove_files

CASES = Path(__file__).parent / "cases"
DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
Q: Final = "{http://www.mic.gov.vn/TBT/QCVN_102_2016}"
AT = datetime(2024, 6, 3, 8, 15, 31, tzinfo=VIETNAM)
Change = Callable[[Any], None]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Package:
    into = tmp_path_factory.mktemp("document")
    package = read_package(CASES / "01-new.edxml", into).package
    assert isinstance(package, DocumentPackage)
    assert len(package.attachments) == 2
    return package


@pytest.fixture(scope="module")
def original(document: Package) -> bytes:
    return signed(document)


def verdict(data: bytes) -> EnvelopeVerdict | None:
    with folder_with(data) as (package, into):
        return read_package(package, into, valid=value_holds).signature


def state(data: bytes) -> SignatureState | None:
    found = verdict(data)
    return found.state if found else None


def changed(original: bytes, change: Change) -> bytes:
    root = etree.fromstring(original)
    change(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def only(root: Any, tag: str) -> Any:
    return next(root.iter(tag))


def xmlsec1_accepts(data: bytes, kind: str, folder: Path) -> bool:
    """What libxmlsec says; it cannot fetch ``cid:`` addresses, so the manifest's own references are left to us."""
    package, key = folder / "package.edxml", folder / "service.der"
    package.write_bytes(data)
    key.write_bytes(certificate(kind))
    names = ("edXMLHeader", "edXMLBody", "http://www.w3.org/2000/09/xmldsig#:Manifest")
    identifiers = [part for name in names for part in ("--id-attr:Id", name)]
    command = ["xmlsec1", "--verify", "--ignore-manifests", *identifiers, "--pubkey-cert-der", str(key), str(package)]
    return subprocess.run(command, check=False, capture_output=True, timeout=30).returncode == 0


def sign_info_again(root: Any) -> None:
    """What an attacker without the key can do: make all digests fit what now stands there."""
    references = {one.get("URI"): one for one in only(root, f"{DS}SignedInfo").iter(f"{DS}Reference")}
    for identifier, element in (("#body", only(root, f"{Q}edXMLBody")), ("#files", only(root, f"{DS}Manifest"))):
        digest = hashlib.sha256(etree.tostring(element, method="c14n", exclusive=True, with_tail=False)).digest()
        only(references[identifier], f"{DS}DigestValue").text = base64.b64encode(digest).decode()


@given(PACKAGES)
@TRIES
def test_what_we_sign_is_intact_when_read_and_reads_as_the_same_package(package: Package) -> None:
    try:
        with folder_with(signed(package)) as (file, into):
            reading = read_package(file, into, valid=value_holds)
            assert reading.signature is not None
            assert reading.signature.state is SignatureState.INTACT, reading.signature.message
            assert reading.signature.certificate == certificate("rsa")
            assert reading.package.sender == package.sender
    finally:
        remove_files(package)


@pytest.mark.parametrize("kind", ["rsa", "p256", "p384"])
def test_two_independent_verifiers_accept_it(document: Package, kind: str, tmp_path: Path) -> None:
    data = signed(document, kind)
    trusted = x509.load_der_x509_certificate(certificate(kind))
    signxml.XMLVerifier().verify(data, x509_cert=trusted, expect_references=3, id_attribute="Id")
    assert xmlsec1_accepts(data, kind, tmp_path)
    assert state(data) is SignatureState.INTACT


def test_the_independent_verifiers_can_refuse(original: bytes, tmp_path: Path) -> None:
    data = original.replace(b"<edXML:Priority>1<", b"<edXML:Priority>2<", 1)
    assert data != original
    assert not xmlsec1_accepts(data, "rsa", tmp_path)
    trusted = x509.load_der_x509_certificate(certificate("rsa"))
    with pytest.raises(signxml.exceptions.InvalidSignature):
        signxml.XMLVerifier().verify(data, x509_cert=trusted, expect_references=3, id_attribute="Id")
    assert state(data) is SignatureState.BROKEN


@pytest.mark.parametrize("relays", [1, 2])
def test_traces_of_relays_are_told_from_tampering(original: bytes, tmp_path: Path, relays: int) -> None:
    """The axis serialises anew with indentation and adds a TraceHeader each (axis.md 6)."""
    data = original
    for relay in range(relays):
        source, sink = tmp_path / f"{relay}.edxml", io.BytesIO()
        source.write_bytes(data)
        add_trace(source, sink, OrganCode("001.00.20.TT2") if relay else None, AT)
        data = sink.getvalue()
    found = verdict(data)
    assert found is not None
    assert (found.state, found.added_traces) == (SignatureState.RELAYED, relays), found.message
    tampered = data.replace(b"<edXML:Priority>1<", b"<edXML:Priority>2<")
    assert tampered != data
    assert state(tampered) is SignatureState.BROKEN


def test_a_status_package_is_signed_too(tmp_path: Path) -> None:
    status = read_package(CASES / "05-status-03.edxml", tmp_path).package
    assert state(signed(status)) is SignatureState.INTACT
    assert state(signed(status).replace(b">03<", b">02<")) is SignatureState.BROKEN


def test_an_attachment_of_several_megabytes_is_never_canonicalised(document: Package) -> None:
    """General signers fail where a text passes ten million characters (platform.md 8.3)."""
    assert isinstance(document, DocumentPackage)
    large = attachment("lon", "lon.pdf", b"%PDF-1.7\n" + bytes(9_000_000))
    package = dataclasses.replace(document, attachments=(large,))
    try:
        assert state(signed(package)) is SignatureState.INTACT
    finally:
        large.path.unlink()


def test_signatures_of_other_forms_are_named_and_not_relied_upon() -> None:
    sample = (CASES / "01-new.edxml").read_text(encoding="utf-8")
    dummy = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature></edXML:edXMLHeader>'
    found = verdict(sample.replace("</edXML:edXMLHeader>", dummy).encode())
    assert found is not None
    assert (found.state, found.code) == (SignatureState.FOREIGN, "EDXML_SIGNATURE_PRESENT")
    assert verdict(sample.encode()) is None


def swap_contents(root: Any) -> None:
    first, second = root.iter(f"{Q}ContentTransferEncoded")
    first.text, second.text = second.text, first.text


def swap_contents_and_digests(root: Any) -> None:
    swap_contents(root)
    first, second = only(root, f"{DS}Manifest").iter(f"{DS}DigestValue")
    first.text, second.text = second.text, first.text
    sign_info_again(root)


def change_name(root: Any) -> None:
    only(only(root, f"{Q}AttachmentEncoded"), f"{Q}AttachmentName").text = "khac.pdf"


def change_name_in_both(root: Any) -> None:
    for name in list(root.iter(f"{Q}AttachmentName"))[::2]:
        name.text = "khac.pdf"
    sign_info_again(root)


def change_description(root: Any) -> None:
    added = etree.SubElement(only(root, f"{Q}Attachment"), f"{Q}Description")
    added.text = "mô tả không ai ký"


def drop_attachment(root: Any) -> None:
    only(root, f"{Q}AttachmentEncoded").remove(list(root.iter(f"{Q}Attachment"))[1])


def drop_attachment_everywhere(root: Any) -> None:
    drop_attachment(root)
    only(root, f"{Q}edXMLManifest").remove(list(root.iter(f"{Q}Reference"))[1])
    only(root, f"{DS}Manifest").remove(list(only(root, f"{DS}Manifest"))[1])
    sign_info_again(root)


def add_attachment(root: Any) -> None:
    only(root, f"{Q}AttachmentEncoded").append(copy.deepcopy(only(root, f"{Q}Attachment")))


def twin_header_before(root: Any) -> None:
    """The signed header stays in the file; another one is found first."""
    envelope, header = only(root, f"{Q}edXMLEnvelope"), only(root, f"{Q}edXMLHeader")
    twin = copy.deepcopy(header)
    del twin.attrib["Id"]
    twin.remove(only(twin, f"{DS}Signature"))
    only(twin, f"{Q}Subject").text = "Nội dung giả"
    envelope.insert(0, twin)


def twin_envelope(root: Any) -> None:
    twin = copy.deepcopy(only(root, f"{Q}edXMLEnvelope"))
    only(twin, f"{Q}Subject").text = "Nội dung giả"
    root.insert(0, twin)


def moved_header(root: Any) -> None:
    """The signed header is wrapped into an element that nobody reads; a false one stands in its place."""
    envelope, header = only(root, f"{Q}edXMLEnvelope"), only(root, f"{Q}edXMLHeader")
    false = copy.deepcopy(header)
    del false.attrib["Id"]
    only(false, f"{Q}Subject").text = "Nội dung giả"
    envelope.replace(header, false)
    etree.SubElement(root, f"{Q}Kho").append(header)


def repeated_id(root: Any) -> None:
    only(root, f"{Q}Subject").set("Id", "hdr")


def other_spelling_of_id(root: Any) -> None:
    only(root, f"{Q}Subject").set("{http://www.w3.org/XML/1998/namespace}id", "body")


def foreign_transform(root: Any) -> None:
    transform = list(only(root, f"{DS}SignedInfo").iter(f"{DS}Transform"))[1]
    transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")


def xpath_transform(root: Any) -> None:
    steps = only(only(root, f"{DS}SignedInfo"), f"{DS}Transforms")
    step = etree.SubElement(steps, f"{DS}Transform", Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116")
    etree.SubElement(step, f"{DS}XPath").text = "not(ancestor::Subject)"


def reference_removed(root: Any) -> None:
    info = only(root, f"{DS}SignedInfo")
    info.remove(list(info.iter(f"{DS}Reference"))[1])


def reference_elsewhere(root: Any) -> None:
    only(only(root, f"{DS}SignedInfo"), f"{DS}Reference").set("URI", "http://127.0.0.1:9/hdr")


def other_key(root: Any) -> None:
    only(root, f"{DS}X509Certificate").text = base64.b64encode(certificate("p256")).decode()


def key_beside_certificate(root: Any) -> None:
    value = etree.SubElement(only(root, f"{DS}KeyInfo"), f"{DS}KeyValue")
    etree.SubElement(value, f"{DS}RSAKeyValue").text = "AQAB"


def weak_method(root: Any) -> None:
    only(root, f"{DS}SignatureMethod").set("Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")


def mac_method(root: Any) -> None:
    only(root, f"{DS}SignatureMethod").set("Algorithm", "http://www.w3.org/2000/09/xmldsig#hmac-sha1")


def method_of_another_key(root: Any) -> None:
    only(root, f"{DS}SignatureMethod").set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256")


def planted_signed_info(root: Any) -> None:
    """The true SignedInfo stands earlier in the header, digests of a changed header in the signature."""
    header = only(root, f"{Q}edXMLHeader")
    only(header, f"{Q}Subject").text = "Nội dung giả"
    header.insert(0, copy.deepcopy(only(root, f"{DS}SignedInfo")))
    bare = copy.deepcopy(root)
    true_header = only(bare, f"{Q}edXMLHeader")
    true_header.remove(true_header[-1])
    digest = hashlib.sha256(etree.tostring(true_header, method="c14n", exclusive=True, with_tail=False)).digest()
    only(header[-1], f"{DS}DigestValue").text = base64.b64encode(digest).decode()


def second_signature(root: Any) -> None:
    header = only(root, f"{Q}edXMLHeader")
    header.append(copy.deepcopy(only(root, f"{DS}Signature")))


def moved_signature(root: Any) -> None:
    only(root, f"{Q}edXMLEnvelope").append(only(root, f"{DS}Signature"))


def comment_in_value(root: Any) -> None:
    subject = only(root, f"{Q}Subject")
    comment = etree.Comment("x")
    subject.text, comment.tail = subject.text[:5], subject.text[5:]
    subject.append(comment)


def trace_replaced(root: Any) -> None:
    only(only(root, f"{Q}TraceHeader"), f"{Q}Timestamp").text = "2024/06/09 08:00:00"


def trace_before(root: Any) -> None:
    trace = only(root, f"{Q}TraceHeader")
    other = copy.deepcopy(trace)
    only(other, f"{Q}Timestamp").text = "2024/06/09 08:00:00"
    trace.addprevious(other)


def trace_with_more(root: Any) -> None:
    traces = only(root, f"{Q}TraceHeaderList")
    added = copy.deepcopy(only(root, f"{Q}TraceHeader"))
    etree.SubElement(added, f"{Q}Bussiness")
    traces.append(added)


def element_beside(root: Any) -> None:
    etree.SubElement(only(root, f"{Q}edXMLEnvelope"), f"{Q}MessageHeaderExtra").text = "x"


def text_between(root: Any) -> None:
    only(root, f"{Q}MessageHeader").tail = "thêm"


def receiver_added(root: Any) -> None:
    receiver = only(root, f"{Q}To")
    other = copy.deepcopy(receiver)
    only(other, f"{Q}OrganId").text = "000.00.99.H41"
    receiver.addnext(other)


TRICKS: Final[list[Change]] = [
    swap_contents,
    swap_contents_and_digests,
    change_name,
    change_name_in_both,
    change_description,
    drop_attachment,
    drop_attachment_everywhere,
    add_attachment,
    twin_header_before,
    twin_envelope,
    moved_header,
    repeated_id,
    other_spelling_of_id,
    foreign_transform,
    xpath_transform,
    reference_removed,
    reference_elsewhere,
    other_key,
    key_beside_certificate,
    weak_method,
    mac_method,
    method_of_another_key,
    planted_signed_info,
    second_signature,
    moved_signature,
    comment_in_value,
    trace_replaced,
    trace_before,
    trace_with_more,
    element_beside,
    text_between,
    receiver_added,
]


def test_serialising_anew_alone_breaks_nothing(original: bytes) -> None:
    """So that the tricks below are refused for what they do, and not for how they are written."""
    assert state(changed(original, lambda _root: None)) is SignatureState.INTACT


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.__name__)
def test_no_trick_keeps_the_signature(original: bytes, trick: Change) -> None:
    data = changed(original, trick)
    found = verdict(data)
    assert found is not None
    assert found.state is SignatureState.BROKEN
    assert found.certificate is None
    assert found.message.endswith(".")


def test_another_system_cannot_pass_for_the_sender(document: Package) -> None:
    """A signature by anybody's key is whole; the certificate says whose, and the caller's register decides."""
    found = verdict(signed(document, "p256"))
    assert found is not None
    assert found.certificate == certificate("p256") != certificate("rsa")
