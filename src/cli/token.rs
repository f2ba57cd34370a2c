//! `share token create`, `list` and `remove`.

use std::path::Path;

use serde::Serialize;

use super::args::share::{TokenCommand, TokenCreate, TokenList, TokenRemove};
use super::client::{Client, NewToken, TokenInfo, TokenRequest};
use super::context::Context;
use super::fault::Fault;
use super::human;
use super::peer::Peer;
use super::printer::Tone;
use super::private_file::PrivateFile;
use super::target::Target;

pub(crate) async fn run(context: &Context, command: TokenCommand) -> Result<(), Fault> {
    match command {
        TokenCommand::Create(args) => create(context, args).await,
        TokenCommand::List(args) => list(context, &args).await,
        TokenCommand::Remove(args) => remove(context, &args).await,
    }
}

/// A new token as one JSON object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenLine<'a> {
    #[serde(flatten)]
    token: &'a NewToken,
    profile_file: Option<String>,
}

async fn create(context: &Context, args: TokenCreate) -> Result<(), Fault> {
    let (alias, shares) = read_shares(&args.targets)?;
    let Some((first, others)) = shares.split_first() else {
        return Err(Fault::usage("cannot create a token", "no share is named"));
    };
    let client = Client::new(Peer::find(context, &alias)?);
    // The file's place is tried before there is a token that could be lost.
    let profile_what = |path: &Path| format!("cannot write the profile to {}", path.display());
    let prepare = |path: &Path| {
        PrivateFile::prepare(path).map_err(|error| {
            Fault::io(profile_what(path), &error)
                .advise("No token was made. Name a file in a directory that exists.")
        })
    };
    let draft = args.profile.as_deref().map(prepare).transpose()?;
    let request = TokenRequest {
        description: args.description.filter(|text| !text.is_empty()),
        expires_at: args.expires.and_then(|expiry| human::wire_moment(expiry.after(context.clock.now_ms()))),
        additional_shares: others.to_vec(),
    };
    let mut token = client.create_token(first, &request).await?;
    if token.shares.is_empty() {
        token.shares.clone_from(&shares);
    }
    let written = match (draft, args.profile.as_deref()) {
        (Some(draft), Some(path)) => write_profile(draft, &token)
            .map_err(|error| Fault::io(profile_what(path), &error).advise("The token above works; keep it.")),
        _ => Ok(()),
    };
    show(context, &token, args.profile.as_deref().filter(|_| written.is_ok()));
    written
}

fn write_profile(draft: PrivateFile, token: &NewToken) -> std::io::Result<()> {
    let mut text = serde_json::to_vec_pretty(&token.profile)?;
    text.push(b'\n');
    draft.commit(&text)
}

/// Shares of one server: `ALIAS/SHARE…`, or `ALIAS SHARE…`.
fn read_shares(words: &[String]) -> Result<(String, Vec<String>), Fault> {
    let (first, mut rest) = Target::parse_front(words, "share")?;
    let mut shares = vec![first.name().to_owned()];
    let are_whole = words.first().is_some_and(|word| word.contains('/'));
    while let Some((word, behind)) = rest.split_first() {
        let target = if are_whole {
            Target::parse_name(std::slice::from_ref(word), "share")?
        } else {
            Target::parse_name(&[first.alias.clone(), word.clone()], "share")?
        };
        if target.alias != first.alias {
            return Err(Fault::usage(
                "cannot create the token",
                format!("'{first}' and '{target}' are on different servers"),
            )
            .advise("Create one token on each server."));
        }
        if !shares.iter().any(|share| share == target.name()) {
            shares.push(target.name().to_owned());
        }
        rest = behind;
    }
    Ok((first.alias, shares))
}

fn show(context: &Context, token: &NewToken, profile: Option<&Path>) {
    let printer = &context.printer;
    printer.object(&TokenLine { token, profile_file: profile.map(|path| path.display().to_string()) });
    if printer.is_quiet() {
        printer.line(&token.token);
        return;
    }
    for line in new_token_lines(token, profile) {
        printer.line(&line);
    }
}

/// The text of a new token, as in the interfaces.
fn new_token_lines(token: &NewToken, profile: Option<&Path>) -> Vec<String> {
    let names: Vec<String> =
        token.shares.iter().map(|name| format!("'{}'", super::printer::printable(name))).collect();
    let noun = if names.len() == 1 { "share" } else { "shares" };
    let expires = token.expires_at.as_deref().map_or_else(|| "never".to_owned(), human::local_moment);
    let mut lines = vec![
        format!("Token created successfully for {noun} {}.", names.join(", ")),
        String::new(),
        format!("Token ID:    {}", token.token_id),
        format!("Token:       {}", token.token),
        format!("Expires:     {expires}"),
    ];
    if let Some(description) = token.description.as_deref().filter(|text| !text.is_empty()) {
        lines.push(format!("Description: {}", super::printer::printable(description)));
    }
    if let Some(path) = profile {
        lines.push(format!("Profile:     {}", path.display()));
    }
    lines.push(String::new());
    lines.push("⚠️  Save this token securely. It won't be shown again.".to_owned());
    lines
}

