# SPDX-License-Identifier: Apache-2.0
"""What can be set in lidar-inertial mapping. One set of defaults serves indoors and out; mounts come with the data."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from patrol.config import Config
from slam.config import CloudConfig, Count, Fraction, NotNegative, Positive


class StandstillConfig(Config):
    """When an IMU feels nothing: the deviations of force and rate over ``window_s``, noise and all; and what standing still then
    tells of speed and gyro, per reading of the wheels. ``wheels_at_rest`` is in m/s and rad/s."""

    window_s: Positive = 0.5
    force_std_mps2: Positive = 0.1
    turn_std_radps: Positive = 0.008
    force_off_mps2: Positive = 0.2
    wheels_at_rest: Positive = 0.02
    speed_std_mps: Positive = 0.03
    rate_std_radps: Positive = 0.01
    gate_sigmas: Positive = 4.0


class InertialConfig(Config):
    """How far IMU and wheels are believed. Noise densities are per root hertz; start deviations are those of the first state.
    Between two readings the IMU is unsure by ``change_share`` of their difference.
    Wheels are believed less from ``wheel_soft_sigmas`` on, not at all beyond ``wheel_gate_sigmas``, and again after
    ``wheel_regain_readings`` within ``wheel_regain_sigmas``; meanwhile the speed is in doubt by ``wheel_doubt_noise``."""

    gyro_noise: Positive = 0.0006
    force_noise: Positive = 0.02
    change_share: NotNegative = 0.1
    gyro_bias_walk: Positive = 1e-5
    force_bias_walk: Positive = 2e-4
    blind_turn_noise: Positive = 0.2
    blind_force_noise: Positive = 1.0
    gravity_mps2: Positive = 9.81
    start_speed_std_mps: Positive = 1.0
    start_gyro_bias_std_radps: Positive = 0.005
    start_force_bias_std_mps2: Positive = 0.05
    start_tilt_std_rad: Positive = 0.02
    imu_silent_after_s: Positive = 0.1
    odometry_silent_after_s: Positive = 0.3
    wheel_std_mps: Positive = 0.03
    wheel_share: NotNegative = 0.02
    aside_std_mps: Positive = 0.05
    wheel_turn_std_radps: Positive = 0.05
    wheel_scale_std: Positive = 0.01
    wheel_scale_walk: Positive = 1e-5
    wheel_soft_sigmas: Positive = 2.5
    wheel_gate_sigmas: Positive = 5.0
    wheel_regain_sigmas: Positive = 3.0
    wheel_regain_readings: Count = 5
    wheel_doubt_noise: NotNegative = 0.03
    gap_max_s: Positive = 5.0
    standstill: StandstillConfig = StandstillConfig()


class SurfaceConfig(Config):
    """When a voxel of the local map tells something: ``points_min`` points no thicker than ``thick_max_m`` that spread by
    ``spread_min_m`` along it (standard deviations); an edge, thin in two directions,
    of ``edge_points_min`` after thinning: points of one ring on a smooth wall look like one. Points farther
    off than ``gate_m`` do not count. ``noise_share`` times the information that noise alone would make up is taken off. Once
    ``proven_min`` of a revolution's points lie on something proven, registration is not believed along directions in which these
    tell less than ``borne_min`` of what they would tell were each of them sure in every direction."""

    points_min: Count = 12
    thick_max_m: Positive = 0.06
    spread_min_m: Positive = 0.09
    edge_points_min: Count = 24
    gate_m: Positive = 0.3
    noise_share: NotNegative = 4.0
    proven_min: Fraction = 0.15
    borne_min: Fraction = 0.03


class RegistrationConfig(Config):
    """Distribution-to-distribution registration of a revolution with the local map (small_gicp). After ``lost_after`` poor
    matches in a row the local map begins anew where the motion leads."""

    range_min_m: NotNegative = 0.6
    range_max_m: Positive = 80.0
    thin_m: Positive = 0.25
    neighbours: Count = 10
    voxel_m: Positive = 0.5
    gate_m: Positive = 1.0
    iterations_max: Count = 10
    step_m: Positive = 1e-3
    step_rad: Positive = 1e-4
    threads: Count = 1
    points_min: Count = 100
    overlap_min: Fraction = 0.4
    correction_max_m: Positive = 1.0
    correction_max_rad: Positive = 0.2
    point_std_m: Positive = 0.1
    key_scans_kept: Count = 40
    lost_after: Count = 3
    surfaces: SurfaceConfig = SurfaceConfig()


class KeyScanConfig(Config):
    """When a revolution becomes a key scan, and what it keeps."""

    step_m: Positive = 1.0
    turn_rad: Positive = 0.35
    std_floor_m: Positive = 0.002
    std_floor_rad: Positive = 0.0002


class ClosureConfig(Config):
    """Where earlier visits are looked for, and what makes one believed."""

    enabled: bool = True
    every: Count = 2
    path_gap_m: Positive = 30.0
    radius_m: Positive = 6.0
    drift_per_m: Positive = 0.02
    radius_max_m: Positive = 30.0
    candidates_max: Count = 2
    submap_key_scans: Annotated[int, Field(ge=0)] = 4
    query_key_scans: Annotated[int, Field(ge=0)] = 1
    thin_m: Positive = 0.3
    gates_m: tuple[Positive, ...] = (2.0, 0.8)
    overlaps_within_m: Positive = 1.0
    overlap_min: Fraction = 0.5
    fits_within_m: Positive = 0.3
    fit_min: Fraction = 0.65
    alike_min: Fraction = 0.6
    robust_sigma: Positive = 2.0
    std_floor_m: Positive = 0.01
    std_floor_rad: Positive = 0.001


class MeshConfig(Config):
    """The surface: Poisson reconstruction (Kazhdan and Hoppe, 2013), trimmed where few points bear it."""

    cell_m: Positive = 0.15
    neighbours: Count = 20
    depth_max: Count = 11
    far_m: Positive = 0.3


class LioConfig(Config):
    """Everything lidar-inertial mapping can be told."""

    inertial: InertialConfig = InertialConfig()
    registration: RegistrationConfig = RegistrationConfig()
    key_scan: KeyScanConfig = KeyScanConfig()
    closure: ClosureConfig = ClosureConfig()
    cloud: CloudConfig = CloudConfig()
    mesh: MeshConfig = MeshConfig()
