# SPDX-License-Identifier: Apache-2.0
"""Ties a process to the one that started it: ``tether.py PARENT_PID COMMAND...`` becomes COMMAND and dies with its parent.

Run with ``python -I -S`` as a file of its own, so that it costs next to nothing; it imports the standard library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PARENT_IS_GONE = 125


def main() -> None:
    """Ask the kernel to kill this process when its parent dies, then become the command."""
    parent_pid, command = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent_pid:
        sys.exit(_PARENT_IS_GONE)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
