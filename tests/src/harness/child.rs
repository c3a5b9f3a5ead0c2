//! codexd as a process of its own, so that it can be killed: the test binary started once more.

use std::{ffi::OsString, path::Path, process::Stdio};

use anyhow::Context as _;
use tokio::process::{Child, Command};

use super::database::setting;

/// The command line, a word a line.
const ARGS: &str = "CODEX_TEST_CHILD";
/// The line behind which codexd's own output begins; the test binary says something before.
const BEGIN: &str = "--- codexd";

/// Runs codexd and exits when this process was started by [`codexd`]; otherwise does nothing.
pub fn become_codexd() {
    let Some(args) = setting(ARGS) else { return };
    println!("\n{BEGIN}");
    let words = args.split('\n').map(OsString::from);
    std::process::exit(codex_daemon::cli::exit_code(words).into());
}

/// Starts codexd with a command line in a working directory. `test` is the full name of the test that
/// calls [`become_codexd`]. The process is killed when it is dropped.
///
/// # Errors
/// When the process cannot be started.
pub fn codexd(test: &str, folder: &Path, args: &[String]) -> anyhow::Result<Child> {
    codexd_logging_to(Stdio::null(), test, folder, args)
}

/// As [`codexd`], with variables in its environment.
///
/// # Errors
/// As [`codexd`].
pub fn codexd_in(
    test: &str,
    folder: &Path,
    args: &[String],
    env: &[(&str, &str)],
) -> anyhow::Result<Child> {
    let mut command = command(test, folder, args)?;
    command.envs(env.iter().copied());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command.spawn()?)
}

/// As [`codexd`], with a place for its standard error.
///
/// # Errors
/// As [`codexd`].
pub fn codexd_logging_to(
    stderr: Stdio,
    test: &str,
    folder: &Path,
    args: &[String],
) -> anyhow::Result<Child> {
    let mut command = command(test, folder, args)?;
    command.stdout(Stdio::null()).stderr(stderr);
    Ok(command.spawn()?)
}

/// What a command of codexd has said, and how it ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// Runs a command of codexd to its end; see [`codexd`].
///
/// # Errors
/// When the process cannot be started, is killed, or does not end within two minutes.
pub async fn run(test: &str, folder: &Path, args: &[String]) -> anyhow::Result<Ended> {
    let mut command = command(test, folder, args)?;
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = tokio::time::timeout(std::time::Duration::from_secs(120), command.output());
    let ended = ended.await.context("codexd does not end")??;
    let out = String::from_utf8(ended.stdout)?;
    let (_, out) = out
        .split_once(&format!("{BEGIN}\n"))
        .context("codexd was not run")?;
    Ok(Ended {
        code: ended.status.code().context("codexd was killed")?,
        out: out.to_owned(),
        err: String::from_utf8(ended.stderr)?,
    })
}

fn command(test: &str, folder: &Path, args: &[String]) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    let words = std::iter::once("codexd").chain(args.iter().map(String::as_str));
    command
        .args(["--exact", test, "--nocapture"])
        .env(ARGS, words.collect::<Vec<_>>().join("\n"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}
