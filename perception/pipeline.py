# SPDX-License-Identifier: Apache-2.0
"""Perception as a whole: one picture in; tracks, alerts and a picture that may leave the robot out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from patrol.air import Sky
from patrol.clock import Clock, seconds
from patrol.config import Config
from patrol.errors import PatrolError
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2, Pose3
from patrol.percepts import Alert, Detection, Track
from patrol.sensors import CameraModel, Image, Odometry, PointCloud, Scan
from patrol.site import Site
from perception.air_watch import AirConfig
from perception.anonymiser import Anonymiser, AnonymiserConfig, Looked, SafePicture
from perception.carried_pose import CarryConfig, PoseCarrier
from perception.departures import DepartureConfig
from perception.detector import Detector, DetectorConfig, open_detector
from perception.ego_motion import CameraMotion, camera_motion
from perception.evidence_picture import EvidenceConfig, evidence_jpeg
from perception.flying.config import FlyingConfig
from perception.flying.tracks import AIRBORNE, FlyerTracks
from perception.ground import GroundConfig, GroundProjector
from perception.ground_filter import Placer
from perception.heat import HeatConfig, HeatFinder
from perception.lens_health import LensConfig, LensFault, LensHealth, worst_of
from perception.lidar_look import LidarLook
from perception.lidar_witness import LidarWitness, WitnessConfig
from perception.pose_trail import PoseTrail
from perception.ranging import LidarRanger, Ranged, RangingConfig
from perception.rulebook.book import default_book
from perception.rulebook.config import RuleBook
from perception.rulebook.scene import Scene
from perception.rulebook.watch import Watch
from perception.still_things import StillThingsConfig
from perception.tracker import Tracker, TrackerConfig
from perception.warmth import ColdClock, WarmthConfig

logger = logging.getLogger(__name__)
_DETECTOR_FAULTS = (
    PatrolError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class PerceptionConfig(Config):
    """Everything perception can be told. ``detector_slow_after_s`` covers a picture whose detection took longer (needs a
    clock). In the faults ``unsure_lens`` the detector may overlook people who can be made out; they cover the pictures."""

    detector: DetectorConfig = DetectorConfig()
    tracker: TrackerConfig = TrackerConfig()
    ground: GroundConfig = GroundConfig()
    ranging: RangingConfig = RangingConfig()
    heat: HeatConfig = HeatConfig()
    witness: WitnessConfig = WitnessConfig()
    warmth: WarmthConfig = WarmthConfig()
    air: AirConfig = AirConfig()
    flying: FlyingConfig = FlyingConfig()
    departures: DepartureConfig = DepartureConfig()
    still_things: StillThingsConfig = StillThingsConfig()
    anonymiser: AnonymiserConfig = AnonymiserConfig()
    lens: LensConfig = LensConfig()
    carry: CarryConfig = CarryConfig()
    evidence: EvidenceConfig = EvidenceConfig()
    unsure_lens: tuple[LensFault, ...] = (LensFault.DAZZLED,)
    detector_slow_after_s: float = 1.0
    pose_stale_after_s: float = 0.5
    restart_after_s: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Percepts:
    """What one picture gave, and what the lidar saw beside it (things put down or taken away, among the tracks; the ``sky``).
    ``safe`` may leave the robot; ``covered_because`` is empty unless it is a cover card; ``lens`` says what is wrong with the
    colour camera, or else the thermal one."""

    tracks: tuple[Track, ...]
    alerts: tuple[Alert, ...]
    safe: Image
    covered_because: str
    sky: Sky | None = None
    lens: LensFault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one picture shows, before anybody judges it: ``safe`` may leave the robot at once. ``placed`` tracks, with what the
    lidar ``ranged`` of them. Nothing more is known of one that ``is_late``."""

    image: Image
    safe: SafePicture
    placed: tuple[Track, ...] = ()
    ranged: Mapping[int, Ranged] = field(default_factory=dict)
    pose: PoseEstimate | None = None
    is_late: bool = True


