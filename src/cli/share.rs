//! `share create`, `update`, `list`, `info` and `remove`.

use super::args::share::{ShareCommand, ShareCreate, ShareList, ShareName, ShareRemove, ShareUpdate};
use super::client::{Client, NewSchema, NewShare, ShareInfo, SharePatch};
use super::context::Context;
use super::fault::Fault;
use super::human;
use super::peer::Peer;
use super::printer::Tone;
use super::share_tree;
use super::table_options;
use super::table_spec::{Addition, Removal, TableOptions, TableSpec};
use super::target::Target;
use super::token;

pub(crate) async fn run(context: &Context, command: ShareCommand) -> Result<(), Fault> {
    match command {
        ShareCommand::Create(args) => create(context, args).await,
        ShareCommand::Update(args) => update(context, args).await,
        ShareCommand::List(args) => list(context, &args).await,
        ShareCommand::Info(args) => info(context, &args).await,
        ShareCommand::Remove(args) => remove(context, &args).await,
        ShareCommand::Token(command) => token::run(context, command).await,
    }
}

async fn create(context: &Context, args: ShareCreate) -> Result<(), Fault> {
    let (target, rest) = Target::parse_front(&args.words, "share")?;
    let form = "Write lakeshare share create ALIAS/SHARE SCHEMA \"NAME:delta:BUCKET:PATH\"…, or NAME:uniform:WAREHOUSE:NAMESPACE:TABLE.";
    let Some((schema, tables)) = rest.split_first() else {
        return Err(Fault::usage(
            format!("cannot create the share '{}'", target.name()),
            "the schema is missing",
        )
        .advise(form));
    };
    if schema.contains(':') {
        return Err(Fault::usage(
            format!("cannot create the share '{}'", target.name()),
            format!("'{schema}' stands where the schema's name belongs"),
        )
        .advise(form));
    }
    if tables.is_empty() {
        return Err(Fault::usage(
            format!("cannot create the share '{}'", target.name()),
            "no table is named",
        )
        .advise(form));
    }
    let options = table_options::parse(&args.options)?;
    let with_options = |table: TableSpec| TableSpec { options: options.clone(), ..table };
    let tables =
        tables.iter().map(|text| TableSpec::parse(text).map(with_options)).collect::<Result<Vec<_>, _>>()?;
    let client = Client::new(Peer::find(context, &target.alias)?);
    let share = NewShare {
        name: target.name().to_owned(),
        description: args.description.filter(|text| !text.is_empty()),
        properties: table_options::parse_properties(&args.property)?.unwrap_or_default(),
        schemas: vec![NewSchema { name: schema.clone(), tables }],
    };
    let share = client.create_share(&share).await?;
    confirm(context, &share, "created");
    Ok(())
}

async fn update(context: &Context, args: ShareUpdate) -> Result<(), Fault> {
    let target = Target::parse_name(&args.target, "share")?;
    let properties = table_options::parse_properties(&args.property)?;
    let mut patch = SharePatch { description: args.description, properties, ..SharePatch::default() };
    let options = table_options::parse(&args.options)?;
    for text in &args.add {
        let mut addition = Addition::parse(text)?;
        addition.table.options = options.clone();
        patch.add.push(addition);
    }
    for text in &args.remove {
        patch.remove.extend(Removal::parse_list(text)?);
    }
    if patch.add.is_empty() && options != TableOptions::default() {
        return Err(Fault::usage(
            format!("cannot update the share '{}'", target.name()),
            "options are named, but no table that they are for",
        )
        .advise("Write --remove \"SCHEMA/NAME\" --add \"SCHEMA:NAME:delta:BUCKET:PATH\" to change a table's options."));
    }
    let changes_text = patch.description.is_some() || patch.properties.is_some();
    if !changes_text && patch.add.is_empty() && patch.remove.is_empty() {
        return Err(Fault::usage(
            format!("cannot update the share '{}'", target.name()),
            "no change is named",
        )
        .advise(
            "Write --add \"SCHEMA:NAME:delta:BUCKET:PATH\", --remove \"SCHEMA/NAME\" or --description TEXT.",
        ));
    }
    let client = Client::new(Peer::find(context, &target.alias)?);
    let share = client.update_share(target.name(), &patch).await?;
    confirm(context, &share, "updated");
    Ok(())
}

async fn list(context: &Context, args: &ShareList) -> Result<(), Fault> {
    let target = Target::parse(&args.target)?;
    let client = Client::new(Peer::find(context, &target.alias)?);
    let mut shares = client.list_shares().await?;
    if !target.name().is_empty() {
        shares.retain(|share| share.name.eq_ignore_ascii_case(target.name()));
        if shares.is_empty() {
            return Err(Fault::refused(
                format!("cannot list the share '{}'", target.name()),
                format!("'{}' has no share of that name", target.alias),
            )
            .advise(format!("`lakeshare share list {}` shows all of them.", target.alias)));
        }
    }
    let printer = &context.printer;
    for share in &shares {
        printer.object(share);
    }
    if shares.is_empty() {
        printer.note(&format!(
            "'{0}' has no shares yet. Make one: lakeshare share create {0}/SHARE SCHEMA \"NAME:delta:BUCKET:PATH\"",
            target.alias
        ));
        return Ok(());
    }
    let rows: Vec<[String; 5]> = shares.iter().map(row).collect();
    for line in human::table(["SHARE", "SCHEMAS", "TABLES", "UPDATED", "DESCRIPTION"], &rows) {
        printer.line(&printer.tone(Tone::Plain, &line));
    }
    Ok(())
}

fn row(share: &ShareInfo) -> [String; 5] {
    let table_count: usize = share.schemas.iter().map(|schema| schema.tables.len()).sum();
    [
        share.name.clone(),
        share.schemas.len().to_string(),
        table_count.to_string(),
        human::utc_moment(&share.updated_at),
        share.description.clone().unwrap_or_default(),
    ]
}

async fn info(context: &Context, args: &ShareName) -> Result<(), Fault> {
    let target = Target::parse_name(&args.target, "share")?;
    let client = Client::new(Peer::find(context, &target.alias)?);
    let share = client.get_share(target.name()).await?;
    for line in share_tree::render(&share, &context.printer) {
        context.printer.line(&line);
    }
    context.printer.object(&share);
    Ok(())
}

async fn remove(context: &Context, args: &ShareRemove) -> Result<(), Fault> {
    let target = Target::parse_name(&args.target, "share")?;
    let client = Client::new(Peer::find(context, &target.alias)?);
    client.remove_share(target.name()).await?;
    let name = context.printer.tone(Tone::Strong, target.name());
    context
        .printer
        .note(&format!("Share '{name}' removed. Its tokens work no longer; its tables stay as they are."));
    context.printer.object(&serde_json::json!({"name": target.name()}));
    Ok(())
}

/// Says what was done, then shows the share as it is now.
fn confirm(context: &Context, share: &ShareInfo, verb: &str) {
    let printer = &context.printer;
    printer.note(&format!("Share '{}' {verb} successfully.", printer.tone(Tone::Strong, &share.name)));
    printer.note("");
    for line in share_tree::render(share, printer) {
        printer.note(&line);
    }
    printer.object(share);
}
