# SPDX-License-Identifier: Apache-2.0
"""Keeps what stays of a patrol: the recording of every topic that the table marks, and the patrol's book and report."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evidence.background import BackgroundRecorder
from evidence.cdr import compressed_image
from evidence.definitions import Definitions, installed_prefixes
from evidence.recorder import RECORDING_FILE, Recorder, RecorderConfig, channel_for
from mission.duties import mission_path, promise_of
from patrol.errors import BadValue, PatrolError
from patrol.operations import Mission
from patrol.promise import Promise
from patrol.site import Site
from patrol.topics import TOPICS, Topic
from patrol.version import software
from patrol_ros.backend import CAMERA_FRAME
from patrol_ros.conversions import inspections, maps, operations, percepts, pictures, sensors
from patrol_ros.health import Status, report_health
from patrol_ros.inputs import missions_at, required_site
from patrol_ros.link import Link, run_node
from patrol_ros.mounts import Mounts
from patrol_ros.patrol_book import PatrolBook
from patrol_ros.run_file import set_aside, told_in
from patrol_ros.slot import Worker

log = logging.getLogger(__name__)
PICTURES = "sensor_msgs/msg/Image"
CLOSE_WITHIN_S = 1.0


class Tape:
    """The recording: raw messages as they come; pictures are compressed in a thread, the newest only."""

    def __init__(self, link: Link, folder: Path) -> None:
        self._link = link
        rows = [row for row in TOPICS if row.is_recorded]
        set_aside(folder / RECORDING_FILE)
        version, commit = software()
        recorder = Recorder(
            folder,
            tuple(channel_for(row) for row in rows),
            definitions=Definitions(installed_prefixes()),
            provenance={
                "version": version,
                "commit": commit,
                "namespace": link.node.get_namespace(),
                "config": told_in(folder),
            },
            monotonic_ns=time.monotonic_ns,
        )
        self._quality = RecorderConfig().jpeg_quality
        self.background = BackgroundRecorder(recorder)
        self._compressors: list[Worker[Any]] = []
        for row in rows:
            self._listen(row)

    def close(self) -> None:
        """Write what waits and finish the file."""
        for compressor in self._compressors:
            compressor.close()
        self.background.close(within_s=CLOSE_WITHIN_S)

    def _listen(self, row: Topic) -> None:
        name = channel_for(row).topic
        if row.type != PICTURES:
            self._link.subscribe(row.name, _every(row.recorded_every, lambda cdr: self._write(name, cdr)), raw=True)
            return
        compressor: Worker[Any] = Worker(name, lambda message: self._write(name, self._compressed(message)))
        self._compressors.append(compressor)
        self._link.subscribe(row.name, compressor.offer)

    def _compressed(self, message: Any) -> bytes:
        return compressed_image(pictures.image_from_ros(message), quality=self._quality)

    def _write(self, topic: str, cdr: bytes) -> None:
        self.background.write(topic, cdr, log_ns=self._link.now_ns())


def _every(nth: int, callback: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """``callback`` for the first message and every ``nth`` after it."""
    count = itertools.count()
    return lambda cdr: callback(cdr) if next(count) % nth == 0 else None


class RecorderNode:
    """Tape and book of one patrol."""

    def __init__(self, link: Link) -> None:
        folder = link.path("run_folder")
        if folder is None:
            raise BadValue("run_folder: the recorder needs a folder")
        self._link = link
        self._tape = Tape(link, folder)
        self._book = self._open_book(folder)
        self._entries: Worker[Callable[[], None]] = Worker("book", lambda entry: entry(), limit=200)
        self._mounts = Mounts(link, lambda: None)
        self._listen()
        report_health(link, self._status)
        link.closing.add(self._close)

    def _open_book(self, folder: Path) -> PatrolBook | None:
        """Without a mission there is a recording only."""
        link, path = self._link, self._link.path("mission")
        site_path, laps = link.path("site"), link.parameter("laps", 0)
        robot_id, robot_name = link.parameter("robot_id", "robot"), link.parameter("robot_name", "Robot")
        if path is None:
            return None
        site = required_site(site_path)
        in_team = "," in link.parameter("robots", "")
        missions = {mission.mission_id: mission for mission in missions_at(path, site, laps)}
        return PatrolBook(
            folder,
            site,
            missions,
            robot_id=robot_id,
            robot_name=robot_name,
            promise=lambda mission: None if in_team else _promised(mission_path(path, mission.mission_id), mission, site),
        )

    def _listen(self) -> None:
        book = self._book
        if book is None:
            return
        self._enter("localisation", lambda message: book.take_estimate(maps.estimate_from_ros(message)))
        self._enter("map", lambda message: book.take_grid(maps.grid_from_ros(message)))
        self._enter("battery_state", lambda message: book.take_battery(sensors.battery_from_ros(message)))
        self._enter("waypoint_outcome", lambda message: book.take_outcome(operations.outcome_from_ros(message)))
        self._enter("alerts", lambda message: book.take_alert(percepts.alert_from_ros(message)))
        self._enter("inspection_report", lambda message: book.take_inspection(inspections.inspection_report_from_ros(message)))
        self._enter("robot_state", lambda message: book.take_state(operations.state_from_ros(message)))
        self._enter("camera/camera_info", self._on_camera)

    def _enter(self, topic: str, entry: Callable[[Any], None]) -> None:
        """Take entries in the order in which they come, in a thread: the disk may be slow."""
        self._link.subscribe(topic, lambda message: self._entries.offer(lambda: entry(message)))

    def _on_camera(self, message: Any) -> None:
        mount = self._mounts.base_from(CAMERA_FRAME)
        if self._book is not None and mount is not None:
            self._book.know_camera(pictures.camera_from_ros(message, mount))

    def _close(self) -> None:
        self._tape.close()
        self._entries.close()
        if self._book is not None:
            self._book.end("The recorder was asked to end before the mission was done.")

    def _status(self) -> Status:
        background = self._tape.background
        dropped = sum(background.dropped.values())
        wrong = background.failure or self._entries.trouble or (f"{dropped} messages were not recorded" if dropped else "")
        return Status(wrong=wrong, values={"dropped": str(dropped), "entries_dropped": str(self._entries.dropped)})


def _promised(path: Path, mission: Mission, site: Site) -> Promise | None:
    """What a mission guarantees; None, with a line in the log, where nothing can be said."""
    try:
        return promise_of(path, mission, site)
    except PatrolError as error:
        log.warning("%s: nothing is promised: %s", mission.mission_id, error)
        return None


def main() -> None:
    """Entry point of ``ros2 run patrol_ros recorder``."""
    run_node("recorder", RecorderNode)


if __name__ == "__main__":
    main()
