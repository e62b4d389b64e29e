# SPDX-License-Identifier: Apache-2.0
"""Files in the MOTChallenge format, in and out (Leal-Taixé et al., "MOTChallenge 2015", arXiv 1504.01942).

A line is ``frame, id, left, top, width, height, score, X, Y, Z``; pictures count from 1. In a ground-truth file the seventh
number is a flag, and 0 says that the box is not to be counted; X, Y are metres on the ground, or -1 where nobody knows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats, frozen_array
from patrol.errors import BadInput, Fault

Integers = npt.NDArray[np.int64]
_COLUMNS_MIN, _COLUMNS = 7, 10
_FAULTS_SHOWN = 5
_LARGEST = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class MotRows:
    """Boxes over time, sorted by picture: ``picture`` (N,) from 1, ``track_id`` (N,), ``boxes`` (N, 4) px left, top, right,
    bottom, ``score`` (N,), ``ground_m`` (N, 2), NaN where it is not known."""

    picture: Integers
    track_id: Integers
    boxes: Floats
    score: Floats
    ground_m: Floats

    def __post_init__(self) -> None:
        count = len(self.picture)
        object.__setattr__(self, "picture", frozen_array("picture", self.picture, (count,), np.int64))
        object.__setattr__(self, "track_id", frozen_array("track_id", self.track_id, (count,), np.int64))
        object.__setattr__(self, "boxes", frozen_array("boxes", self.boxes, (count, 4)))
        object.__setattr__(self, "score", frozen_array("score", self.score, (count,)))
        object.__setattr__(self, "ground_m", frozen_array("ground_m", self.ground_m, (count, 2)))

    def chosen(self, mask: npt.NDArray[np.bool_]) -> MotRows:
        """Only the rows where ``mask`` (N,) holds."""
        return MotRows(
            picture=self.picture[mask],
            track_id=self.track_id[mask],
            boxes=self.boxes[mask],
            score=self.score[mask],
            ground_m=self.ground_m[mask],
        )


def read_mot(path: Path, *, truth: bool = False) -> MotRows:
    """Read one file; of ground ``truth`` only the rows whose flag counts. Raises BadInput naming the lines at fault."""
    table = _table(path)
    if truth:
        table = table[table[:, 6] != 0.0]
    table = table[np.argsort(table[:, 0], kind="stable")]
    known = (table[:, 7:9] != -1.0).any(axis=1)
    return MotRows(
        picture=table[:, 0].astype(np.int64),
        track_id=table[:, 1].astype(np.int64),
        boxes=np.column_stack((table[:, 2:4], table[:, 2:4] + table[:, 4:6])),
        score=table[:, 6],
        ground_m=np.where(known[:, None], table[:, 7:9], np.nan),
    )


def write_mot(path: Path, rows: MotRows) -> None:
    """Write ``rows``, in the order of pictures and ids; a place that is not known becomes -1."""
    path.write_text("".join(mot_lines(rows)), "utf-8")


def mot_lines(rows: MotRows) -> Iterable[str]:
    """The lines of a file, each with its line break."""
    order = np.lexsort((rows.track_id, rows.picture))
    ground = np.where(np.isfinite(rows.ground_m), rows.ground_m, -1.0)
    for index in order.tolist():
        x0, y0, x1, y1 = rows.boxes[index].tolist()
        x_m, y_m = ground[index].tolist()
        yield (
            f"{rows.picture[index]},{rows.track_id[index]},{x0:.2f},{y0:.2f},{x1 - x0:.2f},{y1 - y0:.2f},"
            f"{rows.score[index]:.3f},{x_m:.3f},{y_m:.3f},-1\n"
        )


def _table(path: Path) -> Floats:
    """All lines as numbers (N, 10); missing columns are -1."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"can not be read: {error}")]) from error
    rows, faults = [], []
    for number, line in enumerate(lines, 1):
        if line.strip():
            row = _row(line)
            if isinstance(row, str):
                faults.append(Fault(field=f"line {number}", value=line[:80], because=row))
            else:
                rows.append(row)
    if faults:
        raise BadInput(path, faults[:_FAULTS_SHOWN])
    return np.array(rows, dtype=np.float64).reshape(-1, _COLUMNS)


def _row(line: str) -> list[float] | str:
    """The numbers of one line, or why it is none."""
    try:
        row = [float(part) for part in line.split(",")]
    except ValueError:
        return "is not a row of numbers"
    if len(row) < _COLUMNS_MIN:
        return f"has {len(row)} columns, {_COLUMNS_MIN} are the fewest"
    if not all(math.isfinite(value) for value in row[:_COLUMNS_MIN]):
        return "holds a number that is not finite"
    if max(map(abs, row[:6])) >= _LARGEST:
        return "holds a number that is too large"
    if row[0] < 1 or row[0] != int(row[0]) or row[1] != int(row[1]):
        return "picture and id must be whole numbers, pictures from 1"
    if row[4] <= 0.0 or row[5] <= 0.0:
        return "the box is empty"
    return (row + [-1.0] * _COLUMNS)[:_COLUMNS]
