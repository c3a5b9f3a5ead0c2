//! The command line: one file per command.

mod accounts;
mod backup;
mod claims;
mod completions;
mod config;
mod database;
mod doctor;
#[cfg(test)]
mod documents;
mod duplicates;
mod held;
mod import;
mod init;
mod jobs;
mod migrate;
mod openapi;
mod outbox;
mod output;
mod progress;
mod serve;
mod sync;
mod table;
mod token;
mod unfinished;
mod usage;

use std::{ffi::OsString, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use codex_core::Codex;

use crate::{
    config::{Config, ConfigErrors, Sources},
    http::problem::chain,
};

const ABOUT: &str = "\
HiveMatrix Codex: what an MSP knows about its clients, served to the other modules.

Works without configuration: `codexd serve` makes instance/codex.db and listens on 127.0.0.1:5010.
Every command reads the working directory's instance/codex.conf, .flaskenv and services.json.
Commands that print data print JSON with --json. Colours are for terminals; NO_COLOR turns them off.";

const EXAMPLES: &str = "\
First steps:
  codexd init                     connect to PostgreSQL and write instance/codex.conf
  codexd config                   see every setting and where its value came from
  codexd sync freshservice --dry-run
                                  see what a sync would change, and change nothing
  codexd sync freshservice        sync companies, contacts and agents
  codexd serve                    serve the API; stop with Ctrl-C

Exit codes:
  0  done
  1  failed, such as: no such record, no database, an older schema, a port in use, a vendor that does not answer;
     the last line on standard error says what is wrong and what to do
  2  the command line or the configuration is wrong, or what the command needs is not configured
  3, 4
     of `codexd import`: 3 warnings or differences that are not accepted, 4 refused
  130, 143
     stopped by Ctrl-C or SIGTERM within two seconds; a running sync ends as `cancelled`, what it has
     done so far stays, and the next one continues. `codexd serve` ends within five seconds, with 0";

/// Command line of codexd.
#[derive(Debug, Parser)]
#[command(name = "codexd", version, about = ABOUT, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
struct Global {
    /// Settings file instead of instance/codex.conf
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A setting for this call, above all files and the environment; may be repeated. The process list shows it: set a
    /// secret as CODEX_SECTION_KEY in the environment instead
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Migrate(migrate::Migrate),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Sync(sync::Sync),
    Accounts(accounts::Accounts),
    Claims(claims::Claims),
    Jobs(jobs::Jobs),
    Held(held::Held),
    Duplicates(duplicates::Duplicates),
    Outbox(outbox::Outbox),
    Import(import::Import),
    Init(init::Init),
    Config(config::Show),
    Doctor(doctor::Doctor),
    Openapi(openapi::Openapi),
    Token(token::Token),
    Completions(completions::Completions),
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected SECTION.KEY=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// How many entries a list has at most.
fn limit(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(limit @ 1..=500) => Ok(limit),
        _ => Err("expected a number from 1 to 500".to_owned()),
    }
}

impl Global {
    fn sources(&self) -> Sources {
        Sources {
            file: self.config.clone(),
            flags: self.set.clone(),
            ..Sources::of_process()
        }
    }
}

/// Settings for a command.
fn load(sources: &Sources) -> anyhow::Result<Config> {
    Config::load(sources).context(UNUSABLE)
}

const UNUSABLE: &str = "the configuration cannot be used";

/// The command line asks for what cannot be, or a command needs what is not configured; says what would be right.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UsageError(String);

impl UsageError {
    fn error(message: impl Into<String>) -> anyhow::Error {
        Self(message.into()).into()
    }
}

/// The end of an import with warnings, or that was refused, with its exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Verdict {
    code: u8,
    message: String,
}

impl Verdict {
    /// Warnings that are not accepted, or differences.
    fn warned(message: impl Into<String>) -> anyhow::Error {
        let (code, message) = (WARNED, message.into());
        Self { code, message }.into()
    }

    /// The old or the new database cannot be used for an import.
    fn refused(message: impl Into<String>) -> anyhow::Error {
        let (code, message) = (REFUSED, message.into());
        Self { code, message }.into()
    }
}

/// 2 when the command line or the configuration is at fault: to try again would be in vain.
fn code_of(error: &anyhow::Error) -> u8 {
    let is_usage =
        error.is::<ConfigErrors>() || error.is::<UsageError>() || is_refused_input(error);
    let failed = if is_usage { MISUSED } else { FAILED };
    let verdict = error.downcast_ref::<Verdict>();
    let failed = verdict.map_or(failed, |verdict| verdict.code);
    let stopped = error.downcast_ref::<Stopped>();
    stopped.map_or(failed, |stopped| stopped.exit_code())
}

/// Whether the library refused what stands on the command line.
fn is_refused_input(error: &anyhow::Error) -> bool {
    use codex_core::Error::{Invalid, Unprocessable};
    matches!(
        error.downcast_ref::<codex_core::Error>(),
        Some(Invalid { .. } | Unprocessable(_))
    )
}

/// How long a command that was stopped waits for what it has begun.
const STOP: Duration = Duration::from_millis(1_800);

/// Opens the library as configured, does some work with it and closes it, however the work ends; a signal ends it
/// too. Closing cancels a sync that is at work.
async fn with_codex<T>(
    config: &Config,
    migrate: bool,
    work: impl AsyncFnOnce(&Codex) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let checked = async move |codex: &Codex| {
        if !migrate {
            database::require_schema(codex).await?;
        }
        work(codex).await
    };
    with_database(config, migrate, checked).await
}

