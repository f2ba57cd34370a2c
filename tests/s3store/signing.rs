//! What each credential opens, and what no signature opens.

use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use http::{Method, Request};
use hyper_util::rt::TokioIo;
use lakeshare::auth::session::Sessions;
use lakeshare::clock::Clock;
use lakeshare::s3store::{Door, StoreParts};
use lakeshare::sigv4::credential::Credential;
use lakeshare::state::record::SigningCredential;
use lakeshare::storage::Buckets;
use lakeshare::storage::file_read::{FileReader, Mode};

use crate::support::s3::S3;
use crate::support::server::{ACCESS_KEY, SECRET_KEY, Server};

/// The door alone, on a thread of its own, because no server tells its signing credential.
fn start_door(dir: &Path) -> SocketAddr {
    let reader = FileReader::probe(Mode::Auto);
    let parts = StoreParts {
        buckets: Buckets::embedded(dir.to_owned()),
        root: Credential { access_key: "root".into(), secret_key: "root-secret".into() },
        signing: SigningCredential { access_key: "signer".into(), secret_key: "signer-secret".into() },
        sessions: Sessions::new(&[7; 32]),
        region: "us-east-1".into(),
        domain: Some("s3.test".into()),
        file_reader: reader,
        clock: Clock::system(),
    };
    let door = Door::new(parts).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        reader.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let door = door.clone();
                tokio::task::spawn_local(async move {
                    let service = hyper::service::service_fn(move |request| {
                        let door = door.clone();
                        async move { Ok::<_, std::convert::Infallible>(door.handle(request).await) }
                    });
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        })
    });
    address
}

fn presigned(client: &S3, method: Method, url: &str) -> u16 {
    client.send(Request::builder().method(method).uri(url).body(Bytes::new()).unwrap()).unwrap().status
}

#[test]
fn the_signing_credential_opens_presigned_reads_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("bucket")).unwrap();
    std::fs::write(dir.path().join("bucket/o"), "object").unwrap();
    let url = format!("http://{}", start_door(dir.path()));
    let signer = S3::new(url, "signer", "signer-secret");
    assert_eq!(presigned(&signer, Method::GET, &signer.presign(&Method::GET, "bucket", "o", 60)), 200);
    assert_eq!(presigned(&signer, Method::HEAD, &signer.presign(&Method::HEAD, "bucket", "o", 60)), 200);
    assert_eq!(presigned(&signer, Method::PUT, &signer.presign(&Method::PUT, "bucket", "new", 60)), 403);
    assert_eq!(presigned(&signer, Method::DELETE, &signer.presign(&Method::DELETE, "bucket", "o", 60)), 403);
    assert_eq!(
        presigned(&signer, Method::GET, &signer.presign(&Method::GET, "bucket", "", 60)),
        403,
        "a listing"
    );
    assert_eq!(signer.get("/bucket/o").status, 403, "a signature in headers");
    assert_eq!(signer.get("/bucket?list-type=2").status, 403);
    assert_eq!(signer.get("/").status, 403);
    assert_eq!(signer.put("/bucket/new", "x").code(), "AccessDenied");
    assert_eq!(std::fs::read_dir(dir.path().join("bucket")).unwrap().count(), 1);
}

#[test]
fn a_presigned_url_is_good_for_its_request_only() {
    let server = Server::start();
    let client = S3::of(&server);
    client.put("/bucket", "");
    client.put("/bucket/o", "object");
    client.put("/bucket/other", "other");
    let url = client.presign(&Method::GET, "bucket", "o", 60);
    assert_eq!(presigned(&client, Method::GET, &url), 200);
    assert_eq!(presigned(&client, Method::GET, &url.replace("/o?", "/other?")), 403);
    assert_eq!(presigned(&client, Method::PUT, &url), 403);
    assert_eq!(presigned(&client, Method::GET, &url.replace("Expires=60", "Expires=6000")), 403);
    let copying = Request::builder()
        .method(Method::PUT)
        .uri(client.presign_put("bucket", "copy"))
        .header("x-amz-copy-source", "bucket/other")
        .body(Bytes::new())
        .unwrap();
    assert_eq!(client.send(copying).unwrap().status, 403, "a header that nobody signed");
    let unsigned = Request::builder().uri(format!("{}/bucket/o", server.url())).body(Bytes::new()).unwrap();
    let refused = client.send(unsigned).unwrap();
    assert_eq!((refused.status, refused.code()), (403, "AccessDenied".to_owned()));
}

#[test]
fn a_wrong_secret_key_or_body_is_refused_by_name() {
    let server = Server::start();
    let client = S3::of(&server);
    client.put("/bucket", "");
    let wrong = S3::new(server.url(), ACCESS_KEY, "wrong");
    assert_eq!(wrong.get("/bucket").code(), "SignatureDoesNotMatch");
    let unknown = S3::new(server.url(), "nobody", SECRET_KEY);
    assert_eq!(unknown.get("/bucket").code(), "InvalidAccessKeyId");
    let mismatched = client.call_with_body("/bucket/o", "signed", "sent!!");
    assert_eq!((mismatched.status, mismatched.code()), (400, "XAmzContentSHA256Mismatch".to_owned()));
    assert_eq!(client.get("/bucket/o").status, 404);
}

#[test]
fn a_bucket_in_the_host_is_found_below_the_domain() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("bucket")).unwrap();
    std::fs::write(dir.path().join("bucket/o"), "object").unwrap();
    let address = start_door(dir.path());
    let client = S3::new(format!("http://{address}"), "root", "root-secret");
    let by_host = client.call(Method::GET, "/o", &[("host", "bucket.s3.test:9000")], "");
    assert_eq!((by_host.status, by_host.body), (200, Bytes::from("object")));
    assert_eq!(client.call(Method::GET, "/bucket/o", &[("host", "elsewhere.test")], "").status, 200);
}
