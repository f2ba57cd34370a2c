//! Reads of a shared table, ready to be pasted into a terminal.

use serde_json::json;

use crate::sigv4::credential::Credential;

/// The environment that the printed commands make and use, beside the reader's own.
const PYTHON: &str = ".venv-demo/bin/python";
const MAKE_PYTHON: &str = "python3 -m venv .venv-demo && .venv-demo/bin/pip install --quiet";

/// What is read: a table through a profile file, and the share's endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Read<'a> {
    /// Absolute, so that the reader may stand in any directory.
    pub profile: &'a str,
    /// `https://host/delta-sharing`, without a slash at its end.
    pub endpoint: &'a str,
    pub share: &'a str,
    pub schema: &'a str,
    pub table: &'a str,
}

impl Read<'_> {
    fn url(&self) -> String {
        self.url_of(self.table)
    }

    fn url_of(&self, table: &str) -> String {
        format!("{}#{}.{}.{table}", self.profile, self.share, self.schema)
    }

    /// pandas, in two commands.
    pub(crate) fn python(&self) -> String {
        // A JSON string is a Python string, whatever the path holds.
        let url = json!(self.url());
        let code =
            format!("import delta_sharing; print(delta_sharing.load_as_pandas({url}, limit=10).to_string())");
        format!("{MAKE_PYTHON} delta-sharing\n{PYTHON} -c {}", quote(&code))
    }

    /// TPC-H `orders` and `customer` joined by DuckDB, in two commands.
    pub(crate) fn join(&self, customer: &str) -> String {
        let (orders, customer) = (json!(self.url()), json!(self.url_of(customer)));
        let code = format!(
            "import delta_sharing, duckdb
orders = delta_sharing.load_as_pandas({orders})
customer = delta_sharing.load_as_pandas({customer})
duckdb.sql(\"SELECT c_mktsegment, count(*) AS orders, sum(o_totalprice) AS total FROM orders JOIN customer \"
    \"ON o_custkey = c_custkey GROUP BY c_mktsegment HAVING count(*) >= 3000 ORDER BY total DESC\").show()"
        );
        format!("{MAKE_PYTHON} delta-sharing duckdb\n{PYTHON} -c {}", quote(&code))
    }

    /// Spark with its own connector, in two commands.
    pub(crate) fn spark(&self) -> String {
        let url = json!(self.url());
        let code = format!(
            "from pyspark.sql import SparkSession
spark = (SparkSession.builder
    .config(\"spark.jars.packages\", \"io.delta:delta-sharing-spark_2.12:3.3.0\")
    .config(\"spark.sql.extensions\", \"io.delta.sql.DeltaSparkSessionExtension\")
    .config(\"spark.sql.catalog.spark_catalog\", \"org.apache.spark.sql.delta.catalog.DeltaCatalog\")
    .getOrCreate())
spark.read.format(\"deltaSharing\").load({url}).limit(10).show()"
        );
        format!("{MAKE_PYTHON} \"pyspark==3.5.*\"\n{PYTHON} -c {}", quote(&code))
    }

    /// The protocol itself: what the share holds, and the files of the table with their URLs.
    pub(crate) fn curl(&self) -> String {
        let Self { endpoint, share, schema, table, .. } = self;
        let profile = quote(self.profile);
        let tables = quote(&format!("{endpoint}/shares/{share}/all-tables"));
        let query = quote(&format!("{endpoint}/shares/{share}/schemas/{schema}/tables/{table}/query"));
        format!(
            "TOKEN=$(sed -n 's/.*\"bearerToken\" *: *\"\\([^\"]*\\)\".*/\\1/p' {profile})
curl -sS -H \"Authorization: Bearer $TOKEN\" {tables}
curl -sS -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' -d '{{\"limitHint\":10}}' {query}"
        )
    }
}

/// An Iceberg table of a warehouse.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IcebergRead<'a> {
    /// `https://host`, without a slash at its end.
    pub endpoint: &'a str,
    pub credential: &'a Credential,
    pub warehouse: &'a str,
    /// `namespace.table`
    pub table: &'a str,
}

impl IcebergRead<'_> {
    /// pyiceberg, in two commands. Only a key pair that everybody knows is printed.
    pub(crate) fn python(&self) -> String {
        let Self { endpoint, credential: Credential { access_key, secret_key }, warehouse, table } = self;
        let is_known = access_key == secret_key;
        let pair =
            if is_known { format!("{access_key}:{secret_key}") } else { "ACCESS_KEY:SECRET_KEY".to_owned() };
        let code = format!(
            "from pyiceberg.catalog import load_catalog
catalog = load_catalog(type=\"rest\", uri={}, warehouse={},
    credential={}, **{{\"oauth2-server-uri\": {}}})
print(catalog.load_table({}).scan(limit=10).to_pandas().to_string())",
            json!(format!("{endpoint}/_iceberg")),
            json!(warehouse),
            json!(pair),
            json!(format!("{endpoint}/_iceberg/v1/oauth/tokens")),
            json!(table),
        );
        format!("{MAKE_PYTHON} \"pyiceberg[pyarrow]\" pandas\n{PYTHON} -c {}", quote(&code))
    }
}

/// `text` as one word of a POSIX shell.
fn quote(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Read<'_> = Read {
        profile: "/home/me/it's \"mine\"/demo.share",
        endpoint: "http://127.0.0.1:9000/delta-sharing",
        share: "test",
        schema: "tpch",
        table: "orders",
    };

    #[test]
    fn a_shell_reads_one_word_whatever_it_holds() {
        for text in ["plain/path-1.share", "", "it's", "a b", "$HOME `id` \"x\" \\"] {
            let script = format!("printf %s {}", quote(text));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
    }

    /// What Python gets of a command, after the line that makes its environment.
    fn code_of(command: &str) -> String {
        let (_, command) = command.split_once('\n').unwrap();
        let command = command.replace(PYTHON, "printf '%s' --").replace(" -c ", " ");
        let output = std::process::Command::new("sh").args(["-c", &command]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn the_python_code_reaches_python_as_it_was_meant() {
        let code = code_of(&READ.python());
        assert!(
            code.contains(
                r#"load_as_pandas("/home/me/it's \"mine\"/demo.share#test.tpch.orders", limit=10)"#
            ),
            "{code}"
        );
    }

    #[test]
    fn a_join_names_both_tables_of_one_profile() {
        let code = code_of(&READ.join("customer"));
        for table in ["orders", "customer"] {
            let read = format!(
                r#"{table} = delta_sharing.load_as_pandas("/home/me/it's \"mine\"/demo.share#test.tpch.{table}")"#
            );
            assert!(code.contains(&read), "{code}");
        }
        assert!(code.contains(r#"duckdb.sql("SELECT "#) && code.ends_with(").show()"), "{code}");
    }

    #[test]
    fn a_secret_of_somebody_is_not_printed() {
        let read = |secret: &str| {
            let credential = Credential { access_key: "lakeadmin".to_owned(), secret_key: secret.to_owned() };
            let endpoint = "http://127.0.0.1:9000";
            IcebergRead { endpoint, credential: &credential, warehouse: "testice", table: "tpch.customer" }
                .python()
        };
        assert!(read("lakeadmin").contains("lakeadmin:lakeadmin"), "{}", read("lakeadmin"));
        assert!(
            read("own").contains("ACCESS_KEY:SECRET_KEY") && !read("own").contains("own\""),
            "{}",
            read("own")
        );
    }

    #[test]
    fn the_token_is_cut_out_of_a_profile() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("it's.share");
        let read = Read { profile: path.to_str().unwrap(), ..READ };
        let cut = read.curl().lines().next().unwrap().to_owned();
        for profile in [
            r#"{"shareCredentialsVersion":1,"endpoint":"http://x","bearerToken":"dapi12","expirationTime":"y"}"#,
            "{\n  \"bearerToken\": \"dapi12\",\n  \"endpoint\": \"http://x\"\n}\n",
        ] {
            std::fs::write(&path, profile).unwrap();
            let script = format!("{cut}\nprintf %s \"$TOKEN\"");
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(output.stdout, b"dapi12");
        }
    }
}
