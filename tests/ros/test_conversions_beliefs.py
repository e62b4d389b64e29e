# SPDX-License-Identifier: Apache-2.0
"""Beliefs and inspections survive the way into their ROS messages, through the wire, and back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.belief import Belief, ZoneMass
from patrol.inspection import InspectionReport, InspectionState, InspectionView
from patrol.percepts import Label

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

from patrol_ros.conversions import beliefs, inspections
from tests.ros.conversion_cases import SEEDS, STAMPS, TEXT, through_wire


@given(stamp_ns=STAMPS, label=st.sampled_from(Label), zone=TEXT, count=st.integers(1, 80), seed=SEEDS)
def test_beliefs(*, stamp_ns: int, label: Label, zone: str, count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    belief = Belief(
        track_id=seed,
        label=label,
        stamp_ns=stamp_ns,
        last_seen_ns=stamp_ns // 2,
        cell_m=0.5,
        centres_m=random.normal(0.0, 200.0, (count, 2)),
        mass=random.dirichlet(np.ones(count)),
        zones=(ZoneMass(zone_id=zone, mass=0.25),),
        contact=0.75,
    )
    (got,) = beliefs.beliefs_from_ros(through_wire(beliefs.beliefs_to_ros(stamp_ns, (belief,))))
    names = ("track_id", "label", "stamp_ns", "last_seen_ns", "cell_m", "zones", "contact")
    assert [getattr(got, name) for name in names] == [getattr(belief, name) for name in names]
    np.testing.assert_allclose(got.centres_m, belief.centres_m, atol=1e-3)
    np.testing.assert_allclose(got.mass, belief.mass, atol=1e-6)


@given(stamp_ns=STAMPS, whole=st.booleans(), measured=st.booleans(), jpeg=st.binary(max_size=40), name=TEXT)
def test_inspections(*, stamp_ns: int, whole: bool, measured: bool, jpeg: bytes, name: str) -> None:
    state = InspectionState(
        inspection_id=name,
        alert_id="a",
        incident_id="i",
        stamp_ns=stamp_ns,
        phase="ended",
        label=Label.VEHICLE,
        zone_id="z",
        track_id=1_000_001,
        position_m=np.array((1.5, -2.5)),
        radius_m=0.75,
        seen_rad=math.pi if not whole else 5.0,
        wanted_rad=4.5,
        because="" if whole else "something stands in between",
    )
    view = InspectionView(
        stamp_ns=stamp_ns,
        bearing_rad=0.5,
        distance_m=3.0,
        warmest_k=300.5 if measured else None,
        around_k=290.0 if measured else None,
        picture_jpeg=jpeg,
    )
    size = ((4.5, 1.75, 1.5), 0.125) if measured else (None, None)
    report = InspectionReport(state=state, began_ns=stamp_ns // 2, size_m=size[0], size_error_m=size[1], views=(view,))
    got = inspections.inspection_report_from_ros(through_wire(inspections.inspection_report_to_ros(report)))
    assert got.state.position_m.tolist() == [1.5, -2.5]
    names = ("inspection_id", "incident_id", "stamp_ns", "phase", "label", "track_id", "radius_m", "seen_rad", "because")
    assert [getattr(got.state, each) for each in names] == [getattr(state, each) for each in names]
    assert (got.began_ns, got.size_m, got.size_error_m, got.views) == (report.began_ns, size[0], size[1], (view,))
