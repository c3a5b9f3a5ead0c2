//! `codexd sync`

pub(super) mod report;
mod schedule;
mod sources;

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::Subcommand;
use codex_core::{
    Codex, Error, Scope,
    jobs::{Job, JobStatus, wire::JobDetailOut},
    plural::count_of,
    sync::{Request, SyncKind, SyncPlan},
};

use super::{UsageError, output, progress::Progress, with_codex};
use crate::{
    checks::Neighbour,
    config::{Config, Keycloak, Sources},
};

/// How often the job is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Who starts jobs here.
const COMMAND_LINE: &str = "command line";

const EXAMPLES: &str = "\
Examples:
  codexd sync                          the sources, and which are configured
  codexd sync freshservice --dry-run   what would change; writes nothing
  codexd sync freshservice             companies, contacts, agents
  codexd sync freshservice --scope departments
                                       companies only; may be repeated
  codexd sync datto                    sites and devices
  codexd sync datto-audits             hardware and software of devices with a new inventory
  codexd sync tickets                  changed tickets with conversations and time entries
  codexd sync tickets --light          changed tickets, lists only
  codexd sync tickets --since 2026-01-31
                                       what changed since then, again
  codexd sync ticket-history           all tickets; continues where it was interrupted
  codexd sync keycloak                 the people who log in
  codexd sync accounts-assign          as `codexd accounts assign`; accounts-push as `codexd accounts push`
  codexd sync all                      everything that is configured, one after another
  codexd sync datto --watch            follow the sync that runs, or start one
  codexd sync plan datto -o plan.json  write the changes to a file, to review them
  codexd sync apply plan.json          apply these changes, all or none
  codexd sync --schedule               which syncs `codexd serve` runs, and when

Names of jobs and legacy names (psa, rmm, audits, agents, ...) are accepted too.

Each source runs once at a time, whoever starts it. When more records are missing than [sync] max_delete_percent allows,
the sync deletes none of them; `codexd held` shows them.

Exit codes:
  0  every run completed, or the plan was made
  1  a run did not complete, or a plan was not applied because records have changed since; standard error says why
  2  the command line is wrong, or the source is not configured
  130, 143
     stopped by Ctrl-C or SIGTERM; the job is `cancelled`, what it has done so far stays";

/// Sync from a vendor
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct Sync {
    #[command(subcommand)]
    command: Option<Command>,
    /// What to sync, such as freshservice or all; without it the sources are listed
    #[arg(value_parser = source)]
    source: Option<Source>,
    #[command(flatten)]
    what: What,
    /// Show which syncs `codexd serve` runs, and when
    #[arg(long, conflicts_with_all = ["source", "light", "full", "dry_run", "since", "scope", "watch"])]
    schedule: bool,
    /// Show what would change, and change nothing
    #[arg(long, conflicts_with = "watch", requires = "source")]
    dry_run: bool,
    /// As JSON: the sources, the schedule, the plan or the jobs
    #[arg(long)]
    json: bool,
    /// Follow a sync that already runs, also in another process
    #[arg(long, requires = "source")]
    watch: bool,
}

/// What to sync.
#[derive(Debug, clap::Args)]
struct What {
    /// Leave out conversations and time entries (tickets only)
    #[arg(long, requires = "source")]
    light: bool,
    /// Sync all tickets, not only changed ones
    #[arg(long, conflicts_with = "light", requires = "source")]
    full: bool,
    /// Sync only what changed since then (tickets only): YYYY-MM-DD, or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "full", requires = "source")]
    since: Option<DateTime<Utc>>,
    /// Sync only this list of the source, such as departments or devices; may be repeated
    #[arg(long, value_name = "LIST", requires = "source")]
    scope: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the changes that a sync would make to a file, and change nothing
    Plan {
        /// What to sync, such as freshservice
        #[arg(value_parser = source)]
        source: Source,
        #[command(flatten)]
        what: What,
        /// File for the plan
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Apply the changes of a plan; if records have changed since, apply none
    Apply {
        /// File that `codexd sync plan` wrote
        file: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    One(SyncKind),
    All,
}

fn source(text: &str) -> Result<Source, String> {
    match text {
        "all" => Ok(Source::All),
        name => name.parse().map(Source::One),
    }
}

/// What to set for each vendor.
pub(super) const FRESHSERVICE: &str =
    "Freshservice is not configured; set [freshservice] domain and api_key in instance/codex.conf";
pub(super) const DATTO: &str =
    "Datto RMM is not configured; set [datto] public_key and secret_key in instance/codex.conf";
const KEYCLOAK: &str = "Keycloak is not configured; set [keycloak] server_url, and client_id with client_secret \
     or admin_user with admin_password, in instance/codex.conf";
const NOTHING: &str = "nothing is configured; set [freshservice] domain and api_key, [datto] public_key and \
     secret_key, or [keycloak] server_url in instance/codex.conf";

/// What `all` means, in the order in which links find what they point to.
const ALL: [SyncKind; 5] = [
    SyncKind::Psa,
    SyncKind::Rmm,
    SyncKind::RmmAudits,
    SyncKind::Tickets,
    SyncKind::Agents,
];

fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    let day = || {
        let day = text.parse::<NaiveDate>().ok()?;
        Some(day.and_time(NaiveTime::MIN).and_utc())
    };
    let time = DateTime::parse_from_rfc3339(text).ok();
    let time = time.map(|time| time.to_utc()).or_else(day);
    time.ok_or_else(|| "expected YYYY-MM-DD, or RFC 3339 such as 2026-01-31T12:00:00Z".to_owned())
}

impl Sync {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut config = super::load(sources)?;
        let (source, what) = match &self.command {
            Some(Command::Plan { source, what, .. }) => (Some(*source), what),
            Some(Command::Apply { file }) => {
                let plan = read(file)?;
                return with_codex(&config, false, async |codex| {
                    self.apply(codex, &config, plan).await
                })
                .await;
            }
            None if self.schedule => return schedule::show(&config, self.json).await,
            None => (self.source, &self.what),
        };
        let Some(source) = source else {
            return sources::show(&mut config, self.json);
        };
        let planned = self.dry_run || matches!(self.command, Some(Command::Plan { .. }));
        config.upstream_write &= !planned;
        let requests = what.requests(source, &mut config)?;
        with_codex(&config, !planned, async |codex| {
            self.work(codex, &config, requests).await
        })
        .await
    }

