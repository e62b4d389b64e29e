# SPDX-License-Identifier: Apache-2.0
"""The robot's end of the link: telemetry, map, route, alerts, outcomes and video go up, commands come down.

An e-stop goes to the stop path, whose answer counts, and to the mission as well; everything else goes to the mission.
"""

from __future__ import annotations

import logging
import queue
import time
from pathlib import Path
from typing import Any

import numpy as np

from patrol.clock import SystemClock
from patrol.config import load_config
from patrol.errors import BadInput, BadValue, Fault
from patrol.operations import Command, CommandAnswer, CommandKind
from patrol.wire import Hello
from patrol.zone_orders import ZoneOrder
from patrol_ros.commands import MISSION_SERVICE, STOP_SERVICE, CommandSender
from patrol_ros.conversions.beliefs import beliefs_from_ros
from patrol_ros.conversions.geometry import path_from_ros
from patrol_ros.conversions.maps import grid_from_ros
from patrol_ros.conversions.operations import outcome_from_ros
from patrol_ros.conversions.percepts import alert_from_ros
from patrol_ros.health import Status, report_health
from patrol_ros.inputs import missions_at, required_site
from patrol_ros.link import Link, run_node
from patrol_ros.slot import Worker
from patrol_ros.telemetry import TelemetrySource
from patrol_ros.video import TRACKS_WITHIN_S, VideoStream
from patrol_ros.zone_orders import ZoneSender
from uplink.client import Handlers, UplinkClient, UplinkThread
from uplink.client import Link as CentreLink
from uplink.config import UplinkConfig
from uplink.messages import (
    alert_message,
    answer_message,
    beliefs_message,
    map_message,
    outcome_message,
    route_message,
    zones_answer_message,
)
from uplink.outbox import Outbox

log = logging.getLogger(__name__)
TELEMETRY_S = 0.1
COMMANDS_S = 0.02
COMMANDS_WAITING = 32
CAMERA = "camera"


