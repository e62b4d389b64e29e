# SPDX-License-Identifier: Apache-2.0
"""The command centre: web service and page."""
