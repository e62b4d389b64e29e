# SPDX-License-Identifier: Apache-2.0
"""House rules that a machine can check: licence lines, lint, types, sizes, and words that must not be committed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.house.files import ROOT, own_files, python_files, room_of, tree_of

CODE_SUFFIXES = {".py", ".ts", ".tsx", ".sh", ".css"}
SPDX = "SPDX-License-Identifier: Apache-2.0"
FORBIDDEN = re.compile(
    "|".join(
        (
            r"py" + r"pi\.org",
            r"python" + r"hosted\.org",
            r"npm" + r"js\.org",
            r"deb\." + r"debian\.org",
            r"/wor" + r"k/",
            r"/roo" + r"t/",
        )
    )
)
LIMIT_LINES = 400
LIMIT_FUNCTION_LINES = 60


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_files() -> list[Path]:
    binary = {".png", ".jpg", ".onnx", ".npz", ".mcap", ".ply", ".pgm", ".woff2", ".ico", ".webp"}
    return [path for path in own_files() if path.suffix not in binary]


def test_every_code_file_names_its_licence() -> None:
    code = [path for path in own_files() if path.suffix in CODE_SUFFIXES]
    missing = [relative(path) for path in code if SPDX not in path.read_text("utf-8")[:300]]
    assert len(code) > 20
    assert missing == []


def test_no_registry_host_and_no_path_of_one_machine() -> None:
    found = [
        f"{relative(path)}:{number}"
        for path in text_files()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert found == []


def test_every_python_that_is_shipped_with_debian_or_ubuntu_gets_the_same_packages() -> None:
    locked = [
        Requirement(line.rstrip(" \\"))
        for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines()
        if re.match(r"[A-Za-z0-9]", line)
    ]
    machine = {"sys_platform": "linux", "platform_machine": "x86_64", "implementation_name": "cpython"}
    debian, ubuntu, newer = (
        {str(item) for item in locked if item.marker is None or item.marker.evaluate(machine | {"python_full_version": version})}
        for version in ("3.11.2", "3.12.3", "3.13.5")
    )
    assert len(debian) > 200
    assert debian == ubuntu
    assert newer - ubuntu <= {item for item in newer if item.startswith("pyyaml-ft")}, "nothing but what exists from 3.13 on"


def test_no_exceptions_from_lint_or_types() -> None:
    marks = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no cover|ruff:\s*noqa)")
    found = [relative(path) for path in python_files() if marks.search(path.read_text("utf-8"))]
    config = (ROOT / "pyproject.toml").read_text("utf-8")
    assert found == []
    assert "per-file-ignores" not in config
    assert not re.search(r"^ignore\s*=", config, re.MULTILINE)


@pytest.mark.parametrize("command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]], ids=" ".join)
def test_ruff_and_mypy_are_clean(command: list[str]) -> None:
    tool = Path(sys.executable).with_name(command[0])
    result = subprocess.run([str(tool), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
    assert "error" not in result.stderr.lower()


def test_modules_and_functions_stay_small() -> None:
    code = [path for path in python_files() if room_of(path) not in {"tests", "."}]
    long_modules = [relative(path) for path in code if path.read_text("utf-8").count("\n") > LIMIT_LINES]
    long_functions = [
        f"{relative(path)}:{node.lineno} {node.name}"
        for path in code
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LIMIT_FUNCTION_LINES
    ]
    assert long_modules == []
    assert long_functions == []


def test_broad_excepts_are_few() -> None:
    broad = [
        f"{relative(path)}:{node.lineno}"
        for path in python_files()
        if room_of(path) != "tests"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
    ]
    assert len(broad) <= 3, broad
