//! `warehouse create`, `list` and `remove`.

use serde::Serialize;

use super::args::catalog::{WarehouseCommand, WarehouseCreate, WarehouseList, WarehouseRemove};
use super::catalog::address::Warehouse;
use super::catalog::client::{Catalog, is_not_empty, is_there};
use super::catalog::wire::WarehouseInfo;
use super::context::Context;
use super::fault::Fault;
use super::human;
use super::printer::Tone;

pub(crate) async fn run(context: &Context, command: WarehouseCommand) -> Result<(), Fault> {
    match command {
        WarehouseCommand::Create(args) => create(context, &args).await,
        WarehouseCommand::List(args) => list(context, &args).await,
        WarehouseCommand::Remove(args) => remove(context, &args).await,
    }
}

#[derive(Serialize)]
struct Made<'a> {
    #[serde(flatten)]
    warehouse: &'a WarehouseInfo,
    created: bool,
}

async fn create(context: &Context, args: &WarehouseCreate) -> Result<(), Fault> {
    let target = Warehouse::parse(&args.target)?;
    let catalog = Catalog::find(context, &target.alias)?;
    let (warehouse, created) = match catalog.create_warehouse(&target.name, args.upgrade_existing).await {
        Ok(warehouse) => (warehouse, true),
        Err(fault) if args.ignore_existing && is_there(&fault) => {
            (catalog.get_warehouse(&target.name).await?, false)
        }
        Err(fault) if is_there(&fault) => return Err(fault.advise(EXISTS)),
        Err(fault) => return Err(fault),
    };
    let printer = &context.printer;
    let verb = if created { "made" } else { "exists already" };
    printer.note(&format!("Warehouse {} {verb}.", printer.tone(Tone::Name, &target.to_string())));
    printer.object(&Made { warehouse: &warehouse, created });
    Ok(())
}

const EXISTS: &str = "Use --ignore-existing where an existing warehouse is as good, or choose another name.";

async fn list(context: &Context, args: &WarehouseList) -> Result<(), Fault> {
    let alias = args.alias.trim_end_matches('/');
    let warehouses = Catalog::find(context, alias)?.list_warehouses().await?;
    let printer = &context.printer;
    for warehouse in &warehouses {
        printer.object(warehouse);
    }
    if warehouses.is_empty() {
        printer.note(&format!(
            "'{alias}' has no warehouses yet. Make one: lakeshare warehouse create {alias}/WAREHOUSE"
        ));
        return Ok(());
    }
    let row = |warehouse: &WarehouseInfo| {
        let created = human::utc_moment(&warehouse.created_at);
        [warehouse.name.clone(), warehouse.bucket.clone(), created, warehouse.uuid.clone()]
    };
    let rows: Vec<[String; 4]> = warehouses.iter().map(row).collect();
    for line in human::table(["WAREHOUSE", "BUCKET", "CREATED", "ID"], &rows) {
        printer.line(&printer.tone(Tone::Plain, &line));
    }
    Ok(())
}

async fn remove(context: &Context, args: &WarehouseRemove) -> Result<(), Fault> {
    let target = Warehouse::parse(&args.target)?;
    if args.purge != args.force {
        let why = if args.purge {
            "--purge removes all objects of the bucket"
        } else {
            "--force alone does nothing"
        };
        return Err(Fault::usage(format!("cannot remove the warehouse '{}'", target.name), why)
            .advise("Write both --purge and --force to remove the bucket too, or neither to keep it."));
    }
    let catalog = Catalog::find(context, &target.alias)?;
    catalog.remove_warehouse(&target.name, !args.purge).await.map_err(|fault| {
        if is_not_empty(&fault) {
            fault.advise(format!("`lakeshare table tree {target}` shows what it holds; remove that first."))
        } else {
            fault
        }
    })?;
    let printer = &context.printer;
    let name = printer.tone(Tone::Name, &target.to_string());
    let bucket =
        if args.purge { "Its bucket is gone too." } else { "Its bucket stays, with what lies in it." };
    printer.note(&format!("Warehouse {name} removed. {bucket}"));
    printer.object(&serde_json::json!({"name": target.name, "bucketRemoved": args.purge}));
    Ok(())
}
