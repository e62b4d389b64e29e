# SPDX-License-Identifier: Apache-2.0
"""One conversation with a running Gazebo 11: step it, drive the wheels, and collect what it says, in simulated time.

Gazebo stays paused between steps. A request to step may be overslept by Gazebo's transport for a tenth of a second, so that
empty requests follow it until something moves. The request itself is never repeated: Gazebo may be half-way, waiting for a
picture to be drawn, and would run past the target.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from patrol.clock import NS_PER_S
from patrol.geometry import Pose3
from sim.chassis import WheelAngles
from sim.gazebo.backends import PHYSICS_STEP_S
from sim.gazebo.errors import GazeboLost
from sim.gazebo.messages import Messages
from sim.gazebo.robot_sdf import BASE_LINK, SIDES, TYRE
from sim.gazebo.transport import Client

STEP_NS = round(PHYSICS_STEP_S * NS_PER_S)
_STALLED_S = 60.0
_NUDGE_S, _LOOK_S, _ASK_S = 0.01, 0.1, 0.5
_STEEP = 0.9
_SAME_FRICTION = 1e-6
_HELD = 4000
TOPICS: dict[str, tuple[str, str]] = {
    "lidar": (f"{BASE_LINK}/lidar/scan", "LaserScanStamped"),
    "camera": (f"{BASE_LINK}/camera/image", "ImageStamped"),
    "thermal": (f"{BASE_LINK}/thermal/scan", "LaserScanStamped"),
    "imu": (f"{BASE_LINK}/imu/imu", "IMU"),
    "gps": (f"{BASE_LINK}/gps", "GPS"),
}
"""Topic below the robot's, and message type, of each sensor of Gazebo's."""
_SAID = {
    "world_control": "WorldControl",
    "{robot}/vel_cmd": "Pose",
    "visual": "Visual",
    "request": "Request",
    "model/modify": "Model",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of one sensor, stamped in nanoseconds since Gazebo began."""

    sensor: str
    stamp_ns: int
    message: Any


