# SPDX-License-Identifier: Apache-2.0
"""A report in a few lines, for the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from evidence.report import HTML_FILE
from evidence.summary import GuaranteeSummary, ReportSummary
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
    if summary.guarantee is not None:
        console.print(_guarantee(summary.guarantee))
    for alert in summary.alerts:
        console.print(f"[red]Alert:[/red] {escape(alert.sentence)}")
    console.print(f"Report: {escape(str(report_json.with_name(HTML_FILE)))}")


def _guarantee(told: GuaranteeSummary) -> str:
    promised = f"Promised: no place unseen for longer than {told.worst_idleness_s:.0f} s"
    if told.capture_probability is not None:
        promised += f", an attack of {told.attack_s:.0f} s caught with a chance of {told.capture_probability:.3f} or more"
    if told.measured_worst_s is None:
        return f"{promised}. No place was visited twice, so nothing was measured."
    word = "[green]kept[/green]" if told.kept else "[yellow]not kept[/yellow]"
    return (
        f"{promised}; {word}: {told.measured_worst_s:.0f} s at {escape(told.measured_at)}, {told.measured_ratio:.2f} of the plan."
    )
