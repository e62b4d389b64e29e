# SPDX-License-Identifier: Apache-2.0
"""GNSS beside SLAM: which fixes count, what a spoofed receiver can do, where the map lies, and that no pose jumps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from patrol.checks import Floats
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2
from patrol.local_frame import LocalFrame
from patrol.sensors import Fix
from patrol.site import Building, Datum, Site
from slam.config import SessionConfig
from slam.gnss.aid import GnssAid, Whereabouts
from slam.gnss.config import CorrectionConfig, FixConfig, GnssConfig
from slam.gnss.fix_gate import FixUse
from slam.gnss.georeference import aligned
from slam.gnss.moved import MovedSight, MovedTest
from slam.gnss.smooth import SmoothCorrection
from slam.map_files import load_map
from slam.mapper import Mapper
from slam.session import MapPlaces, SlamSession
from tests.slam.raycaster import BASE_FROM_LIDAR, Step, drive, hall, lap

DATUM = Datum(latitude_deg=53.87, longitude_deg=11.45, altitude_m=42.0)
FRAME = LocalFrame(DATUM)
STATED_M = math.hypot(0.35, 0.6)
PERIOD_S = 0.2


def fix_at(stamp_ns: int, east_m: float, north_m: float, *, std_m: float = STATED_M, valid: bool = True) -> Fix:
    longitude, latitude, altitude = FRAME.to_wgs84(np.array([east_m, north_m, 0.0]))
    return Fix(
        stamp_ns=stamp_ns,
        latitude_deg=float(latitude),
        longitude_deg=float(longitude),
        altitude_m=float(altitude),
        covariance_m2=np.eye(3) * std_m**2,
        valid=valid,
    )


@dataclass
class Receiver:
    """White noise on a drift that lasts a minute, and a lie on top."""

    seed: int
    rng: np.random.Generator = field(init=False)
    drift: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.drift = self.rng.normal(0.0, 0.6, 2)

    def error(self) -> Floats:
        keep = math.exp(-PERIOD_S / 60.0)
        self.drift = keep * self.drift + math.sqrt(1.0 - keep * keep) * self.rng.normal(0.0, 0.6, 2)
        return np.asarray(self.drift + self.rng.normal(0.0, 0.35, 2))


def circled(seconds: float) -> list[Pose2]:
    """Poses on a circle of 30 m at 1.2 m/s."""
    turns = np.arange(0.0, seconds, PERIOD_S) * 1.2 / 30.0
    return [Pose2(30.0 * math.cos(turn), 30.0 * math.sin(turn), turn + 0.5 * math.pi) for turn in turns]


def judged(
    seed: int, *, ramp_mps: float, at_s: float, for_s: float, seconds: float, roofs: tuple[Polygon, ...] = ()
) -> list[FixUse]:
    """What becomes of fixes that are drawn to the north-east, while SLAM knows where it is to 10 cm."""
    aid = GnssAid(GnssConfig(), FRAME, roofs, lambda _: IDENTITY2, is_start_known=True)
    receiver, uses = Receiver(seed), []
    for row, pose in enumerate(circled(seconds)):
        now_s, stamp_ns = row * PERIOD_S, round((1.0 + row * PERIOD_S) * 1e9)
        estimate = PoseEstimate(
            stamp_ns=stamp_ns, map_from_odom=IDENTITY2, odom_from_base=pose, covariance=np.diag([0.01, 0.01, 1e-4])
        )
        aid.follow(estimate, is_corrected=False)
        lie = ramp_mps * (now_s - at_s) / math.sqrt(2.0) if at_s <= now_s < at_s + for_s else 0.0
        east, north = np.array([pose.x_m, pose.y_m]) + receiver.error() + lie
        uses.append(aid.add_fix(fix_at(stamp_ns, east, north), Whereabouts(estimate=estimate, odom_from_base=pose)).use)
    return uses


def test_honest_fixes_are_used() -> None:
    assert set(judged(3, ramp_mps=0.0, at_s=0.0, for_s=0.0, seconds=120.0)) == {FixUse.USED}


@pytest.mark.parametrize(("ramp_mps", "within_s"), [(1.0, 4.0), (0.3, 14.0), (0.1, 40.0)])
def test_a_ramp_is_found_before_its_fixes_count_and_forgiven_when_it_is_over(ramp_mps: float, within_s: float) -> None:
    uses = judged(5, ramp_mps=ramp_mps, at_s=60.0, for_s=45.0, seconds=135.0)
    refused = [row * PERIOD_S for row, use in enumerate(uses) if use is not FixUse.USED]
    assert refused[0] >= 60.0
    assert refused[0] <= 60.0 + within_s
    assert not any(use is FixUse.USED for use in uses[round(refused[0] / PERIOD_S) : round(105.0 / PERIOD_S)])
    assert refused[-1] < 125.0
    assert uses[-1] is FixUse.USED


def test_fixes_under_a_roof_uncertain_ones_and_none_are_left_out() -> None:
    roof = box(-40.0, -40.0, 0.0, 40.0)
    uses = judged(3, ramp_mps=0.0, at_s=0.0, for_s=0.0, seconds=75.0, roofs=(roof,))
    inside = [use for use, pose in zip(uses, circled(75.0), strict=True) if pose.x_m < -0.5]
    assert set(inside) == {FixUse.ROOFED}
    assert FixUse.USED in uses
    aid = GnssAid(GnssConfig(), FRAME, (), lambda _: IDENTITY2, is_start_known=True)
    estimate = PoseEstimate(stamp_ns=1, map_from_odom=IDENTITY2, odom_from_base=IDENTITY2, covariance=np.eye(3) * 0.01)
    here = Whereabouts(estimate=estimate, odom_from_base=IDENTITY2)
    aid.follow(estimate, is_corrected=False)
    assert aid.add_fix(fix_at(1, 0.0, 0.0, std_m=9.0), here).use is FixUse.POOR
    assert aid.add_fix(fix_at(2, 0.0, 0.0, valid=False), here).use is FixUse.NO_SOLUTION
    assert aid.add_fix(fix_at(3, math.nan, 0.0), here).use is FixUse.NO_SOLUTION


def test_a_jump_is_seen_by_the_short_windows_and_a_creep_by_the_long_ones() -> None:
    def found_s(shift: Floats) -> float | None:
        test = MovedTest(FixConfig())
        for row, (x, y) in enumerate(shift):
            sight = MovedSight(stamp_ns=row * 2 * 10**8, apart_m=np.array([x, y]), variance_m2=0.25, driven_m=0.0)
            window_s = test.add(sight)
            if window_s is not None:
                return window_s
        return None

    times = np.arange(0.0, 120.0, 0.2)
    assert found_s(np.zeros((600, 2))) is None
    assert found_s(np.column_stack((np.where(times > 50.0, 8.0, 0.0), 0 * times))) in (1.0, 2.0, pytest.approx(2.0, abs=1.1))
    creeping = found_s(np.column_stack((0.12 * times, 0 * times)))
    assert creeping is not None
    assert creeping > 10.0


@given(
    x=st.floats(-500, 500), y=st.floats(-500, 500), yaw=st.floats(-3.1, 3.1), seed=st.integers(0, 2**20), wild=st.integers(0, 4)
)
def test_the_map_is_laid_on_earth_whatever_its_frame(x: float, y: float, yaw: float, seed: int, wild: int) -> None:
    rng, truth = np.random.default_rng(seed), Pose2(x, y, yaw)
    map_m = rng.uniform(-60.0, 60.0, (40, 2))
    enu_m = truth.apply(map_m) + rng.normal(0.0, 0.5, (40, 2))
    enu_m[:wild] += 60.0
    found = aligned(map_m, enu_m, np.full(40, 0.5), prior=None, robust_sigma=2.0)
    off = found.enu_from_map.apply(np.zeros((1, 2)))[0] - (x, y)
    assert np.hypot(*off) < 6.0 * math.sqrt(np.linalg.eigvalsh(found.covariance[:2, :2])[-1])
    assert abs(Pose2(0.0, 0.0, found.enu_from_map.yaw_rad - yaw).yaw_rad) < 6.0 * found.yaw_std_rad
    assert found.yaw_std_rad < 0.01


def test_pairs_at_one_place_tell_no_heading() -> None:
    found = aligned(np.zeros((8, 2)), np.full((8, 2), 3.0), np.full(8, 0.5), prior=None, robust_sigma=2.0)
    assert found.yaw_std_rad > 1.0


@given(x=st.floats(-2.0, 2.0), y=st.floats(-2.0, 2.0), yaw=st.floats(-0.4, 0.4))
def test_a_correction_is_followed_in_small_steps_and_reached(x: float, y: float, yaw: float) -> None:
    config = CorrectionConfig()
    smooth, before = SmoothCorrection(config), IDENTITY2
    for row in range(60):
        odom = Pose2(50.0 + 0.1 * row, 3.0, 0.01 * row)
        wanted = IDENTITY2 if row == 0 else Pose2(50.0, 3.0, 0.0) @ Pose2(x, y, yaw) @ Pose2(50.0, 3.0, 0.0).inverse()
        estimate = PoseEstimate(stamp_ns=row, map_from_odom=wanted, odom_from_base=odom, covariance=np.eye(3) * 0.01)
        told = smooth.follow(estimate)
        step = (before @ odom).inverse() @ told.map_from_base
        assert IDENTITY2.distance_to(step) <= config.step_max_m + 1e-6
        assert abs(step.yaw_rad) <= config.step_max_rad + 1e-6
        left_m = told.map_from_base.distance_to(estimate.map_from_base)
        assert told.position_std_m >= left_m
        before = told.map_from_odom
    assert told.map_from_base.distance_to(estimate.map_from_base) < 1e-6


def open_air(buildings: tuple[Building, ...] = ()) -> Site:
    """The hall's floor as a site; what has a roof is listed."""
    outline = box(-50.0, -50.0, 80.0, 80.0)
    return Site(site_id="hall", name="Hall", time_zone="UTC", datum=DATUM, perimeter=outline, buildings=buildings)


