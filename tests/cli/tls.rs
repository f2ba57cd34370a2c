//! Servers with a certificate, trusted or not.

use std::path::PathBuf;

use super::session::Session;
use crate::support::server::{ACCESS_KEY, SECRET_KEY, Server};

/// Writes a certificate of its own for 127.0.0.1 and gives its file and the key's.
fn write_certificate(session: &Session) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    session.write("cert.pem", made.cert.pem().as_bytes());
    session.write("key.pem", made.signing_key.serialize_pem().as_bytes());
    (session.work().join("cert.pem"), session.work().join("key.pem"))
}

#[test]
fn certificates_are_checked_and_every_mix_up_is_explained() {
    let mut session = Session::new();
    let (cert, key) = write_certificate(&session);
    let server =
        Server::start_with(&["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()]);
    let plain = Server::start();
    session.stand_in(&server.address.to_string(), "SECURE");
    session.stand_in(&plain.address.to_string(), "PLAIN");
    let https = format!("https://{}", server.address);
    let set = |url: &str| ["alias", "set", "local", url, ACCESS_KEY, SECRET_KEY].map(str::to_owned);
    let show = |session: &mut Session, flags: &[&str], url: &str| {
        let words = set(url);
        let words: Vec<&str> = flags.iter().copied().chain(words.iter().map(String::as_str)).collect();
        session.show(&words)
    };
    show(&mut session, &[], &https);
    show(&mut session, &["--ca-cert", "key.pem"], &https);
    show(&mut session, &["--ca-cert", "none.pem"], &https);
    show(&mut session, &[], &format!("http://{}", server.address));
    show(&mut session, &["--insecure"], &format!("https://{}", plain.address));
    show(&mut session, &["--ca-cert", "cert.pem"], &https);
    show(&mut session, &["--insecure"], &https);
    session.show(&["healthcheck", &https, "--insecure"]);
    session.show(&["ls", "local"]);
    session.compare("tls");
}
