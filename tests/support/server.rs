//! One running server: its directory, its address, its end.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

/// The root credential of a server on loopback that nobody configured.
pub const ACCESS_KEY: &str = "lakeadmin";
pub const SECRET_KEY: &str = "lakeadmin";

/// A server process over a directory; killed when dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    dir: Directory,
}

enum Directory {
    Temporary(TempDir),
    Given(PathBuf),
}

impl Directory {
    fn path(&self) -> &Path {
        match self {
            Self::Temporary(dir) => dir.path(),
            Self::Given(path) => path,
        }
    }
}

impl Server {
    /// Starts over an empty directory that goes with the server.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more arguments for `lakeshare server`.
    pub fn start_with(arguments: &[&str]) -> Self {
        let dir = Directory::Temporary(tempfile::tempdir().unwrap());
        Self::spawn(dir, arguments)
    }

    /// Starts over `dir`, which outlives the server.
    pub fn start_in(dir: &Path, arguments: &[&str]) -> Self {
        Self::spawn(Directory::Given(dir.to_owned()), arguments)
    }

    fn spawn(dir: Directory, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lakeshare"));
        command.args(["--json", "server"]).arg(dir.path()).args(["--address", "127.0.0.1:0"]).args(arguments);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LAKESHARE_")) {
            command.env_remove(name);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let Ok(started) = serde_json::from_str::<serde_json::Value>(&line) else {
            let mut errors = String::new();
            child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            panic!("the server did not start: {line:?}\n{errors}");
        };
        // Both pipes are read to their end, or a talkative server would stand still.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let mut errors = child.stderr.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::stderr()));
        let address = started["address"].as_str().unwrap().parse().unwrap();
        Self { child, address, dir }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Bytes of memory that the process has in use.
    pub fn resident_bytes(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
    }

    /// `kill -9`; the directory stays as it is at that moment.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends the process and starts another one over the same directory, at another address.
    pub fn restart(&mut self) {
        self.terminate();
        let dir = std::mem::replace(&mut self.dir, Directory::Given(PathBuf::new()));
        *self = Self::spawn(dir, &[]);
    }

    /// SIGTERM, and the exit status after the drain.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.wait()
    }

    /// The exit status of a server that has been told to leave; a second signal would make it leave at once.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already ended is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
