//! What loads and commits of the Iceberg catalog cost.
//!
//! Loads are of a table with many snapshots, in each form; commits stand beside the flushes that they need.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::Serialize;
use serde_json::{Value, json};

use crate::compare::small::{self, CONNECTIONS};
use crate::report::{self, Machine};
use crate::server::{ROOT_KEY, Server};
use crate::wire;

mod flushes;
mod metadata;

use flushes::Flushes;

const WAREHOUSE: &str = "perf";
const TABLES_PATH: &str = "/_iceberg/v1/perf/namespaces/n/tables";
/// Loads of one kind are asked for as long as this, several times.
const BURST: Duration = Duration::from_secs(2);
const REPEATS: usize = 5;
const COMMITS: usize = 200;
/// Loads per CPU second of the server that the catalog is to reach: of metadata that a client has, and of that it has not.
const LOADS_MIN: f64 = 2_000.0;

/// What `catalog` is told on the command line.
#[derive(clap::Args)]
pub struct Catalog {
    /// The lakeshare to measure.
    #[arg(long, default_value = "target/release/lakeshare")]
    server: PathBuf,
    /// Where the warehouse lies.
    #[arg(long, default_value = "perf/target/work")]
    work: PathBuf,
    /// Snapshots of the table.
    #[arg(long, default_value_t = 10_000)]
    snapshots: i64,
    /// Keep the report below this folder.
    #[arg(long, num_args = 0..=1, default_missing_value = "perf/results")]
    keep: Option<PathBuf>,
}

/// Loads of one kind.
#[derive(Debug, Clone, Serialize)]
struct Loads {
    what: &'static str,
    body_bytes: u64,
    /// For each repeat.
    loads_per_cpu_second: Vec<f64>,
    is_bound: bool,
}

/// Commits one after the other, each followed by the flushes that it needs, with nothing around them.
#[derive(Debug, Clone, Serialize)]
struct Commits {
    what: &'static str,
    metadata_bytes: usize,
    commit_ms: Vec<f64>,
    flush_ms: Vec<f64>,
    cpu_ms: f64,
}

/// One line of `raw.ndjson`.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Record {
    Loads(Loads),
    Commits(Commits),
}

#[derive(Debug, Serialize)]
struct About {
    machine: Machine,
    date: String,
    commit: String,
    server: String,
    command: String,
    snapshots: i64,
}

/// Measures; whether the bounds are kept.
pub fn measure(arguments: &Catalog) -> anyhow::Result<bool> {
    let place = crate::server::Place {
        executable: arguments.server.clone(),
        data_dir: arguments.work.join("catalog"),
        run_dir: arguments.work.join("run"),
        settings: std::collections::BTreeMap::default(),
    };
    let _ = fs::remove_dir_all(&place.data_dir);
    place.clear()?;
    let server = place.start()?;
    let mut client = Client::open(&server)?;
    client.make_table("large", &place.data_dir, arguments.snapshots)?;
    client.make_table("small", &place.data_dir, 1)?;
    let mut records = Vec::new();
    for kind in KINDS {
        eprintln!("loading: {}", kind.what);
        records.push(Record::Loads(client.loads(&server, kind)?));
    }
    for (what, table, snapshots) in [
        ("commit, 1 snapshot and more", "small", 1),
        ("commit, many snapshots", "large", arguments.snapshots),
    ] {
        eprintln!("committing: {what}");
        let mut flushes = Flushes::new(&place.data_dir)?;
        records.push(Record::Commits(client.commits(&server, (what, table), snapshots, &mut flushes)?));
    }
    server.stop()?;
    let about = About {
        machine: Machine::read(),
        date: report::now(),
        commit: report::read_commit(),
        server: report::version_of(&arguments.server)?,
        command: report::own_command(),
        snapshots: arguments.snapshots,
    };
    let text = render(&about, &records);
    print!("{text}");
    if let Some(results) = &arguments.keep {
        let day = about.date.split('T').next().unwrap_or_default();
        let folder = results.join(format!("{day}-{}-{}", about.machine.slug(), about.commit)).join("catalog");
        report::write_files(&folder, &records, &about, &text)?;
        println!("{}", folder.display());
    }
    Ok(records.iter().all(Record::is_kept))
}

/// How a table is asked for.
struct Kind {
    what: &'static str,
    query: &'static str,
    accepts: Option<&'static str>,
    /// With the tag of what the server has.
    is_known: bool,
    /// Whether the issue bounds it.
    is_bound: bool,
}

