# SPDX-License-Identifier: Apache-2.0
"""What can be set in lidar-inertial mapping. One set of defaults serves indoors and out; mounts come with the data."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from patrol.config import Config
from slam.config import CloudConfig, Count, Fraction, NotNegative, Positive


class InertialConfig(Config):
    """How far IMU and wheels are believed. Noise densities are per root hertz; start deviations are those of the first state."""

    gyro_noise: Positive = 0.0006
    force_noise: Positive = 0.02
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
    wheel_gate_sigmas: Positive = 5.0
    wheel_doubt_mps: NotNegative = 0.05
    gap_max_s: Positive = 5.0


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
