# SPDX-License-Identifier: Apache-2.0
"""``patrol risk``: what weighs more on a site, who said so, why and until when. Every change is signed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from app.commands.numbers import finite
from app.paths import SITES, STATE
from app.risk_keys import signer_from, verifier_from
from mission.risk.book import append_changes, read_register
from mission.risk.register import Register
from mission.risk.signals import Source, SubjectKind, read_report
from patrol.clock import NS_PER_S
from patrol.errors import BadInput, Fault
from patrol.site_file import read_site

cli = typer.Typer(no_args_is_help=True)
console = Console(soft_wrap=True, highlight=False, emoji=False)
LONGEST_DAYS = 90.0
_DAY_NS = 86_400 * NS_PER_S
RegisterPath = Annotated[Path, typer.Argument(help="The register, such as config/missions/depot/depot.risk.jsonl.")]
KeyPath = Annotated[Path, typer.Option("--key", help="Private key that signs; made where there is none.")]
By = Annotated[str, typer.Option(help="Who changes it: a role, not a name.")]
Because = Annotated[str, typer.Option(help="Why.")]
KEY = STATE / "risk.key"


@cli.callback()
def risk() -> None:
    """Weights of places and things: where a patrol looks more often."""


@cli.command()
def add(
    register: RegisterPath,
    *,
    report_id: Annotated[str, typer.Option(help="Id of the report; the same id replaces.")],
    kind: Annotated[SubjectKind, typer.Option(help="What kind of place or thing.")],
    subject: Annotated[str, typer.Option(help="Its id on the site.")],
    source: Annotated[Source, typer.Option(help="Where the report comes from.")],
    strength: Annotated[float, typer.Option(callback=finite, min=0.0, max=100.0, help="What it adds to a weight of 1.")],
    days: Annotated[float, typer.Option(callback=finite, min=0.01, max=LONGEST_DAYS, help="For how long.")] = 7.0,
    by: By,
    because: Because,
    site: Annotated[Path, typer.Option(help="Site file.")] = SITES / "depot.geojson",
    assets: Annotated[str, typer.Option(help="Listed assets, parted by commas.")] = "",
    key: KeyPath = KEY,
) -> None:
    """Add a report, or replace one, and sign that."""
    now_ns = time.time_ns()
    data = {
        "report_id": report_id,
        "subject": {"kind": kind.value, "subject_id": subject},
        "source": source.value,
        "strength": strength,
        "stamp_ns": now_ns,
        "expires_ns": now_ns + round(days * _DAY_NS),
    }
    listed = frozenset(name.strip() for name in assets.split(",") if name.strip())
    _check_words(by, because)
    longest_ns = round(LONGEST_DAYS * _DAY_NS)
    report = read_report(
        data, site=read_site(site), assets=listed, now_ns=now_ns, longest_ns=longest_ns, source="the command line"
    )
    before, sign = _good(register), signer_from(key, register)
    after = before.expired(now_ns, sign=sign).added(report, by=by, because=because, sign=sign)
    append_changes(register, before, after)
    _tell(after, before)


@cli.command()
def withdraw(
    register: RegisterPath,
    report_id: Annotated[str, typer.Argument(help="Id of a report that is in force.")],
    *,
    by: By,
    because: Because,
    key: KeyPath = KEY,
) -> None:
    """Withdraw a report before its time, and sign that."""
    now_ns = time.time_ns()
    _check_words(by, because)
    before = _good(_there(register))
    sign = signer_from(key, register)
    after = before.withdrawn(report_id, now_ns, by=by, because=because, sign=sign)
    append_changes(register, before, after)
    _tell(after, before)


@cli.command()
def show(register: RegisterPath) -> None:
    """Check every signature, and show every change and what is in force now."""
    found = _good(_there(register))
    for change, line in zip(found.changes, found.lines(), strict=True):
        console.print(f"{datetime.fromtimestamp(change.stamp_ns / NS_PER_S, UTC):%Y-%m-%d %H:%M} {escape(line)}")
    console.print(f"[green]{len(found.changes)} change(s), every signature is good.[/green] In force now:")
    for subject, weight in sorted(found.weights(time.time_ns()).items(), key=lambda pair: (pair[0].kind, pair[0].subject_id)):
        console.print(f"  {subject.kind} {escape(subject.subject_id)}: {weight:g}")


def _check_words(by: str, because: str) -> None:
    """A signed change says who and why. Raises BadInput."""
    said = {"--by": by, "--because": because}
    faults = [Fault(field=option, value=text, because="says nothing") for option, text in said.items() if not text.strip()]
    if faults:
        raise BadInput("the command line", faults)


def _there(path: Path) -> Path:
    """A register that must be there already: a wrong path is not an empty register."""
    if not path.is_file():
        raise BadInput(path, [Fault(field="register", value=str(path), because="is no file; 'patrol risk add' begins one")])
    return path


def _good(path: Path) -> Register:
    """The register, every change of it as it was signed. Raises BadInput and RegisterBroken."""
    found = read_register(path)
    if found.changes:
        found.verify(verifier_from(path))
    return found


def _tell(after: Register, before: Register) -> None:
    for line in after.lines()[len(before.changes) :]:
        console.print(escape(line))
