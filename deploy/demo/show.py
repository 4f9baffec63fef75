"""Everything the chapters play with, and how it is set up: programs, signing room, agencies, keys."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ...gateway.cli import main as command_line
from .axis_desk import AxisDesk
from .checks import Checks
from .eoffice import Office
from .people import NEIGHBOUR, NGHE_AN, OWN, SENDER, SIGNING, Place
from .screen import await_it, exactly, heading, meanwhile, say
from .signing_room import SigningRoom, open_signing_room
from .stage import Stage, StageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """``travelling``: documents of which the last chapter tells, by what they are: (office, id)."""

    stage: Stage
    room: SigningRoom
    axis: AxisDesk
    sender: Office
    neighbour: Office
    operator: Office
    checks: Checks
    travelling: dict[str, tuple[Office, str]] = field(default_factory=dict)

    @property
    def year(self) -> int:
        return self.room.today.year


def open_show(stage: Stage) -> Show:
    """Start both programs; make the keys while they start; then give the agencies what they need."""
    heading("0. Khởi động")
    say(f"Thư mục dữ liệu: {stage.folder}")
    stage.start_axis()
    stage.start_node()
    say("Tạo chứng thư số giả lập (TEST) cho ba cơ quan và bộ dấu thời gian.")
    papers = stage.folder / "papers"
    papers.mkdir()
    now = datetime.now(UTC)
    room = meanwhile("tạo khóa", lambda: open_signing_room(stage.folder / "keys", papers, stage.trust, now))
    stage.await_ready()
    say(f"Trục giả lập đứng thay Trục liên thông văn bản quốc gia: http://127.0.0.1:{stage.axis_port}")
    say(f"Nút liên thông, với PostgreSQL nhúng và hàng đợi nhúng: {stage.node_url}")
    show = meanwhile("khai báo", lambda: _settle_in(stage, room))
    await_it("chờ danh bạ các trục", lambda: _known(show.sender, NGHE_AN))
    return show


def _settle_in(stage: Stage, room: SigningRoom) -> Show:
    """What the operator of a real node types once."""
    say("Khai báo đơn vị, chứng thư và khóa bằng dòng lệnh, như người vận hành làm; ví dụ:")
    exactly(f"lienthong agency add --code {SENDER.code} --name '{SENDER.name}'")
    exactly(f"lienthong key issue --agency {SENDER.code} --label eOffice")
    for place in OWN:
        email = f"vanthu.{place.code[4:6]}@mau.example"
        details = ["--in-charge", "UBND tỉnh Mẫu", "--address", "Số 01 đường Thử Nghiệm, tỉnh Mẫu", "--email", email]
        _type(stage, "agency", "add", "--code", place.code, "--name", place.name, *details)
    for place in SIGNING:
        for role in ("leader", "agency"):
            file = room.certificate(place, role)
            _type(stage, "certificate", "add", "--file", str(file), "--agency", place.code, "--role", role)
    operator = _type(stage, "operator-key", "issue", "--name", "Trực ban")
    return Show(
        stage=stage,
        room=room,
        axis=AxisDesk(base=stage.control_url),
        sender=_office(stage, SENDER),
        neighbour=_office(stage, NEIGHBOUR),
        operator=Office(code="", name="Trực ban", base=stage.node_url, key=operator),
        checks=Checks(),
    )


def _office(stage: Stage, place: Place) -> Office:
    key = _type(stage, "key", "issue", "--agency", place.code, "--label", "eOffice")
    return Office(code=place.code, name=place.name, base=stage.node_url, key=key)


def _type(stage: Stage, *words: str) -> str:
    """A command of the console script, run in this process (it starts faster); its last line."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        status = command_line.run(["--config", str(stage.config), *words])
    if status:
        raise StageError(f"lienthong {' '.join(words)}: {printed.getvalue().strip()}")
    return printed.getvalue().strip().splitlines()[-1]


def _known(office: Office, place: Place) -> bool:
    return bool(office.get(f"/v1/agencies?code={place.code}")["items"])
