# SPDX-License-Identifier: Apache-2.0
"""Cost and size of encoding 640 x 480 pictures on one core: the PETS video where PATROL_DATA has it, else a made-up scene."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from patrol.sei import PictureBox, PictureMetadata
from patrol.sensors import Image
from uplink.encoder import VideoEncoder

RATE_HZ = 10
PICTURES = 300
VIDEO = Path("perception") / "PETS09-S2L1" / "vtest_480x360_795f.avi"


def main() -> None:
    """Encode and print one line of figures."""
    data = Path(os.environ.get("PATROL_DATA", Path(__file__).parents[2] / "shared" / "data")) / VIDEO
    pictures = _from_video(data) if data.is_file() else _made_up()
    encoder = VideoEncoder(640, 480, rate_hz=RATE_HZ)
    box = PictureBox(track_id=1, label="person", box_px=(1.0, 2.0, 3.0, 4.0), score=0.9, state="confirmed")
    boxes = (box,) * 6
    costs_ms, sizes = [], []
    for number, pixels in enumerate(pictures):
        stamp_ns = (number + 1) * 1_000_000_000 // RATE_HZ
        image = Image(stamp_ns=stamp_ns, frame_id="camera_optical_frame", encoding="bgr8", pixels=pixels)
        begin_s = time.thread_time()
        packet = encoder.encode(image).packet(PictureMetadata(stamp_ns=stamp_ns, boxes=boxes))
        costs_ms.append(1000 * (time.thread_time() - begin_s))
        sizes.append(len(packet.data))
    metrics = {
        "real_pictures": int(data.is_file()),
        "pictures": len(sizes),
        "cpu_p50_ms": round(float(np.percentile(costs_ms, 50)), 2),
        "cpu_p95_ms": round(float(np.percentile(costs_ms, 95)), 2),
        "rate_at_10_hz_kbps": round(8 * sum(sizes) / len(sizes) * RATE_HZ / 1000),
        "largest_bytes": max(sizes),
    }
    sys.stdout.write(json.dumps({"benchmark": "video_encoder", "metrics": metrics}) + "\n")


def _from_video(path: Path) -> list[npt.NDArray[np.uint8]]:
    capture, pictures = cv2.VideoCapture(str(path)), list[npt.NDArray[np.uint8]]()
    while len(pictures) < PICTURES:
        there, picture = capture.read()
        if not there:
            break
        pictures.append(np.asarray(cv2.resize(picture, (640, 480)), dtype=np.uint8))
    capture.release()
    return pictures


def _made_up() -> list[npt.NDArray[np.uint8]]:
    """A textured ground that slides by, as from a driving robot."""
    ground = cv2.GaussianBlur(np.random.default_rng(5).integers(0, 255, (480, 1400, 3), dtype=np.uint8), (9, 9), 0)
    return [np.ascontiguousarray(ground[:, 2 * number : 2 * number + 640]) for number in range(PICTURES)]


if __name__ == "__main__":
    main()
