//! A key pair whose secret half never reaches a log.

/// An access key and its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    pub access_key: String,
    pub secret_key: String,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Credential;

    #[test]
    fn debug_never_prints_the_secret() {
        let credential = Credential { access_key: "AKIA".into(), secret_key: "hush".into() };
        let printed = format!("{credential:?}");
        assert!(printed.contains("AKIA"));
        assert!(!printed.contains("hush"));
    }
}
