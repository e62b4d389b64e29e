# SPDX-License-Identifier: Apache-2.0
"""All robots that may dial in: their newest state, their links, their streams. Works on the event loop only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from command_centre.api.browser import RobotView
from command_centre.api.errors import NotFound
from command_centre.api.fanout import Fanout
from command_centre.api.link import Order, RobotLink
from command_centre.api.robot_state import ReadSite, RobotState
from command_centre.api.settings import Settings
from command_centre.api.viewers import Audience
from patrol.wire import Hello, KeyframeWanted, OutcomeReported, VideoPacket

REPLACED = "Another connection of the same robot took over."


class Fleet:
    """Robots by id."""

    def __init__(
        self,
        *,
        settings: Settings,
        audience: Audience,
        read_site: ReadSite,
        now_s: Callable[[], float],
        outcomes: Mapping[str, Sequence[OutcomeReported]],
    ) -> None:
        self._settings = settings
        self._audience = audience
        self._now_s = now_s
        self._links: dict[str, RobotLink] = {}
        self._states = {key: RobotState(key, read_site=read_site, outcomes=kept) for key, kept in outcomes.items()}
        self._streams: dict[tuple[str, str], Fanout] = {
            (robot_id, stream): self._fanout(robot_id, stream) for robot_id in self._states for stream in settings.streams
        }

    def state(self, robot_id: str) -> RobotState:
        """Raises NotFound for a robot that is not known."""
        if robot_id not in self._states:
            raise NotFound(f"There is no robot {robot_id!r}.")
        return self._states[robot_id]

    def views(self) -> tuple[RobotView, ...]:
        return tuple(state.view(self._now_s()) for state in self._states.values())

    def stream(self, robot_id: str, name: str) -> Fanout:
        """Raises NotFound for a stream that is not known."""
        if (robot_id, name) not in self._streams:
            raise NotFound(f"Robot {robot_id!r} has no stream {name!r}.")
        return self._streams[robot_id, name]

    def connect(self, link: RobotLink, hello: Hello) -> None:
        """A robot said hello. An earlier connection of it is closed."""
        earlier = self._links.get(link.robot_id)
        if earlier is not None:
            earlier.close(REPLACED)
        self._links[link.robot_id] = link
        self._audience.tell(self.state(link.robot_id).say_hello(hello, self._now_s()))
        for stream in self._settings.streams:
            self._streams[link.robot_id, stream].restart()

    def disconnect(self, link: RobotLink, because: str) -> bool:
        """The connection ended. False when a newer connection of the robot stands."""
        link.close(because)
        if self._links.get(link.robot_id) is not link:
            return False
        del self._links[link.robot_id]
        self._audience.tell(self.state(link.robot_id).lose(because, self._now_s()))
        return True

    def is_connected(self, robot_id: str) -> bool:
        return robot_id in self._links

    def linked(self) -> tuple[str, ...]:
        """Ids of the robots that are connected."""
        return tuple(sorted(self._links))

    def send(self, robot_id: str, order: Order) -> bool:
        """Send one order; False when the robot is not connected or does not read."""
        link = self._links.get(robot_id)
        return link is not None and link.send(order)

    def show(self, robot_id: str, packet: VideoPacket) -> None:
        """Hand a picture to the viewers of its stream; one of an unknown stream is dropped."""
        if packet.stream < len(self._settings.streams):
            self._streams[robot_id, self._settings.streams[packet.stream]].push(packet)

    def check_silence(self) -> None:
        """Tell the viewers which robots have fallen silent."""
        for state in self._states.values():
            self._audience.tell(*state.check_silence(self._now_s(), silent_after_s=self._settings.link_silent_after_s))

    def close_all(self, because: str) -> None:
        for link in tuple(self._links.values()):
            link.close(because)

    def _fanout(self, robot_id: str, stream: str) -> Fanout:
        return Fanout(
            ask_keyframe=lambda: self._ask_keyframe(robot_id, stream),
            now_s=self._now_s,
            interval_s=self._settings.keyframe_interval_s,
            queue=self._settings.video_queue,
        )

    def _ask_keyframe(self, robot_id: str, stream: str) -> None:
        self.send(robot_id, KeyframeWanted(stream=stream))
