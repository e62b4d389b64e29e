# SPDX-License-Identifier: Apache-2.0
"""How old a camera picture is when the browser shows it: a barcode of the time is drawn into each picture, and read on the page.

The whole stack runs as real processes. The benchmark takes the camera's place and publishes ``camera/image_raw`` at 10 Hz, 640 x
480; the picture passes the detector, the anonymiser, the encoder, the uplink and the command centre. On the page the clock is
read when the compositor expects to show it.

python benchmarks/picture_to_screen.py --pictures 300
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.figures import tell
from benchmarks.live import Live, live, simulated
from patrol.checks import Bytes
from patrol.sensors import Image
from patrol_ros.conversions.pictures import camera_to_ros, image_to_ros
from patrol_ros.conversions.stamps import stamp_from_ros
from sim.robot import ROVER, read_robot
from sim.simulator import ALL_SENSORS

PERIOD_S = 0.1
BITS, CELL_PX, BAR_PX = 32, 20, 24
TIME_BITS = 24
CHECK_OF_BLACK = 85  # A black picture must not read as a time.
_SCENE = Path(__file__).resolve().parents[1] / "tests" / "perception" / "pictures" / "intruder_day.jpg"
# Reads the time out of each new picture; cells whose check sum is wrong (a picture cut off, or covered) are left out.
_READ = """([wanted, checkOfBlack]) => new Promise((resolve) => {
  const painted = document.querySelector('[data-surface="canvas"] [data-testid="painted-video"]');
  const video = document.querySelector('[data-testid="video"]');
  const canvas = new OffscreenCanvas(640, 24);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const ages = [];
  let seen = window.__patrol.pictures, unread = 0;
  const look = (shownMs) => {
    context.drawImage(painted ?? video, 0, 0);
    const { data } = context.getImageData(0, 12, 640, 1);
    let time = 0, sum = checkOfBlack, check = 0;
    for (let bit = 0; bit < 32; bit++) {
      const on = data[(bit * 20 + 10) * 4 + 1] > 127 ? 1 : 0;
      if (bit < 24) { time += on * 2 ** bit; sum += on * (bit + 1); } else check += on * 2 ** (bit - 24);
    }
    if ((sum & 255) === check) {
      const now = performance.timeOrigin + shownMs;
      ages.push((Math.round(now) - time) & 0xffffff);
    } else unread += 1;
    if (ages.length < wanted) next(); else resolve({ ages, unread, carrier: window.__patrol.videoCarrier });
  };
  const poll = () => {
    if (window.__patrol.pictures === seen) return void setTimeout(poll, 2);
    seen = window.__patrol.pictures;
    look(performance.now());
  };
  const next = () => {
    if (painted) return void poll();
    video.requestVideoFrameCallback((now, shown) => look(Math.max(now, shown.expectedDisplayTime)));
  };
  next();
})"""


def stamped(scene: Bytes, at_ms: int) -> Bytes:
    """``scene`` (480, 640, 3) with the low 24 bits of ``at_ms`` and their check sum as black and white cells along its top."""
    bits = [(at_ms >> bit) & 1 for bit in range(TIME_BITS)]
    check = (CHECK_OF_BLACK + sum(bit * (index + 1) for index, bit in enumerate(bits))) & 255
    bits += [(check >> bit) & 1 for bit in range(BITS - TIME_BITS)]
    picture = scene.copy()
    picture[:BAR_PX] = np.repeat(np.array(bits, np.uint8) * 255, CELL_PX)[None, :, None]
    return picture


class Camera:
    """Publishes stamped pictures with the simulator's clock from a thread, until closed."""

    def __init__(self, stack: Live) -> None:
        self._link = stack.graph.probe.link
        self._scene = np.asarray(cv2.imread(str(_SCENE)), dtype=np.uint8)
        self._camera = read_robot(ROVER).camera
        self._now_ns = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._pictures, self._infos = self._link.publisher("camera/image_raw"), self._link.publisher("camera/camera_info")
        self._link.subscribe("/clock", self._hear)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ending.set()
        self._thread.join(2.0)

    def _hear(self, message: Any) -> None:
        self._now_ns = stamp_from_ros(message.clock)

    def _run(self) -> None:
        while not self._ending.wait(PERIOD_S):
            if not self._now_ns:
                continue
            pixels = stamped(self._scene, round(time.time() * 1e3))
            pixels.setflags(write=False)
            image = Image(stamp_ns=self._now_ns, frame_id=self._camera.frame_id, encoding="bgr8", pixels=pixels)
            self._infos.publish(camera_to_ros(self._camera, image.stamp_ns))
            self._pictures.publish(image_to_ros(image))


def main() -> None:
    """Run and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pictures", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="picture-") as name:
        folder = Path(name)
        sensors = ",".join(sorted(ALL_SENSORS - {"camera"}))
        settings = simulated(folder).model_copy(update={"sensors": sensors})
        with live(settings, folder) as stack:
            camera = Camera(stack)
            stack.until(lambda: stack.page.evaluate("window.__patrol.pictures") > 50, "pictures on the page")
            told = stack.page.evaluate(_READ, [given.pictures, CHECK_OF_BLACK])
            camera.close()
    ages_ms = np.array(told["ages"], float)
    tell(
        "picture_to_screen",
        {
            "pictures": len(ages_ms),
            "pictures_unread": told["unread"],
            "age_p50_ms": float(np.quantile(ages_ms, 0.5)),
            "age_p95_ms": float(np.quantile(ages_ms, 0.95)),
            "age_max_ms": float(ages_ms.max()),
        },
        carrier=told["carrier"],
    )


if __name__ == "__main__":
    main()
