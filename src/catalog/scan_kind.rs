//! Texts that a client carries for a scan, by their use.

/// What a text was given out as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plan,
    Task,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Task => "plan task",
        }
    }

    /// The specification's word for one that is not there.
    pub(super) fn exception(self) -> &'static str {
        match self {
            Self::Plan => "NoSuchPlanIdException",
            Self::Task => "NoSuchPlanTaskException",
        }
    }

    /// What the seal is bound to.
    pub(super) fn context(self) -> &'static [u8] {
        match self {
            Self::Plan => b"scan plan",
            Self::Task => b"scan task",
        }
    }
}
