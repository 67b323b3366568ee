//! The studio without a window.

use std::io::{IsTerminal, Write};

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::cli::Args;
use crate::settings::Settings;
use crate::{Options, Studio};

impl Options {
    /// What the command line asks for, with the settings of file and environment.
    ///
    /// # Errors
    /// No home folder, or settings that are refused.
    pub fn from_args(args: &Args) -> anyhow::Result<Self> {
        let data_dir = args.data_dir()?;
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let settings = Settings::load(&data_dir.join("settings.toml"), environment, &args.set)?;
        Ok(Self {
            data_dir,
            collection: args.collection.clone(),
            on_air: args.on_air,
            publish: args.publish.clone(),
            settings,
        })
    }
}

/// Logs to stderr from now on; `KLIEG_LOG` chooses levels (`debug`, `wire=trace,info`).
pub fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("KLIEG_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,wgpu_core=warn,wgpu_hal=warn,naga=warn,rtc=warn"));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
    if let Err(error) = started {
        tracing::debug!(%error, "somebody else logs already");
    }
}

/// Runs the studio until SIGINT or SIGTERM. When it is ready it prints one line of JSON to stdout.
///
/// # Errors
/// Whatever keeps it from starting, in words for people.
pub fn run_headless(args: &Args) -> anyhow::Result<()> {
    log_to_stderr();
    let options = Options::from_args(args)?;
    let studio = Studio::start(options)?;
    let at = studio.endpoints();
    let ready = serde_json::json!({
        "ready": true,
        "http": at.local(),
        "https": at.local_https(),
        "rtmp": at.local_rtmp(),
        "media_udp": at.media_udp.to_string(),
        "control_token": at.control_token,
    });
    {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{ready}")
            .and_then(|()| out.flush())
            .context("the ready line could not be printed")?;
    }
    for link in studio.snapshot().links {
        tracing::info!("watch: {} ({})", link.url, link.label);
    }
    tracing::info!("control: {}/studio#token={}", at.local(), at.control_token);
    studio.runtime().block_on(until_told())?;
    tracing::info!("leaving");
    drop(studio);
    Ok(())
}

#[cfg(unix)]
async fn until_told() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn until_told() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