@pytest.fixture(scope="module")
def steps() -> tuple[Step, ...]:
    return tuple(drive(hall(), lap(laps=1.0, speed_mps=0.5)[::4], seed=3))


def mapped(
    steps: tuple[Step, ...], start: Pose2, *, moved: Pose2, is_start_known: bool
) -> tuple[SlamSession, PoseEstimate, float]:
    """A map of the hall made with good GNSS of a site where the hall is ``moved``; the session, the last pose and the
    largest jump told."""
    config = SessionConfig(
        gnss=GnssConfig(
            fixes=FixConfig(correlation_s=2.0), prove_s=1.0, factor_every_s=0.5, correct_every_s=1.0, dock_std_rad=0.05
        )
    )
    session = SlamSession(Mapper(config.mapper, BASE_FROM_LIDAR, start), config, BASE_FROM_LIDAR, MapPlaces())
    session.know_site(open_air(), is_start_known=is_start_known)
    rng, jump_m, before = np.random.default_rng(1), 0.0, None
    for step in steps:
        true = moved @ step.true_pose
        east, north = np.array([true.x_m, true.y_m]) + rng.normal(0.0, 0.1, 2)
        session.add_fix(fix_at(step.scan.stamp_ns, east, north, std_m=0.1), step.odom_from_base)
        estimate = session.add_scan(step.scan, step.odom_from_base).estimate
        if before is not None:
            carried = before @ step.odom_from_base
            jump_m = max(jump_m, carried.distance_to(estimate.map_from_base))
        before = estimate.map_from_odom
    return session, estimate, jump_m


