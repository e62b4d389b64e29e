# SPDX-License-Identifier: Apache-2.0
"""What stays after a patrol: recordings and reports."""
