"""A recorder over a WebSocket, on aiohttp: what FFmpeg makes, as fragments of MP4 in binary messages.

    python ws_publisher.py URL FFMPEG

Prints one JSON line when the connection is open, or what it was refused with, and one when it is closed. A line on
standard input closes it.
"""

import asyncio
import json
import sys

import aiohttp

URL, FFMPEG = sys.argv[1:]

SOURCE = [
    *("-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30"),
    *("-f", "lavfi", "-i", "sine=1000:r=48000", "-t", "300"),
    *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"),
    *("-profile:v", "baseline", "-pix_fmt", "yuv420p", "-g", "30"),
    *("-c:a", "aac", "-ac", "2", "-flush_packets", "1"),
    *("-f", "mp4", "-movflags", "empty_moov+default_base_moof", "-frag_duration", "100000", "pipe:1"),
]


def say(**what):
    print(json.dumps(what), flush=True)


async def send(socket, made):
    while data := await made.read(65_536):
        await socket.send_bytes(data)


async def main():
    async with aiohttp.ClientSession() as http:
        try:
            socket = await http.ws_connect(URL)
        except aiohttp.WSServerHandshakeError as refused:
            say(event="refused", status=refused.status)
            return
        say(event="open")
        recorder = await asyncio.create_subprocess_exec(FFMPEG, *SOURCE, stdout=asyncio.subprocess.PIPE)
        sending = asyncio.ensure_future(send(socket, recorder.stdout))
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        sending.cancel()
        recorder.kill()
        await recorder.wait()
        await socket.close()
        say(event="closed")


asyncio.run(main())
