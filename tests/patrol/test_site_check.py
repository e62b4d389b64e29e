# SPDX-License-Identifier: Apache-2.0
"""Every fault of a site file is named by feature and field."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.errors import BadInput
from patrol.site_check import check_draft, check_site
from patrol.site_file import read_site, read_site_text
from patrol.site_parse import MAX_BYTES, parse_bytes
from patrol.site_rules import RULES
from sim.world_builder import LAYOUTS, site_path
from tests.patrol.site_text import at, feature, named, ring, site, square, write

Break = Callable[[dict[str, Any]], object]


def _set(feature_id: str, **properties: Any) -> Break:
    return lambda document: named(document, feature_id)["properties"].update(properties)


def _move(feature_id: str, coordinates: Any) -> Break:
    return lambda document: named(document, feature_id)["geometry"].update(coordinates=coordinates)


def _drop(feature_id: str) -> Break:
    return lambda document: document["features"].remove(named(document, feature_id))


def _add(*args: Any, **properties: Any) -> Break:
    return lambda document: document["features"].append(feature(*args, **properties))


def _header(**members: Any) -> Break:
    return lambda document: document["site"].update(members)


BROKEN: dict[str, tuple[Break, str, str]] = {
    "self-crossing perimeter": (_move("fence", ring((-50, -50), (50, 50), (50, -50), (-50, 50))), "fence", "crosses"),
    "missing perimeter": (_drop("fence"), "features", "perimeter is missing"),
    "two perimeters": (_add("other", "perimeter", square(0, 0, 60)), "other", "one is allowed"),
    "perimeter with a hole": (_move("fence", [*square(0, 0, 50), *square(0, 0, 1)]), "fence", "holes"),
    "dock outside": (_move("dock", at(80, 0)), "dock", "outside the perimeter"),
    "waypoint outside": (_move("first", at(0, -51)), "first", "outside the perimeter"),
    "waypoint in keep-out": (_move("second", at(1, 21)), "second", "keep_out 'hole'"),
    "dock in keep-out": (_move("dock", at(0, 20)), "dock", "keep_out 'hole'"),
    "waypoint in building": (_move("first", at(21, 19)), "first", "building 'house'"),
    "unknown kind": (_set("yard", kind="swamp"), "yard", "unknown kind"),
    "kind that is no text": (_set("yard", kind=["zone"]), "yard", "unknown kind"),
    "unknown property": (_set("house", colour="red"), "colour", "unknown key"),
    "unknown purpose": (_set("yard", purpose="fun"), "purpose", "restricted"),
    "missing property": (lambda d: named(d, "house")["properties"].pop("height_m"), "height_m", "required"),
    "number as text": (_set("house", height_m="4"), "height_m", "number"),
    "negative limit": (_set("bend", limit_mps=0), "limit_mps", "greater than 0"),
    "control character": (_header(name="a\x1b[31m"), "site.name", "control character"),
    "half a surrogate pair": (lambda d: named(d, "yard").update(id="\ud800"), "features", "can be read"),
    "hour with a zone": (
        _set("yard", schedule=[{"days": ["mon"], "start": "22+01", "end": "23:00"}]),
        "schedule.0.start",
        "is no local time",
    ),
    "not finite": (_set("first", dwell_s=float("nan")), "dwell_s", "finite"),
    "unfinished position": (_move("dock", [11.0]), "dock", "longitude, latitude"),
    "position not finite": (_move("dock", [float("inf"), 53.0]), "dock", "finite"),
    "swapped, out of range": (_move("dock", [53.0, 111.0]), "dock", "swapped"),
    "swapped, far from the datum": (_move("dock", at(5, -40)[::-1]), "dock", "swapped"),
    "swapped polygon": (_move("fence", [[point[::-1] for point in square(0, 0, 50)[0]]]), "fence", "swapped"),
    "far away": (_move("dock", [12.5, 53.5]), "dock", "50 km"),
    "no place on Earth": (_move("dock", [200.0, 95.0]), "dock", "no place on Earth"),
    "duplicate id": (lambda d: named(d, "first").update(id="second"), "id", "features[9]"[:8]),
    "missing id": (lambda d: named(d, "house").pop("id"), "features[2].id", "text"),
    "unclosed ring": (_move("hole", [square(0, 20, 3)[0][:-1]]), "hole", "not closed"),
    "short ring": (_move("hole", [[at(0, 20), at(1, 20), at(0, 20)]]), "hole", "four positions"),
    "flat ring": (_move("hole", [[at(0, 20)] * 4]), "hole", "touches itself"),
    "wrong geometry": (_move("house", at(0, 0)), "house", "positions"),
    "point where a polygon must be": (lambda d: named(d, "house").update(geometry={"type": "Point"}), "house", "Polygon"),
    "no geometry": (lambda d: named(d, "house").update(geometry=None), "house", "Polygon"),
    "same order": (_set("second", order=0), "order", "first"),
    "gate in the middle": (_move("gate", [at(0, 0), at(3, 0)]), "gate", "perimeter"),
    "gate across the yard": (_move("gate", [at(0, -50), at(0, 0)]), "gate", "perimeter"),
    "floor that is not there": (_set("yard", floor=3), "floor", "level"),
    "lift to a floor that is not there": (_set("shaft", levels=[0, 3]), "levels", "no floor feature has this level"),
    "lift that names a floor twice": (_set("shaft", levels=[1, 0, 1]), "levels", "twice"),
    "cabin that no robot fits into": (_move("shaft", square(20, 24, 0.4)), "geometry", "narrower than 1.2 m"),
    "floor that no lift leads to": (
        lambda document: (_drop("shaft")(document), _set("first", floor=1)(document)),
        "floor",
        "no lift leads there",
    ),
    "empty schedule": (_set("yard", schedule=[]), "schedule", "at least 1"),
    "bad day": (_set("yard", schedule=[{"days": ["monday"], "start": "22:00", "end": "23:00"}]), "days", "mon"),
    "bad hour": (_set("yard", schedule=[{"days": ["mon"], "start": "25:00", "end": "23:00"}]), "start", "hour"),
    "bad time": (_set("yard", schedule=[{"days": ["mon"], "start": "ten", "end": "23:00"}]), "start", "22:30"),
    "bad time zone": (_header(time_zone="Mars/Olympus"), "time_zone", "IANA"),
    "time zone that climbs": (_header(time_zone="../../etc/passwd"), "time_zone", "IANA"),
    "bad site id": (_header(id="My Site!"), "site.id", "pattern"),
    "datum swapped out of range": (_header(datum=[53.0, 111.0, 0.0]), "datum", "less than"),
    "short datum": (_header(datum=[11.0, 53.0]), "datum", "required"),
    "missing header": (lambda d: d.pop("site"), "site", "missing"),
    "unknown member": (lambda d: d.update(comment="x"), "comment", "unknown member"),
    "other coordinates": (lambda d: d.update(crs={"properties": {"name": "EPSG:25832"}}), "crs", "WGS84"),
    "not a collection": (lambda d: d.update(type="Feature"), "type", "FeatureCollection"),
    "features no list": (lambda d: d.update(features={}), "features", "list"),
    "feature no object": (lambda d: d["features"].append(3), "features[15]", "Feature"),
    "feature with stray member": (lambda d: named(d, "house").update(style=1), "style", "unknown member"),
}


def test_faultless_site_has_no_faults(tmp_path: Path) -> None:
    assert check_site(write(tmp_path, site())) == ()


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_shipped_sites_have_no_faults(name: str) -> None:
    assert check_site(site_path(name)) == ()


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_names_the_fault(case: str, tmp_path: Path) -> None:
    breaks, where, because = BROKEN[case]
    document = site()
    breaks(document)
    path = write(tmp_path, document)
    faults = check_site(path)
    assert any(where in fault.field and because in fault.because for fault in faults), [str(fault) for fault in faults]
    with pytest.raises(BadInput):
        read_site(path)


def test_faults_do_not_hide_one_another(tmp_path: Path) -> None:
    document = site()
    for case in ("dock outside", "unknown kind", "unknown property", "same order", "negative limit"):
        BROKEN[case][0](document)
    faults = check_site(write(tmp_path, document))
    fields = " ".join(fault.field for fault in faults)
    assert len(faults) == 5
    assert all(part in fields for part in ("'dock'", "'yard'", "colour", "order", "limit_mps"))


def test_a_single_fault_is_said_once(tmp_path: Path) -> None:
    for case in (
        "self-crossing perimeter",
        "dock outside",
        "bad time zone",
        "unclosed ring",
        "swapped polygon",
        "missing header",
    ):
        document = site()
        BROKEN[case][0](document)
        assert len(check_site(write(tmp_path, document))) == 1, case


def test_corridor_lets_a_waypoint_into_a_building(tmp_path: Path) -> None:
    document = site()
    named(document, "first")["geometry"]["coordinates"] = at(20, 20)
    document["features"].append(feature("hall", "zone", square(20, 20, 2), purpose="corridor"))
    assert check_site(write(tmp_path, document)) == ()


@pytest.mark.parametrize(
    ("data", "because"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "one GeoJSON object"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"[" * 200_000, "too deeply"),
        (b'{"type": ' + b"1" * 5000 + b"}", "JSON|FeatureCollection"),
        (b'{"type": "FeatureCollection", "type": "x"}', "twice"),
        (b'{"crs": ' + b"[" * 900 + b"]" * 900 + b"}", "WGS84|deeply"),
    ],
)
def test_garbage_is_refused_in_words(data: bytes, because: str, tmp_path: Path) -> None:
    path = tmp_path / "site.geojson"
    path.write_bytes(data)
    faults = check_site(path)
    assert any(word in str(fault) for fault in faults for word in because.split("|"))
    assert all(len(str(fault)) < 600 for fault in faults)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    assert "can not be read" in str(check_site(tmp_path / "none.geojson")[0])
    assert "can not be read" in str(check_site(tmp_path)[0])
    long = tmp_path / "long.geojson"
    with long.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert "longer than" in str(check_site(long)[0])


def test_too_many_features_are_refused(tmp_path: Path) -> None:
    document = site()
    document["features"] = [1] * 5001
    assert any("more than 5000" in str(fault) for fault in check_site(write(tmp_path, document)))


def test_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "site.geojson"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(site()).encode())
    assert check_site(path) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    assert parse_bytes(data).faults


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_value_anywhere_breaks_the_reader(data: st.DataObject) -> None:
    """Put any JSON value anywhere in a faultless file: it is read whole or refused whole, never anything else."""
    document: Any = site()
    holder = document
    for _ in range(data.draw(st.integers(0, 5))):
        inner = [key for key in _keys(holder) if isinstance(holder[key], dict | list) and holder[key]]
        if not inner:
            break
        holder = holder[data.draw(st.sampled_from(inner))]
    holder[data.draw(st.sampled_from(_keys(holder)))] = data.draw(JSON)
    text = json.dumps(document)
    if check_draft(parse_bytes(text.encode())):
        with pytest.raises(BadInput, match="fault"):
            read_site_text(text, source="fuzz")
    else:
        assert read_site_text(text, source="fuzz").perimeter.is_valid


def _keys(holder: Any) -> list[Any]:
    return list(holder) if isinstance(holder, dict) else list(range(len(holder)))


def test_the_example_of_the_manual_has_no_faults() -> None:
    manual = (site_path("depot").parents[2] / "docs" / "sites.md").read_text("utf-8")
    example = manual.split("```json\n", 1)[1].split("```", 1)[0]
    assert check_draft(parse_bytes(example.encode())) == ()
    assert "patrol site check config/sites/depot.geojson" in manual
    assert all(f"| `{kind}` |" in manual for kind in RULES)