/// The same with a database of any schema.
async fn with_database<T>(
    config: &Config,
    migrate: bool,
    work: impl AsyncFnOnce(&Codex) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if !migrate {
        database::require_existing(config)?;
    }
    let codex = database::open(config, migrate).await?;
    let done = until_stopped(work(&codex)).await;
    let closing = codex.close();
    if matches!(&done, Err(error) if error.is::<Stopped>()) {
        // Whatever does not end in time ends with the process; its lease expires.
        tokio::time::timeout(STOP, closing).await.ok();
    } else {
        closing.await;
    }
    done
}

/// Does some work; a signal ends it.
async fn until_stopped<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let stopped = stop_signal()?;
    tokio::select! {
        done = work => done,
        stopped = stopped => Err(stopped.into()),
    }
}

/// The commands as clap knows them, for their page in the documents.
#[cfg(test)]
pub(crate) fn command() -> clap::Command {
    use clap::CommandFactory as _;
    let mut command = Cli::command();
    command.build();
    command
}

/// Runs the program with the command line of this process.
pub fn main() -> ExitCode {
    main_with(std::env::args_os())
}

/// Runs the program with a command line; the first word is the program's name.
pub fn main_with(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    exit_code(args).into()
}

/// As [`main_with`], with the exit code as a number.
pub fn exit_code(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) if usage::is_answer(&error) => {
            // Whoever reads it may have gone away.
            error.print().ok();
            return u8::try_from(error.exit_code()).unwrap_or(MISUSED);
        }
        Err(error) => {
            output::error_line(format_args!("codexd: {}", usage::one_line(&error, &args)));
            return MISUSED;
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::error_line(format_args!("codexd: the system gives no threads: {error}"));
            return FAILED;
        }
    };
    let done = runtime.block_on(run(cli));
    // A thread that still reads the terminal must not hold the exit up.
    runtime.shutdown_background();
    match done {
        Ok(()) => 0,
        Err(error) => {
            output::error_line(format_args!("codexd: {}", chain(&*error)));
            code_of(&error)
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let sources = cli.global.sources();
    match cli.command {
        Command::Serve(command) => command.run(sources).await,
        Command::Migrate(command) => command.run(&sources).await,
        Command::Backup(command) => command.run(&sources).await,
        Command::Restore(command) => command.run(&sources).await,
        Command::Sync(command) => command.run(&sources).await,
        Command::Accounts(command) => command.run(&sources).await,
        Command::Claims(command) => command.run(&sources).await,
        Command::Jobs(command) => command.run(&sources).await,
        Command::Outbox(command) => command.run(&sources).await,
        Command::Held(command) => command.run(&sources).await,
        Command::Duplicates(command) => command.run(&sources).await,
        Command::Import(command) => Box::pin(command.run(&sources)).await,
        Command::Init(command) => command.run(&sources).await,
        Command::Config(command) => command.run(&sources),
        Command::Doctor(command) => command.run(&sources).await,
        Command::Openapi(openapi::Openapi {}) => openapi::run(),
        Command::Token(command) => command.run(&sources),
        Command::Completions(command) => command.run(),
    }
}

/// The exit code of what failed.
const FAILED: u8 = 1;
/// The exit code of a command line or a configuration that cannot be used.
const MISUSED: u8 = 2;
/// The exit code of an import with warnings or differences.
const WARNED: u8 = 3;
/// The exit code of an import that was refused.
const REFUSED: u8 = 4;

/// The signal that ended a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Stopped {
    #[error("stopped by Ctrl-C; what was done so far stays, the next run goes on")]
    Interrupt,
    #[error("stopped by SIGTERM; what was done so far stays, the next run goes on")]
    Terminate,
}

impl Stopped {
    /// As shells count: 128 and the signal's number.
    fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// Waits for Ctrl-C or SIGTERM. From the call on they no longer end the process by themselves.
fn stop_signal() -> std::io::Result<impl Future<Output = Stopped>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => Stopped::Terminate,
            _ = interrupt.recv() => Stopped::Interrupt,
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_command_is_valid_and_has_an_example() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string);
            let example = format!("codexd {}", command.get_name());
            assert!(
                help.is_some_and(|help| help.contains(&example)),
                "{example}"
            );
        }
    }

    fn run_in(folder: &std::path::Path, words: &[&str]) -> ExitCode {
        let conf = folder.join("codex.conf");
        let database = format!(
            "database.connection_string=sqlite://{}/codex.db",
            folder.display()
        );
        let before = [
            "codexd",
            "--config",
            conf.to_str().unwrap(),
            "--set",
            &database,
        ];
        main_with(before.iter().chain(words).map(OsString::from))
    }

    #[test]
    fn configuration_faults_exit_with_2() {
        let dir = tempfile::tempdir().unwrap();
        let run = |words: &[&str]| run_in(dir.path(), words);
        let two = ExitCode::from(2);
        assert_eq!(
            run(&["config", "--check"]),
            two,
            "the named file is missing"
        );
        assert_eq!(run(&["serve", "--port", "0"]), two);
        std::fs::write(dir.path().join("codex.conf"), "[server]\nprt = 1\n").unwrap();
        assert_eq!(run(&["config", "--check"]), two);
        assert_eq!(run(&["config"]), two);
        assert_eq!(run(&["jobs"]), two);
        std::fs::write(dir.path().join("codex.conf"), "[server]\nport = 1\n").unwrap();
        assert_eq!(run(&["config", "--check"]), ExitCode::SUCCESS);
        assert_eq!(run(&["config", "--check", "--set", "server.prt=1"]), two);
    }

    #[test]
    fn sync_of_an_unconfigured_source_exits_with_2() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("codex.conf"), "").unwrap();
        for source in ["all", "keycloak", "freshservice", "datto"] {
            assert_eq!(
                run_in(dir.path(), &["sync", source]),
                ExitCode::from(2),
                "{source}"
            );
        }
        assert!(!dir.path().join("codex.db").exists(), "no run was begun");
    }
}
