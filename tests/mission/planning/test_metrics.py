# SPDX-License-Identifier: Apache-2.0
"""The metrics against sampled time, against each other, and where they must differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.planning.metrics import (
    Stream,
    VisitLog,
    VisitSchedule,
    capture_after_wait,
    capture_at_random_moment,
    gap_entropy_bits,
    idle_spells,
    least_capture_of_log,
    least_capture_probability,
    measure,
    merged_log,
    monitor_average_s,
    right_endpoint_average_s,
    true_average_s,
    worst_idleness_s,
)
from patrol.errors import BadValue

HORIZON_S = 40.0
times = st.lists(st.integers(0, 160).map(lambda quarters: quarters / 4.0), max_size=8).map(sorted)


def log_of(*visits: list[float], horizon_s: float = HORIZON_S) -> VisitLog:
    return VisitLog(horizon_s=horizon_s, visits_s=tuple(np.array(own, dtype=np.float64) for own in visits))


def sampled_idleness(log: VisitLog, step_s: float = 0.005) -> tuple[np.ndarray, np.ndarray]:
    """Moments, and the idleness of every place at them, from the definition."""
    moments = np.arange(0.5 * step_s, log.horizon_s, step_s)
    idle = np.empty((len(log.visits_s), moments.size))
    for place, visits in enumerate(log.visits_s):
        seen = np.concatenate(([0.0], visits))
        idle[place] = moments - seen[np.searchsorted(seen, moments, side="right") - 1]
    return moments, idle


@settings(max_examples=40, deadline=None)
@given(visits=st.lists(times, min_size=1, max_size=3), warm_up_s=st.sampled_from([0.0, 7.5, 20.0]))
def test_average_and_worst_are_those_of_sampled_time(visits: list[list[float]], warm_up_s: float) -> None:
    log = log_of(*visits)
    moments, idle = sampled_idleness(log)
    later = moments > warm_up_s
    assert true_average_s(log, warm_up_s) == pytest.approx(idle[:, later].mean(), abs=0.01)
    assert worst_idleness_s(log, warm_up_s) == pytest.approx(idle[:, later].max(), abs=0.01)


@settings(max_examples=40, deadline=None)
@given(visits=st.lists(times, min_size=1, max_size=3), attack_s=st.sampled_from([0.5, 3.0, 10.0]))
def test_capture_at_a_random_moment_is_that_of_sampled_time(visits: list[list[float]], attack_s: float) -> None:
    log = log_of(*visits)
    moments, _ = sampled_idleness(log)
    met = []
    for own in log.visits_s:
        following = np.append(own, np.inf)[np.searchsorted(own, moments, side="right")]
        known = (following - moments <= attack_s) | (moments + attack_s > log.horizon_s)
        met.append(known.mean())
    assert capture_at_random_moment(log, attack_s, 0.0) == pytest.approx(min(met), abs=0.002)


def test_clumped_visits_deceive_the_monitor_and_nothing_else() -> None:
    even = log_of([10.0, 20.0, 30.0, 40.0])
    clumped = log_of([10.0, 11.0, 12.0, 40.0])
    assert monitor_average_s(even) == monitor_average_s(clumped) == 10.0
    assert (worst_idleness_s(even, 0.0), worst_idleness_s(clumped, 0.0)) == (10.0, 28.0)
    assert (true_average_s(even), true_average_s(clumped)) == (5.0, (50.0 + 0.5 + 0.5 + 392.0) / 40.0)


def test_the_right_endpoint_overstates() -> None:
    log = log_of([10.0, 20.0], [20.0], horizon_s=20.0)
    assert right_endpoint_average_s(log) == pytest.approx((10.0 * 10.0 + 15.0 * 10.0) / 20.0)
    assert true_average_s(log) == pytest.approx((100.0 + 200.0) / 40.0)


def test_the_figures_of_a_clockwork() -> None:
    figures = measure(log_of([4.0 * index for index in range(1, 11)]), warm_up_s=8.0)
    assert (figures.worst_s, figures.p99_gap_s, figures.gap_entropy_bits, figures.monitor_average_s) == (4.0, 4.0, 0.0, 4.0)
    assert figures.true_average_s == pytest.approx(2.0)
    with pytest.raises(BadValue, match="warm_up_s"):
        measure(log_of([1.0]), warm_up_s=HORIZON_S)


def test_the_ninety_ninth_percentile_is_a_gap_that_happened() -> None:
    gaps = [1.0] * 99 + [50.0]
    log = log_of(np.cumsum(gaps).tolist(), horizon_s=200.0)
    assert measure(log, warm_up_s=0.0).p99_gap_s == 1.0
    assert measure(log_of(np.cumsum([*gaps, 50.0]).tolist(), horizon_s=200.0), warm_up_s=0.0).p99_gap_s == 50.0


def test_gap_entropy_counts_bits() -> None:
    assert gap_entropy_bits(np.array([1.0, 2.0, 3.0, 4.0])) == 2.0
    assert gap_entropy_bits(np.array([5.0, 5.1, 4.9])) == 0.0
    assert gap_entropy_bits(np.zeros(0)) == 0.0


def test_presence_is_not_absence() -> None:
    parked = Stream(places=np.array([0]), came_s=np.array([2.0]), left_s=np.array([HORIZON_S]))
    passing = Stream(places=np.array([1, 0]), came_s=np.array([5.0, 9.0]), left_s=np.array([6.0, 9.0]))
    log = merged_log(HORIZON_S, 2, [parked, passing])
    assert worst_idleness_s(log, 3.0) == 34.0, "place 1 is left alone from 6 s on, place 0 never after 2 s"
    assert true_average_s(log) == pytest.approx((2.0 + 0.5 * (25.0 + 34.0**2)) / (2 * HORIZON_S))
    assert right_endpoint_average_s(log) == pytest.approx((2.0 * 2.0 + 2.5 * 3.0 + 1.5 * 4.0 + 17.0 * 31.0) / HORIZON_S)
    with pytest.raises(BadValue, match="departures_s"):
        VisitLog(horizon_s=9.0, visits_s=(np.array([5.0]),), departures_s=(np.array([4.0]),))


@settings(max_examples=40, deadline=None)
@given(data=st.data(), places=st.integers(1, 4))
def test_spells_at_once_are_those_of_the_log(data: st.DataObject, places: int) -> None:
    streams = []
    for _ in range(data.draw(st.integers(1, 3))):
        came = np.array(data.draw(times), dtype=np.float64)
        where = data.draw(st.lists(st.integers(0, places - 1), min_size=came.size, max_size=came.size))
        stay = data.draw(st.lists(st.sampled_from([0.0, 0.5, 9.0]), min_size=came.size, max_size=came.size))
        streams.append(Stream(places=np.array(where, dtype=np.int64), came_s=came, left_s=came + np.array(stay)))
    log = merged_log(HORIZON_S, places, streams)
    of_place, begun, ended = idle_spells(HORIZON_S, places, streams)
    expected = [log.spells(place) for place in range(places)]
    assert of_place.tolist() == [place for place, spells in enumerate(expected) for _ in spells[0]]
    assert (ended - begun).max() == pytest.approx(worst_idleness_s(log, 0.0))
    assert ((ended - begun) ** 2).sum() == pytest.approx(sum(((end - start) ** 2).sum() for start, end in expected))


@settings(max_examples=40, deadline=None)
@given(horizon_s=st.floats(1.0, 1000.0), places=st.integers(1, 60))
def test_spells_keep_to_their_places_whatever_the_horizon(horizon_s: float, places: int) -> None:
    once = Stream(places=np.arange(places), came_s=np.full(places, 0.75 * horizon_s), left_s=np.full(places, 0.75 * horizon_s))
    of_place, begun, ended = idle_spells(horizon_s, places, [once])
    assert of_place.tolist() == [place for place in range(places) for _ in range(2)]
    assert (ended - begun).reshape(-1, 2) == pytest.approx(np.tile([0.75 * horizon_s, 0.25 * horizon_s], (places, 1)))


def test_a_schedule_repeats_for_ever() -> None:
    schedule = VisitSchedule(period_s=10.0, visits_s=(np.array([1.0, 4.0]), np.array([9.0])))
    assert schedule.gaps_s(0).tolist() == [3.0, 7.0]
    assert schedule.worst_s == 10.0
    log = schedule.log(1000.0)
    assert worst_idleness_s(log, 20.0) == pytest.approx(10.0)
    assert true_average_s(log, 20.0) == pytest.approx(schedule.true_average_s, abs=0.02)
    assert VisitSchedule(period_s=5.0, visits_s=(np.zeros(0),)).worst_s == np.inf


def test_who_knows_everything_is_met_for_certain_or_not_at_all() -> None:
    schedule = VisitSchedule(period_s=10.0, visits_s=(np.array([1.0, 4.0]),))
    assert least_capture_probability([(1.0, schedule)], 6.9) == 0.0
    assert least_capture_probability([(1.0, schedule)], 7.0) == 1.0
    assert least_capture_of_log(schedule.log(200.0), 6.9, 20.0) == 0.0
    assert least_capture_of_log(schedule.log(200.0), 7.0, 20.0) == 1.0


def test_a_hidden_draw_between_two_phases_helps() -> None:
    early = VisitSchedule(period_s=10.0, visits_s=(np.array([0.0]),))
    late = VisitSchedule(period_s=10.0, visits_s=(np.array([5.0]),))
    assert least_capture_probability([(0.5, early), (0.5, late)], 5.0) == 0.5
    assert least_capture_probability([(0.5, early), (0.5, late)], 10.0) == 1.0
    assert least_capture_probability([(0.25, early), (0.75, late)], 5.0) == 0.25
    with pytest.raises(BadValue, match="choices"):
        least_capture_probability([(0.5, early)], 5.0)


def test_waiting_helps_an_observer_of_uneven_gaps() -> None:
    assert capture_after_wait(np.array([10.0, 10.0]), 9.0) == 0.0
    assert capture_after_wait(np.array([2.0, 10.0]), 2.0) == 0.0, "he waits 2 s, and if none came, has 8 s"
    assert capture_after_wait(np.array([2.0, 10.0]), 8.0) == 0.5


def test_logs_refuse_times_out_of_order() -> None:
    with pytest.raises(BadValue, match="ascend"):
        log_of([2.0, 1.0])
    with pytest.raises(BadValue, match="ascend"):
        log_of([41.0])
    with pytest.raises(BadValue, match="no place"):
        log_of()
