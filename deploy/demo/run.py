"""``make demo``: a signed document travels from one agency's eOffice to others' and its statuses travel back.

Exit status 0 when everything was as it must be, 1 when a check failed, 2 when the demonstration could not be played.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from ...gateway.cli.exits import reason_of
from ..kafka.assemble import KafkaError
from ..s3.assemble import S3Error
from . import finale, incoming, killing, outgoing, own_file
from .eoffice import RefusedError
from .people import NEIGHBOUR, SENDER
from .screen import TooLateError, exactly, heading, prepare, say
from .show import Show, open_show
from .stage import Stage, StageError

OUTPUT = Path(__file__).resolve().parents[2] / "build" / "demo"


def main() -> int:
    prepare()
    options = _options()
    if options.pdf and (trouble := own_file.readable(options.pdf)):
        say(trouble)
        return 2
    for name in [name for name in os.environ if name.startswith("LIENTHONG_")]:
        del os.environ[name]  # the person's own settings are no part of the demonstration
    logging.getLogger("pyhanko").setLevel(logging.ERROR)  # it warns that it may not fetch; it must not
    for number in _ENDINGS:
        signal.signal(number, _interrupted)
    try:
        with Stage(keep=options.keep, kafka=options.broker == "kafka", s3=options.store == "s3") as stage:
            show = open_show(stage)
            status = _play(show, options.pdf, options.output, kill=options.kill)
            if options.keep:
                _stays(show)
            return status
    except (StageError, TooLateError, RefusedError, KafkaError, S3Error) as error:
        say(f"DỪNG: {error}")
    except OSError as error:
        say(f"DỪNG: {reason_of(error)}.")
    except KeyboardInterrupt:
        say()
        say("Đã dừng theo yêu cầu; mọi tiến trình đã tắt, dữ liệu tạm đã xóa.")
    return 2


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--pdf", type=lambda text: Path(text).expanduser().resolve(), help="tệp PDF của bạn")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="nơi để các văn bản đã ký và giấy xác nhận")
    parser.add_argument("--kill", action="store_true", help="giết nút giữa chừng rồi đếm")
    parser.add_argument("--keep", action="store_true", help="để mọi thứ chạy tiếp")
    parser.add_argument(
        "--broker", choices=("embedded", "kafka"), default="embedded", help="ai chuyển tin giữa các bước"
    )
    parser.add_argument("--store", choices=("local", "s3"), default="local", help="tệp văn bản nằm ở đâu")
    return parser.parse_args()


_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    """The first one ends the demonstration; impatience must not leave a node or a database behind."""
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _play(show: Show, own: Path | None, output: Path, *, kill: bool) -> int:
    files = outgoing.make_papers(show, own)
    sent = outgoing.post_twice(show, files)
    travels = sent is not None and _follow(show, sent)
    brought = incoming.documents_arrive(show)
    finale.timelines(show)
    finale.registers(show)
    finale.one_effect_each(show, brought, sent=travels)
    if sent is not None:
        finale.certificate(show, sent.id)
    if kill:
        killing.kill_on_stage(show)
    finale.keep_papers(show, output)
    return finale.verdict(show)


def _follow(show: Show, sent: outgoing.Sent) -> bool:
    """Whether it was sent; the user's own file may wait for a person instead."""
    view = outgoing.examined(show, sent)
    if view["state"] == "held":
        own_file.how_to_release(show, sent, view)
        return False
    outgoing.is_sent(show, sent)
    outgoing.neighbour_registers(show, sent)
    outgoing.statuses_return(show, sent)
    outgoing.axis_has_it_once(show, sent)
    return True


def _stays(show: Show) -> None:
    """Addresses and keys of what keeps running."""
    stage = show.stage
    heading("Mọi thứ vẫn đang chạy")
    say("Mở bằng trình duyệt:")
    exactly(f"{stage.node_url}/docs      tài liệu API, thử ngay được (Swagger UI)")
    exactly(f"{stage.node_url}/errors    mọi mã lỗi: nguyên nhân, cách khắc phục")
    exactly(f"{stage.control_url}/packages    trục giả lập đang giữ những gói tin nào")
    say("Khóa thử (TEST), gửi trong tiêu đề Authorization: Bearer …")
    exactly(f"{SENDER.name}: {show.sender.key}")
    exactly(f"{NEIGHBOUR.name}: {show.neighbour.key}")
    exactly(f"Người vận hành: {show.operator.key}")
    incoming.one_more_altered(show)
    say("Một văn bản nữa bị sửa sau khi ký vừa tới và đang giữ lại, để tự thử xem và quyết định:")
    exactly(stage.command("hold", "list"))
    exactly(stage.command("hold", "release", "tg_…", "--reason", "…", "--actor", "Họ và tên"))
    say(f"Nhật ký: {stage.folder}/node.log, {stage.folder}/axis.log")
    say("Dừng và xóa:")
    exactly(f"kill {' '.join(str(pid) for pid in stage.pids())}; sleep 10; rm -rf {stage.folder}")


if __name__ == "__main__":
    sys.exit(main())
