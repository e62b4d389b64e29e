# SPDX-License-Identifier: Apache-2.0
"""GNSS beside SLAM: fix after fix is judged; what stays uncontradicted becomes measured positions of keyframes, and tells
where the map lies on Earth.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from shapely.geometry import Polygon

from patrol.checks import Floats
from patrol.clock import nanoseconds, seconds
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2
from patrol.local_frame import LocalFrame
from patrol.sensors import Fix
from slam.gnss.config import GnssConfig
from slam.gnss.fix_gate import FixGate, FixSight, FixUse, FixVerdict
from slam.gnss.georeference import Georeference, aligned, dock_reference
from slam.gnss.track import UncorrectedTrack
from slam.pose_graph import PositionFactor
from slam.relocaliser import Nearby

_UNKNOWN_M2 = 1e8


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """What SLAM knows at a fix: its newest estimate, odometry at the fix's stamp, and while it maps the number of the newest
    keyframe. ``base_from_antenna`` is the antenna's mount."""

    estimate: PoseEstimate
    odom_from_base: Pose2
    keyframe_id: int | None = None
    base_from_antenna: Pose2 = IDENTITY2

    @property
    def lever_m(self) -> Floats:
        """The antenna (1, 2) m in base_link."""
        return np.array([[self.base_from_antenna.x_m, self.base_from_antenna.y_m]])

    @property
    def map_from_base(self) -> Pose2:
        return self.estimate.map_from_odom @ self.odom_from_base


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What mapping has to do, in this order: lay the whole map elsewhere (None: leave it), take back what was measured from
    ``retract_since_ns`` on (None: nothing), add ``factors``."""

    factors: tuple[PositionFactor, ...] = ()
    retract_since_ns: int | None = None
    enu_from_map: Pose2 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """The mean of the fixes of some seconds, in ENU, and the mean of where the antenna was, in the frame of a keyframe (None: in
    map)."""

    stamp_ns: int
    keyframe_id: int | None
    antenna_m: Floats
    enu_m: Floats
    variance_m2: float
    lasted_s: float


class GnssAid:
    """``follow`` each scan's estimate, ``add_fix`` each fix; while mapping, ask for a ``correction`` between scans.

    ``frame`` converts to the site's ENU frame, ``roofs`` are outlines under which no fix counts. ``is_start_known``: the map
    began at a dock of the site's plan, so that map is ENU from the start. ``pose_of`` tells where the map has a keyframe now.
    """

    def __init__(
        self,
        config: GnssConfig,
        frame: LocalFrame,
        roofs: Sequence[Polygon],
        pose_of: Callable[[int], Pose2],
        *,
        is_start_known: bool,
    ) -> None:
        self._config, self._frame, self._pose_of = config, frame, pose_of
        self._gate = FixGate(config.fixes, roofs)
        self._track = UncorrectedTrack()
        self._prior = dock_reference(config.dock_std_m, config.dock_std_rad) if is_start_known else None
        self._reference = self._prior
        self._gathering: list[tuple[FixSight, Floats]] = []
        self._waiting: deque[_Pair] = deque()
        self._pairs: deque[_Pair] = deque(maxlen=config.align_pairs_max)
        self._ripe: deque[_Pair] = deque(maxlen=config.align_pairs_max)
        self._sent_ns: int | None = None
        self._retract_since_ns: int | None = None
        self._is_corrected = False
        self._walked_m: Floats = np.zeros(2)
        self._antenna_m: Floats | None = None
        self._newest: FixSight | None = None
        self.verdict: FixVerdict | None = None

    @property
    def georeference(self) -> Georeference | None:
        """Where the map lies; None while that is not known."""
        return self._reference

    def follow(self, estimate: PoseEstimate, *, is_corrected: bool) -> None:
        """A scan's estimate; ``is_corrected`` when it closed a loop."""
        corrected = is_corrected or self._is_corrected
        if corrected:
            self._gate.map_moved()
        self._track.follow(estimate.map_from_odom, estimate.odom_from_base, is_corrected=corrected)
        self._is_corrected = False

    def add_fix(self, fix: Fix, here: Whereabouts) -> FixVerdict:
        """Judge a fix and take it in."""
        self._newest = sight = self._sight(fix, here)
        self.verdict = verdict = self._gate.judge(sight)
        if verdict.doubtful_since_ns is not None:
            self._take_back(verdict.doubtful_since_ns, fix.stamp_ns)
        is_place_known = here.keyframe_id is not None or not here.estimate.doubt
        if verdict.use is FixUse.USED and is_place_known:
            self._gather(here, replace(sight, fix_covariance=verdict.covariance))
        self._prove(fix.stamp_ns)
        return verdict

    def nearby(self, here: Whereabouts) -> Nearby | None:
        """Where in the map the newest fix has the base; None while it is not known where the map lies."""
        reference, sight = self._reference, self._newest
        if reference is None or sight is None:
            return None
        lever_m = Pose2(0.0, 0.0, here.map_from_base.yaw_rad).apply(here.lever_m)[0]
        base_m = reference.enu_from_map.inverse().apply(sight.fix_m[None])[0] - lever_m
        variance = float(np.linalg.eigvalsh(sight.fix_covariance + reference.covariance_at(base_m))[-1])
        return Nearby(stamp_ns=here.estimate.stamp_ns, position_m=base_m, std_m=math.sqrt(variance))

    def correction(self) -> Correction | None:
        """What is to be put into the map's graph now; None when nothing is."""
        if self._reference is None or not self._is_due():
            return None
        moved = self._reference.enu_from_map if self._prior is None else None
        if moved is not None:
            self._prior = self._reference = replace(self._reference, enu_from_map=IDENTITY2)
        factors = tuple(self._factor(pair, pair.keyframe_id, moved) for pair in self._ripe if pair.keyframe_id is not None)
        told = Correction(factors=factors, retract_since_ns=self._retract_since_ns, enu_from_map=moved)
        if factors:
            self._sent_ns = factors[-1].stamp_ns
        self._ripe.clear()
        self._retract_since_ns, self._is_corrected = None, True
        return told

    def _is_due(self) -> bool:
        """Whether something is to be taken back, the map to be laid on Earth, or enough has come together to be worth solving
        the graph for."""
        if self._retract_since_ns is not None or self._prior is None:
            return True
        count = math.ceil(self._config.correct_every_s / self._config.factor_every_s)
        return len(self._ripe) >= count

    def _sight(self, fix: Fix, here: Whereabouts) -> FixSight:
        reference, map_from_base = self._reference, here.map_from_base
        map_m = map_from_base.apply(here.lever_m)[0]
        to_enu = reference.enu_from_map if reference is not None else IDENTITY2
        if reference is None or (here.keyframe_id is None and here.estimate.doubt):
            doubt: Floats = _UNKNOWN_M2 * np.eye(2)
        else:
            doubt = here.estimate.covariance[:2, :2]
            doubt = doubt + reference.covariance_at(map_m) if here.keyframe_id is None else doubt
        return FixSight(
            stamp_ns=fix.stamp_ns,
            is_solved=fix.valid,
            fix_m=self._frame.to_map(np.array([fix.longitude_deg, fix.latitude_deg, fix.altitude_m]))[:2],
            fix_covariance=fix.covariance_m2[:2, :2],
            antenna_m=to_enu.apply(map_m[None])[0],
            antenna_covariance=doubt,
            track_m=self._walk(here, to_enu.yaw_rad + map_from_base.yaw_rad),
            driven_m=self._track.driven_m,
            is_heading_known=reference is not None,
        )

    def _walk(self, here: Whereabouts, enu_yaw_rad: float) -> Floats:
        """The antenna's way by scans and odometry, in ENU: each step is turned by the heading as it is known at the time."""
        track_from_base = self._track.track_from_base(here.odom_from_base)
        antenna_m = track_from_base.apply(here.lever_m)[0]
        if self._antenna_m is not None:
            turn = Pose2(0.0, 0.0, enu_yaw_rad - track_from_base.yaw_rad)
            self._walked_m = self._walked_m + turn.apply((antenna_m - self._antenna_m)[None])[0]
        self._antenna_m = antenna_m
        return self._walked_m

    def _gather(self, here: Whereabouts, sight: FixSight) -> None:
        """Fixes of some seconds become one pair."""
        self._gathering.append((sight, here.map_from_base.apply(here.lever_m)[0]))
        first_ns, config = self._gathering[0][0].stamp_ns, self._config
        if seconds(sight.stamp_ns - first_ns) < config.factor_every_s:
            return
        before = self._waiting[-1] if self._waiting else self._pairs[-1] if self._pairs else None
        apart_s = seconds(sight.stamp_ns - before.stamp_ns) if before is not None else config.fixes.correlation_s
        map_from_place = self._place(here.keyframe_id)
        antenna_m = np.mean([antenna_m for _, antenna_m in self._gathering], axis=0)
        variances = [sight.fix_covariance for sight, _ in self._gathering]
        self._waiting.append(
            _Pair(
                stamp_ns=sight.stamp_ns,
                keyframe_id=here.keyframe_id,
                antenna_m=map_from_place.inverse().apply(antenna_m[None])[0],
                enu_m=np.mean([sight.fix_m for sight, _ in self._gathering], axis=0),
                variance_m2=max(float(np.linalg.eigvalsh(np.mean(variances, axis=0))[-1]), config.fixes.std_floor_m**2),
                lasted_s=max(apart_s, config.factor_every_s),
            )
        )
        self._gathering = []

    def _prove(self, now_ns: int) -> None:
        """Pairs that nothing contradicted for long enough count."""
        count = len(self._waiting)
        while self._waiting and now_ns - self._waiting[0].stamp_ns >= nanoseconds(self._config.prove_s):
            pair = self._waiting.popleft()
            self._pairs.append(pair)
            self._ripe.append(pair)
        if len(self._waiting) < count:
            self._align()

    def _take_back(self, since_ns: int, now_ns: int) -> None:
        """Whatever came in since then may be false."""
        since_ns = min(since_ns, now_ns - nanoseconds(self._config.retract_s))
        self._gathering = []
        self._waiting.clear()
        count = len(self._pairs)
        for pairs in (self._pairs, self._ripe):
            while pairs and pairs[-1].stamp_ns >= since_ns:
                pairs.pop()
        if len(self._pairs) < count:
            self._align()
        if self._sent_ns is not None and self._sent_ns >= since_ns:
            self._retract_since_ns, self._sent_ns = since_ns, None

    def _align(self) -> None:
        """Where the map lies, by all pairs. While the graph itself holds the map in ENU only the covariance is learned."""
        config = self._config
        if len(self._pairs) < config.align_pairs_min:
            return
        map_m = np.array([self._place(pair.keyframe_id).apply(pair.antenna_m[None])[0] for pair in self._pairs])
        std_m = np.sqrt([pair.variance_m2 * self._inflation(pair) for pair in self._pairs])
        enu_m = np.array([pair.enu_m for pair in self._pairs])
        found = aligned(map_m, enu_m, std_m, prior=self._prior, robust_sigma=config.robust_sigma)
        if self._prior is None:
            centre = found.covariance_at(map_m.mean(axis=0))
            is_sure = float(np.linalg.eigvalsh(centre)[-1]) < config.align_std_max_m**2
            self._reference = found if is_sure and found.yaw_std_rad < config.align_std_max_rad else None
        elif self._pairs[-1].keyframe_id is not None:
            self._reference = replace(found, enu_from_map=IDENTITY2)
        else:
            self._reference = found

    def _place(self, keyframe_id: int | None) -> Pose2:
        return IDENTITY2 if keyframe_id is None else self._pose_of(keyframe_id)

    def _inflation(self, pair: _Pair) -> float:
        """Errors of GNSS last: pairs that come quickly after one another share one error, and count as much as one together."""
        return max(1.0, self._config.fixes.correlation_s / pair.lasted_s)

    def _factor(self, pair: _Pair, keyframe_id: int, moved: Pose2 | None) -> PositionFactor:
        inflation, pose = self._inflation(pair), self._pose_of(keyframe_id)
        turn = Pose2(0.0, 0.0, pose.yaw_rad + (moved.yaw_rad if moved is not None else 0.0))
        return PositionFactor(
            keyframe_id=keyframe_id,
            stamp_ns=pair.stamp_ns,
            position_m=pair.enu_m - turn.apply(pair.antenna_m[None])[0],
            covariance=pair.variance_m2 * inflation * np.eye(2),
            kernel=self._config.robust_sigma / math.sqrt(inflation),
        )
