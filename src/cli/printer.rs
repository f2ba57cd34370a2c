//! The only writer to the terminal.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::fault::Fault;

/// How answers are given, decided once from flags, environment and terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub(crate) struct Manner {
    /// One JSON object a line instead of text.
    pub json: bool,
    /// Only what was asked for: no confirmations, no progress.
    pub quiet: bool,
    /// ANSI colours on standard output.
    pub colour: bool,
    /// A progress bar on standard error.
    pub progress: bool,
    /// ANSI colours in the progress bar.
    pub progress_colour: bool,
}

impl Manner {
    /// Colours and bars only where a terminal reads them; `plain` is `--no-color`.
    pub(crate) fn detect(json: bool, quiet: bool, plain: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let may_colour = !plain && !dumb && !no_color;
        Self {
            json,
            quiet,
            colour: !json && may_colour && io::stdout().is_terminal(),
            progress_colour: may_colour,
            progress: !json && !quiet && !dumb && io::stderr().is_terminal(),
        }
    }
}

/// The few ways in which a word stands out.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tone {
    Plain,
    Strong,
    Good,
    Name,
    Warning,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Strong => "1",
            Self::Good => "32",
            Self::Name => "36",
            Self::Warning => "33",
        }
    }
}

/// Writes answers to standard output and complaints to standard error.
pub(crate) struct Printer {
    manner: Manner,
    out: Mutex<Out>,
}

struct Out {
    lines: Box<dyn Write + Send>,
    complaints: Box<dyn Write + Send>,
    /// Standard output is a terminal, so every line is shown at once.
    live: bool,
    /// The reader has gone (`lakeshare ls | head`): nothing more is written.
    closed: bool,
}

impl Printer {
    pub(crate) fn new(manner: Manner) -> Self {
        let live = io::stdout().is_terminal();
        let lines = Box::new(BufWriter::new(io::stdout()));
        let out = Out { lines, complaints: Box::new(io::stderr()), live, closed: false };
        Self { manner, out: Mutex::new(out) }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.manner.json
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.manner.quiet
    }

    /// Whether a bar shows how far a copy is, so that it need not say so line by line.
    pub(crate) fn has_progress(&self) -> bool {
        self.manner.progress
    }

    /// Whether the reader of standard output has gone; long listings stop then.
    pub(crate) fn is_closed(&self) -> bool {
        self.out.lock().is_ok_and(|out| out.closed)
    }

    /// Whether a walk goes on: it breaks off where nobody reads what it finds.
    pub(crate) fn flow(&self) -> ControlFlow<()> {
        if self.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// One line of what was asked for. Nothing in JSON manner, which answers by [`Self::object`].
    pub(crate) fn line(&self, text: &str) {
        if !self.manner.json {
            self.write(text);
        }
    }

    /// One line of confirmation, left out by `--quiet`.
    pub(crate) fn note(&self, text: &str) {
        if !self.manner.quiet {
            self.line(text);
        }
    }

    /// One JSON object on a line of its own, with `status` first. Nothing in text manner.
    pub(crate) fn object(&self, fields: &impl Serialize) {
        if !self.manner.json {
            return;
        }
        let line = Answer { status: "success", fields };
        match serde_json::to_string(&line) {
            Ok(text) => self.write(&text),
            Err(error) => self.complain(&format!("lakeshare: cannot write the answer: {error}")),
        }
    }

    /// Something that the user should know, although the command goes on.
    pub(crate) fn warn(&self, text: &str) {
        self.complain(&format!("lakeshare: {text}"));
    }

    /// The end of a command that failed: text on standard error, and an object on standard output for `--json`.
    pub(crate) fn fault(&self, fault: &Fault) {
        self.failure(&WireFault {
            message: &fault.what,
            cause: &fault.why,
            hint: (!fault.advice.is_empty()).then_some(fault.advice.as_str()),
            code: fault.code.as_deref(),
        });
        self.complain(&format!("lakeshare: {fault}"));
    }

    /// The end of a command that could not be read; `text` is the parser's own, with its tips.
    pub(crate) fn usage(&self, text: &str) {
        let head: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
        let cause = head.join(" ");
        let hint = Some("`lakeshare --help` shows what can be typed.");
        self.failure(&WireFault { message: "cannot read the command line", cause: &cause, hint, code: None });
        self.complain(&format!("lakeshare: {text}"));
    }

    fn failure(&self, error: &WireFault<'_>) {
        if self.manner.json
            && let Ok(text) = serde_json::to_string(&Failure { status: "error", error })
        {
            self.write(&text);
        }
        self.flush();
    }

    /// `text` in the tone's colour, or as it is where colours are not wanted. Escapes control characters.
    pub(crate) fn tone(&self, tone: Tone, text: &str) -> String {
        let text = printable(text);
        if self.manner.colour { format!("\x1b[{}m{text}\x1b[0m", tone.code()) } else { text.into_owned() }
    }

    /// A bar for `total_bytes` of copying; hidden where nobody would see it.
    pub(crate) fn bar(&self, total_bytes: u64) -> ProgressBar {
        if !self.manner.progress {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(Some(total_bytes), ProgressDrawTarget::stderr_with_hz(8));
        let lead = if self.manner.progress_colour { "{wide_bar:.cyan/dim}" } else { "{wide_bar}" };
        let form =
            format!("{lead} {{binary_bytes}}/{{binary_total_bytes}}  {{binary_bytes_per_sec}}  ETA {{eta}}");
        if let Ok(style) = ProgressStyle::with_template(&form) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar
    }

    /// Raw bytes, as completions and man pages are made.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        if let Ok(mut out) = self.out.lock() {
            out.write(bytes);
        }
    }

