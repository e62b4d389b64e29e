# SPDX-License-Identifier: Apache-2.0
"""Where somebody who went out of sight may be now: particles that walk the free ground of the map."""
