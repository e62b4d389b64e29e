# SPDX-License-Identifier: Apache-2.0
"""A robot that is none: dials in, drives around the site, obeys commands, sends pictures and raises an alert."""

from __future__ import annotations

import asyncio
import base64
import math
import time
from contextlib import suppress

import cv2
import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from patrol.clock import NS_PER_S
from patrol.operations import CommandKind
from patrol.site import Site
from patrol.site_file import read_site
from patrol.wire import (
    FROM_ROBOT,
    TO_ROBOT,
    CommandIssued,
    FromRobot,
    KeyframeWanted,
    MapUpdate,
    RouteUpdate,
    VideoState,
    WirePose,
    WireProgress,
    WireTrack,
    ZonesOrdered,
)
from tests.command_centre import messages
from tests.command_centre.pictures import RATE_HZ, BoxPx, FakeEncoder, figure_box, jpeg, spoilt

_AFTER = {
    CommandKind.START: ("patrolling", "Driving the perimeter; the next waypoint is in sight."),
    CommandKind.RESUME: ("patrolling", "Driving on from where it paused."),
    CommandKind.PAUSE: ("paused", "Paused by the operator."),
    CommandKind.ABORT: ("idle", "The mission was aborted by the operator."),
    CommandKind.DOCK: ("docking", "Driving back to the dock."),
    CommandKind.ESTOP: ("estopped", "Emergency stop pressed by the operator."),
    CommandKind.ESTOP_RESET: ("idle", "Emergency stop reset; waiting for a mission."),
}
_SPEED_MPS = 1.1
_GRID_STEP_M = 0.2


