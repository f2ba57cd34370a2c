//! A table is admitted to a share by loading it once.

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::admin::admission::{Admission, Refusal};
use crate::delta::Wanted;
use crate::snapshot::loader::Loader;
use crate::state::record::TableSource;

/// Admits what the loader can load at its newest version.
#[derive(Debug)]
pub(super) struct Served {
    loader: Loader,
}

impl Served {
    pub(super) fn new(loader: Loader) -> Self {
        Self { loader }
    }
}

impl Admission for Served {
    fn admit<'a>(&'a self, source: &'a TableSource) -> BoxFuture<'a, Result<(), Refusal>> {
        let loaded = self.loader.load(source, Wanted::Latest);
        let refuse =
            |error: crate::snapshot::error::Error| Refusal { kind: error.kind(), source: Box::new(error) };
        loaded.map(move |loaded| loaded.map(drop).map_err(refuse)).boxed()
    }
}
