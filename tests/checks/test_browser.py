"""The page /kiem-tra as a clerk meets it: a real Chromium, mouse and keyboard, wide and narrow, on paper, by axe."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Download, FileChooser, Page, expect

from lienthong.gateway.node import Node
from lienthong.tests.checks.stage import Material
from lienthong.tests.signing.desk import SENDER

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDE, PHONE, NARROWEST = (1280, 900), (360, 740), (320, 640)
VERDICTS = {"good": "HỢP LỆ", "altered": "KHÔNG HỢP LỆ", "one_signature": "KHÔNG HỢP LỆ", "package": "KHÔNG HỢP LỆ"}


class Clerk:
    """A person at the page; whatever the browser complained about is remembered."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    async def open(self) -> None:
        await self.page.goto(f"{self.address}/kiem-tra")

    async def hand_in(self, file: Path) -> str:
        """Choose and send; what the heading of the answer says."""
        await self.open()
        await self.page.set_input_files("#file", file)
        await self.page.click("#submit")
        await expect(self.page.locator("#verdict")).to_be_visible(timeout=30_000)
        return await self.page.inner_text("#verdict")

    async def drop(self, *files: Path) -> None:
        """Let files fall onto the frame, as from a file manager."""
        told = [{"name": file.name, "content": base64.b64encode(file.read_bytes()).decode()} for file in files]
        transfer = await self.page.evaluate_handle(
            """files => { const transfer = new DataTransfer();
            for (const {name, content} of files) {
              const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
              transfer.items.add(new File([bytes], name)); }
            return transfer; }""",
            told,
        )
        for event in ("dragenter", "dragover", "drop"):
            await self.page.dispatch_event("#drop", event, {"dataTransfer": transfer})

    async def focused(self) -> str:
        return str(await self.page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))

    async def overflow(self) -> int:
        return int(await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@pytest_asyncio.fixture(loop_scope="session")
async def clerk(browser: Browser, address: str, request: pytest.FixtureRequest) -> AsyncIterator[Clerk]:
    """``size``, ``script`` and ``colours`` by indirect parameters; the browser may complain about nothing."""
    asked: dict[str, Any] = getattr(request, "param", {})
    width, height = asked.get("size", WIDE)
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        java_script_enabled=asked.get("script", True),
        color_scheme=asked.get("colours", "light"),
        locale="vi-VN",
        accept_downloads=True,
    )
    opened = Clerk(await context.new_page(), address)
    yield opened
    await context.close()
    assert opened.complaints == []


@pytest.mark.parametrize(("file", "word"), VERDICTS.items())
async def test_a_chosen_file_gets_its_verdict(clerk: Clerk, material: Material, file: str, word: str) -> None:
    heading = await clerk.hand_in(getattr(material, file))
    assert heading.endswith(f"Kết luận: {word}")
    assert heading[0] in "✓✗"  # a sign beside word and colour
    assert word in await clerk.page.inner_text("#status")  # a live region tells it too
    assert await clerk.focused() == "verdict"
    assert (await clerk.page.title()).startswith(word)


async def test_each_signature_shows_seven_answers_with_code_and_law(clerk: Clerk, material: Material) -> None:
    await clerk.hand_in(material.good)
    for signature in await clerk.page.locator("article.signature").all():
        answers = await signature.locator(".answers > li").all_inner_texts()
        assert len(answers) == 7
        assert all("Căn cứ: " in answer and "Mã: SIG_" in answer for answer in answers)
    await clerk.page.locator(".answers a").first.click()
    assert await clerk.page.locator(".articles li:target").count() == 1


async def test_a_package_shows_its_header_and_every_file(clerk: Clerk, material: Material) -> None:
    await clerk.hand_in(material.package)
    told = await clerk.page.inner_text("#result")
    for words in (
        "Sở Tài chính tỉnh Mẫu",
        "Sở Y tế tỉnh Mẫu",
        "15/STC-VP",
        "V/v kiểm tra chữ ký số",
        "Tệp 2/2: phụ lục.pdf",
    ):
        assert words in told
    assert "phụ lục.pdf: Tài liệu không có chữ ký số nào" in told


