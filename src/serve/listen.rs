//! One listening socket per core on one address.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use super::error::Error;
use crate::limits;

/// Binds `count` listeners to `address`; the kernel spreads connections over them (`SO_REUSEPORT`).
///
/// Port 0 takes a free port, the same for all. An address that another process serves is refused:
/// `SO_REUSEPORT` alone would silently share it.
/// Connections take over how they are watched: a peer that is gone, or takes nothing for `patience`, is cut by the kernel,
/// and what waits for the wire stays small.
pub fn bind(address: SocketAddr, count: usize, patience: Duration) -> Result<Vec<TcpListener>, Error> {
    let failed = |source| Error::Bind { address, source };
    if address.port() != 0 {
        let probe = open(address).map_err(failed)?;
        probe.bind(&address.into()).map_err(failed)?;
        probe.listen(1).map_err(failed)?;
    }
    let mut listeners: Vec<TcpListener> = Vec::with_capacity(count);
    for _ in 0..count {
        let same = listeners.first().map(TcpListener::local_addr).transpose().map_err(failed)?;
        listeners.push(bind_shared(same.unwrap_or(address), patience).map_err(failed)?);
    }
    Ok(listeners)
}

fn bind_shared(address: SocketAddr, patience: Duration) -> std::io::Result<TcpListener> {
    let socket = open(address)?;
    socket.set_tcp_notsent_lowat(limits::UNSENT_BYTES_MAX)?;
    socket.set_tcp_user_timeout(Some(patience))?;
    let (time, retries) = (patience / 2, limits::KEEPALIVE_PROBES);
    let interval = (time / retries).max(Duration::from_secs(1));
    let keepalive = TcpKeepalive::new().with_time(time.max(Duration::from_secs(1)));
    socket.set_tcp_keepalive(&keepalive.with_interval(interval).with_retries(retries))?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    socket.listen(limits::LISTEN_QUEUE)?;
    Ok(socket.into())
}

fn open(address: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_listeners_share_one_port_that_nobody_else_may_take() {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let listeners = bind(any, 3, Duration::from_mins(2)).unwrap();
        let address = listeners[0].local_addr().unwrap();
        assert!(listeners.iter().all(|listener| listener.local_addr().unwrap() == address));
        let error = bind(address, 1, Duration::from_mins(2)).unwrap_err().to_string();
        assert!(error.contains(&address.to_string()), "{error}");
    }
}
