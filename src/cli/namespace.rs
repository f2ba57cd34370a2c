//! `namespace create`, `list`, `info`, `update` and `remove`.

use std::collections::BTreeMap;

use serde_json::json;

use super::args::catalog::{
    NamespaceCommand, NamespaceCreate, NamespaceInfo, NamespaceList, NamespaceRemove, NamespaceUpdate,
};
use super::catalog::address::{Namespace, show_levels};
use super::catalog::client::{Catalog, is_not_empty, is_there};
use super::catalog::walk;
use super::catalog::wire::{NamespaceBody, PropertyChanges};
use super::context::Context;
use super::fault::Fault;
use super::human;
use super::printer::{Printer, Tone};
use super::table_options::parse_pairs;

pub(crate) async fn run(context: &Context, command: NamespaceCommand) -> Result<(), Fault> {
    match command {
        NamespaceCommand::Create(args) => create(context, &args).await,
        NamespaceCommand::List(args) => list(context, &args).await,
        NamespaceCommand::Info(args) => info(context, &args).await,
        NamespaceCommand::Update(args) => update(context, &args).await,
        NamespaceCommand::Remove(args) => remove(context, &args).await,
    }
}

async fn create(context: &Context, args: &NamespaceCreate) -> Result<(), Fault> {
    let target = Namespace::parse(&args.target)?;
    let properties = parse_pairs(&args.attr, "--attr")?;
    let catalog = Catalog::find(context, &target.warehouse.alias)?;
    let (made, created) = match catalog.create_namespace(&target, properties).await {
        Ok(made) => (made, true),
        Err(fault) if args.ignore_existing && is_there(&fault) => {
            (catalog.get_namespace(&target).await?, false)
        }
        Err(fault) if is_there(&fault) => return Err(fault.advise(EXISTS)),
        Err(fault) if is_without_parent(&target, &fault) => {
            let parent = parent_of(&target);
            return Err(fault
                .advise(format!("Make the namespace around it first: lakeshare namespace create {parent}")));
        }
        Err(fault) => return Err(fault),
    };
    let printer = &context.printer;
    let verb = if created { "made" } else { "exists already" };
    printer.note(&format!("Namespace {} {verb}.", printer.tone(Tone::Name, &target.to_string())));
    printer.object(&json!({
        "warehouse": target.warehouse.name,
        "namespace": made.namespace,
        "properties": made.properties,
        "created": created,
    }));
    Ok(())
}

const EXISTS: &str = "Use --ignore-existing where an existing namespace is as good, or choose another name.";

fn is_without_parent(target: &Namespace, fault: &Fault) -> bool {
    target.levels.len() > 1 && fault.code.as_deref() == Some("NoSuchNamespaceException")
}

fn parent_of(target: &Namespace) -> Namespace {
    let levels = target.levels.split_last().map(|(_, outer)| outer.to_vec()).unwrap_or_default();
    Namespace { warehouse: target.warehouse.clone(), levels }
}

async fn list(context: &Context, args: &NamespaceList) -> Result<(), Fault> {
    let target = Namespace::parse_or_warehouse(&args.target)?;
    let catalog = Catalog::find(context, &target.warehouse.alias)?;
    let found = if args.recursive {
        walk::descendants(&catalog, &target).await?
    } else {
        walk::children(&catalog, &target).await?
    };
    let printer = &context.printer;
    for Namespace { warehouse, levels } in &found {
        printer.object(&json!({"warehouse": warehouse.name, "namespace": levels}));
    }
    if found.is_empty() {
        let separator = if target.levels.is_empty() { '/' } else { '.' };
        printer.note(&format!(
            "'{target}' has no namespaces yet. Make one: lakeshare namespace create {target}{separator}NAMESPACE"
        ));
        return Ok(());
    }
    let rows: Vec<[String; 1]> = found.iter().map(|namespace| [namespace.name()]).collect();
    for line in human::table(["NAMESPACE"], &rows) {
        printer.line(&printer.tone(Tone::Plain, &line));
    }
    Ok(())
}

