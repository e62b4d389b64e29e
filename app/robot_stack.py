# SPDX-License-Identifier: Apache-2.0
"""The cores of one robot joined in one process: measurements in, a guarded twist out. Time is the measurements' own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mission.coverage import CoverageConfig, CoverageMap, FieldOfView
from mission.duties import Duties
from mission.executive import Executive, ExecutiveConfig
from mission.facts.eyes import WELL, PictureSeen
from mission.inputs import Decision, ExecutiveInputs
from mission.inputs import Heard as HeardByMission
from mission.stop_guard import Guarded, StopGuard, StopGuardConfig
from patrol.belief import Belief
from patrol.doors import DoorState
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, STOPPED, Pose2, Pose3, Twist2
from patrol.grid import OccupancyGrid
from patrol.inspection import InspectionReport, InspectionState
from patrol.lifts import LiftState
from patrol.odometry_buffer import OdometryBuffer
from patrol.operations import Command, CommandAnswer
from patrol.percepts import Alert, Track
from patrol.sensors import Battery, CameraModel, Fix, Image, Imu, Odometry, PointCloud, Scan
from patrol.site import Site
from patrol.sound import SoundBlock
from perception.belief.beliefs import Beliefs
from perception.belief.config import BeliefConfig
from perception.belief.looking import Look
from perception.detector import Detector
from perception.inspecting.inspector import Inspector, InspectorConfig
from perception.inspecting.telling import alert_of
from perception.pipeline import Perception, PerceptionConfig, Percepts
from perception.rulebook.config import RuleBook
from perception.sound.config import SoundConfig
from perception.sound.listening import Listening, Told
from slam.config import LocaliserConfig, MapperConfig, SessionConfig
from slam.gnss.config import GnssConfig
from slam.session import MapPlaces, SlamSession

GRID_EVERY_NS = 1_000_000_000

Measurement = Scan | PointCloud | Image | Imu | Odometry | Fix | Battery | SoundBlock


@dataclass(frozen=True, slots=True, kw_only=True)
class StackConfig:
    """The configuration of every room of one robot; ``rules`` None: those that every site begins with."""

    mapper: MapperConfig = field(default_factory=MapperConfig)
    localiser: LocaliserConfig = field(default_factory=LocaliserConfig)
    gnss: GnssConfig = field(default_factory=GnssConfig)
    perception: PerceptionConfig = field(default_factory=PerceptionConfig)
    beliefs: BeliefConfig = field(default_factory=BeliefConfig)
    inspector: InspectorConfig = field(default_factory=InspectorConfig)
    sound: SoundConfig = field(default_factory=SoundConfig)
    rules: RuleBook | None = None
    executive: ExecutiveConfig = field(default_factory=ExecutiveConfig)
    stop_guard: StopGuardConfig = field(default_factory=StopGuardConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounts:
    """What the stack must know of the robot: where lidar and antenna sit, and its cameras; ``thermal`` is None without one."""

    base_from_lidar: Pose3
    camera: CameraModel
    thermal: CameraModel | None = None
    base_from_antenna: Pose3 = field(default_factory=lambda: Pose3.from_pose2(IDENTITY2))


@dataclass(slots=True)
class Heard:
    """The newest of everything."""

    estimate: PoseEstimate | None = None
    twist: Twist2 | None = None
    scan: Scan | None = None
    tracks: tuple[Track, ...] = ()
    grid: OccupancyGrid | None = None
    battery: Battery | None = None
    doors: Mapping[str, DoorState] = field(default_factory=dict)
    lifts: Mapping[str, LiftState] = field(default_factory=dict)


class RobotStack:
    """``hear`` every measurement in the order of stamps; ``decide`` twenty times a second.

    ``map_folder`` holds a saved map to localise in; None maps. ``on_alert`` and ``on_percepts`` are told as things happen;
    ``on_original`` is given the id of every alert and the picture that it was raised on, as the camera took it.
    """

    def __init__(
        self,
        site: Site,
        duties: Duties,
        mounts: Mounts,
        config: StackConfig,
        *,
        start: Pose2,
        map_folder: Path | None = None,
        detector: Detector | None = None,
        secret: bytes | None = None,
        on_alert: Callable[[Alert], None] = lambda _: None,
        on_percepts: Callable[[Percepts], None] = lambda _: None,
        on_original: Callable[[str, Image], None] = lambda _id, _image: None,
        on_inspection: Callable[[InspectionReport], None] = lambda _: None,
        on_told: Callable[[Told], None] = lambda _: None,
    ) -> None:
        base_from_lidar = mounts.base_from_lidar.to_pose2()
        slam = SessionConfig(mapper=config.mapper, localiser=config.localiser, gnss=config.gnss)
        self._slam = SlamSession.open(
            MapPlaces(whole=map_folder), slam, base_from_lidar, start=start, mapping=map_folder is None, resume=False
        )
        self._slam.know_site(site, is_start_known=True)
        self._base_from_antenna = mounts.base_from_antenna.to_pose2()
        self._perception = Perception(
            config.perception,
            mounts.camera,
            site,
            rules=config.rules,
            detector=detector,
            base_from_lidar=mounts.base_from_lidar,
            thermal=mounts.thermal,
        )
        self._base_from_lidar, self._camera = base_from_lidar, mounts.camera
        self._beliefs = Beliefs(config.beliefs, site)
        self._inspector = Inspector(config.inspector, mounts.camera, mounts.base_from_lidar)
        if mounts.thermal is not None:
            self._inspector.know_thermal(mounts.thermal)
        self._executive = Executive(
            config.executive,
            site,
            duties.missions,
            base_from_lidar=base_from_lidar,
            drawn=duties.drawn,
            secret=secret,
            calendar=duties.calendar,
        )
        self._guard = StopGuard(config.stop_guard, base_from_lidar)
        self._view = FieldOfView.of_camera(mounts.camera)
        self.coverage = CoverageMap(CoverageConfig(), site)
        self._odometry = OdometryBuffer()
        self._grid_ns: int | None = None
        self._fresh: list[HeardByMission] = []
        self._driven = STOPPED
        self._on_alert, self._on_percepts, self._on_original = on_alert, on_percepts, on_original
        self._on_inspection, self._on_told = on_inspection, on_told
        self._listening = Listening(config.sound, site, rules=config.rules)
        self._alerts: list[Alert] = []
        self._camera_sees = False
        self.heard = Heard()

    def accept(self, command: Command, now_ns: int) -> CommandAnswer:
        """Hand an order to the executive."""
        return self._executive.accept(command, now_ns)

    def hear(self, measurement: Measurement) -> None:
        """Take in one measurement; kinds that no core uses pass by."""
        if isinstance(measurement, Scan | Odometry | Imu | Fix | Battery):
            self._fresh.append(measurement)
        match measurement:
            case Odometry():
                self._odometry.add(measurement)
                self._perception.on_odometry(measurement)
                self.heard.twist = measurement.twist
            case Scan():
                self._hear_scan(measurement)
            case Fix():
                self._hear_fix(measurement)
            case Image(encoding="bgr8"):
                self._hear_image(measurement)
            case Image(encoding="mono16"):
                self._perception.on_thermal(measurement, self.estimate_at(measurement.stamp_ns))
                self._inspector.on_thermal(measurement)
            case PointCloud() if self.heard.estimate is not None:
                self._perception.on_cloud(measurement, self.heard.estimate)
                self._inspector.on_cloud(measurement, self.heard.estimate)
            case Battery():
                self.heard.battery = measurement
            case SoundBlock():
                self._hear_sound(measurement)
            case _:
                return

    def decide(self, now_ns: int) -> tuple[Decision, Guarded]:
        """What the executive wants at ``now_ns``, and what the stop guard lets through."""
        heard, fresh, alerts = self.heard, tuple(self._fresh), tuple(self._alerts)
        self._fresh.clear()
        self._alerts.clear()
        decision = self._executive.step(
            ExecutiveInputs(
                now_ns=now_ns,
                estimate=self.estimate_at(now_ns),
                twist=heard.twist,
                scan=heard.scan,
                tracks=heard.tracks,
                alerts=alerts,
                beliefs=self._believed(alerts, now_ns),
                grid=heard.grid,
                battery=heard.battery,
                doors=heard.doors,
                lifts=heard.lifts,
                heard=fresh,
                driven=self._driven,
            )
        )
        self._guard.on_wanted(decision.twist, now_ns)
        guarded = self._guard.step(now_ns)
        self._driven = guarded.twist
        if decision.inspection is not None:
            self._inspect(decision.inspection)
        return decision, guarded

    def estimate_at(self, stamp_ns: int) -> PoseEstimate | None:
        """The newest estimate, carried on by odometry to ``stamp_ns``; as it is where odometry does not reach."""
        estimate, odom_from_base = self.heard.estimate, self._odometry.at(stamp_ns)
        if estimate is None or odom_from_base is None:
            return estimate
        return PoseEstimate(
            stamp_ns=stamp_ns,
            map_from_odom=estimate.map_from_odom,
            odom_from_base=odom_from_base,
            covariance=estimate.covariance,
            doubt=estimate.doubt,
            floor=estimate.floor,
        )

    def save_map(self, folder: Path) -> None:
        """Keep the map for later laps; a stack that localises keeps what it was given."""
        self._slam.save(folder)

    def _believed(self, alerts: tuple[Alert, ...], now_ns: int) -> tuple[Belief, ...]:
        """Where whoever raised an alert and is out of sight may be."""
        heard = self.heard
        self._beliefs.hear(heard.tracks)
        self._beliefs.heed(alerts)
        if not self._beliefs.is_due(now_ns):
            return self._beliefs.told
        if heard.grid is not None:
            self._beliefs.take_grid(heard.grid)
        look = None
        if heard.scan is not None and heard.estimate is not None:
            camera = self._camera if self._camera_sees else None
            look = Look.taken(heard.scan, heard.estimate, self._base_from_lidar, twist=heard.twist, camera=camera)
        return self._beliefs.update(now_ns, look)

    def _inspect(self, state: InspectionState) -> None:
        report = self._inspector.follow(state)
        if report is not None:
            self._on_inspection(report)
            self._on_alert(alert_of(report))

    def _hear_scan(self, scan: Scan) -> None:
        self._guard.on_scan(scan)
        odom_from_base = self._odometry.at(scan.stamp_ns)
        if odom_from_base is None:
            return
        self.heard.scan = scan
        odom_at_end = self._odometry.at(scan.end_ns)
        estimate = self._slam.add_scan(scan, odom_from_base, odom_at_end=odom_at_end).estimate
        self.heard.estimate = estimate
        self._listening.on_estimate(estimate)
        self.coverage.look(estimate.map_from_base, self._view, scan.stamp_ns)
        if self._grid_ns is None or scan.stamp_ns - self._grid_ns >= GRID_EVERY_NS:
            self._grid_ns = scan.stamp_ns
            self.heard.grid = self._slam.grid(scan.stamp_ns)
            self.coverage.set_grid(self.heard.grid)

    def _hear_sound(self, block: SoundBlock) -> None:
        told = self._listening.on_block(block)
        if told is None:
            return
        self._alerts.extend(told.alerts)
        self._on_told(told)
        for alert in told.alerts:
            self._on_alert(alert)

    def _hear_fix(self, fix: Fix) -> None:
        odom_from_base = self._odometry.at(fix.stamp_ns)
        if odom_from_base is not None:
            self._slam.add_fix(fix, odom_from_base, base_from_antenna=self._base_from_antenna)

    def _hear_image(self, image: Image) -> None:
        percepts = self._perception.on_image(image, self.estimate_at(image.stamp_ns))
        lens = WELL if percepts.lens is None else percepts.lens.value
        self._fresh.append(PictureSeen(stamp_ns=image.stamp_ns, lens=lens))
        self.heard.tracks = percepts.tracks
        self._camera_sees = percepts.lens is None
        self._inspector.on_picture(percepts.safe, percepts.covered_because, self.estimate_at(image.stamp_ns))
        self._alerts.extend(percepts.alerts)
        self._on_percepts(percepts)
        self._listening.sky = percepts.sky
        for alert in percepts.alerts:
            self._on_alert(alert)
            self._on_original(alert.alert_id, image)
