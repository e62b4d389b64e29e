# SPDX-License-Identifier: Apache-2.0
"""Migrations of the command centre's database."""
