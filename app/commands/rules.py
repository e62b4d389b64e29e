# SPDX-License-Identifier: Apache-2.0
"""``patrol rules``: rule files, checked and tried on recordings."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app.rules import Verdict, judge, site_of
from patrol.clock import NS_PER_S
from patrol.percepts import Alert
from patrol.site_file import read_site
from perception.rulebook.book import read_book
from perception.rulebook.config import AnyRule, RuleBook

cli = typer.Typer(help="Rules that raise alerts.", no_args_is_help=True)
console = Console(soft_wrap=True, highlight=False, emoji=False, markup=False)
File = Annotated[Path, typer.Argument(help="Rule file: what a site changes of the default rules.")]
SiteFile = Annotated[Path | None, typer.Option(help="Site file; default: the one that the recording carries.")]


@cli.command("check")
def check(
    file: File,
    *,
    site: Annotated[Path | None, typer.Option(help="Site file, so that zones and gates can be looked up.")] = None,
) -> None:
    """Say what is wrong with a rule file, field by field, or list the rules that hold with it."""
    book = read_book(file, None if site is None else read_site(site))
    console.print(_rules_table(book, f"{file}: ok"))


@cli.command("test")
def try_on(
    file: File,
    recording: Annotated[Path, typer.Argument(help="An MCAP recording of Patrol.")],
    *,
    site: SiteFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Say which alerts the rules would have raised in a recording. The same tracks give the same alert ids as on the robot."""
    with tempfile.TemporaryDirectory() as folder:
        there = site_of(recording, Path(folder)) if site is None else read_site(site)
    verdict = judge(recording, there, read_book(file, there))
    if as_json:
        console.print_json(json.dumps(_as_json(verdict)))
        return
    console.print(_alerts_table(verdict, f"{recording}: {verdict.scenes} scenes, {len(verdict.alerts)} alerts"))
    for alert in verdict.alerts:
        console.print(f"{alert.alert_id} {alert.reason.sentence}\n  It would have stayed silent if {alert.reason.nearest_change}")


def _rules_table(book: RuleBook, title: str) -> Table:
    table = Table("rule", "kind", "about", "where", "limits", "severity", title=title, title_justify="left")
    table.columns[0].no_wrap = True
    for rule in book.rules:
        name = rule.name if rule.enabled else f"{rule.name} (off)"
        limits = ", ".join(f"{measure} {limit}" for measure, limit in rule.limits.items())
        table.add_row(name, rule.kind, ", ".join(rule.labels), _where(rule), limits, rule.severity)
    return table


def _where(rule: AnyRule) -> str:
    named = [*rule.where.purposes, *rule.where.zones]
    return ", ".join(named) or "everywhere"


def _alerts_table(verdict: Verdict, title: str) -> Table:
    table = Table("at (UTC)", "alert", "incident", "rule", "place", "track", "on the robot", title=title, title_justify="left")
    table.columns[1].no_wrap = True
    for alert in verdict.alerts:
        at = f"{datetime.fromtimestamp(alert.stamp_ns / NS_PER_S, UTC):%H:%M:%S.%f}"[:-5]
        track = f"{alert.label} {alert.track_id}"
        raised = "raised" if alert.alert_id in verdict.told else "not raised"
        table.add_row(at, alert.alert_id, alert.incident_id, alert.reason.rule, alert.zone_id, track, raised)
    return table


def _as_json(verdict: Verdict) -> dict[str, Any]:
    alerts = [_alert_json(alert, raised=alert.alert_id in verdict.told) for alert in verdict.alerts]
    missing = [alert_id for alert_id in verdict.told if alert_id not in {alert.alert_id for alert in verdict.alerts}]
    return {
        "scenes": verdict.scenes,
        "first_ns": verdict.first_ns,
        "last_ns": verdict.last_ns,
        "alerts": alerts,
        "raised_on_the_robot_only": missing,
    }


def _alert_json(alert: Alert, *, raised: bool) -> dict[str, Any]:
    return {
        "alert_id": alert.alert_id,
        "incident_id": alert.incident_id,
        "stamp_ns": alert.stamp_ns,
        "rule": alert.reason.rule,
        "severity": alert.severity,
        "place": alert.zone_id,
        "track_id": alert.track_id,
        "label": alert.label.value,
        "position_m": alert.ground.position_m.tolist(),
        "position_uncertain": alert.position_uncertain,
        "sentence": alert.reason.sentence,
        "thresholds": [
            {"name": test.name, "measured": test.measured, "limit": test.limit, "holds_when": test.holds_when}
            for test in alert.reason.thresholds
        ],
        "nearest_change": alert.reason.nearest_change,
        "raised_on_the_robot": raised,
    }
