# SPDX-License-Identifier: Apache-2.0
"""What is in the air: found in colour and thermal pictures, followed, placed, and told apart."""
