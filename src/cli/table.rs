//! `table create`, `register`, `rename` and `remove`.

use serde_json::json;

use super::args::table::{TableCreate, TableRegister, TableRemove, TableRename};
use super::catalog::address::Table;
use super::catalog::client::{Catalog, is_there};
use super::catalog::wire::{LoadedTable, NewTable};
use super::catalog::{partition, schema};
use super::context::Context;
use super::fault::Fault;
use super::printer::Tone;
use super::table_options::parse_pairs;

/// Makes a table without rows.
pub(crate) async fn create(context: &Context, args: &TableCreate) -> Result<(), Fault> {
    let target = Table::parse(&args.target)?;
    let schema = schema::read(&args.schema)?;
    let new = NewTable {
        name: target.name.clone(),
        location: args.location.clone(),
        partition_spec: partition::parse(&args.partition, &schema)?,
        schema,
        properties: parse_pairs(&args.attr, "--attr")?,
    };
    let catalog = Catalog::find(context, &target.namespace.warehouse.alias)?;
    let (table, created) = match catalog.create_table(&target.namespace, &new).await {
        Ok(table) => (table, true),
        Err(fault) if args.ignore_existing && is_there(&fault) => {
            (catalog.load_table(&target, false).await?, false)
        }
        Err(fault) if is_there(&fault) => return Err(fault.advise(EXISTS)),
        Err(fault) => return Err(fault),
    };
    tell(context, &target, &table, created, if created { "made" } else { "exists already" });
    Ok(())
}

const EXISTS: &str = "Use --ignore-existing where an existing table is as good, or choose another name.";

/// Enters a table whose metadata lies in the warehouse.
pub(crate) async fn register(context: &Context, args: &TableRegister) -> Result<(), Fault> {
    let (metadata_location, words) =
        args.words.split_last().map_or(("", [].as_slice()), |(last, words)| (last.as_str(), words));
    if !metadata_location.contains("://") {
        return Err(Fault::usage(
            "cannot register the table",
            format!("'{metadata_location}' is not the location of a metadata file"),
        )
        .advise("Write it last, for example: s3://lake/orders/metadata/v3.metadata.json"));
    }
    let target = Table::parse(words)?;
    let catalog = Catalog::find(context, &target.namespace.warehouse.alias)?;
    let table =
        catalog.register_table(&target, metadata_location, args.overwrite).await.map_err(|fault| {
            if is_there(&fault) {
                fault.advise("Use --overwrite to replace it, or choose another name.")
            } else {
                fault
            }
        })?;
    tell(context, &target, &table, true, "registered");
    Ok(())
}

/// Says what was done, and where the table lies.
fn tell(context: &Context, target: &Table, table: &LoadedTable, created: bool, verb: &str) {
    let printer = &context.printer;
    let text = |key: &str| table.metadata.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    let name = printer.tone(Tone::Name, &target.to_string());
    printer.note(&format!("Table {name} {verb}: {}", printer.tone(Tone::Plain, text("location"))));
    printer.object(&json!({
        "warehouse": target.namespace.warehouse.name,
        "namespace": target.namespace.levels,
        "name": target.name,
        "uuid": text("table-uuid"),
        "location": text("location"),
        "metadataLocation": table.metadata_location,
        "created": created,
    }));
}

/// Gives a table another name.
pub(crate) async fn rename(context: &Context, args: &TableRename) -> Result<(), Fault> {
    let (from, to) = Table::parse_rename(&args.words)?;
    let catalog = Catalog::find(context, &from.namespace.warehouse.alias)?;
    catalog.rename_table(&from, &to).await.map_err(|fault| {
        if is_there(&fault) { fault.advise("Choose another name, or remove what has it.") } else { fault }
    })?;
    let printer = &context.printer;
    let (old, new) = (printer.tone(Tone::Name, &from.to_string()), printer.tone(Tone::Name, &to.to_string()));
    printer.note(&format!("Table {old} is now {new}."));
    printer.object(&json!({
        "warehouse": from.namespace.warehouse.name,
        "from": {"namespace": from.namespace.levels, "name": from.name},
        "to": {"namespace": to.namespace.levels, "name": to.name},
    }));
    Ok(())
}

/// Removes a table; its files only with `--purge`.
pub(crate) async fn remove(context: &Context, args: &TableRemove) -> Result<(), Fault> {
    let target = Table::parse(&args.target)?;
    let catalog = Catalog::find(context, &target.namespace.warehouse.alias)?;
    catalog.remove_table(&target, args.purge).await?;
    let printer = &context.printer;
    let name = printer.tone(Tone::Name, &target.to_string());
    let files = if args.purge { "Its files are gone too." } else { "Its files stay in the bucket." };
    printer.note(&format!("Table {name} removed. {files}"));
    printer.object(&json!({
        "warehouse": target.namespace.warehouse.name,
        "namespace": target.namespace.levels,
        "name": target.name,
        "purged": args.purge,
    }));
    Ok(())
}
