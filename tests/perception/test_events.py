# SPDX-License-Identifier: Apache-2.0
"""Events from paths on the ground, and which of two sets are the same."""

from __future__ import annotations

import numpy as np
from shapely.geometry import LineString, box

from perception.metrics.events import Event, Path2, crossings, matched, stays

ZONE, LINE = box(2.0, -1.0, 6.0, 1.0), LineString([(4.0, -2.0), (4.0, 2.0)])


def walk(start_m: float, end_m: float, seconds: float, *, y_m: float = 0.0) -> Path2:
    time_s = np.arange(0.0, seconds, 0.1)
    along = start_m + (end_m - start_m) * time_s / seconds
    return Path2(time_s=time_s, place_m=np.column_stack((along, np.full(len(along), y_m))))


def test_a_stay_is_told_once_when_it_has_lasted() -> None:
    (event,) = stays([walk(0.0, 8.0, 8.0)], ZONE, "yard", after_s=1.0)
    assert abs(event.time_s - 3.0) < 0.15
    assert list(stays([walk(0.0, 8.0, 8.0)], ZONE, "yard", after_s=5.0)) == []
    assert list(stays([walk(0.0, 8.0, 8.0, y_m=3.0)], ZONE, "yard", after_s=1.0)) == []


def test_a_short_gap_does_not_end_a_stay_and_a_long_one_does() -> None:
    path = walk(3.0, 5.0, 6.0)
    for gap, count in ((4, 1), (12, 2)):
        keep = np.ones(len(path.time_s), dtype=np.bool_)
        keep[25 : 25 + gap] = False
        broken = Path2(time_s=path.time_s[keep], place_m=path.place_m[keep])
        assert len(list(stays([broken], ZONE, "yard", after_s=1.0))) == count


def test_a_crossing_has_a_direction_and_hesitation_counts_once() -> None:
    (event,) = crossings([walk(0.0, 8.0, 8.0)], LINE, "gate")
    assert event.what == "gate to the right"
    (back,) = crossings([walk(8.0, 0.0, 8.0)], LINE, "gate")
    assert back.what == "gate to the left"
    assert list(crossings([walk(0.0, 8.0, 8.0, y_m=3.0)], LINE, "gate")) == []
    wobble = np.concatenate((np.linspace(3.0, 3.9, 30), np.array([4.05, 3.95, 4.05]), np.linspace(4.1, 6.0, 30)))
    path = Path2(time_s=0.1 * np.arange(float(len(wobble))), place_m=np.column_stack((wobble, np.zeros(len(wobble)))))
    assert [event.what for event in crossings([path], LINE, "gate")] == ["gate to the right"]


def test_who_touches_a_line_and_turns_back_does_not_cross_it() -> None:
    there_and_back = np.concatenate((np.linspace(3.0, 4.0, 20), np.linspace(4.0, 3.0, 20)))
    path = Path2(time_s=0.1 * np.arange(40.0), place_m=np.column_stack((there_and_back, np.zeros(40))), number=7)
    assert list(crossings([path], LINE, "gate")) == []
    over = Path2(time_s=path.time_s, place_m=path.place_m + np.array([0.1, 0.0]), number=7)
    assert [event.what for event in crossings([over], LINE, "gate", again_after_s=0.0)] == [
        "gate to the right",
        "gate to the left",
    ]
    assert list(crossings([over], LINE, "gate", clear_m=0.25)) == []


def test_who_is_clear_of_a_line_went_over_it_when_they_did() -> None:
    for clear_m in (0.0, 0.25, 1.0):
        (event,) = crossings([walk(0.0, 8.0, 8.0)], LINE, "gate", clear_m=clear_m)
        assert abs(event.time_s - 4.0) < 0.15
    stands = 4.0 + 0.2 * np.sin(0.2 * np.arange(200.0))
    path = Path2(time_s=0.1 * np.arange(200.0), place_m=np.column_stack((stands, np.zeros(200))))
    assert len(list(crossings([path], LINE, "gate"))) > 3, "whoever stands on a line seems to go over it all the time"
    assert list(crossings([path], LINE, "gate", clear_m=0.25)) == []


def test_events_agree_one_to_one_within_time_and_place() -> None:
    real = [Event(what="a", time_s=1.0, place_m=(0.0, 0.0)), Event(what="a", time_s=5.0, place_m=(0.0, 0.0))]
    found = [
        Event(what="a", time_s=1.4, place_m=(0.3, 0.0)),
        Event(what="a", time_s=1.2, place_m=(0.0, 0.0)),
        Event(what="b", time_s=5.0, place_m=(0.0, 0.0)),
        Event(what="a", time_s=5.0, place_m=(9.0, 0.0)),
    ]
    assert matched(real, found, within_s=1.0, within_m=1.0) == [(0, 1)]
    assert matched(real, found[:1], within_s=5.0, within_m=1.0) == [(0, 0)], "one for one"
    assert matched([], found, within_s=1.0, within_m=1.0) == []
    assert matched(real, [], within_s=1.0, within_m=1.0) == []
