"""A WHIP server (RFC 9725) on aiortc that decodes what it is sent.

Prints one JSON line when it listens and one for each thing that happens: offers and refusals,
the first and every tenth picture with its size and its luma, sound with its level, and DELETE.
Keyframes are asked for with PLI by aiortc itself, when it cannot decode.

    python whip_server.py TOKEN

`POST /whip` takes offers with `Authorization: Bearer TOKEN`. `/moved` redirects there with 307,
`/found` with 302. `/broken` is out of order, and `/circle` redirects to itself.
"""

import array
import asyncio
import json
import secrets
import sys

from aiohttp import web
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

TOKEN = sys.argv[1]
sessions = {}


def say(**what):
    print(json.dumps(what), flush=True)


async def watch(track):
    pictures = samples = 0
    loudest = 0
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if track.kind == "video":
            pictures += 1
            if pictures == 1 or pictures % 10 == 0:
                luma = bytes(frame.planes[0])
                say(
                    event="picture",
                    count=pictures,
                    width=frame.width,
                    height=frame.height,
                    luma=sum(luma) / len(luma),
                    at=frame.time,
                )
        else:
            # Interleaved 16-bit samples; the plane may be longer.
            size = frame.samples * len(frame.layout.channels) * 2
            values = array.array("h", bytes(frame.planes[0])[:size])
            loudest = max(loudest, max(values), -min(values))
            samples += frame.samples
            if samples % frame.sample_rate < frame.samples:
                say(
                    event="sound",
                    samples=samples,
                    rate=frame.sample_rate,
                    channels=len(frame.layout.channels),
                    peak=loudest / 32768,
                    at=frame.time,
                )
                loudest = 0


def refused(request):
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        say(event="refused", method=request.method)
        return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
    return None


async def offer(request):
    if answer := refused(request):
        return answer
    if request.content_type != "application/sdp":
        return web.Response(status=415)
    peer = RTCPeerConnection()
    name = secrets.token_hex(16)
    sessions[name] = peer

    @peer.on("track")
    def on_track(track):
        asyncio.ensure_future(watch(track))

    @peer.on("connectionstatechange")
    def on_state():
        say(event="state", state=peer.connectionState)

    sdp = await request.text()
    say(event="offer", sdp=sdp)
    await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
    await peer.setLocalDescription(await peer.createAnswer())
    return web.Response(
        status=201,
        content_type="application/sdp",
        headers={"Location": f"sessions/{name}", "ETag": '"1"'},
        text=peer.localDescription.sdp,
    )


async def delete(request):
    if answer := refused(request):
        return answer
    peer = sessions.pop(request.match_info["name"], None)
    if peer is None:
        return web.Response(status=404)
    say(event="deleted")
    await peer.close()
    return web.Response()


def redirect(status, to="/live/whip"):
    async def handler(_request):
        say(event="redirected", status=status)
        return web.Response(status=status, headers={"Location": to})

    return handler


async def broken(_request):
    return web.Response(status=503, headers={"Retry-After": "7"})


async def main():
    app = web.Application()
    app.router.add_post("/live/whip", offer)
    app.router.add_delete("/live/sessions/{name}", delete)
    app.router.add_post("/moved", redirect(307))
    app.router.add_post("/found", redirect(302))
    app.router.add_post("/circle", redirect(307, "/circle"))
    app.router.add_post("/broken", broken)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    say(event="listening", port=site._server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


asyncio.run(main())
