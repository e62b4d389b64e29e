# SPDX-License-Identifier: Apache-2.0
"""Floors in plans: lifts join them, at the time that they take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mission.pace import Pace, WayMissing
from mission.planning.graph import Closure
from mission.planning.site_graph import PlaceUnreachable, SiteGraphConfig, stops_graph
from mission.route import perimeter_route
from mission.team.narrow import narrow_ways
from mission.team.roster import roster_of
from patrol.errors import BadValue
from patrol.operations import Mission
from patrol.site import Lift, Site
from tests.mission.places import waypoint
from tests.mission.storeys import LIFT, storeys

LOW, HIGH = waypoint("LOW", 14.4, 4.5, 1), replace(waypoint("HIGH", 8.4, 4.5, 2), floor=1)
DIRECT_M = (18.4 - 14.4) + (18.4 - 8.4)
"""From both stops to the landing, which is 1.6 m before the doors at x 20."""


def site(*, lifts: tuple[Lift, ...] = (LIFT,)) -> Site:
    return storeys(lifts=lifts, stops=(LOW, HIGH))


@pytest.mark.parametrize("speed_mps", [1.0, 2.0])
def test_a_way_by_lift_is_the_ways_to_it_and_the_time_that_it_takes(speed_mps: float) -> None:
    place = site()
    made = stops_graph(place, perimeter_route(place).waypoints, SiteGraphConfig(lift_mps=speed_mps))
    assert made.floors == (0, 1)
    assert Closure.of(made.graph).distances_m[0, 1] == pytest.approx(DIRECT_M + 45.0 * speed_mps, rel=0.02)
    assert narrow_ways(place, made) == frozenset()


def test_floors_that_no_lift_joins_are_refused_by_name() -> None:
    place = site(lifts=())
    with pytest.raises(PlaceUnreachable, match="no way leads from LOW to HIGH"):
        stops_graph(place, perimeter_route(place).waypoints)
    ramp = site(lifts=(replace(LIFT, doors_face_rad=None),))
    with pytest.raises(PlaceUnreachable, match="HIGH"):
        stops_graph(ramp, perimeter_route(ramp).waypoints)


def test_the_lap_that_is_promised_counts_both_rides() -> None:
    place = site()
    mission = Mission(mission_id="m", name="M", route=perimeter_route(place), speed_mps=1.0)
    lap_s = Pace(place).lap_s(mission)
    assert 2.0 * (45.0 + DIRECT_M) < lap_s < 2.0 * (45.0 + 1.5 * DIRECT_M) + 20.0
    with pytest.raises(WayMissing, match="no lift leads from floor"):
        Pace(site(lifts=())).lap_s(mission)


def test_a_live_team_shares_the_ground_floor() -> None:
    place = site()
    mission = Mission(mission_id="m", name="M", route=perimeter_route(place))
    with pytest.raises(BadValue, match="stops on other floors"):
        roster_of(place, mission, ("a", "b"), lambda: 0.0)
