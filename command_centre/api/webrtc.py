# SPDX-License-Identifier: Apache-2.0
"""Live pictures to browsers over WebRTC. The robot's H.264 passes through as it is: encoded once, whoever watches.

Only host candidates are offered; nothing outside is asked. Metadata stays inside the pictures as SEI, and the RTP timestamps
follow the robot's picture clock, so that the page can match both.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from fractions import Fraction

import av
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidStateError, OperationError
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from av.stream import Stream

from command_centre.api.errors import CentreError
from command_centre.api.fanout import PictureQueue
from command_centre.api.video_views import VideoView, VideoViews, Watch

_log = logging.getLogger(__name__)
_CONNECT_WITHIN_S = 15.0
_CLOCK = Fraction(1, 90_000)


class BadOffer(CentreError):
    """The browser's offer can not be used."""


class PassThroughTrack(MediaStreamTrack):
    """A video track whose pictures are encoded already."""

    kind = "video"

    def __init__(self, pictures: PictureQueue) -> None:
        super().__init__()
        self._pictures = pictures

    async def recv(self) -> av.Packet[Stream]:
        """The next access unit. Raises MediaStreamError, which ends the track, once the queue is closed."""
        picture = await self._pictures.next()
        if picture is None:
            self.stop()
            raise MediaStreamError
        packet = av.Packet(picture.data)
        packet.pts, packet.time_base = picture.pts_90khz, _CLOCK
        return packet


class PeerView(VideoView):
    """A view over WebRTC. It begins when the browser is connected, and ends when that takes too long."""

    def __init__(self, views: VideoViews, watch: Watch) -> None:
        """Raises TooMany."""
        super().__init__(views, watch)
        self._picture_lost = watch.fanout.want_keyframe
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peer.on("connectionstatechange", self._follow)
        self._watchdog = asyncio.create_task(self._give_up())

    async def answer(self, offer_sdp: str) -> str:
        """Take the browser's offer and return the answer with all candidates. Raises BadOffer."""
        transceiver = self._peer.addTransceiver(PassThroughTrack(self.pictures), direction="sendonly")
        transceiver.setCodecPreferences(_h264_capabilities())
        _tell_picture_loss(transceiver.sender, self._picture_lost)
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(sdp=offer_sdp, type="offer"))
            await self._peer.setLocalDescription(await self._peer.createAnswer())
        except (ValueError, KeyError, IndexError, AttributeError, AssertionError, InvalidStateError, OperationError) as error:
            await self.close()
            raise BadOffer(f"The video offer can not be used: {error}") from error
        return str(self._peer.localDescription.sdp)

    async def _hang_up(self) -> None:
        if self._watchdog is not asyncio.current_task():
            self._watchdog.cancel()
        await self._peer.close()

    async def _follow(self) -> None:
        state = self._peer.connectionState
        if state == "connected":
            await self.begin()
        elif state in ("failed", "closed"):
            await self.close()

    async def _give_up(self) -> None:
        await asyncio.sleep(_CONNECT_WITHIN_S)
        if not self.has_begun:
            _log.warning("video for %s: no connection within %g s", self.person.name, _CONNECT_WITHIN_S)
            await self.close()


def _h264_capabilities() -> list[RTCRtpCodecCapability]:
    """H.264 in packetisation mode 1: pictures larger than one packet."""
    return [
        codec
        for codec in RTCRtpSender.getCapabilities("video").codecs
        if codec.mimeType == "video/H264" and codec.parameters.get("packetization-mode") == "1"
    ]


def _tell_picture_loss(sender: RTCRtpSender, lost: Callable[[], None]) -> None:
    """Call ``lost`` when the browser reports picture loss (RTCP PLI or FIR, RFC 4585 and RFC 5104).

    The sender would hand that to its own encoder, which a track of encoded pictures does not use.
    """
    vars(sender)["_send_keyframe"] = lost
