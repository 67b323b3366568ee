"""A WHIP publisher (RFC 9725) on GStreamer's webrtcbin: a ball that moves, and a steady tone. For the first tenth of
each second the picture is bright and the tone is silent, so that whoever watches can tell whether they are in step.

    python whip_gstreamer.py URL

Runs on the system's Python, which has GStreamer's bindings. Prints one JSON line for the answer, and one
for each change of state; leaves when its standard input ends.
"""

import json
import sys
import threading
import urllib.error
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

URL = sys.argv[1]

PIPELINE = """
webrtcbin name=peer bundle-policy=max-bundle
videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=640,height=360,framerate=30/1
  ! videobalance name=light ! videoconvert
  ! openh264enc complexity=low bitrate=1000000 gop-size=600 ! h264parse config-interval=-1
  ! rtph264pay aggregate-mode=zero-latency ! application/x-rtp,media=video,encoding-name=H264,payload=96
  ! queue ! peer.
audiotestsrc is-live=true wave=sine freq=500 volume=0.25 samplesperbuffer=441 ! volume name=tone
  ! audioconvert ! audioresample
  ! audio/x-raw,rate=48000,channels=2 ! opusenc ! rtpopuspay
  ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! queue ! peer.
"""


def say(**what):
    print(json.dumps(what), flush=True)


def marks(element, mark):
    """Calls `mark` with whether the moment of what comes next belongs to a mark."""

    def look(_, info):
        mark(element, info.get_buffer().pts % Gst.SECOND < Gst.SECOND // 10)
        return Gst.PadProbeReturn.OK

    element.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, look)


def main():
    Gst.init(None)
    loop = GLib.MainLoop()
    pipeline = Gst.parse_launch(PIPELINE)
    peer = pipeline.get_by_name("peer")
    marks(pipeline.get_by_name("light"), lambda light, on: light.set_property("brightness", 1.0 if on else 0.0))
    marks(pipeline.get_by_name("tone"), lambda tone, on: tone.set_property("mute", on))
    posted = threading.Event()

    def post(*_):
        state = peer.get_property("ice-gathering-state")
        if state != GstWebRTC.WebRTCICEGatheringState.COMPLETE or posted.is_set():
            return
        posted.set()
        offer = peer.get_property("local-description").sdp.as_text()
        request = urllib.request.Request(URL, offer.encode(), {"Content-Type": "application/sdp"})
        try:
            with urllib.request.urlopen(request) as answer:
                text = answer.read().decode()
                say(event="answer", status=answer.status, sdp=text)
        except urllib.error.HTTPError as error:
            say(event="answer", status=error.code, sdp=error.read().decode(), offer=offer)
            return
        _, sdp = GstSdp.SDPMessage.new_from_text(text)
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        peer.emit("set-remote-description", answer, None)

    def offered(promise, *_):
        # The offer lives as long as the reply that it is part of.
        reply = promise.get_reply()
        peer.emit("set-local-description", reply.get_value("offer"), None)

    def negotiate(_):
        peer.emit("create-offer", None, Gst.Promise.new_with_change_func(offered))

    def state(*_):
        say(event="state", state=peer.get_property("connection-state").value_nick)

    def leave():
        sys.stdin.read()
        loop.quit()

    peer.connect("on-negotiation-needed", negotiate)
    peer.connect("notify::ice-gathering-state", post)
    peer.connect("notify::connection-state", state)
    pipeline.set_state(Gst.State.PLAYING)
    threading.Thread(target=leave, daemon=True).start()
    loop.run()
    pipeline.set_state(Gst.State.NULL)


main()
