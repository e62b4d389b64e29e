# SPDX-License-Identifier: Apache-2.0
"""Write the tables of ``docs/supervision.md`` from the code: ``python -m scripts.supervision_page``."""

from __future__ import annotations

from pathlib import Path

from mission.machine import TABLE, Trigger
from mission.supervisor_rules import RULES, Level, Rule
from patrol.operations import Mode

PAGE = Path(__file__).parents[1] / "docs" / "supervision.md"
_BEGIN, _END = "<!-- {name}: made from the code -->", "<!-- {name}: end -->"


def facts_table() -> str:
    """One row a fact."""
    head = "| fact | on patrol | docking | by hand | counts after | gone for | what the operator reads |\n"
    return head + "|---|---|---|---|---|---|---|\n" + "\n".join(_fact_row(rule) for rule in RULES)


def modes_table() -> str:
    """One row a mode: what leads where."""
    rows = []
    for mode in Mode:
        ways: dict[str, list[str]] = {}
        for (origin, trigger), target in TABLE.items():
            if origin is mode:
                ways.setdefault(_target(target), []).append(_words(trigger))
        led = "; ".join(f"{', '.join(names)} → {target}" for target, names in ways.items())
        rows.append(f"| {mode.value} | {led} |")
    return "| mode | leads on |\n|---|---|\n" + "\n".join(rows)


def with_tables(page: str) -> str:
    """The page with both tables as the code has them."""
    for name, table in (("facts", facts_table()), ("modes", modes_table())):
        begin, end = _BEGIN.format(name=name), _END.format(name=name)
        before, rest = page.split(begin)
        page = f"{before}{begin}\n{table}\n{end}{rest.split(end)[1]}"
    return page


def _fact_row(rule: Rule) -> str:
    patrol = _level(rule.patrol)
    if rule.worsens_s is not None:
        patrol += f", dock after {rule.worsens_s:g} s"
    cells = (
        rule.fact.value,
        patrol,
        _level(rule.dock),
        _level(rule.teleop),
        f"{rule.raise_s:g} s",
        f"{rule.clear_s:g} s",
        rule.sentence,
    )
    return f"| {' | '.join(cells)} |"


def _level(level: Level) -> str:
    return {Level.ESTOP: "e-stop", Level.STOP: "**stop**", Level.HOLD: "**hold**", Level.FINISH: "finish the leg"}.get(
        level, level.name.lower()
    )


def _target(target: Mode | str) -> str:
    return target.value if isinstance(target, Mode) else "what was interrupted"


def _words(trigger: Trigger) -> str:
    return trigger.value.replace("_", " ")


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")
