//! Counting what ran.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// What one part counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
    /// What was skipped, and why.
    skips: Vec<String>,
    /// Names of tests that failed.
    failures: Vec<String>,
}

/// All parts so far.
#[derive(Default)]
pub(super) struct Report {
    total: Counts,
    broken: Vec<String>,
    /// How long each part took.
    times: Vec<(String, Duration)>,
}

impl Report {
    /// Does one part, and keeps how long it took.
    #[expect(
        clippy::disallowed_methods,
        reason = "what is measured is no media's time"
    )]
    pub(super) fn timed<T>(&mut self, name: &str, part: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let outcome = part();
        self.times.push((name.to_owned(), begun.elapsed()));
        outcome
    }

    /// Does one part, and adds what it counted, or why it could not be counted.
    pub(super) fn part(&mut self, name: &str, part: impl FnOnce() -> Result<Counts>) {
        match self.timed(name, part) {
            Ok(counts) => {
                self.total.passed += counts.passed;
                self.total.failed += counts.failed;
                self.total.skipped += counts.skipped;
                self.total.skips.extend(counts.skips);
                let failures = counts.failures.iter().map(|f| format!("{name}: {f}"));
                self.total.failures.extend(failures);
            }
            Err(error) => {
                eprintln!("{name}: {error:#}");
                self.broken.push(format!("{name}: {error:#}"));
            }
        }
    }

    /// Says what was skipped, what failed, how long the parts took, and the sum.
    pub(super) fn finish(self) -> Result<()> {
        let Counts {
            passed,
            failed,
            skipped,
            skips,
            failures,
        } = self.total;
        println!();
        for line in skips {
            println!("{line}");
        }
        for line in failures.iter().chain(&self.broken) {
            println!("FAILED {line}");
        }
        let failed = failed + self.broken.len() as u64;
        let times = self.times.iter().map(|(name, took)| {
            let seconds = took.as_secs();
            format!("{name} {}:{:02}", seconds / 60, seconds % 60)
        });
        println!("minutes: {}", times.collect::<Vec<_>>().join(", "));
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        if failed > 0 {
            bail!("the tests do not pass");
        }
        Ok(())
    }
}

/// How a test of ours says that it needs something the machine lacks.
fn skip(line: &str) -> Option<String> {
    let at = line.find("SKIPPED ")?;
    Some(line[at..].trim_end().to_owned())
}

/// The summary lines of `cargo test`. Tests that skip themselves count as passed there, and as skipped here.
pub(super) fn cargo(lines: &[String], success: bool) -> Result<Counts> {
    let mut counts = Counts::default();
    for line in lines {
        counts.skips.extend(skip(line));
        if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|l| l.strip_suffix(" ... FAILED"))
        {
            counts.failures.push(name.to_owned());
        }
        let Some(rest) = line.trim_start().strip_prefix("test result: ") else {
            continue;
        };
        for part in rest.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let number = words.next().and_then(|w| w.parse::<u64>().ok());
            match (number, words.next()) {
                (Some(n), Some("passed")) => counts.passed += n,
                (Some(n), Some("failed")) => counts.failed += n,
                (Some(n), Some("ignored")) => counts.skipped += n,
                _ => {}
            }
        }
    }
    let mut names: Vec<_> = counts.skips.iter().map(|l| l.split(':').next()).collect();
    names.sort_unstable();
    names.dedup();
    let skips = names.len() as u64;
    counts.passed = counts.passed.saturating_sub(skips);
    counts.skipped += skips;
    settle(counts, success)
}

/// Vitest's JSON report.
pub(super) fn vitest(json: &Path, outcome: Result<()>) -> Result<Counts> {
    let Ok(report) = read(json) else {
        outcome?;
        bail!("Vitest left no report");
    };
    let number = |key: &str| report[key].as_u64().unwrap_or_default();
    let counts = Counts {
        passed: number("numPassedTests"),
        failed: number("numFailedTests"),
        skipped: number("numPendingTests") + number("numTodoTests"),
        ..Counts::default()
    };
    settle(counts, outcome.is_ok())
}

/// Playwright's JSON report; a flaky test is a failed one.
pub(super) fn playwright(json: &Path, lines: &[String], success: bool) -> Result<Counts> {
    let report = read(json).context("Playwright left no report")?;
    let number = |key: &str| report["stats"][key].as_u64().unwrap_or_default();
    let counts = Counts {
        passed: number("expected"),
        failed: number("unexpected") + number("flaky"),
        skipped: number("skipped"),
        skips: lines.iter().filter_map(|l| skip(l)).collect(),
        failures: Vec::new(),
    };
    settle(counts, success)
}

/// The Test Anything Protocol, as `node --test` writes it: the leaves counted in its closing comments.
pub(super) fn tap(lines: &[String], success: bool) -> Result<Counts> {
    let mut counts = Counts::default();
    for line in lines {
        counts.skips.extend(skip(line));
        let text = line.trim_start();
        if let Some(name) = text.strip_prefix("not ok ") {
            counts.failures.push(name.to_owned());
        }
        let mut words = text.strip_prefix("# ").unwrap_or_default().split(' ');
        let (key, number) = (
            words.next(),
            words.next().and_then(|w| w.parse::<u64>().ok()),
        );
        match (key, number) {
            (Some("pass"), Some(n)) => counts.passed += n,
            (Some("fail" | "cancelled"), Some(n)) => counts.failed += n,
            (Some("skipped" | "todo"), Some(n)) => counts.skipped += n,
            _ => {}
        }
    }
    settle(counts, success)
}

/// A suite that fails without a failed test, or that ran nothing, has failed all the same.
fn settle(counts: Counts, success: bool) -> Result<Counts> {
    if !success && counts.failed == 0 {
        bail!("the suite failed without naming a test; see above");
    }
    if counts.passed + counts.failed + counts.skipped == 0 {
        bail!("the suite ran no test");
    }
    Ok(counts)
}

fn read(json: &Path) -> Result<Value> {
    Ok(serde_json::from_str(&fs::read_to_string(json)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn cargo_summaries_are_summed_and_self_skipped_tests_counted_as_skipped() {
        let text = "\
test a ... ok
SKIPPED whip_to_aiortc: aiortc is not installed
SKIPPED whip_to_aiortc: nor is another
test b ... FAILED
test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s
test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        let counts = cargo(&lines(text), false).unwrap();
        assert_eq!((counts.passed, counts.failed, counts.skipped), (6, 1, 3));
        assert_eq!(counts.failures, ["b"]);
        assert_eq!(
            counts.skips,
            [
                "SKIPPED whip_to_aiortc: aiortc is not installed",
                "SKIPPED whip_to_aiortc: nor is another"
            ]
        );
    }

    #[test]
    fn a_suite_that_runs_nothing_or_dies_is_a_failure() {
        assert!(cargo(&[], true).is_err());
        let text = "test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        assert!(cargo(&lines(text), false).is_err());
        assert!(cargo(&lines(text), true).is_ok());
    }

    #[test]
    fn tap_counts_the_closing_comments() {
        let text = "ok 1 - opens\nnot ok 2 - moves\n# tests 3\n# pass 1\n# fail 1\n# cancelled 0\n# skipped 1\n# todo 0";
        let counts = tap(&lines(text), false).unwrap();
        assert_eq!((counts.passed, counts.failed, counts.skipped), (1, 1, 1));
        assert_eq!(counts.failures, ["2 - moves"]);
    }
}