async fn info(context: &Context, args: &NamespaceInfo) -> Result<(), Fault> {
    let target = Namespace::parse(&args.target)?;
    let body = Catalog::find(context, &target.warehouse.alias)?.get_namespace(&target).await?;
    for line in render(&target, &body, &context.printer) {
        context.printer.line(&line);
    }
    context.printer.object(&json!({
        "warehouse": target.warehouse.name,
        "namespace": body.namespace,
        "properties": body.properties,
    }));
    Ok(())
}

fn render(target: &Namespace, body: &NamespaceBody, printer: &Printer) -> Vec<String> {
    let mut lines = vec![
        format!("Namespace: {}", printer.tone(Tone::Strong, &show_levels(&body.namespace))),
        format!("Warehouse: {}", printer.tone(Tone::Plain, &target.warehouse.name)),
    ];
    lines.extend(property_lines(&body.properties, printer));
    lines
}

/// `Properties:` and a line for each.
pub(crate) fn property_lines(properties: &BTreeMap<String, String>, printer: &Printer) -> Vec<String> {
    if properties.is_empty() {
        return vec!["Properties: none".to_owned()];
    }
    let mut lines = vec!["Properties:".to_owned()];
    for (key, value) in properties {
        lines.push(format!("  {}", printer.tone(Tone::Plain, &format!("{key}={value}"))));
    }
    lines
}

async fn update(context: &Context, args: &NamespaceUpdate) -> Result<(), Fault> {
    let target = Namespace::parse(&args.target)?;
    let updates = parse_pairs(&args.set, "--set")?;
    if updates.is_empty() && args.remove.is_empty() {
        return Err(Fault::usage(
            format!("cannot update the namespace '{}'", target.name()),
            "no change is named",
        )
        .advise("Write --set KEY=VALUE or --remove KEY."));
    }
    let catalog = Catalog::find(context, &target.warehouse.alias)?;
    let changes = PropertyChanges { removals: args.remove.clone(), updates };
    let done = catalog.update_namespace(&target, &changes).await?;
    let printer = &context.printer;
    let name = printer.tone(Tone::Name, &target.to_string());
    printer.note(&format!(
        "Namespace {name} updated: {} set, {} removed.",
        done.updated.len(),
        done.removed.len()
    ));
    let missing = done.missing.unwrap_or_default();
    if !missing.is_empty() {
        let missing = printer.tone(Tone::Plain, &missing.join(", "));
        printer.note(&format!("Not removed, because not there: {missing}."));
    }
    printer.object(&json!({
        "warehouse": target.warehouse.name,
        "namespace": target.levels,
        "updated": done.updated,
        "removed": done.removed,
        "missing": missing,
    }));
    Ok(())
}

async fn remove(context: &Context, args: &NamespaceRemove) -> Result<(), Fault> {
    let target = Namespace::parse(&args.target)?;
    let catalog = Catalog::find(context, &target.warehouse.alias)?;
    catalog.remove_namespace(&target).await.map_err(|fault| {
        if is_not_empty(&fault) {
            fault.advise(format!("`lakeshare table tree {target}` shows what it holds; remove that first."))
        } else {
            fault
        }
    })?;
    let printer = &context.printer;
    printer.note(&format!("Namespace {} removed.", printer.tone(Tone::Name, &target.to_string())));
    printer.object(&json!({"warehouse": target.warehouse.name, "namespace": target.levels}));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::printer::Manner;

    #[test]
    fn a_namespace_is_shown_with_its_properties() {
        let target = Namespace::parse(&["local/lake/sales.eu".to_owned()]).unwrap();
        let mut body = NamespaceBody { namespace: target.levels.clone(), properties: BTreeMap::new() };
        let text = |body: &NamespaceBody| render(&target, body, &Printer::new(Manner::default())).join("\n");
        assert_eq!(text(&body), "Namespace: sales.eu\nWarehouse: lake\nProperties: none");
        body.properties.insert("owner".to_owned(), "an\nn".to_owned());
        assert!(text(&body).ends_with("\nProperties:\n  owner=an\\nn"), "{}", text(&body));
        assert_eq!(parent_of(&target).to_string(), "local/lake/sales");
    }
}
