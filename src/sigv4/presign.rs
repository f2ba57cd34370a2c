//! Presigned GETs, millions a second, without an allocation each.
//!
//! The canonical request of a file is a constant head (method, bucket, table), the file's path and a
//! constant tail (query, host). The head's whole blocks are hashed once, and so are both halves of the
//! HMAC's key and the first block of the string to sign: ten blocks of SHA-256 remain for a usual file.
//!
//! The signing time is rounded down to a bucket, so that within a bucket one file has one URL; the expiry
//! is lengthened by the bucket, so that each URL lives at least as long as promised.

use super::canonical;
use super::credential::Credential;
use super::hexadecimal;
use super::midstate::{HmacMidstate, Midstate};
use super::signing_key::{AmzDate, Scope, derive};
use crate::simd::sha256::BLOCK_BYTES;

/// Longest life of a presigned URL (Amazon S3, "X-Amz-Expires").
const EXPIRES_SECONDS_MAX: u64 = 7 * 24 * 3600;

/// Longest bucket: with an expiry of one hour a URL says 75 minutes and lives 60 to 75.
const BUCKET_SECONDS_MAX: u64 = 15 * 60;

/// What all URLs of one table have in common.
#[derive(Debug, Clone, Copy)]
pub struct PresignScope<'a> {
    /// `scheme://host[:port]` as recipients reach it.
    pub endpoint: &'a str,
    /// The bucket as the first part of the path; empty when the host names it.
    pub bucket: &'a str,
    /// Location of the table inside the bucket, not encoded, without slashes around it; may be empty.
    pub key_prefix: &'a str,
    pub region: &'a str,
    pub credential: &'a Credential,
    /// Who gets the URLs, if each recipient has his own. S3 reads no parameter that begins with `x-`, but signs it and
    /// writes it into its access log (Amazon S3, "Server access log format").
    pub recipient: Option<&'a str>,
    pub signed_at_ms: i64,
    /// Seconds that each URL lives at least.
    pub expires_seconds: u64,
}

/// The rounded moment of signing and the lengthened expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    signed_at_s: i64,
    bucket_seconds: i64,
    expires_seconds: i64,
}

impl Window {
    fn around(now_ms: i64, expires_seconds: u64) -> Self {
        let promised = expires_seconds.clamp(1, EXPIRES_SECONDS_MAX);
        let room = EXPIRES_SECONDS_MAX - promised;
        let bucket = BUCKET_SECONDS_MAX.min(promised / 2).min(room).max(1).cast_signed();
        let seconds = now_ms.div_euclid(1000);
        Self {
            signed_at_s: seconds - seconds.rem_euclid(bucket),
            bucket_seconds: bucket,
            expires_seconds: (promised.cast_signed() + bucket).min(EXPIRES_SECONDS_MAX.cast_signed()),
        }
    }

    fn holds(&self, now_ms: i64) -> bool {
        let seconds = now_ms.div_euclid(1000);
        seconds >= self.signed_at_s && seconds < self.signed_at_s + self.bucket_seconds
    }
}

/// A file's path below its table, percent-encoded already, as `file_list` keeps it; or `//bucket/…`, outside of it.
#[derive(Debug, Clone, Copy)]
pub struct EncodedPath<'a> {
    pub directory: &'a [u8],
    pub name: &'a [u8],
}

impl<'a> EncodedPath<'a> {
    #[inline]
    fn byte_count(&self) -> usize {
        self.directory.len() + self.name.len()
    }

    /// The path on the endpoint, `/bucket/…`, if it lies outside of the table.
    #[inline]
    fn outside(&self) -> Option<[&'a [u8]; 2]> {
        match (self.directory, self.name) {
            ([b'/', directory @ ..], name) if directory.starts_with(b"/") => Some([directory, name]),
            ([], [b'/', name @ ..]) if name.starts_with(b"/") => Some([&[], name]),
            _ => None,
        }
    }
}

/// What proves that a URL is ours.
#[derive(Clone, Copy)]
pub struct Signature([u8; 32]);

