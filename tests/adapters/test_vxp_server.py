"""The server side seen by clients of the field: raw requests, odd headers, complete answers."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lienthong.adapters.emulator.settings import HashMode, Profile
from lienthong.adapters.vxp.protocol import HashForm, printed_hash, signed_headers
from lienthong.adapters.vxp.uploads import UploadTooLargeError, receive_body
from lienthong.tests.adapters.axes import OUR_KEY, OUR_SYSTEM, THEIR_KEY, THEIR_SYSTEM, OverEmulator, over_emulator
from lienthong.tests.adapters.packages import MINISTRY, OURS, THEIRS, document, frozen

Clock = Callable[[], datetime]
pytestmark = pytest.mark.timeout(20)


class Vendor:
    """A client that speaks the protocol word by word."""

    def __init__(self, session: aiohttp.ClientSession, root: str, now: datetime) -> None:
        self._session = session
        self._root = root
        self.now = now

    def headers(self, content_type: str = "application/json", *, theirs: bool = False, **params: str) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in params.items()}
        return signed_headers(
            named,
            content_type=content_type,
            system_id=THEIR_SYSTEM if theirs else OUR_SYSTEM,
            secret=THEIR_KEY if theirs else OUR_KEY,
            now=self.now,
        )

    async def call(
        self,
        path: str,
        headers: Any,
        body: bytes = b"",
        method: str = "POST",
    ) -> tuple[int, bytes]:
        async with self._session.request(method, self._root + path, headers=headers, data=body or None) as response:
            return response.status, await response.read()

    async def json(self, path: str, headers: Any, body: bytes = b"") -> dict[str, Any]:
        status, answer = await self.call(path, headers, body)
        assert status == 200
        assert answer.isascii()
        value: dict[str, Any] = json.loads(answer)
        assert {"status", "ErrorCode", "ErrorDesc"} <= set(value)
        assert None not in value.values()
        return value

    def send_headers(self, content: bytes, **params: str) -> dict[str, str]:
        return self.headers(
            "application/octet-stream",
            **{
                "servicetype": "eDoc",
                "messagetype": "edoc",
                "hash_file": printed_hash(hashlib.sha256(content).digest(), HashForm.UNPADDED),
                "from": OURS,
                **params,
            },
        )


@pytest.fixture
async def axis(tmp_path: Path, clock: Clock) -> AsyncIterator[OverEmulator]:
    async with over_emulator(tmp_path / "axis", clock, profile=Profile(max_body=100_000)) as running:
        yield running


@pytest.fixture
async def vendor(axis: OverEmulator, clock: Clock) -> AsyncIterator[Vendor]:
    # A client of the field shows its own limits on header size only.
    async with aiohttp.ClientSession() as session:
        root = axis.emulator.base_url.removesuffix("/XrdAdapter/adapter")
        yield Vendor(session, root, clock())


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    return frozen(document(tmp_path), tmp_path / "sent.edxml").path.read_bytes()


@pytest.mark.parametrize("prefix", ["/XrdAdapter/adapter/", "/", "//", "/XrdAdapter//adapter//"])
async def test_any_prefix_and_any_number_of_slashes(vendor: Vendor, prefix: str) -> None:
    answer = await vendor.json(f"{prefix}getAgenciesList", vendor.headers())
    assert answer["status"] == "OK"
    assert {"id", "pid", "code", "name", "mail", "oldCode"} == set(answer["data"][0])


async def test_unknown_paths_and_verbs(vendor: Vendor) -> None:
    assert await vendor.call("/nowhere", vendor.headers()) == (404, b"")
    assert (await vendor.call("/XrdAdapter/adapter/getEdoc", vendor.headers(), method="GET"))[0] == 405
    assert (await vendor.call("/XrdAdapter/adapter/downloadEdoc", vendor.headers()))[0] == 405


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("sendEdoc", "DocId"),
        ("getEdoc", "data"),
        ("getReceivedEdocList", "data"),
        ("getSentEdocList", "data"),
        ("getAgenciesList", "data"),
        ("countReceiveEdoc", "count"),
        ("updateStatus", "status"),
    ],
)
async def test_a_refusal_carries_every_field_of_its_operation(vendor: Vendor, path: str, field: str) -> None:
    headers = vendor.headers() | {"XroadVnpt-hash-header": "00"}
    answer = await vendor.json(f"/{path}", headers)
    assert (answer["status"], answer["ErrorCode"]) == ("FAIL", "15")
    assert field in answer


async def test_errors_of_a_download_have_no_body(vendor: Vendor) -> None:
    wrong = vendor.headers(docId="x") | {"XroadVnpt-hash-header": "00"}
    for headers in (wrong, vendor.headers(docId="x"), vendor.headers()):
        assert await vendor.call("/downloadEdoc", headers, method="GET") == (404, b"")


async def test_a_signature_covers_what_it_names_only(vendor: Vendor) -> None:
    """Left-over headers are neither believed nor refused; an unsigned system id is refused."""
    headers = vendor.headers() | {"XroadVnpt-docId": "left over", "XroadVnpt-filePath": "C:/x"}
    assert (await vendor.json("/countReceiveEdoc", headers, b"{}"))["count"] == "0"
    headers["XroadVnpt-systemid"] = THEIR_SYSTEM
    assert (await vendor.json("/countReceiveEdoc", headers, b"{}"))["ErrorCode"] == "15"


async def test_the_trailing_crlf_is_not_part_of_the_package(axis: OverEmulator, vendor: Vendor, content: bytes) -> None:
    for body in (content + b"\r\n", content):
        answer = await vendor.json("/sendEdoc", vendor.send_headers(content), body)
        kept = axis.emulator.controls.ledger.folders.original(answer["DocId"])
        assert kept.read_bytes() == content


async def test_the_to_header_never_overrides_the_envelope(vendor: Vendor, content: bytes) -> None:
    for to in (json.dumps([MINISTRY]), json.dumps(json.dumps([MINISTRY])), MINISTRY, "[", '"'):
        assert (await vendor.json("/sendEdoc", vendor.send_headers(content, to=to), content))["status"] == "OK"
    headers = vendor.headers(theirs=True, servicetype="eDoc", messagetype="edoc")
    rows = (await vendor.json("/getReceivedEdocList", headers))["data"]
    assert {row["to"] for row in rows} == {THEIRS}
    assert set(rows[0]) == {
        "docId",
        "serviceType",
        "messageType",
        "created_time",
        "updated_time",
        "from",
        "to",
        "status",
        "status_desc",
    }


async def test_six_hundred_recipients_in_a_header(vendor: Vendor, content: bytes) -> None:
    codes = json.dumps([f"000.00.{number:02d}.H{number % 100:02d}" for number in range(900)])
    answer = await vendor.json("/sendEdoc", vendor.send_headers(content, to=codes), content)
    assert answer["status"] == "OK"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"from": THEIRS}, "19"),
        ({"from": ""}, "19"),
        ({"hash_file": "00"}, "10"),
        ({"messagetype": "other"}, "20"),
        ({"messagetype": "status"}, "22"),
        ({"from": "000.00.02.H99"}, "19"),
    ],
)
async def test_a_send_that_contradicts_itself(
    axis: OverEmulator, vendor: Vendor, content: bytes, change: dict[str, str], code: str
) -> None:
    answer = await vendor.json("/sendEdoc", vendor.send_headers(content, **change), content)
    assert (answer["status"], answer["ErrorCode"], answer["DocId"]) == ("FAIL", code, "0")
    assert axis.emulator.controls.ledger.state.packages == {}
    assert list(axis.emulator.controls.ledger.folders.incoming.iterdir()) == []


@pytest.mark.parametrize("body", [b"", b"<a/>", b"1212<?xml", b"\x00" * 100, b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"])
async def test_what_is_no_package_is_refused(vendor: Vendor, body: bytes) -> None:
    answer = await vendor.json("/sendEdoc", vendor.send_headers(body), body)
    assert (answer["status"], answer["ErrorCode"]) == ("FAIL", "22")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_413_with_a_complete_answer(
    axis: OverEmulator,
    vendor: Vendor,
    chunked: bool,
) -> None:
    body = b"x" * 100_003

    async def pieces() -> AsyncIterator[bytes]:
        yield body

    status, answer = await vendor.call("/sendEdoc", vendor.send_headers(body), pieces() if chunked else body)
    assert status == 413
    assert json.loads(answer)["DocId"] == "0"
    assert list(axis.emulator.controls.ledger.folders.incoming.iterdir()) == []


async def test_get_edoc_and_download_give_the_same_bytes(vendor: Vendor, content: bytes) -> None:
    await vendor.json("/sendEdoc", vendor.send_headers(content), content)
    (row,) = (await vendor.json("/getReceivedEdocList", vendor.headers(theirs=True, messagetype="edoc")))["data"]
    headers = vendor.headers(theirs=True, docId=row["docId"])
    status, downloaded = await vendor.call("/downloadEdoc", headers, method="GET")
    assert status == 200
    answer = await vendor.json("/getEdoc", headers, b"{}")
    assert base64.b64decode(answer["data"]) == downloaded
    counted = await vendor.json("/countReceiveEdoc", vendor.headers(theirs=True), b"{}")
    assert counted["count"] == "1"


async def test_a_window_narrows_lists_down(vendor: Vendor, content: bytes, clock: Clock) -> None:
    await vendor.json("/sendEdoc", vendor.send_headers(content), content)
    for days, rows in ((0, 1), (-2, 0)):
        day = clock() + timedelta(days=days)
        span = {
            "fromDate": f"{day - timedelta(hours=1):%d/%m/%Y %H:%M:%S}",
            "toDate": f"{day + timedelta(hours=12):%d/%m/%Y %H:%M:%S}",
        }
        answer = await vendor.json("/getSentEdocList", vendor.headers(messagetype="edoc", **span))
        assert len(answer["data"]) == rows


async def test_agencies_are_registered_changed_and_deleted_by_their_own_system(vendor: Vendor) -> None:
    form = {"id": "", "pcode": OUR_SYSTEM, "code": "000.00.09.H99", "name": "UBND xã Mẫu", "mail": "", "mobile": ""}
    answer = await vendor.json("/registerAgency", vendor.headers(), json.dumps(form).encode())
    assert answer["status"] == "OK"
    theirs = vendor.headers(theirs=True)
    assert (await vendor.json("/registerAgency", theirs, json.dumps(form).encode()))["ErrorCode"] == "19"
    assert (await vendor.json("/registerAgency", vendor.headers(), b"[]"))["ErrorCode"] == "20"
    foreign = vendor.headers(theirs=True, AgencyCode="000.00.09.H99")
    assert (await vendor.json("/deleteAgency", foreign, b"{}"))["ErrorCode"] == "19"
    own = vendor.headers(AgencyCode="000.00.09.H99")
    assert (await vendor.json("/deleteAgency", own, b"{}"))["status"] == "OK"
    names = {row["code"] for row in (await vendor.json("/getAgenciesList", vendor.headers()))["data"]}
    assert "000.00.09.H99" not in names


async def test_units_and_new_codes(vendor: Vendor) -> None:
    units = (await vendor.json("/getSynchronizeUnit", vendor.headers()))["data"]
    assert all(unit["isAgency"] is True for unit in units)
    (row,) = (await vendor.json("/getAgenciesListQD20", vendor.headers()))["data"]
    assert (row["code"], row["code102"]) == ("H98.5", "000.00.05.H98")


async def test_an_old_timestamp_is_refused_when_the_window_is_on(tmp_path: Path, clock: Clock) -> None:
    profile = Profile(timestamp_window=60.0, hash_mode=HashMode.UNPADDED)
    async with over_emulator(tmp_path / "axis", clock, profile=profile) as axis, aiohttp.ClientSession() as session:
        late = Vendor(session, axis.emulator.base_url, clock() - timedelta(minutes=2))
        answer = await late.json("/getAgenciesList", late.headers())
        assert answer["ErrorDesc"].startswith("Lech gio")
        late.now = clock()
        assert (await late.json("/getAgenciesList", late.headers()))["status"] == "OK"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=5), max_size=8))
async def test_a_body_in_any_pieces_is_kept_without_one_crlf(tmp_path: Path, pieces: list[bytes]) -> None:
    async def blocks() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    whole = b"".join(pieces)
    into = tmp_path / "body"
    into.unlink(missing_ok=True)
    got = await receive_body(blocks(), into, 100)
    wanted = whole.removesuffix(b"\r\n")
    assert into.read_bytes() == wanted
    assert (got.size, got.sha256) == (len(wanted), hashlib.sha256(wanted).hexdigest())
    into.unlink()
    if wanted:
        with pytest.raises(UploadTooLargeError):
            await receive_body(blocks(), into, len(wanted) - 1)
