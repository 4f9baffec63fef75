"""Is a file what its name says: real files of each format, and the ways in which they lie."""

from __future__ import annotations

import io
import json
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lienthong.gateway.files.formats import FORMATS, OLE_MAGIC, ZIP_MAGIC
from lienthong.gateway.files.inspection import Inspection, inspect_file, quick_check

EICAR_LIKE = b"MZ\x90\x00\x03\x00\x00\x00" + b"\0" * 200


def inspect(folder: Path, name: str, content: bytes, **more: Any) -> Inspection:
    path = folder / "bytes"
    path.write_bytes(content)
    answer = inspect_file({"path": str(path), "name": name, **more})
    return Inspection.from_dict(json.loads(json.dumps(answer)))


def codes(inspection: Inspection) -> list[str]:
    return [finding.code for finding in inspection.findings]


def pdf(pages: int = 1, *, change: Any = None, **save: Any) -> bytes:
    target = io.BytesIO()
    with pikepdf.new() as made:
        for _ in range(pages):
            made.add_blank_page(page_size=(595, 842))
        if change:
            change(made)
        made.save(target, **save)
    return target.getvalue()


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return target.getvalue()


def office(main: str, kind: str, **more: bytes) -> bytes:
    types = f'<Types><Override PartName="/{main}" ContentType="application/vnd.{kind}+xml"/></Types>'
    return zipped({"[Content_Types].xml": types.encode(), main: b"<x/>", **more})


def compound(*names: str) -> bytes:
    """An OLE compound file with one sector of FAT and a directory of these names ([MS-CFB] 2.2, 2.6)."""
    header = OLE_MAGIC + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    header = header.ljust(512, b"\xff")
    entries = b""
    for name in ("Root Entry", *names):
        raw = (name + "\0").encode("utf-16-le")
        entries += (raw.ljust(64, b"\0") + struct.pack("<HBB", len(raw), 1, 1)).ljust(128, b"\0")
    return header + b"\xff" * 512 + entries.ljust(1024, b"\0")


def picture(kind: str) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(target, kind)
    return target.getvalue()


ODT = "application/vnd.oasis.opendocument.text"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
GOOD = {
    "Công văn 12.pdf": pdf(),
    "a.docx": office("word/document.xml", "openxmlformats-officedocument.wordprocessingml.document.main"),
    "a.xlsx": office("xl/workbook.xml", "openxmlformats-officedocument.spreadsheetml.sheet.main"),
    "a.pptx": office("ppt/presentation.xml", "openxmlformats-officedocument.presentationml.presentation.main"),
    "a.doc": compound("WordDocument", "1Table"),
    "a.xls": compound("Workbook"),
    "a.ppt": compound("PowerPoint Document"),
    "a.odt": zipped({"mimetype": ODT.encode(), "content.xml": b"<x/>", "Basic/script-lc.xml": b"<x/>"}),
    "a.ods": zipped({"mimetype": ODS.encode(), "content.xml": b"<x/>"}),
    "a.txt": "Kính gửi các đơn vị".encode(),
    "b.txt": "Kính gửi các đơn vị".encode("utf-16"),
    "a.csv": "STT;Tên đơn vị\n1;Sở Tài chính\n".encode(),
    "a.xml": '<?xml version="1.0" encoding="UTF-8"?><vănBản/>'.encode(),
    "a.rtf": rb"{\rtf1\ansi Kinh gui}",
    "ảnh.JPG": picture("JPEG"),
    "a.jpeg": picture("JPEG"),
    "a.png": picture("PNG"),
    "a.tif": picture("TIFF"),
    "a.tiff": picture("TIFF"),
    "a.zip": zipped({"thư mục/": b"", "thư mục/Phụ lục.pdf": pdf(), "x.txt": b"x"}),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_true_file_has_no_findings(tmp_path: Path, name: str) -> None:
    inspection = inspect(tmp_path, name, GOOD[name])
    assert (codes(inspection), inspection.acceptable) == ([], True)
    assert inspection.content_type == FORMATS[name.rpartition(".")[2].lower()].content_type
    assert inspection.size == len(GOOD[name])
    assert quick_check(name, GOOD[name][:4096]) == ()


def test_every_format_of_the_table_is_tried() -> None:
    assert {name.rpartition(".")[2].lower() for name in GOOD} == set(FORMATS)


@pytest.mark.parametrize("name", sorted(f"a.{extension}" for extension in FORMATS))
@pytest.mark.parametrize("content", [EICAR_LIKE, b"\x7fELF\x02\x01\x01" + b"\0" * 90], ids=["exe", "elf"])
def test_a_renamed_program_is_refused_under_every_name(tmp_path: Path, name: str, content: bytes) -> None:
    assert [finding.code for finding in quick_check(name, content)] == ["FILE_TYPE_MISMATCH"]
    inspection = inspect(tmp_path, name, content)
    assert codes(inspection) == ["FILE_TYPE_MISMATCH"]
    assert inspection.content_type == "application/octet-stream"
    assert not inspection.acceptable


def test_a_mismatch_says_what_the_bytes_are(tmp_path: Path) -> None:
    message = inspect(tmp_path, "a.docx", pdf()).findings[0].message
    assert message.startswith("Nội dung không phải tệp .docx như tên tệp. Nội dung giống: ")
    assert "Portable Document" in message or "PDF" in message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.docx", office("xl/workbook.xml", "openxmlformats-officedocument.spreadsheetml.sheet.main")),
        ("a.docx", zipped({"x.txt": b"x"})),
        ("a.docx", compound("WordDocument")),
        ("a.odt", zipped({"mimetype": ODS.encode()})),
        ("a.odt", zipped({"content.xml": b"<x/>"})),
        ("a.doc", rb"{\rtf1 x}"),
        ("a.png", picture("JPEG")),
        ("a.txt", b"abc\0def"),
        ("a.txt", b"\xff\x00abc"),
        ("a.zip", zipped({"a.pdf": EICAR_LIKE})),
    ],
)
def test_another_format_under_this_name(tmp_path: Path, name: str, content: bytes) -> None:
    assert codes(inspect(tmp_path, name, content)) == ["FILE_TYPE_MISMATCH"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b"%PDF-1.7\nnothing else"),
        ("a.pdf", pdf(0)),
        ("a.docx", ZIP_MAGIC + b"\0" * 100),
        ("a.zip", zipped({"a.txt": b"x" * 1000})[:-30]),
        ("a.png", picture("PNG")[:60]),
        ("a.tif", b"II*\0" + b"\xff" * 20),
        ("a.xml", b"<a><b></a>"),
    ],
)
def test_a_damaged_file_is_broken(tmp_path: Path, name: str, content: bytes) -> None:
    assert codes(inspect(tmp_path, name, content)) == ["FILE_BROKEN"]