/// Signs GETs of one table's files within one bucket of time.
pub struct Presigner {
    window: Window,
    /// `https://host/bucket/table/`
    url_head: Vec<u8>,
    /// How many bytes of it are `https://host`.
    origin_bytes: usize,
    /// `?X-Amz-Algorithm=…&X-Amz-Signature=`
    url_tail: Vec<u8>,
    canonical: Midstate,
    /// What the midstate did not swallow of the head; the path and the tail are appended for each file. Four of them, for
    /// four files side by side.
    messages: [Vec<u8>; 4],
    head_rest_bytes: usize,
    canonical_tail: Vec<u8>,
    string_to_sign: HmacMidstate,
}

impl Presigner {
    /// Derives the signing key and hashes all that is constant; some microseconds.
    pub fn new(scope: &PresignScope<'_>) -> Self {
        Self::within(scope, Window::around(scope.signed_at_ms, scope.expires_seconds))
    }

    fn within(scope: &PresignScope<'_>, window: Window) -> Self {
        let (scheme, host) = split_endpoint(scope.endpoint);
        let date = AmzDate::from_ms(window.signed_at_s.saturating_mul(1000))
            .unwrap_or_else(|| AmzDate { text: "19700101T000000Z".to_owned() });
        let s3 = Scope { region: scope.region, service: "s3" };

        let mut path_head = b"/".to_vec();
        for part in [scope.bucket, scope.key_prefix].iter().filter(|part| !part.is_empty()) {
            canonical::encode_into(part.as_bytes(), true, &mut path_head);
            path_head.push(b'/');
        }
        let mut query = b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=".to_vec();
        let credential = format!("{}/{}", scope.credential.access_key, date.credential_scope(&s3));
        canonical::encode_into(credential.as_bytes(), false, &mut query);
        query.extend_from_slice(
            format!(
                "&X-Amz-Date={}&X-Amz-Expires={}&X-Amz-SignedHeaders=host",
                date.text, window.expires_seconds
            )
            .as_bytes(),
        );
        if let Some(recipient) = scope.recipient {
            // Small letters stand behind the capitals of the other names.
            query.extend_from_slice(b"&x-recipient=");
            canonical::encode_into(recipient.as_bytes(), false, &mut query);
        }

        let canonical_head = [b"GET\n", path_head.as_slice()].concat();
        let (canonical, rest) = Midstate::begin(&canonical_head);
        let key = derive(&scope.credential.secret_key, date.day(), &s3);
        Self {
            window,
            origin_bytes: scheme.len() + "://".len() + host.len(),
            url_head: [scheme.as_bytes(), b"://", host.as_bytes(), &path_head].concat(),
            url_tail: [b"?", query.as_slice(), b"&X-Amz-Signature="].concat(),
            canonical,
            messages: [(); 4].map(|()| rest.to_vec()),
            head_rest_bytes: rest.len(),
            canonical_tail: [
                b"\n",
                query.as_slice(),
                b"\nhost:",
                host.as_bytes(),
                b"\n\nhost\nUNSIGNED-PAYLOAD",
            ]
            .concat(),
            string_to_sign: HmacMidstate::new(&key, date.string_to_sign_head(&s3).as_bytes()),
        }
    }

    /// Appends the URL of a file below the table.
    pub fn presign(&mut self, path: EncodedPath<'_>, out: &mut Vec<u8>) {
        let signature = self.sign(path);
        self.push_url(path, &signature, out);
    }

    /// The signature of a file's URL.
    #[inline]
    pub fn sign(&mut self, path: EncodedPath<'_>) -> Signature {
        if let Some(outside) = path.outside() {
            return self.sign_outside(outside);
        }
        let [message, ..] = &mut self.messages;
        write_message(path, &self.canonical, self.head_rest_bytes, &self.canonical_tail, message);
        let request_hash = self.canonical.finish(message);
        Signature(self.string_to_sign.sign_digest(&request_hash))
    }

