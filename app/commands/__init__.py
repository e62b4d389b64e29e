# SPDX-License-Identifier: Apache-2.0
"""The subcommands of ``patrol``, one module a subject."""
