# SPDX-License-Identifier: Apache-2.0
"""Schema texts from installed message packages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from evidence.definitions import DefinitionMissing, Definitions, installed_prefixes

BAR = "=" * 80


def put(prefix: Path, name: str, text: str) -> None:
    package, _, message = name.partition("/")
    path = prefix / "share" / package / "msg" / f"{message}.msg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_everything_contained_follows_once_in_the_order_met(tmp_path: Path) -> None:
    put(
        tmp_path,
        "a_msgs/Top",
        "# a comment c_msgs/Not\nb_msgs/Mid[<=4] mids\nLeaf leaf\nint32 X=5\nstring<=10 s\nfloat64[36] c\n",
    )
    put(tmp_path, "b_msgs/Mid", "a_msgs/Leaf[2] pair\nbuiltin_interfaces/Time stamp  # when\n")
    put(tmp_path, "a_msgs/Leaf", "bool ok true\n")
    put(tmp_path, "builtin_interfaces/Time", "int32 sec\nuint32 nanosec\n")
    text = Definitions((tmp_path,)).schema("a_msgs/msg/Top")
    heads = [line for line in text.splitlines() if line.startswith(("MSG:", "==="))]
    assert heads == [BAR, "MSG: b_msgs/Mid", BAR, "MSG: a_msgs/Leaf", BAR, "MSG: builtin_interfaces/Time"]
    assert text.startswith("# a comment c_msgs/Not\nb_msgs/Mid[<=4] mids\n")


def test_the_first_prefix_wins(tmp_path: Path) -> None:
    put(tmp_path / "one", "a_msgs/Top", "int32 first\n")
    put(tmp_path / "two", "a_msgs/Top", "int32 second\n")
    assert "first" in Definitions((tmp_path / "one", tmp_path / "two")).schema("a_msgs/msg/Top")
    found = installed_prefixes({"AMENT_PREFIX_PATH": f"{tmp_path}/one:{tmp_path}/two"})
    assert found == (tmp_path / "one", tmp_path / "two", Path(sys.prefix))


@pytest.mark.parametrize("name", ["a_msgs/msg/Absent", "nonsense", "a_msgs/srv/Do", "../msg/Top"])
def test_what_is_not_installed_is_named(tmp_path: Path, name: str) -> None:
    put(tmp_path, "a_msgs/Top", "Gone gone\n")
    with pytest.raises(DefinitionMissing, match=name.rsplit("/", 1)[-1]):
        Definitions((tmp_path,)).schema(name)
    with pytest.raises(DefinitionMissing, match="a_msgs/Gone"):
        Definitions((tmp_path,)).schema("a_msgs/msg/Top")


def test_installed_ros_types_resolve() -> None:
    definitions = Definitions(installed_prefixes())
    if not (Path(sys.prefix) / "share" / "sensor_msgs" / "msg").is_dir():
        pytest.skip("the ROS message packages are not installed in this environment")
    text = definitions.schema("nav_msgs/msg/Odometry")
    assert "MSG: geometry_msgs/PoseWithCovariance\n" in text
    assert "MSG: builtin_interfaces/Time\n" in text
    assert text.count("MSG: std_msgs/Header\n") == 1
