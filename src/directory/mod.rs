//! Who may see what, as an immutable index.
