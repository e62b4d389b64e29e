# SPDX-License-Identifier: Apache-2.0
"""The detector that every described network makes: fit the picture, run, decode, pick."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from patrol.percepts import Detection
from patrol.sensors import Image
from perception.detectors.decoding import decode
from perception.detectors.description import ModelDescription, describe
from perception.detectors.far_look import joined, strip_of
from perception.detectors.fitting import fit
from perception.detectors.networks import Network, open_network
from perception.detectors.picking import Selection, pick

OWN = "own"


class NetworkDetector:
    """A network with its description."""

    def __init__(
        self, described: ModelDescription, network: Network, selection: Selection, *, input_width_px: int | None = None
    ) -> None:
        """``input_width_px`` instead of the described width of the input; a larger one finds smaller things."""
        self._described = described
        self._network = network
        self._selection = replace(selection, vote_from=described.output.vote_from)
        self._width_px = input_width_px or described.input.width_px

    def detect(self, image: Image) -> tuple[Detection, ...]:
        """What the network finds in ``image``; raises DetectorFailed."""
        far, chosen = self._described.input.far, self._selection
        whole = self._look(image, self._width_px)
        if far is None:
            return whole
        strip = strip_of(image, far, self._width_px)
        closer = self._look(strip.image, strip.side_px)
        return joined(whole, closer, far, strip, overlap_max=chosen.overlap_max, score_min=chosen.score_min)

    def _look(self, image: Image, side_px: int) -> tuple[Detection, ...]:
        """What one run of the network finds in ``image``, or a part of one."""
        described = self._described
        fitted = fit(image, described.input, side_px)
        tensors = self._network.run(fitted.batch)
        size_px = fitted.width_px, fitted.height_px
        boxes, scores = decode(tensors, described.output, size_px=size_px, classes=len(described.classes))
        return pick(image, described.classes, self._selection, boxes=boxes * fitted.to_picture, scores=scores)


def own_detector(weights: Path, selection: Selection) -> NetworkDetector:
    """The project's own network with ``weights``, as the trainer writes them. Raises ModelMissing."""
    described = describe(OWN)
    return NetworkDetector(described, open_network(described, weights), selection)