class Perception:
    """One camera's perception. Without ``site`` there are no zones and no private areas; without a pose, tracks stay in the
    picture. ``rules`` None: those that every site begins with. ``clock`` is only used to tell how long the detector takes."""

    def __init__(
        self,
        config: PerceptionConfig,
        camera: CameraModel,
        site: Site | None = None,
        *,
        rules: RuleBook | None = None,
        detector: Detector | None = None,
        base_from_lidar: Pose3 | None = None,
        thermal: CameraModel | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Open the configured detector, unless one is given. Raises ModelMissing."""
        self._config = config
        self._camera = camera
        self._detector = open_detector(config.detector) if detector is None else detector
        self._clock = clock
        self._site, self._rules = site, rules
        self._base_from_lidar = base_from_lidar
        fences = None if site is None else site.fence_lines()
        self._ranger = None if base_from_lidar is None else LidarRanger(camera, base_from_lidar, config.ranging, fences)
        self._heat: HeatFinder | None = None
        self._cold: ColdClock | None = None
        self._thermal = thermal
        self._anonymiser = Anonymiser(config.anonymiser, camera, () if site is None else site.privacy_areas)
        self._lens, self._thermal_lens = LensHealth(config.lens), LensHealth(config.lens)
        self._fault = ""
        self._start_anew()
        if thermal is not None:
            self.know_thermal(thermal)

    def _start_anew(self) -> None:
        """Forget all tracks: the first picture is still to come."""
        self._tracker = Tracker(self._config.tracker)
        carry = self._config.carry
        self._trail = PoseTrail(gap_most_s=carry.gap_most_s, reach_s=carry.carry_most_s)
        self._carrier = PoseCarrier(carry, self._trail)
        self._witness = LidarWitness(self._config.witness)
        self._placer = Placer(GroundProjector(self._camera, self._config.ground))
        self._watch = None if self._site is None else Watch(self._site, self._rules)
        self._cold = None if self._thermal is None else ColdClock(self._thermal, self._camera, self._config.warmth)
        self._flying = self._watch_of_the_air()
        self._beside = None if self._base_from_lidar is None else LidarLook(self._config, self._base_from_lidar, self._site)
        self._stamp_ns: int | None = None
        self._odom_from_base: Pose2 | None = None

    def on_image(self, image: Image, estimate: PoseEstimate | None) -> Percepts:
        """``see``, ``judge`` and ``look_around`` at one picture, taken at about the time of ``estimate``."""
        percepts = self.judge(self.see(image, estimate))
        self.look_around()
        return percepts

    def see(self, image: Image, estimate: PoseEstimate | None) -> Seen:
        """Find and follow what one picture shows, and make it safe. Pictures must come in the order of their stamps; one that is
        a little late is covered and changes nothing, one much older starts a new run (a replay that begins again)."""
        if self._is_much_older(image.stamp_ns):
            self._start_anew()
        if self._stamp_ns is not None and image.stamp_ns <= self._stamp_ns:
            return Seen(
                image=image, safe=self._anonymiser.make_safe(image, None, estimate, "this picture is older than the last")
            )
        self._lens.hear(image)
        estimate = self._carrier.carried(estimate, image.stamp_ns)
        pose = self._usable(estimate, image.stamp_ns)
        motion = self._camera_motion(pose, image.stamp_ns)
        detections, fault = self._look(image)
        tracks = self._tracker.update(detections, image.stamp_ns, motion)
        ranged = self._ranged(tracks, pose)
        placed = self._placer.place(tracks, pose, ranged, by_heat=self._tracker.by_heat)
        if self._cold is not None:
            placed = self._cold.timed(placed, None if pose is None else pose.map_from_base.inverse())
        looked = Looked(stamp_ns=image.stamp_ns, detections=detections, tracks=placed)
        safe = self._anonymiser.make_safe(image, looked, estimate, fault or self._why_unsure())
        return Seen(image=image, safe=safe, placed=placed, ranged=ranged, pose=pose, is_late=False)

    def judge(self, seen: Seen) -> Percepts:
        """What is to be told of the newest picture: tracks that are worth it, and the alerts of the rules."""
        if seen.is_late:
            return _percepts(seen.safe)
        stamp_ns, pose = seen.image.stamp_ns, seen.pose
        told = self._witness.judged(seen.placed, seen.ranged, None if pose is None else pose.map_from_base, stamp_ns)
        if self._beside is not None:
            told = (*self._beside.driven(told, stamp_ns), *self._beside.things(seen.placed, stamp_ns))
        if pose is not None and self._flying is not None:
            told = (*told, *self._flying.on_image(seen.image, pose, seen.placed))
        alerts = self._alerts(told, stamp_ns, pose, seen.safe)
        self._note_fault(seen.safe.covered_because)
        lens = worst_of(self._lens.fault, self._thermal_lens.fault)
        return replace(_percepts(seen.safe, tracks=told, alerts=alerts, sky=self._sky), lens=lens)

    def look_around(self) -> None:
        """Do what the lidar asks for once a second and what takes its time, for the next pictures."""
        if self._beside is not None:
            self._beside.look()

    def know_thermal(self, thermal: CameraModel) -> None:
        """Use this thermal camera from now on."""
        self._thermal = thermal
        self._heat = HeatFinder(thermal, self._camera, self._config.heat)
        self._cold = ColdClock(thermal, self._camera, self._config.warmth)
        if self._flying is not None:
            self._flying.know_thermal(thermal)

    def on_odometry(self, odometry: Odometry) -> None:
        """Take in where the robot is by odometry, which comes sooner and more often than estimates; another thread may do so
        while a picture is looked at."""
        self._trail.hear(odometry.stamp_ns, odometry.odom_from_base)

    def on_cloud(self, cloud: PointCloud, estimate: PoseEstimate) -> None:
        """Keep a lidar revolution, taken at about the time of ``estimate``; it refines how far tracks are, and now and then tells
        of things and of the weather."""
        if self._ranger is not None and self._beside is not None:
            self._trail.hear(estimate.stamp_ns, estimate.odom_from_base)
            self._ranger.on_cloud(cloud, self._trail)
            self._beside.on_cloud(cloud, estimate)
            if self._flying is not None:
                self._flying.on_cloud(cloud, estimate.odom_from_base)

    def on_scan(self, scan: Scan, estimate: PoseEstimate) -> None:
        """As ``on_cloud``, for a planar scan."""
        if self._ranger is not None:
            self._trail.hear(estimate.stamp_ns, estimate.odom_from_base)
            self._ranger.on_scan(scan, self._trail)

    def on_thermal(self, image: Image, estimate: PoseEstimate | None = None) -> None:
        """Keep the warm bodies of a thermal picture; while the colour picture is dark they count as detections in it. It also
        tells which of the people seen in colour are cold and, where the pose at about its time is known, what is in the air.

        Raises BadValue for a picture that is not mono16.
        """
        if self._heat is not None and self._cold is not None:
            self._thermal_lens.hear(image)
            self._heat.on_thermal(image)
            self._cold.on_thermal(image)
            pose = self._usable(self._carrier.carried(estimate, image.stamp_ns), image.stamp_ns)
            if pose is not None and self._flying is not None:
                self._flying.on_thermal(image, pose.odom_from_base)

    def _watch_of_the_air(self) -> FlyerTracks | None:
        """What looks for things that fly; None where no rule asks for any."""
        if not (self._rules or default_book()).wanted() & AIRBORNE:
            return None
        return FlyerTracks(self._config.flying, self._camera, thermal=self._thermal, base_from_lidar=self._base_from_lidar)

    def _is_much_older(self, stamp_ns: int) -> bool:
        return self._stamp_ns is not None and seconds(self._stamp_ns - stamp_ns) > self._config.restart_after_s

    def _usable(self, estimate: PoseEstimate | None, stamp_ns: int) -> PoseEstimate | None:
        """The estimate, unless it is too old to place anything with."""
        if estimate is None or abs(seconds(stamp_ns - estimate.stamp_ns)) > self._config.pose_stale_after_s:
            return None
        return estimate

    def _why_unsure(self) -> str:
        fault = self._lens.fault
        return f"the camera is {fault.value}, and the detector unsure" if fault in self._config.unsure_lens else ""

    def _camera_motion(self, pose: PoseEstimate | None, stamp_ns: int) -> CameraMotion | None:
        """The camera's motion since the last picture, or None when it is not known."""
        before = self._odom_from_base
        self._stamp_ns = stamp_ns
        self._odom_from_base = None if pose is None else pose.odom_from_base
        if before is None or self._odom_from_base is None:
            return None
        return camera_motion(self._camera, odom_from_base_before=before, odom_from_base=self._odom_from_base)

    def _look(self, image: Image) -> tuple[tuple[Detection, ...], str]:
        """The detections, and what is wrong with them (empty: nothing). A fault of any kind covers the picture."""
        began_ns = 0 if self._clock is None else self._clock.now_ns()
        try:
            detections = self._detector.detect(image)
        except _DETECTOR_FAULTS as error:
            return (), f"the person detector failed: {type(error).__name__}: {error}"
        took_s = 0.0 if self._clock is None else seconds(self._clock.now_ns() - began_ns)
        slow = took_s > self._config.detector_slow_after_s
        if self._heat is not None:
            detections = self._heat.add_to(detections, image)
        return detections, f"the person detector took {took_s:.1f} s" if slow else ""

    def _ranged(self, tracks: tuple[Track, ...], pose: PoseEstimate | None) -> dict[int, Ranged]:
        if self._ranger is None or pose is None or self._stamp_ns is None:
            return {}
        return self._ranger.ranges(tracks, self._stamp_ns, pose.odom_from_base, pose.map_from_base)

    def _alerts(self, tracks: tuple[Track, ...], now_ns: int, pose: PoseEstimate | None, safe: SafePicture) -> tuple[Alert, ...]:
        """The alerts, each with a safe picture when there is one."""
        if self._watch is None:
            return ()
        doubt = "the pose is not known" if pose is None else pose.doubt
        boxes = {track.track_id: track.box for track in tracks}
        alerts = self._watch.evaluate(Scene(stamp_ns=now_ns, tracks=tracks, sky=self._sky, pose_doubt=doubt))
        if safe.covered_because:
            return alerts
        return tuple(
            replace(alert, picture_jpeg=evidence_jpeg(safe.image, boxes[alert.track_id], self._config.evidence))
            for alert in alerts
        )

    @property
    def _sky(self) -> Sky | None:
        return None if self._beside is None else self._beside.sky

    def _note_fault(self, because: str) -> None:
        """Log the way into being covered and the way out, once each."""
        if bool(because) != bool(self._fault):
            logger.warning("pictures are covered: %s", because) if because else logger.info("pictures are shown again")
        self._fault = because


def _percepts(
    safe: SafePicture, *, tracks: tuple[Track, ...] = (), alerts: tuple[Alert, ...] = (), sky: Sky | None = None
) -> Percepts:
    return Percepts(tracks=tracks, alerts=alerts, safe=safe.image, covered_because=safe.covered_because, sky=sky)
