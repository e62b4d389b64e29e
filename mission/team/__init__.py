# SPDX-License-Identifier: Apache-2.0
"""Several robots as one patrol: who walks which beat, how they pass one another, what they tell, and who answers an alert."""