def test_a_map_that_began_turned_is_bent_back_without_a_jump(steps: tuple[Step, ...]) -> None:
    start = steps[0].true_pose @ Pose2(0.05, -0.05, math.radians(2.0))
    session, told, jump_m = mapped(steps, start, moved=IDENTITY2, is_start_known=True)
    assert told.map_from_base.distance_to(steps[-1].true_pose) < 0.2
    assert jump_m < 0.2
    reference = session.georeference
    assert reference is not None
    assert reference.enu_from_map == IDENTITY2
    assert 0.0 < reference.covariance[0, 0] < 0.1


def test_a_map_without_a_known_start_is_laid_on_earth_once_that_is_known(steps: tuple[Step, ...], tmp_path: Path) -> None:
    moved = Pose2(20.0, -15.0, 0.7)
    session, told, _ = mapped(steps, steps[0].true_pose, moved=moved, is_start_known=False)
    assert told.map_from_base.distance_to(moved @ steps[-1].true_pose) < 0.2
    session.save(tmp_path)
    saved = load_map(tmp_path)
    assert len(saved.positions) > 10
    again = Mapper.resumed(saved, SessionConfig().mapper, BASE_FROM_LIDAR, told.map_from_base)
    assert len(again.saved().positions) == len(saved.positions)
    poses = [keyframe.map_from_base for keyframe in saved.keyframes]
    assert max(again.keyframe_pose(row).distance_to(pose) for row, pose in enumerate(poses)) < 0.05
