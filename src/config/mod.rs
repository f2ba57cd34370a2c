//! The server's settings, checked and whole.

pub mod error;
pub mod origin;
pub mod settings;
pub mod units;

use std::net::SocketAddr;
use std::path::PathBuf;

use self::error::Error;
use self::origin::Origin;
use self::settings::Settings;
use crate::sigv4::credential::Credential;

/// How local files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoMode {
    /// io_uring where the kernel allows it, else `pread`.
    Auto,
    /// io_uring, or the server does not start.
    Uring,
    /// `pread` on a blocking pool.
    Pread,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// Certificate chain and private key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub private_key: PathBuf,
}

/// All that a server needs to know before it starts.
#[derive(Debug, Clone)]
pub struct Config {
    pub data_dir: PathBuf,
    pub address: SocketAddr,
    /// Without a trailing slash; `None`: made from the address once the port is known.
    pub public_url: Option<String>,
    pub root: Credential,
    pub tls: Option<TlsFiles>,
    /// 0: all cores that the process may use.
    pub cores: usize,
    pub io: IoMode,
    pub region: String,
    pub domain: Option<String>,
    /// Shortest life of a presigned URL.
    pub url_expiry_seconds: u32,
    /// How long a reader may take nothing of its answer.
    pub reader_timeout_seconds: u32,
    /// Whether each recipient gets URLs of his own.
    pub url_per_recipient: bool,
    /// Whether clients may fetch the answer of a query later.
    pub async_queries: bool,
    pub snapshot_cache_bytes: usize,
    /// 0: no finished lines are kept.
    pub listing_cache_bytes: usize,
    /// 0: snapshots are kept in memory only.
    pub snapshot_disk_bytes: u64,
    pub log_format: LogFormat,
    /// What the operator should know, in whole sentences.
    pub warnings: Vec<String>,
}

/// The credential of a server that only this machine can reach and that nobody configured.
const LOOPBACK_CREDENTIAL: &str = "lakeadmin";

impl Config {
    /// Gives every setting its type; each complaint names the key and where its value came from.
    pub fn check(data_dir: PathBuf, settings: &Settings) -> Result<Self, Error> {
        let reader = Reader { settings };
        let address: SocketAddr = reader.parse("address", |text| {
            text.parse().map_err(|_| format!("`{text}` is not IP:PORT, for example 127.0.0.1:9000"))
        })?;
        let tls = reader.tls()?;
        let mut warnings = Vec::new();
        let root = reader.root(address, &mut warnings)?;
        let allow_http = reader.parse("allow_http", units::flag)?;
        if tls.is_none() && !address.ip().is_loopback() && !allow_http {
            return Err(Error::Missing {
                key: "tls_cert",
                why: "beyond loopback the server needs TLS (--tls-cert, --tls-key); behind a proxy that ends TLS say --allow-http",
            });
        }
        Ok(Self {
            data_dir,
            address,
            public_url: reader.optional("public_url", units::base_url)?,
            root,
            tls,
            cores: reader.parse("cores", |text| {
                text.parse().map_err(|_| format!("`{text}` is not a number of cores"))
            })?,
            io: reader.parse("io", io_mode)?,
            region: reader.parse("region", region)?,
            domain: reader.optional("domain", |text| Ok(text.to_ascii_lowercase()))?,
            url_expiry_seconds: reader.parse("url_expiry", url_expiry)?,
            reader_timeout_seconds: reader.parse("reader_timeout", reader_timeout)?,
            url_per_recipient: reader.parse("url_per_recipient", units::flag)?,
            async_queries: reader.parse("async_queries", units::flag)?,
            snapshot_cache_bytes: reader.parse("snapshot_cache", units::byte_count)?,
            listing_cache_bytes: reader.parse("listing_cache", units::byte_count)?,
            snapshot_disk_bytes: reader.parse("snapshot_disk", units::byte_count)? as u64,
            log_format: reader.parse("log_format", log_format)?,
            warnings,
        })
    }
}

struct Reader<'a> {
    settings: &'a Settings,
}

