//! `codexd jobs`

use anyhow::bail;
use clap::Subcommand;
use codex_core::{
    Codex, Scope,
    jobs::{Job, query::JobFilter, wire::JobDetailOut},
    records::Author,
};

use super::{
    claims::time,
    load, output,
    sync::report::status,
    table::{Table, printable_lines},
    with_codex,
};
use crate::config::Sources;

const EXAMPLES: &str = "\
Examples:
  codexd jobs list             the newest jobs, as `codexd jobs` alone
  codexd jobs list --json      the same as JSON, with counts and issues
  codexd jobs show ID          one job with its counts and issues
  codexd jobs cancel ID        ask it to stop at its next page, in whichever process it runs

Exit code 1 when there is no such job or it has ended already.";

/// List, show and cancel sync jobs
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Jobs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    newest: Newest,
    /// As JSON
    #[arg(long, global = true)]
    json: bool,
}

/// Which jobs to list.
#[derive(Debug, clap::Args)]
struct Newest {
    /// At most this many, 1 to 500
    #[arg(long, default_value_t = 20, value_parser = super::limit)]
    limit: u32,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the newest jobs
    List(Newest),
    /// Show one job
    Show {
        /// Id of the job
        id: String,
    },
    /// Ask a job to stop
    Cancel {
        /// Id of the job
        id: String,
    },
}

impl Jobs {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = load(sources)?;
        with_codex(&config, false, async |codex| self.work(codex).await).await
    }

    async fn work(&self, codex: &Codex) -> anyhow::Result<()> {
        let scope = Scope::system();
        match &self.command {
            None => self.list(codex, &self.newest).await,
            Some(Command::List(newest)) => self.list(codex, newest).await,
            Some(Command::Show { id }) => {
                let Some(job) = codex.job(&scope, id).await? else {
                    bail!("{}", unknown(id));
                };
                if self.json {
                    return output::json(&JobDetailOut::from(&job));
                }
                table(std::slice::from_ref(&job)).print()?;
                output::line(printable_lines(&job.report.to_string()))?;
                Ok(())
            }
            Some(Command::Cancel { id }) => {
                let author = Author::new("system", codex.now());
                let Some(job) = codex.cancel_job(&scope, &author, id).await? else {
                    bail!("{}", unknown(id));
                };
                if self.json {
                    return output::json(&JobDetailOut::from(&job));
                }
                output::line(format_args!("{}: asked to stop", job.id))?;
                Ok(())
            }
        }
    }

    async fn list(&self, codex: &Codex, newest: &Newest) -> anyhow::Result<()> {
        let filter = JobFilter {
            limit: newest.limit,
            ..JobFilter::default()
        };
        let jobs = codex.jobs(&Scope::system(), &filter).await?;
        if self.json {
            let jobs: Vec<_> = jobs.iter().map(JobDetailOut::from).collect();
            return output::json(&jobs);
        }
        if jobs.is_empty() {
            output::line("No sync has run yet.")?;
            return Ok(());
        }
        Ok(table(&jobs).print()?)
    }
}

fn unknown(id: &str) -> String {
    format!("there is no job `{id}`; `codexd jobs list` shows the newest")
}

fn table(jobs: &[Job]) -> Table {
    let mut table = Table::of(["id", "started", "sync", "status", "error"]);
    for job in jobs {
        let percent = job.report.percent.filter(|_| !job.status.is_over());
        let percent = percent.map_or_else(String::new, |percent| format!(" {percent} %"));
        table.push([
            job.id.clone(),
            time(Some(job.started_at)),
            job.sync().to_owned(),
            format!("{}{percent}", status(job.status)),
            job.error.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use codex_core::jobs::{JobReport, JobStatus};

    use super::*;

    #[test]
    fn jobs_are_a_table_with_a_header() {
        let job = Job {
            id: "j".into(),
            script: "psa".into(),
            provider: Some("freshservice.tickets".into()),
            sync_type: Some("tickets-detail".into()),
            status: JobStatus::Running,
            started_at: chrono::DateTime::UNIX_EPOCH,
            completed_at: None,
            output: None,
            error: None,
            success: None,
            started_by: None,
            report: JobReport {
                percent: Some(7),
                ..JobReport::default()
            },
        };
        assert_eq!(
            table(&[job]).to_string(),
            "ID  STARTED               SYNC     STATUS       ERROR\n\
             j   1970-01-01T00:00:00Z  tickets  running 7 %  -\n"
        );
    }
}