    /// A question on standard error, without a line end.
    pub(crate) fn ask(&self, question: &str) {
        self.flush();
        if let Ok(mut out) = self.out.lock() {
            let _ = out.complaints.write_all(question.as_bytes());
            let _ = out.complaints.flush();
        }
    }

    /// Hands everything written so far to the system.
    pub(crate) fn flush(&self) {
        if let Ok(mut out) = self.out.lock()
            && out.lines.flush().is_err()
        {
            out.closed = true;
        }
    }

    fn write(&self, text: &str) {
        if let Ok(mut out) = self.out.lock() {
            out.write(text.as_bytes());
            out.write(b"\n");
            if out.live && out.lines.flush().is_err() {
                out.closed = true;
            }
        }
    }

    fn complain(&self, text: &str) {
        if let Ok(mut out) = self.out.lock() {
            for line in text.lines() {
                // Nobody is left to be told when standard error is gone too.
                let _ = writeln!(out.complaints, "{}", printable(line));
            }
        }
    }
}

impl Out {
    fn write(&mut self, bytes: &[u8]) {
        if !self.closed && self.lines.write_all(bytes).is_err() {
            self.closed = true;
        }
    }
}

#[derive(Serialize)]
struct Answer<'a, T: Serialize> {
    status: &'static str,
    #[serde(flatten)]
    fields: &'a T,
}

#[derive(Serialize)]
struct Failure<'a> {
    status: &'static str,
    error: &'a WireFault<'a>,
}

#[derive(Serialize)]
struct WireFault<'a> {
    message: &'a str,
    cause: &'a str,
    hint: Option<&'a str>,
    code: Option<&'a str>,
}

/// Text of a stranger made safe for a terminal: control characters are shown, not obeyed.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if letter.is_control() { safe.extend(letter.escape_default()) } else { safe.push(letter) }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Paper {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn printer(manner: Manner) -> (Printer, Paper, Paper) {
        let (lines, complaints) = (Paper::default(), Paper::default());
        let out = Out {
            lines: Box::new(lines.clone()),
            complaints: Box::new(complaints.clone()),
            live: false,
            closed: false,
        };
        (Printer { manner, out: Mutex::new(out) }, lines, complaints)
    }

    #[test]
    fn json_answers_begin_with_status() {
        let (printer, lines, _) = printer(Manner { json: true, ..Manner::default() });
        printer.line("text for people");
        printer.object(&serde_json::json!({"name": "test"}));
        assert_eq!(lines.text(), "{\"status\":\"success\",\"name\":\"test\"}\n");
    }

    #[test]
    fn faults_are_told_on_both_streams_in_json_manner() {
        let (printer, lines, complaints) = printer(Manner { json: true, ..Manner::default() });
        printer.fault(&Fault::refused("cannot do it", "no").advise("Do that."));
        assert_eq!(
            lines.text(),
            "{\"status\":\"error\",\"error\":{\"message\":\"cannot do it\",\"cause\":\"no\",\
             \"hint\":\"Do that.\",\"code\":null}}\n"
        );
        assert_eq!(complaints.text(), "lakeshare: cannot do it: no\nDo that.\n");
    }

    #[test]
    fn quiet_keeps_answers_and_drops_confirmations() {
        let (printer, lines, _) = printer(Manner { quiet: true, ..Manner::default() });
        printer.note("done");
        printer.line("asked for");
        assert_eq!(lines.text(), "asked for\n");
    }

    #[test]
    fn escape_sequences_of_strangers_are_shown_not_obeyed() {
        assert_eq!(printable("a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(printable("käse\nzwei"), "käse\\nzwei");
        let (printer, ..) = printer(Manner { colour: true, ..Manner::default() });
        assert_eq!(printer.tone(Tone::Name, "a"), "\x1b[36ma\x1b[0m");
    }
}
