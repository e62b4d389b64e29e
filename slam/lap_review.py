# SPDX-License-Identifier: Apache-2.0
"""A later map held against the baseline: its keyframes are placed in the baseline one by one, and what they see is counted."""

from __future__ import annotations

import numpy as np

from patrol.errors import BadValue
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2
from patrol.site import Site
from slam.config import ChangeConfig, MatchConfig
from slam.findings import Finding, findings_of
from slam.localiser import lasting_surface
from slam.map_changes import Baseline, ChangeWatch
from slam.map_files import SavedMap
from slam.scan_matcher import MatchTarget, information, match_points

_GUESS_STD_M, _GUESS_STD_RAD = 0.3, 0.05
_SCORE_MIN, _OVERLAP_MIN = 0.6, 0.4


def changes_between(
    baseline: SavedMap, later: SavedMap, *, site: Site | None, config: ChangeConfig, match: MatchConfig
) -> tuple[Finding, ...]:
    """What ``later`` shows to have changed. Both maps start from the same dock; keyframes that fit nowhere near are left out.

    Raises BadValue when ``later`` does not tell where its lidar sat.
    """
    if later.base_from_lidar is None:
        raise BadValue("base_from_lidar: the later map does not tell where the lidar sat; it has to be made anew")
    target = MatchTarget.from_surface(lasting_surface(baseline), match.target_voxel_m)
    watch = ChangeWatch(
        Baseline.of(baseline, config, baseline.base_from_lidar or later.base_from_lidar), config, later.base_from_lidar
    )
    drift = IDENTITY2
    for keyframe in later.keyframes:
        guess = drift @ keyframe.map_from_base
        found = match_points(keyframe.points, target, guess, information(_GUESS_STD_M, _GUESS_STD_RAD), match)
        if found.score < _SCORE_MIN or found.overlap < _OVERLAP_MIN:
            continue
        drift = found.target_from_base @ keyframe.map_from_base.inverse()
        estimate = PoseEstimate(
            stamp_ns=keyframe.scan.stamp_ns,
            map_from_odom=found.target_from_base,
            odom_from_base=IDENTITY2,
            covariance=np.asarray(found.covariance),
        )
        watch.look(keyframe.scan, estimate, keyframe.rate)
    return findings_of(watch, site, config)
