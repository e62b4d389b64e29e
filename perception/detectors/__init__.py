# SPDX-License-Identifier: Apache-2.0
"""The detectors themselves: each decodes its own network's output."""
