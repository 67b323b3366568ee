//! Lines on stderr. Whoever sits at a terminal reads them whole; a journal or a file that keeps them gets no secrets.

use std::io::{self, IsTerminal, Write};

use super::redact::redact;

/// One line on its way to stderr.
#[derive(Debug)]
pub(super) struct Stderr {
    kept: bool,
}

impl Stderr {
    /// For whatever reads stderr.
    pub(super) fn new() -> Self {
        Self {
            kept: !io::stderr().is_terminal(),
        }
    }
}

impl Write for Stderr {
    /// A line comes whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut stderr = io::stderr().lock();
        if self.kept {
            let text = String::from_utf8_lossy(line);
            stderr.write_all(redact(&text).as_bytes())?;
        } else {
            stderr.write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
