//! Conditions of writes, decided against many writers at once.

use http::Method;

use crate::support::s3::S3;
use crate::support::server::Server;

const WRITERS: usize = 8;

/// Runs `work` on several threads, each with a client of its own, and collects what they say.
fn race<T: Send>(server: &Server, work: impl Fn(usize, &S3) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let racers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let work = &work;
                let client = S3::of(server);
                scope.spawn(move || work(number, &client))
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    })
}

#[test]
fn of_many_writers_that_ask_for_absence_one_wins() {
    let server = Server::start();
    let client = S3::of(&server);
    assert_eq!(client.put("/bucket", "").status, 200);
    for commit in 0..10 {
        let path = format!("/bucket/table/_delta_log/{commit:020}.json");
        let statuses = race(&server, |number, client| {
            client.call(Method::PUT, &path, &[("if-none-match", "*")], format!("writer {number}")).status
        });
        let winners: Vec<usize> = (0..WRITERS).filter(|number| statuses[*number] == 200).collect();
        assert_eq!(winners.len(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 200 | 412)), "{statuses:?}");
        assert_eq!(client.get(&path).body, format!("writer {}", winners[0]));
    }
}

#[test]
fn a_counter_kept_by_if_match_loses_no_step() {
    const STEPS: usize = 12;
    let server = Server::start();
    let client = S3::of(&server);
    client.put("/bucket", "");
    client.put("/bucket/counter", "0");
    race(&server, |_, client| {
        let mut done = 0;
        while done < STEPS {
            let read = client.get("/bucket/counter");
            let value: usize = std::str::from_utf8(&read.body).unwrap().parse().unwrap();
            let etag = read.header("etag").to_owned();
            let written =
                client.call(Method::PUT, "/bucket/counter", &[("if-match", &etag)], (value + 1).to_string());
            match written.status {
                200 => done += 1,
                412 => {}
                other => panic!("{other} {:?}", written.code()),
            }
        }
    });
    assert_eq!(client.get("/bucket/counter").body, (WRITERS * STEPS).to_string());
}

#[test]
fn putting_and_deleting_neighbours_never_loses_an_object_to_an_emptied_directory() {
    let server = Server::start();
    S3::of(&server).put("/bucket", "");
    race(&server, |number, client| {
        for round in 0..40 {
            let path = format!("/bucket/shared/deep/dir/{number}");
            let put = client.put(&path, format!("{round}"));
            assert_eq!(put.status, 200, "{:?}", put.code());
            assert_eq!(client.get(&path).body, format!("{round}"), "what was put is there");
            assert_eq!(client.delete(&path).status, 204);
        }
    });
    let client = S3::of(&server);
    assert!(client.keys("bucket", "").is_empty());
    assert_eq!(
        std::fs::read_dir(server.dir().join("bucket")).unwrap().count(),
        0,
        "empty directories are gone"
    );
    assert_eq!(client.delete("/bucket").status, 204);
}

#[test]
fn a_marker_survives_neighbours_that_come_and_go() {
    let server = Server::start();
    S3::of(&server).put("/bucket", "");
    race(&server, |number, client| {
        for _ in 0..20 {
            if number == 0 {
                assert_eq!(client.put("/bucket/d/", "").status, 200);
                assert_eq!(client.get("/bucket/d/").status, 200, "an acknowledged marker is there");
                assert_eq!(client.delete("/bucket/d/").status, 204);
            } else {
                assert_eq!(client.put(&format!("/bucket/d/{number}"), "x").status, 200);
                assert_eq!(client.delete(&format!("/bucket/d/{number}")).status, 204);
            }
        }
    });
    assert!(S3::of(&server).keys("bucket", "").is_empty());
}

#[test]
fn readers_see_one_whole_version_while_writers_replace_it() {
    let server = Server::start();
    let client = S3::of(&server);
    client.put("/bucket", "");
    let version = |letter: char| letter.to_string().repeat(400_000);
    client.put("/bucket/o", version('a'));
    race(&server, |number, client| {
        for round in 0..15_u8 {
            if number < 2 {
                assert_eq!(client.put("/bucket/o", version(char::from(b'a' + round))).status, 200);
            } else {
                let read = client.get("/bucket/o").body;
                assert_eq!(read.len(), 400_000);
                assert!(read.iter().all(|byte| Some(byte) == read.first()), "a mixture of two versions");
            }
        }
    });
}
