//! The closed list of fault kinds that a caller can act on.

/// What a caller can do about a fault. Each door maps every kind to its own wire form exactly once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The thing does not exist, or is not visible to the caller.
    NotFound,
    /// No credential, or one that is unknown, expired or revoked.
    Unauthenticated,
    /// A known caller asks for a visible thing that it may not have.
    Forbidden,
    /// The request itself is wrong and will stay wrong.
    Invalid,
    /// The request is right, but the table or the protocol asks for what is not served.
    Unsupported,
    /// Somebody else's change came first, or the name is taken.
    Conflict,
    /// A body, page or name exceeds its bound in `limits`.
    TooLarge,
    /// Too many requests at once; the caller should wait and come back.
    Throttled,
    /// A passing fault below us; the same request may succeed later.
    Unavailable,
    /// Stored bytes are not what their format demands.
    Corrupt,
    /// A fault of our own.
    Internal,
}

impl Kind {
    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Throttled | Self::Unavailable | Self::Internal => true,
            Self::NotFound
            | Self::Unauthenticated
            | Self::Forbidden
            | Self::Invalid
            | Self::Unsupported
            | Self::Conflict
            | Self::TooLarge
            | Self::Corrupt => false,
        }
    }

    /// The word for this kind in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Invalid => "invalid",
            Self::Unsupported => "unsupported",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
            Self::Internal => "internal",
        }
    }
}

/// An error with its causes; a cause that only repeats what was said is left out.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
