//! Why a command did not do what it was told.

use std::fmt;

/// What the process tells its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Refused by a server or failed on the way.
    Refused = 1,
    /// Typed wrongly: the same words will never work.
    Usage = 2,
}

/// One failure as a person reads it: what happened, why, and what to do about it.
///
/// It is a struct and not a list of cases, because nobody but the reader of the terminal decides on it; every
/// place that fails writes its own three sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What could not be done, naming the thing: `cannot create the share 'test'`.
    pub what: String,
    /// The reason: `it exists already`.
    pub why: String,
    /// One sentence of what to do; empty when there is nothing to say beyond the reason.
    pub advice: String,
    /// The server's own word for the error, when it sent one.
    pub code: Option<String>,
    pub exit: Exit,
}

impl Fault {
    /// A refusal or a failure (exit code 1).
    pub(crate) fn refused(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into(), advice: String::new(), code: None, exit: Exit::Refused }
    }

    /// Wrong usage (exit code 2).
    pub(crate) fn usage(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::refused(what, why) }
    }

    /// The same fault with a line of what to do.
    #[must_use]
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// The same fault with the server's own word for it.
    #[must_use]
    pub(crate) fn coded(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// A file or directory of this machine that could not be read or written.
    pub(crate) fn io(what: impl Into<String>, error: &std::io::Error) -> Self {
        Self::refused(what, io_reason(error))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "\n{}", self.advice) }
    }
}

impl std::error::Error for Fault {}

/// The system's reason without its error number.
fn io_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = reason.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => "unknown reason".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_stands_on_its_own_line() {
        let fault = Fault::refused("cannot find 'a'", "no such alias").advise("Add it first.");
        assert_eq!(fault.to_string(), "cannot find 'a': no such alias\nAdd it first.");
    }

    #[test]
    fn system_reasons_lose_number_and_capital() {
        let error = std::io::Error::from_raw_os_error(2);
        assert_eq!(io_reason(&error), "no such file or directory");
    }
}
