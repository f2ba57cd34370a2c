//! `alias set`, `alias list`, `alias remove`.

use std::io::{BufRead, IsTerminal};

use serde::Serialize;

use super::aliases::{self, StoredAlias};
use super::args::alias::{AliasCommand, AliasList, AliasRemove, AliasSet};
use super::context::Context;
use super::fault::Fault;
use super::peer::Peer;
use super::printer::Tone;
use super::s3::Store;

/// An alias as shown; its secret key is never part of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AliasLine<'a> {
    alias: &'a str,
    url: &'a str,
    access_key: &'a str,
}

pub(crate) async fn run(context: &Context, command: AliasCommand) -> Result<(), Fault> {
    match command {
        AliasCommand::Set(args) => set(context, args).await,
        AliasCommand::List(args) => list(context, &args),
        AliasCommand::Remove(args) => remove(context, &args),
    }
}

/// Asks the server whether it takes the key pair, and only then keeps the alias.
async fn set(context: &Context, args: AliasSet) -> Result<(), Fault> {
    aliases::check_name(&args.name)?;
    let url = aliases::parse_server_url(&args.url)?.origin().ascii_serialization();
    let mut aliases = context.aliases()?;
    let (access_key, secret_key) = match (args.access_key, args.secret_key) {
        (Some(access_key), Some(secret_key)) => (access_key, secret_key),
        _ => ask_keys(context)?,
    };
    let stored = StoredAlias { url, access_key, secret_key };
    let store = Store::new(Peer::new(context, &args.name, &stored)?);
    store.list_buckets(&format!("cannot set the alias '{}'", args.name)).await?;
    aliases.set(&args.name, stored.clone());
    aliases.save()?;
    context.printer.note(&format!(
        "Alias {} set to {}.",
        context.printer.tone(Tone::Name, &args.name),
        context.printer.tone(Tone::Strong, &stored.url)
    ));
    context.printer.object(&line(&args.name, &stored));
    Ok(())
}

fn list(context: &Context, args: &AliasList) -> Result<(), Fault> {
    let aliases = context.aliases()?;
    if let Some(name) = &args.name {
        show(context, name, aliases.get(name)?);
        return Ok(());
    }
    let mut count = 0;
    for (name, stored) in aliases.iter() {
        show(context, name, stored);
        count += 1;
    }
    if count == 0 {
        context
            .printer
            .note("No alias is set yet. Set one: lakeshare alias set NAME URL ACCESS_KEY SECRET_KEY");
    }
    Ok(())
}

fn remove(context: &Context, args: &AliasRemove) -> Result<(), Fault> {
    let mut aliases = context.aliases()?;
    let stored = aliases.get(&args.name)?.clone();
    aliases.remove(&args.name);
    aliases.save()?;
    context.printer.note(&format!("Alias {} removed.", context.printer.tone(Tone::Name, &args.name)));
    context.printer.object(&line(&args.name, &stored));
    Ok(())
}

fn show(context: &Context, name: &str, stored: &StoredAlias) {
    let printer = &context.printer;
    printer.line(&printer.tone(Tone::Name, name));
    printer.line(&format!("  URL:        {}", printer.tone(Tone::Strong, &stored.url)));
    printer.line(&format!("  Access key: {}", printer.tone(Tone::Strong, &stored.access_key)));
    printer.line("  Secret key: ********");
    printer.object(&line(name, stored));
}

fn line<'a>(name: &'a str, stored: &'a StoredAlias) -> AliasLine<'a> {
    AliasLine { alias: name, url: &stored.url, access_key: &stored.access_key }
}

/// Asks a person, without showing the secret; or reads two lines that a script sends.
fn ask_keys(context: &Context) -> Result<(String, String), Fault> {
    let what = "cannot read the key pair";
    let missing = || {
        Fault::usage(what, "standard input ended before it")
            .advise("Write ACCESS_KEY and SECRET_KEY behind the URL, or send them as two lines.")
    };
    if std::io::stdin().is_terminal() {
        let terminal = console::Term::stderr();
        context.printer.ask("Access key: ");
        let access_key = terminal.read_line().map_err(|error| Fault::io(what, &error))?;
        context.printer.ask("Secret key (not shown): ");
        let secret_key = terminal.read_secure_line().map_err(|error| Fault::io(what, &error))?;
        if access_key.trim().is_empty() || secret_key.trim().is_empty() {
            return Err(missing());
        }
        return Ok((access_key.trim().to_owned(), secret_key.trim().to_owned()));
    }
    let mut lines = std::io::stdin().lock().lines();
    let mut next = || match lines.next() {
        Some(Ok(line)) if !line.trim().is_empty() => Ok(line.trim().to_owned()),
        Some(Err(error)) => Err(Fault::io(what, &error)),
        Some(Ok(_)) | None => Err(missing()),
    };
    Ok((next()?, next()?))
}
