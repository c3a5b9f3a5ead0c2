//! `codexd jobs`

use std::io::Write as _;

use anyhow::bail;
use chrono::SecondsFormat;
use clap::Subcommand;
use codex_core::{
    Codex, Scope,
    changes::Author,
    jobs::{Job, query::JobFilter, wire::JobDetailOut},
};

use super::{load, with_codex};
use crate::config::Sources;

const EXAMPLES: &str = "\
Examples:
  codexd jobs                  the newest jobs
  codexd jobs --json           the same as JSON, with counts and issues
  codexd jobs show ID          one job with its counts and issues
  codexd jobs cancel ID        ask it to stop at its next page, in whichever process it runs

Exit code 1 when there is no such job or it has ended already.";

/// Look at sync jobs and cancel them
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Jobs {
    #[command(subcommand)]
    command: Option<Command>,
    /// At most this many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show one job
    Show {
        /// Job
        id: String,
    },
    /// Ask a job to stop
    Cancel {
        /// Job
        id: String,
    },
}

impl Jobs {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = load(sources)?;
        with_codex(&config, false, async |codex| self.work(codex).await).await
    }

    async fn work(&self, codex: &Codex) -> anyhow::Result<()> {
        let (scope, mut out) = (Scope::system(), std::io::stdout());
        match &self.command {
            None => {
                let filter = JobFilter {
                    limit: self.limit,
                    ..JobFilter::default()
                };
                let jobs = codex.jobs(&scope, &filter).await?;
                if self.json {
                    let jobs: Vec<_> = jobs.iter().map(JobDetailOut::from).collect();
                    writeln!(out, "{}", serde_json::to_string_pretty(&jobs)?)?;
                } else if jobs.is_empty() {
                    writeln!(out, "No sync has run yet.")?;
                } else {
                    for job in &jobs {
                        writeln!(out, "{}", line(job))?;
                    }
                }
            }
            Some(Command::Show { id }) => {
                let Some(job) = codex.job(&scope, id).await? else {
                    bail!("there is no job {id}");
                };
                writeln!(out, "{}\n{}", line(&job), job.report)?;
            }
            Some(Command::Cancel { id }) => {
                let author = Author::new("system", codex.now());
                let Some(job) = codex.cancel_job(&scope, &author, id).await? else {
                    bail!("there is no job {id}");
                };
                writeln!(out, "{}: asked to stop", job.id)?;
            }
        }
        Ok(())
    }
}

/// A job in one line.
fn line(job: &Job) -> String {
    let started = job.started_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let percent = job.report.percent.filter(|_| !job.status.is_over());
    let far = percent.map_or_else(String::new, |percent| format!(" {percent} %"));
    let kind = job.sync_type.as_deref().unwrap_or("-");
    let status = format!("{:?}", job.status).to_lowercase();
    let error = job.error.as_ref().map(|error| format!(": {error}"));
    format!(
        "{}  {started}  {:<22} {kind:<16} {status}{far}{}",
        job.id,
        job.script,
        error.unwrap_or_default()
    )
}
