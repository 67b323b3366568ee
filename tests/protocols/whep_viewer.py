"""A WHEP viewer on aiortc: offers to watch, decodes, and prints one JSON line for what it sees.

    python whep_viewer.py

Prints its offer as `{"event": "offer", "sdp": …}`, reads the answer's SDP as one JSON string from
standard input, and then reports pictures, sound and state until it is ended or the other side leaves.
To each line `waits` that follows it answers with how many pictures and blocks of sound there were so far,
and how long, in seconds, it has waited at most for the next one of each since it was last asked; a wait that
goes on counts.

Where the source marks each second, by a box at the upper right that turns white and a sound that becomes much louder
or falls silent, both for a tenth of a second, it reports how many seconds the sounds were behind the pictures, one figure
for each mark so far: by the sender reports (RFC 3550, section 6.4.1), so that it does not depend on when anything came.
"""

import array
import asyncio
import collections
import json
import sys
import time

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtcpSrPacket


def say(**what):
    print(json.dumps(what), flush=True)


class Waits:
    """How long there was nothing new of a kind, by the clock of whoever watches."""

    def __init__(self):
        self.count = 0
        self.last = time.monotonic()
        self.longest = 0

    def came(self):
        self.longest = max(self.longest, time.monotonic() - self.last)
        self.last = time.monotonic()
        self.count += 1

    def tell(self):
        longest = max(self.longest, time.monotonic() - self.last)
        self.longest = 0
        return {"count": self.count, "longest": longest}


WAITS = {"video": Waits(), "audio": Waits()}


class Times:
    """The sender's time of day, in seconds, of what a receiver decodes."""

    def __init__(self, receiver, rate):
        self.receiver = receiver
        self.rate = rate
        self.report = None
        handle = receiver._handle_rtcp_packet

        async def look(packet):
            if isinstance(packet, RtcpSrPacket):
                self.report = packet.sender_info
            await handle(packet)

        receiver._handle_rtcp_packet = look

    def of(self, pts):
        """None before the first report."""
        mapper = self.receiver._RTCRtpReceiver__timestamp_mapper
        if self.report is None or mapper._origin is None:
            return None
        ticks = mapper._origin + pts - self.report.rtp_timestamp
        ticks = (ticks + 2**31) % 2**32 - 2**31
        return self.report.ntp_timestamp / 2**32 + ticks / self.rate


class Marks:
    """Pairs what marks a second in picture and sound."""

    def __init__(self):
        self.times = {}
        self.found = {"video": [], "audio": []}
        self.begun = {"video": None, "audio": None}
        self.peaks = collections.deque(maxlen=200)
        self.apart = []

    def note(self, kind, at, marked):
        """Whether a mark stands at a moment of this kind."""
        begun = self.begun[kind]
        if marked:
            self.begun[kind] = at if begun is None else begun
            return
        self.begun[kind] = None
        if begun is None or not 0.05 < at - begun < 0.25:
            return
        other = self.found["audio" if kind == "video" else "video"]
        near = [there for there in other if abs(there - begun) < 0.4]
        if not near:
            self.found[kind].append(begun)
            return
        other.remove(near[0])
        self.apart.append(begun - near[0] if kind == "audio" else near[0] - begun)
        say(event="mark", apart=self.apart)

    def picture(self, frame):
        at = self.times["video"].of(frame.pts)
        if at is None:
            return
        luma = frame.planes[0]
        row = bytes(luma)[frame.height * 3 // 32 * luma.line_size :]
        self.note("video", at, row[frame.width * 27 // 32] > 128)

    def sound(self, frame, values):
        at = self.times["audio"].of(frame.pts)
        if at is None:
            return
        channels = len(frame.layout.channels)
        step = 240
        for first in range(0, frame.samples - step + 1, step):
            block = values[first * channels : (first + step) * channels]
            peak = max(max(block), -min(block))
            self.peaks.append(peak)
            level = sorted(self.peaks)[len(self.peaks) // 2]
            louder = peak > max(level * 2, 1000)
            marked = louder or level > 300 and peak < level / 3
            self.note("audio", at + first / frame.sample_rate, marked)


MARKS = Marks()



async def watch(track):
    count = 0
    peaks = []
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            say(event="ended", kind=track.kind)
            return
        count += 1
        WAITS[track.kind].came()
        if track.kind == "audio":
            # Interleaved 16-bit samples; the plane may be longer.
            length = frame.samples * len(frame.layout.channels) * 2
            values = array.array("h", bytes(frame.planes[0])[:length])
            peaks.append(max(max(values), -min(values)))
            MARKS.sound(frame, values)
        else:
            MARKS.picture(frame)
        if count == 1 or count % 15 == 0:
            if track.kind == "video":
                size = {"width": frame.width, "height": frame.height}
            else:
                # The loudest since it was last said, and how loud it was usually: what publishes may be silent or louder for
                # a tenth of a second, and codecs overshoot where that begins and ends.
                size = {
                    "rate": frame.sample_rate,
                    "peak": max(peaks) / 32768,
                    "level": sorted(peaks)[len(peaks) // 2] / 32768,
                }
                peaks.clear()
            say(event=track.kind, count=count, at=frame.time, **size)


async def main():
    peer = RTCPeerConnection()
    for kind, rate in (("video", 90_000), ("audio", 48_000)):
        transceiver = peer.addTransceiver(kind, direction="recvonly")
        MARKS.times[kind] = Times(transceiver.receiver, rate)
    peer.on("track", lambda track: asyncio.ensure_future(watch(track)))
    peer.on("connectionstatechange", lambda: say(event="state", state=peer.connectionState))
    await peer.setLocalDescription(await peer.createOffer())
    say(event="offer", sdp=peer.localDescription.sdp)
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await peer.setRemoteDescription(RTCSessionDescription(json.loads(line), "answer"))
    loop = asyncio.get_running_loop()
    while order := await loop.run_in_executor(None, sys.stdin.readline):
        if order.strip() == "waits":
            say(event="waits", **{kind: waits.tell() for kind, waits in WAITS.items()})
    await asyncio.Event().wait()


asyncio.run(main())
