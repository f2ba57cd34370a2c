//! Parses arguments, runs, exits with a code.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    lakeshare::cli::run(std::env::args_os())
}
