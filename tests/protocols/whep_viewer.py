"""A WHEP viewer on aiortc: offers to watch, decodes, and prints one JSON line for what it sees.

    python whep_viewer.py

Prints its offer as `{"event": "offer", "sdp": …}`, reads the answer's SDP as one JSON string from
standard input, and then reports pictures, sound and state until it is ended or the other side leaves.
"""

import array
import asyncio
import json
import sys

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError


def say(**what):
    print(json.dumps(what), flush=True)


async def watch(track):
    count = 0
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            say(event="ended", kind=track.kind)
            return
        count += 1
        if count == 1 or count % 15 == 0:
            if track.kind == "video":
                size = {"width": frame.width, "height": frame.height}
            else:
                # Interleaved 16-bit samples; the plane may be longer.
                length = frame.samples * len(frame.layout.channels) * 2
                values = array.array("h", bytes(frame.planes[0])[:length])
                size = {"rate": frame.sample_rate, "peak": max(max(values), -min(values)) / 32768}
            say(event=track.kind, count=count, at=frame.time, **size)


async def main():
    peer = RTCPeerConnection()
    peer.addTransceiver("video", direction="recvonly")
    peer.addTransceiver("audio", direction="recvonly")
    peer.on("track", lambda track: asyncio.ensure_future(watch(track)))
    peer.on("connectionstatechange", lambda: say(event="state", state=peer.connectionState))
    await peer.setLocalDescription(await peer.createOffer())
    say(event="offer", sdp=peer.localDescription.sdp)
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await peer.setRemoteDescription(RTCSessionDescription(json.loads(line), "answer"))
    await asyncio.Event().wait()


asyncio.run(main())
