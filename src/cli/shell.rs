//! Completions and manual pages.

use std::fs;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Cli;
use super::context::Context;
use super::fault::Fault;

/// Prints the completions of `shell`.
pub(crate) fn print_completions(context: &Context, shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "lakeshare", &mut script);
    context.printer.raw(&script);
}

/// Prints the main page, or writes one page for each command to `dir`.
pub(crate) fn write_man(context: &Context, dir: Option<&Path>) -> Result<(), Fault> {
    let Some(dir) = dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command())
            .render(&mut page)
            .map_err(|error| Fault::io("cannot make the manual page", &error))?;
        context.printer.raw(&page);
        return Ok(());
    };
    fs::create_dir_all(dir)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), dir))
        .map_err(|error| Fault::io(format!("cannot write manual pages to {}", dir.display()), &error))?;
    context.printer.note(&format!("Wrote the manual pages to {}.", dir.display()));
    context.printer.object(&serde_json::json!({"directory": dir.display().to_string()}));
    Ok(())
}
