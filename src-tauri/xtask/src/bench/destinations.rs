//! What each further destination costs: the same packets to RTMP servers that only count them.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::row;
use crate::sh;

/// Destinations at once.
const MANY: u32 = 10;

/// Measures, and prints the figures.
pub(super) fn run(profile: &str, seconds: u64) -> Result<()> {
    sh::say(&format!(
        "1 and {MANY} RTMP destinations of 4.5 Mbps, {seconds} s each"
    ));
    let program = sh::built(profile, "examples/destinations");
    let measure = |count: u32| -> Result<Value> {
        let mut command = sh::command(&program);
        command.args(["send", &count.to_string(), &seconds.to_string()]);
        let line = sh::output(&mut command).context("destinations could not be measured")?;
        serde_json::from_str(line.trim()).context("the measurement printed no figures")
    };
    let (one, many) = (measure(1)?, measure(MANY)?);
    let number = |of: &Value, key: &str| of[key].as_f64().unwrap_or(f64::NAN);
    let cost = (number(&many, "cpu") - number(&one, "cpu")) / f64::from(MANY - 1);
    row(
        "each further one, of one core",
        format!("{:.3} %", 100.0 * cost),
        "under 0.5 %",
    );
    let megabits = number(&many, "bits_per_second") / 1e6;
    row("each takes", format!("{megabits:.2} Mbps"), "4.5 Mbps");
    row(
        &format!("pictures to {MANY}, lost"),
        format!("{}", number(&many, "lost")),
        "0",
    );
    row(
        "memory, from middle to end",
        format!("{:+.1} MB", number(&many, "grown_mb")),
        "flat: under 2 MB",
    );
    if number(&many, "lost") > 0.0 {
        bail!("pictures were lost on the way to destinations");
    }
    Ok(())
}
