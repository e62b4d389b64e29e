# SPDX-License-Identifier: Apache-2.0
"""The newest that is known of one robot: messages go in, changes for the page come out. No input or output, no clock."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

from command_centre.api.browser import (
    BeliefsChanged,
    Change,
    LinkChanged,
    LinkStatus,
    LinkView,
    MapChanged,
    OutcomeAdded,
    RobotChanged,
    RobotView,
    RouteChanged,
    SiteView,
    TelemetryChanged,
    VideoChanged,
)
from patrol.errors import BadInput
from patrol.wire import BeliefUpdate, Hello, MapUpdate, OutcomeReported, Point, RouteUpdate, Telemetry, VideoState

TRAIL_POINTS = 3000
TRAIL_STEP_M = 0.25
KEPT_OUTCOMES = 200
_MOST_STREAMS = 8
NEVER = "It has not connected yet."

ReadSite = Callable[[str], SiteView]


class RobotState:
    """One robot as the page sees it. Times are monotonic seconds, handed in.

    ``read_site`` turns GeoJSON text into what the page draws, or raises BadInput.
    """

    def __init__(self, robot_id: str, *, read_site: ReadSite, outcomes: Sequence[OutcomeReported] = ()) -> None:
        self.robot_id = robot_id
        self._read_site = read_site
        self._name = robot_id
        self._status: LinkStatus = "offline"
        self._because = NEVER
        self._missions: tuple[str, ...] = ()
        self._site: SiteView | None = None
        self._site_fault = ""
        self._site_text = ""
        self._telemetry: Telemetry | None = None
        self._telemetry_at_s: float | None = None
        self._map: MapUpdate | None = None
        self._route: RouteUpdate | None = None
        self._beliefs: BeliefUpdate | None = None
        self._video: OrderedDict[str, VideoState] = OrderedDict()
        self._trail: deque[Point] = deque(maxlen=TRAIL_POINTS)
        self._outcomes: deque[OutcomeReported] = deque(outcomes, maxlen=KEPT_OUTCOMES)

    @property
    def status(self) -> LinkStatus:
        return self._status

    def view(self, now_s: float) -> RobotView:
        """Everything, as of ``now_s``."""
        return RobotView(
            robot_id=self.robot_id,
            name=self._name,
            link=self.link(now_s),
            missions=self._missions,
            site=self._site,
            site_fault=self._site_fault,
            telemetry=self._telemetry,
            map=self._map,
            route=self._route,
            beliefs=self._beliefs,
            video=tuple(self._video.values()),
            trail_m=tuple(self._trail),
            outcomes=tuple(self._outcomes),
        )

    def link(self, now_s: float) -> LinkView:
        age_s = None if self._telemetry_at_s is None else max(0.0, now_s - self._telemetry_at_s)
        return LinkView(status=self._status, because=self._because, telemetry_age_s=age_s)

    def say_hello(self, hello: Hello, now_s: float) -> Change:
        """A connection begins. The trail and the map stay when the site is the same one."""
        if hello.site_geojson != self._site_text:
            self._take_site(hello)
        self._name, self._missions = hello.name, hello.missions
        self._status, self._because, self._telemetry_at_s = "online", "", now_s
        self._video.clear()
        return RobotChanged(robot=self.view(now_s))

    def lose(self, because: str, now_s: float) -> Change:
        """The connection ended."""
        self._status, self._because = "offline", because
        return LinkChanged(robot_id=self.robot_id, link=self.link(now_s))

    def take(
        self, message: Telemetry | MapUpdate | RouteUpdate | BeliefUpdate | VideoState | OutcomeReported, now_s: float
    ) -> tuple[Change, ...]:
        """Fold one message in and return what changed."""
        match message:
            case Telemetry():
                return self._take_telemetry(message, now_s)
            case MapUpdate():
                self._map = message
                return (MapChanged(robot_id=self.robot_id, map=message),)
            case RouteUpdate():
                self._route = message
                return (RouteChanged(robot_id=self.robot_id, route=message),)
            case BeliefUpdate():
                self._beliefs = message
                return (BeliefsChanged(robot_id=self.robot_id, beliefs=message),)
            case OutcomeReported():
                self._outcomes.append(message)
                return (OutcomeAdded(robot_id=self.robot_id, outcome=message),)
            case VideoState():
                self._video[message.stream] = message
                if len(self._video) > _MOST_STREAMS:
                    self._video.popitem(last=False)
                return (VideoChanged(robot_id=self.robot_id, video=message),)

    def check_silence(self, now_s: float, *, silent_after_s: float) -> tuple[Change, ...]:
        """Notice that telemetry has stopped although the connection stands."""
        silent = self._telemetry_at_s is None or now_s - self._telemetry_at_s > silent_after_s
        if self._status != "online" or not silent:
            return ()
        self._status, self._because = "silent", f"Connected, but no telemetry for {silent_after_s:g} s."
        return (LinkChanged(robot_id=self.robot_id, link=self.link(now_s)),)

    def _take_telemetry(self, telemetry: Telemetry, now_s: float) -> tuple[Change, ...]:
        self._telemetry, self._telemetry_at_s = telemetry, now_s
        self._extend_trail(telemetry)
        changes: tuple[Change, ...] = (TelemetryChanged(robot_id=self.robot_id, telemetry=telemetry),)
        if self._status == "silent":
            self._status, self._because = "online", ""
            changes = (LinkChanged(robot_id=self.robot_id, link=self.link(now_s)), *changes)
        return changes

    def _extend_trail(self, telemetry: Telemetry) -> None:
        if telemetry.pose is None:
            return
        here = (telemetry.pose.x_m, telemetry.pose.y_m)
        last = self._trail[-1] if self._trail else None
        if last is None or (here[0] - last[0]) ** 2 + (here[1] - last[1]) ** 2 >= TRAIL_STEP_M**2:
            self._trail.append(here)

    def _take_site(self, hello: Hello) -> None:
        self._site_text, self._site, self._site_fault = hello.site_geojson, None, ""
        self._map, self._route, self._beliefs = None, None, None
        self._trail.clear()
        try:
            self._site = self._read_site(hello.site_geojson)
        except BadInput as error:
            self._site_fault = str(error)
