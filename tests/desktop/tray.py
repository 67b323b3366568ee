"""A desktop's tray, for the window's tests: takes icons, and presses what stands in their menus.

Reads a line of JSON for each wish, and writes one of JSON for each answer. Speaks StatusNotifierWatcher and
com.canonical.dbusmenu on the session bus that DBUS_SESSION_BUS_ADDRESS names.
"""

import json
import sys

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

NAME = "org.kde.StatusNotifierWatcher"
PATH = "/StatusNotifierWatcher"
WATCHER = Gio.DBusNodeInfo.new_for_xml(
    """<node><interface name="org.kde.StatusNotifierWatcher">
      <method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
      <method name="RegisterStatusNotifierHost"><arg type="s" direction="in"/></method>
      <property name="RegisteredStatusNotifierItems" type="as" access="read"/>
      <property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
      <property name="ProtocolVersion" type="i" access="read"/>
      <signal name="StatusNotifierItemRegistered"><arg type="s"/></signal>
      <signal name="StatusNotifierItemUnregistered"><arg type="s"/></signal>
      <signal name="StatusNotifierHostRegistered"/>
    </interface></node>"""
).interfaces[0]

bus = Gio.bus_get_sync(Gio.BusType.SESSION)
items = []


def called(_bus, sender, _path, _interface, method, parameters, invocation):
    if method == "RegisterStatusNotifierItem":
        (service,) = parameters.unpack()
        items.append(sender if service.startswith("/") else service)
    invocation.return_value(None)


def asked(_bus, _sender, _path, _interface, name):
    return {
        "RegisteredStatusNotifierItems": GLib.Variant("as", items),
        "IsStatusNotifierHostRegistered": GLib.Variant("b", True),
        "ProtocolVersion": GLib.Variant("i", 0),
    }[name]


def call(path, interface, method, *arguments):
    types = {"GetLayout": "(iias)", "Event": "(isvu)", "Get": "(ss)"}
    value = GLib.Variant(types[method], arguments)
    answer = bus.call_sync(items[-1], path, interface, method, value, None, Gio.DBusCallFlags.NONE, 5000, None)
    return answer.unpack()


def told(name):
    return call("/StatusNotifierItem", "org.freedesktop.DBus.Properties", "Get", "org.kde.StatusNotifierItem", name)[0]


def entries(node, within=()):
    """All that a menu holds: where it is, what it says, and whether it is checked."""
    number, properties, children = node
    label = properties.get("label", "").replace("__", "_")
    place = (*within, label) if label else within
    if label:
        yield {"id": number, "place": list(place), "checked": properties.get("toggle-state") == 1}
    for child in children:
        yield from entries(child, place)


def menu():
    return list(entries(call(told("Menu"), "com.canonical.dbusmenu", "GetLayout", 0, -1, [])[1]))


def wish(line):
    if not items:
        return None
    if line["do"] == "look":
        return {"tip": told("ToolTip")[3], "menu": menu()}
    chosen = [one for one in menu() if one["place"] == line["place"]]
    for one in chosen:
        call(told("Menu"), "com.canonical.dbusmenu", "Event", one["id"], "clicked", GLib.Variant("i", 0), 0)
    return len(chosen) == 1


def heard(_channel, _condition):
    line = sys.stdin.readline()
    if not line:
        loop.quit()
        return False
    try:
        answer = wish(json.loads(line))
    except GLib.Error as error:
        answer = {"error": error.message}
    print(json.dumps(answer), flush=True)
    return True


bus.register_object(PATH, WATCHER, called, asked, None)
loop = GLib.MainLoop()
Gio.bus_own_name_on_connection(bus, NAME, Gio.BusNameOwnerFlags.NONE, lambda *_: print('"ready"', flush=True), None)
GLib.io_add_watch(sys.stdin.fileno(), GLib.IO_IN | GLib.IO_HUP, heard)
loop.run()
