# SPDX-License-Identifier: Apache-2.0
"""Every command that the pages name is run by a test, here or elsewhere; every link of theirs leads somewhere."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.lockstep import LockstepPlan
from benchmarks import depot_lap
from patrol.config import validate_config
from patrol.site_check import check_site
from patrol.topics import TOPICS
from patrol_bringup.table import PROCESSES
from scripts.live_tests import LIVE
from sim.scenario import Scenario
from tests.app.command import write_room_log
from tests.house.documents import PAGES, Command, anchors, commands, fences, links
from tests.house.files import ROOT, tree_of

BOUND_S = 240
SHORT = "--limit-s 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Run it here. ``instead`` replaces words by others, so that the run is short and writes into a folder of the test, which
    is called TMP; ``more`` is appended; the output must match ``prints`` and the files ``leaves`` must be there afterwards."""

    prints: str
    instead: tuple[tuple[str, str], ...] = ()
    more: str = ""
    code: int = 0
    leaves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Another test runs the same: ``test`` is its node id."""

    test: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """It needs an environment that tests do not have: every option must be one of the program in ``source``."""

    source: str


PATROLS = (("patrols/", "TMP/"),)
NOT_DONE = r"not done within 1 s\. 0 of 1 lap"
LAP = Elsewhere(test="tests/house/test_docs.py::test_the_lap_benchmark_tells_its_figures")
LAUNCH = Elsewhere(test="tests/ros/test_bringup.py::test_launch_files_start_the_rows_of_the_table")
REPLAY = Elsewhere(test="tests/app/test_replay.py::test_a_carmen_log_becomes_a_map")
MAPS = Elsewhere(test="tests/slam/test_map_cli.py::test_a_map_is_proposed_approved_compared_and_exported")
EVIDENCE = Elsewhere(test="tests/app/test_evidence.py::test_two_people_open_an_original_and_the_log_says_so")
FAIRNESS = Elsewhere(test="tests/app/test_fairness.py::test_a_table_of_people_becomes_a_public_page")
TRAIN = Understood(source="perception/training/train.py")
TRAINS_WITH = Elsewhere(test="tests/house/test_docs.py::test_the_lock_that_training_installs_is_there")
TABLE: dict[str, Run | Elsewhere | Understood] = {
    ".venv/bin/patrol map propose maps patrols/monday/map": MAPS,
    '.venv/bin/patrol map approve maps 1 --by "A. Guard"': MAPS,
    ".venv/bin/patrol map propose maps patrols/tuesday/map --site config/sites/depot.geojson": MAPS,
    ".venv/bin/patrol map versions maps": MAPS,
    ".venv/bin/patrol map changes patrols/monday/map patrols/tuesday/map --site config/sites/depot.geojson": MAPS,
    ".venv/bin/patrol map changes patrols/monday/map patrols/tuesday/recording.mcap --site config/sites/depot.geojson": Elsewhere(
        test="tests/slam/test_map_review.py::test_a_recording_tells_what_changed"
    ),
    ".venv/bin/patrol map locate patrols/monday/map patrols/tuesday/recording.mcap": Elsewhere(
        test="tests/slam/test_map_review.py::test_a_recording_is_found_on_the_map"
    ),
    ".venv/bin/patrol map export patrols/monday/map map.g2o": MAPS,
    ".venv/bin/patrol map cloud patrols/monday/recording.mcap patrols/monday/space": Elsewhere(
        test="tests/slam/lio/test_map_cloud.py::test_a_recording_becomes_a_cloud_a_mesh_and_a_trajectory"
    ),
    ".venv/bin/python benchmarks/lidar_odometry.py --metres 1000": Run(
        prints=r'"benchmark": "lidar_odometry"', instead=(("1000", "0"),)
    ),
    ".venv/bin/patrol map export patrols/monday/map map.tif --site config/sites/depot.geojson": MAPS,
    ".venv/bin/python -m benchmarks.localisation --places 20 --hours 10": Understood(source="benchmarks/localisation.py"),
    ".venv/bin/python -m benchmarks.localisation --worlds depot prison --places 10 --hours 0.25": Understood(
        source="benchmarks/localisation.py"
    ),
    ".venv/bin/python -m benchmarks.gnss --seeds 1": Understood(source="benchmarks/gnss.py"),
    ".venv/bin/python -m benchmarks.slam_loops --seeds 1 2": Understood(source="benchmarks/slam_loops.py"),
    ".venv/bin/python -m benchmarks.slam_harder aces.clf.bz2 aces.relations --harder every_third few_beams": Understood(
        source="benchmarks/slam_harder.py"
    ),
    ".venv/bin/python -m benchmarks.map_changes --laps 6": Understood(source="benchmarks/map_changes.py"),
    "make demo": Elsewhere(test="tests/e2e/test_demo.py::test_the_page_shows_a_patrol"),
    'make demo ARGS="--headless --laps 1"': Elsewhere(test="tests/e2e/test_demo.py::test_one_headless_lap"),
    "make gazebo": Elsewhere(test="tests/gazebo/test_setup.py::test_a_second_set_up_takes_a_moment"),
    "make gazebo-clean": Elsewhere(test="tests/gazebo/test_setup.py::test_removing_leaves_nothing"),
    ".venv/bin/patrol demo --robots 2": Elsewhere(
        test="tests/ros/test_team.py::test_both_follow_one_plan_and_one_of_them_can_be_stopped_alone"
    ),
    ".venv/bin/patrol demo --sim gazebo": Elsewhere(test="tests/gazebo/test_setup.py::test_the_demonstration_runs_with_gazebo"),
    ".venv/bin/patrol sim check sim/worlds/depot.sdf": Run(prints="chain link"),
    ".venv/bin/patrol sim check sim/scenarios/depot_intruder.yaml": Run(prints="actors"),
    ".venv/bin/python benchmarks/simulators.py": Elsewhere(
        test="tests/gazebo/test_setup.py::test_the_benchmark_of_both_simulators_tells_its_figures"
    ),
    "ros2 launch patrol_gazebo harmonic.launch.py run_folder:=/tmp/patrol site:=$PWD/config/sites/depot.geojson "
    "mission:=$PWD/config/missions/perimeter.yaml scenario:=$PWD/sim/scenarios/depot_quiet.yaml autostart:=true": Elsewhere(
        test="tests/gazebo/test_harmonic.py::test_the_launch_file_starts_gazebo_the_bridge_and_the_stack"
    ),
    ".venv/bin/python -m patrol_gazebo.bridge": Elsewhere(
        test="tests/gazebo/test_harmonic.py::test_the_shipped_bridge_is_what_the_program_writes"
    ),
    "make mutants": Elsewhere(test="tests/mission/test_mutants.py::test_the_mutants_are_of_the_code_that_keeps_people_safe"),
    ".venv/bin/python benchmarks/supervision.py": Run(
        prints=r'"person_contacts_above_0.25_mps": 0', more="--people 3 --peers 1 --fence 50"
    ),
    ".venv/bin/patrol mission prepare config/missions/depot/night.yaml": Elsewhere(
        test="tests/app/test_missions.py::test_a_mission_is_weighed_prepared_and_told"
    ),
    ".venv/bin/patrol simulate --mission config/missions/depot/night.yaml": Elsewhere(
        test="tests/app/test_missions.py::test_a_drawn_mission_that_was_not_prepared_is_refused_before_anything_is_written"
    ),
    ".venv/bin/patrol mission show config/missions/perimeter.yaml": Elsewhere(
        test="tests/app/test_missions.py::test_what_is_promised_of_the_shipped_round_is_told"
    ),
    ".venv/bin/patrol mission tree": Elsewhere(test="tests/app/test_missions.py::test_the_behaviour_tree_is_printed"),
    ".venv/bin/patrol risk add config/missions/depot/depot.risk.jsonl --report-id fence-7 --kind zone --subject north_strip "
    '--source fence_alarm --strength 2 --days 14 --by "duty manager" --because "two alarms in a week"': Elsewhere(
        test="tests/app/test_missions.py::test_the_commands_of_the_page_on_risk"
    ),
    ".venv/bin/patrol risk show config/missions/depot/depot.risk.jsonl": Elsewhere(
        test="tests/app/test_missions.py::test_the_commands_of_the_page_on_risk"
    ),
    "make test": Elsewhere(test="tests/house/test_docs.py::test_make_test_would_run_the_tests"),
    ".venv/bin/patrol centre": Elsewhere(test="tests/app/test_centre.py::test_the_centre_alone_serves_until_it_is_interrupted"),
    ".venv/bin/patrol centre --port 8090": Elsewhere(
        test="tests/app/test_centre.py::test_the_centre_alone_serves_until_it_is_interrupted"
    ),
    **{
        f".venv/bin/patrol people {action}": Elsewhere(test="tests/app/test_people.py::test_somebody_comes_and_goes")
        for action in ("add noor --role viewer", "list", "renew noor", "remove noor")
    },
    ".venv/bin/patrol audit verify": Elsewhere(test="tests/app/test_centre.py::test_a_whole_log_is_verified"),
    ".venv/bin/python -m command_centre.api.schema": Elsewhere(
        test="tests/web/test_generated.py::test_the_schema_is_that_of_the_models"
    ),
    "npm --prefix command_centre/web run wire": Elsewhere(
        test="tests/web/test_generated.py::test_the_types_are_those_of_the_schema"
    ),
    ".venv/bin/patrol site check config/sites/depot.geojson": Run(prints=r"depot\.geojson: ok\."),
    ".venv/bin/patrol plan config/sites/depot.geojson --robots 2 --json": Run(
        prints=r'"worst_idleness_s"', more="--seconds 1 --picture TMP/plan.png", leaves=("plan.png",)
    ),
    ".venv/bin/patrol team config/sites/depot.geojson --robots 3 --loss 0.9 --alerts-per-h 4 --json": Run(
        prints=r'"without_s"', more="--seconds 1 --minutes 12"
    ),
    ".venv/bin/python -m sim.world_builder": Elsewhere(
        test="tests/sim/test_worlds.py::test_committed_files_are_what_the_builder_writes"
    ),
    ".venv/bin/patrol simulate": Run(prints=NOT_DONE, more=f"{SHORT} --folder TMP/run", code=1, leaves=("run/report.html",)),
    ".venv/bin/patrol simulate sim/scenarios/depot_night_rain.yaml --seed 7 --folder patrols/night-rain": Run(
        prints=NOT_DONE, instead=PATROLS, more=SHORT, code=1, leaves=("night-rain/truth.jsonl", "night-rain/map/map.yaml")
    ),
    ".venv/bin/patrol simulate sim/scenarios/depot_quiet.yaml --map-folder patrols/night-rain/map --folder patrols/again": Run(
        prints=NOT_DONE, instead=PATROLS, more=SHORT, code=1, leaves=("again/report.json",)
    ),
    ".venv/bin/patrol report patrols/20260616-080000-depot --site config/sites/depot.geojson": Run(
        prints=NOT_DONE, instead=(("patrols/20260616-080000-depot", "TMP/night-rain"),), leaves=("night-rain/report.html",)
    ),
    ".venv/bin/patrol rules check config/rules/night_watch.yaml --site config/sites/depot.geojson": Run(
        prints=r"night_watch\.yaml: ok"
    ),
    ".venv/bin/patrol rules test config/rules/night_watch.yaml patrols/night-rain/recording.mcap": Run(
        prints=r"\d+ scenes, 0 alerts", instead=(("patrols/", "TMP/"),)
    ),
    ".venv/bin/patrol rules test config/rules/night_watch.yaml patrols/night-rain/recording.mcap --json": Run(
        prints=r'"raised_on_the_robot_only": \[\]', instead=(("patrols/", "TMP/"),)
    ),
    ".venv/bin/patrol simulate sim/scenarios/depot_glass.yaml --hearing --folder patrols/glass": Run(
        prints=NOT_DONE, instead=PATROLS, more=SHORT, code=1, leaves=("glass/report.html",)
    ),
    ".venv/bin/patrol rules test config/rules/night_watch.yaml patrols/glass/recording.mcap": Elsewhere(
        test="tests/app/test_hearing.py::test_the_recording_gives_the_same_alerts_again"
    ),
    ".venv/bin/python -m benchmarks.sound --trials 4": Understood(source="benchmarks/sound.py"),
    ".venv/bin/python -m benchmarks.scenario_hours --hours 1 --site depot prison": Run(
        prints=r'"false_per_hour_high"', instead=(("--hours 1", "--hours 0.0002"),), more="--minutes 0.02"
    ),
    ".venv/bin/patrol demo --scenario sim/scenarios/depot_night_rain.yaml --laps 1": Elsewhere(
        test="tests/e2e/test_demo.py::test_one_headless_lap"
    ),
    ".venv/bin/patrol replay patrols/20260616-080000-depot/recording.mcap --page": REPLAY,
    ".venv/bin/patrol replay fr079.clf.bz2 --factor 0": REPLAY,
    ".venv/bin/patrol replay pedestrians.mp4": REPLAY,
    ".venv/bin/python benchmarks/depot_lap.py --seeds 3": LAP,
    ".venv/bin/python benchmarks/depot_lap.py --seeds 3 --with-camera": LAP,
    ".venv/bin/python benchmarks/simulator.py": Run(prints=r'"benchmark": "simulator"', more="--seconds 0.2 --runs 1"),
    ".venv/bin/python benchmarks/recorder.py": Run(prints=r'"benchmark": "recorder'),
    ".venv/bin/python benchmarks/slam_relations.py fr079.clf.bz2 fr079.relations --picture map.png": Run(
        prints=r'"benchmark": "slam_relations',
        instead=(("fr079.clf.bz2", "TMP/room.clf"), ("fr079.relations", "TMP/room.relations"), ("map.png", "TMP/map.png")),
        leaves=("map.png",),
    ),
    ".venv/bin/python -m benchmarks.inspection --only package": Understood(source="benchmarks/inspection.py"),
    ".venv/bin/python -m benchmarks.lens_health --limit-s 300": Understood(source="benchmarks/lens_health.py"),
    ".venv/bin/python -m benchmarks.lens_health --limit-s 60 ../shared/data/perception/clips/car-detection.mp4": Understood(
        source="benchmarks/lens_health.py"
    ),
    ".venv/bin/patrol evidence keys evidence-keys": EVIDENCE,
    ".venv/bin/patrol evidence list patrols/20260616-080000-depot": EVIDENCE,
    ".venv/bin/patrol evidence open patrols/20260616-080000-depot 50477c47121bfa3f --share evidence-1-of-2.share --share "
    'evidence-2-of-2.share --by "A. Guard" --with "B. Officer" --because "theft of 16 June" --out original.jpg': EVIDENCE,
    ".venv/bin/patrol fairness run --out fairness --count 600": FAIRNESS,
    ".venv/bin/patrol fairness run site-pictures --detector omz-2003 --out fairness": FAIRNESS,
    ".venv/bin/patrol fairness report fairness/fairness.json --out public": FAIRNESS,
    ".venv/bin/patrol unpredictable config/sites/depot.geojson --attack-s 200": Run(
        prints=r"mode round: no place goes unseen", more="--tick-s 50 --search-starts 1"
    ),
    ".venv/bin/python -m benchmarks.patrol_games": Run(
        prints=r'"benchmark": "patrol_games"', more="--games-only --starts 1 --runs 1000"
    ),
    ".venv/bin/python -m benchmarks.risk_urn": Run(prints=r'"benchmark": "risk_urn"', more="--days 40 --runs 5"),
    ".venv/bin/python -m sim.dataset --out data/pictures --count 200 --seed 1 --worlds depot prison": Run(
        prints="", instead=(("data/", "TMP/"), ("--count 200", "--count 1")), leaves=("pictures/labels.json",)
    ),
    ".venv/bin/python -m sim.dataset --out data/train --count 4400 --seed 11 "
    "--worlds depot drawn prison drawn border drawn drawn": Understood(source="sim/dataset.py"),
    ".venv/bin/python -m sim.dataset --out data/held_out --count 320 --seed 901": Understood(source="sim/dataset.py"),
    "python3 -m venv .venv-train": Run(
        prints="", instead=((".venv-train", "--without-pip TMP/venv"),), leaves=("venv/bin/python3",)
    ),
    ".venv-train/bin/pip install torch==2.13.0 onnx": TRAINS_WITH,
    ".venv/bin/uv pip install --python .venv-train -r requirements.lock": TRAINS_WITH,
    ".venv-train/bin/python -m perception.training.train --train data/train --held-out data/held_out "
    "--out perception/weights/own.onnx --minutes 60 --batch 8": TRAIN,
    ".venv/bin/patrol models pull omz-2003": Elsewhere(test="tests/app/test_track.py::test_models_that_are_here_are_good"),
    ".venv/bin/patrol models list": Elsewhere(
        test="tests/app/test_track.py::test_models_are_listed_checked_and_not_pulled_without_need"
    ),
    ".venv/bin/patrol models check": Elsewhere(
        test="tests/app/test_track.py::test_models_are_listed_checked_and_not_pulled_without_need"
    ),
    ".venv/bin/patrol track pedestrians.mp4 --out tracks.txt": Elsewhere(
        test="tests/app/test_track.py::test_the_frozen_configuration_follows_people_of_a_real_video"
    ),
    ".venv/bin/patrol track pedestrians.mp4 --out tracks.txt --ground camera.yaml": Elsewhere(
        test="tests/app/test_track.py::test_the_frozen_configuration_follows_people_of_a_real_video"
    ),
    ".venv/bin/python -m benchmarks.tracking TUD-Campus TUD-Stadtmitte": Elsewhere(
        test="tests/perception/test_benchmarks.py::test_tracks_of_others_are_scored"
    ),
    ".venv/bin/python -m benchmarks.alarms TUD-Stadtmitte": Elsewhere(
        test="tests/perception/test_benchmarks.py::test_events_of_the_truth_agree_with_themselves"
    ),
    ".venv/bin/python -m benchmarks.drawn_walkers": Elsewhere(
        test="tests/perception/test_benchmarks.py::test_drawn_walkers_are_placed_better_by_paths_than_by_feet"
    ),
    ".venv/bin/python -m benchmarks.low_light TUD-Campus TUD-Stadtmitte": Elsewhere(
        test="tests/perception/test_benchmarks.py::test_heads_and_little_light_are_measured_on_a_real_video"
    ),
    ".venv/bin/python -m benchmarks.anonymise TUD-Campus TUD-Stadtmitte": Elsewhere(
        test="tests/perception/test_benchmarks.py::test_heads_and_little_light_are_measured_on_a_real_video"
    ),
    ".venv/bin/patrol simulate sim/scenarios/depot_air.yaml --rules config/rules/air_watch.yaml": Run(
        prints=NOT_DONE, more=f"{SHORT} --folder TMP/air", code=1
    ),
    ".venv/bin/python -m benchmarks.flying --runs 30": Elsewhere(
        test="tests/perception/test_flying_scenes.py::test_scenes_are_drawn_watched_and_judged"
    ),
    ".venv/bin/python -m benchmarks.thermal clips": Elsewhere(
        test="tests/perception/test_benchmarks.py::test_clips_of_drones_and_birds_are_told_apart"
    ),
    ".venv/bin/python -m scripts.build_ros": Elsewhere(
        test="tests/ros/test_overlay.py::test_the_message_has_the_standard_layout"
    ),
    "colcon build --base-paths . ros_ws/src": Elsewhere(
        test="tests/ros/test_bringup.py::test_packages_are_of_format_3_and_say_how_they_build"
    ),
    ". install/setup.bash": LAUNCH,
    "ros2 launch patrol_bringup simulation.launch.py run_folder:=/tmp/patrol "
    "site:=$PWD/config/sites/depot.geojson mission:=$PWD/config/missions/perimeter.yaml "
    "scenario:=$PWD/sim/scenarios/depot_quiet.yaml autostart:=true": LAUNCH,
}
NAMED = [command for page in PAGES for command in commands(page)]
ELSEWHERE = {line: entry.test for line, entry in TABLE.items() if isinstance(entry, Elsewhere)}
UNDERSTOOD = {line: entry.source for line, entry in TABLE.items() if isinstance(entry, Understood)}
RUNS = {line: entry for line, entry in TABLE.items() if isinstance(entry, Run)}


@pytest.mark.parametrize("command", NAMED, ids=lambda command: f"{command.page}: {command.line}")
def test_every_command_of_a_page_is_in_the_table(command: Command) -> None:
    assert command.line in TABLE, f"{command.page} names a command that no test runs"


def test_every_command_of_the_table_is_on_a_page() -> None:
    assert set(TABLE) - {command.line for command in NAMED} == set()
    assert len(NAMED) >= 25


@pytest.mark.parametrize(("line", "test"), ELSEWHERE.items(), ids=ELSEWHERE)
def test_a_test_that_is_said_to_run_a_command_exists(line: str, test: str) -> None:
    path, _, name = test.partition("::")
    assert (ROOT / path).is_file(), f"{line}: {path} is not there"
    assert name in {node.name for node in tree_of(ROOT / path).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("line", "source"), UNDERSTOOD.items(), ids=UNDERSTOOD)
def test_a_program_knows_the_options_that_a_page_gives_it(line: str, source: str) -> None:
    known = {
        node.args[0].value
        for node in ast.walk(tree_of(ROOT / source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "add_argument"
        and isinstance(node.args[0], ast.Constant)
    }
    given = {word for word in shlex.split(line) if word.startswith("--")}
    assert given
    assert given <= known
    assert source.removesuffix(".py").replace("/", ".") in line


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands write, one after the other, and what they find there: a scan log of a room."""
    folder = tmp_path_factory.mktemp("pages")
    write_room_log(folder / "room.clf", scans=12)
    (folder / "room.relations").write_text("0.0 1.0 1.0 0 0 0 0 0\n", "ascii")
    return folder


