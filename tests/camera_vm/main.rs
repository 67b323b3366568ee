//! The camera path against a real V4L2 driver: the kernel's virtual camera (`vivid`) in a guest under QEMU.
//!
//! `cargo xtask test --camera-vm` runs it. It installs nothing: it needs `qemu-system-x86`, a static BusyBox and a
//! kernel with its modules, and says which of them it lacks. The latter two may lie in a folder of their own, named by
//! `KLIEG_VM_ROOT`, so that no kernel has to be installed:
//! `apt-get download linux-image-6.1.0-56-amd64 busybox-static && for deb in *.deb; do dpkg -x $deb root; done`.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod initramfs;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// The guest's console line before its last one.
const DONE: &str = "guest: done";

/// What a guest is made of.
struct Parts {
    qemu: PathBuf,
    kernel: PathBuf,
    modules: PathBuf,
    version: String,
    busybox: PathBuf,
}

fn parts() -> Result<Parts> {
    let root = std::env::var_os("KLIEG_VM_ROOT").map_or_else(|| PathBuf::from("/"), PathBuf::from);
    let mut missing = Vec::new();
    let qemu = on_path("qemu-system-x86_64");
    if qemu.is_none() {
        missing.push("qemu-system-x86");
    }
    let busybox = ["bin/busybox", "usr/bin/busybox"]
        .map(|name| root.join(name))
        .into_iter()
        .find(|path| path.is_file());
    if busybox.is_none() {
        missing.push("busybox-static");
    }
    let version = kernel_version(&root);
    if version.is_none() {
        missing.push("linux-image-amd64 (or its files in a folder named by KLIEG_VM_ROOT)");
    }
    match (qemu, busybox, version) {
        (Some(qemu), Some(busybox), Some(version)) if missing.is_empty() => Ok(Parts {
            qemu,
            kernel: root.join(format!("boot/vmlinuz-{version}")),
            modules: root,
            version,
            busybox,
        }),
        _ => bail!("missing on this machine: {}", missing.join(", ")),
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/sbin".into(), "/usr/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// The newest kernel that has the virtual camera.
fn kernel_version(root: &Path) -> Option<String> {
    let mut versions: Vec<String> = fs::read_dir(root.join("boot"))
        .ok()?
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_prefix("vmlinuz-").map(str::to_owned)
        })
        .filter(|version| {
            let media = format!("lib/modules/{version}/kernel/drivers/media");
            root.join(media).is_dir()
        })
        .collect();
    versions.sort();
    versions.pop()
}

/// Builds the probe and says where it is.
fn probe() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--package", "klieg-capture"])
        .args(["--example", "camera_probe", "--message-format", "json"])
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "camera_probe")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("the probe was not built")
}

/// Modules in the order in which they are to be loaded, each after those it needs.
fn modules(parts: &Parts, names: &[&str]) -> Result<Vec<PathBuf>> {
    let folder = format!("lib/modules/{}/kernel", parts.version);
    let mut files = HashMap::new();
    collect(&parts.modules.join(folder), &mut files)?;
    let mut order = Vec::new();
    for name in names {
        require(name, &files, &mut order)?;
    }
    Ok(order)
}

/// Every module below a folder by its name.
fn collect(folder: &Path, files: &mut HashMap<String, PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|end| end == "ko")
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
        {
            files.insert(name.replace('-', "_"), path);
        }
    }
    Ok(())
}

fn require(name: &str, files: &HashMap<String, PathBuf>, order: &mut Vec<PathBuf>) -> Result<()> {
    let path = files
        .get(&name.replace('-', "_"))
        .with_context(|| format!("the kernel has no module {name}"))?;
    if order.contains(path) {
        return Ok(());
    }
    for need in needs(&fs::read(path)?) {
        require(&need, files, order)?;
    }
    order.push(path.clone());
    Ok(())
}

