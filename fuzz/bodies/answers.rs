//! What answers are made of, compared with plain computation.

use std::io::Read as _;

use flate2::read::GzDecoder;
use hmac::{Hmac, KeyInit, Mac};
use lakeshare::encode::gzip::{Checksum, HEAD, Packer};
use lakeshare::encode::url_path::encode_into;
use lakeshare::sigv4::credential::Credential;
use lakeshare::sigv4::presign::{EncodedPath, PresignScope, Presigner};
use sha2::{Digest, Sha256};

/// Pieces end at each NUL; together they are one member that holds them all.
pub fn gzip(bytes: &[u8]) {
    let (mut packer, mut member, mut sum) = (Packer::default(), HEAD.to_vec(), Checksum::default());
    for piece in bytes.split(|&byte| byte == 0) {
        sum = sum.and(packer.push_piece(piece, &mut member));
    }
    member.extend_from_slice(&sum.trailer());
    let mut decoder = GzDecoder::new(member.as_slice());
    let mut plain = Vec::new();
    decoder.read_to_end(&mut plain).expect("a member that inflates, with the right checksum");
    assert!(decoder.into_inner().is_empty(), "one member and nothing behind it");
    let expected: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != 0).collect();
    assert_eq!(plain, expected);
}

/// The first line is the secret, the second the table's place, the rest are names of files: two of them side by side have
/// the signatures that the text of the standard leads to.
pub fn presigned_url(bytes: &[u8]) {
    let mut lines = bytes.split(|&byte| byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned());
    let (Some(secret_key), Some(place)) = (lines.next(), lines.next()) else { return };
    let credential = Credential { access_key: "key".into(), secret_key: secret_key.clone() };
    let mut presigner = Presigner::new(&PresignScope {
        recipient: None,
        endpoint: "https://lake.example.com",
        bucket: "bucket",
        key_prefix: &place,
        region: "eu-1",
        credential: &credential,
        signed_at_ms: 1_790_000_123_456,
        expires_seconds: 3_600,
    });
    let encoded = |name: String| {
        let mut encoded = Vec::new();
        encode_into(name.as_bytes(), &mut encoded);
        encoded
    };
    let names: Vec<Vec<u8>> = lines.map(encoded).filter(|name| !name.starts_with(b"//")).collect();
    for pair in names.windows(2) {
        let [one, two] = [&pair[0], &pair[1]].map(|name| EncodedPath { directory: b"", name });
        let signatures = presigner.sign_pair([one, two]);
        for (path, signature) in [one, two].into_iter().zip(&signatures) {
            let mut url = Vec::new();
            presigner.push_url(path, signature, &mut url);
            let url = String::from_utf8(url).expect("a URL is text");
            let (unsigned, signature) = url.split_once("&X-Amz-Signature=").expect("a signature at the end");
            assert_eq!(plain_signature(unsigned, &secret_key), signature);
        }
    }
}

/// AWS Signature Version 4, step by step.
fn plain_signature(unsigned: &str, secret_key: &str) -> String {
    let target = unsigned.strip_prefix("https://lake.example.com").expect("the host that was asked for");
    let (path, query) = target.split_once('?').expect("a query");
    let request = format!("GET\n{path}\n{query}\nhost:lake.example.com\n\nhost\nUNSIGNED-PAYLOAD");
    let date = query.split("X-Amz-Date=").nth(1).and_then(|rest| rest.get(..16)).expect("a date");
    let day = &date[..8];
    let hash = hex::encode(Sha256::digest(request));
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{day}/eu-1/s3/aws4_request\n{hash}");
    let mut key = format!("AWS4{secret_key}").into_bytes();
    for part in [day, "eu-1", "s3", "aws4_request", &text] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
        mac.update(part.as_bytes());
        key = mac.finalize().into_bytes().to_vec();
    }
    hex::encode(key)
}
