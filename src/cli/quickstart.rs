//! Makes sample tables, shares and catalogs them, and serves them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;
use url::Url;

use super::args::quickstart::Quickstart;
use super::catalog::client::Catalog;
use super::client::{Client, NewSchema, NewShare, NewToken, ShareInfo, SharePatch, TokenRequest};
use super::context::Context;
use super::fault::Fault;
use super::human;
use super::peer::Peer;
use super::printer::Tone;
use super::private_file::PrivateFile;
use super::quickstart_iceberg::{self, TABLE, WAREHOUSE};
use super::reads::{IcebergRead, Read};
use super::s3::Store;
use super::server::{log_filter, read_config};
use super::table_spec::{Addition, TableOptions, TableSpec};
use super::wait::wait_for;
use crate::config::Config;
use crate::error::chain;
use crate::sample::tables::{Size, customers, write_tables};
use crate::serve::shutdown::Shutdown;
use crate::serve::{self, Started};
use crate::sigv4::credential::Credential;
use crate::state::record::TableSource;
use crate::telemetry::log;

const BUCKET: &str = "testdelta";
const SHARE: &str = "test";
const SCHEMA: &str = "tpch";
const PROFILE: &str = "demo.share";
/// Long enough to come back to it, short enough not to be forgotten.
const TOKEN_DAYS: i64 = 30;

/// What the banner tells.
struct Ready<'a> {
    started: &'a Started,
    profile: &'a Path,
    token: &'a NewToken,
    credential: &'a Credential,
}

/// Makes what is missing and serves until SIGINT or SIGTERM.
pub(crate) fn run(context: &Context, args: &Quickstart) -> Result<(), Fault> {
    let flags: Vec<_> = args.address.iter().map(|address| ("address", address.clone())).collect();
    let mut config = read_config(&args.dir, &flags, None)?;
    // What the reads do to the server would only push the banner away.
    let _log = log::start(config.log_format, Some(log_filter().as_deref().unwrap_or("warn")));
    let profile =
        std::path::absolute(PROFILE).map_err(|error| Fault::io(format!("cannot write {PROFILE}"), &error))?;
    let draft = PrivateFile::prepare(&profile)
        .map_err(|error| Fault::io(format!("cannot write {}", profile.display()), &error))?;
    make_tables(context, &args.dir)?;

    // The banner has its own word on the credential, where it is seen.
    let warnings = std::mem::take(&mut config.warnings);
    let shutdown = Shutdown::default();
    let mut failure = None;
    let served = serve::run(&config, &shutdown, |started| {
        let shared = share_tables(context, &config, started).and_then(|token| {
            write_profile(draft, &profile, &token)?;
            let ready = Ready { started, profile: &profile, token: &token, credential: &config.root };
            print_banner(context, &ready, &warnings);
            Ok(())
        });
        if let Err(fault) = shared {
            failure = Some(fault);
            shutdown.begin();
        }
        Ok(())
    });
    match failure {
        Some(fault) => Err(fault),
        None => served.map_err(|error| {
            let fault = Fault::refused(format!("cannot serve {}", args.dir.display()), chain(&error));
            if matches!(error, serve::error::Error::Bind { .. }) {
                fault.advise("Name another port: lakeshare quickstart --address 127.0.0.1:9100")
            } else {
                fault
            }
        }),
    }
}

fn make_tables(context: &Context, dir: &Path) -> Result<(), Fault> {
    let bucket = dir.join(BUCKET);
    let what = || format!("cannot make the sample tables in {}", bucket.display());
    context.printer.note(&format!("Sample tables: {}", bucket.display()));
    let size = Size::default();
    let is_new = write_tables(&bucket, size, &context.clock).map_err(|error| {
        Fault::refused(what(), chain(&error)).advise("Name another directory: lakeshare quickstart DIR")
    })?;
    if !is_new {
        context.printer.note("They are there already, and stay as they are.");
    }
    Ok(())
}

/// Makes the share or completes it, and makes a token for it.
fn share_tables(context: &Context, config: &Config, started: &Started) -> Result<NewToken, Fault> {
    let endpoint = own_endpoint(config, started)?;
    let http = context.trust.client(&endpoint)?;
    let peer = || Peer {
        name: endpoint.origin().ascii_serialization(),
        http: http.clone(),
        endpoint: endpoint.clone(),
        credential: config.root.clone(),
        clock: context.clock.clone(),
    };
    let client = Client::new(peer());
    let (catalog, store) = (Catalog { peer: peer() }, Store::new(peer()));
    let calls = async {
        quickstart_iceberg::make_table(&catalog, &store, SCHEMA, || customers(Size::default())).await?;
        let shares = client.list_shares().await?;
        match shares.iter().find(|share| share.name.eq_ignore_ascii_case(SHARE)) {
            None => {
                let schemas = vec![NewSchema { name: SCHEMA.to_owned(), tables: table_specs() }];
                let description = Some("TPC-H samples of lakeshare quickstart".to_owned());
                let name = SHARE.to_owned();
                let properties = BTreeMap::new();
                client.create_share(&NewShare { name, description, properties, schemas }).await?;
            }
            Some(share) => {
                let add = missing_tables(share);
                if !add.is_empty() {
                    client.update_share(SHARE, &SharePatch { add, ..SharePatch::default() }).await?;
                }
            }
        }
        let expires_ms = context.clock.now_ms() + TOKEN_DAYS * 86_400_000;
        let request = TokenRequest {
            description: Some("quickstart".to_owned()),
            expires_at: human::wire_moment(expires_ms),
            ..TokenRequest::default()
        };
        client.create_token(SHARE, &request).await
    };
    wait_for(calls)
}

