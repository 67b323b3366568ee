"""A WHIP endpoint (RFC 9725) on GStreamer's webrtcbin, which decodes what it is sent.

    python whip_gstreamer_server.py [LEFT,TOP,WIDTH,HEIGHT]

Given a part of the picture, it also says when that flashes and when the sound beeps, each in seconds of its own
clock, on which GStreamer puts both as the sender's reports tell it.

Runs on the system's Python, which has GStreamer's bindings. Prints one JSON line when it listens and one for
each thing that happens: offers and answers, every tenth picture with its size, the level of the sound, and DELETE.
It takes one session, knows nothing of PATCH, and leaves when its standard input ends.
"""

import array
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

VIDEO = "queue ! rtph264depay ! h264parse ! avdec_h264 ! fakesink name=end sync=false signal-handoffs=true"
AUDIO = (
    "queue ! rtpopusdepay ! opusdec ! audioconvert ! audio/x-raw,format=S16LE ! level interval=500000000"
    " ! fakesink name=end sync=false signal-handoffs=true"
)

# The part of the picture that flashes, and how bright it is then; how loud a beep is, between the tone and itself.
BOX = [int(n) for n in sys.argv[1].split(",")] if len(sys.argv) > 1 else None
BRIGHT = 130
LOUD = 0.25 * 32768


saying = threading.Lock()


def say(**what):
    # Several threads speak.
    with saying:
        print(json.dumps(what), flush=True)


class Session:
    """One offer, answered in the main loop of GStreamer."""

    def __init__(self, offer):
        self.answered = threading.Event()
        self.answer = None
        self.pictures = 0
        self.bright = True
        self.quiet = 0
        self.pipeline = Gst.Pipeline.new()
        self.peer = Gst.ElementFactory.make("webrtcbin", "peer")
        self.peer.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.pipeline.add(self.peer)
        self.peer.connect("pad-added", self.media)
        self.peer.connect("notify::ice-gathering-state", self.gathered)
        self.peer.connect("notify::connection-state", self.state)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::element", self.level)
        bus.connect("message::error", lambda _, message: say(event="error", text=str(message.parse_error())))
        self.pipeline.set_state(Gst.State.PLAYING)
        _, sdp = GstSdp.SDPMessage.new_from_text(offer)
        offer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, sdp)
        self.peer.emit("set-remote-description", offer, Gst.Promise.new_with_change_func(self.known))

    def known(self, *_):
        self.peer.emit("create-answer", None, Gst.Promise.new_with_change_func(self.made))

    def made(self, promise, *_):
        # The answer lives as long as the reply that it is part of.
        reply = promise.get_reply()
        self.peer.emit("set-local-description", reply.get_value("answer"), None)

    def gathered(self, *_):
        state = self.peer.get_property("ice-gathering-state")
        description = self.peer.get_property("local-description")
        if state == GstWebRTC.WebRTCICEGatheringState.COMPLETE and description is not None:
            self.answer = description.sdp.as_text()
            self.answered.set()

    def state(self, *_):
        say(event="state", state=self.peer.get_property("connection-state").value_nick)

    def media(self, _, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        kind = pad.get_current_caps().get_structure(0).get_string("media")
        chain = Gst.parse_bin_from_description(VIDEO if kind == "video" else AUDIO, True)
        handler = self.picture if kind == "video" else self.sound
        chain.get_by_name("end").connect("handoff", handler)
        self.pipeline.add(chain)
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad("sink"))

    def picture(self, _, buffer, pad):
        self.pictures += 1
        if self.pictures % 10 == 0:
            caps = pad.get_current_caps().get_structure(0)
            _, width = caps.get_int("width")
            _, height = caps.get_int("height")
            say(event="picture", count=self.pictures, width=width, height=height)
        if BOX is not None:
            caps = pad.get_current_caps().get_structure(0)
            _, across = caps.get_int("width")
            self.flash(buffer, across)

    def flash(self, buffer, across):
        left, top, width, height = BOX
        found, mapped = buffer.map(Gst.MapFlags.READ)
        if not found:
            return
        # The rows of the luma of this size stand without padding.
        rows = (mapped.data[y * across + left : y * across + left + width] for y in range(top, top + height))
        mean = sum(sum(row) for row in rows) / (width * height)
        buffer.unmap(mapped)
        if mean > BRIGHT and not self.bright:
            say(event="flash", at=buffer.pts / 1e9)
        self.bright = mean > BRIGHT

    def sound(self, _, buffer, pad):
        if BOX is None:
            return
        caps = pad.get_current_caps().get_structure(0)
        _, rate = caps.get_int("rate")
        _, channels = caps.get_int("channels")
        found, mapped = buffer.map(Gst.MapFlags.READ)
        if not found:
            return
        samples = array.array("h", bytes(mapped.data))[::channels]
        buffer.unmap(mapped)
        for n, sample in enumerate(samples):
            if abs(sample) < LOUD:
                self.quiet += 1
                continue
            # A wave is quiet in between, too.
            if self.quiet > rate / 20:
                say(event="beep", at=buffer.pts / 1e9 + n / rate)
            self.quiet = 0

    def level(self, _, message):
        structure = message.get_structure()
        if structure.get_name() == "level":
            peaks = structure.get_value("peak")
            say(event="sound", peak=10 ** (max(peaks) / 20), channels=len(peaks))

    def end(self):
        self.pipeline.set_state(Gst.State.NULL)


class Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sessions = []

    def log_message(self, *_):
        pass

    def reply(self, status, body="", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_OPTIONS(self):
        self.reply(204)

    def do_POST(self):
        offer = self.rfile.read(int(self.headers["Content-Length"])).decode()
        say(event="offer", sdp=offer)
        made = []
        ready = threading.Event()

        def make():
            made.append(Session(offer))
            ready.set()

        GLib.idle_add(make)
        ready.wait()
        made[0].answered.wait(30)
        Endpoint.sessions.append(made[0])
        say(event="answer", sdp=made[0].answer)
        self.reply(201, made[0].answer, Content_Type="application/sdp", Location="/sessions/1")

    def do_PATCH(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        say(event="patched")
        self.reply(405)

    def do_DELETE(self):
        for session in Endpoint.sessions:
            session.end()
        Endpoint.sessions.clear()
        say(event="deleted")
        self.reply(200)


def main():
    Gst.init(None)
    loop = GLib.MainLoop()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def leave():
        sys.stdin.read()
        loop.quit()

    threading.Thread(target=leave, daemon=True).start()
    say(event="listening", port=server.server_address[1])
    loop.run()


main()
