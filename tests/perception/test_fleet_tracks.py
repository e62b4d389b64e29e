# SPDX-License-Identifier: Apache-2.0
"""Tracks of several robots as one for each thing: noisy views of walkers, with errors that robots share, and crossings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.checks import Floats
from patrol.percepts import Alert, GroundPosition, Label, Reason, Track, TrackState
from perception.fleet.tracks import FleetTrack, FleetTracks, intersected

STEP_NS = 100_000_000


def track(
    track_id: int,
    stamp_ns: int,
    position_m: Floats,
    velocity_mps: Floats,
    *,
    std_m: float = 0.3,
    label: Label = Label.PERSON,
    state: TrackState = "confirmed",
) -> Track:
    ground = GroundPosition(position_m=position_m, velocity_mps=velocity_mps, covariance_m2=std_m * std_m * np.eye(2))
    return Track(
        track_id=track_id,
        label=label,
        state=state,
        stamp_ns=stamp_ns,
        first_seen_ns=0,
        last_seen_ns=stamp_ns,
        hits=9,
        score=0.9,
        box=None,
        ground=ground,
    )


class Field:
    """People who walk straight, seen by robots whose errors have a part that is the same for all of a robot's tracks."""

    def __init__(self, people: list[tuple[Floats, Floats]], robots: int, *, seed: int = 1, std_m: float = 0.3) -> None:
        self.people, self.std_m, self.fleet, self.stamp_ns = people, std_m, FleetTracks(), 0
        self.random = np.random.default_rng(seed)
        self.robots = [f"rover_{number}" for number in range(robots)]
        self.bias = {name: self.random.normal(0.0, 0.7 * std_m, 2) for name in self.robots}

    def run(self, steps: int, sees: dict[str, list[int]] | None = None) -> tuple[FleetTrack, ...]:
        for _ in range(steps):
            self.stamp_ns += STEP_NS
            for number, name in enumerate(self.robots):
                stamp_ns = self.stamp_ns + 30_000_000 * number
                seen = sees[name] if sees is not None else range(len(self.people))
                tracks = [self.seen(name, person, stamp_ns, 10 * number + person) for person in seen]
                self.fleet.hear(name, tracks)
        return self.fleet.fused(self.stamp_ns)

    def place(self, person: int, stamp_ns: int) -> Floats:
        start, velocity = self.people[person]
        return start + velocity * stamp_ns / 1e9

    def seen(self, name: str, person: int, stamp_ns: int, track_id: int) -> Track:
        noise = self.bias[name] + self.random.normal(0.0, 0.7 * self.std_m, 2)
        velocity = self.people[person][1] + self.random.normal(0.0, 0.15, 2)
        return track(track_id, stamp_ns, self.place(person, stamp_ns) + noise, velocity, std_m=self.std_m)


def walkers(*rows: tuple[float, float, float, float]) -> list[tuple[Floats, Floats]]:
    return [(np.array(row[:2]), np.array(row[2:])) for row in rows]


@pytest.mark.parametrize("seed", range(5))
def test_each_person_is_one_track_however_many_robots_see_them(seed: int) -> None:
    field = Field(walkers((0.0, 0.0, 1.2, 0.0), (4.0, 6.0, -0.5, -0.3), (10.0, -5.0, 0.0, 0.0)), 3, seed=seed)
    fused = field.run(60)
    assert len(fused) == 3
    assert all(len(each.seen_by) == 3 for each in fused)
    for each in fused:
        assert {key[1] % 10 for key in each.seen_by} == {each.seen_by[0][1] % 10}, "the same person for all of them"
        assert np.hypot(*(each.ground.position_m - field.place(each.seen_by[0][1] % 10, field.stamp_ns))) < 1.0


def test_two_people_whom_one_robot_sees_side_by_side_stay_two() -> None:
    field = Field(walkers((0.0, 0.0, 1.0, 0.0), (0.0, 0.6, 1.0, 0.0)), 2)
    assert len(field.run(40)) == 2


def test_people_who_pass_one_another_keep_their_tracks() -> None:
    field = Field(walkers((-5.0, 0.0, 1.2, 0.0), (5.0, 0.3, -1.2, 0.0)), 2)
    before = {each.fleet_id: {key[1] % 10 for key in each.seen_by} for each in field.run(10)}
    after = {each.fleet_id: {key[1] % 10 for key in each.seen_by} for each in field.run(75)}
    assert before == after
    assert all(len(people) == 1 for people in after.values())


