//! Kills the server while it takes objects.
//!
//! Several writers put objects without pause, each with bytes that its key determines; some of them put
//! over one key again and again. A `kill -9` may come at any moment. After the restart, every object that
//! was acknowledged must be there whole; one that was not may be there whole or not at all.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::support::s3::S3;
use crate::support::server::Server;

const KILLS: usize = 10;
const WRITERS: usize = 4;

/// Acknowledged objects before each kill, in the mean: enough that a kill meets each step of a PUT.
const PUTS_BEFORE_KILL: usize = 60;

/// Bytes that only this key and round can have; sizes from none to several writes.
fn content(key: &str, round: usize) -> Vec<u8> {
    let seed = key.bytes().fold(round, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    let length = [0, 10, 5_000, 300_000, 2_500_000][seed % 5];
    let line = format!("{key}#{round};");
    line.bytes().cycle().take(length).collect()
}

/// What one writer knows of one key: the rounds that were acknowledged and the one that may have been.
#[derive(Debug, Default, Clone)]
struct Attempts {
    acknowledged: Option<usize>,
    last: Option<usize>,
}

#[test]
fn a_killed_server_keeps_what_it_acknowledged_and_shows_nothing_by_halves() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("bucket")).unwrap();
    let known: Mutex<std::collections::BTreeMap<String, Attempts>> = Mutex::default();
    for kill in 0..KILLS {
        let mut server = Server::start_in(dir.path(), &[]);
        let acknowledged = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (known, acknowledged, stop) = (&known, &acknowledged, &stop);
                let client = S3::of(&server);
                scope.spawn(move || {
                    for round in 0.. {
                        if stop.load(Ordering::SeqCst) {
                            return;
                        }
                        // Every third object goes over the same key as the last one did.
                        let place = if round % 3 == 0 {
                            "over/and/over".to_owned()
                        } else {
                            format!("k{kill}/d{round}/o")
                        };
                        let key = format!("w{writer}/{place}");
                        let round = kill * 1_000_000 + round;
                        known.lock().unwrap().entry(key.clone()).or_default().last = Some(round);
                        match client.try_call(
                            http::Method::PUT,
                            &format!("/bucket/{key}"),
                            &[],
                            content(&key, round),
                        ) {
                            Ok(answer) => {
                                assert_eq!(answer.status, 200, "{answer:?}");
                                known.lock().unwrap().get_mut(&key).unwrap().acknowledged = Some(round);
                                acknowledged.fetch_add(1, Ordering::SeqCst);
                            }
                            Err(_) => return,
                        }
                    }
                });
            }
            let wanted = PUTS_BEFORE_KILL / 2 + (kill * 37) % PUTS_BEFORE_KILL;
            while acknowledged.load(Ordering::SeqCst) < wanted {
                std::thread::yield_now();
            }
            server.kill();
            stop.store(true, Ordering::SeqCst);
        });
        drop(server);
        let server = Server::start_in(dir.path(), &[]);
        verify(&S3::of(&server), &mut known.lock().unwrap());
        let left = std::fs::read_dir(dir.path().join(".lakeshare/tmp")).unwrap().count();
        assert_eq!(left, 0, "temporary files of the dead server are gone");
    }
}

fn verify(client: &S3, known: &mut std::collections::BTreeMap<String, Attempts>) {
    let listed = client.keys("bucket", "");
    for key in &listed {
        assert!(known.contains_key(key), "{key} was never put");
    }
    for (key, attempts) in known.iter_mut() {
        let answer = client.get(&format!("/bucket/{key}"));
        let is_listed = listed.binary_search(key).is_ok();
        if answer.status == 404 {
            assert_eq!(attempts.acknowledged, None, "{key} was acknowledged and is lost");
            assert!(!is_listed, "{key} is listed and cannot be read");
            continue;
        }
        assert_eq!(answer.status, 200, "{key}: {:?}", answer.code());
        assert!(is_listed, "{key} can be read and is not listed");
        let first = attempts.acknowledged.or(attempts.last).unwrap();
        let last = attempts.last.unwrap();
        let round = [first, last].into_iter().find(|round| answer.body == content(key, *round));
        assert!(round.is_some(), "{key} has {} bytes of no round that was put", answer.body.len());
        // What is there now is what has to be there after the next kill.
        attempts.acknowledged = round;
        attempts.last = round;
    }
}
