# SPDX-License-Identifier: Apache-2.0
"""Scenarios: which world, when, in what weather, who is about and what goes wrong. YAML; an unknown key is an error."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from patrol.config import Config, load_config
from patrol.errors import BadInput, Fault
from sim.weather import Sky

Seconds = Annotated[float, Field(ge=0.0)]
Metres = float
ActorKind = Literal[
    "staff",
    "guard",
    "inmate",
    "intruder",
    "loiterer",
    "visitor",
    "child",
    "elder",
    "wheelchair",
    "crouching",
    "lying",
    "car",
    "van",
    "fox",
    "tree",
    "package",
    "drone",
    "bird",
    "thrown",
]
SensorName = Literal["points", "scan", "camera", "thermal", "imu", "odom", "fix", "battery", "audio"]
SoundName = Literal["glass", "shout", "scream", "rotor", "bird", "car", "door", "thunder", "talking"]
_OF_CAMERAS = ("covered", "dazzled", "dirty", "frozen", "dark")
SCENARIOS = Path(__file__).parent / "scenarios"


class Stop(Config):
    """One point of a route, in map: how fast to get there, how long to stay. ``climb_m`` lifts the actor over an arc of that
    height on the way there (a fence); ``drops`` puts the named package down here. ``height_m`` above the ground: what flies goes
    straight from one height to the next, what is ``thrown`` falls on the way (a parabola; the speed is that over ground)."""

    x_m: Metres
    y_m: Metres
    speed_mps: Annotated[float, Field(gt=0.0, le=20.0)] = 1.3
    pause_s: Seconds = 0.0
    climb_m: Annotated[float, Field(ge=0.0, le=8.0)] = 0.0
    height_m: Annotated[float, Field(ge=0.0, le=120.0)] = 0.0
    drops: str = ""


class Trigger(Config):
    """When an actor sets off: after ``after_s``, and once the robot has come within ``robot_within_m``."""

    after_s: Seconds = 0.0
    robot_within_m: Annotated[float, Field(gt=0.0)] | None = None


class ActorSpec(Config):
    """One actor. It waits at the first stop until its trigger holds, then follows the route, once or in a loop.

    ``hidden_until`` keeps it out of the world until it starts (``start``), or until another actor drops it (``dropped``).
    ``yields`` actors stop or step aside for the robot.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    kind: ActorKind
    appearance_seed: int = 0
    route: Annotated[tuple[Stop, ...], Field(min_length=1)]
    loop: bool = False
    heading_deg: float = 0.0
    start: Trigger = Trigger()
    hidden_until: Literal["never", "start", "dropped"] = "never"
    vanishes: bool = Field(default=False, description="leaves the world at the end of its route")
    yields: bool = True


class SoundSpec(Config):
    """Something that can be heard, once: at a place, on its way from there to ``to_m`` at ``speed_mps``, or with an actor.
    ``z_m``: height above the ground, or above the actor's feet; without it what is usual for the kind, as are ``level_db`` (sound
    pressure level at 1 m) and ``for_s``. ``seed`` names one sound of the kind; without it every run has another."""

    kind: SoundName
    x_m: Metres = 0.0
    y_m: Metres = 0.0
    z_m: Annotated[float, Field(ge=0.0, le=1000.0)] | None = None
    to_m: tuple[Metres, Metres] | None = None
    speed_mps: Annotated[float, Field(gt=0.0, le=50.0)] = 5.0
    actor: str | None = None
    start: Trigger = Trigger()
    for_s: Annotated[float, Field(gt=0.05, le=300.0)] | None = None
    level_db: Annotated[float, Field(ge=0.0, le=160.0)] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> SoundSpec:
        placed = {"x_m", "y_m"} <= self.model_fields_set
        if placed == (self.actor is not None) or (self.actor is not None and self.to_m is not None):
            raise ValueError("needs either a place (x_m and y_m, and to_m if it moves) or an actor")
        return self


class FaultSpec(Config):
    """A sensor or the drive goes wrong ``at_s`` for ``for_s``: silent, noisy (noise times ``gain``), slip (no grip), or, for a
    camera or the thermal camera, covered, dazzled, dirty, frozen, dark (see ``sim.lens_faults``)."""

    kind: Literal["silent", "noisy", "slip", "covered", "dazzled", "dirty", "frozen", "dark"]
    sensor: SensorName | None = None
    at_s: Seconds
    for_s: Annotated[float, Field(gt=0.0)]
    gain: Annotated[float, Field(ge=1.0)] = 5.0

    @model_validator(mode="after")
    def _names_its_sensor(self) -> FaultSpec:
        if self.kind == "slip" and self.sensor is not None:
            raise ValueError("slip names no sensor")
        if self.kind != "slip" and self.sensor is None:
            raise ValueError(f"{self.kind} needs a sensor")
        if self.kind in _OF_CAMERAS and self.sensor not in ("camera", "thermal"):
            raise ValueError(f"{self.kind} is for camera or thermal")
        return self


class StartPose(Config):
    x_m: Metres
    y_m: Metres
    yaw_deg: float


class Scenario(Config):
    """A whole scenario. Paths are relative to the scenario's own file; ``robot`` missing means the site's first dock."""

    name: str
    about: str = ""
    world: Path
    site: Path
    start: datetime
    weather: Sky = Sky.CLEAR
    robot: StartPose | None = None
    charge: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    actors: tuple[ActorSpec, ...] = ()
    faults: tuple[FaultSpec, ...] = ()
    sounds: Annotated[tuple[SoundSpec, ...], Field(max_length=1000)] = ()
    wind_mps: Annotated[float, Field(ge=0.0, le=60.0)] | None = Field(default=None, description="None: as usual in the weather")

    @field_validator("start")
    @classmethod
    def _knows_its_zone(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("needs a time zone, as in 2026-06-16T10:00:00Z")
        return value

    @model_validator(mode="after")
    def _names_fit(self) -> Scenario:
        names = [actor.name for actor in self.actors]
        if len(set(names)) != len(names):
            raise ValueError(f"actors: names must differ ({', '.join(sorted(names))})")
        for number, sound in enumerate(self.sounds):
            if sound.actor is not None and sound.actor not in names:
                raise ValueError(f"sounds.{number}: actor {sound.actor!r} is none of {', '.join(names) or 'them'}")
        droppable = {actor.name for actor in self.actors if actor.hidden_until == "dropped"}
        for actor in self.actors:
            for stop in actor.route:
                if stop.drops and stop.drops not in droppable:
                    raise ValueError(f"actors.{actor.name}: drops {stop.drops!r}, which is no actor hidden until dropped")
        return self

    @property
    def start_ns(self) -> int:
        return round(self.start.timestamp()) * 1_000_000_000


def read_scenario(path: Path) -> Scenario:
    """Read a scenario; its paths come back resolved. Raises BadInput naming file, field and value."""
    scenario = load_config(Scenario, path)
    resolved = {name: (path.parent / getattr(scenario, name)).resolve() for name in ("world", "site")}
    missing = [
        Fault(field=name, value=str(file), because="there is no such file")
        for name, file in resolved.items()
        if not file.is_file()
    ]
    if missing:
        raise BadInput(path, missing)
    return scenario.model_copy(update=resolved)
