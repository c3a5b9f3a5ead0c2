//! `codexd import`

mod report;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use clap::Subcommand;
use codex_core::{
    Codex, Error, Scope,
    import::{
        self, BackFile, Comparison, Flaw, ImportOptions, ImportOutcome, Table, TimeZone, time_zone,
    },
};

use super::{UsageError, Verdict, load, output, progress::Progress, until_stopped, with_codex};
use crate::config::{Config, Sources};

/// Fields that hold secrets where no RMM is configured.
const SECRET_UDFS: [u16; 2] = [2, 9];
/// The most comparisons of `shadow`.
const MAX_TIMES: i64 = 90;

const EXAMPLES: &str = "\
Examples:
  codexd import check --from postgresql://reader@host/codex_db --old-time-zone Europe/Berlin
                                   read the old database, count every flaw, write nothing
  codexd import run --from sqlite:/opt/hivematrix-codex/instance/codex.db --dry-run
                                   import into a scratch database and compare: predicts time and differences
  codexd import run --from sqlite:/opt/hivematrix-codex/instance/codex.db --accept-warnings accepted.txt
                                   import; run it again to continue after an interruption
  codexd import verify --from sqlite:/opt/hivematrix-codex/instance/codex.db
                                   compare counts, every record and every bill; `codexd serve` needs it
  codexd import shadow --from sqlite:/opt/hivematrix-codex/instance/codex.db --every 1440 --times 7
                                   compare each night for a week, show differences only
  codexd import ticket-ids --json  list the ids that the old database gave tickets, each with the ticket_id of today
  codexd import back --to back     write the changes since the import, one CSV file per table

Exit codes:
  0  clean: imported, or no differences
  3  warned: warnings that you have not accepted (`run` wrote nothing), or differences
  4  refused: the old database cannot be imported, this one has records already, or codexd uses it
  1, 2
     as for all commands";

/// Import the database of the Flask service
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Import {
    #[command(subcommand)]
    command: Command,
    /// As JSON
    #[arg(long, global = true)]
    json: bool,
}

/// Where to import from.
#[derive(Debug, clap::Args)]
struct OldDatabase {
    /// The old database, `postgresql://USER@HOST/NAME` or `sqlite:FILE`. The process list shows it: keep the password in
    /// PGPASSWORD or ~/.pgpass
    #[arg(long, value_name = "URL")]
    from: String,
    /// Time zone of the old server, such as Europe/Berlin: some columns hold its local time
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    old_time_zone: Option<TimeZone>,
    /// Accept a role that may change the old database; it is not changed either way
    #[arg(long)]
    allow_writing_role: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read the old database, report what would be imported and every flaw, and write nothing
    Check {
        #[command(flatten)]
        from: OldDatabase,
    },
    /// Import, or continue an interrupted import
    Run {
        #[command(flatten)]
        from: OldDatabase,
        /// File with the codes of warnings that you accept, one per line
        #[arg(long, value_name = "FILE")]
        accept_warnings: Option<PathBuf>,
        /// Import into a scratch database and compare
        #[arg(long, conflicts_with = "redo")]
        dry_run: bool,
        /// Import this table again
        #[arg(long, value_name = "TABLE", value_parser = table)]
        redo: Option<Table>,
    },
    /// Compare the old database with this one
    Verify {
        #[command(flatten)]
        from: OldDatabase,
        /// Accept the differences, so that `codexd serve` starts
        #[arg(long)]
        accept_differences: bool,
    },
    /// Compare repeatedly, and show differences only
    Shadow {
        #[command(flatten)]
        from: OldDatabase,
        /// Minutes between two comparisons, 1 to 10080
        #[arg(long, default_value_t = 1_440, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..=10_080))]
        every: u64,
        /// Number of comparisons, 1 to 90
        #[arg(long, default_value_t = 1, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=MAX_TIMES))]
        times: u32,
    },
    /// Write the changes since the import, one CSV file per table
    Back {
        /// Folder for the files; it must be empty or missing
        #[arg(long, value_name = "FOLDER")]
        to: PathBuf,
    },
    /// Show the state of the import
    Status,
    /// List the ids that the old database gave tickets, each with the `ticket_id` of today
    TicketIds,
}

