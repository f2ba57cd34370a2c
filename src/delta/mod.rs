//! Delta logs: from files in `_delta_log` to a snapshot.
