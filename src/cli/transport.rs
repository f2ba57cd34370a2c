//! HTTP to a server: certificates, time limits, and faults in plain words.

use std::error::Error as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::{Host, Url};

use super::fault::Fault;

/// Longest wait for a connection; a server that takes longer is as good as down.
const CONNECT_SECONDS_MAX: u64 = 10;
/// Longest silence of a server at work: adding a large table replays its log before the answer.
const SILENCE_SECONDS_MAX: u64 = 300;

/// What the global flags say about TLS.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsTrust {
    pub insecure: bool,
    pub ca_cert: Option<PathBuf>,
}

impl TlsTrust {
    /// A client for `endpoint` that follows no redirect, because requests are signed for one host.
    pub(crate) fn client(&self, endpoint: &Url) -> Result<reqwest::Client, Fault> {
        // Fails only when a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let extra = self.ca_cert.as_deref().map(read_certificates).transpose()?.unwrap_or_default();
        // Without TLS the system's certificates are not needed, and bare containers have none.
        let needs_system = endpoint.scheme() == "https" && !self.insecure;
        let alone = self.builder(endpoint).tls_certs_only(extra.clone());
        let built = match (needs_system, extra.is_empty()) {
            (false, _) => alone.build(),
            (true, true) => self.builder(endpoint).build(),
            // The given certificates suffice where the system has none.
            (true, false) => self.builder(endpoint).tls_certs_merge(extra).build().or_else(|_| alone.build()),
        };
        built.map_err(|error| {
            Fault::refused("cannot prepare TLS", innermost(&error))
                .advise("Install the system's certificates (ca-certificates), or name a file with --ca-cert.")
        })
    }

    fn builder(&self, endpoint: &Url) -> reqwest::ClientBuilder {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("lakeshare/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX))
            .read_timeout(Duration::from_secs(SILENCE_SECONDS_MAX))
            .tls_danger_accept_invalid_certs(self.insecure);
        if is_loopback(endpoint) { builder.no_proxy() } else { builder }
    }
}

fn read_certificates(path: &Path) -> Result<Vec<reqwest::Certificate>, Fault> {
    let what = || format!("cannot read the certificates of {}", path.display());
    let pem = fs::read(path).map_err(|error| Fault::io(what(), &error))?;
    match reqwest::Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Fault::refused(what(), "it holds no certificate in PEM form")
            .advise("Name a file with a block that begins with -----BEGIN CERTIFICATE-----.")),
    }
}

fn is_loopback(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// A request that got no answer, in plain words with what to do; `what` is what the user wanted.
pub(crate) fn no_answer(what: &str, endpoint: &Url, error: &reqwest::Error) -> Fault {
    let server = endpoint.origin().ascii_serialization();
    let why = innermost(error);
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_fault(what, &server, tls);
    }
    if let Some(io) = find::<std::io::Error>(error)
        && io.kind() == std::io::ErrorKind::ConnectionRefused
    {
        return Fault::refused(what, format!("nothing listens at {server}")).advise(
            "Is the server running? Start it with `lakeshare server DIR`, or correct the address with `lakeshare alias set`.",
        );
    }
    if error.is_timeout() {
        return Fault::refused(what, format!("{server} did not answer in time"))
            .advise("Check the address with `lakeshare alias list`, the network, and the server's log.");
    }
    if error.is_connect() {
        return Fault::refused(what, format!("no connection to {server} ({why})"))
            .advise("Check the address with `lakeshare alias list`, and the network.");
    }
    let advice = if endpoint.scheme() == "http" {
        "If the server has a certificate, its address begins with https://: correct it with `lakeshare alias set`."
    } else {
        "Try again; if it happens again, look into the server's log."
    };
    Fault::refused(what, format!("the connection to {server} broke ({why})")).advise(advice)
}

fn tls_fault(what: &str, server: &str, tls: &rustls::Error) -> Fault {
    if let rustls::Error::InvalidMessage(_) = tls {
        return Fault::refused(what, format!("{server} does not speak TLS")).advise(
            "If the server runs without a certificate, set the alias with http:// instead of https://.",
        );
    }
    if let rustls::Error::InvalidCertificate(reason) = tls {
        return Fault::refused(what, format!("the certificate of {server} is not trusted ({reason})")).advise(
            "Name the certificate of who signed it with --ca-cert FILE, or skip the check with --insecure.",
        );
    }
    Fault::refused(what, format!("TLS with {server} failed ({tls})"))
}

/// What is behind `error`; an I/O error hides what it wraps from `source`.
fn behind<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a (dyn std::error::Error + 'static)> {
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// The first error of type `E` behind `error`.
fn find<E: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    std::iter::successors(error.source(), |error| behind(*error)).find_map(|error| error.downcast_ref())
}

/// The innermost reason, which is the one that a person can act on. Never holds the URL.
fn innermost(error: &reqwest::Error) -> String {
    let last = std::iter::successors(error.source(), |error| behind(*error)).last();
    last.map_or_else(|| "no reason given".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_goes_past_any_proxy() {
        for (url, expected) in [
            ("http://127.0.0.1:9000", true),
            ("http://[::1]:9000", true),
            ("http://localhost", true),
            ("http://10.0.0.1", false),
            ("https://localhost.example.com", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        fs::write(&path, "nothing").unwrap();
        assert!(read_certificates(&path).unwrap_err().what.contains("ca.pem"));
    }

    #[tokio::test]
    async fn a_closed_port_asks_whether_the_server_runs() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        drop(listener);
        let client = TlsTrust::default().client(&endpoint).unwrap();
        let error = client.get(endpoint.clone()).send().await.unwrap_err();
        let fault = no_answer("cannot list", &endpoint, &error);
        assert!(fault.why.contains("nothing listens"), "{fault}");
        assert!(fault.advice.contains("lakeshare server DIR"), "{fault}");
    }
}
