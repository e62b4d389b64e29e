# SPDX-License-Identifier: Apache-2.0
"""What rules would have said of a recording: its tracks through the rules, as the robot's own perception does it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.recorded import decoded
from evidence.percept_records import sky_in, stamp_in, tracks_in
from evidence.recorder import METADATA_NAME
from evidence.recording import Recording
from evidence.sound_records import sounds_in
from patrol.errors import BadInput, Fault
from patrol.percepts import Alert
from patrol.site import Site
from patrol.site_file import read_site
from perception.rulebook.config import RuleBook
from perception.rulebook.scene import Scene
from perception.rulebook.watch import Watch

_TOPICS = frozenset({"tracks", "alerts", "localisation", "sounds"})


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
    watch, ears, doubt = Watch(site, book), Watch(site, book), "the pose is not known"
    stamps: list[int] = []
    heard: list[int] = []
    alerts: list[Alert] = []
    told: list[str] = []
    for topic, message in decoded(recording, _TOPICS):
        if topic == "localisation":
            doubt = str(message.doubt)
        elif topic == "alerts":
            told.append(str(message.alert_id))
        elif topic == "sounds":
            heard.append(stamp_in(message))
            alerts += ears.evaluate(_heard_in(message))
        else:
            stamp_ns = stamp_in(message)
            if stamps and stamp_ns <= stamps[-1]:
                continue
            stamps.append(stamp_ns)
            scene = Scene(stamp_ns=stamp_ns, tracks=tracks_in(message), sky=sky_in(message), pose_doubt=doubt)
            alerts += watch.evaluate(scene)
    looked = sorted([*stamps, *heard])
    if not looked:
        raise BadInput(
            recording, [Fault(field="tracks", value=0, because="the recording holds no tracks, and nothing that was heard")]
        )
    return Verdict(scenes=len(looked), first_ns=looked[0], last_ns=looked[-1], alerts=tuple(alerts), told=tuple(told))


def _heard_in(message: Any) -> Scene:
    """What was heard, as its own node's rules looked at it."""
    doubt = str(message.pose_doubt)
    return Scene(stamp_ns=stamp_in(message), tracks=(), sounds=sounds_in(message), sky=sky_in(message), pose_doubt=doubt)


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
