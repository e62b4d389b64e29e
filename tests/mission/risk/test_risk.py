# SPDX-License-Identifier: Apache-2.0
"""Weights of places: what may feed them, what may not, how far they reach, and that each change can be shown and checked."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from benchmarks.risk_urn import learn
from mission.risk.effort import EffortConfig, visit_shares
from mission.risk.learning import Findings
from mission.risk.register import BASE_WEIGHT, Change, Register, RegisterBroken
from mission.risk.signals import Find, Report, Source, Subject, SubjectKind, read_report, subjects
from patrol.errors import BadInput, BadValue
from patrol.site import Site
from patrol.site_file import read_site
from tests.house.files import ROOT

KEY = b"k" * 32
HOUR_NS = 3_600 * 10**9
NOW_NS = 1_000 * HOUR_NS


def sign(data: bytes) -> bytes:
    return hmac.new(KEY, data, hashlib.sha256).digest()


def good(data: bytes, signature: bytes) -> bool:
    return hmac.compare_digest(sign(data), signature)


@pytest.fixture(scope="module")
def site() -> Site:
    return read_site(Path(ROOT / "config" / "sites" / "depot.geojson"))


def written(site: Site, **other: Any) -> dict[str, Any]:
    return {
        "report_id": "r1",
        "subject": {"kind": "zone", "subject_id": site.zones[0].zone_id},
        "source": "fence_alarm",
        "strength": 2.0,
        "stamp_ns": NOW_NS,
        "expires_ns": NOW_NS + HOUR_NS,
        **other,
    }


def read(site: Site, data: dict[str, Any]) -> Report:
    return read_report(data, site=site, assets=frozenset({"pump-1"}), now_ns=NOW_NS, longest_ns=48 * HOUR_NS, source="report")


def report(name: str, strength: float, *, expires_ns: int = NOW_NS + HOUR_NS, subject: str = "yard") -> Report:
    return Report(
        report_id=name,
        subject=Subject(kind=SubjectKind.ZONE, subject_id=subject),
        source=Source.FIXED_SENSOR,
        strength=strength,
        stamp_ns=NOW_NS,
        expires_ns=expires_ns,
    )


def test_a_report_on_a_place_or_a_thing_is_read(site: Site) -> None:
    assert read(site, written(site)).subject.kind is SubjectKind.ZONE
    assert read(site, written(site, subject={"kind": "asset", "subject_id": "pump-1"})).strength == 2.0
    assert len(subjects(site, frozenset({"pump-1"}))) > len(site.zones)


@pytest.mark.parametrize("field", ["person", "person_id", "face", "plate", "name", "track_id", "nationality"])
def test_no_report_can_speak_of_a_person(site: Site, field: str) -> None:
    with pytest.raises(BadInput, match=field):
        read(site, written(site, **{field: "somebody"}))
    with pytest.raises(BadInput, match=field):
        read(site, written(site, subject={"kind": "zone", "subject_id": site.zones[0].zone_id, field: "somebody"}))
    for model in (Report, Subject, Find):
        assert field not in model.model_fields


def test_a_weight_can_not_be_smuggled_onto_a_person(site: Site) -> None:
    with pytest.raises(BadInput, match=r"subject\.kind"):
        read(site, written(site, subject={"kind": "person", "subject_id": "somebody"}))
    with pytest.raises(BadInput, match="is no place or thing of this site"):
        read(site, written(site, subject={"kind": "asset", "subject_id": "inmate-17"}))


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"source": "patrol"}, "source"),
        ({"source": "alert"}, "source"),
        ({"expires_ns": NOW_NS}, "must lie ahead"),
        ({"expires_ns": NOW_NS + 49 * HOUR_NS}, "not too far"),
        ({"stamp_ns": NOW_NS + 1}, "in the future"),
        ({"strength": -1.0}, "strength"),
        ({"strength": float("nan")}, "strength"),
    ],
)
def test_reports_that_depend_on_presence_or_never_end_are_refused(site: Site, change: dict[str, Any], because: str) -> None:
    with pytest.raises(BadInput, match=because):
        read(site, written(site, **change))


def test_what_the_patrol_finds_is_counted_by_visit() -> None:
    often, seldom = Findings.none(2), Findings.none(2)
    for _ in range(200):
        often = often.after_day(np.array([9.0, 1.0]), np.array([4.5, 0.5]))
        seldom = seldom.after_day(np.array([1.0, 9.0]), np.array([0.5, 4.5]))
    assert often.shares() == pytest.approx([0.5, 0.5], abs=0.01)
    assert seldom.shares() == pytest.approx([0.5, 0.5], abs=0.01)
    with pytest.raises(BadValue, match="where nobody went"):
        often.after_day(np.array([1.0, 0.0]), np.array([0.0, 1.0]))


def test_what_was_found_fades() -> None:
    findings = Findings.none(2, memory_days=10.0).after_day(np.array([100.0, 100.0]), np.array([90.0, 10.0]))
    for _ in range(10):
        findings = findings.after_day(np.zeros(2), np.zeros(2))
    assert findings.visits == pytest.approx([50.0, 50.0])
    assert findings.found == pytest.approx([45.0, 5.0])
    with pytest.raises(ValidationError):
        Find(subject=Subject(kind=SubjectKind.ZONE, subject_id="yard"), visits=0, found=1, stamp_ns=0)


def test_urn_the_learned_share_stays_near_the_truth() -> None:
    """Two sites at once, 200 runs each; visits are planned anew every week."""
    truths = np.repeat([[0.3, 0.2], [0.5, 0.05]], 200, axis=0)
    near = learn(truths, days=20_000, seed=5, replan_days=7).near
    assert near[:200].mean() >= 0.95
    assert near[200:].mean() >= 0.95


def test_urn_without_the_correction_it_does_not() -> None:
    result = learn(np.tile([0.3, 0.2], (200, 1)), days=20_000, seed=5, corrected=False, replan_days=7)
    assert result.near.mean() < 0.2
    assert result.shares[:, 0].mean() > 0.6 + 0.02, "the place with more is believed to have more still"


def test_urn_without_any_limit_it_runs_away() -> None:
    result = learn(np.tile([0.3, 0.2], (200, 1)), days=6000, seed=5, corrected=False, limited=False)
    assert result.shares[:, 0].mean() > 0.8
    assert result.near.mean() < 0.2


@settings(max_examples=150, deadline=None)
@given(
    weights=st.lists(st.floats(0.0, 1e6), min_size=1, max_size=12).filter(lambda each: sum(each) > 1e-6),
    uniform=st.floats(0.1, 1.0),
    floor=st.floats(0.1, 1.0),
    cap=st.floats(1.0, 20.0),
)
def test_no_place_is_forgotten_and_none_is_hunted(weights: list[float], uniform: float, floor: float, cap: float) -> None:
    config = EffortConfig(uniform=min(uniform, floor), floor=floor, cap=cap)
    shares = visit_shares(np.array(weights), config)
    even = 1.0 / len(weights)
    assert shares.sum() == pytest.approx(1.0)
    assert shares.min() >= floor * even - 1e-9
    assert shares.min() >= config.uniform * even - 1e-9
    assert shares.max() <= cap * shares.min() * (1.0 + 1e-9)
    order = np.argsort(weights)
    assert np.all(np.diff(shares[order]) >= -1e-9)


def test_between_the_limits_shares_are_proportional() -> None:
    shares = visit_shares(np.array([1.0, 2.0, 1.5]), EffortConfig(uniform=0.1, floor=0.1, cap=50.0))
    assert (shares - 0.1 / 3) / 0.9 == pytest.approx(np.array([1.0, 2.0, 1.5]) / 4.5)
    many = visit_shares(np.array([[1.0, 2.0], [3.0, 1.0]]), EffortConfig())
    assert many[0] == pytest.approx(visit_shares(np.array([1.0, 2.0]), EffortConfig()))


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, -1.0], [1.0, float("nan")]])
def test_weights_that_make_no_sense_are_refused(weights: list[float]) -> None:
    with pytest.raises(BadValue, match="weights"):
        visit_shares(np.array(weights))


def test_less_than_a_tenth_can_not_be_uniform() -> None:
    with pytest.raises(ValidationError, match="uniform"):
        EffortConfig(uniform=0.05)
    with pytest.raises(ValidationError, match="floor"):
        EffortConfig(uniform=0.3, floor=0.2)


def changed() -> Register:
    register = Register().added(report("a", 2.0), by="shift lead", because="the fence alarm rang twice", sign=sign)
    later = report("b", 1.0, expires_ns=NOW_NS + 3 * HOUR_NS)
    return register.added(later, by="maintenance", because="the light is out", sign=sign)


def test_weights_add_up_and_end_by_themselves() -> None:
    register, subject = changed(), report("a", 1.0).subject
    assert register.weights(NOW_NS)[subject] == BASE_WEIGHT + 3.0
    assert register.weights(NOW_NS + HOUR_NS)[subject] == BASE_WEIGHT + 1.0
    assert register.weights(NOW_NS + 3 * HOUR_NS) == {}
    noted = register.expired(NOW_NS + HOUR_NS, sign=sign)
    assert [change.action for change in noted.changes] == ["add", "add", "expire"]
    assert noted.expired(NOW_NS + HOUR_NS, sign=sign) == noted
    gone = noted.withdrawn("b", NOW_NS + HOUR_NS, by="shift lead", because="it was mended", sign=sign)
    assert gone.weights(NOW_NS + HOUR_NS) == {}
    with pytest.raises(RegisterBroken, match="not in force"):
        gone.withdrawn("b", NOW_NS + HOUR_NS, by="shift lead", because="again", sign=sign)


def test_every_change_is_shown() -> None:
    assert changed().lines() == (
        "#0 zone yard: +2 (fixed_sensor), add by shift lead: the fence alarm rang twice",
        "#1 zone yard: +1 (fixed_sensor), add by maintenance: the light is out",
    )


def _forged(change: Change) -> Change:
    return replace(change, report=change.report.model_copy(update={"strength": 9.0}))


@pytest.mark.parametrize(
    "broken",
    [
        lambda r: Register(changes=(_forged(r.changes[0]), *r.changes[1:])),
        lambda r: Register(changes=r.changes[1:]),
        lambda r: Register(changes=r.changes[::-1]),
        lambda r: Register(changes=(r.changes[0], r.changes[0])),
        lambda r: Register(changes=(r.changes[0], replace(r.changes[1], because="nothing"))),
    ],
)
def test_a_change_that_was_touched_is_noticed(broken: Any) -> None:
    register = changed()
    register.verify(good)
    with pytest.raises(RegisterBroken):
        broken(register).verify(good)