@pytest.mark.parametrize(("line", "entry"), RUNS.items(), ids=RUNS)
def test_a_command_does_what_its_page_says(folder: Path, line: str, entry: Run) -> None:
    typed = f"{line} {entry.more}"
    for given, other in entry.instead:
        assert given in typed
        typed = typed.replace(given, other)
    words = shlex.split(typed.replace("TMP", str(folder)).replace(".venv/bin/", f"{Path(sys.executable).parent}/"))
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=BOUND_S, check=False)
    assert done.returncode == entry.code, done.stdout[-2000:] + done.stderr[-4000:]
    assert re.search(entry.prints, done.stdout), done.stdout[-2000:]
    assert [name for name in entry.leaves if not (folder / name).is_file()] == []


def test_the_lap_benchmark_tells_its_figures(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The same program with its arguments, but a lap is given up after a second."""

    def short(**given: Any) -> LockstepPlan:
        return replace(LockstepPlan(**given), limit_s=1.0)

    monkeypatch.setattr(depot_lap, "LockstepPlan", short)
    monkeypatch.setattr("sys.argv", ["depot_lap.py", "--seeds", "1", "--with-camera"])
    with pytest.warns(RuntimeWarning, match="empty|invalid"):
        depot_lap.main()
    told = capsys.readouterr().out.splitlines()[-1]
    assert '"benchmark": "depot_lap"' in told
    assert '"laps": 1' in told


def test_make_test_would_run_the_tests() -> None:
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    dry = subprocess.run(
        ["make", "-n", "test"], cwd=ROOT, env=outside, capture_output=True, text=True, timeout=30, check=True
    ).stdout
    setup, *script = dry.splitlines()
    quick, processes = (line for line in script if ".venv/bin/python" in line)
    assert setup == "scripts/setup.sh --with-test-tools"
    assert quick.split()[:3] == [".venv/bin/python", "-m", "pytest"]
    assert processes.split()[:3] == [".venv/bin/python", "-m", "scripts.live_tests"]
    apart = re.search(r'-m "([^"]*)"', quick)
    assert apart is not None
    assert apart[1].replace("not ", "").replace(" and ", " or ") == LIVE, "together the two runs take every test"


def test_the_lock_that_training_installs_is_there() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert "numpy==" in lock
    assert not re.search(r"^(torch|onnx)==", lock, re.MULTILINE), "the page installs these two besides the lock"
    installs = [line for line in TABLE if "pip install" in line and "requirements.lock" in line]
    assert "--hash=" in lock
    assert [line.split("install ")[1] for line in installs] == ["--python .venv-train -r requirements.lock"], (
        "by uv: it knows its own lock"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        leads_to = (page.parent / path).resolve() if path else page
        assert leads_to.is_file(), f"{page.name}: {target}"
        assert leads_to.is_relative_to(ROOT)
        assert not anchor or anchor in anchors(leads_to), f"{page.name}: {target}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        found = {(page.parent / target.partition("#")[0]).resolve() for target in links(page)}
        waiting += [path for path in found if path.suffix == ".md" and path not in reached]
    assert set(PAGES) <= reached


def test_architecture_links_every_page() -> None:
    page = ROOT / "docs" / "architecture.md"
    linked = {(page.parent / target.partition("#")[0]).resolve() for target in links(page)}
    assert {other for other in PAGES if other.parent == page.parent} - linked == {page}


def test_the_page_on_ros_names_every_topic_message_and_process() -> None:
    text = (ROOT / "docs" / "ros.md").read_text("utf-8")
    named = {word for words in re.findall(r"`([^`]*)`", text) for word in words.split()}
    interfaces = (ROOT / "ros_ws" / "src" / "patrol_msgs").glob("*/*.*")
    wanted = {topic.name for topic in TOPICS} | {row.name for row in PROCESSES} | {path.stem for path in interfaces}
    assert wanted - named == set()


def test_the_readme_is_one_screen() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 45


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_shell_commands_stand_in_sh_fences(page: Path) -> None:
    for language, text in fences(page):
        assert language == "sh" or not re.search(r"^(\.venv/bin/|python |npm |make |patrol )", text, re.MULTILINE), text
        if language == "python":
            ast.parse(text if "await" not in text else re.sub(r"\bawait ", "", text))


def test_the_scenario_of_the_page_is_one() -> None:
    page = ROOT / "docs" / "simulation.md"
    (text,) = (text for language, text in fences(page) if language == "yaml")
    scenario = validate_config(Scenario, yaml.safe_load(text), source=page)
    assert [actor.kind for actor in scenario.actors] == ["loiterer"]
    assert (ROOT / "sim" / "scenarios" / scenario.site).resolve().is_file()
    assert (ROOT / "sim" / "scenarios" / scenario.world).resolve().is_file()


def test_the_site_of_the_page_is_one(tmp_path: Path) -> None:
    (text,) = (text for language, text in fences(ROOT / "docs" / "sites.md") if language == "json")
    path = tmp_path / "yard.geojson"
    path.write_text(text, "utf-8")
    assert check_site(path) == ()