    async fn work(
        &self,
        codex: &Codex,
        config: &Config,
        requests: Vec<Request>,
    ) -> anyhow::Result<()> {
        if let Some(Command::Plan { output, .. }) = &self.command {
            let [request] = requests.as_slice() else {
                return Err(UsageError::error(
                    "a plan is made of one source, not of all",
                ));
            };
            let plan = plan(codex, config, request.clone()).await?;
            fs::write(output, plan.to_file()?)
                .with_context(|| format!("cannot write {}", output.display()))?;
            let (changes, file) = (plan.changes.len(), output.display());
            let changes = count_of(changes, "change");
            output::line(format_args!(
                "Wrote {changes} to {file}. `codexd sync apply {file}` applies them."
            ))?;
            return Ok(());
        }
        let mut jobs = Vec::new();
        for request in requests {
            if self.dry_run {
                let plan = plan(codex, config, request).await?;
                if self.json {
                    output::json(&plan)?;
                } else {
                    output::line(report::plan(&plan).trim_end())?;
                }
                continue;
            }
            jobs.push(self.job(codex, request).await?);
        }
        if self.dry_run {
            return Ok(());
        }
        close(codex, config, &jobs, self.json).await
    }

    async fn job(&self, codex: &Codex, request: Request) -> anyhow::Result<Job> {
        let scope = Scope::system();
        let at_work = if self.watch {
            codex.job_at_work(&scope, request.part).await?
        } else {
            None
        };
        let id = if let Some(job) = at_work {
            job.id
        } else {
            let request = request.by(COMMAND_LINE);
            codex.start_sync(&scope, request).await?.job_id
        };
        follow(codex, &scope, &id).await
    }

    async fn apply(&self, codex: &Codex, config: &Config, plan: SyncPlan) -> anyhow::Result<()> {
        let progress = Progress::start("Applying");
        let job = codex.apply_plan(&Scope::system(), plan).await;
        progress.end();
        close(codex, config, &[job?], self.json).await
    }
}

/// Prints what jobs did.
///
/// # Errors
/// When not all of them completed.
async fn close(codex: &Codex, config: &Config, jobs: &[Job], json: bool) -> anyhow::Result<()> {
    if json {
        let jobs: Vec<_> = jobs.iter().map(JobDetailOut::from).collect();
        output::json(&jobs)?;
    } else {
        report::print(jobs)?;
    }
    let mut reasons = Vec::new();
    for job in jobs {
        if job.status != JobStatus::Completed {
            reasons.push((job.sync(), reason(codex, config, job).await));
        }
    }
    verdict(&reasons)
}

/// Why not everything completed: a line for each sync.
fn verdict(reasons: &[(&str, String)]) -> anyhow::Result<()> {
    match reasons {
        [] => Ok(()),
        [(_, reason)] => bail!("{reason}"),
        _ => {
            let lines = reasons
                .iter()
                .map(|(sync, why)| format!("\n  {sync}: {why}"));
            let lines: String = lines.collect();
            bail!("{} syncs did not complete{lines}", reasons.len())
        }
    }
}

/// Why a job did not complete, and what to do about it.
async fn reason(codex: &Codex, config: &Config, job: &Job) -> String {
    let error = job.error.clone();
    let error = error.unwrap_or_else(|| "the run did not complete".to_owned());
    match job.sync().parse::<SyncKind>() {
        Ok(part) if job.status == JobStatus::Failed => {
            with_remedy(codex, config, part, error).await
        }
        _ => error,
    }
}

