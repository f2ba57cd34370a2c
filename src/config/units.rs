//! Durations, sizes, flags and URLs as people write them.

/// Seconds of `90s`, `15m`, `24h`, `30d`; a bare number is seconds.
pub fn seconds(text: &str) -> Result<u64, String> {
    let complaint = || format!("`{text}` is not a duration such as 90s, 15m, 24h or 30d");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text.strip_prefix(digits) {
        Some("" | "s") => 1,
        Some("m") => 60,
        Some("h") => 3_600,
        Some("d") => 86_400,
        _ => return Err(complaint()),
    };
    let number: u64 = digits.parse().map_err(|_| complaint())?;
    number.checked_mul(factor).ok_or_else(complaint)
}

/// Bytes of `512MiB`, `2GiB`, `65536`.
pub fn byte_count(text: &str) -> Result<usize, String> {
    let complaint = || format!("`{text}` is not a size such as 512MiB or 2GiB");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text.strip_prefix(digits) {
        Some("" | "B") => 0,
        Some("KiB" | "K") => 10,
        Some("MiB" | "M") => 20,
        Some("GiB" | "G") => 30,
        Some("TiB" | "T") => 40,
        _ => return Err(complaint()),
    };
    let number: usize = digits.trim().parse().map_err(|_| complaint())?;
    number.checked_mul(1_usize << shift).ok_or_else(complaint)
}

/// `true` or `false`, in the spellings that environments use.
pub fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("`{text}` is neither true nor false")),
    }
}

/// An http or https URL with a host, without path, query or trailing slash.
pub fn base_url(text: &str) -> Result<String, String> {
    let url = url::Url::parse(text).map_err(|error| format!("`{text}` is not a URL: {error}"))?;
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !bare {
        return Err(format!("`{text}` is not like https://share.example.com"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(seconds("30d"), Ok(2_592_000));
        assert_eq!(seconds("24h"), Ok(86_400));
        assert_eq!(seconds("15m"), Ok(900));
        assert_eq!(seconds("7"), Ok(7));
        for wrong in ["", "h", "1w", "-1h", "1.5h", "99999999999999999999d", "1h30m"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(byte_count("2GiB"), Ok(2 << 30));
        assert_eq!(byte_count("65536"), Ok(65_536));
        for wrong in ["", "GiB", "2GB", "-1", "99999999999TiB"] {
            assert!(byte_count(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn base_url_has_no_path() {
        assert_eq!(base_url("https://share.example.com/").unwrap(), "https://share.example.com");
        assert_eq!(base_url("http://host:9000").unwrap(), "http://host:9000");
        for wrong in
            ["share.example.com", "https://", "https://a/b", "https://u:p@a", "https://a?x", "ftp://a"]
        {
            assert!(base_url(wrong).is_err(), "{wrong}");
        }
    }
}
