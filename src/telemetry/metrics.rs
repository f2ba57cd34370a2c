//! Every metric's name and labels, counted per core.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// The door that answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Door {
    Sharing,
    Catalog,
    Admin,
    S3,
    Operations,
}

const DOORS: usize = 5;

/// First digit of the status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum StatusClass {
    Success,
    Redirect,
    ClientError,
    ServerError,
}

const STATUS_CLASSES: usize = 4;

impl StatusClass {
    pub fn of(status: u16) -> Self {
        match status {
            ..300 => Self::Success,
            300..400 => Self::Redirect,
            400..500 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    core: u32,
    door: Door,
    status: StatusClass,
}

/// How much of a query's hints could be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum HintUse {
    Whole,
    Part,
    Ignored,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HintLabels {
    core: u32,
    used: HintUse,
}

/// What a table version was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum LoadedFrom {
    /// The log, from its checkpoint on.
    Log,
    /// The version before and the new commits.
    Refresh,
    /// What an earlier process, or an evicted load, left on disk.
    Disk,
    /// A manifest list, and of the manifests only those that a query needs.
    Part,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LoadLabels {
    from: LoadedFrom,
}

/// Counts table versions as they come into memory.
#[derive(Debug, Clone, Default)]
pub struct SnapshotLoads {
    counts: Family<LoadLabels, Counter>,
}

impl SnapshotLoads {
    pub fn count(&self, from: LoadedFrom) {
        self.counts.get_or_create(&LoadLabels { from }).inc();
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CoreLabels {
    core: u32,
}

/// All metrics of the process; a scrape adds the cores up.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    hints: Family<HintLabels, Counter>,
    bytes: Family<CoreLabels, Counter>,
    connections: Family<CoreLabels, Gauge>,
    finished: FinishedMetrics,
    loads: SnapshotLoads,
}

/// What is counted of the finished runs of listings, which all cores share.
#[derive(Debug, Clone, Default)]
pub struct FinishedMetrics {
    pub hits: Counter,
    pub misses: Counter,
    pub bytes: Gauge,
}

impl FinishedMetrics {
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "listing_cache_hits",
            "Runs of listings that were finished already",
            self.hits.clone(),
        );
        registry.register("listing_cache_misses", "Runs of listings that were rendered", self.misses.clone());
        registry.register("listing_cache_bytes", "Bytes of finished runs that are kept", self.bytes.clone());
    }
}

/// What one core counts; its counters are touched by no other core.
#[derive(Debug)]
pub struct CoreMetrics {
    core: u32,
    metrics: Arc<Metrics>,
    /// Counters of answers by door and status, those that were needed so far.
    answered: [[OnceLock<Counter>; STATUS_CLASSES]; DOORS],
    pub bytes_sent: Counter<u64, AtomicU64>,
    pub connections_open: Gauge,
}

impl Metrics {
    /// `io_mode` is how local files are read, as the probe at start found it.
    pub fn new(io_mode: &'static str) -> Self {
        let mut registry = Registry::with_prefix("lakeshare");
        let requests = Family::<RequestLabels, Counter>::default();
        let hints = Family::<HintLabels, Counter>::default();
        let bytes = Family::<CoreLabels, Counter>::default();
        let connections = Family::<CoreLabels, Gauge>::default();
        registry.register("requests", "Requests answered", requests.clone());
        let help = "Queries with hints, by how much of them could be used";
        registry.register("queries_with_hints", help, hints.clone());
        registry.register("body_bytes_sent", "Bytes of response bodies", bytes.clone());
        registry.register("connections_open", "Connections open now", connections.clone());
        let loads = SnapshotLoads::default();
        registry.register("snapshot_loads", "Table versions that came into memory", loads.counts.clone());
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION")), ("file_io", io_mode)]);
        registry.register("build", "Version and how local files are read", build);
        let finished = FinishedMetrics::default();
        finished.register(&mut registry);
        Self { registry, requests, hints, bytes, connections, finished, loads }
    }

    /// The handles for the finished runs of listings.
    pub fn finished(&self) -> FinishedMetrics {
        self.finished.clone()
    }

    /// The counter of snapshots, for who loads them.
    pub fn snapshot_loads(&self) -> SnapshotLoads {
        self.loads.clone()
    }

    /// The handles of core number `core`.
    pub fn core(self: &Arc<Self>, core: u32) -> Arc<CoreMetrics> {
        Arc::new(CoreMetrics {
            core,
            metrics: Arc::clone(self),
            answered: Default::default(),
            bytes_sent: self.bytes.get_or_create(&CoreLabels { core }).clone(),
            connections_open: self.connections.get_or_create(&CoreLabels { core }).clone(),
        })
    }

    /// All metrics in the OpenMetrics text format.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

impl CoreMetrics {
    /// Counts one answered request.
    pub fn count(&self, door: Door, status: u16) {
        let status = StatusClass::of(status);
        let counter = || {
            let labels = RequestLabels { core: self.core, door, status };
            self.metrics.requests.get_or_create(&labels).clone()
        };
        let place = self.answered.get(door as usize).and_then(|of_door| of_door.get(status as usize));
        match place {
            Some(place) => place.get_or_init(counter).inc(),
            None => counter().inc(),
        };
    }

    /// Counts one query that had hints.
    pub fn count_hints(&self, used: HintUse) {
        self.metrics.hints.get_or_create(&HintLabels { core: self.core, used }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_shows_what_the_cores_counted() {
        let metrics = Arc::new(Metrics::new("pread"));
        let core = metrics.core(3);
        core.count(Door::Sharing, 200);
        core.count(Door::Sharing, 404);
        core.bytes_sent.inc_by(17);
        core.count_hints(HintUse::Part);
        metrics.snapshot_loads().count(LoadedFrom::Disk);
        let text = metrics.render();
        assert!(text.contains(r#"lakeshare_snapshot_loads_total{from="Disk"} 1"#), "{text}");
        assert!(
            text.contains(r#"lakeshare_requests_total{core="3",door="Sharing",status="Success"} 1"#),
            "{text}"
        );
        assert!(text.contains(r#"lakeshare_body_bytes_sent_total{core="3"} 17"#), "{text}");
        assert!(text.contains(r#"lakeshare_queries_with_hints_total{core="3",used="Part"} 1"#), "{text}");
        assert!(text.contains(r#"file_io="pread""#), "{text}");
    }
}
