# SPDX-License-Identifier: Apache-2.0
"""Launch files of the package."""
