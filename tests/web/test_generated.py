# SPDX-License-Identifier: Apache-2.0
"""What the page is made from is what the service says now; and the page's own tests pass."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from command_centre.api.schema import PATH as SCHEMA
from command_centre.api.schema import schema_text
from patrol.sei import SEI_UUID
from tests.web import packet_samples, sei_samples

WEB = SCHEMA.parent
VENV_BIN = Path(__file__).parents[2] / ".venv" / "bin"


def npm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run npm in the page's folder; skip the test where it has not been set up."""
    found = shutil.which("npm", path=f"{os.environ.get('PATH', '')}:{VENV_BIN}")
    if found is None or not (WEB / "node_modules").exists():
        pytest.skip("the page's packages are not installed: cd command_centre/web && npm ci")
    return subprocess.run([found, *arguments], cwd=WEB, capture_output=True, text=True, timeout=240, check=False)


def test_the_schema_is_that_of_the_models() -> None:
    assert SCHEMA.read_text("utf-8") == schema_text(), "run: python -m command_centre.api.schema"


def test_the_sei_samples_are_those_of_the_encoder() -> None:
    assert sei_samples.PATH.read_text("utf-8") == sei_samples.samples_text(), "run: python -m tests.web.sei_samples"


def test_the_packet_samples_are_those_of_the_wire() -> None:
    assert packet_samples.PATH.read_text("utf-8") == packet_samples.samples_text(), "run: python -m tests.web.packet_samples"


def test_the_page_looks_for_the_robot_s_uuid() -> None:
    source = (WEB / "src" / "video" / "sei.ts").read_text("utf-8")
    listed = re.search(r"const UUID = \[([^\]]*)\]", source)
    assert listed is not None
    assert bytes(int(each, 16) for each in listed[1].split(",")) == SEI_UUID.bytes


def test_the_types_are_those_of_the_schema() -> None:
    types = WEB / "src" / "generated" / "wire.ts"
    kept = types.read_text("utf-8")
    made = npm("run", "wire")
    assert made.returncode == 0, made.stderr
    assert types.read_text("utf-8") == kept, "the types had to be made anew: commit them"


def test_the_page_s_own_tests_pass() -> None:
    ran = npm("exec", "--", "vitest", "run")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_lock_names_no_registry() -> None:
    lock = (WEB / "package-lock.json").read_text("utf-8")
    assert "http://" not in lock
    assert not [entry for entry in json.loads(lock)["packages"].values() if "resolved" in entry]
