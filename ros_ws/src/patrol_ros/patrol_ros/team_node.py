# SPDX-License-Identifier: Apache-2.0
"""One robot's part in a team: it hears what the others tell on ``/team``, tells what it knows, and assigns stops to its own
mission. There is no leader; every robot runs this node, and each could be lost. Tracks and alerts of all robots are heard here,
so that an intruder whom several robots see is one incident, which one of them attends."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from patrol_msgs.msg import TeamWord

from mission.passages import PassageConfig, ahead, passages_of
from mission.team.mate import Mate, own_of
from mission.team.right_of_way import RightOfWay, Wish
from mission.team.roster import roster_of
from mission.team.wire import TeamWire
from patrol.checks import Floats
from patrol.clock import seconds
from patrol.errors import BadValue
from patrol.operations import RobotState
from patrol_ros.conversions.operations import outcome_from_ros, state_from_ros
from patrol_ros.conversions.percepts import alert_from_ros, tracks_from_ros
from patrol_ros.conversions.stamps import stamp_to_ros
from patrol_ros.conversions.team import assignment_to_ros, passages_to_ros
from patrol_ros.health import Status, report_health
from patrol_ros.inputs import missions_at, required_site
from patrol_ros.link import Link, run_node
from perception.fleet.tracks import FleetTracks

log = logging.getLogger(__name__)
PERIOD_S = 0.25


class TeamNode:
    """Feeds the mate and tells what it says, four times a second of the active clock."""

    def __init__(self, link: Link) -> None:
        self._link = link
        site = required_site(link.path("site"))
        missions = missions_at(link.path("mission"), site, link.parameter("laps", 0))
        if not missions:
            raise BadValue("mission: a team needs one to share")
        self._mission, self._unit_id = missions[0], link.parameter("robot_id", "rover")
        roster = roster_of(site, self._mission, link.parameter("robots", "").split(","), time.monotonic)
        units = roster.means.units
        if self._unit_id not in units:
            raise BadValue(f"robots: {self._unit_id} is not among {', '.join(units)}")
        self._passages = passages_of(site)
        names = [passage.name for passage in self._passages]
        self._wire = TeamWire(roster.made.graph, units, names)
        self._mate = Mate(
            units[self._unit_id],
            roster.means,
            roster.made.graph,
            roster.stops,
            mission_id=self._mission.mission_id,
            laps=self._mission.laps,
            right_of_way=RightOfWay(self._unit_id, units, names),
        )
        self._path_m: Floats = np.zeros((0, 2))
        self._state: RobotState | None = None
        self._plan = -1
        self._tell, self._assign = link.publisher("/team"), link.publisher("assignment")
        self._tell_passages = link.publisher("passages")
        link.subscribe("plan", self._on_plan)
        link.subscribe("robot_state", self._on_state)
        link.subscribe("waypoint_outcome", self._on_outcome)
        link.subscribe("/team", self._on_word)
        self._fleet = FleetTracks()
        for name in units:
            link.of(name).subscribe("tracks", partial(self._on_tracks, name))
            link.of(name).subscribe("alerts", partial(self._on_alert, name))
        link.every(PERIOD_S, self._step)
        report_health(link, self._status)

    def _now_s(self) -> float:
        return seconds(self._link.now_ns())

    def _on_state(self, message: Any) -> None:
        self._state = state_from_ros(message)

    def _on_plan(self, message: Any) -> None:
        self._path_m = np.array([(at.pose.position.x, at.pose.position.y) for at in message.poses]).reshape(-1, 2)

    def _on_outcome(self, message: Any) -> None:
        outcome = outcome_from_ros(message)
        self._mate.settled(outcome.waypoint_id, outcome.outcome, self._now_s())

    def _on_tracks(self, unit_id: str, message: Any) -> None:
        self._fleet.hear(unit_id, tracks_from_ros(message))

    def _on_alert(self, unit_id: str, message: Any) -> None:
        """Every member hears of it and raises it under the same name, so it is one however many hear."""
        alert = alert_from_ros(message)
        x_m, y_m = alert.ground.position_m.tolist()
        self._mate.raise_alert(self._fleet.incident(unit_id, alert), (x_m, y_m), self._now_s())

    def _on_word(self, message: Any) -> None:
        if message.unit_id != self._unit_id:
            self._mate.hear(self._wire.knowledge(message.knowledge))

    def _step(self) -> None:
        now_ns = self._link.now_ns()
        if self._state is None or now_ns == 0:
            return
        own = replace(own_of(self._state, self._mission.mission_id), wish=self._wish(self._state))
        assignment = self._mate.step(seconds(now_ns), own)
        self._note_plan()
        word = TeamWord(stamp=stamp_to_ros(now_ns), unit_id=self._unit_id, knowledge=self._wire.text(self._mate.knowledge))
        self._tell.publish(word)
        if self._mate.passages is not None:
            self._tell_passages.publish(passages_to_ros(self._mate.passages))
        if assignment is not None:
            self._assign.publish(assignment_to_ros(assignment))

    def _wish(self, state: RobotState) -> Wish:
        """The passage that the robot stands in, and the one that its plan leads into."""
        pose = state.map_from_base
        if pose is None:
            return Wish()
        next_ = ahead(self._passages, self._path_m, pose, PassageConfig().ask_ahead_m)
        inside = next((passage.name for passage in self._passages if passage.holds(pose)), "")
        return Wish(wants=next_[0].name if next_ is not None else "", inside=inside)

    def _note_plan(self) -> None:
        plan = self._mate.knowledge.plan
        if plan is not None and plan.epoch != self._plan:
            self._plan = plan.epoch
            made = plan.allocation
            log.info(
                "plan %d by %s for %s: no stop unseen for over %.0f s; no plan keeps less than %.0f s, because %s",
                plan.epoch,
                plan.author,
                ", ".join(sorted(plan.members)),
                made.guarantee_s,
                made.bound_s,
                made.because,
            )

    def _status(self) -> Status:
        plan = self._mate.knowledge.plan
        values = {"duty": self._mate.duty.value, "rounds": str(self._mate.knowledge.rounds)}
        values["fused_tracks"] = str(len(self._fleet.fused(self._link.now_ns())))
        if plan is not None:
            values |= {"plan": str(plan.epoch), "members": " ".join(sorted(plan.members))}
            values |= {"guarantee_s": f"{plan.allocation.guarantee_s:.1f}", "bound_s": f"{plan.allocation.bound_s:.1f}"}
        return Status(values=values)


def main() -> None:
    """Entry point of ``ros2 run patrol_ros team``."""
    run_node("team", TeamNode)


if __name__ == "__main__":
    main()
