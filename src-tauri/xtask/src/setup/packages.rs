//! Which packages of which system.

use std::fs;

use super::For;

/// The system this runs on.
pub(super) enum System {
    /// Debian and what descends from it: installed by apt.
    Debian {
        /// Ubuntu ships Chromium as a snap only.
        ubuntu: bool,
    },
    /// Another Linux, by its identity in `/etc/os-release`.
    Linux(String),
    /// macOS.
    Mac,
    /// Windows.
    Windows,
}

/// To build.
const BUILD: &[&str] = &[
    "build-essential",
    "clang",
    "cmake",
    "libasound2-dev",
    "libclang-dev",
    "libdbus-1-dev",
    "libegl-dev",
    "libgbm-dev",
    "libpipewire-0.3-dev",
    "libv4l-dev",
    "libwayland-dev",
    "libwebkit2gtk-4.1-dev",
    "libxcb-randr0-dev",
    "libxcb-shm0-dev",
    "libxcb1-dev",
    "nasm",
    "pkg-config",
];

/// To run: a software GPU, fonts, and the codecs of the window.
const RUN: &[&str] = &[
    "fonts-dejavu-core",
    "gstreamer1.0-libav",
    "gstreamer1.0-plugins-bad",
    "libasound2-plugins",
    "mesa-vulkan-drivers",
];

/// To test: displays, browsers, and peers that were not written here.
const TEST: &[&str] = &[
    "coturn",
    "dbus-bin",
    "dbus-daemon",
    "ffmpeg",
    "gir1.2-gst-plugins-bad-1.0",
    "gnome-keyring",
    "gstreamer1.0-nice",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-tools",
    "imagemagick",
    "iproute2",
    "libnginx-mod-rtmp",
    "nftables",
    "nginx",
    "obs-studio",
    "openbox",
    "pulseaudio",
    "pulseaudio-utils",
    "python3-gi",
    "python3-venv",
    "webkit2gtk-driver",
    "x11-apps",
    "x11-utils",
    "xauth",
    "xdotool",
    "xvfb",
];

/// Ubuntu has neither as a package.
const BROWSERS: &[&str] = &["chromium", "firefox-esr"];

/// The packages of Debian and its descendants.
pub(super) fn debian(purpose: For, ubuntu: bool) -> Vec<&'static str> {
    let mut list = [BUILD, RUN].concat();
    if purpose == For::Tests {
        list.extend(TEST);
        if !ubuntu {
            list.extend(BROWSERS);
        }
    }
    list
}

/// What kind of system this is.
pub(super) fn detect() -> System {
    if cfg!(target_os = "macos") {
        return System::Mac;
    }
    if cfg!(windows) {
        return System::Windows;
    }
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let field = |name: &str| {
        release
            .lines()
            .find_map(|l| l.strip_prefix(name)?.strip_prefix('='))
            .unwrap_or_default()
            .trim_matches('"')
            .to_owned()
    };
    let (id, like) = (field("ID"), field("ID_LIKE"));
    let family: Vec<&str> = like.split_whitespace().chain([id.as_str()]).collect();
    if family.contains(&"debian") || family.contains(&"ubuntu") {
        let ubuntu = family.contains(&"ubuntu");
        return System::Debian { ubuntu };
    }
    if family.contains(&"fedora") || family.contains(&"rhel") {
        return System::Linux("fedora".into());
    }
    if family.contains(&"arch") {
        return System::Linux("arch".into());
    }
    System::Linux(id)
}

const FEDORA: &str = "sudo dnf install gcc gcc-c++ make pkgconf cmake nasm clang clang-devel webkit2gtk4.1-devel alsa-lib-devel libv4l-devel libxcb-devel pipewire-devel dbus-devel wayland-devel mesa-libgbm-devel mesa-libEGL-devel mesa-vulkan-drivers dejavu-sans-fonts gstreamer1-plugin-libav gstreamer1-plugins-bad-free alsa-plugins-pulseaudio";
const ARCH: &str = "sudo pacman -S --needed base-devel pkgconf cmake nasm clang webkit2gtk-4.1 alsa-lib v4l-utils libxcb pipewire dbus wayland mesa vulkan-swrast ttf-dejavu gst-libav gst-plugins-bad alsa-plugins";

/// What a person installs by hand on a system that this command does not install for.
pub(super) fn advice(system: &System) -> String {
    let (name, line) = match system {
        System::Mac => ("macOS", "xcode-select --install; brew install cmake nasm pkgconf".to_owned()),
        System::Windows => (
            "Windows",
            "winget install Microsoft.VisualStudio.2022.BuildTools Kitware.CMake NASM.NASM LLVM.LLVM Microsoft.EdgeWebView2Runtime".to_owned(),
        ),
        System::Linux(id) if id == "fedora" => ("Fedora", FEDORA.to_owned()),
        System::Linux(id) if id == "arch" => ("Arch", ARCH.to_owned()),
        System::Linux(_) | System::Debian { .. } => (
            "this system",
            format!("the equivalents of Debian's {}", [BUILD, RUN].concat().join(" ")),
        ),
    };
    format!(
        "On {name} packages are installed by hand. If the build stops for want of one, this is what it needs:\n\n  {line}\n"
    )
}
