//! `codexd sync`

use std::{io::Write as _, time::Duration};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use codex_core::{
    Codex, Scope,
    jobs::{Job, JobStatus},
    sync::{Part, Plan},
};

use super::{progress::Progress, serve::refused};
use crate::{
    app,
    config::{Config, Sources},
};

/// How often the job is looked at.
const LOOK: Duration = Duration::from_millis(200);

const EXAMPLES: &str = "\
Examples:
  codexd sync freshservice --dry-run   what would change; writes nothing
  codexd sync freshservice             companies, contacts, agents
  codexd sync datto                    sites and devices
  codexd sync audits                   hardware and programs of devices, where the RMM's inventory is new
  codexd sync tickets                  changed tickets, what was said and worked on each
  codexd sync tickets --light          changed tickets, lists only
  codexd sync tickets --full           every ticket back to the first; goes on where it was cut
  codexd sync keycloak                 the people who log in
  codexd sync --schedule               what `codexd serve` starts by itself, and when

One run per source at a time, whoever starts it. Deletions beyond the guard ([sync] max_delete_percent)
are held for a person. Exit code 1 when the run did not complete.";

/// Pull from a vendor
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Sync {
    /// Where to pull from
    #[arg(required_unless_present = "schedule")]
    source: Option<Source>,
    /// Show what runs by itself
    #[arg(long, conflicts_with_all = ["source", "light", "full", "dry_run"])]
    schedule: bool,
    /// Tickets without conversations and time entries
    #[arg(long)]
    light: bool,
    /// Every ticket that the PSA has
    #[arg(long, conflicts_with = "light")]
    full: bool,
    /// Show what would change, write nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Source {
    Freshservice,
    Datto,
    Audits,
    Tickets,
    Keycloak,
}

impl Sync {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut config = super::load(sources)?;
        let Some(source) = self.source else {
            return show_schedule(&config).await;
        };
        let part = match source.select(&mut config)? {
            Part::Tickets if self.light => Part::TicketsLight,
            Part::Tickets if self.full => Part::TicketHistory,
            _ if self.light || self.full => bail!("--light and --full are for tickets"),
            part => part,
        };
        let codex = app::open(&config, true)
            .await
            .with_context(|| refused(&config))?;
        let done = tokio::select! {
            done = self.work(&codex, part) => done,
            stopped = super::stop_signal() => {
                stopped?;
                Err(anyhow::anyhow!("stopped; what was done so far stays, the next run goes on"))
            }
        };
        // Lets a run end at its next page and give its lease back.
        codex.close().await;
        done
    }

    async fn work(&self, codex: &Codex, part: Part) -> anyhow::Result<()> {
        let scope = Scope::system();
        if self.dry_run {
            let progress = Progress::start("Comparing");
            let plan = codex.plan_sync(&scope, part).await;
            progress.end();
            return show_plan(&plan?);
        }
        run_and_report(codex, part).await
    }
}

/// Runs a job to its end with its progress on the terminal, and says what it did.
pub(super) async fn run_and_report(codex: &Codex, part: Part) -> anyhow::Result<()> {
    let scope = Scope::system();
    let started = codex.start_sync(&scope, part).await?;
    let job = follow(codex, &scope, &started.job_id).await?;
    if let Some(output) = &job.output {
        writeln!(std::io::stdout(), "{output}")?;
    }
    match job.status {
        JobStatus::Completed => Ok(()),
        _ => bail!(
            job.error
                .unwrap_or_else(|| "the run did not complete".to_owned())
        ),
    }
}

impl Source {
    /// Makes the source the provider of its part, and refuses when it lacks credentials.
    fn select(self, config: &mut Config) -> anyhow::Result<Part> {
        match self {
            Self::Freshservice | Self::Tickets if config.freshservice.is_none() => {
                bail!("[freshservice] domain and api_key are not set in instance/codex.conf")
            }
            Self::Datto | Self::Audits if config.datto.is_none() => {
                bail!("[datto] public_key and secret_key are not set in instance/codex.conf")
            }
            Self::Keycloak
                if config.keycloak.client.is_none() && config.keycloak.admin.is_none() =>
            {
                bail!(
                    "[keycloak] has neither client_id and client_secret nor admin_user and admin_password"
                )
            }
            Self::Freshservice => {
                "freshservice".clone_into(&mut config.psa);
                Ok(Part::Psa)
            }
            Self::Tickets => {
                "freshservice".clone_into(&mut config.psa);
                Ok(Part::Tickets)
            }
            Self::Audits => {
                "datto".clone_into(&mut config.rmm);
                Ok(Part::RmmAudits)
            }
            Self::Datto => {
                "datto".clone_into(&mut config.rmm);
                Ok(Part::Rmm)
            }
            Self::Keycloak => Ok(Part::Agents),
        }
    }
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

/// The next three runs of each schedule, and when each ran last.
async fn show_schedule(config: &Config) -> anyhow::Result<()> {
    let read = async |codex: &Codex| {
        let planned = codex.schedules(&Scope::system()).await?;
        Ok((planned, codex.now()))
    };
    let (planned, now) = super::with_codex(config, true, read).await?;
    let mut out = std::io::stdout();
    if config.scheduler.entries.is_empty() {
        writeln!(
            out,
            "Nothing runs by itself: no vendor is configured, or [scheduler] is off."
        )?;
    }
    for entry in &config.scheduler.entries {
        let mut runs = Vec::new();
        let mut after = now;
        while let Some(next) = entry.next(after).filter(|_| runs.len() < 3) {
            runs.push(entry.local(next));
            after = next;
        }
        let known = planned.iter().find(|known| known.name == entry.name());
        let last = known.and_then(|known| known.last_at);
        let last = last.map_or_else(|| "never".to_owned(), |at| entry.local(at));
        let (name, cron) = (entry.name(), entry.cron());
        writeln!(
            out,
            "{name:<10} {cron:<14} next {}; last started {last}",
            runs.join(", ")
        )?;
    }
    Ok(())
}

fn show_plan(plan: &Plan) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    for change in &plan.changes {
        let fields: Vec<_> = change.fields.keys().map(String::as_str).collect();
        let (op, kind, id) = (change.op, change.kind, change.record_id);
        writeln!(out, "{op} {kind} {id}: {}", fields.join(", "))?;
    }
    writeln!(out, "{}", plan.report)?;
    writeln!(out, "Nothing was written.")?;
    Ok(())
}
