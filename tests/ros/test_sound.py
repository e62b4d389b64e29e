# SPDX-License-Identifier: Apache-2.0
"""The process that listens, by itself: sound in from a driver, events and alerts out, and what it says of itself."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

from rosgraph_msgs.msg import Clock

from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2, wrap_angle
from patrol.sound import MICROPHONE_FRAME, SoundBlock
from patrol_bringup.settings import RunSettings
from patrol_ros.conversions.maps import estimate_to_ros
from patrol_ros.conversions.sounds import block_to_ros
from patrol_ros.conversions.stamps import stamp_to_ros
from sim.sound.catalogue import make_sound
from tests.perception.test_sound import BLOCK, RATE_HZ, SQUARE_M, arriving
from tests.ros.graph import NAMESPACE, ROOT, Graph, running

pytestmark = [pytest.mark.ros, pytest.mark.timeout(300)]
BLOCK_S, BEGINS_S, LASTS_S = BLOCK / RATE_HZ, 1.2, 3.0
AZIMUTH_RAD = 0.8
FULL_SCALE_PA = 2.0


class Driver:
    """What a robot's driver of microphones does, with the clock and a pose: a pane breaks again and again."""

    def __init__(self, graph: Graph) -> None:
        link = graph.probe.link
        self._clock, self._pose, self._audio = (link.publisher(name) for name in ("/clock", "localisation", "audio"))
        count = round(LASTS_S * RATE_HZ)
        glass = np.zeros(count)
        wave = make_sound("glass", 4)
        at = round(BEGINS_S * RATE_HZ)
        glass[at : at + len(wave)] = wave[: count - at] / 25.0
        noise = np.random.default_rng(1).standard_normal((count, len(SQUARE_M))) * 1e-3
        counts = np.rint((noise + arriving(glass, AZIMUTH_RAD)) * 32768.0 / FULL_SCALE_PA)
        self._samples = np.clip(counts, -32768, 32767).astype(np.int16)
        self._sent, self._due_s = 0, time.monotonic()
        self.is_silent = False

    def is_at_it(self) -> bool:
        """Goes on with the next block of sound when it is due; nothing is made up for."""
        now_s = time.monotonic()
        if now_s >= self._due_s:
            self._go_on(now_s)
        return True

    def _go_on(self, now_s: float) -> None:
        self._due_s = max(self._due_s + BLOCK_S, now_s)
        self._sent += 1
        now_ns = 10**12 + round(self._sent * BLOCK_S * 1e9)
        self._clock.publish(Clock(clock=stamp_to_ros(now_ns)))
        pose = PoseEstimate(
            stamp_ns=now_ns,
            map_from_odom=Pose2(5.0, 5.0, 0.0),
            odom_from_base=Pose2(0.0, 0.0, 0.0),
            covariance=np.eye(3) * 1e-4,
        )
        self._pose.publish(estimate_to_ros(pose))
        if not self.is_silent:
            self._audio.publish(block_to_ros(self._block(now_ns - round(BLOCK_S * 1e9))))

    def _block(self, stamp_ns: int) -> SoundBlock:
        first = self._sent * BLOCK % (len(self._samples) // BLOCK * BLOCK)
        return SoundBlock(
            stamp_ns=stamp_ns,
            frame_id=MICROPHONE_FRAME,
            rate_hz=RATE_HZ,
            full_scale_pa=FULL_SCALE_PA,
            positions_m=SQUARE_M,
            samples=self._samples[first : first + BLOCK],
        )


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    folder = tmp_path_factory.mktemp("sound")
    site = ROOT / "config" / "sites" / "depot.geojson"
    settings = RunSettings(run_folder=folder, robot_id=NAMESPACE, site=site, hearing=True)
    with running(settings, "sound", domain_id=1 + secrets.randbelow(100), logs=folder / "logs") as graph:
        graph.probe.listen("sounds", "alerts", "diagnostics")
        yield graph


def status(graph: Graph) -> Any:
    """The newest word of the listener on itself; None before the first."""
    words = [each for message in graph.probe.heard["diagnostics"] for each in message.status if each.name == "sound"]
    return words[-1] if words else None


def test_the_listener_tells_what_breaks_and_that_the_microphones_fell_silent(graph: Graph) -> None:
    driver, heard = Driver(graph), graph.probe.heard

    def until(condition: Callable[[], object]) -> bool:
        return graph.until(lambda: driver.is_at_it() and condition())

    assert until(lambda: heard["alerts"]), status(graph)
    event = graph.probe.newest("sounds").events[0]
    assert event.label == heard["alerts"][0].label == "breaking glass"
    assert abs(wrap_angle(event.azimuth_rad[0] - AZIMUTH_RAD)) < math.radians(10.0)
    assert until(lambda: status(graph) is not None and status(graph).message == "ok"), status(graph)
    driver.is_silent = True
    assert until(lambda: "no fresh data: audio" in status(graph).message), status(graph)
    assert graph.report("sound").restarts == 0