fn zone(text: &str) -> Result<TimeZone, String> {
    time_zone(text).map_err(|error| error.to_string())
}

fn table(text: &str) -> Result<Table, String> {
    Table::of_name(text).ok_or_else(|| {
        let names: Vec<&str> = Table::ALL.iter().map(|table| table.name()).collect();
        format!("unknown table; the tables are {}", names.join(", "))
    })
}

/// An error of the library with the exit code of an import: refused or failed.
fn refused(error: Error) -> anyhow::Error {
    match error {
        Error::Unsupported(message) | Error::Conflict { message } => Verdict::refused(message),
        other => other.into(),
    }
}

impl OldDatabase {
    fn options(&self, config: &Config, accept: Option<&Path>) -> anyhow::Result<ImportOptions> {
        let secret = match &config.datto {
            Some(datto) => datto.secret_udfs.clone(),
            None => SECRET_UDFS.to_vec(),
        };
        Ok(ImportOptions {
            from: self.from.clone(),
            time_zone: self.old_time_zone,
            secret_udfs: secret.iter().map(|number| format!("udf{number}")).collect(),
            statuses: config.statuses.clone(),
            accepted: accept.map(accepted).transpose()?.unwrap_or_default(),
            allow_writing_role: self.allow_writing_role,
        })
    }
}

/// The codes in a file: one per line, with comments after `#`.
fn accepted(file: &Path) -> anyhow::Result<BTreeSet<String>> {
    let text = fs::read_to_string(file)
        .map_err(|error| UsageError::error(format!("{}: {error}", file.display())))?;
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    let codes: BTreeSet<String> = lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    if let Some(unknown) = codes.iter().find(|code| Flaw::of_code(code).is_none()) {
        return Err(UsageError::error(format!(
            "{}: unknown warning `{unknown}`",
            file.display()
        )));
    }
    Ok(codes)
}

