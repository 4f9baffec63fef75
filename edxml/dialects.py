"""Spellings of the wire: namespaces, element names and length limits of QCVN 102:2016 as the national axis speaks it.

Misspelt names (``Bussiness…``, ``TyperNotation``) are part of the format and occur in this file only.
Limits are the smallest seen in receiving software: the strict writer keeps them, the reader warns above them.
"""

from __future__ import annotations

from typing import NamedTuple

QCVN = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
OLD_FORMAT = "http://www.e-doc.vn/Schema/"  # công văn 512 and 2803/BTTTT, 2013-2014
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XLINK = "http://www.w3.org/1999/xlink"
XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"
XML = "http://www.w3.org/XML/1998/namespace"
PREFIX = "edXML"
CID = "cid:"

ROOT = "edXML"
ENVELOPE = "edXMLEnvelope"
HEADER = "edXMLHeader"
MESSAGE_HEADER = "MessageHeader"
TRACE_LIST = "TraceHeaderList"
TRACE = "TraceHeader"
BODY = "edXMLBody"
MANIFEST = "edXMLManifest"
MANIFEST_OTHER = "Manifest"  # accepted by the vendor's reader as well
REFERENCE = "Reference"
ATTACHMENTS = "AttachmentEncoded"
ATTACHMENT = "Attachment"
CONTENT_BYTES = "ContentTransferEncoded"
CONTENT_ID = "ContentId"
CONTENT_TYPE = "ContentType"
SIGNATURES = ("Signature", "DigitalSignature")

FROM = "From"
TO = "To"
ORGAN_ID = "OrganId"
CODE = "Code"
PROMULGATION = "PromulgationInfo"
PROMULGATION_DATE = "PromulgationDate"
DOCUMENT_TYPE = "DocumentType"
TYPE = "Type"
TYPE_DETAIL = "TypeDetail"
SIGNER = "SignerInfo"
DUE_DATE = "DueDate"
OTHER = "OtherInfo"
PRIORITY = "Priority"
COPIES = "PromulgationAmount"
PAGES = "PageAmount"
DIRECTION = "Direction"
APPENDIXES = "Appendixes"
RESPONSE_FOR = "ResponseFor"
STEERING = "SteeringType"
TO_PLACES = "ToPlaces"
STATUS_CODE = "StatusCode"
TIMESTAMP = "Timestamp"
STAFF = "StaffInfo"

BUSINESS = "Bussiness"
BUSINESS_TYPE = "BussinessDocType"
PAPER = "Paper"
UPDATE = "BussinessDocumentInfo"
UPDATE_DOCUMENT = "DocumentInfo"
UPDATE_RECEIVERS = "DocumentReceiver"
RECEIVER_LIST = "ReceiverList"
RECEIVER = "Receiver"
RECEIVER_TYPE = "ReceiverType"
REPLACEMENTS = "ReplacementInfoList"
REPLACEMENT = "ReplacementInfo"
ORGAN_LIST = "OrganIdList"


class Text(NamedTuple):
    """A text element: its name on the wire, its limit in characters, the field of the value that holds it."""

    wire: str
    limit: int
    field: str = ""


ORGANIZATION = (
    Text("OrganizationInCharge", 200, "in_charge"),
    Text("OrganName", 200, "name"),
    Text("OrganAdd", 250, "address"),
    Text("Email", 100, "email"),
    Text("Telephone", 20, "telephone"),
    Text("Fax", 20, "fax"),
    Text("Website", 100, "website"),
)
SIGNER_TEXTS = (
    Text("Competence", 100, "competence"),
    Text("Position", 100, "position"),
    Text("FullName", 50, "full_name"),
)
STAFF_TEXTS = (
    Text("Department", 300, "department"),
    Text("Staff", 300, "staff"),
    Text("Email", 100, "email"),
    Text("Mobile", 30, "mobile"),
)
OTHER_TEXTS = (
    Text("SphereOfPromulgation", 100, "sphere"),
    Text("TyperNotation", 10, "typist_notation"),
)
DOCUMENT_ID = Text("DocumentId", 200)
CODE_NUMBER = Text("CodeNumber", 11)
CODE_NOTATION = Text("CodeNotation", 30)
RESPONSE_CODE = Text("Code", 100)
PLACE = Text("Place", 50)
TO_PLACE = Text("Place", 150)
TYPE_NAME = Text("TypeName", 100)
SUBJECT = Text("Subject", 500)
CONTENT = Text("Content", 500)
APPENDIX = Text("Appendix", 500)
BUSINESS_REASON = Text("BussinessDocReason", 500)
DESCRIPTION = Text("Description", 500)
ATTACHMENT_NAME = Text("AttachmentName", 500)

# Elements that occur once; a second one is a finding, and an error where it decides who, what and which.
DECIDING = frozenset({ENVELOPE, HEADER, MESSAGE_HEADER, FROM, DOCUMENT_ID.wire, STATUS_CODE, BUSINESS_TYPE})