class Session:
    """See the module. Every verb raises GazeboLost once Gazebo is gone; ``alive`` is asked while waiting, and may raise it."""

    def __init__(
        self,
        messages: Messages,
        port: int,
        *,
        world: str,
        robot: str,
        sensors: frozenset[str],
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._messages, self._robot, self._alive = messages, robot, alive
        self._root = f"/gazebo/{world}"
        self._news = threading.Condition()
        self._now_ns = self._pose_ns = -1
        self._poses: dict[str, Any] = {}
        self._held: list[Heard] = []
        self._newest_ns: dict[str, int] = {}
        self._turns = dict.fromkeys((side for side, _ in SIDES), 0.0)
        self._contacts: frozenset[str] = frozenset()
        self._told = b""
        self._client = Client(messages, port)
        try:
            self._join(sensors)
        except GazeboLost:
            self._client.close()
            raise

    def _join(self, sensors: frozenset[str]) -> None:
        client, root = self._client, self._root
        for topic, kind in _SAID.items():
            client.advertise(f"{root}/{topic.format(robot=self._robot)}", kind)
        client.subscribe(f"{root}/response", "Response", self._on_response)
        client.subscribe(f"{root}/pose/local/info", "PosesStamped", self._on_poses)
        client.subscribe(f"{root}/physics/contacts", "Contacts", self._on_contacts)
        for sensor in sensors:
            topic, kind = TOPICS[sensor]
            client.subscribe(f"{root}/{self._robot}/{topic}", kind, partial(self._on_sensor, sensor))

    def wait_until_ready(self, within_s: float) -> bool:
        """Whether Gazebo reads what is sent to it and tells its time, after at most ``within_s``. It is stepped once or twice: a
        paused Gazebo says nothing. Raises GazeboLost."""
        needed = [f"{self._root}/world_control", f"{self._root}/{self._robot}/vel_cmd"]
        if not self._wait(lambda: all(self._client.readers(topic) for topic in needed), within_s):
            return False
        for _ in range(max(round(within_s / _ASK_S), 1)):
            self._client.publish(f"{self._root}/world_control", self._messages["WorldControl"](multi_step=1))
            if self._wait(lambda: self._now_ns >= 0, _ASK_S):
                return True
        return False

    @property
    def now_ns(self) -> int:
        """Simulated time since Gazebo began."""
        return max(self._now_ns, 0)

    def step_to(self, target_ns: int) -> None:
        """Run until ``target_ns``, to the step. Raises GazeboLost when Gazebo stands still for too long."""
        left = -((self._now_ns - target_ns) // STEP_NS)
        if left <= 0:
            return
        request, wake = self._messages["WorldControl"](multi_step=left), self._messages["WorldControl"]()
        self._client.publish(f"{self._root}/world_control", request)
        pause_s, still_s, before_ns = _NUDGE_S, 0.0, self._now_ns
        while not self._wait(lambda: self._now_ns >= target_ns, pause_s):
            still_s = still_s + pause_s if self._now_ns == before_ns else 0.0
            if still_s > _STALLED_S:
                raise GazeboLost(f"Gazebo has not moved for {_STALLED_S:g} s")
            pause_s, before_ns = min(2.0 * pause_s, _LOOK_S), self._now_ns
            self._client.publish(f"{self._root}/world_control", wake)

    def drive(self, forward_mps: float, turn_radps: float) -> None:
        """Let the wheels hold this speed. Gazebo's plugin takes it as a pose: x for forward, yaw for the rate of turn, which it
        counts clockwise."""
        wanted = self._messages["Pose"]()
        wanted.position.x, wanted.position.y, wanted.position.z = forward_mps, 0.0, 0.0
        turn = wanted.orientation
        turn.x, turn.y, turn.z, turn.w = 0.0, 0.0, math.sin(-0.5 * turn_radps), math.cos(0.5 * turn_radps)
        self._client.publish(f"{self._root}/{self._robot}/vel_cmd", wanted)

    def set_grip(self, friction: float) -> None:
        """Give the tyres another friction before the next step. Raises GazeboLost when Gazebo does not take it."""
        for _ in range(round(_STALLED_S / _LOOK_S)):
            told = self._ask_for_robot()
            tyres = [(link, tyre) for link in told.link for tyre in link.collision if tyre.name.endswith(f"::{TYRE}")]
            if tyres and all(abs(tyre.surface.friction.mu - friction) < _SAME_FRICTION for _, tyre in tyres):
                return
            changed = self._messages["Model"](id=told.id, name=self._robot)
            for link, tyre in tyres:
                part = changed.link.add(id=link.id, name=link.name.rpartition("::")[2])
                surface = part.collision.add(id=tyre.id, name=TYRE).surface
                surface.friction.mu = surface.friction.mu2 = friction
            self._client.publish(f"{self._root}/model/modify", changed)
        raise GazeboLost("Gazebo does not let the tyres' friction be changed")

    def _ask_for_robot(self) -> Any:
        """What the robot is made of, as Gazebo has it now; empty when it does not answer at once."""
        self._told = b""
        asked = self._messages["Request"](id=1, request="entity_info", data=self._robot)
        self._client.publish(f"{self._root}/request", asked)
        self._wait(lambda: bool(self._told), _LOOK_S)
        return self._messages["Model"].FromString(self._told)

    def show(self, visuals: list[Any]) -> None:
        """Draw parts of actors where these messages say."""
        for visual in visuals:
            self._client.publish(f"{self._root}/visual", visual)

    def hears(self, sensor: str, since_ns: int, *, within_s: float) -> bool:
        """Whether a message of ``sensor`` stamped ``since_ns`` or later is here, or comes within ``within_s``."""
        return self._wait(lambda: self._newest_ns.get(sensor, -1) >= since_ns, within_s)

    def await_sensor(self, sensor: str, since_ns: int) -> None:
        """Wait for a message of ``sensor`` stamped ``since_ns`` or later. Raises GazeboLost when none comes."""
        if not self.hears(sensor, since_ns, within_s=_STALLED_S):
            raise GazeboLost(f"Gazebo's {sensor} has said nothing for {_STALLED_S:g} s")

    def newest_ns(self, sensor: str) -> int | None:
        """Stamp of the newest message of a sensor; None before the first."""
        return self._newest_ns.get(sensor)

    def take(self) -> list[Heard]:
        """What was heard since the last call, oldest first."""
        with self._news:
            held, self._held = self._held, []
        return sorted(held, key=lambda heard: heard.stamp_ns)

    def wheel_angles(self) -> WheelAngles:
        """How far each wheel has turned since the session began."""
        return WheelAngles(left_rad=self._turns["left"], right_rad=self._turns["right"])

    def map_from_base(self) -> Pose3 | None:
        """True pose of the robot; None before Gazebo has told it, which it does once the robot has moved."""
        model, base = self._poses.get(self._robot), self._poses.get(f"{self._robot}::{BASE_LINK}")
        return None if model is None or base is None else pose_of(model) @ pose_of(base)

    @property
    def pose_ns(self) -> int:
        """Gazebo's time of that pose; it lies back where Gazebo left the robot out of its latest message, or the robot rests."""
        return max(self._pose_ns, 0)

    @property
    def touching(self) -> frozenset[str]:
        """Collision shapes of the world that the robot touched in the last step, the ground aside."""
        return self._contacts

    def close(self) -> None:
        """End the conversation; Gazebo goes on, paused."""
        self._client.close()

    def _wait(self, holds: Callable[[], bool], within_s: float) -> bool:
        """Whether ``holds`` comes true within ``within_s``; not counting time for which this process was stopped."""
        left_s = within_s
        with self._news:
            while not holds():
                self._alive()
                self._client.check()
                if left_s <= 0.0:
                    return False
                began_s = time.monotonic()
                self._news.wait(min(left_s, _LOOK_S))
                left_s -= min(time.monotonic() - began_s, _LOOK_S)
        return True

    def _on_poses(self, message: Any) -> None:
        poses: Mapping[str, Any] = {pose.name: pose for pose in message.pose}
        with self._news:
            self._now_ns = _nanoseconds(message.time)
            self._poses.update(poses)
            if self._robot in poses:
                self._pose_ns = self._now_ns
            for side, _ in SIDES:
                wheel = poses.get(f"{self._robot}::{side}_wheel")
                if wheel is not None:
                    angle = 2.0 * math.atan2(wheel.orientation.y, wheel.orientation.w)
                    self._turns[side] += math.remainder(angle - self._turns[side], 2.0 * math.pi)
            self._news.notify_all()

    def _on_contacts(self, message: Any) -> None:
        found = set()
        for contact in message.contact:
            names = (contact.collision1, contact.collision2)
            ours = [name.startswith(f"{self._robot}::") for name in names]
            steep = any(abs(normal.z) < _STEEP for normal in contact.normal)
            if steep and sum(ours) == 1:
                found.add(names[1] if ours[0] else names[0])
        self._contacts = frozenset(found)

    def _on_response(self, message: Any) -> None:
        with self._news:
            if message.request == "entity_info":
                self._told = message.serialized_data
            self._news.notify_all()

    def _on_sensor(self, sensor: str, message: Any) -> None:
        stamp_ns = _nanoseconds(message.stamp if sensor == "imu" else message.time)
        with self._news:
            self._newest_ns[sensor] = stamp_ns
            self._held.append(Heard(sensor, stamp_ns, message))
            del self._held[:-_HELD]
            self._news.notify_all()


def pose_of(message: Any) -> Pose3:
    """A pose message as a pose."""
    place = (message.position.x, message.position.y, message.position.z)
    turn = message.orientation
    return Pose3.from_quaternion(place, (turn.x, turn.y, turn.z, turn.w))


def _nanoseconds(stamp: Any) -> int:
    return int(stamp.sec) * NS_PER_S + int(stamp.nsec)