impl Import {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = load(sources)?;
        match &self.command {
            Command::Check { from } => self.check(&from.options(&config, None)?).await,
            Command::Run {
                from,
                accept_warnings,
                dry_run: true,
                ..
            } => {
                let options = from.options(&config, accept_warnings.as_deref())?;
                Box::pin(self.dry_run(&options)).await
            }
            Command::Run {
                from,
                accept_warnings,
                redo,
                ..
            } => {
                let options = from.options(&config, accept_warnings.as_deref())?;
                let work = async |codex: &Codex| self.import(codex, &options, *redo).await;
                Box::pin(with_codex(&config, true, work)).await
            }
            Command::Verify {
                from,
                accept_differences: accept,
            } => {
                let options = from.options(&config, None)?;
                let work = async |codex: &Codex| self.verify(codex, &options, *accept).await;
                with_codex(&config, false, work).await
            }
            Command::Shadow { from, every, times } => {
                let options = from.options(&config, None)?;
                let pause = Duration::from_secs(every * 60);
                let work = async |codex: &Codex| self.shadow(codex, &options, pause, *times).await;
                with_codex(&config, false, work).await
            }
            Command::Back { to } => {
                with_codex(&config, false, async |codex| self.back(codex, to).await).await
            }
            Command::Status => {
                with_codex(&config, false, async |codex| self.status(codex).await).await
            }
            Command::TicketIds => {
                with_codex(&config, false, async |codex| self.ticket_ids(codex).await).await
            }
        }
    }

    async fn check(&self, options: &ImportOptions) -> anyhow::Result<()> {
        let progress = Progress::start("Reading the old database");
        let checked = import::check(options, |table, report| {
            progress.show(format!("{}: {} rows", table.name(), report.read), None);
        });
        // Stopped by a signal, it removes the copy of a SQLite database.
        let checked = async { checked.await.map_err(refused) };
        let checked = Box::pin(until_stopped(checked)).await;
        progress.end();
        let report = checked?;
        if self.json {
            output::json(&report)?;
        } else {
            report::tables(&report, false)?;
        }
        let warnings = report.warnings();
        if warnings.is_empty() {
            return Ok(());
        }
        Err(Verdict::warned(report::open(&warnings)))
    }

    async fn dry_run(&self, options: &ImportOptions) -> anyhow::Result<()> {
        let progress = Progress::start("Importing into a scratch database");
        let done = import::dry_run(options, |table| {
            progress.show(table.name().to_owned(), None);
        });
        // Stopped by a signal, it removes the scratch database.
        let done = async { done.await.map_err(refused) };
        let done = Box::pin(until_stopped(done)).await;
        progress.end();
        let done = done?;
        if self.json {
            output::json(&serde_json::json!({
                "report": done.report,
                "comparison": done.comparison,
                "import_seconds": done.took.as_secs_f64(),
                "compare_seconds": done.compared_in.as_secs_f64(),
            }))?;
        } else {
            report::tables(&done.report, false)?;
            report::comparison(&done.comparison)?;
            output::line(format!(
                "The import took {:.1} s for {} rows, the comparison {:.1} s.",
                done.took.as_secs_f64(),
                done.report.rows(),
                done.compared_in.as_secs_f64()
            ))?;
        }
        let mut warnings = done.report.warnings();
        warnings.retain(|code, _| !options.accepted.contains(*code));
        judge(&warnings, &done.comparison)
    }

    async fn import(
        &self,
        codex: &Codex,
        options: &ImportOptions,
        redo: Option<Table>,
    ) -> anyhow::Result<()> {
        let (scope, progress) = (Scope::system(), Progress::start("Reading the old database"));
        let show = |table: Table, report: &import::TableReport| {
            progress.show(format!("{}: {} rows", table.name(), report.read), None);
        };
        let done = match redo {
            Some(table) => codex.redo_import(&scope, options, table, show).await,
            None => codex.run_import(&scope, options, show).await,
        };
        progress.end();
        let (report, last) = match done.map_err(refused)? {
            ImportOutcome::Done(report) => (
                report,
                "Imported. Next, `codexd import verify` compares the two sides; `codexd serve` needs that.",
            ),
            ImportOutcome::DoneBefore(report) => (
                report,
                "The import was done before; nothing was written. `codexd import run --redo TABLE` imports a table again.",
            ),
            ImportOutcome::NotAccepted(report, warnings) => {
                if self.json {
                    output::json(&report)?;
                } else {
                    report::tables(&report, false)?;
                }
                return Err(Verdict::warned(report::open(&warnings)));
            }
        };
        if self.json {
            return output::json(&report);
        }
        report::tables(&report, true)?;
        Ok(output::line(last)?)
    }

    async fn verify(
        &self,
        codex: &Codex,
        options: &ImportOptions,
        accept: bool,
    ) -> anyhow::Result<()> {
        let comparison = compare(codex, options, true).await?;
        if self.json {
            output::json(&comparison)?;
        } else {
            report::comparison(&comparison)?;
        }
        if accept && !comparison.is_clean() {
            codex
                .accept_import(&Scope::system())
                .await
                .map_err(refused)?;
            return Ok(output::line("The differences are accepted.")?);
        }
        judge(&BTreeMap::new(), &comparison)
    }

    async fn shadow(
        &self,
        codex: &Codex,
        options: &ImportOptions,
        pause: Duration,
        times: u32,
    ) -> anyhow::Result<()> {
        let mut last = Comparison::default();
        for time in 1..=times {
            if time > 1 {
                tokio::time::sleep(pause).await;
            }
            last = compare(codex, options, false).await?;
            if self.json {
                output::json(&last)?;
            } else {
                output::line(format!(
                    "{}: {}",
                    codex.now().to_rfc3339(),
                    report::summary(&last)
                ))?;
                report::differences(&last)?;
            }
        }
        judge(&BTreeMap::new(), &last)
    }

    async fn back(&self, codex: &Codex, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let is_empty = fs::read_dir(folder)
            .with_context(|| folder.display().to_string())?
            .next()
            .is_none();
        if !is_empty {
            let message = format!("{} is not empty; name a new folder", folder.display());
            return Err(UsageError::error(message));
        }
        let mut files: BTreeSet<String> = BTreeSet::new();
        let take = |part: BackFile| {
            let name = format!("{}.csv", part.table);
            append(&folder.join(&name), &part.lines).map_err(|error| Error::Sync {
                message: format!("{name}: {error}"),
            })?;
            files.insert(name);
            Ok(())
        };
        let changes = codex.changes_since_import(&Scope::system(), take).await;
        let changes = changes.map_err(refused)?;
        if self.json {
            let files: Vec<&String> = files.iter().collect();
            return output::json(&serde_json::json!({ "changes": changes, "files": files }));
        }
        let names: Vec<&str> = files.iter().map(String::as_str).collect();
        let files = if names.is_empty() {
            "no file".to_owned()
        } else {
            names.join(", ")
        };
        Ok(output::line(format!(
            "{} in {}: {files}",
            codex_core::plural::count_of(changes, "change"),
            folder.display()
        ))?)
    }

    async fn ticket_ids(&self, codex: &Codex) -> anyhow::Result<()> {
        let ids = codex.imported_ticket_ids(&Scope::system()).await?;
        if self.json {
            let ids = ids.iter().map(
                |(row_id, ticket_id)| serde_json::json!({ "row_id": row_id, "ticket_id": ticket_id }),
            );
            return output::json(&ids.collect::<Vec<_>>());
        }
        let mut rows = super::table::Table::of(["row id", "ticket id"]).numbers_from(0);
        for (row_id, ticket_id) in ids {
            rows.push([row_id.to_string(), ticket_id.to_string()]);
        }
        Ok(rows.print()?)
    }

    async fn status(&self, codex: &Codex) -> anyhow::Result<()> {
        let status = codex.import_status(&Scope::system()).await?;
        let status = status.context(import::NOTHING_IMPORTED)?;
        if self.json {
            let import = &status.import;
            return output::json(&serde_json::json!({
                "source": import.source,
                "layout": import.layout,
                "state": import.state,
                "started_at": import.started_at,
                "finished_at": import.finished_at,
                "compared_at": import.compared_at,
                "comparison": import.comparison,
                "report": status.report,
                "tables_done": status.tables_done,
                "current": status.current,
                "without_source": status.without_source,
            }));
        }
        report::tables(&status.report, true)?;
        report::status(&status)
    }
}

async fn compare(codex: &Codex, options: &ImportOptions, keep: bool) -> anyhow::Result<Comparison> {
    let progress = Progress::start("Comparing the two sides");
    let show = |table: Table| progress.show(format!("Comparing {}", table.name()), None);
    let done = codex
        .verify_import(&Scope::system(), options, keep, show)
        .await;
    progress.end();
    done.map_err(refused)
}

/// Appends lines to a file that only its owner can read: they are records of clients.
fn append(path: &Path, lines: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.create(true).append(true).mode(0o600).open(path)?;
    file.write_all(lines.as_bytes())
}

/// # Errors
/// [`Verdict`] with the exit code of warnings and differences.
fn judge(warnings: &BTreeMap<&'static str, u64>, comparison: &Comparison) -> anyhow::Result<()> {
    if !warnings.is_empty() {
        return Err(Verdict::warned(report::open(warnings)));
    }
    if comparison.is_clean() {
        return Ok(());
    }
    Err(Verdict::warned(format!(
        "the two sides differ: {}",
        report::summary(comparison)
    )))
}
