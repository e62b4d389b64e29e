# SPDX-License-Identifier: Apache-2.0
"""Launch files, one a backend."""
