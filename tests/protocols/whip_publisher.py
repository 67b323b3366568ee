"""A WHIP publisher (RFC 9725) on aiortc: a picture that moves from dark to bright and back, and a steady tone. For the
first tenth of every second the tone falls silent, and the stripe at the right is white instead of black.

    python whip_publisher.py URL [TOKEN | --exact]

With `--exact` its sender reports say when each moment was due. aiortc by itself pairs a packet's timestamp with the time at
which the packet has left, however late its encoder and its loop were by then.

Offers what aiortc offers by itself, VP8 first. Prints one JSON line for the answer and one for each
change of state. A line on standard input is obeyed: `delete` ends the session over HTTP, `close` leaves
without a word to HTTP, `small` makes the picture half as large.
"""

import array
import asyncio
import contextvars
import fractions
import json
import math
import sys
import time
from urllib.parse import urljoin

import aiohttp
import av
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription, clock

URL = sys.argv[1]
EXACT = sys.argv[2:] == ["--exact"]
HEADERS = {"Authorization": f"Bearer {sys.argv[2]}"} if len(sys.argv) > 2 and not EXACT else {}

FPS = 30
RATE = 48_000
AMPLITUDE = 0.25
START = time.monotonic()


def say(**what):
    print(json.dumps(what), flush=True)


# When what is being sent was due; each sender is a task with a context of its own.
DUE = contextvars.ContextVar("due")


def exact_ntp_time(now=clock.current_ntp_time):
    late = time.monotonic() - DUE.get(time.monotonic())
    return now() - round(late * 2**32)


if EXACT:
    clock.current_ntp_time = exact_ntp_time


async def until(seconds):
    DUE.set(START + seconds)
    await asyncio.sleep(max(0, START + seconds - time.monotonic()))


class Picture(MediaStreamTrack):
    kind = "video"
    count = 0
    size = (640, 360)

    async def recv(self):
        n = self.count
        self.count += 1
        await until(n / FPS)
        width, height = self.size
        step = n % 60
        row = bytearray([40 + 5 * (step if step < 30 else 60 - step)] * width)
        bar = n * 4 % (width - 32)
        row[bar : bar + 32] = bytes([235] * 32)
        stripe = width // 8
        left = width * 13 // 16
        row[left : left + stripe] = bytes([235 if n % FPS < FPS // 10 else 16] * stripe)
        frame = av.VideoFrame(width, height, "yuv420p")
        luma, *chroma = frame.planes
        luma.update(bytes(row.ljust(luma.line_size, b"\0")) * height)
        for plane in chroma:
            plane.update(bytes([128]) * plane.buffer_size)
        frame.pts = n * 90_000 // FPS
        frame.time_base = fractions.Fraction(1, 90_000)
        return frame


class Tone(MediaStreamTrack):
    kind = "audio"
    count = 0

    async def recv(self):
        size = RATE // 50
        first = self.count * size
        self.count += 1
        await until(first / RATE)
        phases = (n % 96 / 96 for n in range(first, first + size))
        amplitude = 0 if first % RATE < RATE // 10 else AMPLITUDE
        wave = (round(math.sin(p * math.tau) * amplitude * 32767) for p in phases)
        frame = av.AudioFrame(format="s16", layout="stereo", samples=size)
        frame.planes[0].update(array.array("h", (v for w in wave for v in (w, w))).tobytes())
        frame.sample_rate = RATE
        frame.pts = first
        frame.time_base = fractions.Fraction(1, RATE)
        return frame


async def main():
    peer = RTCPeerConnection()
    peer.on("connectionstatechange", lambda: say(event="state", state=peer.connectionState))
    picture = Picture()
    peer.addTransceiver(picture, direction="sendonly")
    peer.addTransceiver(Tone(), direction="sendonly")
    await peer.setLocalDescription(await peer.createOffer())
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession(headers=HEADERS) as http:
        offer = {"data": peer.localDescription.sdp, "headers": {"Content-Type": "application/sdp"}}
        async with http.post(URL, **offer) as answer:
            sdp = await answer.text()
            say(event="answer", status=answer.status, headers=dict(answer.headers), sdp=sdp)
            if answer.status != 201:
                return
            session = urljoin(URL, answer.headers["Location"])
        await peer.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        while True:
            order = (await loop.run_in_executor(None, sys.stdin.readline)).strip()
            if order == "small":
                picture.size = (320, 180)
            elif order == "delete":
                async with http.delete(session) as answer:
                    say(event="deleted", status=answer.status)
            else:
                await peer.close()
                return


asyncio.run(main())
