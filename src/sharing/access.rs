//! One log line for each request, written when its answer ends.

use std::time::Instant;

use uuid::Uuid;

use crate::table::snapshot::Version;

/// What is logged of a request. Never its token, and never a URL.
///
/// The line is written when the value is dropped: with the last byte of a listing, or when the client leaves.
#[derive(Debug)]
pub struct Access {
    pub request_id: Uuid,
    /// The token's id.
    pub recipient: Option<Uuid>,
    pub share: String,
    pub schema: String,
    pub table: String,
    pub version: Option<Version>,
    pub files: u64,
    pub user_agent: String,
    call: &'static str,
    kind: &'static str,
    bytes: u64,
    started: Instant,
}

impl Access {
    /// Starts the clock of a request; `call` is set when the route is known.
    pub fn begin(call: &'static str) -> Self {
        Self {
            request_id: Uuid::new_v4(),
            recipient: None,
            share: String::new(),
            schema: String::new(),
            table: String::new(),
            version: None,
            files: 0,
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
            bytes = self.bytes,
            micros,
            kind = self.kind,
            user_agent = self.user_agent,
        );
    }
}
