# SPDX-License-Identifier: Apache-2.0
"""What can go wrong in perception, by name."""

from __future__ import annotations

from patrol.errors import PatrolError


class ModelMissing(PatrolError):
    """A detector's weights are not where they should be, or can not be read."""


class DetectorFailed(PatrolError):
    """The detector could not look at this picture. Nothing is known about who is in it."""


class MaskingFailed(PatrolError):
    """The anonymiser could not prove that a picture shows nobody. The picture must be covered."""
