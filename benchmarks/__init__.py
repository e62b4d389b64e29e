# SPDX-License-Identifier: Apache-2.0
"""One file a benchmark; each ends with one JSON line of figures."""