const KINDS: [Kind; 6] = [
    Kind { what: "the client has it (304)", query: "", accepts: None, is_known: true, is_bound: true },
    Kind { what: "all snapshots, gzip", query: "", accepts: Some("gzip"), is_known: false, is_bound: true },
    Kind { what: "all snapshots, zstd", query: "", accepts: Some("zstd"), is_known: false, is_bound: true },
    Kind { what: "all snapshots, plain", query: "", accepts: None, is_known: false, is_bound: false },
    Kind {
        what: "snapshots of refs",
        query: "?snapshots=refs",
        accepts: None,
        is_known: false,
        is_bound: true,
    },
    Kind {
        what: "snapshots of refs, gzip",
        query: "?snapshots=refs",
        accepts: Some("gzip"),
        is_known: false,
        is_bound: true,
    },
];

/// A client with a bearer token and one kept connection.
struct Client {
    address: SocketAddr,
    stream: TcpStream,
    token: String,
}

/// An answer, read to its end.
struct Answer {
    status: String,
    etag: Option<String>,
    body: Vec<u8>,
}

impl Client {
    fn open(server: &Server) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(server.address).context("connecting")?;
        stream.set_nodelay(true)?;
        let mut client = Self { address: server.address, stream, token: String::new() };
        let form = format!(
            "grant_type=client_credentials&client_id={ROOT_KEY}&client_secret={ROOT_KEY}&scope=catalog"
        );
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        let answer = client.exchange("POST", "/_iceberg/v1/oauth/tokens", kind, form.as_bytes())?;
        let answer: Value = serde_json::from_slice(&answer.body)?;
        client.token = answer["access_token"].as_str().context("no token")?.to_owned();
        client.post("/_iceberg/v1/warehouses", &json!({"name": WAREHOUSE}))?;
        client.post("/_iceberg/v1/perf/namespaces", &json!({"namespace": ["n"]}))?;
        Ok(client)
    }

    fn request(&self, method: &str, path: &str, headers: &str) -> String {
        let (address, token) = (self.address, &self.token);
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             User-Agent: lakeshare-perf\r\n{headers}"
        )
    }

    fn exchange(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> anyhow::Result<Answer> {
        let head = self.request(method, path, &format!("{headers}Content-Length: {}\r\n\r\n", body.len()));
        self.stream.write_all(&[head.as_bytes(), body].concat()).context("sending a request")?;
        let (mut buffer, mut received) = (vec![0; 1 << 20], Vec::new());
        let (mut head, rest) = loop {
            let read = self.stream.read(&mut buffer).context("reading the head")?;
            ensure!(read > 0, "the connection ended within the head");
            received.extend_from_slice(&buffer[..read]);
            if let Some(length) = wire::head_length(&received) {
                let rest = received.split_off(length);
                break (wire::parse_head(&received, &rest)?, rest);
            }
        };
        let mut body = Vec::new();
        let mut keep = |bytes: &[u8]| {
            body.extend_from_slice(bytes);
            Ok(())
        };
        head.framing.take(&rest, &mut keep)?;
        while !head.framing.is_done() {
            let read = self.stream.read(&mut buffer).context("reading the body")?;
            ensure!(read > 0, "the connection ended before the last byte");
            head.framing.take(&buffer[..read], &mut keep)?;
        }
        Ok(Answer { status: head.status, etag: head.etag, body })
    }

    fn post(&mut self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.exchange("POST", path, "Content-Type: application/json\r\n", &serde_json::to_vec(body)?)
    }

    /// Registers a table whose metadata file is written where the server's objects lie.
    fn make_table(&mut self, name: &str, data_dir: &Path, snapshots: i64) -> anyhow::Result<()> {
        let directory = data_dir.join(WAREHOUSE).join(name).join("metadata");
        fs::create_dir_all(&directory)?;
        let file = "00000-perf.metadata.json";
        fs::write(directory.join(file), metadata::of_table(name, snapshots)?)?;
        let location = format!("s3://{WAREHOUSE}/{name}/metadata/{file}");
        self.post(
            "/_iceberg/v1/perf/namespaces/n/register",
            &json!({"name": name, "metadata-location": location}),
        )?;
        Ok(())
    }

    fn loads(&mut self, server: &Server, kind: Kind) -> anyhow::Result<Loads> {
        let path = format!("{TABLES_PATH}/large{}", kind.query);
        let mut headers =
            kind.accepts.map_or(String::new(), |coding| format!("Accept-Encoding: {coding}\r\n"));
        let first = self.exchange("GET", &path, &headers, b"")?;
        if kind.is_known {
            let tag = first.etag.context("a table has no ETag")?;
            let _ = write!(headers, "If-None-Match: {tag}\r\n");
        }
        let again = self.exchange("GET", &path, &headers, b"")?;
        let expected = if kind.is_known { "304" } else { "200" };
        ensure!(again.status == expected, "{}: the server answered {}", kind.what, again.status);
        let request = self.request("GET", &path, &format!("{headers}\r\n"));
        let mut rates = Vec::with_capacity(REPEATS);
        for _ in 0..REPEATS {
            let before = server.process().usage()?;
            let burst = small::burst(self.address, &request, CONNECTIONS, BURST)?;
            let seconds = server.process().usage()?.cpu_seconds_since(&before);
            ensure!(
                burst.body_bytes == (again.body.len() * burst.latencies_ms.len()) as u64,
                "{}: an answer had another length",
                kind.what
            );
            rates.push(burst.latencies_ms.len() as f64 / seconds.max(1e-6));
        }
        let body_bytes = again.body.len() as u64;
        Ok(Loads { what: kind.what, body_bytes, loads_per_cpu_second: rates, is_bound: kind.is_bound })
    }

    fn commits(
        &mut self,
        server: &Server,
        (what, table): (&'static str, &str),
        snapshots: i64,
        flushes: &mut Flushes,
    ) -> anyhow::Result<Commits> {
        let (mut commit_ms, mut flush_ms, mut metadata_bytes) = (Vec::new(), Vec::new(), 0);
        let (path, mut cpu_seconds) = (format!("{TABLES_PATH}/{table}"), 0.0);
        for id in snapshots + 1..=snapshots + COMMITS as i64 {
            let body = metadata::commit(id);
            let before = server.process().usage()?;
            let started = Instant::now();
            let answer = self.post(&path, &body)?;
            commit_ms.push(started.elapsed().as_secs_f64() * 1e3);
            cpu_seconds += server.process().usage()?.cpu_seconds_since(&before);
            metadata_bytes = answer.body.len();
            let started = Instant::now();
            flushes.once(&answer.body)?;
            flush_ms.push(started.elapsed().as_secs_f64() * 1e3);
        }
        let cpu_ms = cpu_seconds * 1e3 / COMMITS as f64;
        Ok(Commits { what, metadata_bytes, commit_ms, flush_ms, cpu_ms })
    }
}

impl Record {
    fn is_kept(&self) -> bool {
        match self {
            Self::Loads(loads) => !loads.is_bound || percentile(&loads.loads_per_cpu_second, 50) >= LOADS_MIN,
            Self::Commits(_) => true,
        }
    }
}

/// The value below which `percent` of all lie.
fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() * percent / 100).or(sorted.last()).copied().unwrap_or_default()
}

