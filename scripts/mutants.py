# SPDX-License-Identifier: Apache-2.0
"""Mutation tests of the supervisor and the stop path: every small change of their code must make a test fail.

``make mutants`` works on a copy, so that nothing in the repository changes, and ends with 1 when a mutant survives. mutmut makes
the mutants; each is tested in a forked process of its own, first with the quick tests of its module, then with all of them.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

ROOT = Path(__file__).parents[1]
PACKAGES = ("patrol", "mission", "tests/mission")
QUICK = "not steps_out and not same_people and not can_always_stop and not only_ever_slows"
TESTS: dict[str, tuple[str, ...]] = {
    "mission/machine.py": ("test_machine.py",),
    "mission/supervisor.py": ("test_supervisor.py",),
    "mission/supervisor_rules.py": ("test_supervisor.py",),
    "mission/stop_guard.py": ("test_stop_guard.py",),
    "mission/stop_shadows.py": ("test_stop_guard.py",),
}
CPU_WITHIN_S = 60
"""A mutant that computes for longer has failed; counted in time of the processor, so that a busy machine kills none."""
PRELOADED = ("hypothesis.strategies", "pydantic", "shapely.geometry", "_hypothesis_pytestplugin")
"""Loaded once before the tests are forked; nothing of the mission may be among them."""
_TELL_EVERY = 50
_SETTINGS = """[mutmut]
source_paths=
    mission
only_mutate=
    {mutated}
pytest_add_cli_args_test_selection=
    tests/mission/test_rules.py
also_copy=
    patrol
    tests
use_git_change_detection=false
"""


def main() -> int:
    """Make the mutants, test each, and tell which survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", default=["*"], help="patterns of mutants, as in '*supervisor*'")
    given = parser.parse_args()
    tell = Console().print
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        mutants = [each for each in made_in(folder) if any(fnmatch.fnmatch(each[1], pattern) for pattern in given.only)]
        for module in PRELOADED:
            importlib.import_module(module)
        os.chdir(folder / "mutants")
        sys.path.insert(0, str(folder / "mutants"))
        if not mutants or not all(_passes("", tests) for tests in {TESTS[module] for module, _ in mutants}):
            tell("there are no mutants, or the tests fail without any")
            return 1
        lived = []
        for done, (module, mutant) in enumerate(mutants):
            if done % _TELL_EVERY == 0:
                tell(f"{done} of {len(mutants)} tested")
            if _passes(mutant, TESTS[module], "-k", QUICK) and _passes(mutant, TESTS[module]):
                lived.append(mutant)
                tell(f"survived: {mutant}")
        tell(f"{len(mutants)} mutants, {len(mutants) - len(lived)} killed, {len(lived)} survived")
    return 1 if lived else 0


def made_in(folder: Path) -> list[tuple[str, str]]:
    """Copy what is needed into ``folder`` and let mutmut make the mutants there: module and name of each."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests" / "__init__.py").touch()
    (folder / "setup.cfg").write_text(_SETTINGS.format(mutated="\n    ".join(TESTS)), "utf-8")
    tool = Path(sys.executable).with_name("mutmut")
    subprocess.run([str(tool), "run", "none"], cwd=folder, capture_output=True, check=False, timeout=600)
    names = []
    for module in TESTS:
        meta = folder / "mutants" / f"{module}.meta"
        kept = json.loads(meta.read_text("utf-8")) if meta.is_file() else {}
        names += [(module, name) for name in sorted(kept.get("exit_code_by_key", {}))]
    return names


def _passes(mutant: str, tests: tuple[str, ...], *more: str) -> bool:
    """Whether the tests pass with ``mutant`` in force, in a child process; one that takes too long does not."""
    child = os.fork()
    if child == 0:
        os._exit(_tested(mutant, tests, more))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _tested(mutant: str, tests: tuple[str, ...], more: tuple[str, ...]) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_WITHIN_S, CPU_WITHIN_S))
    os.environ["MUTANT_UNDER_TEST"] = mutant
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    paths = [f"tests/mission/{test}" for test in tests]
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin", *more]
        return int(pytest.main([*options, *paths]))


if __name__ == "__main__":
    np.zeros(1)
    sys.exit(main())
