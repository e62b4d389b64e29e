# SPDX-License-Identifier: Apache-2.0
"""The command centre's service: robots dial in, people watch and command, and everything that people do is on the audit log."""
