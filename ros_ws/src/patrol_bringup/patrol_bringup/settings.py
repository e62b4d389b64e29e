# SPDX-License-Identifier: Apache-2.0
"""What one run of the stack is told, and the command line that tells it to each process."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import Field

from patrol.config import Config
from patrol_bringup.table import Backend, Process
from patrol_ros.run_file import RUN_FILE
from perception.rulebook.book import site_rules_path

Value = str | int | float | bool
_INPUTS = (
    "site",
    "rules",
    "mission",
    "scenario",
    "slam_config",
    "perception_config",
    "sound_config",
    "mission_config",
    "belief_config",
    "uplink_config",
)


class RunSettings(Config):
    """One run. Paths may be None where the defaults of the node hold."""

    backend: Backend = Backend.SIMULATION
    robot_id: str = Field(default="rover", pattern=r"^[a-z][a-z0-9_]*$", description="also the ROS namespace")
    robot_name: str = "Rover"
    robots: str = Field(default="", description="ids of all robots of a simulated team, the first one's first, between commas")
    berth: int = Field(default=0, ge=0, description="which of the team this robot is: its dock, or its place beside the docks")
    run_folder: Path
    site: Path | None = None
    rules: Path | None = Field(default=None, description="rule file; default: the site's own, NAME.rules.yaml beside it")
    mission: Path | None = None
    scenario: Path | None = None
    recording: Path | None = None
    map_folder: Path | None = None
    mapping: bool = True
    laps: int = Field(default=0, ge=0, description="0: as many as the mission says")
    autostart: bool = False
    driver: str = Field(default="own", pattern="^(own|nav2)$", description="what drives to a goal")
    seed: int = 1
    factor: float = Field(default=1.0, ge=0, description="simulated seconds per second; 0: as fast as possible")
    sensors: str = Field(default="", description="the simulator's sensors, between commas; empty: all")
    hearing: bool = Field(default=False, description="listen to the microphones")
    listeners: str = Field(default="", description="the nodes that a replay waits for before it begins, between commas")
    uplink_url: str = ""
    uplink_token_file: Path | None = None
    slam_config: Path | None = None
    perception_config: Path | None = None
    sound_config: Path | None = None
    mission_config: Path | None = None
    belief_config: Path | None = None
    uplink_config: Path | None = None
    evidence_key: Path | None = Field(default=None, description="public key that originals of alerted pictures are sealed to")

    @property
    def state_folder(self) -> Path:
        """What must outlive a process, such as the e-stop latch and the mission's breakpoint."""
        return self.run_folder / "state"

    @property
    def rules_file(self) -> Path | None:
        """Where the rules come from, if not from the default ones: the file that was named, else the site's own."""
        beside = None if self.site is None else site_rules_path(self.site)
        return self.rules or (beside if beside is not None and beside.is_file() else None)

    @property
    def uses_sim_time(self) -> bool:
        return self.backend is not Backend.ROBOT

    @property
    def is_team(self) -> bool:
        """Whether several robots patrol together."""
        return "," in self.robots

    def for_mate(self, robot_id: str, robot_name: str, berth: int) -> RunSettings:
        """The same run as a further robot of the team is told it; its folder lies in that of the first."""
        folder = self.run_folder / robot_id
        changed = {
            "robot_id": robot_id,
            "robot_name": robot_name,
            "berth": berth,
            "run_folder": folder,
            "map_folder": folder / "map" if self.map_folder is not None else None,
        }
        return self.model_copy(update=changed)


def write_run_file(settings: RunSettings) -> Path:
    """Keep what this run was told in its folder: every setting, and the text of every file that they name, by setting and file
    name. The recorder puts it into the recording. Raises OSError."""
    files: dict[str, str] = {}
    for name in _INPUTS:
        given: Path | None = settings.rules_file if name == "rules" else getattr(settings, name)
        paths = sorted(given.glob("*.yaml")) if given is not None and given.is_dir() else [given] if given is not None else []
        files |= {f"{name}/{path.name}": path.read_text("utf-8") for path in paths if path.is_file()}
    settings.run_folder.mkdir(parents=True, exist_ok=True)
    path = settings.run_folder / RUN_FILE
    path.write_text(json.dumps({"settings": settings.model_dump(mode="json"), "files": files}, indent=2), "utf-8")
    return path


def parameters(row: Process, settings: RunSettings) -> dict[str, str | int | float | bool]:
    """The node's parameters: the settings that it takes, without the empty ones, and ``use_sim_time``."""
    given: dict[str, str | int | float | bool] = {"use_sim_time": settings.uses_sim_time and not row.tells_time}
    for name in row.takes:
        value = getattr(settings, name)
        if isinstance(value, Path):
            given[name] = str(value.resolve())
        elif value is not None and value != "":
            given[name] = value
    return given


def polite(row: Process) -> tuple[str, ...]:
    """What is put before the command of a row that can wait."""
    return ("nice", "-n", str(row.niceness)) if row.niceness else ()


def command(row: Process, settings: RunSettings) -> tuple[str, ...]:
    """The command line of one process, with this interpreter."""
    arguments = [
        *polite(row),
        sys.executable,
        "-m",
        row.module,
        "--ros-args",
        "-r",
        f"__ns:=/{settings.robot_id}",
        "-r",
        f"__node:={row.name}",
    ]
    for name, value in parameters(row, settings).items():
        arguments += ["-p", f"{name}:={_yaml(value)}"]
    return tuple(arguments)


def _yaml(value: Value) -> str:
    """The value as ROS reads it back with the same type."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)
