# SPDX-License-Identifier: Apache-2.0
"""Training of the project's own detector on its own renderings. Needs torch and onnx, which nothing else needs."""
