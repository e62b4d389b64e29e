# SPDX-License-Identifier: Apache-2.0
"""A report in a few lines, for the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from evidence.report import HTML_FILE
from evidence.summary import ReportSummary
from patrol.config import read_yaml, validate_config


def print_report(console: Console, report_json: Path) -> None:
    """Say what the report at ``report_json`` says. Raises BadInput when it is not one."""
    summary = validate_config(ReportSummary, read_yaml(report_json), source=report_json)
    ended = f"[yellow]{escape(summary.ended_because)}[/yellow]" if summary.ended_because else "[green]Done.[/green]"
    console.print(
        f"{ended} {summary.laps_completed} of {summary.laps_planned} lap(s), "
        f"{summary.distance_m:.0f} m in {summary.duration_s:.0f} s; waypoints: {summary.waypoints_reached} reached, "
        f"{summary.waypoints_missed} missed, {summary.waypoints_pre_empted} pre-empted."
    )
    for alert in summary.alerts:
        console.print(f"[red]Alert:[/red] {escape(alert.sentence)}")
    console.print(f"Report: {report_json.with_name(HTML_FILE)}")
