//! What every command is handed.

use std::path::PathBuf;

use super::aliases::{Aliases, StoredAlias};
use super::args::globals::Globals;
use super::fault::Fault;
use super::printer::Printer;
use super::transport::TlsTrust;
use crate::clock::Clock;

/// The terminal, the aliases' place, the trust in certificates, the time.
pub(crate) struct Context {
    pub printer: Printer,
    pub trust: TlsTrust,
    pub clock: Clock,
    config_dir: Option<PathBuf>,
}

impl Context {
    pub(crate) fn new(globals: Globals, printer: Printer) -> Self {
        Self {
            printer,
            trust: TlsTrust { insecure: globals.insecure, ca_cert: globals.ca_cert },
            clock: Clock::system(),
            config_dir: globals.config_dir,
        }
    }

    /// The aliases; warns when others may read them.
    pub(crate) fn aliases(&self) -> Result<Aliases, Fault> {
        let config_dir = match &self.config_dir {
            Some(directory) => directory.clone(),
            None => std::env::home_dir()
                .filter(|home| !home.as_os_str().is_empty())
                .map(|home| home.join(".lakeshare"))
                .ok_or_else(|| {
                    Fault::refused("cannot find the aliases", "there is no home directory")
                        .advise("Name a directory with --config-dir.")
                })?,
        };
        let aliases = Aliases::load(&config_dir)?;
        if let Some(warning) = aliases.exposure() {
            self.printer.warn(&warning);
        }
        Ok(aliases)
    }

    /// The server that `alias` stands for.
    pub(crate) fn server(&self, alias: &str) -> Result<StoredAlias, Fault> {
        self.aliases()?.get(alias).cloned()
    }
}
