//! State, replay and admin on a few ordinary threads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};

use super::admission::Served;
use super::doors::Doors;
use super::error::Error;
use super::shutdown::Shutdown;
use crate::auth::session::Sessions;
use crate::clock::Clock;
use crate::config::Config;
use crate::directory::page::Pages;
use crate::directory::{Directory, Published};
use crate::encode::seal::{self, Sealer};
use crate::limits;
use crate::sharing::finished::FinishedRuns;
use crate::snapshot::loader::{Loader, LoaderParts};
use crate::spill::Spill;
use crate::state::embedded::Store;
use crate::storage::Buckets;
use crate::storage::file_read::FileReader;
use crate::table::path_digest;
use crate::telemetry::metrics::Metrics;
use crate::{admin, catalog, s3store, sharing};

/// The runtime of the control plane; it outlives the cores, so that open answers can finish.
pub(super) fn start_runtime() -> Result<Runtime, Error> {
    Builder::new_multi_thread()
        .worker_threads(limits::CONTROL_THREADS)
        .max_blocking_threads(limits::CONTROL_BLOCKING_THREADS_MAX)
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(Error::Thread)
}

/// What the doors are built from.
pub(super) struct Ground<'a> {
    pub(super) config: &'a Config,
    pub(super) public_url: String,
    pub(super) file_reader: FileReader,
    pub(super) metrics: Arc<Metrics>,
    pub(super) shutdown: Shutdown,
    pub(super) clock: Clock,
}

/// Opens the state, publishes who may see what, and builds the doors on it.
pub(super) async fn build_doors(ground: Ground<'_>) -> Result<Doors, Error> {
    let config = ground.config;
    let store = Store::open(&private_dir(&config.data_dir), ground.clock.clone())?;
    let (shares, tokens) = store.load_all().await?;
    let pages = Pages::new(store.page_key());
    let digest_key = seal::derive(store.page_key(), "path digests");
    path_digest::set_key(digest_key.first_chunk().map_or(0, |start| u64::from_le_bytes(*start)));
    let published = Arc::new(Published::new(Directory::build(shares, tokens), pages));
    let signing = store.signing_credential();
    let sessions = Sessions::new(&seal::derive(store.page_key(), "sessions"));
    let control = Handle::current();
    let buckets = Buckets::embedded(config.data_dir.clone());
    let spill_dir = private_dir(&config.data_dir).join("snapshots");
    let spill = match config.snapshot_disk_bytes {
        0 => None,
        bytes_max => Spill::open(&spill_dir, bytes_max, control.clone(), ground.clock.clone()),
    };
    let loader = Loader::new(LoaderParts {
        buckets: buckets.clone(),
        store: store.clone(),
        control: control.clone(),
        cache_bytes: config.snapshot_cache_bytes,
        spill,
        loads: ground.metrics.snapshot_loads(),
        clock: ground.clock.clone(),
    });
    let sharing = sharing::Door::new(sharing::door_parts::DoorParts {
        directory: Arc::clone(&published),
        loader: loader.clone(),
        signing: signing.clone(),
        sealer: Sealer::new(&seal::derive(store.page_key(), "tokens")),
        sessions: sessions.clone(),
        public_url: ground.public_url.clone(),
        region: config.region.clone(),
        url_expiry_seconds: u64::from(config.url_expiry_seconds),
        url_per_recipient: config.url_per_recipient,
        async_queries: config.async_queries,
        finished: Arc::new(FinishedRuns::new(config.listing_cache_bytes, ground.metrics.finished())),
        clock: ground.clock.clone(),
    });
    let catalog = open_catalog(&ground, &store, buckets.clone(), sessions.clone()).await?;
    let admin = admin::Door::new(admin::DoorParts {
        store,
        published,
        admission: Arc::new(Served::new(loader)),
        root: config.root.clone(),
        control,
        public_url: ground.public_url,
        region: config.region.clone(),
        io_mode: ground.file_reader.as_str().to_owned(),
        clock: ground.clock.clone(),
    });
    let s3 = s3store::Door::new(s3store::StoreParts {
        buckets,
        root: config.root.clone(),
        signing,
        sessions,
        region: config.region.clone(),
        domain: config.domain.clone(),
        file_reader: ground.file_reader,
        clock: ground.clock,
    })?;
    Ok(Doors { sharing, catalog, admin, s3, metrics: ground.metrics, shutdown: ground.shutdown })
}

/// Opens the catalog, which puts right what an earlier process left half done.
async fn open_catalog(
    ground: &Ground<'_>,
    store: &Store,
    buckets: Buckets,
    sessions: Sessions,
) -> Result<catalog::Door, Error> {
    let parts = catalog::DoorParts {
        store: store.clone(),
        buckets,
        root: ground.config.root.clone(),
        sealer: Sealer::new(&seal::derive(store.page_key(), "catalog tokens")),
        sessions,
        control: Handle::current(),
        public_url: ground.public_url.clone(),
        region: ground.config.region.clone(),
        private_dir: private_dir(&ground.config.data_dir),
        clock: ground.clock.clone(),
    };
    Ok(catalog::Door::new(parts).await?)
}

/// The server's own directory below the data directory; never a bucket.
pub(super) fn private_dir(data_dir: &Path) -> PathBuf {
    data_dir.join(".lakeshare")
}
