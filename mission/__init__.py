# SPDX-License-Identifier: Apache-2.0
"""Site, map and alerts → what to do next."""
