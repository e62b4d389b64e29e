# SPDX-License-Identifier: Apache-2.0
"""Where the rooms are joined: command line, lockstep runner, process supervision."""
