//! `cargo demo`: simulated vendors and Core, the real daemon, the real syncs over HTTP.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use codex_client::{Client, TokenSource};
use codex_core::clock::{Clock as _, SystemClock};
use codex_daemon::app;
use codex_tests::{
    harness::app::config,
    sim::{SharedWorld, Size, World, core::Core, datto, freshservice, keycloak, world},
};
use serde_json::Value;

/// Shows Codex at work: no account anywhere is needed.
#[derive(Debug, Parser)]
struct Demo {
    /// How large the made-up MSP is: tiny, small, S, M or L
    #[arg(long, default_value = "S")]
    size: Size,
    /// End when the syncs are done instead of serving until Ctrl-C
    #[arg(long)]
    once: bool,
    /// Another database than SQLite in a temporary folder, such as postgresql://user@host/name
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let demo = Demo::parse();
    let begun = Instant::now();
    let folder = tempfile::tempdir()?;
    let database = demo
        .database_url
        .clone()
        .unwrap_or_else(|| format!("sqlite://{}", folder.path().join("codex.db").display()));

    let world = SharedWorld::new(World::generate_at(demo.size, 7, SystemClock.now()));
    // Limits off: with them on, a first sync of a large account takes the minutes that it takes.
    let fresh_options = freshservice::Options {
        limits: false,
        ..Default::default()
    };
    let datto_options = datto::Options {
        limits: false,
        ..Default::default()
    };
    let fresh = freshservice::Freshservice::start(world.clone(), fresh_options).await?;
    let rmm = datto::Datto::start(world.clone(), datto_options).await?;
    let users = keycloak::Keycloak::start(world, keycloak::Options::default()).await?;
    let core = Core::start().await?;
    let config = config(
        folder.path(),
        &database,
        &core,
        &fresh,
        &rmm,
        &users,
        &[("upstream.write", "true")],
    )?;
    let codex = app::open(&config, true)
        .await
        .context("the database cannot be opened")?;
    let running = app::start(config, codex.clone()).await?;
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(60))
        .build()?;
    let api = Api {
        http,
        url: running.url(),
        token: core.key.user("admin", "demo@msp.example")?,
    };

    println!(
        "Codex {}   Core {}   Freshservice {}   Datto {}   Keycloak {}\n",
        api.url,
        core.url(),
        fresh.url(),
        rmm.url(),
        users.url()
    );
    for (path, name) in [
        ("/sync/freshservice", "Freshservice"),
        ("/sync/create-account-numbers", "Account numbers"),
        ("/sync/datto", "Datto RMM"),
        ("/sync/audits", "Datto RMM inventories"),
        ("/sync/tickets", "Freshservice tickets"),
        ("/sync/agents", "Keycloak"),
    ] {
        let start = Instant::now();
        let job = api.sync(path).await?;
        println!(
            "{name}: {} in {:.1} s",
            job["status"].as_str().unwrap_or("?"),
            start.elapsed().as_secs_f64()
        );
        for line in job["output"]
            .as_str()
            .unwrap_or_default()
            .lines()
            .filter(|line| !line.starts_with("- "))
        {
            println!("    {line}");
        }
        anyhow::ensure!(job["status"] == "completed", "{}", job["error"]);
    }

    let client = Client::new(&api.url, TokenSource::fixed(api.token.clone()))?;
    let plans = client.billing().import(&world::plans()).await?;
    println!("Billing plans: {} made", plans.plans_created);

    let companies = api.get("/api/companies").await?;
    let companies = companies.as_array().context("companies are an array")?;
    println!(
        "\n{:<10} {:<34} {:>8} {:>8} {:>8}",
        "account", "company", "contacts", "assets", "tickets"
    );
    let (mut contacts, mut assets, mut tickets) = (0, 0, 0);
    for (n, company) in companies.iter().enumerate() {
        if n >= 8 {
            println!("... and {} more", companies.len() - n);
            break;
        }
        let account = company["account_number"].as_str().unwrap_or_default();
        let counts = [
            api.count(&format!("/api/companies/{account}/contacts"))
                .await?,
            api.count(&format!("/api/companies/{account}/assets"))
                .await?,
            api.count(&format!("/api/companies/{account}/tickets"))
                .await?,
        ];
        let name = company["name"].as_str().unwrap_or_default();
        let [people, devices, asked] = counts;
        println!("{account:<10} {name:<34} {people:>8} {devices:>8} {asked:>8}");
        contacts += people;
        assets += devices;
        tickets += asked;
    }
    anyhow::ensure!(
        !companies.is_empty() && contacts > 0 && assets > 0 && tickets > 0,
        "something is missing: {} companies, {contacts} contacts, {assets} assets, {tickets} tickets",
        companies.len()
    );
    let agents = api.get("/api/agents").await?["total"].as_u64();
    let agents = agents.filter(|total| *total > 0).context("no agents")?;
    let active = api.get("/api/tickets/active").await?["total_active"].clone();
    println!("\n{active} active tickets on the board");
    println!(
        "{} companies and {agents} agents read back through the REST API. Ready after {:.1} s.",
        companies.len(),
        begun.elapsed().as_secs_f64()
    );
    if !demo.once {
        println!("\nSwagger UI   {}/docs/", api.url);
        println!(
            "Try          curl -H \"Authorization: Bearer {}\" {}/api/companies",
            api.token, api.url
        );
        println!(
            "A new token  curl -X POST {}/api/token -H 'Content-Type: application/json' -d '{{\"username\":\"demo\",\"password\":\"demo\"}}'",
            core.url()
        );
        println!("\nCtrl-C ends the demo.");
        tokio::signal::ctrl_c().await?;
    }
    running.shutdown().await;
    codex.close().await;
    Ok(())
}

/// The daemon as a caller sees it.
struct Api {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Api {
    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self
            .http
            .get(format!("{}{path}", self.url))
            .bearer_auth(&self.token);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    async fn count(&self, path: &str) -> anyhow::Result<usize> {
        Ok(self.get(path).await?.as_array().map_or(0, Vec::len))
    }

    /// Starts a sync and waits for its end.
    async fn sync(&self, path: &str) -> anyhow::Result<Value> {
        let request = self
            .http
            .post(format!("{}{path}", self.url))
            .bearer_auth(&self.token);
        let started: Value = request.send().await?.error_for_status()?.json().await?;
        let id = started["job_id"].as_str().context("a job id")?;
        loop {
            let job = self.get(&format!("/sync/status/{id}")).await?;
            if job["status"] != "running" {
                return Ok(job);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