class FakeRobot:
    """One robot on the depot site. ``alert_after_s`` of patrolling it raises its alert."""

    def __init__(self, url: str, token: str, *, alert_after_s: float = 4.0, robot_id: str = messages.ROBOT) -> None:
        self._url, self._token, self._robot_id = url, token, robot_id
        self._alert_after_s = alert_after_s
        self._site = read_site(messages.SITE_FILE)
        self._route = self._site.perimeter.buffer(-4.0).exterior
        self._encoder = FakeEncoder()
        self._sequence = time.time_ns() // 1_000_000
        self._driven_m = 0.0
        self._patrolled_s = 0.0
        self._alerted = False
        self._picture = 0
        self.mode, self.why = "docked", "Charging at the dock; waiting for a mission."
        self.pictures_stopped = False
        self.covered_because = ""
        self.zones_refused_because = ""
        self.spoilt_pictures = 0
        self.keyframes_asked = 0

    async def run(self) -> None:
        """Until cancelled, or the centre closes the link."""
        headers = {"Authorization": f"Bearer {self._token}"}
        async with connect(self._url, additional_headers=headers, max_size=None) as socket:
            await self._say(socket, messages.hello(self._robot_id))
            await self._say(socket, self._route_update())
            await self._say(socket, _map_update(self._site))
            with suppress(ConnectionClosed):
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._obey(socket))
                    group.create_task(self._drive(socket))
                    group.create_task(self._film(socket))

    @staticmethod
    def box_at(stamp_ns: int) -> BoxPx:
        """Where the figure stood in the picture with this stamp."""
        return figure_box(round(stamp_ns * RATE_HZ / NS_PER_S))

    async def _say(self, socket: ClientConnection, message: FromRobot) -> None:
        await socket.send(FROM_ROBOT.dump_json(message).decode())

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    async def _obey(self, socket: ClientConnection) -> None:
        async for text in socket:
            order = TO_ROBOT.validate_json(text)
            if isinstance(order, KeyframeWanted):
                self.keyframes_asked += 1
                self._encoder.key_wanted = True
            elif isinstance(order, CommandIssued):
                kind = CommandKind(order.kind)
                refused = "The robot is docked already." if kind is CommandKind.DOCK and self.mode == "docked" else ""
                if not refused and kind in _AFTER:
                    self.mode, self.why = _AFTER[kind]
                await self._say(socket, messages.answer(self._next(), order.command_id, because=refused))
            elif isinstance(order, ZonesOrdered):
                await self._say(socket, messages.answer(self._next(), order.order_id, because=self.zones_refused_because))

    async def _drive(self, socket: ClientConnection) -> None:
        period_s = 0.2
        while True:
            moving = self.mode in ("patrolling", "docking")
            if moving:
                self._driven_m += _SPEED_MPS * period_s
                self._patrolled_s += period_s
            await self._say(socket, self._telemetry(moving=moving))
            if self._patrolled_s > self._alert_after_s and not self._alerted:
                self._alerted = True
                await self._say(socket, messages.alert(self._next(), picture=jpeg(self._picture), position_m=self._intruder()))
            await asyncio.sleep(period_s)

    async def _film(self, socket: ClientConnection) -> None:
        said = None
        while True:
            state = "covered" if self.covered_because else "dead" if self.pictures_stopped else "live"
            if state != said:
                said = state
                because = self.covered_because or ("The camera gives no pictures." if self.pictures_stopped else "")
                await self._say(
                    socket,
                    VideoState.model_validate(
                        {"stream": "camera", "state": state, "because": because, "width_px": 640, "height_px": 480}
                    ),
                )
            if not self.pictures_stopped:
                self._picture += 1
                packet = self._encoder.encode(self._picture, stamp_ns=self._picture * NS_PER_S // RATE_HZ)
                if self.spoilt_pictures > 0:
                    self.spoilt_pictures -= 1
                    packet = spoilt(packet)
                await socket.send(packet.to_bytes())
            await asyncio.sleep(1 / RATE_HZ)

    def _pose(self) -> WirePose:
        length_m = self._route.length
        here = self._route.interpolate(self._driven_m % length_m)
        ahead = self._route.interpolate((self._driven_m + 0.5) % length_m)
        return WirePose(x_m=here.x, y_m=here.y, yaw_rad=math.atan2(ahead.y - here.y, ahead.x - here.x))

    def _intruder(self) -> tuple[float, float]:
        centre = self._site.perimeter.centroid
        return centre.x + 6 * math.cos(self._patrolled_s / 9), centre.y + 12 + 5 * math.sin(self._patrolled_s / 9)

    def _telemetry(self, *, moving: bool) -> FromRobot:
        pose = self._pose()
        share = (self._driven_m % self._route.length) / self._route.length
        progress = WireProgress(
            mission_id="perimeter",
            lap=1 + int(self._driven_m // self._route.length),
            leg=1 + int(share * 12),
            legs=12,
            waypoint_id=f"wp-{1 + int(share * 12)}",
            fraction=share,
            time_left_s=(1 - share) * self._route.length / _SPEED_MPS,
        )
        angle = self._patrolled_s / 9
        person = WireTrack(
            track_id=7,
            label="person",
            state="confirmed",
            score=0.93,
            position_m=self._intruder(),
            velocity_mps=(-0.7 * math.sin(angle), 0.6 * math.cos(angle)),
            covariance_m2=(0.9, 0.35, 0.5),
        )
        return messages.telemetry(
            mode=self.mode,
            why=self.why,
            pose=pose,
            speed_mps=_SPEED_MPS if moving else 0.0,
            commanded_mps=_SPEED_MPS if moving else 0.0,
            progress=progress if moving else None,
            tracks=(person,) if self._patrolled_s > 1 else (),
        )

    def _route_update(self) -> RouteUpdate:
        points = tuple((x, y) for x, y in self._route.coords)
        plan = [self._route.interpolate(step) for step in range(0, 14, 2)]
        return RouteUpdate(stamp_ns=1, route_m=points, plan_m=tuple((point.x, point.y) for point in plan))


def _map_update(site: Site) -> MapUpdate:
    """A grid as a lidar would leave it: free ground near the fence, bright walls, the unknown behind them."""
    x0, y0, x1, y1 = site.perimeter.buffer(3).bounds
    width, height = math.ceil((x1 - x0) / _GRID_STEP_M), math.ceil((y1 - y0) / _GRID_STEP_M)
    cells = np.full((height, width), 128, np.uint8)

    def pixels(ring: object) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
        return ((np.array(ring) - (x0, y0)) / _GRID_STEP_M).astype(np.int32)

    cv2.fillPoly(cells, [pixels(site.perimeter.exterior.coords)], (255,))
    cv2.polylines(cells, [pixels(site.perimeter.exterior.coords)], isClosed=True, color=(0,), thickness=1)
    for building in site.buildings:
        cv2.fillPoly(cells, [pixels(building.outline.exterior.coords)], (128,))
        cv2.polylines(cells, [pixels(building.outline.exterior.coords)], isClosed=True, color=(0,), thickness=2)
    png = bytes(cv2.imencode(".png", cells[::-1])[1])
    return MapUpdate(
        stamp_ns=1,
        resolution_m=_GRID_STEP_M,
        origin_m=(x0, y0),
        width=width,
        height=height,
        png_base64=base64.b64encode(png).decode(),
    )
