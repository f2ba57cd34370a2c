//! Which content coding a client gets (RFC 9110, 12.5.3).

use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, HeaderValue};

/// How the bytes of an answer are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// As they are.
    Identity,
    Zstd,
    Gzip,
}

/// What a client says of a coding: thousandths; `None`: nothing.
type Weight = Option<u16>;

impl Coding {
    /// What the client likes best; among equals what costs us least. Who accepts nothing that we know gets the bytes
    /// as they are.
    pub fn negotiate(headers: &HeaderMap) -> Self {
        let (mut zstd, mut gzip, mut identity, mut any) = (None, None, None, None);
        for value in headers.get_all(ACCEPT_ENCODING) {
            for element in value.to_str().unwrap_or_default().split(',') {
                let (name, weight) = element_of(element);
                match name.to_ascii_lowercase().as_str() {
                    "zstd" => zstd = weight,
                    "gzip" | "x-gzip" => gzip = weight,
                    "identity" => identity = weight,
                    "*" => any = weight,
                    _ => {}
                }
            }
        }
        let best = [(Self::Zstd, zstd), (Self::Gzip, gzip)]
            .map(|(coding, own)| (coding, own.or(any).unwrap_or(0)))
            .into_iter()
            .filter(|&(_, weight)| weight > 0)
            .reduce(|best, next| if next.1 > best.1 { next } else { best });
        match best {
            Some((coding, weight)) if identity.is_none_or(|identity| weight >= identity) => coding,
            _ => Self::Identity,
        }
    }

    /// The value of `Content-Encoding`; none for bytes as they are.
    pub fn header(self) -> Option<HeaderValue> {
        match self {
            Self::Identity => None,
            Self::Zstd => Some(HeaderValue::from_static("zstd")),
            Self::Gzip => Some(HeaderValue::from_static("gzip")),
        }
    }
}

/// Name and weight of `gzip;q=0.5`; a weight that cannot be read refuses.
fn element_of(element: &str) -> (&str, Weight) {
    let mut parts = element.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("q").then(|| thousandths(value.trim()))
    });
    (name, Some(weight.unwrap_or(1000)))
}

/// 0 to 1000 of `0.5`; 0 of what is no weight.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    let part: u16 = format!("{fraction:0<3}").parse().unwrap_or(0);
    match whole {
        "0" => part,
        "1" if part == 0 => 1000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(values: &[&str]) -> Coding {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
        }
        Coding::negotiate(&headers)
    }

    #[test]
    fn the_client_decides_and_zstd_breaks_the_tie() {
        for (accepted, coding) in [
            ("", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("x-gzip", Coding::Gzip),
            ("GZip ; Q=1.000", Coding::Gzip),
            ("zstd", Coding::Zstd),
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("gzip;q=1.0, zstd;q=0.9", Coding::Gzip),
            ("gzip;q=0.001", Coding::Gzip),
            ("gzip;q=0", Coding::Identity),
            ("gzip;q=0, *", Coding::Zstd),
            ("*", Coding::Zstd),
            ("*;q=0.1, gzip;q=0.2", Coding::Gzip),
            ("*;q=0", Coding::Identity),
            ("identity", Coding::Identity),
            ("identity, gzip", Coding::Gzip),
            ("identity, gzip;q=0.5", Coding::Identity),
            ("identity;q=0.5, gzip;q=0.5", Coding::Gzip),
            ("identity;q=0, gzip;q=0.1", Coding::Gzip),
            ("identity;q=0", Coding::Identity),
            ("identity;q=0, *", Coding::Zstd),
            ("br, deflate", Coding::Identity),
            ("gzip;q=2", Coding::Identity),
            ("gzip;q=0.1234", Coding::Identity),
            ("gzip;q=-1", Coding::Identity),
            ("gzip;q=0.+5", Coding::Identity),
            ("gzip;q=", Coding::Identity),
            (",;,gzip,", Coding::Gzip),
        ] {
            assert_eq!(negotiated(&[accepted]), coding, "{accepted:?}");
        }
        assert_eq!(negotiated(&[]), Coding::Identity);
        assert_eq!(negotiated(&["br", "gzip"]), Coding::Gzip);
    }
}
