//! Why a manifest or a manifest list cannot be read.

use super::fault::Fault;
use crate::error::Kind;

/// The caller knows the path of the file, and adds it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("it does not begin like an Avro object container file")]
    Magic,
    #[error("the head of its Avro container is broken: {source}")]
    Head { source: Fault },
    #[error("its Avro schema is {fault}")]
    Schema { fault: SchemaFault },
    #[error("it is compressed with {name}, which is not read; rewrite it with deflate, zstandard or snappy")]
    Codec { name: String },
    #[error("block {number} of its Avro container is broken: {fault}")]
    Block { number: u64, fault: BlockFault },
    #[error("its {what} take more than {bytes_max} bytes")]
    TooLarge { what: &'static str, bytes_max: usize },
    #[error("record {number} is broken: {source}")]
    Record { number: u64, source: Fault },
}

/// Why a schema is none that a reader can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SchemaFault {
    #[error("missing")]
    Missing,
    #[error("no JSON")]
    Json,
    #[error("no Avro schema")]
    Type,
    #[error("nested too deeply, or endlessly")]
    Depth,
    #[error("too large")]
    Nodes,
    #[error("one with an array of items that take no bytes")]
    EmptyItems,
    #[error("no record")]
    Record,
    #[error("one without the field {0}")]
    Lacks(&'static str),
    #[error("one whose field {0} has another type than the specification")]
    Unlike(&'static str),
}

/// Why a block of a container cannot be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlockFault {
    #[error("{0}")]
    Head(Fault),
    #[error("it does not end with the marker of the file")]
    Marker,
    #[error("its compressed bytes are broken")]
    Packed,
    #[error("its checksum is wrong")]
    Checksum,
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Magic
            | Self::Head { .. }
            | Self::Schema { .. }
            | Self::Block { .. }
            | Self::Record { .. } => Kind::Corrupt,
            Self::Codec { .. } => Kind::Unsupported,
            Self::TooLarge { .. } => Kind::TooLarge,
        }
    }
}