    /// The signatures of two files' URLs, for little more than the time of one.
    #[inline]
    pub fn sign_pair(&mut self, paths: [EncodedPath<'_>; 2]) -> [Signature; 2] {
        if paths.iter().any(|path| path.outside().is_some()) {
            return paths.map(|path| self.sign(path));
        }
        for (path, message) in paths.into_iter().zip(&mut self.messages) {
            write_message(path, &self.canonical, self.head_rest_bytes, &self.canonical_tail, message);
        }
        let [first, second, ..] = self.messages.each_ref().map(Vec::as_slice);
        let request_hashes = self.canonical.finish_pair([first, second]);
        self.string_to_sign.sign_digests(&request_hashes).map(Signature)
    }

    /// The signatures of four files' URLs. Where their paths are of one length, as a writer makes them, the blocks after
    /// the path are the same for all four.
    #[inline]
    pub fn sign_four(&mut self, paths: [EncodedPath<'_>; 4]) -> [Signature; 4] {
        let [first, second, third, fourth] = paths;
        let path_bytes = first.byte_count();
        if paths.iter().any(|path| path.outside().is_some() || path.byte_count() != path_bytes) {
            let [first, second] = self.sign_pair([first, second]);
            let [third, fourth] = self.sign_pair([third, fourth]);
            return [first, second, third, fourth];
        }
        for (path, message) in paths.into_iter().zip(&mut self.messages) {
            write_message(path, &self.canonical, self.head_rest_bytes, &self.canonical_tail, message);
        }
        let own_blocks = (self.head_rest_bytes + path_bytes).div_ceil(BLOCK_BYTES);
        let messages = self.messages.each_ref().map(Vec::as_slice);
        let [first, second, third, fourth] = self.canonical.finish_alike(messages, own_blocks);
        let [first, second] = self.string_to_sign.sign_digests(&[first, second]);
        let [third, fourth] = self.string_to_sign.sign_digests(&[third, fourth]);
        [first, second, third, fourth].map(Signature)
    }

    /// Nothing of the table's head is of use here.
    fn sign_outside(&mut self, path: [&[u8]; 2]) -> Signature {
        let (start, head) = Midstate::begin(b"GET\n");
        let mut message = [head, &path.concat(), &self.canonical_tail].concat();
        start.pad(&mut message);
        Signature(self.string_to_sign.sign_digest(&start.finish(&message)))
    }

    /// Appends the URL that [`Self::sign`] gave the signature of.
    #[inline]
    pub fn push_url(&self, path: EncodedPath<'_>, signature: &Signature, out: &mut Vec<u8>) {
        let (head, [directory, name]) = match path.outside() {
            Some(outside) => (self.url_head.get(..self.origin_bytes).unwrap_or_default(), outside),
            None => (self.url_head.as_slice(), [path.directory, path.name]),
        };
        out.extend_from_slice(head);
        out.extend_from_slice(directory);
        out.extend_from_slice(name);
        out.extend_from_slice(&self.url_tail);
        hexadecimal::push_sha256(&signature.0, out);
    }

    /// When the URLs end, in milliseconds since the Unix epoch.
    pub fn expiration_ms(&self) -> i64 {
        self.window.signed_at_s.saturating_add(self.window.expires_seconds).saturating_mul(1000)
    }

    /// The moment of signing, in seconds since the Unix epoch: the start of the bucket of time.
    pub fn signed_at_s(&self) -> i64 {
        self.window.signed_at_s
    }

    /// Whether URLs signed now still live as long as promised; if not, a new presigner is due.
    pub fn is_current(&self, now_ms: i64) -> bool {
        self.window.holds(now_ms)
    }
}

/// What the midstate has not swallowed of a file's canonical request, padded.
#[inline]
fn write_message(
    path: EncodedPath<'_>,
    head: &Midstate,
    head_rest: usize,
    tail: &[u8],
    message: &mut Vec<u8>,
) {
    message.truncate(head_rest);
    message.extend_from_slice(path.directory);
    message.extend_from_slice(path.name);
    message.extend_from_slice(tail);
    head.pad(message);
}

/// Scheme and `Host` header of an endpoint; HTTP clients leave out the port that the scheme implies.
fn split_endpoint(endpoint: &str) -> (&str, &str) {
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("http", endpoint));
    let host = rest.trim_end_matches('/');
    let implied = if scheme == "https" { ":443" } else { ":80" };
    (scheme, host.strip_suffix(implied).unwrap_or(host))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Request;
    use proptest::prelude::*;
    use rusty_s3::{Bucket, Credentials, UrlStyle};

    use super::{EncodedPath, PresignScope, Presigner, Window};
    use crate::sigv4::canonical;
    use crate::sigv4::credential::Credential;
    use crate::sigv4::signing_key::{AmzDate, Scope, derive, hmac};

    const NOW_MS: i64 = 1_790_000_123_456;

    fn credential() -> Credential {
        Credential {
            access_key: "AKIAIOSFODNN7EXAMPLE".into(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        }
    }

    fn scope<'a>(credential: &'a Credential, bucket: &'a str, key_prefix: &'a str) -> PresignScope<'a> {
        PresignScope {
            endpoint: "http://127.0.0.1:9000",
            bucket,
            key_prefix,
            region: "us-east-1",
            credential,
            recipient: None,
            signed_at_ms: NOW_MS,
            expires_seconds: 3600,
        }
    }