async fn list(context: &Context, args: &TokenList) -> Result<(), Fault> {
    let target = Target::parse_name(&args.target, "share")?;
    let client = Client::new(Peer::find(context, &target.alias)?);
    let tokens = client.list_tokens(target.name()).await?;
    let printer = &context.printer;
    for token in &tokens {
        printer.object(token);
    }
    if tokens.is_empty() {
        printer.note(&format!(
            "The share '{0}' has no tokens. Make one: lakeshare share token create {1}/{0}",
            printer.tone(Tone::Plain, target.name()),
            target.alias
        ));
        return Ok(());
    }
    let now_ms = context.clock.now_ms();
    let rows: Vec<[String; 5]> = tokens.iter().map(|token| row(token, now_ms)).collect();
    for line in human::table(["TOKEN ID", "CREATED", "EXPIRES", "SHARES", "DESCRIPTION"], &rows) {
        printer.line(&printer.tone(Tone::Plain, &line));
    }
    Ok(())
}

fn row(token: &TokenInfo, now_ms: i64) -> [String; 5] {
    let expires = match token.expires_at.as_deref() {
        None => "never".to_owned(),
        Some(text) => {
            let is_past = chrono::DateTime::parse_from_rfc3339(text)
                .is_ok_and(|moment| moment.timestamp_millis() <= now_ms);
            let note = if is_past { " (expired)" } else { "" };
            format!("{}{note}", human::local_moment(text))
        }
    };
    [
        token.token_id.clone(),
        human::utc_moment(&token.created_at),
        expires,
        token.shares.join(","),
        token.description.clone().unwrap_or_default(),
    ]
}

async fn remove(context: &Context, args: &TokenRemove) -> Result<(), Fault> {
    let target = Target::parse_name(&args.target, "token")?;
    let client = Client::new(Peer::find(context, &target.alias)?);
    client.remove_token(target.name()).await?;
    let id = context.printer.tone(Tone::Strong, target.name());
    context.printer.note(&format!("Token {id} removed. It works no longer."));
    context.printer.object(&serde_json::json!({"tokenId": target.name()}));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> NewToken {
        NewToken {
            token_id: "238fe2ac-2ed6-4c2d-b7f3-6119049d08ba".to_owned(),
            token: format!("dapi{}", "0".repeat(64)),
            description: Some("test token".to_owned()),
            created_at: None,
            expires_at: None,
            shares: vec!["test".to_owned()],
            profile: serde_json::Value::Null,
        }
    }

    #[test]
    fn a_new_token_looks_as_in_the_interfaces() {
        let text = new_token_lines(&token(), None).join("\n");
        let expected = format!(
            "Token created successfully for share 'test'.\n\n\
             Token ID:    238fe2ac-2ed6-4c2d-b7f3-6119049d08ba\n\
             Token:       dapi{}\n\
             Expires:     never\n\
             Description: test token\n\n\
             ⚠️  Save this token securely. It won't be shown again.",
            "0".repeat(64)
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn shares_are_named_whole_or_behind_one_alias() {
        let read = |text: &str| {
            let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            read_shares(&words)
        };
        let both = ("local".to_owned(), vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(read("local/a local/b").unwrap(), both);
        assert_eq!(read("local a b").unwrap(), both);
        assert_eq!(read("local a b a").unwrap(), both);
        assert!(read("local/a prod/b").unwrap_err().why.contains("different servers"));
        assert!(read("local/a b").is_err());
        assert!(read("local").is_err());
    }

    #[test]
    fn expired_tokens_are_marked() {
        let mut token = TokenInfo {
            token_id: "i".to_owned(),
            description: None,
            shares: vec!["a".to_owned(), "b".to_owned()],
            created_at: "2026-01-25T23:52:59Z".to_owned(),
            expires_at: Some("2026-01-25T23:53:00Z".to_owned()),
        };
        let now_ms = 1_769_385_179_000;
        assert!(!row(&token, now_ms)[2].contains("expired"));
        assert!(row(&token, now_ms + 1_000)[2].ends_with(" (expired)"));
        token.expires_at = None;
        assert_eq!(row(&token, now_ms)[2..4], ["never", "a,b"]);
    }
}
