# SPDX-License-Identifier: Apache-2.0
"""Do 1280 x 720 pictures at 15 Hz cross between two ROS processes without loss, and how late are they?

Also how long one picture takes to be turned into a message and back, and what a plain list of bytes would cost instead.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from patrol.sensors import Image

WIDTH_PX, HEIGHT_PX, RATE_HZ = 1280, 720, 15.0
TOPIC = "camera/image_raw"
DISCOVERY_WITHIN_S = 20.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--role", choices=("send", "receive"))
    arguments = parser.parse_args()
    if arguments.role == "send":
        send(arguments.pictures)
    elif arguments.role == "receive":
        receive(arguments.pictures)
    else:
        sys.stdout.write(json.dumps({"benchmark": "images", "metrics": measure(arguments.pictures)}) + "\n")


def measure(pictures: int) -> dict[str, float]:
    """Start one process of each role and gather what they counted."""
    from patrol_bringup.environment import node_environment

    with tempfile.TemporaryDirectory() as folder:
        environment = node_environment(os.environ, domain_id=secrets.randbelow(100) + 1, log_folder=Path(folder))
        command = [sys.executable, __file__, "--pictures", str(pictures), "--role"]
        receiver = subprocess.Popen([*command, "receive"], env=environment, stdout=subprocess.PIPE, text=True)
        sender = subprocess.Popen([*command, "send"], env=environment, stdout=subprocess.PIPE, text=True)
        limit_s = pictures / RATE_HZ + 2 * DISCOVERY_WITHIN_S
        sent = json.loads(sender.communicate(timeout=limit_s)[0])
        received = json.loads(receiver.communicate(timeout=limit_s)[0])
    return {**sent, **received, "received_ratio": received["received"] / sent["sent"], **conversion_costs()}


def picture(index: int) -> Image:
    """A picture whose every row differs, and that differs from the one before."""
    rows = (np.arange(HEIGHT_PX, dtype=np.uint32)[:, None, None] + index).astype(np.uint8)
    pixels = np.broadcast_to(rows, (HEIGHT_PX, WIDTH_PX, 3)).copy()
    return Image(stamp_ns=time.monotonic_ns(), frame_id=str(index), encoding="bgr8", pixels=pixels)


def send(pictures: int) -> None:
    """Publish at the rate once somebody listens, and stay until the last is confirmed."""
    import rclpy
    from rclpy.duration import Duration

    from patrol_ros.conversions.pictures import image_to_ros
    from patrol_ros.link import Closing, Link

    rclpy.init()
    publisher = Link(rclpy.create_node("image_sender"), Closing()).publisher(TOPIC)
    deadline_s = time.monotonic() + DISCOVERY_WITHIN_S
    while publisher.get_subscription_count() == 0 and time.monotonic() < deadline_s:
        time.sleep(0.05)
    time.sleep(0.5)
    started_s = time.monotonic()
    for index in range(pictures):
        time.sleep(max(started_s + index / RATE_HZ - time.monotonic(), 0.0))
        publisher.publish(image_to_ros(picture(index)))
    publisher.wait_for_all_acked(Duration(seconds=2))
    sys.stdout.write(json.dumps({"sent": pictures, "sent_hz": pictures / (time.monotonic() - started_s)}))
    rclpy.shutdown()


def receive(pictures: int) -> None:
    """Count pictures and how old they are once they are the stack's own type, until all are there or none comes for 3 s."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor

    from patrol_ros.conversions.pictures import image_from_ros
    from patrol_ros.link import Closing, Link

    rclpy.init()
    node: Any = rclpy.create_node("image_receiver")
    ages_ms: list[float] = []
    newest_s = [time.monotonic() + DISCOVERY_WITHIN_S]

    def take(message: Any) -> None:
        image = image_from_ros(message)
        ages_ms.append((time.monotonic_ns() - image.stamp_ns) / 1e6)
        newest_s[0] = time.monotonic()

    Link(node, Closing()).subscribe(TOPIC, take)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while len(ages_ms) < pictures and time.monotonic() - newest_s[0] < 3.0:
        executor.spin_once(timeout_sec=0.5)
    median, late = np.percentile(ages_ms, (50, 99)) if ages_ms else (np.inf, np.inf)
    sys.stdout.write(json.dumps({"received": len(ages_ms), "age_p50_ms": float(median), "age_p99_ms": float(late)}))
    rclpy.shutdown()


def conversion_costs() -> dict[str, float]:
    """Median milliseconds of one conversion each way, and of handing the bytes over as a list."""
    from rclpy.serialization import serialize_message
    from sensor_msgs.msg import Image as ImageMessage

    from patrol_ros.conversions.pictures import image_from_ros, image_to_ros

    image = picture(0)
    message = image_to_ros(image)
    listed = image.pixels.reshape(-1).tolist()

    def as_list() -> None:
        slow = ImageMessage(height=HEIGHT_PX, width=WIDTH_PX, encoding="bgr8", step=3 * WIDTH_PX)
        slow.data = listed
        serialize_message(slow)

    return {
        "to_ros_ms": median_ms(lambda: image_to_ros(image)),
        "from_ros_ms": median_ms(lambda: image_from_ros(message)),
        "serialise_ms": median_ms(lambda: serialize_message(message)),
        "serialise_list_of_bytes_ms": median_ms(as_list, repeats=3),
    }


def median_ms(work: Callable[[], object], *, repeats: int = 50) -> float:
    """Median duration of ``work``."""
    took = []
    for _ in range(repeats):
        started_s = time.perf_counter()
        work()
        took.append((time.perf_counter() - started_s) * 1e3)
    return float(np.median(took))


if __name__ == "__main__":
    main()
