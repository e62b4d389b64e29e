# SPDX-License-Identifier: Apache-2.0
"""Tracking scores: small cases counted by hand, files of others, and the figures that any evaluator must give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.errors import BadInput, BadValue
from perception.metrics.mot_file import MotRows, read_mot, write_mot
from perception.metrics.tracking import score_tracking
from tests.perception.build import data


def rows(*boxes: tuple[int, int, float]) -> MotRows:
    """Boxes of 10 x 20 px: picture, id, left edge."""
    table = np.array(boxes, dtype=np.float64).reshape(-1, 3)
    left = table[:, 2]
    return MotRows(
        picture=table[:, 0].astype(np.int64),
        track_id=table[:, 1].astype(np.int64),
        boxes=np.column_stack((left, np.zeros(len(left)), left + 10.0, np.full(len(left), 20.0))),
        score=np.ones(len(left)),
        ground_m=np.full((len(left), 2), np.nan),
    )


WALK = rows(*[(picture, 1, 5.0 * picture) for picture in range(1, 11)], *[(picture, 2, 300.0) for picture in range(1, 11)])


def test_perfect_tracks_score_full_marks() -> None:
    figures = score_tracking(WALK, WALK).figures()
    assert (figures["hota"], figures["mota"], figures["idf1"]) == (100.0, 100.0, 100.0)
    assert (figures["fp"], figures["fn"], figures["ids"]) == (0, 0, 0)


def test_a_new_id_half_way_is_one_switch_and_halves_what_the_id_is_worth() -> None:
    broken = rows(*[(picture, 1 if picture <= 5 else 7, 5.0 * picture) for picture in range(1, 11)])
    score = score_tracking(WALK.chosen(WALK.track_id == 1), broken)
    assert (score.clear.switches, score.clear.misses, score.clear.false_positives) == (1, 0, 0)
    assert score.clear.mota == pytest.approx(0.9)
    assert score.identity.idf1 == pytest.approx(0.5)
    assert score.hota.deta == pytest.approx(1.0)
    assert score.hota.assa == pytest.approx(0.5)
    assert score.hota.hota == pytest.approx(np.sqrt(0.5))


def test_a_gap_with_the_same_id_afterwards_is_no_switch() -> None:
    gap = WALK.chosen((WALK.track_id == 1) & ((WALK.picture < 4) | (WALK.picture > 6)))
    score = score_tracking(WALK.chosen(WALK.track_id == 1), gap)
    assert (score.clear.switches, score.clear.misses) == (0, 3)


def test_a_switch_during_a_gap_counts() -> None:
    gap = rows(*[(picture, 1 if picture < 4 else 9, 5.0 * picture) for picture in (1, 2, 3, 7, 8)])
    assert score_tracking(WALK.chosen(WALK.track_id == 1), gap).clear.switches == 1


def test_a_match_holds_although_another_box_is_closer() -> None:
    """The track stays 3 px beside its person; a second, false one comes nearer for one picture."""
    tracks = rows(*[(picture, 1, 5.0 * picture + 3.0) for picture in range(1, 11)], (5, 2, 25.0))
    score = score_tracking(WALK.chosen(WALK.track_id == 1), tracks)
    assert (score.clear.switches, score.clear.false_positives) == (0, 1)


def test_boxes_beside_people_are_false_and_people_missed() -> None:
    aside = rows(*[(picture, 1, 5.0 * picture + 8.0) for picture in range(1, 11)])
    score = score_tracking(WALK.chosen(WALK.track_id == 1), aside)
    assert (score.clear.matches, score.clear.false_positives, score.clear.misses) == (0, 10, 10)
    assert score.clear.mota == pytest.approx(-1.0)
    assert score.identity.idf1 == 0.0
    assert 0.0 < score.hota.hota < 0.2, "at small overlaps they still count"


def test_no_tracks_at_all_is_a_score_and_no_truth_is_refused() -> None:
    figures = score_tracking(WALK, rows()).figures()
    assert (figures["hota"], figures["mota"], figures["fn"]) == (0.0, 0.0, 20)
    with pytest.raises(BadValue, match="no box"):
        score_tracking(rows(), WALK)
    with pytest.raises(BadValue, match="twice in picture 1"):
        score_tracking(WALK, rows((1, 1, 0.0), (1, 1, 50.0)))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.floats(0.0, 40.0)), max_size=12, unique_by=lambda row: row[:2])
)
def test_scores_stay_in_their_ranges_and_ids_are_only_names(found: list[tuple[int, int, float]]) -> None:
    truth = WALK.chosen(WALK.picture <= 4)
    score = score_tracking(truth, rows(*found))
    renamed = score_tracking(truth, rows(*[(picture, 100 - 7 * number, left) for picture, number, left in found]))
    assert 0.0 <= score.hota.hota <= 1.0
    assert score.clear.mota <= 1.0
    assert 0.0 <= score.identity.idf1 <= 1.0
    assert score.clear.matches + score.clear.misses == len(truth.picture)
    assert score.hota.hota == pytest.approx(renamed.hota.hota)
    assert score.identity == renamed.identity


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [("TUD-Campus", (52.6, 55.8, 13, 150, 7)), ("TUD-Stadtmitte", (56.4, 64.5, 45, 452, 7))],
)
def test_the_example_outputs_score_as_every_evaluator_must(sequence: str, expected: tuple[float, ...]) -> None:
    truth = read_mot(data("perception", sequence, "gt.txt"), truth=True)
    figures = score_tracking(truth, read_mot(data("perception", sequence, "example_tracker_motmetrics.txt"))).figures()
    assert tuple(figures[name] for name in ("mota", "idf1", "fp", "fn", "ids")) == expected


def test_a_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_mot(tmp_path / "tracks.txt", WALK)
    back = read_mot(tmp_path / "tracks.txt")
    ordered = np.lexsort((WALK.track_id, WALK.picture))
    np.testing.assert_allclose(back.boxes, WALK.boxes[ordered])
    assert np.isnan(back.ground_m).all()
    assert (tmp_path / "tracks.txt").read_text("ascii").splitlines()[0] == "1,1,5.00,0.00,10.00,20.00,1.000,-1.000,-1.000,-1"


def test_rows_that_do_not_count_are_left_out_of_the_truth_alone(tmp_path: Path) -> None:
    (tmp_path / "gt.txt").write_text("2,1,0,0,10,20,1,4.5,-0.5,0\n1,2,0,0,10,20,0,-1,-1,-1\n\n", "ascii")
    truth = read_mot(tmp_path / "gt.txt", truth=True)
    assert truth.picture.tolist() == [2]
    assert truth.ground_m.tolist() == [[4.5, -0.5]]
    assert read_mot(tmp_path / "gt.txt").picture.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("line", "because"),
    [
        ("1,2,3", "3 columns"),
        ("1,a,3,4,5,6,1", "row of numbers"),
        ("1,1,0,0,nan,5,1", "not finite"),
        ("0,1,0,0,5,5,1", "from 1"),
        ("1,1,0,0,5,0,1", "empty"),
    ],
)
def test_a_faulty_line_is_named(tmp_path: Path, line: str, because: str) -> None:
    (tmp_path / "bad.txt").write_text(f"1,1,0,0,5,5,1\n{line}\n", "ascii")
    with pytest.raises(BadInput, match=f"line 2.*{because}"):
        read_mot(tmp_path / "bad.txt")
    with pytest.raises(BadInput, match="can not be read"):
        read_mot(tmp_path / "none.txt")
