//! `table view list`, `info` and `remove`.

use serde_json::{Value, json};

use super::args::view::{ViewCommand, ViewList, ViewTarget};
use super::catalog::address::{Root, Table};
use super::catalog::client::{Catalog, Kind};
use super::catalog::metadata::columns_of;
use super::catalog::view::{Metadata, Version};
use super::catalog::walk::{self, Listing};
use super::context::Context;
use super::fault::Fault;
use super::human;
use super::namespace::property_lines;
use super::printer::{Printer, Tone};
use super::shown::Shown;

pub(crate) async fn run(context: &Context, command: ViewCommand) -> Result<(), Fault> {
    match command {
        ViewCommand::List(args) => list(context, &args).await,
        ViewCommand::Info(args) => info(context, &args).await,
        ViewCommand::Remove(args) => remove(context, &args).await,
    }
}

/// Lists views: of one namespace, of a warehouse, or of all warehouses.
async fn list(context: &Context, args: &ViewList) -> Result<(), Fault> {
    let root = Root::parse(&args.target)?;
    let catalog = Catalog::find(context, &root.alias)?;
    let printer = &context.printer;
    let mut rows: Vec<[String; 3]> = Vec::new();
    let listing = Listing { root: &root, recursive: args.recursive, kinds: &[Kind::View] };
    walk::each_entry(&catalog, listing, |namespace, _, name| {
        let warehouse = &namespace.warehouse.name;
        printer.object(&json!({"warehouse": warehouse, "namespace": namespace.levels, "name": name}));
        rows.push([warehouse.clone(), namespace.name(), name]);
        printer.flow()
    })
    .await?;
    if rows.is_empty() {
        printer.note(&format!("'{root}' has no views. Engines make them: CREATE VIEW."));
        return Ok(());
    }
    for line in human::table(["WAREHOUSE", "NAMESPACE", "VIEW"], &rows) {
        printer.line(&printer.tone(Tone::Plain, &line));
    }
    Ok(())
}

/// Shows a view: what it is made of, its columns and its properties.
async fn info(context: &Context, args: &ViewTarget) -> Result<(), Fault> {
    let target = Table::parse(&args.target)?;
    let catalog = Catalog::find(context, &target.namespace.warehouse.alias)?;
    let loaded = catalog.load_view(&target).await?;
    let printer = &context.printer;
    let shown = Shown { kind: Kind::View, target: &target, loaded: &loaded };
    let Some(metadata) = shown.for_people::<Metadata>(&catalog, printer)? else { return Ok(()) };
    for line in render(&target, &metadata, printer) {
        printer.line(&line);
    }
    Ok(())
}

fn render(target: &Table, metadata: &Metadata, printer: &Printer) -> Vec<String> {
    let plain = |text: &str| printer.tone(Tone::Plain, text);
    let mut lines = vec![
        format!("View: {}", printer.tone(Tone::Strong, &target.dotted())),
        format!("ID: {}", plain(&metadata.view_uuid)),
        format!("Location: {}", plain(&metadata.location)),
    ];
    if let Some(version) = metadata.current_version() {
        lines.extend(version_lines(version, printer));
        lines.push(String::new());
        lines.push("Columns:".to_owned());
        let schema = metadata.schema(version.schema_id);
        let rows: Vec<[String; 4]> = columns_of(schema)
            .into_iter()
            .map(|column| [column.id.to_string(), column.name, column.type_text, column.doc])
            .collect();
        for line in human::table(["ID", "NAME", "TYPE", "COMMENT"], &rows) {
            lines.push(format!("  {}", plain(&line)));
        }
    }
    lines.push(String::new());
    lines.extend(property_lines(&metadata.properties, printer));
    lines
}

/// When a version was made, where its names are looked up, and its text in each dialect.
fn version_lines(version: &Version, printer: &Printer) -> Vec<String> {
    let plain = |text: &str| printer.tone(Tone::Plain, text);
    let moment = human::wire_moment(version.timestamp_ms).unwrap_or_default();
    let mut lines = vec![format!("Version: {}, {moment}", version.id)];
    let namespace = version.default_namespace.join(".");
    if !namespace.is_empty() {
        lines.push(format!("Default namespace: {}", plain(&namespace)));
    }
    for representation in &version.representations {
        let text = |key: &str| representation.get(key).and_then(Value::as_str).unwrap_or_default();
        lines.push(String::new());
        lines.push(format!("SQL ({}):", plain(text("dialect"))));
        lines.extend(text("sql").lines().map(|line| format!("  {}", plain(line))));
    }
    lines
}

/// Removes a view; nothing else is removed with it.
async fn remove(context: &Context, args: &ViewTarget) -> Result<(), Fault> {
    let target = Table::parse(&args.target)?;
    let catalog = Catalog::find(context, &target.namespace.warehouse.alias)?;
    catalog.remove_view(&target).await?;
    let printer = &context.printer;
    printer.note(&format!("View {} removed.", printer.tone(Tone::Name, &target.to_string())));
    printer.object(&json!({
        "warehouse": target.namespace.warehouse.name,
        "namespace": target.namespace.levels,
        "name": target.name,
    }));
    Ok(())
}
