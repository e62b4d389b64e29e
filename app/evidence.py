# SPDX-License-Identifier: Apache-2.0
"""Sealed originals: the key that the demonstration makes, and how two people open a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from command_centre.api.prepare import log_entry
from command_centre.api.settings import Settings
from evidence.files import write_whole
from evidence.sealing import FOLDER as SEALED
from evidence.sealing import PUBLIC_FILE, SUFFIX, join_shares, make_keys, read_header, sealed_path, unseal
from patrol.errors import BadInput, Fault

_REASON_LETTERS = 8


def demonstration_key(state: Path) -> Path:
    """The public key of the demonstration, made at its first start. Its shares lie beside it, which no real site would do."""
    folder = state / "evidence"
    public = folder / PUBLIC_FILE
    return public if public.is_file() else make_keys(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Who opens which original, with whose share, and why."""

    patrol_folder: Path
    alert_id: str
    shares: tuple[Path, Path]
    people: tuple[str, str]
    because: str
    out: Path


def sealed_in(patrol_folder: Path) -> tuple[str, ...]:
    """The ids of the alerts whose sealed originals lie in a patrol's folder. Raises BadInput where there is no such folder, and
    for a file that is no sealed original."""
    if not patrol_folder.is_dir():
        raise BadInput(patrol_folder, [Fault(field="(folder)", value=str(patrol_folder), because="is no folder")])
    return tuple(read_header(path).alert_id for path in sorted((patrol_folder / SEALED).glob(f"*{SUFFIX}")))


def open_original(opening: Opening, settings: Settings) -> int:
    """Open a sealed original into ``opening.out``. The entry in the command centre's log comes first: nothing is shown that is
    not logged. Returns the entry's number. Raises BadInput and NotOpened."""
    _check(opening)
    private = join_shares(*opening.shares)
    header, picture = unseal(sealed_path(opening.patrol_folder, opening.alert_id), private)
    number = log_entry(
        settings,
        actor=opening.people[0],
        action="original opened",
        subject=header.alert_id,
        detail={
            "with": opening.people[1],
            "because": opening.because,
            "stamp_ns": header.stamp_ns,
            "key_id": header.key_id,
            "patrol": opening.patrol_folder.resolve().name,
        },
    )
    write_whole(opening.out, picture)
    return number


def _check(opening: Opening) -> None:
    """Raises BadInput naming everything that keeps the seal closed."""
    first, second = (" ".join(person.split()).casefold() for person in opening.people)
    faults = []
    if not first or not second or first == second:
        faults.append(Fault(field="with", value=opening.people[1], because="two different people must open a picture together"))
    if len(opening.because.strip()) < _REASON_LETTERS:
        faults.append(Fault(field="because", value=opening.because, because="says too little"))
    if opening.out.exists():
        faults.append(Fault(field="out", value=str(opening.out), because="is there already"))
    elif not opening.out.parent.is_dir():
        faults.append(Fault(field="out", value=str(opening.out), because="lies in no folder that is there"))
    if faults:
        raise BadInput(opening.alert_id, faults)
