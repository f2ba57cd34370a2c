//! The one directory that all cores see.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use super::index::Directory;
use super::page::Pages;

/// The current directory and what pages of it are sealed with. Loading takes no lock.
#[derive(Debug)]
pub struct Published {
    current: ArcSwap<Directory>,
    pages: Pages,
}

impl Published {
    pub fn new(directory: Directory, pages: Pages) -> Self {
        Self { current: ArcSwap::from_pointee(directory), pages }
    }

    /// The current directory. Load once per request, so that a request sees one moment only.
    pub fn load(&self) -> Guard<Arc<Directory>> {
        self.current.load()
    }

    /// The current directory, to be kept for as long as a request lives.
    pub fn load_full(&self) -> Arc<Directory> {
        self.current.load_full()
    }

    /// From now on every core sees `directory`. Only one caller at a time may build and publish.
    pub fn publish(&self, directory: Directory) {
        self.current.store(Arc::new(directory));
    }

    pub fn pages(&self) -> &Pages {
        &self.pages
    }
}
