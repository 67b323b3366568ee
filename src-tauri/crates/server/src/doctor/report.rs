//! What devices report of their connections: bounded, checked, and forgotten with the process.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use api::{Code, DoctorReport, NewDoctorReport, Problem};
use media::Timestamp;
use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::chat::{Bucket, Rate};

/// Reports kept.
const KEEP: usize = 50;

/// Reports of one address: a few at once, then one in twenty seconds.
const RATE: Rate = Rate {
    burst: 5.0,
    per_second: 0.05,
};

/// Addresses remembered; beyond them all are forgotten.
const ADDRESSES: usize = 1024;

/// Tests in a report.
const CHECKS_MAX: usize = 24;

/// The last reports.
#[derive(Debug)]
pub(super) struct Reports {
    kept: Mutex<Kept>,
    news: broadcast::Sender<DoctorReport>,
}

#[derive(Debug, Default)]
struct Kept {
    reports: VecDeque<DoctorReport>,
    next: u64,
    rates: HashMap<IpAddr, Bucket>,
}

impl Default for Reports {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            news: broadcast::Sender::new(16),
        }
    }
}

impl Reports {
    /// Keeps one that is [`checked`].
    ///
    /// # Errors
    /// [`Code::TooMany`] when too many came from that address.
    pub(super) fn add(
        &self,
        report: NewDoctorReport,
        address: Option<IpAddr>,
        at: i64,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let mut kept = self.kept.lock();
        if let Some(address) = address {
            if kept.rates.len() >= ADDRESSES {
                kept.rates.clear();
            }
            let bucket = kept.rates.entry(address);
            let bucket = bucket.or_insert_with(|| Bucket::full(RATE, now));
            if !bucket.take(RATE, now) {
                let text =
                    "This device has reported often just now. Wait a minute, then try again.";
                return Err(Problem::new(Code::TooMany, text));
            }
        }
        let address = address.map_or_else(|| "unknown".into(), |ip| ip.to_string());
        // The same one again, with a name this time.
        kept.reports.retain(|known| {
            known.address != address
                || known.report.device != report.device
                || known.report.checks != report.checks
        });
        let report = DoctorReport {
            id: kept.next,
            at,
            address,
            report,
        };
        kept.next += 1;
        kept.reports.truncate(KEEP - 1);
        kept.reports.push_front(report.clone());
        // Nobody following is fine.
        drop(self.news.send(report));
        Ok(())
    }

    /// All of them, the newest first.
    pub(super) fn list(&self) -> Vec<DoctorReport> {
        self.kept.lock().reports.iter().cloned().collect()
    }

    pub(super) fn follow(&self) -> broadcast::Receiver<DoctorReport> {
        self.news.subscribe()
    }

    pub(super) fn clear(&self) {
        self.kept.lock().reports.clear();
    }
}

/// A report whose texts are of a sensible length and hold no control characters.
///
/// # Errors
/// [`Code::Invalid`] names the part.
pub(crate) fn checked(report: NewDoctorReport) -> Result<NewDoctorReport, Problem> {
    let mut parts = vec![
        ("name", report.name.as_str(), 40),
        ("device", &report.device, 100),
        ("summary", &report.summary, 300),
    ];
    for check in &report.checks {
        parts.push(("id", &check.id, 24));
        parts.push(("title", &check.title, 60));
        parts.push(("result", &check.result, 400));
        parts.push(("advice", check.advice.as_deref().unwrap_or(""), 700));
    }
    for (part, text, most) in parts {
        if text.chars().count() > most || text.chars().any(char::is_control) {
            let text = format!("A report's {part} has at most {most} letters, on one line.");
            return Err(Problem::new(Code::Invalid, text).about(part));
        }
    }
    if report.checks.is_empty() || report.checks.len() > CHECKS_MAX {
        let text = format!("A report has 1 to {CHECKS_MAX} checks.");
        return Err(Problem::new(Code::Invalid, text).about("checks"));
    }
    Ok(report)
}
