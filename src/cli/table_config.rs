//! `table config`: settings for an engine, ready to be pasted.

use serde_json::json;

use super::args::table::{EngineArgs, TableConfig};
use super::catalog::address::Warehouse;
use super::catalog::client::Catalog;
use super::catalog::engines::{Engine, Setup};
use super::context::Context;
use super::fault::Fault;
use super::peer::REGION;
use super::printer::printable;

/// Prints the settings; the warehouse is asked for, so that nobody pastes what cannot work.
pub(crate) async fn run(context: &Context, args: &TableConfig) -> Result<(), Fault> {
    let target = Warehouse::parse(&args.target)?;
    let name = match &args.name {
        Some(name) => checked(name)?,
        None => target.name.replace(['-', '.'], "_"),
    };
    let catalog = Catalog::find(context, &target.alias)?;
    let told = catalog.config(&target).await?;
    let (access_key, secret_key) = if args.hide_secrets {
        ("ACCESS_KEY".to_owned(), "SECRET_KEY".to_owned())
    } else {
        let credential = &catalog.peer.credential;
        (credential.access_key.clone(), credential.secret_key.clone())
    };
    let setup = Setup {
        endpoint: catalog.peer.endpoint.clone(),
        warehouse: target.name,
        catalog: name,
        region: told.defaults.get("client.region").cloned().unwrap_or_else(|| REGION.to_owned()),
        access_key,
        secret_key,
        sigv4: args.sigv4,
    };
    let engine = engine_of(&args.engine);
    let settings = setup.settings(engine);
    for line in settings.text.lines() {
        context.printer.line(&printable(line));
    }
    context.printer.object(&json!({
        "engine": engine.word(),
        "warehouse": setup.warehouse,
        "catalog": setup.catalog,
        "settings": settings.keys,
        "text": settings.text,
    }));
    Ok(())
}

fn engine_of(args: &EngineArgs) -> Engine {
    if args.spark {
        Engine::Spark
    } else if args.pyiceberg {
        Engine::Pyiceberg
    } else if args.trino {
        Engine::Trino
    } else {
        Engine::Duckdb
    }
}

/// A catalog's name has to be one word to all engines.
fn checked(name: &str) -> Result<String, Fault> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if name.starts_with(|letter: char| letter.is_ascii_alphabetic()) && name.chars().all(is_word) {
        return Ok(name.to_owned());
    }
    Err(Fault::usage(format!("cannot take the name '{name}'"), "engines could not read it without quotes")
        .advise("Write a letter, then letters, digits and _."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_catalogs_need_no_quotes() {
        assert_eq!(checked("lake_2").unwrap(), "lake_2");
        for wrong in ["", "2lake", "my-lake", "a.b", "a b", "ä"] {
            assert!(checked(wrong).is_err(), "{wrong}");
        }
    }
}
