//! Iceberg manifests as other software wrote them.

mod oracle;
