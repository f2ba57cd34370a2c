//! A server from its first to its last byte.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use rustix::process::Signal;

use crate::support::server::Server;

fn get(url: &str) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let answer = client(&[]).get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    })
}

/// A client that trusts exactly `certificates` beside the usual ones.
fn client(certificates: &[reqwest::Certificate]) -> reqwest::Client {
    // A second installation in one process is refused, and then the first one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder();
    for certificate in certificates {
        builder = builder.add_root_certificate(certificate.clone());
    }
    builder.build().unwrap()
}

#[test]
fn health_and_readiness_have_no_body_and_metrics_count() {
    let server = Server::start();
    for path in ["/healthz", "/readyz", "/minio/health/live", "/minio/health/ready"] {
        assert_eq!(get(&format!("{}{path}", server.url())), (200, String::new()), "{path}");
    }
    let (status, text) = get(&format!("{}/metrics", server.url()));
    assert_eq!(status, 200);
    assert!(text.contains(r#"door="Operations",status="Success""#), "{text}");
    assert!(text.contains("file_io="), "{text}");
}

#[test]
fn both_ways_to_read_files_serve() {
    for mode in ["pread", "auto"] {
        let server = Server::start_with(&["--io", mode]);
        let (_, text) = get(&format!("{}/metrics", server.url()));
        if mode == "pread" {
            assert!(text.contains(r#"file_io="pread""#), "{text}");
        }
        assert_eq!(get(&format!("{}/healthz", server.url())).0, 200);
    }
}

#[test]
fn terminate_finishes_the_open_answer_and_exits_zero() {
    let mut server = Server::start();
    let mut stream = TcpStream::connect(server.address).unwrap();
    // Half a request: the connection is open and not idle when the signal comes.
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n").unwrap();
    server.signal(Signal::TERM);
    stream.write_all(b"connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    // The head may have been read before or after the drain began: answered or closed, never hung.
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(server.wait().success());
}

#[test]
fn a_second_server_on_one_directory_or_port_is_refused() {
    let server = Server::start();
    let lakeshare = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_lakeshare"))
            .arg("server")
            .args(arguments)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let dir = server.dir().to_string_lossy().into_owned();
    let (code, errors) = lakeshare(&[&dir, "--address", "127.0.0.1:0"]);
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("another server"), "{errors}");
    let other = tempfile::tempdir().unwrap();
    let address = server.address.to_string();
    let (code, errors) = lakeshare(&[&other.path().to_string_lossy(), "--address", &address]);
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains(&address), "{errors}");
}

fn write_certificate(dir: &Path) -> reqwest::Certificate {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(dir.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()
}

#[tokio::test]
async fn tls_serves_both_protocols_and_shows_a_new_certificate_after_a_hang_up() {
    let files = tempfile::tempdir().unwrap();
    let first = write_certificate(files.path());
    let (certificate, key) = (files.path().join("cert.pem"), files.path().join("key.pem"));
    let server = Server::start_with(&[
        "--tls-cert",
        &certificate.to_string_lossy(),
        "--tls-key",
        &key.to_string_lossy(),
    ]);
    let url = format!("https://localhost:{}/healthz", server.address.port());
    let answer = client(std::slice::from_ref(&first)).get(&url).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_2));
    let second = write_certificate(files.path());
    assert!(client(std::slice::from_ref(&second)).get(&url).send().await.is_err());
    server.signal(Signal::HUP);
    // The signal is handled in its own time; each new connection shows what holds then.
    let mut shown = false;
    for _ in 0..1_000 {
        shown = client(std::slice::from_ref(&second)).get(&url).send().await.is_ok();
        if shown {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(shown, "the new certificate was never shown");
}
