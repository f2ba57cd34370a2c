//! TLS for incoming connections; certificates change without a restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::error::Kind;

/// A certificate or key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {}: {source}", path.display())]
    Pem { path: PathBuf, source: rustls_pki_types::pem::Error },
    #[error("{} holds no certificate", path.display())]
    Empty { path: PathBuf },
    #[error("certificate {} and key {} do not fit: {source}", certificate.display(), private_key.display())]
    Pair { certificate: PathBuf, private_key: PathBuf, source: rustls::Error },
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Pem { .. } | Self::Empty { .. } | Self::Pair { .. } => Kind::Invalid,
        }
    }
}

/// The certificate that new connections are shown; [`Certificate::reload`] changes it.
#[derive(Debug)]
pub struct Certificate {
    chain_path: PathBuf,
    private_key_path: PathBuf,
    current: ArcSwap<CertifiedKey>,
}

impl Certificate {
    /// Reads both PEM files and checks that they belong together.
    pub fn read(certificate_path: &Path, private_key_path: &Path) -> Result<Arc<Self>, Error> {
        let current = read_pair(certificate_path, private_key_path)?;
        Ok(Arc::new(Self {
            chain_path: certificate_path.to_owned(),
            private_key_path: private_key_path.to_owned(),
            current: ArcSwap::from_pointee(current),
        }))
    }

    /// Reads the files again; on an error the old certificate stays in use.
    pub fn reload(&self) -> Result<(), Error> {
        let fresh = read_pair(&self.chain_path, &self.private_key_path)?;
        self.current.store(Arc::new(fresh));
        Ok(())
    }

    /// An acceptor for HTTP/2 and HTTP/1.1 that always shows the current certificate.
    pub fn acceptor(self: &Arc<Self>) -> TlsAcceptor {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Self>::clone(self);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .unwrap_or_else(|_| unreachable!("ring serves TLS 1.2 and 1.3"))
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn read_pair(certificate_path: &Path, private_key_path: &Path) -> Result<CertifiedKey, Error> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate_path)
        .and_then(Iterator::collect)
        .map_err(|source| Error::Pem { path: certificate_path.to_owned(), source })?;
    if chain.is_empty() {
        return Err(Error::Empty { path: certificate_path.to_owned() });
    }
    let private_key = PrivateKeyDer::from_pem_file(private_key_path)
        .map_err(|source| Error::Pem { path: private_key_path.to_owned(), source })?;
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain, private_key, &provider).map_err(|source| Error::Pair {
        certificate: certificate_path.to_owned(),
        private_key: private_key_path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_pair(dir: &Path, name: &str) -> (PathBuf, PathBuf) {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let (certificate, key) = (dir.join(format!("{name}.pem")), dir.join(format!("{name}.key")));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        (certificate, key)
    }

    #[test]
    fn reload_shows_the_new_certificate_and_keeps_the_old_one_on_error() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = write_pair(dir.path(), "a");
        let shown = Certificate::read(&certificate, &key).unwrap();
        let first = shown.current.load().cert[0].clone();
        let (other_certificate, other_key) = write_pair(dir.path(), "b");
        std::fs::copy(&other_certificate, &certificate).unwrap();
        assert!(matches!(shown.reload(), Err(Error::Pair { .. })));
        assert_eq!(shown.current.load().cert[0], first);
        std::fs::copy(&other_key, &key).unwrap();
        shown.reload().unwrap();
        assert_ne!(shown.current.load().cert[0], first);
    }

    #[test]
    fn a_file_without_certificate_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (_, key) = write_pair(dir.path(), "a");
        let text = Certificate::read(&key, &key).unwrap_err().to_string();
        assert!(text.contains("a.key"), "{text}");
        let missing = dir.path().join("none.pem");
        assert!(Certificate::read(&missing, &key).unwrap_err().to_string().contains("none.pem"));
    }
}
