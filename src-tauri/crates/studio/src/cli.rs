//! The command line, the same for the window and without it.

use std::path::PathBuf;

use clap::Parser;

/// Klieg: a desktop broadcasting studio that carries its own station.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "klieg", version)]
pub struct Args {
    /// Run without a window.
    #[arg(long)]
    pub headless: bool,

    /// Keep settings, database and collections in this folder.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// Open this scene collection.
    #[arg(long, value_name = "FILE")]
    pub collection: Option<PathBuf>,

    /// Go live on the network at once.
    #[arg(long)]
    pub on_air: bool,

    /// Also publish there, from the start: rtmp://host/app/key, rtmps://…, or http(s)://…/whip
    /// (a bearer token goes before the host: https://:TOKEN@host/…). May be repeated.
    #[arg(long, value_name = "URL")]
    pub publish: Vec<String>,

    /// Record the program from the start, on air or off it.
    #[arg(long)]
    pub record: bool,

    /// Override a setting: --set server.http=127.0.0.1:8080. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl Args {
    /// The arguments of this process; prints help or the mistake and exits where clap says so.
    pub fn from_command_line() -> Self {
        Self::parse()
    }

    /// The folder that holds everything.
    ///
    /// # Errors
    /// When none was named and the system knows no home.
    pub fn data_dir(&self) -> Result<PathBuf, NoHome> {
        if let Some(dir) = &self.data_dir {
            return Ok(dir.clone());
        }
        default_data_dir().ok_or(NoHome)
    }
}

/// The system names no home folder.
#[derive(Debug, thiserror::Error)]
#[error("this system names no home folder; say where to keep things with --data-dir DIR")]
pub struct NoHome;

fn default_data_dir() -> Option<PathBuf> {
    let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
    if cfg!(target_os = "windows") {
        return Some(PathBuf::from(var("APPDATA")?).join("Klieg"));
    }
    if cfg!(target_os = "macos") {
        return Some(PathBuf::from(var("HOME")?).join("Library/Application Support/Klieg"));
    }
    // The XDG Base Directory Specification.
    match var("XDG_DATA_HOME") {
        Some(data) => Some(PathBuf::from(data).join("klieg")),
        None => Some(PathBuf::from(var("HOME")?).join(".local/share/klieg")),
    }
}
