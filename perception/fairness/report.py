# SPDX-License-Identifier: Apache-2.0
"""The report on fairness: ``fairness.json`` for programs, ``fairness.html`` for the public; one file that asks for no other."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from patrol.config import Config, read_json, validate_config
from patrol.errors import BadInput, Fault
from perception.fairness.gaps import AttributeGap, FairnessConfig, Verdict, gaps, interval
from perception.fairness.trials import Answers

JSON_FILE, HTML_FILE = "fairness.json", "fairness.html"


class FairnessReport(Config):
    """What was asked of which detector, and what came out. Rates are 0 to 1."""

    detector: str
    score_min: float
    data: str
    software: str
    pictures: int
    people: int
    recall: float
    recall_low: float
    recall_high: float
    pictures_with_false_alarms: float
    config: FairnessConfig
    found: tuple[AttributeGap, ...]
    false_alarms: tuple[AttributeGap, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of all attributes; nothing to compare shows nothing."""
        verdicts = {gap.verdict for gap in (*self.found, *self.false_alarms)} or {"not shown"}
        return next(verdict for verdict in ("fails", "not shown", "holds") if verdict in verdicts)


def judge(
    answers: Answers, config: FairnessConfig, *, detector: str, score_min: float, data: str, software: str
) -> FairnessReport:
    """Put the answers together. Raises BadInput when nobody was asked for."""
    people, pictures = len(answers.found), len(answers.false_alarms)
    if not people:
        raise BadInput(data, [Fault(field="people", value=0, because="there is nobody in the pictures who counts")])
    recall = sum(trial.happened for trial in answers.found) / people
    low, high = interval(recall, float(len({trial.cluster for trial in answers.found})), config.confidence)
    return FairnessReport(
        detector=detector,
        score_min=score_min,
        data=data,
        software=software,
        pictures=pictures,
        people=people,
        recall=recall,
        recall_low=low,
        recall_high=high,
        pictures_with_false_alarms=sum(trial.happened for trial in answers.false_alarms) / pictures,
        config=config,
        found=gaps(answers.found, config),
        false_alarms=gaps(answers.false_alarms, config),
    )


def write_report(report: FairnessReport, folder: Path) -> tuple[Path, Path]:
    """Both files in ``folder``; returns their paths. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    data, page = folder / JSON_FILE, folder / HTML_FILE
    data.write_text(report.model_dump_json(indent=2) + "\n", "utf-8")
    page.write_text(page_of(report), "utf-8")
    return data, page


def read_report(path: Path) -> FairnessReport:
    """Read ``fairness.json``. Raises BadInput."""
    return validate_config(FairnessReport, read_json(path), source=path)


def page_of(report: FairnessReport) -> str:
    """The page as HTML."""
    environment = Environment(
        loader=PackageLoader("perception.fairness"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "points": _points, "chance": _chance}
    return environment.get_template("fairness.html.j2").render(report=report)


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f} %"


def _points(share: float | None) -> str:
    return "not judged" if share is None else f"{100.0 * share:.1f}"


def _chance(p_value: float | None) -> str:
    if p_value is None:
        return "not judged"
    return "under 0.001" if p_value < 0.001 else f"{p_value:.3f}"
