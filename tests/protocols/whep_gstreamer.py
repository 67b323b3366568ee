"""A WHEP viewer on GStreamer's webrtcbin, whose DTLS certificate is an RSA one: it decodes what comes.

    python whep_gstreamer.py URL

Runs on the system's Python, which has GStreamer's bindings. Prints one JSON line for the answer, one for each
change of state, and one for what it sees and hears now and then, as whep_viewer.py does; leaves when its
standard input ends.
"""

import array
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

CAPS = {
    "video": "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000,"
    "packetization-mode=(string)1,profile-level-id=(string)42e01f",
    "audio": "application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000,encoding-params=(string)2",
}

DECODE = {
    "video": "rtph264depay ! h264parse ! {decoder} ! videoconvert ! video/x-raw,format=I420",
    "audio": "rtpopusdepay ! opusdec ! audioconvert ! audio/x-raw,format=S16LE",
}


SAYING = threading.Lock()


def say(**what):
    # Picture and sound have threads of their own.
    with SAYING:
        print(json.dumps(what), flush=True)


# Of the sound since it was last said.
PEAKS = []


def seen(_, buffer, pad, kind, counts):
    counts[kind] += 1
    count = counts[kind]
    if kind == "audio":
        values = array.array("h", buffer.extract_dup(0, buffer.get_size()))
        PEAKS.append(max(max(values), -min(values)))
    if count > 1 and count % 15:
        return
    caps = pad.get_current_caps().get_structure(0)
    if kind == "video":
        size = {"width": caps.get_value("width"), "height": caps.get_value("height")}
    else:
        # How loud it was usually: a tenth of what publishes is a mark, which may be silence.
        size = {"rate": caps.get_value("rate"), "level": sorted(PEAKS)[len(PEAKS) // 2] / 32768}
        PEAKS.clear()
    say(event=kind, count=count, at=buffer.pts / Gst.SECOND, **size)


def main():
    Gst.init(None)
    loop = GLib.MainLoop()
    pipeline = Gst.Pipeline.new()
    peer = Gst.ElementFactory.make("webrtcbin")
    peer.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
    pipeline.add(peer)
    posted = threading.Event()
    counts = {"video": 0, "audio": 0}
    # Whichever of them this machine has.
    decoder = next(name for name in ("openh264dec", "avdec_h264") if Gst.ElementFactory.find(name))

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
                say(event="answer", status=answer.status, sdp=text, offer=offer)
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

    def added(_, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        kind = pad.get_current_caps().get_structure(0).get_value("media")
        chain = DECODE[kind].format(decoder=decoder)
        sink = Gst.parse_bin_from_description(f"queue ! {chain} ! fakesink name=sink signal-handoffs=true sync=false", True)
        sink.get_by_name("sink").connect("handoff", seen, kind, counts)
        pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def state(*_):
        say(event="state", state=peer.get_property("connection-state").value_nick)

    def leave():
        sys.stdin.read()
        loop.quit()

    peer.connect("on-negotiation-needed", negotiate)
    peer.connect("notify::ice-gathering-state", post)
    peer.connect("notify::connection-state", state)
    peer.connect("pad-added", added)
    for caps in CAPS.values():
        peer.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, Gst.Caps.from_string(caps))
    pipeline.set_state(Gst.State.PLAYING)
    threading.Thread(target=leave, daemon=True).start()
    loop.run()
    pipeline.set_state(Gst.State.NULL)


main()
