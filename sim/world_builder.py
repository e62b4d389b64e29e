# SPDX-License-Identifier: Apache-2.0
"""Writes the shipped sites: for each one the site file and the world that matches it. ``python -m sim.world_builder``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sim import world_builder_border, world_builder_depot, world_builder_prison
from sim.world_builder_model import to_sdf
from sim.world_builder_site import to_geojson

ROOT = Path(__file__).resolve().parents[1]
LAYOUTS = {"depot": world_builder_depot, "prison": world_builder_prison, "border": world_builder_border}


def site_path(name: str, root: Path = ROOT) -> Path:
    """Where the site file called ``name`` is shipped."""
    return root / "config" / "sites" / f"{name}.geojson"


def world_path(name: str, root: Path = ROOT) -> Path:
    """Where the world called ``name`` is shipped."""
    return root / "sim" / "worlds" / f"{name}.sdf"


def outputs(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Every file that this script writes, and its text."""
    for name, layout in LAYOUTS.items():
        yield site_path(name, root), to_geojson(layout.HEADER, layout.features())
        yield world_path(name, root), to_sdf(name, layout.models())


def main() -> None:
    """Write all files."""
    for path, text in outputs():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