/// What a share of our name still lacks of our tables.
fn missing_tables(share: &ShareInfo) -> Vec<Addition> {
    let is_shared = |spec: &TableSpec| {
        let mut schemas = share.schemas.iter().filter(|schema| schema.name.eq_ignore_ascii_case(SCHEMA));
        schemas.any(|schema| schema.tables.iter().any(|table| table.name.eq_ignore_ascii_case(&spec.name)))
    };
    let missing = table_specs().into_iter().filter(|spec| !is_shared(spec));
    missing.map(|table| Addition { schema: SCHEMA.to_owned(), table }).collect()
}

/// The server as this machine reaches it, which need not be how recipients do.
fn own_endpoint(config: &Config, started: &Started) -> Result<Url, Fault> {
    let text = if config.tls.is_some() {
        started.public_url.clone()
    } else if started.address.ip().is_unspecified() {
        format!("http://localhost:{}", started.address.port())
    } else {
        format!("http://{}", started.address)
    };
    Url::parse(&text).map_err(|error| Fault::refused(format!("cannot reach {text}"), error.to_string()))
}

/// `orders` of the Delta tables and `customer` of the catalog: recipients see no difference.
fn table_specs() -> Vec<TableSpec> {
    let table =
        |name: &str, source| TableSpec { name: name.to_owned(), source, options: TableOptions::default() };
    let orders = TableSource::Delta { bucket: BUCKET.to_owned(), location: format!("{SCHEMA}/orders") };
    let customer = TableSource::Uniform {
        warehouse: WAREHOUSE.to_owned(),
        namespace: vec![SCHEMA.to_owned()],
        table: TABLE.to_owned(),
        reference: None,
    };
    vec![table("orders", orders), table(TABLE, customer)]
}

fn write_profile(draft: PrivateFile, path: &Path, token: &NewToken) -> Result<(), Fault> {
    let text = format!("{:#}\n", token.profile);
    draft
        .commit(text.as_bytes())
        .map_err(|error| Fault::io(format!("cannot write {}", path.display()), &error))
}

fn print_banner(context: &Context, ready: &Ready<'_>, warnings: &[String]) {
    let printer = &context.printer;
    let endpoint = format!("{}/delta-sharing", ready.started.public_url.trim_end_matches('/'));
    let profile = ready.profile.display().to_string();
    let read = Read { profile: &profile, endpoint: &endpoint, share: SHARE, schema: SCHEMA, table: "orders" };
    let iceberg = IcebergRead {
        endpoint: ready.started.public_url.trim_end_matches('/'),
        credential: ready.credential,
        warehouse: WAREHOUSE,
        table: &format!("{SCHEMA}.{TABLE}"),
    };
    printer.object(&json!({
        "address": ready.started.address.to_string(),
        "endpoint": endpoint,
        "profile": profile,
        "tokenId": ready.token.token_id,
        "expiresAt": ready.token.expires_at,
        "share": SHARE,
        "tables": table_specs().iter().map(|spec| format!("{SCHEMA}.{}", spec.name)).collect::<Vec<_>>(),
        "warehouse": WAREHOUSE,
        "icebergTables": [format!("{SCHEMA}.{TABLE}")],
        "reads": {
            "python": read.python(),
            "join": read.join(TABLE),
            "spark": read.spark(),
            "curl": read.curl(),
            "pyiceberg": iceberg.python(),
        },
    }));
    printer.line("");
    printer.line(&format!("Endpoint:  {}", printer.tone(Tone::Strong, &endpoint)));
    printer.line(&format!("Share:     {SHARE}, with {SCHEMA}.orders (Delta) and {SCHEMA}.{TABLE} (Iceberg)"));
    printer.line(&format!(
        "Iceberg:   {}/_iceberg, warehouse {WAREHOUSE}, with {SCHEMA}.{TABLE}",
        iceberg.endpoint
    ));
    let expiry = ready
        .token
        .expires_at
        .as_deref()
        .map_or("for ever".to_owned(), |moment| format!("until {}", human::local_moment(moment)));
    printer.line(&format!(
        "Profile:   {} (a recipient's key, good {expiry})",
        printer.tone(Tone::Strong, &profile)
    ));
    for warning in warnings {
        printer.line("");
        printer.line(&printer.tone(Tone::Warning, &format!("⚠️  {warning}.")));
    }
    for (title, command) in [
        ("Read ten orders with pandas:", read.python()),
        ("Join them in DuckDB:", read.join(TABLE)),
        ("The same ten with Spark 3.5 (Java 8, 11 or 17):", read.spark()),
        ("The protocol itself:", read.curl()),
        ("The Iceberg table through its catalog:", iceberg.python()),
    ] {
        printer.line("");
        printer.line(&printer.tone(Tone::Good, title));
        printer.line("");
        printer.line(&command);
    }
    printer.line("");
    printer.line("Paste one into another terminal. Ctrl-C here stops the server.");
    printer.flush();
}
