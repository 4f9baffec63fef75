"""What a signature shows: a picture, lines of text, both, or nothing, as the appearance of its field.

Adapter of pyHanko's writer. A picture is decoded and packed once for all signatures of a session.
Source: Nghị định 30/2020/NĐ-CP, Phụ lục I, Phần I, II.7.d (leader), II.8.a (seal), II.8.b (text).
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from PIL import Image, UnidentifiedImageError
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from .errors import SigningError
from .sign_job import Box
from .stamps import WORDS_LEADING, WORDS_SIZE, WORDS_UNDER, text_pdf

TEXT_SIZE: Final = 10.0  # Phụ lục I, Phần I, II.8.b
MAX_PIXELS: Final = 16_000_000
MAX_BYTES: Final = 8 * 1024 * 1024
KEPT: Final = 32  # pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """``picture``: transparent PNG. ``text``: under the picture, or alone at the right edge."""

    picture: bytes | None = None
    text: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Packed:
    width: int
    height: int
    colours: bytes  # deflated RGB
    mask: bytes  # deflated alpha


def draw(writer: IncrementalPdfFileWriter, look: Look, box: Box) -> generic.IndirectObject:
    """Add the appearance for a field of this box. Raises SigningError SIG_PICTURE_UNSUITABLE."""
    width, height = box[2] - box[0], box[3] - box[1]
    parts: list[bytes] = []
    drawings = generic.DictionaryObject()
    below = len(look.text) * WORDS_SIZE * WORDS_LEADING if look.picture is not None else 0.0
    beside = max(0.0, width - (height - below)) if below else 0.0  # what the words have to the left of a round seal
    if look.picture is not None:
        drawings[pdf_name("/Picture")], packed = _image(writer, look.picture)
        parts.append(_fitted(packed, width - beside, height - below, left=beside, bottom=below))
    if look.text:
        room = beside + (width - beside) * WORDS_UNDER if beside else width
        size = WORDS_SIZE if below else TEXT_SIZE
        page = text_pdf(look.text, (0, 0, room, below or height), size=size, right=look.picture is None)
        drawings[pdf_name("/Lines")] = writer.import_page_as_xobject(PdfFileReader(io.BytesIO(page)))
        parts.append(b"/Lines Do")
    form = generic.StreamObject(
        generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/XObject"),
                pdf_name("/Subtype"): pdf_name("/Form"),
                pdf_name("/BBox"): generic.ArrayObject([generic.FloatObject(n) for n in (0, 0, width, height)]),
                pdf_name("/Resources"): generic.DictionaryObject({pdf_name("/XObject"): drawings}),
            }
        ),
        stream_data=b"\n".join(parts),
    )
    return writer.add_object(form)


def _fitted(packed: _Packed, width: float, height: float, *, left: float, bottom: float) -> bytes:
    """As large as the box allows, in its middle, never distorted: a seal is shown at its real size (II.8.a)."""
    scale = min(width / packed.width, height / packed.height)
    shown_width, shown_height = packed.width * scale, packed.height * scale
    left, bottom = left + (width - shown_width) / 2, bottom + (height - shown_height) / 2
    return b"q %.3f 0 0 %.3f %.3f %.3f cm /Picture Do Q" % (shown_width, shown_height, left, bottom)


def _image(writer: IncrementalPdfFileWriter, png: bytes) -> tuple[generic.IndirectObject, _Packed]:
    packed = _packed(png)
    mask = writer.add_object(_samples(packed, "/DeviceGray", packed.mask, {}))
    return writer.add_object(_samples(packed, "/DeviceRGB", packed.colours, {pdf_name("/SMask"): mask})), packed


def _samples(packed: _Packed, space: str, data: bytes, more: dict[Any, Any]) -> generic.StreamObject:
    return generic.StreamObject(
        generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/XObject"),
                pdf_name("/Subtype"): pdf_name("/Image"),
                pdf_name("/Width"): generic.NumberObject(packed.width),
                pdf_name("/Height"): generic.NumberObject(packed.height),
                pdf_name("/ColorSpace"): pdf_name(space),
                pdf_name("/BitsPerComponent"): generic.NumberObject(8),
                pdf_name("/Filter"): pdf_name("/FlateDecode"),
                **more,
            }
        ),
        encoded_data=data,
    )


@lru_cache(maxsize=KEPT)
def _packed(png: bytes) -> _Packed:
    picture = _transparent(png)
    mask = picture.getchannel("A")
    return _Packed(
        width=picture.width,
        height=picture.height,
        colours=zlib.compress(picture.convert("RGB").tobytes(), 9),
        mask=zlib.compress(mask.tobytes(), 9),
    )


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


def picture_ratio(png: bytes) -> float:
    """Width to height. Raises SigningError SIG_PICTURE_UNSUITABLE."""
    packed = _packed(png)
    return packed.width / packed.height


def read_picture(path: str) -> bytes:
    """Raises SigningError SIG_PICTURE_UNSUITABLE."""
    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise _unsuitable(f"lớn hơn {MAX_BYTES} byte")
        return Path(path).read_bytes()
    except OSError as cause:
        raise _unsuitable(type(cause).__name__) from cause


def _unsuitable(detail: str) -> SigningError:
    return SigningError("SIG_PICTURE_UNSUITABLE", f"Hình chữ ký phải là PNG nền trong suốt ({detail})", blame="peer")
