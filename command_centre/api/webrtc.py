# SPDX-License-Identifier: Apache-2.0
"""Live pictures to browsers over WebRTC. The robot's H.264 passes through as it is: encoded once, whoever watches.

Only host candidates are offered; nothing outside is asked. Metadata stays inside the pictures as SEI, and the RTP timestamps
follow the robot's picture clock, so that the page can match both.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from fractions import Fraction

import av
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidStateError
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from av.stream import Stream

from command_centre.api.accounts import Person
from command_centre.api.errors import CentreError, TooMany
from command_centre.api.fanout import Fanout, PictureQueue

_log = logging.getLogger(__name__)
_CONNECT_WITHIN_S = 15.0
_CLOCK = Fraction(1, 90_000)

Note = Callable[[str, Person, dict[str, object]], Awaitable[None]]


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


class VideoView:
    """One viewer of one stream. ``note`` writes the beginning and the end of the view on the audit log."""

    def __init__(self, person: Person, subject: str, fanout: Fanout, note: Note, forget: Callable[[VideoView], None]) -> None:
        self.person = person
        self._subject = subject
        self._fanout = fanout
        self._note = note
        self._forget = forget
        self._pictures = fanout.join()
        self._began_s: float | None = None
        self._ended = False
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peer.on("connectionstatechange", self._follow)
        self._watchdog = asyncio.create_task(self._give_up())

    async def answer(self, offer_sdp: str) -> str:
        """Take the browser's offer and return the answer with all candidates. Raises BadOffer."""
        transceiver = self._peer.addTransceiver(PassThroughTrack(self._pictures), direction="sendonly")
        transceiver.setCodecPreferences(_h264_capabilities())
        _tell_picture_loss(transceiver.sender, self._fanout.want_keyframe)
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(sdp=offer_sdp, type="offer"))
            await self._peer.setLocalDescription(await self._peer.createAnswer())
        except (ValueError, KeyError, IndexError, AttributeError, InvalidStateError) as error:
            await self.close()
            raise BadOffer(f"The video offer can not be used: {error}") from error
        return str(self._peer.localDescription.sdp)

    async def close(self) -> None:
        """End the view. Closing twice does nothing."""
        if self._ended:
            return
        self._ended = True
        self._forget(self)
        self._fanout.leave(self._pictures)
        if self._watchdog is not asyncio.current_task():
            self._watchdog.cancel()
        await self._peer.close()
        if self._began_s is not None:
            watched_s = round(time.monotonic() - self._began_s, 1)
            await self._note("video stopped", self.person, {"stream": self._subject, "watched_s": watched_s})

    async def _follow(self) -> None:
        state = self._peer.connectionState
        if state == "connected" and self._began_s is None:
            self._began_s = time.monotonic()
            self._fanout.want_keyframe()
            await self._note("video started", self.person, {"stream": self._subject})
        elif state in ("failed", "closed"):
            await self.close()

    async def _give_up(self) -> None:
        await asyncio.sleep(_CONNECT_WITHIN_S)
        if self._began_s is None:
            _log.warning("video for %s: no connection within %g s", self.person.name, _CONNECT_WITHIN_S)
            await self.close()


class VideoViews:
    """All video views that are open."""

    def __init__(self, *, limit: int, note: Note) -> None:
        self._limit = limit
        self._note = note
        self._views: set[VideoView] = set()

    def __len__(self) -> int:
        return len(self._views)

    async def open(self, person: Person, subject: str, fanout: Fanout, offer_sdp: str) -> str:
        """Begin a view; returns the SDP answer. Raises TooMany or BadOffer."""
        if len(self._views) >= self._limit:
            raise TooMany("Too many people watch the video at once.", retry_after_s=30.0)
        view = VideoView(person, subject, fanout, self._note, self._views.discard)
        self._views.add(view)
        return await view.answer(offer_sdp)

    async def close_where(self, ends: Callable[[Person], bool]) -> None:
        """End the views of everybody for whom ``ends`` holds."""
        for view in [view for view in self._views if ends(view.person)]:
            await view.close()


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
