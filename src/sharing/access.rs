//! One log line for each request, written when its answer ends.

use std::time::Instant;

use uuid::Uuid;

use crate::skip::predicate::Predicate;
use crate::table::snapshot::Version;
use crate::telemetry::metrics::HintUse;
use crate::telemetry::request_id;

/// Spark's user agents hold ids that a provider needs to follow a query; they fit.
const USER_AGENT_BYTES_MAX: usize = 512;

/// What is logged of a request. Never its token, and never a URL.
///
/// The line is written when the value is dropped: with the last byte of a listing, or when the client leaves.
#[derive(Debug)]
pub struct Access {
    pub request_id: Uuid,
    /// The token's id.
    pub recipient: Option<Uuid>,
    pub version: Option<Version>,
    pub files: u64,
    /// Conditions in the hints of a query.
    conditions: usize,
    /// Of these, how many could not be used.
    conditions_ignored: usize,
    share: String,
    schema: String,
    table: String,
    user_agent: String,
    call: &'static str,
    kind: &'static str,
    bytes: u64,
    started: Instant,
}

impl Access {
    /// Starts the clock of a request; `call` is set when the route is known.
    pub fn begin(call: &'static str) -> Self {
        Self {
            request_id: request_id::next(),
            recipient: None,
            version: None,
            files: 0,
            conditions: 0,
            conditions_ignored: 0,
            share: String::new(),
            schema: String::new(),
            table: String::new(),
            user_agent: String::new(),
            call,
            kind: "cut",
            bytes: 0,
            started: Instant::now(),
        }
    }

    pub fn call(&mut self, call: &'static str) {
        self.call = call;
    }

    /// The table's names in their canonical spelling.
    pub fn table(&mut self, share: &str, schema: &str, table: &str) {
        share.clone_into(&mut self.share);
        schema.clone_into(&mut self.schema);
        table.clone_into(&mut self.table);
    }

    /// What was made of the query's hints.
    pub fn conditions(&mut self, predicate: &Predicate) {
        self.conditions = predicate.condition_count();
        self.conditions_ignored = predicate.ignored_count();
    }

    /// `None` if there were no hints.
    pub fn hint_use(&self) -> Option<HintUse> {
        match (self.conditions, self.conditions_ignored) {
            (0, _) => None,
            (_, 0) => Some(HintUse::Whole),
            (all, ignored) if ignored < all => Some(HintUse::Part),
            _ => Some(HintUse::Ignored),
        }
    }

    /// What the client calls itself, cut to a length that a log line can bear.
    pub fn user_agent(&mut self, bytes: &[u8]) {
        let known = bytes.get(..USER_AGENT_BYTES_MAX).unwrap_or(bytes);
        self.user_agent = String::from_utf8_lossy(known).into_owned();
    }

    pub fn sent(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// All bytes were handed over.
    pub fn finish(&mut self) {
        self.kind = "ok";
    }

    pub fn fail(&mut self, kind: crate::error::Kind) {
        self.kind = kind.as_str();
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        let micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            target: "access",
            door = "sharing",
            call = self.call,
            request_id = %self.request_id,
            recipient = self.recipient.map(tracing::field::display),
            share = self.share,
            schema = self.schema,
            table = self.table,
            version = self.version,
            files = self.files,
            conditions = self.conditions,
            conditions_ignored = self.conditions_ignored,
            bytes = self.bytes,
            micros,
            kind = self.kind,
            user_agent = self.user_agent,
        );
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn line_of(request: impl FnOnce(&mut Access)) -> serde_json::Value {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            let mut access = Access::begin("query");
            request(&mut access);
        });
        let text = lines.0.lock().unwrap().clone();
        serde_json::from_slice(&text).unwrap()
    }

    #[test]
    fn one_line_tells_who_read_what_and_how_much() {
        let recipient = Uuid::from_u128(7);
        let line = line_of(|access| {
            access.recipient = Some(recipient);
            access.table("s", "default", "t");
            access.user_agent(&[b'x'; 9_000]);
            access.version = Some(3);
            access.files = 25;
            access.sent(100);
            access.sent(50);
            access.finish();
        });
        for (name, value) in [
            ("call", "query"),
            ("share", "s"),
            ("schema", "default"),
            ("table", "t"),
            ("kind", "ok"),
            ("recipient", &recipient.to_string()),
        ] {
            assert_eq!(line[name], value, "{name}");
        }
        assert_eq!((&line["version"], &line["files"], &line["bytes"]), (&3.into(), &25.into(), &150.into()));
        assert_eq!(line["user_agent"].as_str().unwrap().len(), USER_AGENT_BYTES_MAX);
        assert!(line["micros"].is_u64() && line["request_id"].is_string());
    }

    #[test]
    fn an_answer_that_its_client_left_is_cut() {
        assert_eq!(line_of(|_| {})["kind"], "cut");
        assert_eq!(line_of(|access| access.fail(crate::error::Kind::NotFound))["kind"], "not_found");
    }
}
