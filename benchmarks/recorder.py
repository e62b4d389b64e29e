# SPDX-License-Identifier: Apache-2.0
"""What a killed recorder loses, and what recording costs, at the message rates and sizes of one robot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from evidence.background import BackgroundRecorder
from evidence.definitions import Definitions
from evidence.recorder import RecordedChannel, Recorder
from evidence.recording import Recording

KILLS = 5
RUN_S = 4.0
# topic, messages a second, bytes: a 14,400-point cloud, a scan, odometry, IMU, a JPEG, the small rest
LOAD = (
    ("points", 10, 317_000),
    ("scan", 10, 7_300),
    ("odom", 50, 720),
    ("imu", 100, 330),
    ("picture", 10, 60_000),
    ("rest", 60, 200),
)


def main() -> None:
    """As the child (with a folder): record until killed. Otherwise measure and print one line of figures."""
    if len(sys.argv) > 1:
        _record(Path(sys.argv[1]))
        return
    runs = [_one_kill() for _ in range(KILLS)]
    metrics = {
        "load_megabytes_per_s": round(sum(rate * size for _, rate, size in LOAD) / 1e6, 2),
        "lost_on_kill_max_ms": round(1000 * max(run[0] for run in runs)),
        "lost_on_kill_median_ms": round(1000 * sorted(run[0] for run in runs)[KILLS // 2]),
        "cpu_share_percent": round(100 * sum(run[1] for run in runs) / KILLS, 1),
        "file_megabytes_per_s": round(sum(run[2] for run in runs) / KILLS / 1e6, 2),
    }
    sys.stdout.write(json.dumps({"benchmark": "recorder", "metrics": metrics}) + "\n")


def _one_kill() -> tuple[float, float, float]:
    """Seconds lost, share of one core used, and bytes written a second."""
    with tempfile.TemporaryDirectory() as name:
        child = subprocess.Popen([sys.executable, "-m", "benchmarks.recorder", name], stdout=subprocess.PIPE, text=True)
        if child.stdout is None:
            raise RuntimeError("the child has no output")
        child.stdout.readline()
        begin_s, begin_cpu_s = time.monotonic(), _cpu_s(child.pid)
        time.sleep(RUN_S)
        wall_s, cpu_s = time.monotonic() - begin_s, _cpu_s(child.pid) - begin_cpu_s
        os.kill(child.pid, signal.SIGKILL)
        written = [int(line) for line in child.stdout.read().split()]
        child.wait(timeout=10)
        child.stdout.close()
        path = Path(name) / "patrol" / "recording.mcap"
        read = max(message.log_ns for message in Recording(path).messages())
        return (written[-1] - read) / 1e9, cpu_s / wall_s, path.stat().st_size / wall_s


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _record(folder: Path) -> None:
    share = folder / "share" / "a_msgs" / "msg"
    share.mkdir(parents=True)
    (share / "Blob.msg").write_text("uint8[] data\n")
    recorder = BackgroundRecorder(
        Recorder(
            folder / "patrol",
            tuple(RecordedChannel(topic=name, type="a_msgs/msg/Blob") for name, _, _ in LOAD),
            definitions=Definitions((folder,)),
            provenance={"commit": "benchmark"},
            monotonic_ns=time.monotonic_ns,
        )
    )
    noise = np.random.default_rng(1)
    blobs = {name: noise.integers(0, 256, size, dtype=np.uint8).tobytes() for name, _, size in LOAD}
    due_s = {name: time.monotonic() for name, _, _ in LOAD}
    sys.stdout.write("ready\n")
    while True:
        name, rate, _ = min(LOAD, key=lambda row: due_s[row[0]])
        time.sleep(max(due_s[name] - time.monotonic(), 0.0))
        due_s[name] += 1.0 / rate
        now_ns = time.monotonic_ns()
        recorder.write(name, blobs[name], log_ns=now_ns)
        sys.stdout.write(f"{now_ns}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