    fn presign(presigner: &mut Presigner, path: &str) -> String {
        let (directory, name) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
        let mut encoded = [Vec::new(), Vec::new()];
        canonical::encode_into(directory.as_bytes(), true, &mut encoded[0]);
        canonical::encode_into(name.as_bytes(), true, &mut encoded[1]);
        let mut out = b"before".to_vec();
        presigner.presign(EncodedPath { directory: &encoded[0], name: &encoded[1] }, &mut out);
        String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned()
    }

    /// Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters", example.
    #[test]
    fn url_is_that_of_the_s3_manual() {
        let credential = credential();
        let scope = PresignScope {
            endpoint: "https://examplebucket.s3.amazonaws.com:443/",
            ..scope(&credential, "", "")
        };
        let window = Window { signed_at_s: 1_369_353_600, bucket_seconds: 1, expires_seconds: 86_400 };
        let url = presign(&mut Presigner::within(&scope, window), "test.txt");
        assert_eq!(
            url,
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }

    proptest! {
        #[test]
        fn urls_equal_those_of_rusty_s3(recipient in prop::option::of("[ -~]{1,40}"), bucket in "[a-z0-9-]{3,20}", prefix in "([a-zA-Z0-9 =%+ü]{1,30}/){0,3}[a-z]{1,10}",
                                        names in prop::collection::vec("([a-z=0-9 :%&é日]{1,20}/){0,3}[ -.0-~]{1,90}", 1..4)) {
            // `url` takes these names for steps up, where S3 has a name of its own.
            prop_assume!(!names.iter().any(|name| name.split('/').any(|part| part == "." || part == "..")));
            let credential = credential();
            let scope = PresignScope { recipient: recipient.as_deref(), ..scope(&credential, &bucket, &prefix) };
            let mut presigner = Presigner::new(&scope);
            let endpoint = "http://127.0.0.1:9000".parse().unwrap();
            let theirs = Bucket::new(endpoint, UrlStyle::Path, bucket.clone(), "us-east-1").unwrap();
            let their_credential = Credentials::new(&credential.access_key, &credential.secret_key);
            let signed_at = jiff::Timestamp::from_second(presigner.window.signed_at_s).unwrap();
            for name in &names {
                use rusty_s3::S3Action;
                let object = format!("{prefix}/{name}");
                let mut action = theirs.get_object(Some(&their_credential), &object);
                if let Some(recipient) = &recipient {
                    action.query_mut().insert("x-recipient", recipient.as_str());
                }
                let url = action.sign_with_time(Duration::from_mins(75), &signed_at);
                prop_assert_eq!(presign(&mut presigner, name), url.as_str());
            }
        }

        #[test]
        fn presigned_urls_verify(name in "([a-z=0-9 :%&é日]{1,20}/){0,3}[ -.0-~]{1,90}") {
            let credential = credential();
            let mut presigner = Presigner::new(&scope(&credential, "bucket", "some table"));
            let url = presign(&mut presigner, &name);
            let (unsigned, signature) = url.split_once("&X-Amz-Signature=").unwrap();
            let (parts, ()) = Request::get(unsigned).body(()).unwrap().into_parts();
            let s3 = Scope { region: "us-east-1", service: "s3" };
            let hash = canonical::hash(&parts, "s3", &["host"], "UNSIGNED-PAYLOAD").unwrap();
            let date = AmzDate::from_ms(presigner.window.signed_at_s * 1000).unwrap();
            let text = format!("{}{}", date.string_to_sign_head(&s3), hex::encode(hash));
            let key = derive(&credential.secret_key, date.day(), &s3);
            prop_assert_eq!(hex::encode(hmac(&key, text.as_bytes())), signature);
        }

        #[test]
        fn two_signatures_side_by_side_are_those_of_each(names in prop::array::uniform2("[a-z0-9=/.-]{0,200}")) {
            let credential = credential();
            let mut presigner = Presigner::new(&scope(&credential, "bucket", "warehouse/orders"));
            let paths = names.each_ref().map(|name| EncodedPath { directory: b"d/", name: name.as_bytes() });
            let pair = presigner.sign_pair(paths).map(|signature| signature.0);
            prop_assert_eq!(pair, paths.map(|path| presigner.sign(path).0));
        }

        #[test]
        fn four_signatures_side_by_side_are_those_of_each(
            names in prop::array::uniform4("[a-z0-9=/.-]{200}"),
            byte_counts in prop::array::uniform4(0_usize..200),
            is_alike: bool,
        ) {
            let credential = credential();
            let mut presigner = Presigner::new(&scope(&credential, "bucket", "warehouse/orders"));
            let mut number = 0;
            let paths = names.each_ref().map(|name| {
                let bytes = byte_counts[if is_alike { 0 } else { number }];
                number += 1;
                EncodedPath { directory: b"d/", name: &name.as_bytes()[..bytes] }
            });
            let four = presigner.sign_four(paths).map(|signature| signature.0);
            prop_assert_eq!(four, paths.map(|path| presigner.sign(path).0));
            let outside = EncodedPath { directory: b"//other/root/", name: b"part" };
            let [first, _, third, _] = paths;
            let four = presigner.sign_four([first, outside, third, outside]).map(|signature| signature.0);
            prop_assert_eq!(four, [first, outside, third, outside].map(|path| presigner.sign(path).0));
        }

        #[test]
        fn files_outside_of_the_table_have_the_urls_of_their_own_bucket(
            name in "[a-z0-9=.-]{1,80}", folder in "([a-z0-9=.-]{1,40}/){0,3}",
        ) {
            let credential = credential();
            let mut elsewhere = Presigner::new(&scope(&credential, "other", "root"));
            let mut wanted = Vec::new();
            let inside = EncodedPath { directory: folder.as_bytes(), name: name.as_bytes() };
            elsewhere.presign(inside, &mut wanted);
            let mut presigner = Presigner::new(&scope(&credential, "bucket", "warehouse/orders"));
            let directory = format!("//other/root/{folder}");
            let outside = EncodedPath { directory: directory.as_bytes(), name: name.as_bytes() };
            let mut found = Vec::new();
            presigner.presign(outside, &mut found);
            prop_assert_eq!(String::from_utf8_lossy(&found), String::from_utf8_lossy(&wanted));
            let whole = format!("{directory}{name}");
            found.clear();
            presigner.presign(EncodedPath { directory: b"", name: whole.as_bytes() }, &mut found);
            prop_assert_eq!(&found, &wanted);
            let [_, second] = presigner.sign_pair([inside, outside]);
            prop_assert_eq!(second.0, elsewhere.sign(inside).0);
        }

        #[test]
        fn urls_live_as_long_as_promised_and_at_most_seven_days(now_ms in 0..4_000_000_000_000_i64, expires in 0..700_000_u64) {
            let credential = credential();
            let presigner = Presigner::new(&PresignScope {
                signed_at_ms: now_ms, expires_seconds: expires, ..scope(&credential, "b", "") });
            let promised_s = i64::try_from(expires.clamp(1, super::EXPIRES_SECONDS_MAX)).unwrap();
            let slack_ms = if expires >= super::EXPIRES_SECONDS_MAX { 1000 } else { 0 };
            prop_assert!(presigner.expiration_ms() + slack_ms >= now_ms + promised_s * 1000);
            prop_assert!(presigner.window.expires_seconds <= 604_800);
            prop_assert!(presigner.window.signed_at_s * 1000 <= now_ms);
            prop_assert!(presigner.window.bucket_seconds <= (promised_s / 2).max(1));
            prop_assert!(presigner.is_current(now_ms));
        }
    }

    #[test]
    fn one_file_has_one_url_within_a_bucket_and_another_in_the_next() {
        let credential = credential();
        let at = |signed_at_ms| {
            let scope = PresignScope { signed_at_ms, ..scope(&credential, "b", "t") };
            let mut presigner = Presigner::new(&scope);
            (presign(&mut presigner, "part-0.parquet"), presigner.expiration_ms())
        };
        let bucket_ms = 900_000;
        let start_ms = NOW_MS - NOW_MS % bucket_ms;
        assert_eq!(at(start_ms), at(start_ms + bucket_ms - 1));
        assert_ne!(at(start_ms).0, at(start_ms + bucket_ms).0);
        assert_eq!(at(start_ms).1, start_ms + 4_500_000);
    }
}