@pytest.mark.parametrize("name", sorted(GOOD))
@settings(max_examples=25, deadline=None)
@given(cut=st.integers(0, 4000), noise=st.binary(max_size=40))
def test_any_damage_ends_in_findings(name: str, cut: int, noise: bytes) -> None:
    content = GOOD[name]
    at = cut % (len(content) + 1)
    with tempfile.TemporaryDirectory() as folder:
        inspection = inspect(Path(folder), name, content[:at] + noise)
    assert all(finding.message.endswith(".") and finding.code.startswith("FILE_") for finding in inspection.findings)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", pdf(encryption=pikepdf.Encryption(owner="x", user="y"))),
        ("a.pdf", pdf(encryption=pikepdf.Encryption(owner="x", user=""))),
        ("a.docx", compound("EncryptedPackage", "EncryptionInfo")),
        ("a.odt", zipped({"mimetype": ODT.encode(), "META-INF/manifest.xml": b"<m:encryption-data/>"})),
    ],
)
def test_a_locked_file_is_encrypted(tmp_path: Path, name: str, content: bytes) -> None:
    assert codes(inspect(tmp_path, name, content)) == ["FILE_ENCRYPTED"]


def test_a_zip_with_a_password_is_encrypted(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.txt": b"x"}))
    content[6] |= 1  # general purpose bit 0 of the local header and of the directory (APPNOTE 4.4.4)
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert codes(inspect(tmp_path, "a.zip", bytes(content))) == ["FILE_ENCRYPTED"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.docx", office("word/document.xml", "ms-word.document.macroEnabled.main")),
        ("a.docx", office("word/document.xml", "x", **{"word/vbaProject.bin": OLE_MAGIC})),
        ("a.xlsx", office("xl/workbook.xml", "x", **{"xl/macrosheets/sheet1.xml": b"<x/>"})),
        ("a.doc", compound("WordDocument", "Macros")),
        ("a.xls", compound("Workbook", "_VBA_PROJECT_CUR")),
        ("a.odt", zipped({"mimetype": ODT.encode(), "Basic/Standard/Module1.xml": b"<x/>"})),
    ],
)
def test_macros_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    inspection = inspect(tmp_path, name, content)
    assert codes(inspection) == ["FILE_MACRO"]
    assert not inspection.acceptable


def test_text_that_speaks_of_macros_is_no_macro(tmp_path: Path) -> None:
    content = compound("WordDocument") + "Macros\0".encode("utf-16-le").ljust(512, b" ")
    assert codes(inspect(tmp_path, "a.doc", content)) == []


def with_javascript(made: pikepdf.Pdf) -> None:
    made.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def with_hidden_launch(made: pikepdf.Pdf) -> None:
    action = made.make_indirect(pikepdf.Dictionary(S=pikepdf.Name.Launch, F="cmd.exe"))
    link = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, A=action, Rect=[0, 0, 9, 9])
    made.pages[0].Annots = pikepdf.Array([link])


def with_embedded_file(made: pikepdf.Pdf) -> None:
    made.attachments["virus.exe"] = EICAR_LIKE