fn render(about: &About, records: &[Record]) -> String {
    let About { machine, date, commit, server, command, snapshots } = about;
    let mut out = format!(
        "# catalog\n\nLoads of a table with {snapshots} snapshots, and commits to one.\n\n\
         {date} · {server} · commit {commit} · {}, {} cores, Linux {}\n\n    {command}\n\n",
        machine.cpu, machine.cores, machine.kernel
    );
    out.push_str("| load | bytes | loads per CPU s, median | lowest | bound |\n|---|--:|--:|--:|---|\n");
    for record in records {
        let Record::Loads(loads) = record else { continue };
        let rates = &loads.loads_per_cpu_second;
        let bound = match (loads.is_bound, record.is_kept()) {
            (false, _) => "none",
            (true, true) => "kept",
            (true, false) => "BROKEN",
        };
        let _ = writeln!(
            out,
            "| {} | {} | {:.0} | {:.0} | {bound} |",
            loads.what,
            loads.body_bytes,
            percentile(rates, 50),
            percentile(rates, 0)
        );
    }
    out.push_str(
        "\n| commit | bytes | p50 ms | p99 ms | flushes p50 ms | p99 ms | ratio of p50 | CPU ms |\n",
    );
    out.push_str("|---|--:|--:|--:|--:|--:|--:|--:|\n");
    for record in records {
        let Record::Commits(Commits { what, metadata_bytes, commit_ms, flush_ms, cpu_ms }) = record else {
            continue;
        };
        let of = |values: &[f64]| (percentile(values, 50), percentile(values, 99));
        let ((commit, commit_99), (flush, flush_99)) = (of(commit_ms), of(flush_ms));
        let _ = writeln!(
            out,
            "| {what} | {metadata_bytes} | {commit:.2} | {commit_99:.2} | {flush:.2} | {flush_99:.2} | {:.2} | \
             {cpu_ms:.2} |",
            commit / flush.max(1e-6)
        );
    }
    out.push_str(HIDDEN);
    out
}

/// What the figures do not say.
const HIDDEN: &str = "
Loads come over kept connections of loopback, 64 at a time, with a bearer token; CPU is user and system time of the server's
process. Flushes are what a commit waits for, done by the measuring process after each commit with the same bytes: a file and
its directory, then a page of a log.
";
