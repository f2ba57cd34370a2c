//! What the Delta Sharing door is made of.

use std::sync::Arc;

use super::finished::FinishedRuns;
use crate::auth::session::Sessions;
use crate::clock::Clock;
use crate::directory::Published;
use crate::encode::seal::Sealer;
use crate::snapshot::loader::Loader;
use crate::state::record::SigningCredential;

/// What a door is made of.
pub struct DoorParts {
    pub directory: Arc<Published>,
    pub loader: Loader,
    pub signing: SigningCredential,
    /// Seals the tokens of pages, refreshes and queries.
    pub sealer: Sealer,
    /// Issues temporary credentials for the S3 door.
    pub sessions: Sessions,
    /// `scheme://host[:port]` as recipients reach the S3 door.
    pub public_url: String,
    pub region: String,
    /// Seconds that each URL lives at least.
    pub url_expiry_seconds: u64,
    /// Whether each recipient gets URLs of his own, by which the store can tell who reads.
    pub url_per_recipient: bool,
    /// Whether clients that ask for it get a query's id first and its answer later.
    pub async_queries: bool,
    pub finished: Arc<FinishedRuns>,
    pub clock: Clock,
}
