//! Many viewers over WHEP, as cheap as viewers can be: they connect, keep their paths open, and count
//! what comes by its headers, without unsealing it. `cargo xtask bench` measures the station by them.
//!
//! - `viewers watch URL PID COUNT SECONDS`: that many watch the WHEP address `URL`; prints the CPU
//!   time that process `PID` took meanwhile, and what was lost.
//! - `viewers churn URL PID COUNT`: that many come and go, 100 at once; prints what process `PID` keeps
//!   of them.
//! - `viewers floor COUNT SECONDS PACKETS BYTES`: the floor of it: the same datagrams a second to as
//!   many sockets by bare batched sends, without sealing.
//!
//! Each prints one line of JSON.

#[path = "viewers/floor.rs"]
mod floor;
#[path = "viewers/watch.rs"]
mod watch;

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize| -> Result<f64> {
        let text = args.get(n).context("an argument is missing")?;
        text.parse().with_context(|| format!("{text} is no number"))
    };
    let figures = match args.first().map(String::as_str) {
        Some("watch") => {
            let url = args.get(1).context("no address")?;
            watch::run(url, number(2)? as u32, number(3)? as usize, number(4)?)?
        }
        Some("churn") => {
            let url = args.get(1).context("no address")?;
            watch::churn(url, number(2)? as u32, number(3)? as usize)?
        }
        Some("floor") => floor::run(
            number(1)? as usize,
            number(2)?,
            number(3)?,
            number(4)? as usize,
        )?,
        _ => bail!(
            "viewers watch URL PID COUNT SECONDS, viewers churn URL PID COUNT, or viewers floor COUNT SECONDS PACKETS BYTES"
        ),
    };
    println!("{figures}");
    Ok(())
}
