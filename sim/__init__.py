# SPDX-License-Identifier: Apache-2.0
"""The embedded simulator: worlds, a robot, actors, scenarios and faults; the same measurements as a robot, in simulated time.

Only this room and tests read ground truth. Pictures are drawn without a display: by EGL where it is installed, else by OSMesa.
"""

import ctypes
import os


def _has_egl() -> bool:
    try:
        ctypes.CDLL("libEGL.so.1")
    except OSError:
        return False
    return True


os.environ.setdefault("MUJOCO_GL", "egl" if _has_egl() else "osmesa")
