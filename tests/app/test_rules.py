# SPDX-License-Identifier: Apache-2.0
"""``patrol rules``: files are checked field by field, and a recording gives the alerts that the run gave."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.lockstep import LockstepPlan, LockstepResult, run_lockstep
from app.paths import ROOT
from evidence.recorder import RECORDING_FILE
from patrol.errors import BadInput
from patrol.site_file import read_site
from perception.rulebook.book import book_for, default_book, read_book
from perception.rulebook.config import CrossingRule, CrowdRule
from tests.app.command import DEPOT, PERIMETER, QUIET, Patrol, written
from tests.app.test_lockstep import SeesOne
from tests.house.documents import fences

NIGHT = ROOT / "config" / "rules" / "night_watch.yaml"
PRISON = ROOT / "config" / "sites" / "prison.geojson"
ANYONE = """
rules:
  - name: anyone
    kind: presence
    labels: [person]
    limits: {dwell_s: {at_least: 0.3}}
"""


@dataclass(frozen=True)
class Drive:
    folder: Path
    rules: Path
    result: LockstepResult


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Drive:
    """Three seconds of a patrol in which somebody is seen, under a rule that tells of anyone."""
    folder = tmp_path_factory.mktemp("rules")
    rules = written(folder / "anyone.yaml", ANYONE)
    sensors = frozenset({"scan", "odom", "battery", "camera"})
    plan = LockstepPlan(scenario=QUIET, mission=PERIMETER, folder=folder / "p", limit_s=2.5, sensors=sensors, rules=rules)
    return Drive(plan.folder, rules, run_lockstep(plan, detector=SeesOne()))


def test_a_recording_gives_the_alerts_of_the_run_with_their_ids(drive: Drive, patrol: Patrol) -> None:
    said = patrol("rules", "test", drive.rules, drive.folder / RECORDING_FILE, "--json")
    told = json.loads(said.out)
    assert said.code == 0
    assert [alert["alert_id"] for alert in told["alerts"]] == [alert.alert_id for alert in drive.result.alerts]
    assert [alert["nearest_change"] for alert in told["alerts"]] == [a.reason.nearest_change for a in drive.result.alerts]
    assert "anyone" in {alert["rule"] for alert in told["alerts"]}
    assert told["raised_on_the_robot_only"] == []
    assert told["scenes"] >= 20


def test_other_rules_say_what_would_have_been(drive: Drive, patrol: Patrol) -> None:
    silent = written(drive.folder.parent / "silent.yaml", "inherit: false\n" + ANYONE.replace("0.3", "99.0"))
    said = patrol("rules", "test", silent, drive.folder / RECORDING_FILE, "--site", DEPOT)
    assert said.code == 0
    assert "0 alerts" in said.out
    shown = patrol("rules", "test", drive.rules, drive.folder / RECORDING_FILE)
    assert drive.result.alerts[0].alert_id in shown.out
    assert "It would have stayed silent if" in shown.out


def test_a_recording_that_was_cut_short_is_judged_as_far_as_it_goes(drive: Drive, patrol: Patrol, tmp_path: Path) -> None:
    whole = (drive.folder / RECORDING_FILE).read_bytes()
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(whole[: len(whole) // 2])
    said = patrol("rules", "test", drive.rules, cut, "--site", DEPOT)
    assert said.code in (0, 2)
    assert ("scenes" in said.out) if said.code == 0 else ("holds no tracks" in said.err)


def test_what_is_no_recording_is_refused(patrol: Patrol, tmp_path: Path) -> None:
    said = patrol("rules", "test", NIGHT, written(tmp_path / "no.mcap", "no"), "--site", DEPOT)
    assert said.code == 2
    assert "is not an MCAP recording" in said.err


def test_a_good_file_is_listed_with_the_rules_that_hold(patrol: Patrol) -> None:
    said = patrol("rules", "check", NIGHT, "--site", DEPOT)
    assert said.code == 0
    assert "night_watch.yaml: ok" in said.out
    assert "hanging about at night" in said.out
    assert "tailgating (off)" in said.out


@pytest.mark.parametrize(("text", "field", "value"), [
    ("rules: 3", "rules", "3"),
    ("ruels: []", "ruels", "[]"),
    ("rules: [{kind: presence}]", "rules.0.name", "is needed"),
    ("rules: [{name: a, kind: mood}]", "rules[a]", "mood"),
    ("rules: [{name: crowd, limits: {count: {at_least: many}}}]", "rules[crowd].limits.count.at_least", "many"),
    ("rules: [{name: crowd, limits: {warmth: {at_least: 1}}}]", "rules[crowd].limits", "warmth"),
    ("rules: [{name: crowd, limits: {count: {}}}]", "rules[crowd].limits.count", "at_least"),
    ("rules: [{name: running, labels: [ghost]}]", "rules[running].labels.0", "ghost"),
    ("rules: [{name: running, where: {zones: [moon]}}]", "rules[running].where.zones", "moon"),
    ("rules: [{name: tailgating, gates: [back]}]", "rules[tailgating].gates", "back"),
    ("rules: [{name: fence climbed, direction: left}]", "rules[fence climbed]", "in, out"),
    ("rules: [{name: crowd}, {name: crowd}]", "rules.1.name", "crowd"),
    ("inherit: perhaps", "inherit", "perhaps"),
    ("rules: [", "line 1", "rules: ["),
])  # fmt: skip
def test_every_fault_is_named_by_file_field_and_value(patrol: Patrol, tmp_path: Path, text: str, field: str, value: str) -> None:
    said = patrol("rules", "check", written(tmp_path / "bad.yaml", text), "--site", DEPOT)
    assert said.code == 2
    for word in ("bad.yaml", field, value):
        assert word in said.err


def test_a_site_s_own_file_beside_it_holds_unless_another_is_named() -> None:
    prison = read_site(PRISON)
    beside = {rule.name: rule for rule in book_for(PRISON, None, prison).rules}
    crowd = beside["crowd"]
    assert isinstance(crowd, CrowdRule)
    assert crowd.limits["count"].at_least == 8
    assert crowd.where.zones == ("yard", "corridor_a")
    assert len(beside) == len(default_book().rules)
    assert book_for(DEPOT, None, read_site(DEPOT)) == default_book()
    assert book_for(PRISON, NIGHT, prison) == read_book(NIGHT)
    assert isinstance(beside["fence climbed"], CrossingRule)


def test_a_limit_of_null_is_taken_away(tmp_path: Path) -> None:
    path = written(tmp_path / "r.yaml", "rules: [{name: person in restricted zone, limits: {cold_s: null}}]")
    first = read_book(path).rules[0]
    assert "cold_s" not in first.limits
    assert "cold_s" in default_book().rules[0].limits
    with pytest.raises(BadInput, match="can not be read"):
        read_book(tmp_path / "none.yaml")


def test_the_file_of_the_page_is_one(tmp_path: Path) -> None:
    (text,) = (text for language, text in fences(ROOT / "docs" / "rules.md") if language == "yaml")
    book = read_book(written(tmp_path / "page.yaml", text), read_site(DEPOT))
    rules = {rule.name: rule for rule in book.rules}
    assert rules["hanging about at night"].when.light == "night"
    assert not rules["tailgating"].enabled
    assert set(rules["person in restricted zone"].limits) == {"inside_probability", "dwell_s", "hits", "score"}


def test_the_page_lists_the_default_rules_and_every_measure() -> None:
    text = (ROOT / "docs" / "rules.md").read_text("utf-8")
    for rule in default_book().rules:
        assert rule.name in text, rule.name
        assert all(f"`{measure}`" in text for measure in type(rule).measures), rule.kind
