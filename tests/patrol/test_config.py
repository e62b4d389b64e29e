# SPDX-License-Identifier: Apache-2.0
"""Configuration files: defaults, overrides, and refusals that name file, field and value."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from patrol.config import Config, load_config, validate_config
from patrol.errors import BadInput, Fault


class Wheels(Config):
    radius_m: float = 0.2
    count: int = 4


class Machine(Config):
    name: str = "rover"
    wheels: Wheels = Wheels()


def load(tmp_path: Path, text: str) -> Machine:
    path = tmp_path / "machine.yaml"
    path.write_text(text, "utf-8")
    return load_config(Machine, path)


def test_defaults_work_without_a_file_and_with_an_empty_one(tmp_path: Path) -> None:
    assert load_config(Machine, None) == Machine()
    assert load(tmp_path, "# nothing\n") == Machine()


def test_a_file_only_overrides(tmp_path: Path) -> None:
    machine = load(tmp_path, "wheels: {radius_m: 0.3}")
    assert machine.wheels.radius_m == 0.3
    assert (machine.name, machine.wheels.count) == ("rover", 4)


def test_every_fault_is_named_with_its_value(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        load(tmp_path, "nmae: x\nwheels: {radius_m: wide, count: 2.5}")
    fields = {fault.field: fault for fault in caught.value.faults}
    assert set(fields) == {"nmae", "wheels.radius_m", "wheels.count"}
    assert fields["wheels.radius_m"].value == "wide"
    assert "machine.yaml: 3 fault(s)" in str(caught.value)


@pytest.mark.parametrize("text", [".nan", ".inf", "-.inf"])
def test_numbers_must_be_finite(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match=r"wheels\.radius_m"):
        load(tmp_path, f"wheels: {{radius_m: {text}}}")


@pytest.mark.parametrize(
    ("text", "where"), [("a: [1,", "line 1"), ("a: b: c", "line 1, column 5"), ("- 1", "(top)"), ("7", "(top)")]
)
def test_broken_yaml_names_its_line(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(BadInput) as caught:
        load(tmp_path, text)
    assert where in str(caught.value)


def test_files_that_can_not_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="can not be read"):
        load_config(Machine, tmp_path / "none.yaml")
    path = tmp_path / "bytes.yaml"
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(BadInput, match="can not be read"):
        load_config(Machine, path)


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("name: a\nwheels: {count: 1}\nname: b", r"line 3, column 1: the key 'name' stands twice \(got 'name: b'\)"),
        ("[" * 1500, "nested too deeply"),
        ("a: &a [*a]", "holds itself"),
        (
            "a: &a [x, x, x]\n"
            + "".join(f"{one}: &{one} [{', '.join([f'*{before}'] * 9)}]\n" for before, one in pairwise("abcdefgh")),
            "unfolds",
        ),
        ("name: 2026-13-45", "month must be in"),
        ("0", "mapping of fields"),
        ("[]", "mapping of fields"),
        ("[a, b]: 1", "unhashable"),
        ("a: \0", "special characters are not allowed"),
        (" " * 17_000_000, "longer than"),
    ],
    ids=lambda text: text[:20],
)
def test_what_other_readers_pass_over_is_refused_and_named(tmp_path: Path, text: str, because: str) -> None:
    with pytest.raises(BadInput, match=because) as caught:
        load(tmp_path, text)
    assert len(str(caught.value)) < 1000


def test_a_list_is_not_called_too_short_for_the_fault_of_its_item() -> None:
    class Spare(Config):
        wheels: Annotated[tuple[Wheels, ...], Field(min_length=1)]

    with pytest.raises(BadInput) as caught:
        validate_config(Spare, {"wheels": [{"count": "x"}]}, source="here")
    assert [fault.field for fault in caught.value.faults] == ["wheels.0.count"]
    with pytest.raises(BadInput, match="at least 1 item"):
        validate_config(Spare, {"wheels": []}, source="here")


def test_thousands_of_faults_are_not_all_told() -> None:
    told = str(BadInput("here", [Fault(field=f"f{n}", value="v" * 10_000, because="is wrong") for n in range(5000)]))
    assert "5000 fault(s)" in told
    assert told.endswith("... and 4950 more")
    assert len(told) < 20_000


def test_yaml_can_not_make_objects(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="constructor"):
        load(tmp_path, "name: !!python/object/apply:os.getcwd []")


def test_models_are_frozen_and_sources_named() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Machine().name = "other"
    with pytest.raises(BadInput, match="from a recording"):
        validate_config(Machine, {"wheel": 1}, source="from a recording")


def test_a_fault_reads_as_a_sentence() -> None:
    assert str(Fault(field="a.b", value=3, because="is too much")) == "a.b: is too much (got 3)"
    assert str(Fault(field="a.b", value=None, because="the file ends here")) == "a.b: the file ends here"