async def test_merely_missing_signatures_are_no_reason_to_return(clerk: Clerk, material: Material) -> None:
    await clerk.hand_in(material.one_signature)
    assert "có thể nhận để tham khảo" in await clerk.page.inner_text("#result")
    await clerk.hand_in(material.altered)
    assert "Không tiếp nhận như bản gốc" in await clerk.page.inner_text("#result")


async def test_a_dropped_file_is_checked_at_once(clerk: Clerk, material: Material) -> None:
    await clerk.open()
    await clerk.drop(material.good)
    await expect(clerk.page.locator("#verdict")).to_contain_text("HỢP LỆ", timeout=30_000)
    await clerk.drop(material.altered)
    await expect(clerk.page.locator("#verdict")).to_contain_text("KHÔNG HỢP LỆ", timeout=30_000)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (("good", "altered"), "Mỗi lần chỉ kiểm tra một tệp"),
        (("empty",), "rỗng"),
        (("large",), "vượt quá giới hạn 1 MB"),
    ],
)
async def test_what_cannot_be_checked_is_said_before_it_is_sent(
    clerk: Clerk, material: Material, files: tuple[str, ...], words: str
) -> None:
    await clerk.open()
    await clerk.drop(*(getattr(material, name) for name in files))
    await expect(clerk.page.locator("#status")).to_contain_text(words)
    assert await clerk.page.locator("#verdict").count() == 0


async def test_nonsense_is_refused_in_vietnamese(clerk: Clerk, material: Material) -> None:
    assert "Chưa kiểm tra được" in await clerk.hand_in(material.nonsense)
    assert "không phải PDF, cũng không phải gói tin edXML" in await clerk.page.inner_text("#result")
    (complaint,) = clerk.complaints  # Chromium notes every answer that is no 200
    assert "415" in complaint
    clerk.complaints.clear()


async def test_a_node_in_trouble_is_told_and_the_file_can_be_sent_again(clerk: Clerk, material: Material) -> None:
    await clerk.open()
    await clerk.page.route("**/kiem-tra", lambda route: route.abort())
    await clerk.drop(material.good)
    await expect(clerk.page.locator("#status")).to_contain_text("Không nhận được kết quả")
    await clerk.page.unroute("**/kiem-tra")
    trouble = json.dumps({"detail": "Nút gặp lỗi chưa lường trước. Mã sự cố: 1."})
    answer = {"status": 500, "content_type": "application/problem+json", "body": trouble}
    await clerk.page.route("**/kiem-tra", lambda route: route.fulfill(**answer))
    await clerk.page.click("#submit")
    await expect(clerk.page.locator("#status")).to_contain_text("Mã sự cố: 1")
    await clerk.page.unroute("**/kiem-tra")
    await clerk.page.click("#submit")
    await expect(clerk.page.locator("#verdict")).to_contain_text("HỢP LỆ", timeout=30_000)
    clerk.complaints.clear()


@pytest.mark.parametrize("clerk", [{"script": False}], indirect=True)
async def test_everything_works_without_script(clerk: Clerk, material: Material) -> None:
    assert "HỢP LỆ" in await clerk.hand_in(material.good)
    assert "KHÔNG HỢP LỆ" in await clerk.hand_in(material.package)
    async with clerk.page.expect_download() as download:
        await clerk.page.get_by_role("button", name="Tải kết quả JSON").click()
    told = json.loads(await _content_of(await download.value))
    assert (told["kind"], told["overall"]) == ("edxml", "INVALID")
    assert "vượt quá 1 MB" in await _refused(clerk, material.large)


async def _refused(clerk: Clerk, file: Path) -> str:
    await clerk.hand_in(file)
    clerk.complaints.clear()
    return await clerk.page.inner_text("#result")


