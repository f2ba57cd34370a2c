//! Tables that would lie inside or around another one.
//!
//! Who purges the outer one would remove files of the inner one, and credentials for the outer one would open both.

use uuid::Uuid;

use super::context::Context;
use super::error::Error;
use super::location::Place;
use super::purge::below;
use crate::limits::catalog::ENTRY_CHANGES_MAX;

/// Refuses a location that overlaps with that of another table or view. Those are known by their metadata files, which lie
/// in the directory `metadata` of their location; `own` is that of the table itself.
///
/// # Errors
/// [`Error::Field`] that names the location.
pub(super) async fn refuse(
    context: &Context,
    warehouse: &str,
    location: &str,
    own: Option<&str>,
) -> Result<(), Error> {
    let Place { bucket, key } = Place::inside(warehouse, "location", location)?;
    // A place of the catalog's own choice has nothing above it, and nobody else has its name.
    if Uuid::parse_str(&key).is_ok() {
        return Ok(());
    }
    let around = below(&bucket, &key);
    let mut prefixes = vec![(around, true)];
    let above = key.match_indices('/').filter_map(|(at, _)| key.get(..at));
    prefixes.extend(above.map(|above| (format!("{}metadata/", below(&bucket, above)), false)));
    for (prefix, is_deep) in prefixes {
        let found = context.store.locations_below(warehouse, &prefix, ENTRY_CHANGES_MAX).await?;
        let is_other = |other: &str| {
            let rest = other.strip_prefix(&prefix).unwrap_or_default();
            own != Some(other) && (is_deep || !rest.contains('/'))
        };
        if found.iter().any(|(_, other)| is_other(other)) {
            let reason =
                format!("{location:?} lies inside or around another table; choose a place of its own");
            return Err(Error::field("location", reason));
        }
    }
    Ok(())
}
