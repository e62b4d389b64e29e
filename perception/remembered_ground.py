# SPDX-License-Identifier: Apache-2.0
"""What is remembered of every patch of ground that was near the robot, in tiles, so that a site may be as large as it likes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats, Floats32

_TILE = 128

Mask = npt.NDArray[np.bool_]
Slices = tuple[slice, slice]


@dataclass(slots=True, kw_only=True)
class Cells:
    """One block of cells (W, W). ``passed``: looks in which beams went by; ``first_end_s``, ``last_end_s``: since when, and last
    when, beams ended there without one passing between (0: not); ``solid``: how much speaks for something being there."""

    passed: npt.NDArray[np.uint8]
    first_end_s: Floats32
    last_end_s: Floats32
    solid: npt.NDArray[np.int16]

    @classmethod
    def nothing(cls, size: int) -> Cells:
        """A block of which nothing is known."""
        shape = (size, size)
        return cls(
            passed=np.zeros(shape, dtype=np.uint8),
            first_end_s=np.zeros(shape, dtype=np.float32),
            last_end_s=np.zeros(shape, dtype=np.float32),
            solid=np.zeros(shape, dtype=np.int16),
        )


class RememberedGround:
    """Cells of ``cell_m`` in map; ``tiles_most`` tiles of 128 by 128 are kept, those that were near last."""

    def __init__(self, cell_m: float, *, tiles_most: int) -> None:
        self.cell_m = cell_m
        self._most = tiles_most
        self._tiles: OrderedDict[tuple[int, int], Cells] = OrderedDict()

    @property
    def tiles(self) -> int:
        """How many are kept now."""
        return len(self._tiles)

    def corner_of(self, middle_m: Floats, reach_m: float) -> tuple[int, int]:
        """The lowest cell of the window that reaches so far about ``middle_m`` (2,)."""
        low = np.floor((middle_m - reach_m) / self.cell_m).astype(np.int64)
        return int(low[0]), int(low[1])

    def size_of(self, reach_m: float) -> int:
        """Cells along one side of such a window."""
        return int(np.ceil(2.0 * reach_m / self.cell_m)) + 1

    def load(self, corner: tuple[int, int], size: int) -> Cells:
        """A copy of the window's cells."""
        window = Cells.nothing(size)
        for tile, there, here in self._parts(corner, size):
            known = self._tiles.get(tile)
            if known is not None:
                for field in fields(Cells):
                    getattr(window, field.name)[here] = getattr(known, field.name)[there]
        return window

    def store(self, corner: tuple[int, int], window: Cells) -> None:
        """Put the window's cells back; forget the tiles that were near longest ago when there are too many."""
        for tile, there, here in self._parts(corner, len(window.passed)):
            known = self._tiles.setdefault(tile, Cells.nothing(_TILE))
            self._tiles.move_to_end(tile)
            for field in fields(Cells):
                getattr(known, field.name)[there] = getattr(window, field.name)[here]
        while len(self._tiles) > self._most:
            self._tiles.popitem(last=False)

    def _parts(self, corner: tuple[int, int], size: int) -> Iterator[tuple[tuple[int, int], Slices, Slices]]:
        """Every tile that the window lies on, with the part in the tile and the part in the window."""
        for row in range(corner[0] // _TILE, (corner[0] + size - 1) // _TILE + 1):
            for column in range(corner[1] // _TILE, (corner[1] + size - 1) // _TILE + 1):
                rows, columns = _shared(corner[0], size, row), _shared(corner[1], size, column)
                yield (row, column), (rows[0], columns[0]), (rows[1], columns[1])


def _shared(low: int, size: int, tile: int) -> Slices:
    """Along one axis: the cells that window and tile share, counted in the tile and in the window."""
    begin, end = max(low, tile * _TILE), min(low + size, (tile + 1) * _TILE)
    return slice(begin - tile * _TILE, end - tile * _TILE), slice(begin - low, end - low)
