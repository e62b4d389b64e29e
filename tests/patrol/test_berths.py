# SPDX-License-Identifier: Apache-2.0
"""Docks for several robots: the site's own first, then places beside the last, apart and on free ground."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from shapely.geometry import Point

from patrol.berths import BERTH_M, CLEAR_M, MOST_ROBOTS, berths, site_of
from patrol.errors import BadValue
from patrol.site_file import read_site

SITES = sorted((Path(__file__).resolve().parents[2] / "config" / "sites").glob("*.geojson"))


@pytest.mark.parametrize("path", SITES, ids=lambda path: path.stem)
def test_berths_are_apart_and_clear_of_everything(path: Path) -> None:
    site = read_site(path)
    found = berths(site, 5)
    assert found[: len(site.docks)] == site.docks
    assert len({dock.dock_id for dock in found}) == 5
    assert min(one.pose.distance_to(other.pose) for one, other in combinations(found, 2)) > 0.9 * BERTH_M
    for dock in found[len(site.docks) :]:
        place = Point(dock.pose.x_m, dock.pose.y_m)
        assert site.perimeter.exterior.distance(place) >= CLEAR_M - 1e-6
        assert all(building.outline.distance(place) >= CLEAR_M - 1e-6 for building in site.buildings)


def test_every_robot_knows_its_own_berth_alone() -> None:
    site = read_site(SITES[0])
    assert site_of(site, 0) is site
    assert [dock.pose for dock in site_of(site, 2).docks] == [berths(site, 3)[2].pose]


def test_too_many_robots_and_a_site_without_a_dock_are_refused() -> None:
    site = read_site(SITES[0])
    with pytest.raises(BadValue, match="robots"):
        berths(site, MOST_ROBOTS + 1)
    dockless = read_site(SITES[0])
    object.__setattr__(dockless, "docks", ())
    with pytest.raises(BadValue, match="dock"):
        berths(dockless, 2)
