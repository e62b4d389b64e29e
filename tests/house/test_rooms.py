# SPDX-License-Identifier: Apache-2.0
"""Who may import whom. The list of exceptions is empty and stays so."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.house.files import ROOT, imported_modules, python_files, room_of, tree_of

ROOMS = {"patrol", "perception", "slam", "mission", "sim", "uplink", "evidence", "command_centre", "app"}
ROS_PACKAGES = {"patrol_ros", "patrol_bringup", "patrol_gazebo"}
JOINERS = {"app", "ros_ws", "tests", "benchmarks", "scripts"}
MAY_IMPORT: dict[str, set[str]] = {
    "patrol": set(),
    **{room: {"patrol"} for room in ("perception", "slam", "mission", "sim", "uplink", "evidence", "command_centre")},
    "app": (ROOMS - {"app"}) | ROS_PACKAGES,
    "ros_ws": (ROOMS - {"app", "command_centre"}) | ROS_PACKAGES,
    "tests": ROOMS | ROS_PACKAGES,
    "benchmarks": ROOMS | ROS_PACKAGES | {"benchmarks", "tests"},
    "scripts": ROOMS,
}
CODE = [path for path in python_files() if room_of(path) in MAY_IMPORT]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CODE, ids=name)
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    room = room_of(path)
    ours = {module.split(".")[0] for module in imported_modules(path)} & (ROOMS | ROS_PACKAGES)
    assert ours - {room} - MAY_IMPORT[room] == set()


def test_every_room_is_under_the_rule() -> None:
    assert {room_of(path) for path in CODE} >= ROOMS
    assert all(room in MAY_IMPORT for room in ROOMS)


def test_only_ros_ws_imports_rclpy() -> None:
    users = {room_of(path) for path in CODE if any(m.split(".")[0] == "rclpy" for m in imported_modules(path))}
    assert users <= {"ros_ws", "tests", "benchmarks"}
    assert "ros_ws" in users


def _reads_truth(path: Path) -> bool:
    if any(module.startswith("sim.truth") for module in imported_modules(path)):
        return True
    return any(isinstance(node, ast.Attribute) and node.attr == "truth" for node in ast.walk(tree_of(path)))


def test_only_the_simulator_and_tests_read_ground_truth() -> None:
    readers = {name(path) for path in CODE if _reads_truth(path)}
    assert {reader for reader in readers if not reader.startswith(("sim/", "tests/"))} == set()
    assert any(reader.startswith("sim/") for reader in readers), "the rule found nobody, so it checks nothing"


def test_no_import_cycles_between_modules() -> None:
    modules = {name(path)[:-3].replace("/", ".").removesuffix(".__init__"): path for path in CODE}
    graph = {module: {m for m in imported_modules(path) if m in modules and m != module} for module, path in modules.items()}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail[trail.index(module) :], module))
        if module not in done:
            for other in graph[module]:
                visit(other, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())
    assert done == set(graph)
