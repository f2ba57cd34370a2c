//! HTTP as bytes: requests as spelt, answers as they came.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A request whose every byte is the test's.
#[derive(Debug, Clone)]
pub struct Ask {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// An answer; header names in lower case.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether a chunked body came to its last chunk, or a sized one to its length.
    pub is_whole: bool,
}

impl Ask {
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.to_owned(), target: target.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub fn with_body(method: &str, target: &str, body: &str) -> Self {
        Self { body: body.as_bytes().to_vec(), ..Self::new(method, target) }
    }

    pub fn post(target: &str, body: &str) -> Self {
        Self::with_body("POST", target, body).header("content-type", "application/json; charset=utf-8")
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sends the request on a connection of its own and reads to the end.
    pub fn send(&self, address: SocketAddr) -> Answer {
        self.send_and_then(address, || {})
    }

    /// The same, and does something when the first bytes of the answer have come.
    pub fn send_and_then(&self, address: SocketAddr, on_first_bytes: impl FnOnce()) -> Answer {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut head =
            format!("{} {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if !self.body.is_empty() || self.method == "POST" {
            head.extend(["content-length: ", &self.body.len().to_string(), "\r\n"]);
        }
        head += "\r\n";
        stream.write_all(&[head.as_bytes(), &self.body].concat()).unwrap();
        let mut bytes = vec![0];
        let first = stream.read(&mut bytes).unwrap_or_default();
        bytes.truncate(first);
        on_first_bytes();
        // A peer that answers before it has read all may reset the rest; what came is judged.
        let _ = stream.read_to_end(&mut bytes);
        Answer::parse(&bytes)
    }
}

impl Answer {
    /// Reads a whole answer.
    pub fn parse(bytes: &[u8]) -> Self {
        let split = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer has a head");
        let head = std::str::from_utf8(&bytes[..split]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let raw = &bytes[split + 4..];
        let mut answer = Self { status, headers, body: raw.to_vec(), is_whole: true };
        if answer.header("transfer-encoding") == Some("chunked") {
            (answer.body, answer.is_whole) = dechunk(raw);
        } else if let Some(length) = answer.header("content-length") {
            answer.is_whole = length.parse::<usize>().unwrap() == raw.len();
        }
        answer
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The lines of NDJSON, each parsed; checks that Python's wider idea of a line end finds the same lines.
    pub fn lines(&self) -> Vec<serde_json::Value> {
        let text = self.text();
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "one line end after the last line");
        let python_breaks =
            ['\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
        assert!(!text.contains(python_breaks), "Python would break a line: {text:?}");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn dechunk(mut raw: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = raw.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&raw[..end]).unwrap(), 16).unwrap();
        let rest = &raw[end + 2..];
        if size == 0 {
            return (body, true);
        }
        let chunk = rest.get(..size).unwrap_or(rest);
        body.extend_from_slice(chunk);
        raw = rest.get(size + 2..).unwrap_or_default();
    }
    (body, false)
}
