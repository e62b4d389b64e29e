# SPDX-License-Identifier: Apache-2.0
"""What rules would have said of a recording: its tracks through the rules, as the robot's own perception does it."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcap.exceptions import McapError
from mcap.records import Schema
from mcap.well_known import MessageEncoding, SchemaEncoding
from mcap_ros2.decoder import DecoderFactory

from evidence.percept_records import sky_in, stamp_in, tracks_in
from evidence.recorder import METADATA_NAME
from evidence.recording import RecordedMessage, Recording
from patrol.errors import BadInput, Fault
from patrol.percepts import Alert
from patrol.site import Site
from patrol.site_file import read_site
from perception.rulebook.config import RuleBook
from perception.rulebook.scene import Scene
from perception.rulebook.watch import Watch

_TOPICS = ("tracks", "alerts", "localisation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What rules said of a recording. ``told`` are the ids of the alerts that the robot raised itself."""

    scenes: int
    first_ns: int | None
    last_ns: int | None
    alerts: tuple[Alert, ...]
    told: tuple[str, ...]


def judge(recording: Path, site: Site, book: RuleBook) -> Verdict:
    """Run ``book`` over every scene of a recording. Raises BadInput when it can not be read or holds no tracks."""
    watch, doubt = Watch(site, book), "the pose is not known"
    stamps: list[int] = []
    alerts: list[Alert] = []
    told: list[str] = []
    for topic, message in _messages(recording):
        if topic == "localisation":
            doubt = str(message.doubt)
        elif topic == "alerts":
            told.append(str(message.alert_id))
        else:
            stamp_ns = stamp_in(message)
            if stamps and stamp_ns <= stamps[-1]:
                continue
            stamps.append(stamp_ns)
            scene = Scene(stamp_ns=stamp_ns, tracks=tracks_in(message), sky=sky_in(message), pose_doubt=doubt)
            alerts += watch.evaluate(scene)
    if not stamps:
        raise BadInput(recording, [Fault(field="tracks", value=0, because="the recording holds no tracks")])
    return Verdict(scenes=len(stamps), first_ns=stamps[0], last_ns=stamps[-1], alerts=tuple(alerts), told=tuple(told))


def site_of(recording: Path, folder: Path) -> Site:
    """The site that the recording itself carries; its text is put into ``folder``. Raises BadInput when it carries none."""
    config = Recording(recording).info().metadata.get(METADATA_NAME, {}).get("config", "")
    try:
        files = json.loads(config).get("files", {}) if config else {}
    except (ValueError, AttributeError) as error:
        raise BadInput(recording, [Fault(field="config", value=config[:60], because=str(error))]) from error
    text = next((text for name, text in files.items() if name.startswith("site/") and name.endswith(".geojson")), None)
    if text is None:
        raise BadInput(recording, [Fault(field="config", value=sorted(files), because="names no site; give --site")])
    path = folder / "site.geojson"
    path.write_text(text, "utf-8")
    return read_site(path)


def _messages(path: Path) -> Iterator[tuple[str, Any]]:
    """Decoded messages of the topics that matter, in the order of the file, up to where it can be read."""
    decoders: dict[str, Callable[[bytes], Any]] = {}
    for message in Recording(path).messages():
        name = message.topic.rsplit("/", 1)[-1]
        if name not in _TOPICS:
            continue
        try:
            if message.topic not in decoders:
                decoders[message.topic] = _decoder(message)
            yield name, decoders[message.topic](message.cdr)
        except (McapError, ValueError, struct.error, IndexError) as error:
            raise BadInput(path, [Fault(field=message.topic, value=message.type, because=f"can not be read: {error}")]) from error


def _decoder(message: RecordedMessage) -> Callable[[bytes], Any]:
    """By the definition that the recording carries. Raises ValueError without one."""
    schema = Schema(id=1, data=message.definition, encoding=SchemaEncoding.ROS2, name=message.type)
    decode: Callable[[bytes], Any] | None = DecoderFactory().decoder_for(MessageEncoding.CDR, schema)
    if decode is None or not message.definition:
        raise ValueError("it has no definition")
    return decode
