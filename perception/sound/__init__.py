# SPDX-License-Identifier: Apache-2.0
"""What microphones hear → events with a bearing. No sound is kept beyond the last seconds, and none is handed on."""
