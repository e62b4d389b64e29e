# SPDX-License-Identifier: Apache-2.0
"""The mission: everything the robot knows goes in, ``cmd_vel_nav``, ``robot_state`` and waypoint outcomes come out.

Commands come by the service ``send_command`` and the action ``patrol``; those about the e-stop are passed on to the stop path.
Zones come by the service ``order_zones``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec

from mission.driver import Driver
from mission.executive import Executive, ExecutiveConfig
from mission.inputs import Decision
from mission.navigator import Navigator
from mission.store import FileStore, MemoryStore
from patrol.berths import site_of
from patrol.checks import require_in
from patrol.clock import NS_PER_S, seconds
from patrol.config import load_config
from patrol.errors import BadValue
from patrol.geometry import Pose2
from patrol.inspection import InspectionState
from patrol.operations import Accepted, Command, CommandAnswer, CommandKind, Mode
from patrol.zone_orders import ZoneAnswer, ZoneOrder
from patrol_ros.belief_keeper import BeliefKeeper
from patrol_ros.commands import MISSION_SERVICE, StopOrders, serve_commands
from patrol_ros.conversions.geometry import path_to_ros, twist_to_ros
from patrol_ros.conversions.grounds import door_request_to_ros, lift_request_to_ros
from patrol_ros.conversions.inspections import inspection_to_ros
from patrol_ros.conversions.operations import outcome_to_ros, state_to_ros
from patrol_ros.health import Status, report_health
from patrol_ros.inputs import duties_at, required_site
from patrol_ros.link import Link, run_node
from patrol_ros.mission_inputs import MissionInputs
from patrol_ros.mounts import Mounts
from patrol_ros.patrol_action import PatrolAction
from patrol_ros.secret_file import kept_secret
from patrol_ros.zone_orders import serve_zones
from perception.belief.config import BeliefConfig

log = logging.getLogger(__name__)
PERIOD_S = 0.05
STATE_EVERY_S = 0.2
LIDAR_FRAME = "lidar_link"
_ESTOP_KINDS = (CommandKind.ESTOP, CommandKind.ESTOP_ARM_RESET, CommandKind.ESTOP_RESET)


class MissionNode:
    """Steps the executive 20 times a second of the active clock."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._site = site_of(required_site(link.path("site")), link.parameter("berth", 0))
        self._in_team = "," in link.parameter("robots", "")
        self._duties = duties_at(link.path("mission"), self._site, link.parameter("laps", 0))
        self._missions = self._duties.missions
        self._autostart = link.parameter("autostart", default=False)
        self._config = _as_robot(load_config(ExecutiveConfig, link.path("mission_config")), link.parameter("robot_id", "rover"))
        self._state_folder = link.path("state_folder")
        self._drive_with = _driver(link, link.parameter("driver", "own"))
        self._executive: Executive | None = None
        self._last_state: tuple[int, Mode] | None = None
        self._told_mission = ""
        self._why = "starting"
        names = ("cmd_vel_nav", "robot_state", "waypoint_outcome", "route", "plan", "door_request", "lift_request")
        self._publishers = {name: link.publisher(name) for name in (*names, "inspection")}
        self._inputs = MissionInputs(link, self._state_folder)
        self._base_from_lidar: Pose2 | None = None
        self._told_inspection: tuple[object, ...] = ()
        self._mounts = Mounts(link, self._build)
        belief_config = load_config(BeliefConfig, link.path("belief_config"))
        self._beliefs = BeliefKeeper(link, belief_config, self._site, self._mounts)
        self._stop_orders = StopOrders(link)
        serve_commands(link, MISSION_SERVICE, self._accept)
        serve_zones(link, self._accept_zones)
        self._action = PatrolAction(link, self._accept)
        link.every(PERIOD_S, self._step)
        report_health(link, self._status)

    def _build(self) -> None:
        mount = self._mounts.base_from(LIDAR_FRAME)
        if self._executive is None and mount is not None:
            self._base_from_lidar = mount.to_pose2()
            store = FileStore(self._state_folder / "mission.json") if self._state_folder else MemoryStore()
            self._executive = Executive(
                self._config,
                self._site,
                self._missions,
                base_from_lidar=self._base_from_lidar,
                store=store,
                drawn=self._duties.drawn,
                secret=kept_secret(self._state_folder) if self._state_folder and self._duties.drawn else None,
                calendar=self._duties.calendar,
                drive_with=self._drive_with,
                in_team=self._in_team,
            )

    def _accept(self, command: Command) -> CommandAnswer:
        """Pass e-stop commands on before anything else, then let the executive decide."""
        if command.kind in _ESTOP_KINDS:
            self._stop_orders.send(command)
        if self._executive is None:
            raise BadValue("the mission does not know the robot yet")
        now_ns = self._link.now_ns()
        answer = self._executive.accept(command, now_ns)
        if command.kind is CommandKind.ESTOP_RESET and isinstance(answer, Accepted):
            self._inputs.releasing(now_ns)
        log.info("%s by %s: %s", command.kind, command.issued_by, answer)
        return answer

    def _accept_zones(self, order: ZoneOrder) -> ZoneAnswer:
        if self._executive is None:
            raise BadValue("the mission does not know the robot yet")
        answer = self._executive.accept_zones(order, self._link.now_ns())
        log.info("zones of revision %s by %s: %s", order.revision, order.issued_by, answer)
        return answer

    def _step(self) -> None:
        now_ns = self._link.now_ns()
        if self._executive is None or self._base_from_lidar is None or now_ns == 0:
            return
        self._start_by_itself(now_ns)
        inputs = self._inputs.gathered(now_ns)
        self._beliefs.step(inputs, self._base_from_lidar)
        self._tell(self._executive.step(replace(inputs, beliefs=self._beliefs.told)), now_ns)

    def _start_by_itself(self, now_ns: int) -> None:
        """Once, when the robot knows where it is; a later process knows the command's id and does not start again."""
        if not (self._autostart and self._missions and self._inputs.has_estimate and self._inputs.has_stop_path):
            return
        self._autostart = False
        first = self._missions[0].mission_id
        name = f"autostart {first}"
        expires_ns = now_ns + NS_PER_S
        self._accept(
            Command(command_id=name, kind=CommandKind.START, expires_ns=expires_ns, issued_by="autostart", mission_id=first)
        )

    def _tell(self, decision: Decision, now_ns: int) -> None:
        self._publishers["cmd_vel_nav"].publish(twist_to_ros(decision.twist))
        for request in decision.doors:
            self._publishers["door_request"].publish(door_request_to_ros(request))
        for wish in decision.lifts:
            self._publishers["lift_request"].publish(lift_request_to_ros(wish))
        for outcome in decision.outcomes:
            self._publishers["waypoint_outcome"].publish(outcome_to_ros(outcome))
        self._tell_inspection(decision.inspection)
        self._action.follow(decision.state, decision.outcomes, mission_done=decision.mission_done)
        if self._is_state_due(decision.state.mode, now_ns):
            self._last_state = (now_ns, decision.state.mode)
            self._why = decision.state.why
            self._publishers["robot_state"].publish(state_to_ros(decision.state, decision.facts))
            plan = [Pose2(float(x), float(y), 0.0) for x, y in decision.plan_m]
            self._publishers["plan"].publish(path_to_ros(now_ns, plan))
            self._tell_route(decision, now_ns)

    def _tell_inspection(self, state: InspectionState | None) -> None:
        """What has changed about an inspection: how much is seen, where the thing is, that it has ended."""
        if state is None:
            return
        told = (state.inspection_id, state.phase, state.seen_rad, *state.position_m.tolist())
        if told == self._told_inspection:
            return
        self._told_inspection = told
        self._publishers["inspection"].publish(inspection_to_ros(state))

    def _is_state_due(self, mode: Mode, now_ns: int) -> bool:
        if self._last_state is None:
            return True
        stamp_ns, last = self._last_state
        return mode is not last or not 0.0 <= seconds(now_ns - stamp_ns) < STATE_EVERY_S

    def _tell_route(self, decision: Decision, now_ns: int) -> None:
        """The route of the mission in hand, once."""
        progress = decision.state.progress
        wanted = progress.mission_id if progress is not None else ""
        if wanted in ("", self._told_mission):
            return
        self._told_mission = wanted
        for mission in self._missions:
            if mission.mission_id == wanted:
                poses = [waypoint.pose for waypoint in mission.route.waypoints]
                self._publishers["route"].publish(path_to_ros(now_ns, poses))

    def _status(self) -> Status:
        if self._executive is None:
            return Status(wrong=f"tf_static does not tell where {LIDAR_FRAME} is")
        mode = self._executive.situation.mode
        held = mode in (Mode.HELD, Mode.ESTOPPED)
        return Status(wrong=self._why if held else "", values={"mode": mode.value, "why": self._why})


def _as_robot(config: ExecutiveConfig, robot_id: str) -> ExecutiveConfig:
    """The configuration of the robot that lifts know as ``robot_id``."""
    return config.model_copy(update={"lifts": config.lifts.model_copy(update={"session": robot_id})})


def _driver(link: Link, name: str) -> Callable[[Navigator], Driver] | None:
    """What drives to a goal: the mission's own navigator, or Nav2. Raises BadValue for anything else, or where Nav2's
    interfaces are not installed."""
    require_in("driver", name, ("own", "nav2"))
    if name == "own":
        return None
    if find_spec("nav2_msgs") is None:
        raise BadValue("driver: nav2 needs the package nav2_msgs, which is not installed")
    module = import_module("patrol_ros.nav2_port")
    driver: Callable[[Navigator], Driver] = module.Nav2Port(link).driver
    return driver


def main() -> None:
    """Entry point of ``ros2 run patrol_ros mission``."""
    run_node("mission", MissionNode)


if __name__ == "__main__":
    main()
