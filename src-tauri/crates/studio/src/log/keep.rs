//! Lines that are kept: for the panel and for the file.

use std::fmt::Debug;

use api::{LogLevel, LogLine};
use media::Clock;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::Context;

use super::file::LogFile;
use super::redact::redact;

/// Makes a line of each event, without its secrets, and hands it on.
pub(super) struct Keeper {
    clock: Clock,
    lines: server::Logs,
    file: LogFile,
}

impl Keeper {
    pub(super) fn new(clock: Clock, lines: server::Logs, file: LogFile) -> Self {
        Self { clock, lines, file }
    }
}

impl<S: Subscriber> Layer<S> for Keeper {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let meta = event.metadata();
        let mut said = Said::default();
        event.record(&mut said);
        let target = said.target.take();
        let target = target.as_deref().unwrap_or(meta.target());
        let text = said.text();
        let text = redact(&text);
        let level = *meta.level();
        self.file.write(|| {
            let mut time = String::new();
            if SystemTime.format_time(&mut Writer::new(&mut time)).is_err() {
                time.push('-');
            }
            // A line stays one line, whatever strangers have put into it.
            format!("{time} {level:>5} {target}: {}\n", one_line(&text))
        });
        self.lines.push(LogLine {
            id: 0,
            at: self.clock.unix_millis(self.clock.now()),
            level: shown(level),
            target: target.to_owned(),
            text: text.into_owned(),
        });
    }
}

fn shown(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

/// A text on one line.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    out
}

/// Fields that say how the record takes a line.
const MARKS: [&str; 2] = ["command", "refused"];

/// The message, and the fields behind it.
#[derive(Default)]
struct Said {
    message: String,
    fields: String,
    /// Who speaks, when it is a part that logs through the crate `log`.
    target: Option<String>,
}

impl Said {
    fn text(self) -> String {
        format!("{}{}", self.message, self.fields)
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "log.target" => self.target = Some(format!("{value:?}").trim_matches('"').to_owned()),
            // Where in its source, and marks that are for the record alone.
            name if name.starts_with("log.") || MARKS.contains(&name) => {}
            name => self.fields.push_str(&format!(" {name}={value:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn a_line_has_its_fields_and_none_of_its_secrets() {
        let lines = server::Logs::default();
        let keeper = Keeper::new(Clock::start(), lines.clone(), LogFile::default());
        let subscriber = tracing_subscriber::registry().with(keeper);
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(peer = %"10.0.0.9", count = 3, "refused /ws?token=abc\nagain");
        });
        let line = lines.last(1).remove(0);
        assert_eq!(line.level, LogLevel::Warn);
        assert_eq!(
            line.text,
            "refused /ws?token=…\nagain peer=10.0.0.9 count=3"
        );
        assert!(line.target.ends_with("keep::tests"), "{}", line.target);
        assert_eq!(one_line("a\nb\u{1b}"), "a\\nb\\u{1b}");
    }
}