async def test_the_whole_way_by_keyboard(clerk: Clerk, material: Material, downloads: Path) -> None:
    """Skip link, file, options, send, printed report: no mouse, and the focus is always seen."""
    page, press = clerk.page, clerk.page.keyboard.press
    choosers: asyncio.Queue[FileChooser] = asyncio.Queue()
    page.on("filechooser", choosers.put_nowait)  # long before the key: Playwright does not wait for itself
    await clerk.open()
    await press("Tab")
    assert await clerk.focused() == "Đến nội dung chính"
    await press("Enter")
    await _tab_to(clerk, "file")
    await press("Enter")
    async with asyncio.timeout(30):
        await (await choosers.get()).set_files(material.good)
    await press("Tab")
    await press("Enter")  # opens the options
    await _tab_to(clerk, "sender")
    await page.keyboard.type(SENDER)
    await _tab_to(clerk, "submit")
    await press("Enter")
    await expect(page.locator("#verdict")).to_be_focused(timeout=30_000)
    assert "do người kiểm tra khai" in await page.inner_text("#result")
    await press("Tab")
    assert await clerk.focused() == "Tải bản in PDF"
    async with page.expect_download() as download:
        await press("Enter")
    (downloads / "phieu.pdf").write_bytes(await _content_of(await download.value))
    printed = await _text_of(downloads / "phieu.pdf")
    assert "KẾT LUẬN: HỢP LỆ" in printed
    assert "Trang 1/2" in printed


async def _tab_to(clerk: Clerk, wanted: str) -> None:
    for _ in range(12):
        await clerk.page.keyboard.press("Tab")
        outline = await clerk.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", await clerk.focused()
        if await clerk.focused() == wanted:
            return
    pytest.fail(f"{wanted} is not reached by Tab")


@pytest.mark.parametrize("clerk", [{"size": PHONE}, {"size": NARROWEST}], indirect=True, ids=["phone", "narrowest"])
async def test_nothing_sticks_out_on_a_phone(clerk: Clerk, material: Material) -> None:
    await clerk.open()
    assert await clerk.overflow() <= 0
    for file in (material.package, material.altered):
        await clerk.hand_in(file)
        assert await clerk.overflow() <= 0
    button = await clerk.page.locator("#submit").bounding_box()
    assert button is not None
    assert button["height"] >= 44  # a finger


async def test_the_printed_page_has_the_result_and_no_form(clerk: Clerk, material: Material, downloads: Path) -> None:
    await clerk.hand_in(material.package)
    await clerk.page.pdf(path=downloads / "trang.pdf", prefer_css_page_size=True)
    printed = await _text_of(downloads / "trang.pdf")
    assert "Kết luận: KHÔNG HỢP LỆ" in printed
    assert "Căn cứ pháp lý" in printed
    assert "Tùy chọn" not in printed
    assert "Tải bản in PDF" not in printed


VIEWS = {"wide": {}, "narrow": {"size": NARROWEST}, "dark": {"colours": "dark"}}


@pytest.mark.parametrize("clerk", VIEWS.values(), indirect=True, ids=VIEWS)
async def test_axe_finds_no_fault(clerk: Clerk, material: Material) -> None:
    for path in ("", "/errors/CHECK_KIND"):
        await clerk.page.goto(clerk.address + path)
        assert await _faults(clerk) == []
    await clerk.open()
    await clerk.page.locator("summary").click()
    assert await _faults(clerk) == []
    for file in (material.package, material.nonsense):
        await clerk.hand_in(file)
        assert await _faults(clerk) == []
    clerk.complaints.clear()


async def _faults(clerk: Clerk) -> list[str]:
    await clerk.page.evaluate(AXE)
    told = await clerk.page.evaluate("tags => axe.run({runOnly: tags})", WCAG)
    assert len(told["passes"]) > 5
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in told["violations"]]


async def test_nothing_is_left_of_what_was_handed_in(clerk: Clerk, material: Material, node: Node) -> None:
    await clerk.hand_in(material.package)
    assert list(node.scratch.iterdir()) == []
    kept = [path for path in node.settings.files_dir.rglob("*") if path.is_file()]
    assert kept == []


async def _content_of(download: Download) -> bytes:
    path = await download.path()
    return await asyncio.to_thread(path.read_bytes)


async def _text_of(file: Path) -> str:
    def read() -> str:
        return subprocess.run(
            ["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True
        ).stdout

    return await asyncio.to_thread(read)
