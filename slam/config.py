# SPDX-License-Identifier: Apache-2.0
"""What can be set in the SLAM room. One set of defaults serves indoors and out; sensor geometry comes with the data."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from patrol.config import Config
from slam.gnss.config import CorrectionConfig, GnssConfig

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class ScanConfig(Config):
    """How a scan becomes points."""

    voxel_m: Positive = 0.05
    range_max_m: Positive = 60.0
    points_min: Count = 20


class MatchConfig(Config):
    """Point-to-line scan matching."""

    iterations_max: Count = 20
    gate_start_m: Positive = 0.6
    gate_end_m: Positive = 0.2
    kernel_start_m: Positive = 0.25
    kernel_end_m: Positive = 0.04
    shrink: Fraction = 0.7
    point_std_m: Positive = 0.08
    prior_sigmas: Positive = 2.0
    inlier_m: Positive = 0.10
    target_voxel_m: Positive = 0.1


class MotionConfig(Config):
    """How far odometry is believed, and what no robot of ours can do."""

    use_odometry: bool = True
    still_std_m: Positive = 0.02
    still_std_rad: Positive = 0.01
    std_per_m: Positive = 0.20
    std_per_rad: Positive = 0.30
    speed_max_mps: Positive = 6.0
    turn_max_radps: Positive = 6.0
    gap_max_s: Positive = 2.0
    carry_max_s: Positive = 0.5
    change_mps: Positive = 0.8
    change_radps: Positive = 0.8
    jitter_max_s: Positive = 0.4


class TrackConfig(Config):
    """The local map, when a keyframe is taken, and when a match is not believed."""

    keyframe_step_m: Positive = 0.5
    keyframe_step_max_m: Positive = 1.5
    keyframe_step_per_reach: NotNegative = 0.1
    keyframe_turn_rad: Positive = 0.35
    window_keyframes: Count = 25
    score_sure: Fraction = 0.85
    score_min: Fraction = 0.65
    score_poor: Fraction = 0.35
    search_window_m: Positive = 0.6
    search_window_max_m: Positive = 4.0
    search_window_rad: Positive = 0.35
    gap_s: Positive = 1.0
    open_std_m: Positive = 0.4
    open_std_rad: Positive = 0.4
    open_score_min: Fraction = 0.65
    open_overlap_min: Fraction = 0.35
    break_after_s: Positive = 2.0
    break_after_m: Positive = 1.5
    break_after_scans: Count = 2


class LoopConfig(Config):
    """Where revisits are looked for, and what makes one believed."""

    enabled: bool = True
    submap_keyframes: Count = 20
    path_gap_m: Positive = 12.0
    radius_m: Positive = 10.0
    radius_max_m: Positive = 25.0
    radius_per_reach: NotNegative = 1.5
    candidates_max: Count = 2
    drift_std_per_m: Positive = 0.01
    drift_std_rad_per_m: Positive = 0.001
    search_max_m: Positive = 12.0
    search_max_rad: Positive = 0.6
    search_score_min: Fraction = 0.5
    query_path_m: Positive = 10.0
    alias_away_m: Positive = 1.0
    alias_share: Fraction = 0.9
    query_overlap_min: Fraction = 0.25
    query_score_min: Fraction = 0.7
    contradicted_max_m: Positive = 1.0
    near_overlap_min: Fraction = 0.5
    near_score_min: Fraction = 0.7
    far_window_m: Annotated[float, Field(gt=0.5)] = 3.0
    far_overlap_min: Fraction = 0.7
    far_score_min: Fraction = 0.75
    witness_m: Positive = 0.3
    witness_rad: Positive = 0.06
    robust_sigma: Positive = 2.0
    dense_submaps: Annotated[int, Field(ge=0)] = 3
    dense_rounds: Annotated[int, Field(ge=0)] = 2


class GridConfig(Config):
    """The occupancy grid."""

    resolution_m: Positive = 0.05
    range_max_m: Positive = 40.0
    free_without_return_m: NotNegative = 0.0
    hit_log_odds: Positive = 0.85
    miss_log_odds: Positive = 0.40
    log_odds_max: Positive = 4.0
    keyframes_per_step: Count = 4


class MapperConfig(Config):
    """Everything a ``Mapper`` can be told."""

    scan: ScanConfig = ScanConfig()
    match: MatchConfig = MatchConfig()
    motion: MotionConfig = MotionConfig()
    track: TrackConfig = TrackConfig()
    loop: LoopConfig = LoopConfig()
    grid: GridConfig = GridConfig()


class TrustConfig(Config):
    """When the monitor stops to trust the pose: shares of beams (``through``, ``short``) and of places (``open``) over
    ``window_s``. What differs while ``agreed_places_min`` places around it agree for ``confirmed_s`` has changed, and is
    remembered as such."""

    window_s: Positive = 1.2
    beams: Count = 360
    range_max_m: Positive = 30.0
    near_m: NotNegative = 0.6
    tolerance_m: Positive = 0.3
    tolerance_share: NotNegative = 0.03
    beside_rad: Positive = 0.0175
    beside_m: NotNegative = 0.12
    through_differs: Fraction = 0.025
    open_differs: Fraction = 0.05
    open_wrong: Fraction = 0.2
    short_beside: Fraction = 0.25
    short_wrong: Fraction = 0.6
    clear_share: Fraction = 0.5
    place_m: Positive = 0.4
    place_beams_min: Count = 12
    place_share_min: Fraction = 0.8
    short_changed: Fraction = 0.1
    confirmed_s: Positive = 1.0
    agreed_places_min: Count = 20
    changed_places_max: Count = 2000


class TrailConfig(Config):
    """Which scans of the latest way are kept while the pose is unknown: one every ``every_m``, laid on the ``laid_on`` before."""

    every_m: Positive = 1.0
    looks_max: Count = 15
    laid_on: Count = 6
    std_m: Positive = 0.02
    std_rad: Positive = 0.01


class RelocaliseConfig(Config):
    """Finding the pose anywhere on the map. Where more than ``hypotheses_max`` places fit nearly as well as the best, none is
    followed: the map is searched again ``crowded_m`` on, by then with more of the way."""

    resolution_m: Positive = 0.2
    std_m: Positive = 0.25
    points: Count = 240
    hypotheses_max: Count = 16
    away_m: Positive = 1.0
    away_rad: Positive = 0.4
    search_share: Fraction = 0.85
    score_min: Fraction = 0.5
    rival_share: Fraction = 0.65
    beside_m: Positive = 3.0
    beside_share: Fraction = 0.92
    follow_m: Positive = 5.0
    together_m: Positive = 0.3
    again_after_s: Positive = 1.0
    crowded_m: Positive = 2.0
    crowded_s: Positive = 5.0
    search_again_m: Positive = 15.0


class EvidenceConfig(Config):
    """When a place is believed, in metres of a changed site that it spares: ``carried_off_m`` over ``driven_m``, or ``glance_m``
    at once, beside where odometry has the robot (``denied_m`` where scans had contradicted that), ``apart_m`` beside any other
    place. No more than a ``share_max`` of what is seen may contradict it, ``glance_share_max`` before ``driven_m``, and
    ``merit_min`` of it must lie on the map: who stands off the map finds places that fit badly, none better."""

    cell_m: Positive = 1.0
    every_m: Positive = 0.25
    every_rad: Positive = 0.2
    looks_max: Count = 60
    carried_off_m: Positive = 6.0
    denied_m: Positive = 4.0
    empty_share: Fraction = 0.2
    driven_m: Positive = 3.0
    glance_m: Positive = 10.0
    glance_share_max: Fraction = 0.02
    apart_m: Positive = 2.0
    share_max: Fraction = 0.04
    merit_min: Fraction = 0.6
    home_std_max_m: Positive = 3.0
    reassured_m: Positive = 25.0


class BlockedConfig(Config):
    """When a scan of which most lies on nothing that the map holds is still followed."""

    score_min: Fraction = 0.8
    overlap_min: Fraction = 0.15
    away_m: Positive = 0.15
    away_rad: Positive = 0.05


class LeapConfig(Config):
    """Once ``after_scans`` in a row have fitted, a fit farther from where odometry led than ``m``, or ``rad``, and ``share`` of
    what was driven, or turned, since the last fit is not believed: the robot was carried off, or the place only looks alike."""

    after_scans: Count = 5
    m: Positive = 0.5
    rad: Positive = 0.35
    share: Fraction = 0.3


class ContinuityConfig(Config):
    """When a scan does not follow on the last, ``within_s`` before it: less than ``same_min`` of the lasting things that one saw
    does the other see, where odometry has it, or the map does within what wheels may slip."""

    within_s: Positive = 1.0
    points_min: Count = 30
    slip_m: NotNegative = 0.1
    slip_rad: NotNegative = 0.05
    slip_share: NotNegative = 0.5
    slip_sigmas: NotNegative = 6.0
    follow: Fraction = 0.05
    same_min: Fraction = 0.3


class LocaliserConfig(Config):
    """Everything a ``Localiser`` can be told. A pose whose scans fit, but that the monitor holds for wrong, is in doubt at once;
    after ``distrusted_m`` of driving the whole map is searched for one that fits better."""

    scan: ScanConfig = ScanConfig()
    match: MatchConfig = MatchConfig()
    motion: MotionConfig = MotionConfig()
    distrusted_m: NotNegative = 8.0
    score_min: Fraction = 0.6
    overlap_min: Fraction = 0.35
    lost_after_scans: Count = 10
    leap: LeapConfig = LeapConfig()
    continuity: ContinuityConfig = ContinuityConfig()
    trust: TrustConfig = TrustConfig()
    trail: TrailConfig = TrailConfig()
    relocalise: RelocaliseConfig = RelocaliseConfig()
    evidence: EvidenceConfig = EvidenceConfig()
    blocked: BlockedConfig = BlockedConfig()
    field_resolution_m: Positive = 0.1
    search_points: Count = 150
    search_score_min: Fraction = 0.55
    search_window_m: Positive = 1.5
    search_window_rad: Positive = 0.5


class FloorConfig(Config):
    """When a robot at a lift is on another floor. Merit: score times overlap of a match, 0 to 1, followed from scan to scan."""

    reach_m: Positive = 6.0
    follow: Fraction = 0.3
    merit_min: Fraction = 0.4
    lead_min: Fraction = 0.12
    alike: Fraction = 0.05


class ChangeConfig(Config):
    """What counts as a change against the approved baseline. A thing of the map is gone when the beams that now pass it, or are
    lost there, tell ``gone_nats`` over ``pool_m``, in at least ``crossings_min`` looks; each that still meets it takes
    ``met_nats`` away. Where ``passed_often`` of the map's own beams passed it, passing tells nothing; nor does the map say that
    fewer than ``passed_least`` do, or than ``passed_unseen`` from where none came by."""

    cell_m: Positive = 0.1
    range_max_m: Positive = 20.0
    no_return_m: Positive = 12.0
    every_m: Positive = 0.25
    every_s: Positive = 1.0
    position_std_max_m: Positive = 0.3
    hits_min: Count = 4
    hit_share_min: Fraction = 0.5
    away_min_m: Positive = 0.25
    crossings_min: Count = 4
    pool_m: Positive = 0.5
    passed_least: Annotated[float, Field(gt=0, le=1)] = 0.1
    passed_unseen: Fraction = 0.2
    passed_often: Fraction = 0.2
    met_nats: Positive = 3.0
    gone_nats: Positive = 27.0
    lost_behind_m: NotNegative = 1.0
    small_m: Positive = 1.0
    still_share_min: Fraction = 0.5
    square_min: Fraction = 0.35
    behind_m: Positive = 0.2
    beyond_m: Positive = 0.5
    join_m: Positive = 0.3
    cells_min: Count = 3
    size_min_m: Positive = 0.25
    line_within_m: Positive = 0.6
    line_width_max_m: Positive = 0.5
    goes_on_m: Positive = 1.0
    vehicle_length_m: tuple[float, float] = (1.5, 12.0)
    vehicle_width_min_m: Positive = 0.5
    vehicle_moved_max_m: Positive = 30.0


class CloudConfig(Config):
    """The coloured point cloud."""

    voxel_m: Positive = 0.10
    voxels_max: Count = 2_000_000
    pieces_max: Count = 1_000
    range_max_m: Positive = 30.0
    range_min_m: NotNegative = 0.6
    image_age_max_s: Positive = 0.15


class SessionConfig(Config):
    """The whole of SLAM on a robot: mapping, localising in the finished map, and the coloured cloud."""

    mapper: MapperConfig = MapperConfig()
    localiser: LocaliserConfig = LocaliserConfig()
    cloud: CloudConfig = CloudConfig()
    gnss: GnssConfig = GnssConfig()
    correction: CorrectionConfig = CorrectionConfig()
    floors: FloorConfig = FloorConfig()
    snapshot_every_s: Positive = 20.0