def with_xfa(made: pikepdf.Pdf) -> None:
    made.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array(), XFA=made.make_stream(b"<xdp/>"))


@pytest.mark.parametrize("change", [with_javascript, with_hidden_launch, with_embedded_file, with_xfa])
@pytest.mark.parametrize("mode", [pikepdf.ObjectStreamMode.disable, pikepdf.ObjectStreamMode.generate])
def test_active_content_of_a_pdf_is_told(tmp_path: Path, change: Any, mode: Any) -> None:
    inspection = inspect(tmp_path, "a.pdf", pdf(2, change=change, object_stream_mode=mode), main=True)
    assert set(codes(inspection)) == {"FILE_ACTIVE_CONTENT"}
    assert inspection.acceptable
    assert inspection.pages == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.docx", office("word/document.xml", "x", **{"word/embeddings/oleObject1.bin": OLE_MAGIC})),
        ("a.rtf", rb"{\rtf1 {\object {\*\objdata 0105}}}"),
        ("a.xml", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
        ("a.xml", b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 999 + b'"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'),
    ],
)
def test_active_content_of_other_files_is_told(tmp_path: Path, name: str, content: bytes) -> None:
    inspection = inspect(tmp_path, name, content)
    assert codes(inspection) == ["FILE_ACTIVE_CONTENT"]
    assert inspection.acceptable


def test_an_old_text_encoding_is_told(tmp_path: Path) -> None:
    inspection = inspect(tmp_path, "a.txt", b"K\xdd nh g\xf6i")
    assert codes(inspection) == ["FILE_TEXT_ENCODING"]
    assert inspection.acceptable


@pytest.mark.parametrize(
    "content",
    [
        zipped({"a.txt": b"\0" * (40 << 20)}),
        zipped({f"{number}.txt": b"" for number in range(10_001)}),
    ],
    ids=["bomb", "entries"],
)
def test_a_zip_bomb_is_refused(tmp_path: Path, content: bytes) -> None:
    assert codes(inspect(tmp_path, "a.zip", content)) == ["FILE_ARCHIVE_LIMITS"]


@pytest.mark.parametrize("entry", ["../x.txt", "/etc/x.txt", "C:/x.txt", "a/../../x.txt"])
def test_a_zip_entry_stays_in_its_folder(tmp_path: Path, entry: str) -> None:
    assert codes(inspect(tmp_path, "a.zip", zipped({entry: b"x"}))) == ["FILE_NAME"]


@pytest.mark.parametrize("entry", ["a.exe", "a.zip", "no-extension", "a.docm"])
def test_a_zip_obeys_the_same_list(tmp_path: Path, entry: str) -> None:
    assert codes(inspect(tmp_path, "a.zip", zipped({entry: b"x"}))) == ["FILE_FORMAT_NOT_ALLOWED"]


@pytest.mark.parametrize("name", ["a.docx", "a.txt", "a.exe", "pdf"])
def test_the_main_document_is_a_pdf(name: str) -> None:
    assert [finding.code for finding in quick_check(name, b"x", main=True)] == ["FILE_NOT_PDF"]


@pytest.mark.parametrize("name", ["a.exe", "a.docm", "a.html", "a", ".pdf"])
def test_other_formats_are_not_taken(name: str) -> None:
    assert [finding.code for finding in quick_check(name, b"x")] == ["FILE_FORMAT_NOT_ALLOWED"]


def test_an_agency_narrows_the_list(tmp_path: Path) -> None:
    content = picture("PNG")
    inspection = inspect(tmp_path, "a.png", content, allowed=["pdf", "jpeg"])
    assert codes(inspection) == ["FILE_FORMAT_NOT_ALLOWED"]
    assert inspection.findings[0].message.endswith("Các loại được nhận: jpeg, pdf.")


def test_an_empty_file_is_told(tmp_path: Path) -> None:
    assert codes(inspect(tmp_path, "a.pdf", b"", main=True)) == ["FILE_EMPTY"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        "../a.pdf",
        "a\\b.pdf",
        "a\u202efdp.exe.pdf",
        "a\n.pdf",
        "a\0.pdf",
        "đ" * 130 + ".pdf",
        "a.pdf.",
        " a.pdf",
    ],
)
def test_a_misleading_name_is_refused(name: str) -> None:
    assert {finding.code for finding in quick_check(name, b"%PDF-1.7")} == {"FILE_NAME"}


def test_a_decomposed_name_is_composed(tmp_path: Path) -> None:
    assert inspect(tmp_path, "Công va\u0306n.pdf", pdf()).name == "Công văn.pdf"


def test_pages_and_version_of_a_pdf(tmp_path: Path) -> None:
    inspection = inspect(tmp_path, "a.pdf", pdf(3, force_version="1.6"), main=True)
    assert (inspection.pages, inspection.pdf_version, inspection.findings) == (3, "1.6", ())


def test_a_pdf_may_have_blanks_in_front(tmp_path: Path) -> None:
    assert codes(inspect(tmp_path, "a.pdf", b"\r\n" + pdf())) == []
