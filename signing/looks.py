"""What a signature shows: a picture over its whole box, lines of text, or nothing. Adapter of pyHanko's stamps.

Source: Nghị định 30/2020/NĐ-CP, Phụ lục I, Phần I, II.7.d (leader), II.8.a (seal), II.8.b (text).
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError
from pyhanko.pdf_utils.content import PdfContent, RawContent
from pyhanko.pdf_utils.images import PdfImage
from pyhanko.pdf_utils.layout import AxisAlignment, InnerScaling, Margins, SimpleBoxLayoutRule
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.stamp import StaticStampStyle

from .errors import SigningError
from .sign_job import Box
from .stamps import text_pdf

TEXT_SIZE: Final = 10.0  # Phụ lục I, Phần I, II.8.b
MAX_PIXELS: Final = 16_000_000
MAX_BYTES: Final = 8 * 1024 * 1024


def look(*, picture: bytes | None, text: tuple[str, ...], box: Box | None) -> StaticStampStyle:
    """Raises SigningError SIG_PICTURE_UNSUITABLE."""
    if picture is not None:
        return without_frame(PdfImage(_transparent(picture)))
    if text and box is not None:
        return without_frame(TextContent("\n".join(text), box))
    return without_frame(RawContent(b""))


def read_picture(path: str) -> bytes:
    """Raises SigningError SIG_PICTURE_UNSUITABLE."""
    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise _unsuitable(f"lớn hơn {MAX_BYTES} byte")
        return Path(path).read_bytes()
    except OSError as cause:
        raise _unsuitable(type(cause).__name__) from cause


def _transparent(png: bytes) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(png))
        if picture.format != "PNG":
            raise _unsuitable("không phải PNG")
        if picture.width * picture.height > MAX_PIXELS:
            raise _unsuitable("quá nhiều điểm ảnh")
        picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as cause:
        raise _unsuitable("không đọc được") from cause
    if not picture.has_transparency_data:
        raise _unsuitable("không có nền trong suốt")
    return picture if picture.mode == "RGBA" else picture.convert("RGBA")


def _unsuitable(detail: str) -> SigningError:
    return SigningError("SIG_PICTURE_UNSUITABLE", f"Hình chữ ký phải là PNG nền trong suốt ({detail})", blame="peer")


def without_frame(content: PdfContent) -> StaticStampStyle:
    """As large as its box: a seal is shown at its real size (II.8.a)."""
    layout = SimpleBoxLayoutRule(
        x_align=AxisAlignment.ALIGN_MID,
        y_align=AxisAlignment.ALIGN_MID,
        margins=Margins(0, 0, 0, 0),
        inner_content_scaling=InnerScaling.STRETCH_TO_FIT,
    )
    return StaticStampStyle(border_width=0, background=content, background_opacity=1, background_layout=layout)


class TextContent(PdfContent):
    """Lines of text as the background of a stamp."""

    def __init__(self, text: str, box: Box) -> None:
        super().__init__()
        self._page = text_pdf(text.splitlines(), box, size=TEXT_SIZE, right=True)
        self.set_box(width=box[2] - box[0], height=box[3] - box[1])

    def set_box(self, *, width: float, height: float) -> None:
        self.box.width = round(width)
        self.box.height = round(height)

    def render(self) -> bytes:
        page = PdfFileReader(io.BytesIO(self._page))
        drawing = self._ensure_writer.import_page_as_xobject(page)
        self.resources.xobject["/Lines"] = drawing
        return b"/Lines Do"
