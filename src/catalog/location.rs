//! Where metadata and data lie: `s3://BUCKET/KEY`.

use uuid::Uuid;

use super::error::Error;

/// Schemes by which engines call the same store.
const SCHEMES: [&str; 3] = ["s3://", "s3a://", "s3n://"];

/// Properties of a table that name a place for its files (Iceberg, "Write properties").
const PLACES: [&str; 4] =
    ["write.data.path", "write.metadata.path", "write.object-storage.path", "write.folder-storage.path"];

/// Bucket and key of an object or a directory; no slash at the key's ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) bucket: String,
    pub(super) key: String,
}

impl Place {
    /// The place that a location names; `None` if it is no location in a store of ours.
    pub(super) fn parse(location: &str) -> Option<Self> {
        let rest = SCHEMES.iter().find_map(|scheme| location.strip_prefix(scheme))?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let key = key.trim_end_matches('/');
        let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        if bucket.is_empty() || !(key.is_empty() || key.split('/').all(is_plain)) {
            return None;
        }
        Some(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// The place of `location`, which has to be a directory or object inside the warehouse.
    ///
    /// # Errors
    /// [`Error::Field`] names `field` and says what would be right.
    pub(super) fn inside(warehouse: &str, field: &str, location: &str) -> Result<Self, Error> {
        match Self::parse(location) {
            Some(place) if place.bucket == warehouse && !place.key.is_empty() => Ok(place),
            _ => Err(Error::Field {
                field: field.to_owned(),
                reason: format!(
                    "{location:?} does not lie inside the warehouse; begin with s3://{warehouse}/"
                ),
            }),
        }
    }
}

/// Where a new table or view lies: where its client says, inside the warehouse, or in a directory of its own.
pub(super) fn choose(warehouse: &str, uuid: Uuid, wanted: Option<String>) -> Result<String, Error> {
    let Some(location) = wanted else { return Ok(format!("s3://{warehouse}/{uuid}")) };
    Place::inside(warehouse, "location", &location)?;
    Ok(location.trim_end_matches('/').to_owned())
}

/// Refuses properties that lead a table's files out of the warehouse.
pub(super) fn check_properties<'a>(
    warehouse: &str,
    properties: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> Result<(), Error> {
    for (key, value) in properties {
        if PLACES.contains(&key.as_str()) {
            Place::inside(warehouse, key, value)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(bucket: &str, key: &str) -> Place {
        Place { bucket: bucket.into(), key: key.into() }
    }

    #[test]
    fn locations_name_a_bucket_and_a_key() {
        assert_eq!(Place::parse("s3://lake/a/b/"), Some(place("lake", "a/b")));
        assert_eq!(Place::parse("s3a://lake"), Some(place("lake", "")));
        for wrong in ["", "/a", "file:///a", "s3:///a", "s3://lake//a", "s3://lake/a/../b", "s3://lake/./a"] {
            assert_eq!(Place::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn files_stay_inside_the_warehouse() {
        assert!(Place::inside("lake", "location", "s3://lake/t").is_ok());
        for outside in ["s3://lake", "s3://lake/", "s3://lakes/t", "s3://pond/t", "hdfs://lake/t", "t"] {
            assert!(Place::inside("lake", "location", outside).is_err(), "{outside}");
        }
        let properties = [("write.data.path".to_owned(), "s3://pond/x".to_owned())];
        assert!(check_properties("lake", properties.iter().map(|(key, value)| (key, value))).is_err());
    }
}
