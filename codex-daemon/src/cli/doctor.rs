//! `codexd doctor`

use std::{future::Future, io::IsTerminal as _, pin::Pin};

use anyhow::bail;
use codex_core::{
    Codex, Scope,
    plural::{agree, count_of},
};

use super::{
    database::{is_missing, shown},
    output,
};
use crate::{
    app,
    checks::{Finding, Neighbour, Status, clock},
    config::{Config, Sources},
    health,
    http::problem::chain,
    logging::has_colours,
};

const EXAMPLES: &str = "\
Examples:
  codexd doctor             check configuration, database, data, vendors, Core, clock and disk; a line each
  codexd doctor --json      the same as JSON

Changes nothing. Exit code 1 when something is an error; warnings are for a person to decide.";

/// Check the installation and recommend actions
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Doctor {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// A check of an open database.
type Check = for<'c> fn(&'c Codex) -> Pin<Box<dyn Future<Output = Finding> + Send + 'c>>;

/// The checks of an open database, in their order; a further one is a line here.
const CHECKS: [Check; 3] = [
    |codex| Box::pin(versions(codex)),
    |codex| Box::pin(schema(codex)),
    |codex| Box::pin(accounts(codex)),
];

impl Doctor {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let findings = examine(sources).await;
        if self.json {
            output::json(&findings)?;
        } else {
            let has_colours = has_colours(std::io::stdout().is_terminal());
            for finding in &findings {
                output::line(shown_as(finding, has_colours))?;
            }
        }
        let errors = findings
            .iter()
            .filter(|found| found.status == Status::Error);
        match errors.count() {
            0 => Ok(()),
            1 => bail!("1 check found an error"),
            errors => bail!("{errors} checks found an error"),
        }
    }
}

/// A finding for people, its status in colour if wanted.
fn shown_as(finding: &Finding, has_colours: bool) -> String {
    let text = finding.to_string();
    let colour = match finding.status {
        Status::Ok => "32",
        Status::Warning => "33",
        Status::Error => "31",
    };
    match text.split_once(' ') {
        Some((status, rest)) if has_colours => format!("\u{1b}[{colour}m{status}\u{1b}[0m {rest}"),
        _ => text,
    }
}

/// Runs the checks; those that need what an earlier one found broken are left out.
async fn examine(sources: &Sources) -> Vec<Finding> {
    const CHECK: &str = "configuration";
    let config = match Config::load(sources) {
        Ok(config) => config,
        Err(error) => {
            let action = "`codexd config` shows every setting and where it comes from";
            return vec![Finding::bad(Status::Error, CHECK, chain(&error), action)];
        }
    };
    let mut findings = vec![Finding::ok(CHECK, "can be used")];
    let codex = match open(&config).await {
        Ok((codex, finding)) => {
            findings.push(finding);
            codex
        }
        Err(finding) => {
            findings.push(finding);
            return findings;
        }
    };
    for check in CHECKS {
        findings.push(check(&codex).await);
    }
    let scope = Scope::system();
    for neighbour in Neighbour::ALL {
        if neighbour.is_configured(&config) {
            let finding = neighbour.check(&codex, &scope, &config).await;
            findings.push(without_core(finding, neighbour, &config));
        }
    }
    findings.push(clock(&codex, &config).await);
    findings.push(disk(&config));
    codex.close().await;
    findings
}

/// Opens the database as it is.
async fn open(config: &Config) -> Result<(Codex, Finding), Finding> {
    const CHECK: &str = "database";
    let shown = shown(config);
    if is_missing(config) {
        let message = format!("{shown} does not exist");
        let action = "`codexd migrate` or `codexd serve` creates it";
        return Err(Finding::bad(Status::Error, CHECK, message, action));
    }
    match app::open(config, false).await {
        Ok(codex) => {
            let finding = Finding::ok(CHECK, format!("{shown} answers"));
            Ok((codex, finding))
        }
        Err(error) => {
            let message = format!("{shown} cannot be opened: {}", error.chain());
            let action = "check [database] connection_string; `codexd init` sets it";
            Err(Finding::bad(Status::Error, CHECK, message, action))
        }
    }
}

/// With local tokens Codex works without Core.
fn without_core(finding: Finding, neighbour: Neighbour, config: &Config) -> Finding {
    let is_spared = neighbour == Neighbour::Core && config.auth.local_issuer.is_some();
    let status = match finding.status {
        Status::Error if is_spared => Status::Warning,
        status => status,
    };
    Finding { status, ..finding }
}

async fn versions(codex: &Codex) -> Finding {
    const CHECK: &str = "versions";
    let db = codex.db();
    let version = async {
        let newest = db.applied_migrations().await?.last().copied();
        Ok::<_, codex_core::Error>((db.engine_version().await?, newest.unwrap_or(0)))
    };
    match version.await {
        Ok((engine, newest)) => {
            let own = env!("CARGO_PKG_VERSION");
            Finding::ok(CHECK, format!("codexd {own}, {engine}, schema {newest}"))
        }
        Err(error) => unreadable(CHECK, &error),
    }
}

