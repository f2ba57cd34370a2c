//! What can be wrong with a setting; every text names its key.

use std::path::PathBuf;

use super::origin::Origin;
use crate::error::Kind;

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is not TOML: {source}", path.display())]
    Syntax { path: PathBuf, source: Box<toml::de::Error> },
    #[error("unknown setting `{key}` ({origin}){}", near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown { key: String, origin: Origin, near: Option<&'static str> },
    #[error("setting `{key}` ({origin}): {why}")]
    Value { key: &'static str, origin: Origin, why: String },
    #[error("setting `{key}` is missing: {why}")]
    Missing { key: &'static str, why: &'static str },
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Read { .. } => Kind::NotFound,
            Self::Syntax { .. } | Self::Unknown { .. } | Self::Value { .. } | Self::Missing { .. } => {
                Kind::Invalid
            }
        }
    }
}
