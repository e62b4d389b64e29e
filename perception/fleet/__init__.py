# SPDX-License-Identifier: Apache-2.0
"""What several robots see, as one: one track and one incident for each intruder, whoever sees it."""