/// The fullest of the disks that hold the instance folder and an embedded database.
fn disk(config: &Config) -> Finding {
    const CHECK: &str = "disk";
    let action =
        "free space on the disk of instance/ and of the database; [health] sets the limits";
    let disk = health::disk(&config.health);
    let status = match disk.status {
        health::Status::Healthy => Status::Ok,
        health::Status::Degraded => Status::Warning,
        health::Status::Unhealthy => Status::Error,
    };
    let message = match (disk.usage_percent, disk.free_gb, disk.error) {
        (_, _, Some(error)) => format!("cannot be read: {error}"),
        (Some(percent), Some(free), None) => format!("is {percent} % full, {free} GB are free"),
        _ => "is unknown".to_owned(),
    };
    match status {
        Status::Ok => Finding::ok(CHECK, message),
        _ => Finding::bad(status, CHECK, message, action),
    }
}

async fn schema(codex: &Codex) -> Finding {
    const CHECK: &str = "schema";
    match codex.db().schema_state().await {
        Ok(state) if state.is_foreign => Finding::bad(
            Status::Error,
            CHECK,
            "is that of the Flask service (or another program)",
            "name an empty database with `codexd init`, then import this one with `codexd import`",
        ),
        Ok(state) if !state.unknown.is_empty() => Finding::bad(
            Status::Error,
            CHECK,
            format!("is of a newer codexd (migrations {:?})", state.unknown),
            "install that version",
        ),
        Ok(state) if !state.missing.is_empty() => Finding::bad(
            Status::Error,
            CHECK,
            format!("lacks migrations {:?}", state.missing),
            "run `codexd migrate`; `codexd serve` does it at its start",
        ),
        Ok(_) => Finding::ok(CHECK, "is up to date"),
        Err(error) => unreadable(CHECK, &error),
    }
}

/// Companies without an account number are in none of the lists that other modules read.
async fn accounts(codex: &Codex) -> Finding {
    const CHECK: &str = "accounts";
    match codex.companies_without_number(&Scope::system()).await {
        Ok((0, total)) => {
            let companies = count_of(total, "company");
            Finding::ok(CHECK, format!("every company has a number ({companies})"))
        }
        Ok((without, total)) => Finding::bad(
            Status::Warning,
            CHECK,
            format!(
                "{without} of {} {} no account number; `GET /api/companies` leaves {} out",
                count_of(total, "company"),
                agree(without, "has", "have"),
                agree(without, "it", "them")
            ),
            "run `codexd accounts assign` (--dry-run shows what it would do)",
        ),
        Err(error) => unreadable(CHECK, &error),
    }
}

fn unreadable(check: &'static str, error: &codex_core::Error) -> Finding {
    let message = format!("could not be checked: {}", error.chain());
    Finding::bad(Status::Error, check, message, "see the checks above")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_status_is_coloured() {
        let finding = Finding::ok("schema", "is up to date");
        assert_eq!(shown_as(&finding, false), finding.to_string());
        let coloured = shown_as(&finding, true);
        assert!(
            coloured.starts_with("\u{1b}[32mok\u{1b}[0m ") && coloured.ends_with("is up to date"),
            "{coloured:?}"
        );
    }

    #[tokio::test]
    async fn each_broken_part_is_an_error_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let core = crate::auth::testing::Core::start().await;
        let core = core.url();
        let sources = |url: String| {
            // The disk is the test machine's own.
            Sources::new(folder.path())
                .set("database.connection_string", url)
                .set("core.url", core)
                .set("health.disk_degraded_percent", "100")
                .set("health.disk_unhealthy_percent", "100")
        };
        let path = folder.path().join("codex.db");
        let url = format!("sqlite://{}", path.display());
        let last = async |url: &str| examine(&sources(url.to_owned())).await.pop().unwrap();

        let absent = last(&url).await;
        assert_eq!((absent.check, absent.status), ("database", Status::Error));
        assert!(!path.exists(), "looking makes no database");
        let wrong = last("mysql://nobody/x").await;
        assert_eq!(wrong.status, Status::Error, "{wrong}");
        std::fs::write(&path, "").unwrap();
        let empty = examine(&sources(url.clone())).await;
        let schema = empty.iter().find(|found| found.check == "schema").unwrap();
        assert!(
            schema.action.as_ref().unwrap().contains("codexd migrate"),
            "{schema}"
        );
        let codex = Codex::open(&url).await.unwrap();
        codex.close().await;
        let fine = examine(&sources(url)).await;
        assert!(
            fine.iter().all(|found| found.status != Status::Error),
            "{fine:?}"
        );
        assert_eq!(fine.len(), 8, "{fine:?}");
    }
}
