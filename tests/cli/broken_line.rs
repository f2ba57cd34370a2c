//! Copies over a line that breaks.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::session::Session;
use crate::support::server::{ACCESS_KEY, SECRET_KEY, Server};

/// Forwards connections to a server and breaks the first few that carry much.
struct Line {
    address: SocketAddr,
    breaks_left: Arc<AtomicUsize>,
}

/// Bytes after which a connection breaks, in either direction.
const BREAK_AFTER: usize = 700_000;

impl Line {
    fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let breaks_left = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&breaks_left);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(upstream)) else { return };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let left = Arc::clone(&left);
                    thread::spawn(move || forward(from, to, &left));
                }
            }
        });
        Self { address, breaks_left }
    }

    /// The next `count` connections that carry much break.
    fn break_next(&self, count: usize) {
        self.breaks_left.store(count, Ordering::SeqCst);
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, breaks_left: &AtomicUsize) {
    let mut piece = [0; 16_384];
    let mut carried = 0;
    loop {
        let count = from.read(&mut piece).unwrap_or(0);
        if count == 0 || to.write_all(&piece[..count]).is_err() {
            break;
        }
        carried += count;
        let take = |left: usize| left.checked_sub(1);
        if carried > BREAK_AFTER && breaks_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok()
        {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn copies_survive_broken_connections() {
    let server = Server::start();
    let line = Line::start(server.address);
    let session = Session::new();
    session.done(&["alias", "set", "local", &format!("http://{}", line.address), ACCESS_KEY, SECRET_KEY]);
    session.done(&["mb", "local/testdelta"]);
    let bytes: Vec<u8> =
        (0..5_000_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    session.write("big", &bytes);

    line.break_next(2);
    session.done(&["cp", "big", "local/testdelta/"]);
    assert_eq!(line.breaks_left.load(Ordering::SeqCst), 0);
    assert!(fs::read(server.dir().join("testdelta/big")).unwrap() == bytes, "the upload is not whole");

    line.break_next(3);
    session.done(&["cp", "local/testdelta/big", "back"]);
    assert_eq!(line.breaks_left.load(Ordering::SeqCst), 0);
    assert!(fs::read(session.work().join("back")).unwrap() == bytes, "the download is not whole");
}

#[test]
fn a_line_that_stays_broken_is_given_up_and_leaves_nothing() {
    let server = Server::start();
    let line = Line::start(server.address);
    let session = Session::new();
    session.done(&["alias", "set", "local", &format!("http://{}", line.address), ACCESS_KEY, SECRET_KEY]);
    session.done(&["mb", "local/testdelta"]);
    fs::write(server.dir().join("testdelta/big"), vec![7; 8_000_000]).unwrap();
    line.break_next(usize::MAX);
    let answer = session.run(&["cp", "local/testdelta/big", "back"]);
    assert_eq!(answer.code, 1);
    assert!(answer.err.contains("cannot copy 'local/testdelta/big' to 'back'"), "{}", answer.err);
    assert_eq!(fs::read_dir(session.work()).unwrap().count(), 0);
}
