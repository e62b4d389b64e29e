# SPDX-License-Identifier: Apache-2.0
"""When patrols begin, wait and are called off: weekly calendars in the site's time, through both daylight-saving nights."""
