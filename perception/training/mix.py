# SPDX-License-Identifier: Apache-2.0
"""The weighted mean of two weights: ``python -m perception.training.mix BEFORE AFTER --share 0.6 --out own.onnx``.

Between weights and what they became by a little more training, the mean often does better on what neither has seen than
either does (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from perception.training.onnx_graph import read_onnx, write_onnx


def mix(before: Path, after: Path, *, share: float, out: Path) -> None:
    """Write ``share`` of the weights in ``after`` and the rest of those in ``before`` to ``out``. Raises BadInput."""
    old, new = read_onnx(before), read_onnx(after)
    write_onnx({name: (1.0 - share) * old[name] + share * new[name] for name in old}, out)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write the weighted mean of two weights of the own detector.")
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--share", type=float, default=0.6, help="of the weights in AFTER, 0 to 1")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    if not 0.0 <= given.share <= 1.0:
        parser.error(f"--share: {given.share} is not between 0 and 1")
    mix(given.before, given.after, share=given.share, out=given.out)


if __name__ == "__main__":
    main()