class RobotClock:
    """The node's active clock, as the uplink asks for it."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def now_ns(self) -> int:
        return self._link.now_ns()


class UplinkNode:
    """Joins the topics and the client; the client runs on a thread of its own."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._commands: queue.Queue[Command] = queue.Queue(COMMANDS_WAITING)
        self._zones: queue.Queue[ZoneOrder] = queue.Queue(COMMANDS_WAITING)
        self._client = self._open_client()
        self._source = TelemetrySource(link)
        self._video = VideoStream(
            CAMERA,
            lambda stamp_ns: self._source.tracks_of(stamp_ns, within_s=TRACKS_WITHIN_S),
            on_packet=self._client.offer_video,
            on_state=self._client.offer_video_state,
        )
        self._maps: Worker[Any] = Worker("maps", lambda message: self._client.offer_map(map_message(grid_from_ros(message))))
        self._durable: Worker[Any] = Worker("durable", self._client.offer_durable, limit=200)
        self._route: list[tuple[float, float]] = []
        self._mission = CommandSender(link, MISSION_SERVICE)
        self._stop_path = CommandSender(link, STOP_SERVICE)
        self._zone_sender = ZoneSender(link)
        self._subscribe()
        self._thread = UplinkThread(self._client)
        self._thread.start()
        report_health(link, self._status)
        link.closing.add(self._close)

    def _open_client(self) -> UplinkClient:
        link = self._link
        config = load_config(UplinkConfig, link.path("uplink_config"))
        url = link.parameter("uplink_url", "")
        if url:
            config = UplinkConfig.model_validate({**config.model_dump(), "url": url})
        folder = link.path("state_folder")
        if folder is None:
            raise BadValue("state_folder: the uplink needs a folder for what the centre has not confirmed yet")
        return UplinkClient(
            config,
            Outbox(folder / "outbox.db", first_sequence=time.time_ns() // 1_000_000),
            Handlers(
                on_command=self._on_command,
                on_keyframe_wanted=self._on_keyframe_wanted,
                on_link=self._on_link,
                on_zones=self._on_zones,
            ),
            token=_token(link.path("uplink_token_file")),
            hello=self._hello(),
            robot_clock=RobotClock(link),
            wall_clock=SystemClock(),
            seed=time.time_ns() & 0xFFFF,
        )

    def _hello(self) -> Hello:
        path = self._link.path("site")
        site = required_site(path)
        missions = missions_at(self._link.path("mission"), site, 0)
        return Hello(
            robot_id=self._link.parameter("robot_id", "rover"),
            name=self._link.parameter("robot_name", "Rover"),
            site_id=site.site_id,
            site_geojson=path.read_text("utf-8") if path is not None else "",
            missions=tuple(mission.mission_id for mission in missions),
        )

    def _subscribe(self) -> None:
        link = self._link
        link.subscribe("camera/image_safe", self._video.offer)
        link.subscribe("map", self._maps.offer)
        link.subscribe("route", self._on_route)
        link.subscribe("plan", self._on_plan)
        link.subscribe("beliefs", self._on_beliefs)
        link.subscribe("alerts", lambda message: self._durable.offer(alert_message(alert_from_ros(message))))
        link.subscribe("waypoint_outcome", lambda message: self._durable.offer(outcome_message(outcome_from_ros(message))))
        link.subscribe("diagnostics", self._on_diagnostics)
        link.every_wall(TELEMETRY_S, self._tell)
        link.every_wall(COMMANDS_S, self._pass_commands_on)

    def _tell(self) -> None:
        telemetry = self._source.telemetry()
        if telemetry is not None:
            self._client.offer_telemetry(telemetry)
        self._video.check()

    def _on_route(self, message: Any) -> None:
        self._route = [(pose.x_m, pose.y_m) for pose in path_from_ros(message)]
        self._client.offer_route(route_message(self._link.now_ns(), np.array(self._route).reshape(-1, 2)))

    def _on_plan(self, message: Any) -> None:
        plan = [(pose.x_m, pose.y_m) for pose in path_from_ros(message)]
        route, plan_m = np.array(self._route).reshape(-1, 2), np.array(plan).reshape(-1, 2)
        self._client.offer_route(route_message(self._link.now_ns(), route, plan_m))

    def _on_beliefs(self, message: Any) -> None:
        self._client.offer_beliefs(beliefs_message(self._link.now_ns(), beliefs_from_ros(message)))

    def _on_diagnostics(self, message: Any) -> None:
        for status in message.status:
            if status.name == "perception":
                _, covered, because = status.message.partition("pictures are covered: ")
                self._video.cover(because if covered else "")

    def _on_command(self, command: Command) -> None:
        """On the client's thread: hand over to the executor, which owns the service clients."""
        try:
            self._commands.put_nowait(command)
        except queue.Full:
            log.error("%s was left out: too many commands at once", command)

    def _on_zones(self, order: ZoneOrder) -> None:
        """On the client's thread, as ``_on_command``."""
        try:
            self._zones.put_nowait(order)
        except queue.Full:
            log.error("%s was left out: too many orders at once", order.order_id)

    def _pass_commands_on(self) -> None:
        while not self._zones.empty():
            self._zone_sender.send(self._zones.get_nowait(), lambda answer: self._durable.offer(zones_answer_message(answer)))
        while not self._commands.empty():
            command = self._commands.get_nowait()
            if command.kind is CommandKind.ESTOP:
                self._stop_path.send(command, self._on_answer)
                self._mission.send(command, lambda answer: log.info("the mission: %s", answer))
            else:
                self._mission.send(command, self._on_answer)

    def _on_answer(self, answer: CommandAnswer) -> None:
        self._durable.offer(answer_message(answer))

    def _on_keyframe_wanted(self, stream: str) -> None:
        if stream == CAMERA:
            self._video.want_key()

    def _on_link(self, link: CentreLink) -> None:
        if link.is_up:
            self._video.tell_again()

    def _close(self) -> None:
        self._thread.stop(within_s=0.8)
        for worker in (self._maps, self._durable, self._video):
            worker.close()

    def _status(self) -> Status:
        link = self._client.link
        trouble = self._video.trouble or self._durable.trouble
        wrong = trouble if link.is_up else f"no link to the command centre: {link.because}"
        dropped = {"video_dropped": str(self._client.video_dropped), "pictures_replaced": str(self._video.dropped)}
        return Status(wrong=wrong, values=dropped)


def _token(path: Path | None) -> str:
    """The robot's token, from a file so that no command line shows it."""
    if path is None:
        raise BadValue("uplink_token_file: the uplink needs the robot's token")
    try:
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"can not be read: {error}")]) from error


def main() -> None:
    """Entry point of ``ros2 run patrol_ros uplink``."""
    run_node("uplink", UplinkNode)


if __name__ == "__main__":
    main()
