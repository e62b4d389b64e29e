# SPDX-License-Identifier: Apache-2.0
"""Which processes make up the stack, with what settings, and the environment that they run in."""
