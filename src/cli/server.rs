//! `server`: settings gathered, then both planes until the end.

use std::path::Path;

use super::args::server::Server;
use super::context::Context;
use super::fault::{Exit, Fault};
use super::printer::{Printer, Tone};
use crate::config::error::Error as ConfigError;
use crate::config::origin::Origin;
use crate::config::settings::Settings;
use crate::config::{Config, LogFormat};
use crate::error::chain;
use crate::serve;
use crate::serve::Started;
use crate::serve::shutdown::Shutdown;
use crate::telemetry::log;

const WHAT: &str = "cannot start the server";

/// Serves until the process is told to stop.
pub(crate) fn run(context: &Context, args: &Server) -> Result<(), Fault> {
    let config = check(args)?;
    let _log = log::start(config.log_format, log_filter().as_deref());
    let started = |started: &Started| {
        announce(&context.printer, &config, started);
        match &args.port_file {
            Some(path) => serve::write_port_file(path, started.address),
            None => Ok(()),
        }
    };
    serve::run(&config, &Shutdown::default(), started).map_err(|error| {
        let fault = Fault::refused(WHAT, chain(&error));
        if matches!(error, serve::error::Error::Bind { .. }) {
            fault.advise("Choose another address with --address, or stop what listens there.")
        } else {
            fault
        }
    })
}

fn check(args: &Server) -> Result<Config, Fault> {
    read_config(&args.dir, &flags(args), args.config.as_deref())
}

/// The settings of flags, environment and file, checked.
pub(crate) fn read_config(
    dir: &Path,
    flags: &[(&str, String)],
    file: Option<&Path>,
) -> Result<Config, Fault> {
    let environment = |name: &str| std::env::var_os(name).and_then(|value| value.into_string().ok());
    Settings::gather(flags, &environment, file)
        .and_then(|settings| Config::check(dir.to_owned(), &settings))
        .map_err(|error| config_fault(&error))
}

/// Every flag that was given, under the key of its setting.
fn flags(args: &Server) -> Vec<(&'static str, String)> {
    let path = |path: &std::path::PathBuf| path.to_string_lossy().into_owned();
    let given = [
        ("address", args.address.clone()),
        ("public_url", args.public_url.clone()),
        ("tls_cert", args.tls_cert.as_ref().map(path)),
        ("tls_key", args.tls_key.as_ref().map(path)),
        ("allow_http", args.allow_http.then(|| "true".to_owned())),
        ("cores", args.cores.map(|cores| cores.to_string())),
        ("io", args.io.clone()),
        ("region", args.region.clone()),
        ("domain", args.domain.clone()),
        ("url_expiry", args.url_expiry.clone()),
        ("url_per_recipient", args.url_per_recipient.then(|| "true".to_owned())),
        ("async_queries", args.async_queries.then(|| "true".to_owned())),
        ("reader_timeout", args.reader_timeout.clone()),
        ("snapshot_cache", args.snapshot_cache.clone()),
        ("listing_cache", args.listing_cache.clone()),
        ("snapshot_disk", args.snapshot_disk.clone()),
        ("log_format", args.log_format.clone()),
    ];
    given.into_iter().filter_map(|(key, value)| value.map(|value| (key, value))).collect()
}

/// Which events are logged, where `RUST_LOG` says so.
pub(crate) fn log_filter() -> Option<String> {
    std::env::var_os("RUST_LOG").and_then(|filter| filter.into_string().ok())
}

fn config_fault(error: &ConfigError) -> Fault {
    let fault = Fault::refused(WHAT, error.to_string());
    match error {
        ConfigError::Value { origin: Origin::Flag, .. } => Fault { exit: Exit::Usage, ..fault }
            .advise("`lakeshare server --help` shows what each flag takes."),
        ConfigError::Value { .. } | ConfigError::Unknown { .. } | ConfigError::Syntax { .. } => {
            fault.advise("`lakeshare server --help` lists the settings.")
        }
        ConfigError::Missing { .. } | ConfigError::Read { .. } => fault,
    }
}

/// Where the server is, and what to type next.
fn announce(printer: &Printer, config: &Config, started: &Started) {
    let sharing = format!("{}/delta-sharing", started.public_url);
    printer.note(&format!(
        "Lakeshare {} serves {}",
        env!("CARGO_PKG_VERSION"),
        printer.tone(Tone::Strong, &config.data_dir.display().to_string())
    ));
    printer.note(&format!("  Listens on:    {}", started.address));
    printer.note(&format!("  S3 and admin:  {}", printer.tone(Tone::Name, &started.public_url)));
    printer.note(&format!("  Delta Sharing: {}", printer.tone(Tone::Name, &sharing)));
    printer.note(&format!("Next: lakeshare alias set local {} ACCESS_KEY SECRET_KEY", started.public_url));
    printer.object(&serde_json::json!({
        "address": started.address.to_string(),
        "publicUrl": started.public_url,
        "deltaSharing": sharing,
        "directory": config.data_dir.display().to_string(),
        "logFormat": match config.log_format { LogFormat::Text => "text", LogFormat::Json => "json" },
    }));
    printer.flush();
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Command};
    use crate::config::settings::KEYS;

    fn parse(words: &[&str]) -> Server {
        let cli = Cli::try_parse_from([&["lakeshare", "server"], words].concat()).unwrap();
        let Command::Server(args) = cli.command else { panic!("{cli:?}") };
        *args
    }

    #[test]
    fn every_setting_but_the_secrets_has_a_flag() {
        let args = parse(&[
            "data",
            "--address=a",
            "--public-url=b",
            "--tls-cert=c",
            "--tls-key=d",
            "--allow-http",
            "--cores=1",
            "--io=e",
            "--region=f",
            "--domain=g",
            "--url-expiry=h",
            "--url-per-recipient",
            "--async-queries",
            "--reader-timeout=l",
            "--snapshot-cache=i",
            "--listing-cache=k",
            "--snapshot-disk=l",
            "--log-format=j",
        ]);
        let flags = flags(&args);
        for key in KEYS.iter().filter(|key| !key.secret) {
            assert!(flags.iter().any(|(name, _)| *name == key.name), "{}", key.name);
        }
    }

    #[test]
    fn help_shows_the_defaults_of_the_settings() {
        let mut command = <Cli as clap::CommandFactory>::command();
        let server = command.find_subcommand_mut("server").unwrap();
        for key in KEYS {
            let Some(default) = key.default.filter(|default| !matches!(*default, "false" | "0")) else {
                continue;
            };
            let help = server.render_long_help().to_string();
            assert!(help.contains(&format!("[default: {default}]")), "{}: {default}", key.name);
        }
    }

    #[test]
    fn a_wrong_flag_is_wrong_usage_and_names_the_flag() {
        let fault = check(&parse(&["data", "--io", "mmap"])).unwrap_err();
        assert_eq!(fault.exit, Exit::Usage);
        assert!(fault.why.contains("io") && fault.why.contains("mmap"), "{fault}");
    }
}
