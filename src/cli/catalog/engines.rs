//! Settings with which engines read and write a warehouse.

use serde_json::{Map, Value, json};
use url::Url;

/// The engines whose settings are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Spark,
    Pyiceberg,
    Trino,
    Duckdb,
}

impl Engine {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Spark => "spark",
            Self::Pyiceberg => "pyiceberg",
            Self::Trino => "trino",
            Self::Duckdb => "duckdb",
        }
    }
}

/// What the settings are made of.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// The server, as this machine reaches it.
    pub endpoint: Url,
    pub warehouse: String,
    /// Name of the catalog in the engine.
    pub catalog: String,
    pub region: String,
    pub access_key: String,
    pub secret_key: String,
    /// Sign requests instead of signing in.
    pub sigv4: bool,
}

/// The settings of one engine: as it takes them, and key by key.
pub(crate) struct Settings {
    pub text: String,
    pub keys: Map<String, Value>,
}

type Pairs = Vec<(String, String)>;

impl Setup {
    pub(crate) fn settings(&self, engine: Engine) -> Settings {
        match engine {
            Engine::Spark => settings(self.spark(), |pairs| self.spark_text(pairs)),
            Engine::Pyiceberg => settings(self.pyiceberg(), |pairs| self.pyiceberg_text(pairs)),
            Engine::Trino => settings(self.trino(), |pairs| self.trino_text(pairs)),
            Engine::Duckdb => settings(self.duckdb(), |_| self.duckdb_text()),
        }
    }

    fn origin(&self) -> String {
        self.endpoint.origin().ascii_serialization()
    }

    fn uri(&self) -> String {
        format!("{}/_iceberg", self.origin())
    }

    fn token_uri(&self) -> String {
        format!("{}/v1/oauth/tokens", self.uri())
    }

    fn credential(&self) -> String {
        format!("{}:{}", self.access_key, self.secret_key)
    }

    /// What the Java and the Python client of Iceberg call by the same names.
    fn common(&self) -> Pairs {
        let mut pairs = pairs(&[("type", "rest"), ("uri", &self.uri()), ("warehouse", &self.warehouse)]);
        if self.sigv4 {
            pairs.extend(self::pairs(&[
                ("rest.sigv4-enabled", "true"),
                ("rest.signing-name", "s3tables"),
                ("rest.signing-region", &self.region),
            ]));
        } else {
            pairs.extend(self::pairs(&[
                ("credential", &self.credential()),
                ("oauth2-server-uri", &self.token_uri()),
            ]));
        }
        pairs
    }

    fn store(&self) -> Pairs {
        pairs(&[
            ("s3.endpoint", &self.origin()),
            ("s3.path-style-access", "true"),
            ("s3.access-key-id", &self.access_key),
            ("s3.secret-access-key", &self.secret_key),
            // Else lent credentials would take the place of these, and open nothing outside of a table's own directory.
            ("header.X-Iceberg-Access-Delegation", "none"),
        ])
    }

