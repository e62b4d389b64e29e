# SPDX-License-Identifier: Apache-2.0
"""What the watch of the air can be told."""

from __future__ import annotations

from pydantic import Field

from patrol.config import Config


class SpotsConfig(Config):
    """Small things before an even sky. ``contrast_min`` in counts of an 8-bit picture or fifths of a kelvin. ``ring_max``: how
    much the sky around a thing may vary, in parts of its contrast; more is a roof, a branch or a cloud's edge."""

    contrast_min: float = Field(default=8.0, gt=0.0)
    noise_times: float = Field(default=5.0, gt=0.0)
    background_px: int = Field(default=41, ge=9)
    area_min_px: int = Field(default=3, ge=1)
    size_max_px: int = Field(default=32, ge=8, description="what is larger is looked for in a picture of a third of the size")
    ring_max: float = Field(default=0.35, gt=0.0)


class MoversConfig(Config):
    """Small things that move before anything. A pixel moved when it is brighter or darker, by ``contrast_min`` counts, than all
    that was within ``slack_px`` of its place in the two pictures before."""

    contrast_min: float = Field(default=14.0, gt=0.0)
    slack_px: int = Field(default=2, ge=1)
    area_min_px: int = Field(default=3, ge=1)
    size_max_px: int = Field(default=30, ge=4)
    most: int = Field(default=10, ge=1, description="that stand out the most")


class FollowConfig(Config):
    """Things are followed by their direction. ``reach_radps``, ``reach_rad``: how far one may be from where it was expected."""

    reach_radps: float = Field(default=0.9, gt=0.0)
    reach_rad: float = Field(default=0.008, gt=0.0)
    coast_s: float = Field(default=0.35, ge=0.0)
    memory_s: float = Field(default=2.5, gt=0.0)
    followed_most: int = Field(default=24, ge=1)


class ThrownConfig(Config):
    """What somebody can throw, and when a parabola is sure: seen over ``over_s``, all but ``left_most`` standard deviations of
    the directions explained, and the distance known to ``range_spread`` parts of itself."""

    sightings: int = Field(default=6, ge=5)
    over_s: float = Field(default=0.4, gt=0.0)
    left_most: float = Field(default=1.6, gt=0.0)
    kept_left_most: float = Field(default=3.0, gt=0.0, description="as left_most, of one that was sure once")
    launch_std_m: float = Field(default=1.5, gt=0.0, description="how well its beginning is known when it is told")
    range_spread: float = Field(default=0.2, gt=0.0)
    nearest_m: float = Field(default=2.0, gt=0.0)
    farthest_m: float = Field(default=45.0, gt=0.0)
    slowest_mps: float = Field(default=1.5, ge=0.0)
    quickest_mps: float = Field(default=22.0, gt=0.0, description="as it left the ground")
    flight_most_s: float = Field(default=3.0, gt=0.0)
    low_m: float = Field(default=0.7, ge=0.0, description="below this it may bounce, higher up what strays was not thrown")
    size_m: tuple[float, float] = (0.04, 0.9)


class KindsConfig(Config):
    """``sure_after_s``: nothing is told of what was seen for less, or fewer than ``sure_after`` times. What a point that stands
    still explains to ``moved_stds`` standard deviations of a direction is a lamp or a mast. ``flutter_bird``: from here on it
    beats its wings; ``flutter_sampling``: what sampling adds to the flutter of one pixel (of many: less by the root of their
    number), in a colour picture and in a thermal one, whose optics blur. From ``aircraft_from_rad`` on what is slow for its size
    is an aircraft; a camera with a long lens wants less."""

    sure_after: int = Field(default=8, ge=3)
    sure_after_s: float = Field(default=0.25, ge=0.0)
    moved_stds: float = Field(default=2.5, gt=0.0)
    smooth_over_s: float = Field(default=0.8, gt=0.0)
    smooth_rad: float = Field(default=0.006, gt=0.0, description="what a curve may leave of its directions")
    smooth_way: float = Field(default=8.0, gt=0.0, description="the way it makes, in parts of what is left")
    flutter_lag_s: float = Field(default=0.1, gt=0.0, description="the shine is compared at this distance in time")
    flutter_over_s: float = Field(default=1.5, gt=0.0)
    flutter_sampling: float = Field(default=0.45, ge=0.0)
    flutter_sampling_thermal: float = Field(default=0.15, ge=0.0)
    flutter_sampling_most: float = Field(default=0.2, gt=0.0, description="where sampling adds more, nobody can tell")
    flutter_bird: float = Field(default=0.06, gt=0.0)
    aircraft_from_rad: float = Field(default=0.12, gt=0.0)
    aircraft_lengths_per_s: float = Field(default=8.0, gt=0.0)
    attitude_rad: float = Field(default=0.002, ge=0.0, description="what the robot's attitude adds to the error of a direction")
    nearest_m: float = Field(default=1.5, gt=0.0, description="nothing stands in the sky nearer than that")
    thrown: ThrownConfig = ThrownConfig()


class RangeConfig(Config):
    """``size_m`` and ``size_spread`` (of the logarithm): how large such things are. ``farthest_m``: what looks tinier than that
    is placed there. ``apparent_spread``: how much a thing's size in the picture varies as it turns."""

    size_m: float = Field(default=0.45, gt=0.0)
    size_spread: float = Field(default=0.5, gt=0.0)
    measured_spread: float = Field(default=0.35, gt=0.0)
    apparent_spread: float = Field(default=0.25, gt=0.0)
    lidar_std_m: float = Field(default=0.4, gt=0.0)
    reach_rad: float = Field(default=0.015, gt=0.0)
    stale_after_s: float = Field(default=0.25, gt=0.0)
    farthest_m: float = Field(default=150.0, gt=0.0)


class FlyingConfig(Config):
    """Everything about what is in the air. ``fresh_s``: a thing seen no longer ago counts as seen in the picture."""

    spots: SpotsConfig = SpotsConfig()
    movers: MoversConfig = MoversConfig()
    follow: FollowConfig = FollowConfig()
    kinds: KindsConfig = KindsConfig()
    ranging: RangeConfig = RangeConfig()
    fresh_s: float = Field(default=0.16, gt=0.0)
