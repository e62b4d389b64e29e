# SPDX-License-Identifier: Apache-2.0
"""The shipped worlds in a real Gazebo 11: every model and link is there, the robot stands on the ground, and a step is a step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from patrol.geometry import Twist2
from sim.casting_call import SITES, WORLDS
from sim.gazebo.installation import Installation
from sim.gazebo.messages import Messages
from sim.gazebo.simulator import ROBOT, GazeboSimulator
from sim.gazebo.transport import Client
from sim.robot import read_robot
from tests.sim.stand import yard_scenario

pytestmark = [pytest.mark.gazebo, pytest.mark.timeout(600)]
PARTS = {f"{ROBOT}::{part}" for part in ("base_link", "left_wheel", "right_wheel")}
# Where a robot can stand in each world.
STARTS = {"depot": (24.0, -36.0), "prison": (0.0, -52.0), "border": (60.0, 6.0)}


def links(world: Path) -> set[str]:
    """The links that a world's file names."""
    root = ET.parse(world).getroot()
    return {f"{model.get('name')}::{link.get('name')}" for model in root.iter("model") for link in model.findall("link")}


def told_links(installation: Installation, port: int, world: str) -> Iterator[str]:
    """The links that a running Gazebo has."""
    messages, answers = Messages(installation.descriptors), list[Any]()
    client = Client(messages, port)
    try:
        client.subscribe(f"/gazebo/{world}/response", "Response", answers.append)
        client.advertise(f"/gazebo/{world}/request", "Request")
        deadline_s = time.monotonic() + 60.0
        while not any(answer.request == "entity_list" for answer in answers):
            assert time.monotonic() < deadline_s, "Gazebo does not answer"
            client.publish(f"/gazebo/{world}/request", messages["Request"](id=7, request="entity_list", data=""))
            time.sleep(0.2)
    finally:
        client.close()
    answer = next(answer for answer in answers if answer.request == "entity_list")
    for model in messages["Model_V"].FromString(answer.serialized_data).models:
        yield from (link.name for link in model.link)


@pytest.mark.parametrize("name", list(STARTS))
def test_a_shipped_world_runs_in_gazebo(tmp_path: Path, gazebo: Installation, name: str) -> None:
    x_m, y_m = STARTS[name]
    scenario = yard_scenario(
        tmp_path,
        world=WORLDS / f"{name}.sdf",
        site=SITES / f"{name}.geojson",
        robot={"x_m": x_m, "y_m": y_m, "yaw_deg": 0.0},
    )
    simulator = GazeboSimulator(scenario, read_robot(), seed=1, sensors=frozenset({"odom"}), installation=gazebo)
    try:
        assert set(told_links(gazebo, simulator.server.port, name)) == links(WORLDS / f"{name}.sdf") | PARTS
        simulator.command(Twist2(forward_mps=0.5))
        measured = simulator.advance_s(0.1)
        truth = simulator.truth()
    finally:
        simulator.close()
    assert len(measured) == 5
    assert truth.stamp_ns == scenario.start_ns + 10**8
    assert 0.0 < truth.map_from_base.x_m - x_m < 0.05
    assert truth.contacts == ()
