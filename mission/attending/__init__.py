# SPDX-License-Identifier: Apache-2.0
"""What may interrupt a round: looking for somebody who raised an alert and went out of sight, and looking at a thing from all
around. The round goes on where it was."""