    fn spark(&self) -> Pairs {
        let name = format!("spark.sql.catalog.{}", self.catalog);
        let mut keys = self.common();
        if self.sigv4 {
            keys.extend(pairs(&[
                ("rest.access-key-id", &self.access_key),
                ("rest.secret-access-key", &self.secret_key),
            ]));
        } else {
            // A token is asked for anew, not exchanged: an ended one cannot be, after a night's sleep of the laptop.
            keys.extend(pairs(&[("token-exchange-enabled", "false")]));
        }
        keys.extend(pairs(&[
            ("io-impl", "org.apache.iceberg.aws.s3.S3FileIO"),
            ("client.region", &self.region),
        ]));
        keys.extend(self.store());
        let mut all = pairs(&[
            ("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"),
            (&name, "org.apache.iceberg.spark.SparkCatalog"),
        ]);
        all.extend(keys.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
        all
    }

    fn spark_text(&self, pairs: &Pairs) -> String {
        let name = &self.catalog;
        let mut text = format!(
            "# Lines for spark-defaults.conf, or a file for spark-sql --properties-file FILE. The jars of Spark 3.5 (of Spark 4.0: iceberg-spark-runtime-4.0_2.13):\n\
             #   --packages org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.10.1,org.apache.iceberg:iceberg-aws-bundle:1.10.1\n\
             # Tables are {name}.NAMESPACE.TABLE.\n"
        );
        text.extend(pairs.iter().map(|(key, value)| format!("{key} {}\n", property(value))));
        text
    }

    fn pyiceberg(&self) -> Pairs {
        let mut keys = self.common();
        if self.sigv4 {
            keys.extend(pairs(&[
                ("client.access-key-id", &self.access_key),
                ("client.secret-access-key", &self.secret_key),
                ("client.region", &self.region),
            ]));
        }
        keys.extend(self.store());
        keys.extend(pairs(&[("s3.region", &self.region)]));
        keys
    }

    fn pyiceberg_text(&self, pairs: &Pairs) -> String {
        let name = &self.catalog;
        let extra = if self.sigv4 { " boto3" } else { "" };
        let mut text = format!(
            "# A catalog for .pyiceberg.yaml, here or in the home directory, opened by load_catalog(\"{name}\"); pip install \"pyiceberg[pyarrow]\"{extra}\n\
             catalog:\n  {}:\n",
            json!(name)
        );
        // A JSON string is a YAML string, whatever it holds.
        text.extend(pairs.iter().map(|(key, value)| format!("    {key}: {}\n", json!(value))));
        text
    }

    fn trino(&self) -> Pairs {
        let mut keys = pairs(&[
            ("connector.name", "iceberg"),
            ("iceberg.catalog.type", "rest"),
            ("iceberg.rest-catalog.uri", &self.uri()),
            ("iceberg.rest-catalog.warehouse", &self.warehouse),
        ]);
        if self.sigv4 {
            keys.extend(pairs(&[
                ("iceberg.rest-catalog.security", "SIGV4"),
                ("iceberg.rest-catalog.signing-name", "s3tables"),
            ]));
        } else {
            keys.extend(pairs(&[
                ("iceberg.rest-catalog.security", "OAUTH2"),
                ("iceberg.rest-catalog.oauth2.credential", &self.credential()),
                ("iceberg.rest-catalog.oauth2.server-uri", &self.token_uri()),
            ]));
        }
        keys.extend(pairs(&[
            ("iceberg.rest-catalog.nested-namespace-enabled", "true"),
            ("fs.native-s3.enabled", "true"),
            ("s3.endpoint", &self.origin()),
            ("s3.path-style-access", "true"),
            ("s3.region", &self.region),
            ("s3.aws-access-key", &self.access_key),
            ("s3.aws-secret-key", &self.secret_key),
        ]));
        keys
    }

    fn trino_text(&self, pairs: &Pairs) -> String {
        // Release notes of Trino 477: `SIGV4` is a kind of security, no setting beside it.
        let version = if self.sigv4 { " 477 or newer" } else { "" };
        let mut text = format!(
            "# A file for etc/catalog of Trino{version}; its name, without .properties, is the catalog's.\n"
        );
        text.extend(pairs.iter().map(|(key, value)| format!("{key}={}\n", property(value))));
        text
    }

    fn duckdb(&self) -> Pairs {
        pairs(&[
            ("ENDPOINT", &self.uri()),
            ("WAREHOUSE", &self.warehouse),
            ("CLIENT_ID", &self.access_key),
            ("CLIENT_SECRET", &self.secret_key),
            ("OAUTH2_SERVER_URI", &self.token_uri()),
            ("S3_ENDPOINT", &self.host()),
            ("S3_URL_STYLE", "path"),
            ("S3_REGION", &self.region),
        ])
    }

    fn duckdb_text(&self) -> String {
        let text = |value: &str| format!("'{}'", value.replace('\'', "''"));
        let name = |suffix: &str| format!("\"{}{suffix}\"", self.catalog.replace('"', "\"\""));
        let (catalog, store, sign_in) = (name(""), name("_s3"), name("_login"));
        let (key, secret) = (text(&self.access_key), text(&self.secret_key));
        let (region, host) = (text(&self.region), text(&self.host()));
        let is_tls = self.endpoint.scheme() == "https";
        let scope = text(&format!("s3://{}", self.warehouse));
        let (tokens, endpoint, warehouse) =
            (text(&self.token_uri()), text(&self.uri()), text(&self.warehouse));
        format!(
            "INSTALL httpfs; LOAD httpfs; INSTALL avro; LOAD avro; INSTALL iceberg; LOAD iceberg;
CREATE OR REPLACE SECRET {store} (TYPE s3, SCOPE {scope}, ENDPOINT {host}, URL_STYLE 'path', USE_SSL {is_tls},
    REGION {region}, KEY_ID {key}, SECRET {secret});
CREATE OR REPLACE SECRET {sign_in} (TYPE iceberg, CLIENT_ID {key}, CLIENT_SECRET {secret},
    OAUTH2_SERVER_URI {tokens});
ATTACH {warehouse} AS {catalog} (TYPE iceberg, ENDPOINT {endpoint}, SECRET {sign_in}, ACCESS_DELEGATION_MODE 'none');
"
        )
    }

    /// Host and port, as the store's own door is written where a scheme has no place.
    fn host(&self) -> String {
        let origin = self.origin();
        origin.split_once("://").map_or(origin.clone(), |(_, host)| host.to_owned())
    }
}

fn settings(pairs: Pairs, render: impl FnOnce(&Pairs) -> String) -> Settings {
    let text = render(&pairs);
    Settings { text, keys: pairs.into_iter().map(|(key, value)| (key, Value::String(value))).collect() }
}

fn pairs(of: &[(&str, &str)]) -> Pairs {
    of.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A value of a Java properties file: a backslash begins an escape there.
fn property(value: &str) -> String {
    value.replace('\\', "\\\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(sigv4: bool) -> Setup {
        Setup {
            endpoint: Url::parse("http://127.0.0.1:9000").unwrap(),
            warehouse: "my-lake".to_owned(),
            catalog: "my_lake".to_owned(),
            region: "us-east-1".to_owned(),
            access_key: "KEY".to_owned(),
            secret_key: "it's \"\\".to_owned(),
            sigv4,
        }
    }

    fn key(engine: Engine, sigv4: bool, key: &str) -> Option<String> {
        setup(sigv4).settings(engine).keys.get(key).and_then(Value::as_str).map(str::to_owned)
    }

    #[test]
    fn each_engine_finds_catalog_and_store() {
        let uri = Some("http://127.0.0.1:9000/_iceberg".to_owned());
        assert_eq!(key(Engine::Spark, false, "spark.sql.catalog.my_lake.uri"), uri);
        assert_eq!(key(Engine::Pyiceberg, false, "uri"), uri);
        assert_eq!(key(Engine::Trino, false, "iceberg.rest-catalog.uri"), uri);
        assert_eq!(key(Engine::Duckdb, false, "ENDPOINT"), uri);
        assert_eq!(key(Engine::Duckdb, false, "S3_ENDPOINT").unwrap(), "127.0.0.1:9000");
        // The key pair that is printed is the one that is used.
        for header in [
            "spark.sql.catalog.my_lake.header.X-Iceberg-Access-Delegation",
            "header.X-Iceberg-Access-Delegation",
        ] {
            let engine = if header.starts_with("spark") { Engine::Spark } else { Engine::Pyiceberg };
            assert_eq!(key(engine, false, header).as_deref(), Some("none"));
        }
    }

    #[test]
    fn engines_sign_in_or_sign_but_not_both() {
        let credential = Some("KEY:it's \"\\".to_owned());
        for (engine, sign_in, sign) in [
            (
                Engine::Spark,
                "spark.sql.catalog.my_lake.credential",
                "spark.sql.catalog.my_lake.rest.signing-name",
            ),
            (Engine::Pyiceberg, "credential", "rest.signing-name"),
            (Engine::Trino, "iceberg.rest-catalog.oauth2.credential", "iceberg.rest-catalog.signing-name"),
        ] {
            assert_eq!((key(engine, false, sign_in), key(engine, false, sign)), (credential.clone(), None));
            assert_eq!(
                (key(engine, true, sign_in), key(engine, true, sign)),
                (None, Some("s3tables".to_owned()))
            );
        }
    }

    #[test]
    fn secrets_reach_the_engine_as_they_are() {
        let text = |engine| setup(false).settings(engine).text;
        assert!(text(Engine::Spark).contains("credential KEY:it's \"\\\\\n"), "{}", text(Engine::Spark));
        assert!(
            text(Engine::Pyiceberg).contains(r#"credential: "KEY:it's \"\\""#),
            "{}",
            text(Engine::Pyiceberg)
        );
        assert!(
            text(Engine::Trino).contains("oauth2.credential=KEY:it's \"\\\\\n"),
            "{}",
            text(Engine::Trino)
        );
        assert!(text(Engine::Duckdb).contains(r#"CLIENT_SECRET 'it''s "\'"#), "{}", text(Engine::Duckdb));
        assert!(text(Engine::Duckdb).contains("USE_SSL false"), "{}", text(Engine::Duckdb));
    }
}
