//! What people type: parses, runs one command, exits with a code.

mod alias;
mod aliases;
mod args;
mod bucket;
mod catalog;
mod client;
mod context;
mod copy;
mod expiry;
mod fault;
mod healthcheck;
mod human;
mod list;
mod namespace;
mod peer;
mod printer;
mod private_file;
mod quickstart;
mod quickstart_iceberg;
mod reads;
mod remove;
mod s3;
mod server;
mod share;
mod share_tree;
mod shell;
mod shown;
mod table;
mod table_config;
mod table_list;
mod table_options;
mod table_show;
mod table_spec;
mod target;
mod token;
mod transport;
mod tree;
mod view;
mod wait;
mod warehouse;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ColorChoice, CommandFactory, FromArgMatches};

use self::args::table::{TableCommand, TableList, TableTree};
use self::args::{Cli, Command};
use self::context::Context;
use self::fault::{Exit, Fault};
use self::printer::{Manner, Printer};
use self::wait::wait_for;

/// Runs the command of `words` (the first is the program's name) and gives the process its exit code:
/// 0 done, 1 refused or failed, 2 wrong usage.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = words.into_iter().collect();
    let exit = match parse(&words) {
        Ok(cli) => obey(cli),
        Err(error) => answer_instead(&error, words.iter().any(|word| word == "--json")),
    };
    ExitCode::from(exit as u8)
}

fn parse(words: &[OsString]) -> Result<Cli, clap::Error> {
    let plain = words.iter().any(|word| word == "--no-color");
    let color = if plain { ColorChoice::Never } else { ColorChoice::Auto };
    let matches = Cli::command().color(color).try_get_matches_from(words)?;
    Cli::from_arg_matches(&matches)
}

/// Help, the version, or what is wrong with the words.
fn answer_instead(error: &clap::Error, json: bool) -> Exit {
    let kind = error.kind();
    if matches!(kind, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // Nobody is left to be told when the terminal is gone.
        let _ = error.print();
        return Exit::Done;
    }
    if kind == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return Exit::Usage;
    }
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
    Printer::new(Manner { json, ..Manner::default() }).usage(text);
    Exit::Usage
}

fn obey(cli: Cli) -> Exit {
    let globals = cli.globals;
    let printer = Printer::new(Manner::detect(globals.json, globals.quiet, globals.no_color));
    let context = Context::new(globals, printer);
    let done = dispatch(&context, cli.command);
    let exit = match &done {
        Ok(()) => Exit::Done,
        Err(fault) => {
            context.printer.fault(fault);
            fault.exit
        }
    };
    context.printer.flush();
    exit
}

fn dispatch(context: &Context, command: Command) -> Result<(), Fault> {
    match command {
        Command::Server(args) => server::run(context, &args),
        Command::Alias(command) => wait_for(alias::run(context, command)),
        Command::Mb(args) => wait_for(bucket::make(context, &args)),
        Command::Rb(args) => wait_for(bucket::remove(context, &args)),
        Command::Cp(args) => wait_for(copy::run(context, &args)),
        Command::Ls(args) if args.tables => {
            let args = TableList { target: args.target, recursive: args.recursive, views: true };
            wait_for(table_list::list(context, &args))
        }
        Command::Ls(args) => wait_for(list::run(context, &args)),
        Command::Tree(args) if args.tables => {
            wait_for(table_list::tree(context, &TableTree { target: args.target, depth: args.depth }))
        }
        Command::Tree(args) => wait_for(tree::run(context, &args)),
        Command::Rm(args) => wait_for(remove::run(context, &args)),
        Command::Share(command) => wait_for(share::run(context, command)),
        Command::Warehouse(command) => wait_for(warehouse::run(context, command)),
        Command::Namespace(command) => wait_for(namespace::run(context, command)),
        Command::Table(command) => wait_for(obey_table(context, *command)),
        Command::Quickstart(args) => quickstart::run(context, &args),
        Command::Healthcheck(args) => wait_for(healthcheck::run(context, &args)),
        Command::Completions(args) => {
            shell::print_completions(context, args.shell);
            Ok(())
        }
        Command::Man(args) => shell::write_man(context, args.dir.as_deref()),
    }
}

async fn obey_table(context: &Context, command: TableCommand) -> Result<(), Fault> {
    match command {
        TableCommand::Create(args) => table::create(context, &args).await,
        TableCommand::Register(args) => table::register(context, &args).await,
        TableCommand::List(args) => table_list::list(context, &args).await,
        TableCommand::Tree(args) => table_list::tree(context, &args).await,
        TableCommand::Show(args) => table_show::run(context, &args).await,
        TableCommand::Rename(args) => table::rename(context, &args).await,
        TableCommand::Remove(args) => table::remove(context, &args).await,
        TableCommand::Config(args) => table_config::run(context, &args).await,
        TableCommand::View(command) => view::run(context, command).await,
        TableCommand::Alias(command) => alias::run(context, command).await,
        TableCommand::Warehouse(command) => warehouse::run(context, command).await,
        TableCommand::Namespace(command) => namespace::run(context, command).await,
        TableCommand::Share(command) => share::run(context, command).await,
    }
}
