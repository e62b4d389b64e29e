# SPDX-License-Identifier: Apache-2.0
"""Which groups a rendered person belongs to, so that it can be measured whether a detector treats them alike."""

from __future__ import annotations

from sim.bodies.appearance import SKIN_TONES, Look, Rgb

_SKIN = ("light", "light", "medium", "medium", "dark", "dark")
_SLIM_BELOW, _STOUT_FROM = 0.97, 1.15
_DARK_BELOW, _LIGHT_FROM = 0.22, 0.60


def groups_of(look: Look) -> dict[str, str]:
    """Attribute to group: skin, clothing, body, age, aid, pose."""
    return {
        "skin": _SKIN[SKIN_TONES.index(look.skin)],
        "clothing": _clothing(look),
        "body": "slim" if look.girth < _SLIM_BELOW else "stout" if look.girth >= _STOUT_FROM else "average",
        "age": look.age,
        "aid": "wheelchair" if look.bearing == "sitting" else "none",
        "pose": look.bearing,
    }


def _clothing(look: Look) -> str:
    if look.top == "vest":
        return "high visibility"
    light = 0.6 * _luminance(look.top_rgb) + 0.4 * _luminance(look.trousers_rgb)
    return "dark" if light < _DARK_BELOW else "light" if light >= _LIGHT_FROM else "medium"


def _luminance(rgb: Rgb) -> float:
    """Rec. 709 weights on the values as drawn."""
    red, green, blue = rgb
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
