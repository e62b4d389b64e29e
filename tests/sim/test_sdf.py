# SPDX-License-Identifier: Apache-2.0
"""The SDF reader: poses nest, names give surfaces, and everything outside the subset is refused by its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from patrol.errors import BadInput
from sim.sdf import read_world
from tests.sim.stand import YARD, write_yard


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(BadInput) as caught:
        read_world(write_yard(tmp_path, text))
    return str(caught.value)


def test_reads_the_yard(tmp_path: Path) -> None:
    world = read_world(write_yard(tmp_path))
    assert world.name == "yard"
    assert [visual.surface for visual in world.visuals] == ["asphalt", "brick", "fence"]
    assert world.collisions[1].name == "wall/l/brick_1"
    assert world.collisions[1].shape.size_m == (1.0, 30.0, 3.0)
    assert np.linalg.norm(world.suns[0].direction) == pytest.approx(1.0)


def test_poses_nest_from_model_to_shape(tmp_path: Path) -> None:
    text = YARD.replace(
        '<pose>10.5 0 1.5 0 0 0</pose><link name="l">',
        '<pose>1 2 0 0 0 1.5707963267948966</pose><link name="l"><pose>3 0 0 0 0 0</pose>',
    )
    world = read_world(write_yard(tmp_path, text))
    np.testing.assert_allclose(world.collisions[1].world_from_shape.translation_m, [1.0, 5.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(world.collisions[1].world_from_shape.rotation @ [1, 0, 0], [0, 1, 0], atol=1e-9)


@pytest.mark.parametrize(
    ("old", "new", "place", "value"),
    [
        ("<box><size>1 30 3</size></box>", "<mesh><uri>model://x.dae</uri></mesh>", "collision[brick_1]/geometry", "mesh"),
        ("<size>8 0.04 2</size>", "<size>8 nought 2</size>", "model[panel]/link[l]/collision[fence_1]/geometry/box", "nou"),
        ("<size>8 0.04 2</size>", "<size>8 -0.04 2</size>", "box", "-0.04"),
        ("<static>true</static><pose>0 5 1", "<static>false</static><pose>0 5 1", "model[panel]/static", "false"),
        ('type="directional"', 'type="spot"', "light[sun]", "spot"),
        ("<pose>0 5 1 0 0 0</pose>", '<pose relative_to="wall">0 5 1 0 0 0</pose>', "model[panel]/pose@relative_to", "wall"),
        ("<pose>0 5 1 0 0 0</pose>", "<pose>0 5 nan 0 0 0</pose>", "model[panel]/pose", "nan"),
        ("<diffuse>0.6 0.3 0.25 1</diffuse>", "<diffuse>6 0.3 0.25 1</diffuse>", "material/diffuse", "6"),
        ('<model name="panel">', '<model name="wall">', "model[wall]", "differ"),
        ('<model name="panel">', '<include><uri>x</uri></include><model name="panel">', "world[yard]/include", "outside"),
    ],
)  # fmt: skip
def test_refuses_by_place_and_value(tmp_path: Path, old: str, new: str, place: str, value: str) -> None:
    assert old in YARD
    text = refusal(tmp_path, YARD.replace(old, new))
    assert "yard.sdf" in text
    assert place in text
    assert value in text


def test_names_every_fault_at_once(tmp_path: Path) -> None:
    text = refusal(tmp_path, YARD.replace("<static>true</static>", "<static>no</static>"))
    assert "3 fault(s)" in text


def test_refuses_what_is_not_xml_or_not_there(tmp_path: Path) -> None:
    assert "line 1" in refusal(tmp_path, "<sdf")
    with pytest.raises(BadInput, match="can not be read"):
        read_world(tmp_path / "nowhere.sdf")
