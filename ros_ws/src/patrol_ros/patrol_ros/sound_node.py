# SPDX-License-Identifier: Apache-2.0
"""Listens: microphones and pose in; events and alerts out. Sound itself goes no further than this process."""

from __future__ import annotations

import threading
from typing import Any

from evidence.percept_records import sky_in
from patrol.config import load_config
from patrol.site_file import read_site
from patrol.sound import SoundBlock
from patrol_ros.conversions.maps import estimate_from_ros
from patrol_ros.conversions.percepts import alert_to_ros
from patrol_ros.conversions.sounds import block_from_ros, sounds_to_ros
from patrol_ros.health import Ages, Status, report_health, stale_status
from patrol_ros.link import Link, run_node
from patrol_ros.slot import Worker
from perception.rulebook.book import book_for
from perception.rulebook.config import SoundRule
from perception.sound.config import SoundConfig
from perception.sound.listening import Listening, Told

_WAITING_MOST = 20


class SoundNode:
    """Listens in a thread; two seconds of sound may wait, what is older is dropped and counted."""

    def __init__(self, link: Link) -> None:
        self._link = link
        site_path = link.path("site")
        site = read_site(site_path) if site_path is not None else None
        rules = book_for(site_path, link.path("rules"), site)
        self._core = Listening(load_config(SoundConfig, link.path("sound_config")), site, rules=rules)
        self._lock = threading.Lock()
        self._ages = Ages(("audio",))
        self._publishers = {name: link.publisher(name) for name in ("sounds", "alerts")}
        self._worker: Worker[SoundBlock] = Worker("sound", self._work, limit=_WAITING_MOST)
        self._events = 0
        link.subscribe("localisation", self._on_localisation)
        link.subscribe("audio", self._on_audio)
        if any(isinstance(rule, SoundRule) and rule.when.sky is not None for rule in rules.active()):
            link.subscribe("tracks", self._on_tracks)
        report_health(link, self._status)
        link.closing.add(self._worker.close)

    def _on_localisation(self, message: Any) -> None:
        with self._lock:
            self._core.on_estimate(estimate_from_ros(message))

    def _on_tracks(self, message: Any) -> None:
        with self._lock:
            self._core.sky = sky_in(message)

    def _on_audio(self, message: Any) -> None:
        self._ages.heard("audio", self._link.now_ns())
        self._worker.offer(block_from_ros(message))

    def _work(self, block: SoundBlock) -> None:
        with self._lock:
            told = self._core.on_block(block)
        if told is not None:
            self._tell(told)

    def _tell(self, told: Told) -> None:
        self._events += len(told.events)
        self._publishers["sounds"].publish(sounds_to_ros(told.stamp_ns, told.events, sky=told.sky, pose_doubt=told.pose_doubt))
        for alert in told.alerts:
            self._publishers["alerts"].publish(alert_to_ros(alert))

    def _status(self) -> Status:
        worker = self._worker
        counts = {"blocks": worker.done, "dropped": worker.dropped, "events": self._events}
        status = stale_status(self._ages, self._link.now_ns(), **counts)
        return Status(wrong=status.wrong or worker.trouble or self._core.trouble, values=status.values)


def main() -> None:
    """Entry point of ``ros2 run patrol_ros sound``."""
    run_node("sound", SoundNode)


if __name__ == "__main__":
    main()
