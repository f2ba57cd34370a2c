//! Very many readers that take their listings slowly, from one thread.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::net::{AddressFamily, SocketType, connect, socket};

use crate::load::{self, Query};

/// Pieces of a second; each reader reads in one of them.
const SLOTS: u32 = 20;
/// What a slow reader's kernel keeps for it; more would be a reader that is not slow but large.
const RECEIVE_BUFFER_BYTES: usize = 32 << 10;
/// Readers between two looks at the server's memory.
const LOOK_EVERY: usize = 250;
/// Files that a reader uses itself, beside its connections.
const SPARE_FILES: u64 = 200;

/// A crowd of connections, each with one listing under way.
pub struct Crowd {
    /// `None`: the server has ended it.
    streams: Vec<Option<TcpStream>>,
    pub received_bytes: u64,
}

/// Raises the limit of open files to what `connections` need; the servers that we start inherit it.
pub fn allow_connections(connections: u64) -> anyhow::Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("raising the limit of open files")?;
    let maximum = limit.maximum.unwrap_or(u64::MAX);
    ensure!(
        maximum >= connections + SPARE_FILES,
        "{connections} connections need a higher `ulimit -Hn` than {maximum}"
    );
    Ok(())
}

impl Crowd {
    /// Connects `count` readers and sends the query of each.
    ///
    /// `is_well` is asked now and then: a server that takes all memory for them must not take the machine with it.
    pub fn open(
        query: &Query,
        count: usize,
        mut is_well: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let request = load::render_request(query);
        let mut streams = Vec::with_capacity(count);
        for index in 0..count {
            if index % LOOK_EVERY == 0 {
                is_well()?;
            }
            let stream = connect_small(query).with_context(|| format!("connecting reader {index}"))?;
            (&stream)
                .write_all(request.as_bytes())
                .with_context(|| format!("the query of reader {index}"))?;
            stream.set_nonblocking(true)?;
            streams.push(Some(stream));
        }
        Ok(Self { streams, received_bytes: 0 })
    }

    /// Reads for `duration`, `bytes_per_second` by each reader.
    pub fn read(&mut self, bytes_per_second: usize, duration: Duration) -> anyhow::Result<()> {
        let mut buffer = vec![0; bytes_per_second];
        let slot_length = Duration::from_secs(1) / SLOTS;
        let (started, mut slot) = (Instant::now(), 0);
        while started.elapsed() < duration {
            let due = slot_length * slot;
            if let Some(early) = due.checked_sub(started.elapsed()) {
                pause(early);
            }
            let first = usize::try_from(slot % SLOTS)?;
            for index in (first..self.streams.len()).step_by(SLOTS as usize) {
                self.read_once(index, &mut buffer)?;
            }
            slot += 1;
        }
        Ok(())
    }

    /// Readers whose connection the server has ended.
    pub fn ended(&self) -> usize {
        self.streams.iter().filter(|stream| stream.is_none()).count()
    }

    /// Takes up to a second's worth of bytes.
    fn read_once(&mut self, index: usize, buffer: &mut [u8]) -> anyhow::Result<()> {
        let Some(slot) = self.streams.get_mut(index) else { return Ok(()) };
        let mut taken = 0;
        while let Some(stream) = slot.as_mut().filter(|_| taken < buffer.len()) {
            match stream.read(&mut buffer[taken..]) {
                Ok(0) => *slot = None,
                Ok(read) => taken += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => *slot = None,
                Err(error) => bail!("reader {index}: {error}"),
            }
        }
        self.received_bytes += taken as u64;
        Ok(())
    }
}

/// A connection whose receive buffer was small from the first packet on.
fn connect_small(query: &Query) -> anyhow::Result<TcpStream> {
    let socket = socket(family_of(query.address), SocketType::STREAM, None)?;
    set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER_BYTES)?;
    connect(&socket, &query.address)?;
    Ok(TcpStream::from(socket))
}

fn family_of(address: SocketAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 }
}

#[expect(clippy::disallowed_methods, reason = "a slow reader is one that waits")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}
