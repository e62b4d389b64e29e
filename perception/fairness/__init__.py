# SPDX-License-Identifier: Apache-2.0
"""Whether a detector treats people alike: recall and false alarms by groups that labelled pictures name."""
