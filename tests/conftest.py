# SPDX-License-Identifier: Apache-2.0
"""What holds for every test: none of them is judged by how long it takes on a busy machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("patrol", deadline=None)
settings.load_profile("patrol")
