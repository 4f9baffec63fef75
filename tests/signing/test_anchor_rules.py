"""Whatever words stand wherever on a page: places are found or not, and those found are places."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lienthong.signing.anchors import date_anchor, number_anchor
from lienthong.signing.page_text import PageText, Run
from lienthong.signing.sign_job import Box
from lienthong.signing.signer_anchors import end_of_content, signer_place

WIDTH, HEIGHT = 595.0, 842.0
WORDS = (
    "Số:",
    "Số: 12/QĐ-UBND",
    "Số:      /STC",
    "/QĐ-UBND",
    "Số: /",
    "Mẫu,",
    "Mẫu, ngày",
    "ngày tháng năm",
    "tháng 11 năm 2026",
    "ngày 1 tháng 2 năm 2026",
    "KT. GIÁM ĐỐC",
    "PHÓ GIÁM ĐỐC",
    "TL.",
    "TRƯỞNG PHÒNG",
    "Nguyễn Văn An",
    "NGUYỄN VĂN AN",
    "Trân trọng./.",
    "./.",
    "…",
    ".",
)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    text = draw(st.sampled_from(WORDS) | st.text(st.characters(codec="utf-8"), min_size=1, max_size=12))
    left = draw(st.floats(0, WIDTH - 20))
    bottom = draw(st.sampled_from([30.0, 100.0, 300.0, 400.0, 720.0, 722.0, 800.0]) | st.floats(0, HEIGHT - 20))
    width = draw(st.floats(0.5, 12))
    edges = tuple((left + n * width, left + (n + 1) * width) for n in range(len(text)))
    return Run(text=text, box=(left, bottom, edges[-1][1], bottom + draw(st.floats(0.5, 30))), edges=edges)


pages = st.builds(
    lambda found: PageText(
        number=0,
        width=WIDTH,
        height=HEIGHT,
        turned=False,
        runs=tuple(sorted(found, key=lambda run: (-round(run.box[1]), run.box[0]))),
    ),
    st.lists(runs(), max_size=12),
)


def is_a_place(box: Box) -> bool:
    return box[0] < box[2] and box[1] < box[3]


@settings(max_examples=120, deadline=None)
@given(page=pages, ratio=st.none() | st.floats(0.2, 5))
def test_places_are_places(page: PageText, ratio: float | None) -> None:
    for anchored in (number_anchor(page), date_anchor(page)):
        if anchored is not None and anchored.field is not None:
            assert is_a_place(anchored.field.box)
            assert all(left < right for _, left, right in anchored.field.gaps)
    signer = signer_place([page], ratio)
    assert signer is None or is_a_place(signer.box)
    for _, box in end_of_content([page], 3):
        assert is_a_place(box)
