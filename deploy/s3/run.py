"""``make s3``: a real S3 server on loopback with its own data folder, until Ctrl+C or SIGTERM."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from .assemble import S3Error
from .server import S3Server

DATA = Path(__file__).parents[2] / ".build" / "s3-data"


def main() -> int:
    options = argparse.ArgumentParser(description="Máy chủ S3 trên máy này, không cần container; chỉ để thử")
    options.add_argument("--data", type=Path, default=DATA, help="thư mục dữ liệu; giữ lại giữa các lần chạy")
    options.add_argument("--port", type=int, default=7070, help="cổng")
    options.add_argument("--server", default="s3proxy", choices=("s3proxy", "versitygw"), help="chương trình máy chủ")
    chosen = options.parse_args()
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    print("Chuẩn bị máy chủ S3 (lần đầu: tải 54 MB, hoặc dựng versitygw vài phút)…", flush=True)
    chosen.data.mkdir(parents=True, exist_ok=True)
    try:
        with S3Server(folder=chosen.data, kind=chosen.server, port=chosen.port) as server:
            print(f"Máy chủ S3 sẵn sàng: {server.endpoint}", flush=True)
            print('Cấu hình nút: [files] store = "s3", và [files.s3]:', flush=True)
            for name, value in server.settings().items():
                print(f'  {name} = "{value}"', flush=True)
            stop.wait()
            print("Đang dừng máy chủ S3…", flush=True)
    except S3Error as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
