# SPDX-License-Identifier: Apache-2.0
"""Where to look more often: weights of places and things, learned without feeding on the patrol's own presence."""