/// What a module says of itself: `depends=one,two`, ended by a zero. An installed kernel has a list of all of these, but
/// it need not be installed here.
fn needs(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = module.windows(KEY.len()).position(|bytes| bytes == KEY) else {
        return Vec::new();
    };
    let rest = &module[at + KEY.len()..];
    let end = rest.iter().position(|&byte| byte == 0).unwrap_or(0);
    String::from_utf8_lossy(&rest[..end])
        .split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Boots a guest that sees this machine's files read-only, runs `script` in it with `$PROBE` as the probe, and gives what it prints.
fn guest(script: &str) -> Result<String> {
    let parts = parts()?;
    let probe = probe()?;
    let folder = tempfile::tempdir()?;
    let names = ["virtio_pci", "9pnet_virtio", "9p", "vivid"];
    let order = modules(&parts, &names)?;

    let mut archive = initramfs::Archive::default();
    for name in ["bin", "proc", "sys", "dev", "h", "m"] {
        archive.folder(name);
    }
    archive.file("bin/busybox", 0o755, &fs::read(&parts.busybox)?);
    let mut loading = String::new();
    for (n, path) in order.iter().enumerate() {
        let name = format!("m/{n:02}.ko");
        archive.file(&name, 0o644, &fs::read(path)?);
        let options = if path.ends_with("vivid.ko") {
            " n_devs=1 node_types=0x1 input_types=0x0"
        } else {
            ""
        };
        loading.push_str(&format!("insmod /{name}{options}\n"));
    }
    let probe = probe.to_str().context("a path in UTF-8")?;
    let init = format!(
        "#!/bin/busybox sh\n/bin/busybox --install -s /bin\nexport PATH=/bin PROBE={probe}\n\
         mount -t proc none /proc\nmount -t sysfs none /sys\nmount -t devtmpfs none /dev\n{loading}\
         mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose host /h\n\
         mount -t proc none /h/proc\nmount -t sysfs none /h/sys\nmount -t devtmpfs none /h/dev\n\
         {script}\necho '{DONE}'\npoweroff -f\n"
    );
    archive.file("init", 0o755, init.as_bytes());
    let initrd = folder.path().join("initramfs");
    fs::write(&initrd, archive.finish())?;

    let output = Command::new("timeout")
        .arg("300")
        .arg(&parts.qemu)
        .args(["-accel", "tcg", "-m", "512", "-smp", "1", "-no-reboot"])
        .args([
            "-display", "none", "-monitor", "none", "-serial", "stdio", "-nic", "none",
        ])
        .arg("-kernel")
        .arg(&parts.kernel)
        .arg("-initrd")
        .arg(&initrd)
        .args(["-append", "console=ttyS0 quiet panic=-1"])
        .args([
            "-fsdev",
            "local,id=h,path=/,security_model=none,readonly=on,multidevs=remap",
        ])
        .args(["-device", "virtio-9p-pci,fsdev=h,mount_tag=host"])
        .stdin(Stdio::null())
        .output()
        .context("QEMU does not start")?;
    let text = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    println!("{text}{}", String::from_utf8_lossy(&output.stderr));
    if !text.contains(DONE) {
        bail!("the guest did not come to its end");
    }
    Ok(text)
}

/// The line that the probe ends with.
fn result(text: &str) -> &str {
    text.lines()
        .find(|line| line.starts_with("captured "))
        .unwrap_or("no result")
}

#[test]
#[ignore = "needs qemu; run by cargo xtask test --camera-vm"]
fn a_camera_gives_fifty_distinct_pictures_in_its_own_format() {
    let text = guest("chroot /h $PROBE 640 480 25 50").expect("a guest");
    assert!(text.contains("camera: vivid"), "the camera has its name");
    let result = result(&text);
    assert!(result.starts_with("captured 50 of 50: "), "{result}");
    assert!(result.contains(" 640x480, 50 distinct"), "{result}");
    assert!(
        result.contains("Nv12") || result.contains("Yuyv"),
        "{result}"
    );
}

#[test]
#[ignore = "needs qemu; run by cargo xtask test --camera-vm"]
fn a_camera_that_is_unplugged_comes_back_when_it_is_plugged_in() {
    // The driver is taken from the device and given back, each when the probe has said what it waits for.
    let text = guest(
        "await() { n=0; until grep -q \"$1\" /log; do n=$((n+1)); [ $n -gt 600 ] && break; usleep 100000; done; }\n\
         : >/log\n\
         chroot /h $PROBE 640 480 25 100 >/log 2>&1 &\n\
         await 'first picture'\n\
         echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind\n\
         await 'unplugged'\n\
         echo vivid.0 >/sys/bus/platform/drivers/vivid/bind\n\
         wait\n\
         cat /log",
    )
    .expect("a guest");
    assert!(text.contains("was unplugged"), "said to people");
    assert!(text.contains("pictures again"), "back by itself");
    let result = result(&text);
    assert!(result.starts_with("captured 100 of 100: "), "{result}");
}
