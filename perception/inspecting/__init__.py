# SPDX-License-Identifier: Apache-2.0
"""What an inspection finds: pictures from all around, temperature and size of one thing."""
