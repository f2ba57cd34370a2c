//! Log lines to standard error, as text or JSON.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::fields::PlainFields;
use super::lines::Lines;
use crate::config::LogFormat;

/// Writes the last lines when it is dropped, at the end of the process.
#[must_use = "lines that nobody writes are lost"]
pub struct Log {
    lines: Lines,
}

impl Drop for Log {
    fn drop(&mut self) {
        self.lines.flush();
    }
}

/// Starts logging; a second call in one process changes nothing.
///
/// `filter` follows the syntax of `RUST_LOG`; without it events from `info` up are written. s3s never writes: it
/// reports each refused request as an error of its own, and whole requests with their signatures at `debug`.
pub fn start(format: LogFormat, filter: Option<&str>) -> Log {
    let filter = EnvFilter::new(format!("{},s3s=off", filter.unwrap_or("info")));
    let lines = Lines::new(std::io::stderr());
    let writer = lines.clone();
    let has_colours = std::io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(has_colours)
        .with_target(false);
    // Only a process that already logs refuses, and then that is what we wanted.
    let _ = match format {
        LogFormat::Text if has_colours => subscriber.compact().try_init(),
        LogFormat::Text => subscriber.compact().fmt_fields(PlainFields).try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    Log { lines }
}
