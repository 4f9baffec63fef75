"""``make kafka``: a real Apache Kafka on loopback with its own data folder, until Ctrl+C or SIGTERM."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from .assemble import KafkaError
from .cluster import Cluster

DATA = Path(__file__).parents[2] / ".build" / "kafka-data"


def main() -> int:
    options = argparse.ArgumentParser(description="Apache Kafka 4.3.1 trên máy này, không cần container")
    options.add_argument("--data", type=Path, default=DATA, help="thư mục dữ liệu; giữ lại giữa các lần chạy")
    options.add_argument("--port", type=int, default=9092, help="cổng của broker thứ nhất ở lần chạy đầu")
    options.add_argument("--brokers", type=int, default=1, choices=(1, 3), help="1, hoặc 3 để thử mất một broker")
    chosen = options.parse_args()
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    print("Chuẩn bị Apache Kafka (lần đầu tải khoảng 43 MB từ Maven Central)…", flush=True)
    try:
        with Cluster(folder=chosen.data / str(chosen.brokers), size=chosen.brokers, port=chosen.port) as cluster:
            print(f"Kafka sẵn sàng: {cluster.bootstrap}", flush=True)
            print(f'Cấu hình nút: [queue] broker = "kafka"; [kafka] servers = "{cluster.bootstrap}"', flush=True)
            if chosen.brokers == 1:
                print("              copies = 1, in_sync = 1 (một broker chỉ để thử)", flush=True)
            stop.wait()
            print("Đang dừng Kafka…", flush=True)
    except KafkaError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