impl Reader<'_> {
    fn optional<T>(
        &self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Error> {
        let Some((text, origin)) = self.settings.get(key) else { return Ok(None) };
        parse(text).map(Some).map_err(|why| Error::Value { key, origin: origin.clone(), why })
    }

    fn parse<T>(&self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, Error> {
        self.optional(key, parse)?.ok_or(Error::Missing { key, why: "it has no default" })
    }

    fn tls(&self) -> Result<Option<TlsFiles>, Error> {
        let path = |text: &str| Ok(PathBuf::from(text));
        match (self.optional("tls_cert", path)?, self.optional("tls_key", path)?) {
            (Some(certificate), Some(private_key)) => Ok(Some(TlsFiles { certificate, private_key })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(Error::Missing { key: "tls_key", why: "tls_cert is set" }),
            (None, Some(_)) => Err(Error::Missing { key: "tls_cert", why: "tls_key is set" }),
        }
    }

    fn root(&self, address: SocketAddr, warnings: &mut Vec<String>) -> Result<Credential, Error> {
        let user = self.settings.get("root_user");
        let password = self.settings.get("root_password");
        match (user, password) {
            (Some((user, user_origin)), Some((password, password_origin))) => {
                check_length("root_user", user, 3, user_origin)?;
                check_length("root_password", password, 8, password_origin)?;
                Ok(Credential { access_key: user.to_owned(), secret_key: password.to_owned() })
            }
            (None, None) if address.ip().is_loopback() => {
                warnings.push(format!(
                    "the root credential is {LOOPBACK_CREDENTIAL}/{LOOPBACK_CREDENTIAL}; set LAKESHARE_ROOT_USER and LAKESHARE_ROOT_PASSWORD before others can reach this server"
                ));
                Ok(Credential {
                    access_key: LOOPBACK_CREDENTIAL.to_owned(),
                    secret_key: LOOPBACK_CREDENTIAL.to_owned(),
                })
            }
            (None, None) => Err(Error::Missing {
                key: "root_user",
                why: "beyond loopback the server needs LAKESHARE_ROOT_USER and LAKESHARE_ROOT_PASSWORD",
            }),
            (Some(_), None) => Err(Error::Missing { key: "root_password", why: "root_user is set" }),
            (None, Some(_)) => Err(Error::Missing { key: "root_user", why: "root_password is set" }),
        }
    }
}

fn check_length(key: &'static str, value: &str, bytes_min: usize, origin: &Origin) -> Result<(), Error> {
    if value.len() >= bytes_min && value.chars().all(|c| !c.is_control()) {
        return Ok(());
    }
    Err(Error::Value {
        key,
        origin: origin.clone(),
        why: format!("at least {bytes_min} characters, none of them a control character"),
    })
}

fn io_mode(text: &str) -> Result<IoMode, String> {
    match text {
        "auto" => Ok(IoMode::Auto),
        "uring" => Ok(IoMode::Uring),
        "pread" => Ok(IoMode::Pread),
        _ => Err(format!("`{text}` is none of auto, uring, pread")),
    }
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("`{text}` is none of text, json")),
    }
}

fn region(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if plain && !text.is_empty() {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is not a region name"))
    }
}

fn url_expiry(text: &str) -> Result<u32, String> {
    let seconds = units::seconds(text)?;
    match u32::try_from(seconds) {
        Ok(seconds) if (900..=604_800).contains(&seconds) => Ok(seconds),
        _ => Err(format!(
            "`{text}` is not between 15m and 7d; shorter URLs die under readers, longer ones cannot be signed"
        )),
    }
}

fn reader_timeout(text: &str) -> Result<u32, String> {
    let seconds = units::seconds(text)?;
    u32::try_from(seconds)
        .ok()
        .filter(|seconds| (1..=3_600).contains(seconds))
        .ok_or_else(|| format!("`{text}` is not between 1s and 1h"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(flags: &[(&str, &str)]) -> Result<Config, Error> {
        let flags: Vec<(&str, String)> = flags.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
        let settings = Settings::gather(&flags, &|_| None, None)?;
        Config::check(PathBuf::from("data"), &settings)
    }

    #[test]
    fn loopback_without_credentials_warns() {
        let config = check(&[]).unwrap();
        assert_eq!(config.root.access_key, "lakeadmin");
        assert_eq!(config.warnings.len(), 1);
        assert_eq!(config.url_expiry_seconds, 3600);
        assert_eq!(config.snapshot_cache_bytes, 2 << 30);
        assert_eq!(config.listing_cache_bytes, 512 << 20);
        assert_eq!(config.snapshot_disk_bytes, 16 << 30);
    }

    #[test]
    fn beyond_loopback_credentials_and_tls_are_demanded() {
        let open = ("address", "0.0.0.0:9000");
        assert!(check(&[open]).unwrap_err().to_string().contains("root_user"));
        let user = ("root_user", "admin");
        let password = ("root_password", "longenough");
        assert!(check(&[open, user, password]).unwrap_err().to_string().contains("tls_cert"));
        assert!(check(&[open, user, password, ("allow_http", "true")]).unwrap().warnings.is_empty());
    }

    #[test]
    fn each_complaint_names_its_key() {
        for (key, value) in [
            ("address", "here"),
            ("io", "mmap"),
            ("url_expiry", "5m"),
            ("url_expiry", "8d"),
            ("cores", "-1"),
            ("region", "a b"),
            ("snapshot_cache", "lots"),
            ("listing_cache", "much"),
            ("snapshot_disk", "some"),
            ("url_per_recipient", "some"),
            ("reader_timeout", "0"),
            ("reader_timeout", "2h"),
            ("public_url", "ftp://x"),
            ("allow_http", "perhaps"),
            ("log_format", "xml"),
        ] {
            let error = check(&[(key, value)]).unwrap_err().to_string();
            assert!(error.contains(key) && error.contains("flag"), "{key}={value}: {error}");
        }
        assert!(check(&[("tls_cert", "a.pem")]).unwrap_err().to_string().contains("tls_key"));
    }
}
