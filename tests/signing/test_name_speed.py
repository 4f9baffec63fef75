"""Names compared by their bytes equal asn1crypto's own comparison on every pair."""

from __future__ import annotations

import itertools

from asn1crypto.x509 import Name

from lienthong.signing import name_speed

ORIGINAL = getattr(Name.__eq__, "replaced", Name.__eq__)
NAMES = [
    Name.build(parts)
    for parts in (
        {"common_name": "Sở Khoa học và Công nghệ", "country_name": "VN"},
        {"common_name": "SỞ KHOA HỌC VÀ CÔNG NGHỆ", "country_name": "VN"},
        {"common_name": " Sở  Khoa học và Công nghệ ", "country_name": "vn"},
        {"common_name": "So Khoa hoc va Cong nghe", "country_name": "VN"},
        {"common_name": "Sở Khoa học và Công nghệ"},
        {"organization_name": "Sở Khoa học và Công nghệ", "country_name": "VN"},
        {},
    )
]
PAIRS = list(itertools.product(NAMES, NAMES))


def test_every_pair_is_answered_as_by_the_original_also_the_second_time() -> None:
    equal = name_speed.remembering(ORIGINAL)
    expected = [ORIGINAL(one, other) for one, other in PAIRS]
    assert [equal(one, other) for one, other in PAIRS] == expected
    assert [equal(one, other) for one, other in PAIRS] == expected
    assert expected.count(True) > len(NAMES), "the cases must hold names that are equal in other bytes"


def test_what_is_no_name_is_never_equal() -> None:
    equal = name_speed.remembering(ORIGINAL)
    assert [equal(NAMES[0], other) for other in (None, "CN=x", NAMES[0].chosen)] == [False, False, False]


def test_comparable_form_is_the_original_one() -> None:
    original = getattr(Name.hashable.fget, "replaced", Name.hashable.fget)
    form = name_speed.remembering_form(original)
    assert [form(name) for name in NAMES * 2] == [original(name) for name in NAMES * 2]
