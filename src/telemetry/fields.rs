//! The fields of a log line as plain text.
//!
//! Most lines are those of requests, with some fifteen fields each. They read as `tracing_subscriber` writes them where it
//! uses no colours, and cost a third.

use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::field::VisitOutput;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultVisitor, Writer};

/// ` name=value` for each field; a message has no name.
#[derive(Debug)]
pub(super) struct PlainFields;

impl<'writer> FormatFields<'writer> for PlainFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut plain = Plain { writer, is_empty: true, result: Ok(()) };
        fields.record(&mut plain);
        plain.result
    }
}

struct Plain<'writer> {
    writer: Writer<'writer>,
    is_empty: bool,
    result: fmt::Result,
}

/// Messages and words of Rust are spelt in a way of their own.
fn is_usual(field: &Field) -> bool {
    field.name() != "message" && !field.name().starts_with("r#")
}

/// Whether `Debug` puts the text between quotation marks as it is.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
}

impl Plain<'_> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.result.is_ok() {
            self.result = self.name(field).and_then(|()| value(&mut self.writer));
        }
    }

    fn name(&mut self, field: &Field) -> fmt::Result {
        if !std::mem::take(&mut self.is_empty) {
            self.writer.write_char(' ')?;
        }
        self.writer.write_str(field.name())?;
        self.writer.write_char('=')
    }

    /// What the usual visitor makes of a field.
    fn as_usual(&mut self, visit: impl FnOnce(&mut DefaultVisitor<'_>)) {
        if self.result.is_ok() {
            let mut visitor = DefaultVisitor::new(self.writer.by_ref(), std::mem::take(&mut self.is_empty));
            visit(&mut visitor);
            self.result = visitor.finish();
        }
    }
}

impl Visit for Plain<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if !is_usual(field) || !is_plain(value) {
            return self.as_usual(|visitor| visitor.record_str(field, value));
        }
        self.write(field, |writer| {
            writer.write_char('"')?;
            writer.write_str(value)?;
            writer.write_char('"')
        });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if !is_usual(field) {
            return self.as_usual(|visitor| visitor.record_u64(field, value));
        }
        self.write(field, |writer| write!(writer, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if !is_usual(field) {
            return self.as_usual(|visitor| visitor.record_i64(field, value));
        }
        self.write(field, |writer| write!(writer, "{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.as_usual(|visitor| visitor.record_error(field, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if !is_usual(field) {
            return self.as_usual(|visitor| visitor.record_debug(field, value));
        }
        self.write(field, |writer| write!(writer, "{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::fmt::format::DefaultFields;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    fn lines_with<F>(fields: F, log: impl FnOnce()) -> String
    where
        F: for<'writer> FormatFields<'writer> + Send + Sync + 'static,
    {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(lines.clone())
            .with_ansi(false)
            .with_target(false)
            .without_time()
            .compact()
            .fmt_fields(fields)
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[derive(Debug, thiserror::Error)]
    #[error("a fault")]
    struct Chain(#[source] std::io::Error);

    fn log(text: &str, number: i64, float: f64) {
        let error = std::io::Error::other(text.to_owned());
        let chain = Chain(std::io::Error::other(text.to_owned()));
        tracing::info!(text, number, "{text}");
        tracing::warn!(
            r#type = text,
            r#fn = number,
            absent = Option::<u64>::None,
            float,
            is_true = number > 0
        );
        tracing::info!(message = text, shown = %text, debugged = ?text, large = u128::from(number.unsigned_abs()));
        tracing::info!(unsigned = number.unsigned_abs(), list = ?[text, ""], some = Some(number), "message {number}");
        tracing::error!(error = &error as &(dyn std::error::Error + 'static), %error);
        tracing::error!(error = &chain as &(dyn std::error::Error + 'static), bytes = text.as_bytes());
    }

    proptest! {
        #[test]
        fn lines_read_as_they_always_did(text in ".{0,20}", plain in "[ -~]{0,20}", number: i64, float: f64) {
            for text in [text, plain] {
                let logged = || log(&text, number, float);
                prop_assert_eq!(lines_with(PlainFields, logged), lines_with(DefaultFields::new(), logged));
            }
        }
    }
}
