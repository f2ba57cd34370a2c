//! Who may see what, as an immutable index.
//!
//! The control plane builds a [`Directory`] from the state store after every change and publishes it;
//! the cores read it without a lock. A bearer token leads to a [`Recipient`], and everything else is
//! reached through the recipient, so that what is not granted cannot be met by accident.

pub mod entry;
pub mod index;
pub mod page;
pub mod published;

pub use entry::{SchemaEntry, ShareEntry, TableEntry};
pub use index::{Directory, Recipient};
pub use published::Published;
