//! Objects that the server itself writes are like any other.

use std::path::Path;

use bytes::Bytes;
use lakeshare::storage::Buckets;

use crate::support::s3::S3;
use crate::support::server::Server;

fn write(dir: &Path, key: &str, bytes: Bytes) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let buckets = Buckets::embedded(dir.to_owned());
    runtime.block_on(async {
        buckets.make_bucket("lake").await.unwrap();
        buckets.put_new("lake", key, bytes).await.unwrap();
    });
}

#[test]
fn an_object_that_the_server_wrote_is_listed_and_read_with_its_etag() {
    let dir = tempfile::tempdir().unwrap();
    let large = Bytes::from(vec![b'x'; 3 << 20]);
    write(dir.path(), "t/metadata/00000.json", Bytes::from_static(b"hello"));
    write(dir.path(), "t/metadata/00001.json", large.clone());
    let server = Server::start_in(dir.path(), &[]);
    let client = S3::of(&server);
    assert_eq!(client.keys("lake", "t/"), ["t/metadata/00000.json", "t/metadata/00001.json"]);
    let answer = client.get("/lake/t/metadata/00000.json");
    assert_eq!((answer.status, answer.body.as_ref()), (200, b"hello".as_slice()));
    assert_eq!(answer.header("etag"), "\"5d41402abc4b2a76b9719d911017c592\"");
    assert_eq!(client.get("/lake/t/metadata/00001.json").body, large);
    assert_eq!(client.delete("/lake/t/metadata/00000.json").status, 204);
    assert_eq!(client.put("/lake/t/metadata/00000.json", "again").status, 200);
}
