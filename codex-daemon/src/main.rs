//! The binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    codex_daemon::cli::main()
}
