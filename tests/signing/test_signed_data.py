"""The CMS value put together from bytes is the one that pyHanko builds, for every kind of key."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asn1crypto import cms, core
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes, Signer

from lienthong.signing.report import Overall
from lienthong.signing.sign_job import Subfilter
from lienthong.signing.signed_data import signed_attributes, signed_data, signer_parts

from .office import Office

DIGEST = bytes(range(32))


@pytest.fixture(params=["RSA", "RSASSA-PSS", "P-256", "P-384"])
def signer(request: pytest.FixtureRequest, office: Office) -> Signer:
    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
    holder = office.elliptic(curves[request.param]) if request.param in curves else office.desk.leader
    made = holder.software_key().signer()
    made.prefer_pss = request.param == "RSASSA-PSS"
    return made


def test_attributes(signer: Signer) -> None:
    parts = signer_parts(signer, signer.signing_cert)
    theirs = asyncio.run(signer.signed_attrs(DIGEST, "sha256", use_pades=True))
    assert signed_attributes(parts, DIGEST) == theirs.dump()


def test_attributes_of_the_older_form(signer: Signer, office: Office) -> None:
    parts = signer_parts(signer, signer.signing_cert)
    settings = PdfCMSSignedAttributes(signing_time=office.desk.now)
    theirs = asyncio.run(signer.signed_attrs(DIGEST, "sha256", attr_settings=settings))
    time = next(a for a in theirs if a["type"].native == "signing_time")
    assert signed_attributes(parts, DIGEST, (time.dump(), parts.protection)) == theirs.dump()


def test_whole_value(signer: Signer, office: Office) -> None:
    parts = signer_parts(signer, signer.signing_cert)
    attributes = asyncio.run(signer.signed_attrs(DIGEST, "sha256", use_pades=True))
    theirs = asyncio.run(signer.async_sign_prescribed_attributes("sha256", attributes, timestamper=office.timestamper))
    info = theirs["content"]["signer_infos"][0]
    token = info["unsigned_attrs"][0]["values"][0]
    ours = cms.ContentInfo.load(
        signed_data(parts, attributes.dump(), info["signature"].native, token.dump()), strict=True
    )
    assert ours["content"]["signer_infos"].dump() == theirs["content"]["signer_infos"].dump()
    certificates = [c.dump() for c in ours["content"]["certificates"]]
    assert sorted(certificates) == sorted({c.dump() for c in theirs["content"]["certificates"]})
    ours["content"]["certificates"] = theirs["content"]["certificates"]
    assert ours.dump(force=True) == theirs.dump(force=True)


@given(size=st.integers(min_value=0, max_value=70_000))
def test_lengths_of_every_size(size: int) -> None:
    value = core.OctetString(bytes(size))
    parts: Any = _NoParts()
    parsed = cms.ContentInfo.load(signed_data(parts, b"\x31\x00", value.native, None), strict=True)
    assert parsed["content"]["signer_infos"][0]["signature"].native == value.native


class _NoParts:
    """Nothing but what the value needs to be parsed."""

    certificates = b"\xa0\x00"
    signer = b"\x30\x05\x30\x00\x02\x01\x01"  # an empty name and the number 1
    digest_algorithm = cms.DigestAlgorithm({"algorithm": "sha256"}).dump()
    signature_algorithm = cms.SignedDigestAlgorithm({"algorithm": "sha256_rsa"}).dump()


@pytest.mark.parametrize("subfilter", list(Subfilter))
@pytest.mark.parametrize("kind", ["RSASSA-PSS", "P-256", "P-384"])
def test_documents_signed_with_other_keys(office: Office, kind: str, subfilter: Subfilter) -> None:
    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
    holder = office.elliptic(curves[kind]) if kind in curves else office.desk.leader
    office.desk.leader, kept = holder, office.desk.leader
    try:
        office.settings["registry"] = office.desk.registry
        office.prepare()
        office.leader(subfilter=subfilter, prefer_pss=kind == "RSASSA-PSS")
        office.fill(number="3")
        assert office.agency().overall == Overall.VALID.value
    finally:
        office.desk.leader = kept
