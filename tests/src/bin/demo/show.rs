//! What the demo does and says.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use codex_client::{Client, JobDetailOut, JobStatus, SyncKind, TokenSource};
use codex_tests::sim::world;
use serde_json::Value;

use super::{
    stage::Stage,
    table::{Cell, Table},
};

/// What is synced before the summary, in the order in which links find what they point to.
const SYNCS: [(SyncKind, &str); 5] = [
    (SyncKind::Agents, "Keycloak: people who log in"),
    (SyncKind::Psa, "Freshservice: companies, contacts"),
    (SyncKind::AssignAccounts, "Account numbers"),
    (SyncKind::Datto, "Datto RMM: devices"),
    (SyncKind::Tickets, "Freshservice: tickets"),
];
/// What goes on behind: one call per device.
const INVENTORIES: (SyncKind, &str) = (SyncKind::Audits, "Datto RMM: inventories");
/// A bad day of the PSA, so that there is a held deletion to decide.
const BAD_DAY: (SyncKind, &str) = (SyncKind::Psa, "Freshservice: contacts missing");
/// How many companies the summary shows.
const COMPANIES: usize = 8;
/// Between two looks at a job.
const LOOK: Duration = Duration::from_millis(50);

/// Syncs, sums up, and waits to be stopped; with `once` it ends instead.
pub async fn show(stage: &Stage, once: bool) -> anyhow::Result<()> {
    let begun = Instant::now();
    print_addresses(stage);
    let api = Api::new(stage)?;
    println!("\nSyncing a made-up MSP. The pages can be opened already; they fill up.\n");
    let mut jobs = Vec::new();
    for (kind, name) in SYNCS {
        jobs.push((name, api.sync(kind, name).await?));
    }
    let plans = api.client.billing().import(&world::plans()).await?;
    let (kind, name) = INVENTORIES;
    let inventories = api.client.sync().start(kind).await?.job_id;

    println!("\n{}", job_table(&jobs));
    println!("{}", api.company_table().await?);
    let companies = api.check().await?;
    println!(
        "{companies} companies and {} billing plans. Ready after {:.1} s.",
        plans.plans_created,
        begun.elapsed().as_secs_f64()
    );
    if !once {
        stage.lose_contacts();
        let (kind, name) = BAD_DAY;
        api.sync(kind, name).await?;
        print_next_steps(stage, api.first_account().await?.as_deref());
    }
    api.finish(&inventories, name).await?;
    if !once {
        // Not before: a scheduled sync would take the place of one that is waited for.
        let _scheduler = stage.keep_schedule();
        std::future::pending::<()>().await;
    }
    Ok(())
}

fn print_addresses(stage: &Stage) {
    println!("Open   {}   and choose a role", stage.gateway.url());
    println!("Codex  {}", stage.codex_url());
    println!("Core   {}", stage.core.url());
}

fn print_next_steps(stage: &Stage, account: Option<&str>) {
    let (gateway, codex, core) = (stage.gateway.url(), stage.codex_url(), stage.core.url());
    let path = account.map_or("/api/companies".to_owned(), |account| {
        format!("/api/companies/{account}")
    });
    println!("\nThree things to try next:");
    println!(
        "  1. Open {gateway} and choose a role. An administrator has a held deletion to decide."
    );
    println!(
        "  2. curl -H \"Authorization: Bearer $(cat {})\" {codex}{path}",
        stage.token_file.display()
    );
    println!(
        "  3. cargo run -p codex-daemon -- jobs --set database.connection_string={}",
        stage.database
    );
    println!("\nThe API is described at {codex}/docs/. A token of another role:");
    println!(
        "  curl -X POST {core}/api/token -H 'Content-Type: application/json' -d '{{\"username\":\"technician\",\"password\":\"demo\"}}'"
    );
    println!("\nCtrl-C ends the demo.");
}

