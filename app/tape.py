# SPDX-License-Identifier: Apache-2.0
"""The recording of a patrol in lockstep: what rules look at and what they said, as the robot's own recorder writes it.

Of ROS only the messages' definitions are needed. Stamps are simulated ones, so the same run gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from mcap_ros2.writer import Writer

from evidence.definitions import Definitions, installed_prefixes
from evidence.percept_records import Record, alert_record, localisation_record, tracks_record
from evidence.recorder import METADATA_NAME, RECORDING_FILE
from evidence.sound_records import sounds_record
from patrol.estimate import PoseEstimate
from patrol.percepts import Alert
from patrol.topics import topic
from patrol.version import software
from perception.pipeline import Percepts
from perception.sound.listening import Told

TOPICS = ("tracks", "alerts", "localisation", "sounds")
CAMERA_FRAME = "camera_optical_frame"


class Tape:
    """Writes ``recording.mcap`` into a patrol's folder. ``files`` are the texts that the run was told, by KIND/NAME."""

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        """Raises DefinitionMissing where the messages are not installed."""
        definitions = Definitions(installed_prefixes())
        schemas = {name: definitions.schema(topic(name).type) for name in TOPICS}
        version, commit = software()
        self._file = (folder / RECORDING_FILE).open("xb")
        self._writer = Writer(self._file)
        config = json.dumps({"files": files}, indent=2)
        self._writer.add_metadata(METADATA_NAME, {"version": version, "commit": commit, "namespace": "/", "config": config})
        self._schemas = {name: self._writer.register_msgdef(topic(name).type, text) for name, text in schemas.items()}
        self._counts = dict.fromkeys(TOPICS, 0)

    def add_percepts(self, percepts: Percepts) -> None:
        """Keep the tracks of one picture."""
        stamp_ns = percepts.safe.stamp_ns
        self._write("tracks", tracks_record(stamp_ns, CAMERA_FRAME, percepts.tracks, sky=percepts.sky), stamp_ns)

    def add_told(self, told: Told) -> None:
        """Keep what was heard."""
        record = sounds_record(told.stamp_ns, told.events, sky=told.sky, pose_doubt=told.pose_doubt)
        self._write("sounds", record, told.stamp_ns)

    def add_alert(self, alert: Alert) -> None:
        """Keep an alert with its picture."""
        self._write("alerts", alert_record(alert), alert.stamp_ns)

    def add_estimate(self, estimate: PoseEstimate) -> None:
        """Keep where the robot believed to be."""
        self._write("localisation", localisation_record(estimate), estimate.stamp_ns)

    def _write(self, name: str, record: Record, stamp_ns: int) -> None:
        self._counts[name] += 1
        self._writer.write_message(
            name, self._schemas[name], record, log_time=stamp_ns, publish_time=stamp_ns, sequence=self._counts[name]
        )

    def close(self) -> None:
        """Write the summary and close the file; nothing when that was done."""
        if not self._file.closed:
            finish: Callable[[], object] = self._writer.finish
            finish()
            self._file.close()


class NoTape:
    """Stands in where nothing can be recorded."""

    def add_percepts(self, percepts: Percepts) -> None:
        """Keeps nothing."""

    def add_told(self, told: Told) -> None:
        """Keeps nothing."""

    def add_alert(self, alert: Alert) -> None:
        """Keeps nothing."""

    def add_estimate(self, estimate: PoseEstimate) -> None:
        """Keeps nothing."""

    def close(self) -> None:
        """Has nothing to close."""