def test_a_person_and_a_vehicle_at_one_place_are_two() -> None:
    fleet = FleetTracks()
    here, still = np.zeros(2), np.zeros(2)
    fleet.hear("one", [track(1, STEP_NS, here, still)])
    fleet.hear("two", [track(1, STEP_NS, here, still, label=Label.VEHICLE)])
    assert [each.label for each in fleet.fused(STEP_NS)] == [Label.PERSON, Label.VEHICLE]


def test_tracks_that_part_are_taken_apart_and_old_ones_do_not_count() -> None:
    fleet = FleetTracks()
    still = np.zeros(2)
    fleet.hear("one", [track(1, STEP_NS, np.zeros(2), still)])
    fleet.hear("two", [track(7, STEP_NS, np.zeros(2), still)])
    assert len(fleet.fused(STEP_NS)) == 1
    fleet.hear("one", [track(1, 2 * STEP_NS, np.zeros(2), still)])
    fleet.hear("two", [track(7, 2 * STEP_NS, np.array([9.0, 0.0]), still)])
    assert [each.seen_by for each in fleet.fused(2 * STEP_NS)] == [(("one", 1),), (("two", 7),)]
    assert fleet.fused(2 * STEP_NS + 2_000_000_000) == ()


def test_tentative_tracks_and_those_without_a_place_are_left_out() -> None:
    fleet = FleetTracks()
    fleet.hear("one", [track(1, STEP_NS, np.zeros(2), np.zeros(2), state="tentative")])
    assert fleet.fused(STEP_NS) == ()


def alert(alert_id: str, track_id: int, stamp_ns: int) -> Alert:
    ground = GroundPosition(position_m=np.zeros(2), velocity_mps=np.zeros(2), covariance_m2=np.eye(2))
    reason = Reason(rule="intrusion", sentence="A person.", thresholds=(), nearest_change="")
    return Alert(
        alert_id=alert_id,
        stamp_ns=stamp_ns,
        severity="warning",
        reason=reason,
        zone_id="strip",
        track_id=track_id,
        label=Label.PERSON,
        ground=ground,
        position_uncertain=False,
        incident_id=f"incident {alert_id}",
    )


def test_one_intruder_is_one_incident_over_the_fleet() -> None:
    field = Field(walkers((0.0, 0.0, 0.8, 0.0), (20.0, 0.0, 0.8, 0.0)), 2)
    field.run(20)
    first = field.fleet.incident("rover_0", alert("a", 0, field.stamp_ns))
    assert first == "incident a"
    assert field.fleet.incident("rover_1", alert("b", 10, field.stamp_ns)) == first
    assert field.fleet.incident("rover_1", alert("c", 11, field.stamp_ns)) == "incident c"
    assert field.fleet.incident("rover_1", alert("d", 99, field.stamp_ns)) == "incident d"


def covariances() -> st.SearchStrategy[Floats]:
    def made(parts: tuple[float, float, float]) -> Floats:
        one, two, turn = parts
        axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        covariance: Floats = axes @ np.diag([one, two]) @ axes.T
        return covariance

    return st.tuples(st.floats(0.01, 9.0), st.floats(0.01, 9.0), st.floats(0.0, 3.0)).map(made)


@given(covariances(), covariances(), st.floats(-0.99, 0.99))
def test_the_intersection_is_never_surer_than_it_may_be_whatever_the_correlation(one: Floats, two: Floats, share: float) -> None:
    still = np.zeros(2)
    grounds = [GroundPosition(position_m=still, velocity_mps=still, covariance_m2=each) for each in (one, two)]
    told = intersected(grounds).covariance_m2
    roots = np.linalg.cholesky(one), np.linalg.cholesky(two)
    cross = share * roots[0] @ roots[1].T
    joint = np.block([[one, cross], [cross.T, two]])
    weights = np.array([1.0 / np.trace(one), 1.0 / np.trace(two)])
    gains = [told @ (w / weights.sum() * np.linalg.inv(each)) for w, each in zip(weights, (one, two), strict=True)]
    gain = np.hstack(gains)
    true = gain @ joint @ gain.T
    assert np.linalg.eigvalsh(told - true).min() >= -1e-9