/// What each sync did to each kind of record.
fn job_table(jobs: &[(&'static str, JobDetailOut)]) -> Table {
    let counts = jobs.iter().flat_map(|(name, job)| {
        let kinds = job.report.counts.iter();
        kinds.map(move |(kind, counts)| (*name, kind, counts.named()))
    });
    let counts: Vec<_> = counts.collect();
    let words = counts
        .first()
        .map(|(_, _, named)| named.map(|(word, _)| word));
    let heads = ["sync", "records"]
        .into_iter()
        .chain(words.into_iter().flatten());
    let mut table = Table::new(heads);
    for (name, kind, named) in counts {
        let numbers = named.into_iter().map(|(_, count)| Cell::Number(count));
        let text = [name.to_owned(), kind.clone()].map(Cell::Text);
        table.push(text.into_iter().chain(numbers));
    }
    table
}

/// The daemon as a caller sees it.
struct Api {
    client: Client,
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Api {
    fn new(stage: &Stage) -> anyhow::Result<Self> {
        let (url, token) = (stage.codex_url(), stage.token.clone());
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .build()?;
        let client = Client::new(&url, TokenSource::fixed(token.clone()))?;
        Ok(Self {
            client,
            http,
            url,
            token,
        })
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.http.get(format!("{}{path}", self.url));
        let request = request.bearer_auth(&self.token);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    async fn count(&self, path: &str) -> anyhow::Result<u64> {
        let list = self.get(path).await?;
        let length = list.as_array().map_or(0, Vec::len);
        Ok(u64::try_from(length)?)
    }

    /// Starts a sync and waits for its success.
    async fn sync(&self, kind: SyncKind, name: &str) -> anyhow::Result<JobDetailOut> {
        let id = self.client.sync().start(kind).await?.job_id;
        self.finish(&id, name).await
    }

    /// Waits for the success of a job.
    async fn finish(&self, id: &str, name: &str) -> anyhow::Result<JobDetailOut> {
        let begun = Instant::now();
        let job = loop {
            let job = self.client.sync().job(id).await?;
            if job.status.is_over() {
                break job;
            }
            tokio::time::sleep(LOOK).await;
        };
        let reason = job.error.as_deref().unwrap_or_default();
        anyhow::ensure!(
            job.status == JobStatus::Completed,
            "{name}: {:?} {reason}",
            job.status
        );
        let seconds = begun.elapsed().as_secs_f64();
        println!("  {name:<36} {seconds:>6.1} s");
        std::io::stdout().flush()?;
        Ok(job)
    }

    async fn companies(&self) -> anyhow::Result<Vec<Value>> {
        let companies = self.get("/api/companies").await?;
        Ok(companies
            .as_array()
            .context("companies are an array")?
            .clone())
    }

    async fn first_account(&self) -> anyhow::Result<Option<String>> {
        let companies = self.companies().await?;
        let first = companies
            .first()
            .and_then(|company| company["account_number"].as_str());
        Ok(first.map(str::to_owned))
    }

    /// The first companies with what they have.
    async fn company_table(&self) -> anyhow::Result<Table> {
        let mut table = Table::new([
            "account", "company", "plan", "contacts", "assets", "tickets",
        ]);
        for company in self.companies().await?.iter().take(COMPANIES) {
            let text = |key: &str| company[key].as_str().unwrap_or_default().to_owned();
            let account = text("account_number");
            let mut cells = vec![
                Cell::Text(account.clone()),
                Cell::Text(text("name")),
                Cell::Text(text("billing_plan")),
            ];
            for part in ["contacts", "assets", "tickets"] {
                let path = format!("/api/companies/{account}/{part}");
                cells.push(Cell::Number(self.count(&path).await?));
            }
            table.push(cells);
        }
        Ok(table)
    }

    /// How many companies were read back; an error when a kind of record is missing.
    async fn check(&self) -> anyhow::Result<usize> {
        let companies = self.companies().await?.len();
        anyhow::ensure!(companies > 0, "no companies arrived");
        for what in ["contacts", "assets", "psa/tickets"] {
            let listed = self.count(&format!("/api/{what}?limit=1")).await?;
            anyhow::ensure!(listed > 0, "no {what} arrived");
        }
        let agents = self.get("/api/agents").await?["total"].as_u64();
        anyhow::ensure!(agents.is_some_and(|total| total > 0), "no agents arrived");
        Ok(companies)
    }
}
