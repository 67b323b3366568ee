//! The studio without a window.

use std::io::Write;

use anyhow::Context;

use crate::cli::Args;
use crate::settings::Layers;
use crate::{Options, Studio, log};

impl Options {
    /// What the command line asks for, with the settings of file and environment still to be read.
    ///
    /// # Errors
    /// No home folder.
    pub fn from_args(args: &Args) -> anyhow::Result<Self> {
        let data_dir = args.data_dir()?;
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let file = data_dir.join("settings.toml");
        let settings = Layers::new(&file, environment, args.set.clone());
        Ok(Self {
            data_dir,
            collection: args.collection.clone(),
            on_air: args.on_air,
            publish: args.publish.clone(),
            record: args.record,
            settings,
        })
    }
}

/// Runs the studio until SIGINT or SIGTERM. When it is ready it prints one line of JSON to stdout.
///
/// # Errors
/// Whatever keeps it from starting, in words for people.
pub fn run_headless(args: &Args) -> anyhow::Result<()> {
    log::start();
    let options = Options::from_args(args)?;
    let studio = Studio::start(options)?;
    // Before the ready line: whoever reads it may end the program at once.
    let told = {
        let _inside = studio.runtime().enter();
        told()?
    };
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
    studio.runtime().block_on(told);
    tracing::info!("leaving");
    drop(studio);
    Ok(())
}

/// Listens from now on, and ends when the program is told to leave.
#[cfg(unix)]
fn told() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Listens from now on, and ends when the program is told to leave.
#[cfg(windows)]
fn told() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
