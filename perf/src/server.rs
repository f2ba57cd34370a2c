//! A lakeshare of our own: started, granted a share, watched, stopped.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::usage::Process;

const START_TIMEOUT: Duration = Duration::from_mins(1);
const STOP_TIMEOUT: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(5);
/// Settings of ours would meet settings of the machine, so none is inherited.
const SETTINGS_PREFIX: &str = "LAKESHARE_";
pub const BUCKET: &str = "perf";
pub const LOCATION: &str = "lineitem";
/// Where the same files lie as an Iceberg table.
pub const ICEBERG_LOCATION: &str = "lineitem_iceberg";
const SHARE: &str = "perf";
const SCHEMA: &str = "tpch";
const TABLE: &str = "lineitem";
const ICEBERG_TABLE: &str = "lineitem_iceberg";
/// Access key and secret of a server that is told none.
pub const ROOT_KEY: &str = "lakeadmin";

/// Where a server runs.
#[derive(Debug, Clone)]
pub struct Place {
    pub executable: PathBuf,
    /// Holds `BUCKET/LOCATION` and the server's state.
    pub data_dir: PathBuf,
    /// Holds the log, the CLI's configuration and the profile.
    pub run_dir: PathBuf,
    /// Settings by name, as the configuration file would say them; a server that knows none of them is not told.
    pub settings: BTreeMap<String, String>,
}

/// A running server; it is stopped when this value goes.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

/// A share's endpoint below the server, and the token that opens it.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Path up to the shares: `/delta-sharing`.
    pub endpoint_path: String,
    pub share: String,
    pub table_path: String,
    pub iceberg_table_path: String,
    pub bearer_token: String,
}

impl Place {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(SETTINGS_PREFIX) {
                command.env_remove(&name);
            }
        }
        for (name, value) in &self.settings {
            command.env(format!("{SETTINGS_PREFIX}{}", name.to_ascii_uppercase()), value);
        }
        command
    }

    /// Runs one command of the CLI to its end.
    fn run(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let config_dir = self.run_dir.join("config");
        let output = self
            .command()
            .arg("--config-dir")
            .arg(&config_dir)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("running {}", self.executable.display()))?;
        ensure!(
            output.status.success(),
            "`lakeshare {}` failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// Forgets what earlier runs left: shares, tokens, configuration.
    pub fn clear(&self) -> anyhow::Result<()> {
        for directory in [self.data_dir.join(".lakeshare"), self.run_dir.clone()] {
            match fs::remove_dir_all(&directory) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("removing {}", directory.display()));
                }
                _ => {}
            }
        }
        fs::create_dir_all(&self.run_dir).with_context(|| format!("making {}", self.run_dir.display()))
    }

    /// Shares the table through the CLI of a running server and makes a token; with an Iceberg table where there is one.
    pub fn grant(&self, server: &Server) -> anyhow::Result<Grant> {
        let profile = self.run_dir.join("perf.share");
        let profile_text = profile.to_str().context("the work directory's name is not UTF-8")?;
        let target = format!("perf/{SHARE}");
        self.run(&["alias", "set", "perf", &format!("http://{}", server.address), ROOT_KEY, ROOT_KEY])?;
        let delta = format!("{TABLE}:delta:{BUCKET}:{LOCATION}");
        let iceberg = format!("{ICEBERG_TABLE}:iceberg:{BUCKET}:{ICEBERG_LOCATION}");
        let mut create = vec!["share", "create", &target, SCHEMA, &delta];
        if self.data_dir.join(BUCKET).join(ICEBERG_LOCATION).exists() {
            create.push(&iceberg);
        }
        self.run(&create)?;
        self.run(&["share", "token", "create", &target, "--profile", profile_text])?;
        let profile: Value = serde_json::from_slice(&fs::read(&profile).context("reading the profile")?)?;
        let text =
            |key: &str| profile.get(key).and_then(Value::as_str).with_context(|| format!("profile: {key}"));
        let endpoint = text("endpoint")?;
        let path = endpoint.splitn(4, '/').nth(3).context("the endpoint has no path")?.trim_end_matches('/');
        Ok(Grant {
            endpoint_path: format!("/{path}"),
            share: SHARE.to_owned(),
            table_path: format!("/{path}/shares/{SHARE}/schemas/{SCHEMA}/tables/{TABLE}"),
            iceberg_table_path: format!("/{path}/shares/{SHARE}/schemas/{SCHEMA}/tables/{ICEBERG_TABLE}"),
            bearer_token: text("bearerToken")?.to_owned(),
        })
    }

    /// Starts a server on a free port of loopback and waits until it listens.
    pub fn start(&self) -> anyhow::Result<Server> {
        let log_path = self.run_dir.join("server.log");
        let port_path = self.run_dir.join("address");
        let _ = fs::remove_file(&port_path);
        let log = File::options().create(true).append(true).open(&log_path)?;
        let mut child = self
            .command()
            .arg("server")
            .arg(&self.data_dir)
            .args(["--address", "127.0.0.1:0", "--port-file"])
            .arg(&port_path)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", self.executable.display()))?;
        let started = Instant::now();
        let address = loop {
            if let Ok(address) = fs::read_to_string(&port_path).unwrap_or_default().trim().parse() {
                break address;
            }
            if let Some(status) = child.try_wait()? {
                bail!("the server ended with {status}: {}", tail_of(&log_path));
            }
            if started.elapsed() > START_TIMEOUT {
                child.kill()?;
                bail!("the server does not listen: {}", tail_of(&log_path));
            }
            pause();
        };
        Ok(Server { child, address })
    }
}

#[expect(clippy::disallowed_methods, reason = "another process gives no event to wait for")]
fn pause() {
    std::thread::sleep(POLL);
}

fn tail_of(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

impl Server {
    pub fn process(&self) -> Process {
        Process { id: self.child.id() }
    }

    /// Asks the server to leave and waits until it has.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).context("asking the server to stop")?;
        let asked = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the server left with {status}");
                return Ok(());
            }
            ensure!(asked.elapsed() < STOP_TIMEOUT, "the server does not stop");
            pause();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` there is nothing left to kill, and that is no news.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
