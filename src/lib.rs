//! Shares Delta and Iceberg tables, where they lie.
//!
//! The rooms of the house in the order in which a request walks through them; a room knows only rooms
//! on lower floors. `ARCHITECTURE.md` is the map, `tests/tidy.rs` keeps it true.

// Floor 9: what people type.
pub mod cli;
// Floor 8: both planes, put together.
pub mod serve;
// Floor 7: the doors.
pub mod admin;
pub mod catalog;
pub mod s3store;
pub mod sharing;
// Floor 6: who asks, and what a core knows.
pub mod auth;
pub mod snapshot;
// Floor 5: Iceberg tables as Delta versions.
pub mod uniform;
// Floor 4: what a scan needs.
pub mod scan;
// Floor 3: grants, the formats, snapshots on disk, and which files a query needs.
pub mod deletes;
pub mod delta;
pub mod directory;
pub mod iceberg;
pub mod manifest;
pub mod sample;
pub mod skip;
pub mod spill;
// Floor 2: the waist, and where things lie.
pub mod state;
pub mod storage;
pub mod table;
// Floor 1: the wire, the signatures, the settings.
pub mod bucket_name;
pub mod byte_cache;
pub mod config;
pub mod encode;
pub mod http;
pub mod side_by_side;
pub mod sigv4;
pub mod telemetry;
// Floor 0: words that everybody uses.
pub mod clock;
pub mod error;
pub mod limits;
pub mod simd;
