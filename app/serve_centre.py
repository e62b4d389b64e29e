# SPDX-License-Identifier: Apache-2.0
"""The command centre as a process; settings come from ``PATROL_CENTRE_*`` variables."""

from __future__ import annotations

import asyncio
import logging
import os
import signal

from command_centre.api.serve import serve
from command_centre.api.settings import Settings, settings_from_environment

log = logging.getLogger(__name__)


async def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises NotServing."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, stop=stop, ready=lambda address: log.info("serving %s", address))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(run(settings_from_environment(os.environ)))
