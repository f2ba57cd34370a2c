//! Small requests over many kept connections, from one thread.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::epoll;

use crate::wire::{self, Framing};

use super::target::Target;

pub const CONNECTIONS: usize = 64;
const BUFFER_BYTES: usize = 64 << 10;
/// A rival answers a few requests a second; longer than this none of 64 may wait.
const WAIT_SECONDS_MAX: i64 = 120;

/// One connection with one request under way.
struct Connection {
    stream: TcpStream,
    sent: Instant,
    /// What came of a head that is not whole yet.
    head: Vec<u8>,
    /// Set from the end of the head on.
    framing: Option<Framing>,
}

/// What came of a burst of requests.
#[derive(Debug, Default)]
pub struct Burst {
    pub latencies_ms: Vec<f64>,
    pub body_bytes: u64,
}

/// The GET of `path` as bytes of HTTP/1.1.
fn render_request(target: &Target, path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nUser-Agent: lakeshare-perf\r\n\r\n",
        target.address, target.bearer_token
    )
}

/// Asks for `path` again and again over all connections for `duration`, and reads every answer to its end.
pub fn ask(target: &Target, path: &str, duration: Duration) -> anyhow::Result<Burst> {
    burst(target.address, &render_request(target, path), CONNECTIONS, duration)
}

/// Sends `request` again and again over `count` connections.
pub fn burst(address: SocketAddr, request: &str, count: usize, duration: Duration) -> anyhow::Result<Burst> {
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC).context("making an epoll")?;
    let mut connections = Vec::with_capacity(count);
    for index in 0..count {
        let connection = Connection::open(address)?;
        let data = epoll::EventData::new_u64(index as u64);
        epoll::add(&poll, &connection.stream, data, epoll::EventFlags::IN)
            .context("watching a connection")?;
        connections.push(connection);
    }
    for connection in &mut connections {
        connection.send(request)?;
    }
    let (started, mut burst) = (Instant::now(), Burst::default());
    let (mut waiting, mut buffer) = (connections.len(), vec![0; BUFFER_BYTES]);
    let mut events = Vec::with_capacity(count);
    let timeout = rustix::event::Timespec { tv_sec: WAIT_SECONDS_MAX, tv_nsec: 0 };
    while waiting > 0 {
        epoll::wait(&poll, spare_capacity(&mut events), Some(&timeout)).context("waiting for answers")?;
        ensure!(!events.is_empty(), "no answer within {WAIT_SECONDS_MAX} s");
        for event in events.drain(..) {
            let index = usize::try_from(event.data.u64())?;
            let connection = connections.get_mut(index).context("an event of no connection")?;
            if !connection.receive(&mut buffer, &mut burst)? {
                continue;
            }
            if started.elapsed() < duration {
                connection.send(request)?;
            } else {
                waiting -= 1;
            }
        }
    }
    Ok(burst)
}

impl Connection {
    fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).context("connecting")?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, sent: Instant::now(), head: Vec::new(), framing: None })
    }

    /// A request is far smaller than a socket's buffer, so that it goes whole or not at all.
    fn send(&mut self, request: &str) -> anyhow::Result<()> {
        self.sent = Instant::now();
        self.stream.write_all(request.as_bytes()).context("sending a request")
    }

    /// Takes what has arrived; whether the answer is whole.
    fn receive(&mut self, buffer: &mut [u8], burst: &mut Burst) -> anyhow::Result<bool> {
        let read = match self.stream.read(buffer) {
            Ok(0) => bail!("the server closed a kept connection"),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error).context("reading an answer"),
        };
        let mut bytes = &buffer[..read];
        let rest;
        if self.framing.is_none() {
            self.head.extend_from_slice(bytes);
            let Some(length) = wire::head_length(&self.head) else { return Ok(false) };
            rest = self.head.split_off(length);
            self.framing = Some(wire::parse_head(&self.head, &rest)?.framing);
            self.head.clear();
            bytes = &rest;
        }
        let Some(framing) = &mut self.framing else { return Ok(false) };
        framing.take(bytes, &mut |data| {
            burst.body_bytes += data.len() as u64;
            Ok(())
        })?;
        let is_whole = framing.is_done();
        if is_whole {
            burst.latencies_ms.push(self.sent.elapsed().as_secs_f64() * 1e3);
            self.framing = None;
        }
        Ok(is_whole)
    }
}
