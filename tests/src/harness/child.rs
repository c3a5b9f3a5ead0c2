//! codexd as a process of its own, so that it can be killed: the test binary started once more.

use std::{ffi::OsString, path::Path, process::Stdio};

use tokio::process::{Child, Command};

use super::database::setting;

/// The command line, a word a line.
const ARGS: &str = "CODEX_TEST_CHILD";

/// Runs codexd and exits when this process was started by [`codexd`]; otherwise does nothing.
pub fn become_codexd() {
    let Some(args) = setting(ARGS) else { return };
    let words = args.split('\n').map(OsString::from);
    std::process::exit(codex_daemon::cli::exit_code(words).into());
}

/// Starts codexd with a command line in a working directory. `test` is the full name of the test that
/// calls [`become_codexd`]. The process is killed when it is dropped.
///
/// # Errors
/// When the process cannot be started.
pub fn codexd(test: &str, folder: &Path, args: &[String]) -> anyhow::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    let words = std::iter::once("codexd").chain(args.iter().map(String::as_str));
    command
        .args(["--exact", test, "--nocapture"])
        .env(ARGS, words.collect::<Vec<_>>().join("\n"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    Ok(command.spawn()?)
}