/// An error with what `codexd doctor` recommends when the vendor of a sync does not answer or refuses the key.
async fn with_remedy(codex: &Codex, config: &Config, part: SyncKind, error: String) -> String {
    let scope = Scope::system();
    let found = Box::pin(vendor(part).check(codex, &scope, config)).await;
    match found.action {
        Some(action) => format!("{error}; {action}"),
        None => error,
    }
}

/// Runs a job to its end with its progress on the terminal, and prints what it did.
pub(super) async fn run_and_report(
    codex: &Codex,
    config: &Config,
    part: SyncKind,
    json: bool,
) -> anyhow::Result<()> {
    let scope = Scope::system();
    let request = Request::from(part).by(COMMAND_LINE);
    let started = codex.start_sync(&scope, request).await?;
    let jobs = [follow(codex, &scope, &started.job_id).await?];
    close(codex, config, &jobs, json).await
}

async fn plan(codex: &Codex, config: &Config, request: Request) -> anyhow::Result<SyncPlan> {
    let (progress, part) = (Progress::start("Comparing"), request.part);
    let plan = codex.plan_sync(&Scope::system(), request).await;
    progress.end();
    match plan {
        Err(error @ Error::Upstream(_)) => {
            let reason = with_remedy(codex, config, part, error.chain()).await;
            bail!(reason)
        }
        plan => Ok(plan?),
    }
}

fn read(file: &PathBuf) -> anyhow::Result<SyncPlan> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(SyncPlan::from_file(&text)?)
}

impl What {
    fn requests(&self, source: Source, config: &mut Config) -> anyhow::Result<Vec<Request>> {
        let narrowed = self.light || self.full || self.since.is_some() || !self.scope.is_empty();
        let Source::One(part) = source else {
            if narrowed {
                let message =
                    "--light, --full, --since and --scope are for one source, not for all";
                return Err(UsageError::error(message));
            }
            let configured = ALL.into_iter().filter(|part| select(*part, config).is_ok());
            let requests: Vec<Request> = configured.map(Request::from).collect();
            if requests.is_empty() {
                return Err(UsageError::error(NOTHING));
            }
            return Ok(requests);
        };
        select(part, config)?;
        let part = match part {
            SyncKind::Tickets if self.light => SyncKind::TicketsLight,
            SyncKind::Tickets if self.full => SyncKind::TicketHistory,
            _ if self.light || self.full => {
                let message = "--light and --full are for `codexd sync tickets`";
                return Err(UsageError::error(message));
            }
            part => part,
        };
        Ok(vec![Request {
            since: self.since,
            scopes: self.scope.clone(),
            ..Request::from(part)
        }])
    }
}

/// The vendor of a sync.
fn vendor(part: SyncKind) -> Neighbour {
    match part {
        SyncKind::Psa
        | SyncKind::Tickets
        | SyncKind::TicketsLight
        | SyncKind::TicketHistory
        | SyncKind::AssignAccounts => Neighbour::Freshservice,
        SyncKind::Rmm | SyncKind::RmmAudits | SyncKind::PushAccounts => Neighbour::Datto,
        SyncKind::Agents => Neighbour::Keycloak,
    }
}

/// Makes the vendor of a sync the provider of its part, and refuses when it lacks credentials.
fn select(part: SyncKind, config: &mut Config) -> anyhow::Result<()> {
    match vendor(part) {
        Neighbour::Freshservice => {
            if config.freshservice.is_none() {
                return Err(UsageError::error(FRESHSERVICE));
            }
            "freshservice".clone_into(&mut config.psa);
        }
        Neighbour::Datto => {
            if config.datto.is_none() {
                return Err(UsageError::error(DATTO));
            }
            "datto".clone_into(&mut config.rmm);
        }
        Neighbour::Keycloak => {
            let login = |keycloak: &Keycloak| keycloak.client.is_some() || keycloak.admin.is_some();
            if !config.keycloak.as_ref().is_some_and(login) {
                return Err(UsageError::error(KEYCLOAK));
            }
        }
        Neighbour::Core => {}
    }
    Ok(())
}

async fn follow(codex: &Codex, scope: &Scope, id: &str) -> anyhow::Result<Job> {
    let progress = Progress::start("Starting");
    loop {
        let job = codex
            .job(scope, id)
            .await?
            .context("the job is gone from the database")?;
        if job.status.is_over() {
            progress.end();
            return Ok(job);
        }
        progress.show(job.report.stage.clone(), job.report.percent);
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sync_that_did_not_complete_has_its_line() {
        let reason = |sync, why: &str| (sync, why.to_owned());
        assert!(verdict(&[]).is_ok());
        let one = verdict(&[reason("datto", "no key")]).unwrap_err();
        assert_eq!(one.to_string(), "no key");
        let two = verdict(&[reason("datto", "no key"), reason("tickets", "no answer")]);
        assert_eq!(
            two.unwrap_err().to_string(),
            "2 syncs did not complete\n  datto: no key\n  tickets: no answer"
        );
    }
}
