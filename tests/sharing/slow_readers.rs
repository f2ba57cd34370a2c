//! Many readers, slow ones, and those that read no more.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use socket2::{Domain, Socket, Type};

use super::log_table::Head;
use super::wire::{Answer, Ask};
use super::world::{QUERY, World};
use crate::support::server::Server;

/// Lines of more bytes than a socket with a small window holds.
const FILES: usize = 3_000;

fn world(arguments: &[&str]) -> (World, String) {
    let world = World { server: Server::start_with(arguments) };
    std::fs::create_dir_all(world.bucket()).unwrap();
    world.table("t", &Head::plain()).add_files(FILES, 10);
    let token = world.share("s", &[("default", "t", "t")]);
    (world, token)
}

/// Asks for the table through a small window and reads the beginning of the answer only.
fn open(world: &World, token: &str, coding: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(8 << 10).unwrap();
    socket.connect(&world.server.address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    let head = format!(
        "POST {QUERY} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         accept-encoding: {coding}\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut begun = [0; 12];
    stream.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");
    stream
}

fn read_to_end(mut stream: TcpStream) -> Answer {
    let mut bytes = b"HTTP/1.1 200".to_vec();
    stream.read_to_end(&mut bytes).unwrap();
    Answer::parse(&bytes)
}

/// Connections that the server has open beside that of the question.
fn open_connections(world: &World) -> i64 {
    let answer = Ask::get("/metrics").send(world.server.address);
    let counts = answer.text().lines().filter(|line| line.starts_with("lakeshare_connections_open{"));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<i64>().unwrap()).sum::<i64>() - 1
}

fn wait_until_all_are_closed(world: &World) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while open_connections(world) > 0 {
        assert!(Instant::now() < deadline, "a reader that takes nothing is still served");
    }
}

#[test]
fn five_hundred_slow_readers_cost_little_more_than_their_sockets() {
    const READERS: usize = 500;
    /// A connection with its buffers; lines are shared.
    const READER_BYTES_MAX: usize = 48 << 10;
    for coding in ["identity", "zstd"] {
        let (world, token) = world(&[]);
        // All of it was rendered before, so that only readers are counted.
        read_to_end(open(&world, &token, coding));
        let before = world.server.resident_bytes();
        let readers: Vec<_> = (0..READERS).map(|_| open(&world, &token, coding)).collect();
        let grown = world.server.resident_bytes().saturating_sub(before);
        assert!(grown < READERS * READER_BYTES_MAX, "{coding}: {grown} bytes for {READERS} readers");
        for reader in readers.into_iter().step_by(25) {
            assert!(read_to_end(reader).is_whole);
        }
    }
}

#[test]
fn a_reader_that_takes_nothing_is_cut_and_a_slow_one_is_not() {
    const BYTES_PER_MS: usize = 150;
    let (world, token) = world(&["--reader-timeout", "2s"]);
    let stalled: Vec<_> = (0..5).map(|_| open(&world, &token, "identity")).collect();
    let mut slow = open(&world, &token, "identity");
    let (mut bytes, mut piece) = (b"HTTP/1.1 200".to_vec(), [0; 256]);
    // Reads on until the others are gone, at a pace at which the whole answer takes several times as long.
    let started = Instant::now();
    while open_connections(&world) > 1 {
        let due = usize::try_from(started.elapsed().as_millis()).unwrap() * BYTES_PER_MS;
        while bytes.len() < due {
            let read = slow.read(&mut piece).unwrap();
            assert!(read > 0, "the slow reader was through before the others were cut");
            bytes.extend_from_slice(&piece[..read]);
        }
    }
    slow.read_to_end(&mut bytes).unwrap();
    assert!(Answer::parse(&bytes).is_whole);
    drop(stalled);
}

#[test]
fn a_stream_whose_window_stays_shut_is_cut() {
    let (world, token) = world(&["--reader-timeout", "1s"]);
    // An earlier test may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = format!("{}{QUERY}", world.server.url());
    let mut answer = runtime.block_on(async {
        let client = reqwest::Client::builder()
            .no_proxy()
            .http2_prior_knowledge()
            .http2_initial_stream_window_size(64 << 10)
            .build()
            .unwrap();
        client.post(url).bearer_auth(&token).body("{}").send().await.unwrap()
    });
    assert_eq!((answer.status(), answer.version()), (reqwest::StatusCode::OK, reqwest::Version::HTTP_2));
    wait_until_all_are_closed(&world);
    let failed = runtime.block_on(async {
        loop {
            match answer.chunk().await {
                Ok(Some(_)) => {}
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    });
    assert!(failed, "a cut answer does not look whole");
}

#[test]
fn first_listings_of_many_tables_at_once_stay_within_the_budgets() {
    const TABLES: usize = 64;
    /// Both caches, decoding, and what 64 answers hold.
    const BYTES_MAX: usize = 160 << 20;
    let world =
        World { server: Server::start_with(&["--snapshot-cache", "4MiB", "--listing-cache", "4MiB"]) };
    std::fs::create_dir_all(world.bucket()).unwrap();
    let names: Vec<_> = (0..TABLES).map(|number| format!("t{number}")).collect();
    for name in &names {
        world.table(name, &Head::plain()).add_files(FILES, 10);
    }
    let tables: Vec<_> = names.iter().map(|name| ("default", name.as_str(), name.as_str())).collect();
    let token = world.share("s", &tables);
    let before = world.server.resident_bytes();
    let most = std::thread::scope(|scope| {
        let ask = |name: &String| {
            let target = format!("/delta-sharing/shares/s/schemas/default/tables/{name}/query");
            let answer = world.ask(&token, &Ask::post(&target, &json!({}).to_string()));
            assert!(answer.status == 200 && answer.is_whole, "{}", answer.status);
            assert_eq!(answer.body.split(|&byte| byte == b'\n').count(), 2 + FILES + 1);
            world.server.resident_bytes()
        };
        let asking: Vec<_> = names.iter().map(|name| scope.spawn(move || ask(name))).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).max().unwrap()
    });
    assert!(most < before + BYTES_MAX, "{} MiB", (most - before) >> 20);
}
