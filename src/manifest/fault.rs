//! What can be wrong with the bytes of a value.

/// Why a value cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the bytes end too early")]
    Ended,
    #[error("a number does not fit its type")]
    Number,
    #[error("a length or a count is negative")]
    Negative,
    #[error("a text is not UTF-8")]
    Text,
    #[error("a union has no branch of that number")]
    Branch,
    #[error("a boolean is neither 0 nor 1")]
    Boolean,
    #[error("a status or a content is none of the specification")]
    Symbol,
    #[error("a required value is null")]
    Missing,
    #[error("a file that was not added has no sequence number")]
    Sequence,
    #[error("bytes are left over")]
    LeftOver,
}
