//! Places, and running other programs.

use std::{
    env,
    ffi::OsStr,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use anyhow::{Context, Result, bail};

/// The top of the checkout.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Cargo's target folder: the one this very program was built into.
pub(crate) fn target() -> PathBuf {
    let by_exe = env::current_exe()
        .ok()
        .and_then(|exe| exe.ancestors().nth(2).map(Path::to_path_buf));
    by_exe.unwrap_or_else(|| root().join("target"))
}

/// A built program of the workspace, in `debug` or `release`.
pub(crate) fn built(profile: &str, name: &str) -> PathBuf {
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    target().join(profile).join(name)
}

/// `program` with the checkout as its folder.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_of_this) {
            command.env_remove(name);
        }
    }
    command
}

/// What Cargo told this program of itself. Some libraries are built anew when that changes, and with them all that stands
/// on them, though nobody has changed anything.
fn is_of_this(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_"]
        .iter()
        .any(|own| name.starts_with(own))
}

/// The Cargo that runs this.
pub(crate) fn cargo() -> Command {
    let mut command = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.env("CARGO_TARGET_DIR", target());
    if env::var_os("CI").is_some() {
        // Nothing is built there a second time: what a second build would be quicker by only costs.
        command.env("CARGO_INCREMENTAL", "0");
    }
    command
}

/// npm in a folder of the checkout.
pub(crate) fn npm(folder: &Path) -> Command {
    let mut command = command(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(folder);
    command
}

/// Says a line about what comes next.
pub(crate) fn say(text: &str) {
    println!("\n\u{25b8} {text}");
}

/// Runs to the end; an exit other than success is an error that shows the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// Runs to the end.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    command
        .status()
        .with_context(|| format!("could not start `{}`", line(command)))
}

/// What it prints on stdout, whatever its exit status; `None` when it cannot be started.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program of this name can be found.
pub(crate) fn has(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| {
        env::split_paths(&path)
            .any(|dir| dir.join(program).is_file() || dir.join(format!("{program}.exe")).is_file())
    })
}

/// Where a program is, also where servers hide from a person's path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|path| path.is_file())
}

/// Runs to the end, passing every line on and keeping it.
pub(crate) fn tee(command: &mut Command) -> Result<(ExitStatus, Vec<String>)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start `{}`", line(command)))?;
    let lines = Arc::new(Mutex::new(Vec::new()));
    let readers = [
        follow(
            "stdout",
            child.stdout.take(),
            Arc::clone(&lines),
            io::stdout(),
        )?,
        follow(
            "stderr",
            child.stderr.take(),
            Arc::clone(&lines),
            io::stderr(),
        )?,
    ];
    let status = child.wait()?;
    for reader in readers.into_iter().flatten() {
        if reader.join().is_err() {
            bail!("reading the output of `{}` failed", line(command));
        }
    }
    let lines = lines.lock().map(|l| l.clone()).unwrap_or_default();
    Ok((status, lines))
}

fn follow(
    name: &str,
    from: Option<impl Read + Send + 'static>,
    lines: Arc<Mutex<Vec<String>>>,
    mut to: impl Write + Send + 'static,
) -> Result<Option<thread::JoinHandle<()>>> {
    let Some(from) = from else { return Ok(None) };
    let reader = thread::Builder::new().name(name.into()).spawn(move || {
        for bytes in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if writeln!(to, "{text}").is_err() {
                return;
            }
            if let Ok(mut lines) = lines.lock() {
                lines.push(text);
            }
        }
    })?;
    Ok(Some(reader))
}

/// The command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text = program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy()
        .into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}

/// Remembers under the target folder what was done for which content, so that nothing is done twice.
pub(crate) struct Stamp {
    file: PathBuf,
    value: String,
}

impl Stamp {
    /// The stamp of this name for the content of these files and folders.
    pub(crate) fn of(name: &str, paths: &[PathBuf]) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        root().hash(&mut hasher);
        for path in paths {
            digest(path, &mut hasher)?;
        }
        Ok(Self {
            file: target().join("xtask").join(name),
            value: format!("{:016x}", hasher.finish()),
        })
    }

    /// Whether it was set for the same content.
    pub(crate) fn is_set(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|v| v == self.value)
    }

    /// Sets it.
    pub(crate) fn set(&self) -> Result<()> {
        if let Some(dir) = self.file.parent() {
            fs::create_dir_all(dir)?;
        }
        fs::write(&self.file, &self.value)?;
        Ok(())
    }
}

/// Folders that are made, not written.
const MADE: [&str; 4] = ["node_modules", "dist", "test-results", ".svelte-kit"];

fn digest(path: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    let Ok(meta) = fs::metadata(path) else {
        return Ok(());
    };
    path.hash(hasher);
    if meta.is_file() {
        fs::read(path)
            .with_context(|| format!("could not read {}", path.display()))?
            .hash(hasher);
        return Ok(());
    }
    let mut entries: Vec<_> = fs::read_dir(path)?
        .map(|e| e.map(|e| e.path()))
        .collect::<io::Result<_>>()?;
    entries.sort();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        if !MADE.contains(&&*name) {
            digest(&entry, hasher)?;
        }
    }
    Ok(())
}
