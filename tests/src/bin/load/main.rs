//! Loads the daemon as a process of its own, and the least servers beside it, so that every figure is a ratio
//! within one run: a server that answers the same bytes from memory, and one that only checks the token and runs
//! the statement.
//!
//! `cargo build --release -p codex-daemon -p codex-tests && target/release/load --size M [--database-url URL]`

mod baseline;
mod pages;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Parser;
use codex_client::{
    BillingPlanIn, BulkAction, Client, CompanyIn, JobStatus, SearchOptions, SyncKind,
    TicketOptions, TokenSource,
};
use codex_core::{BulkTickets, Codex, Scope};
use codex_tests::{
    harness::process::{Daemon, rss, settings, start},
    sim::{SharedWorld, Size, World, core::Core, datto, freshservice},
};
use futures::StreamExt as _;
use hyper::{Method, Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use baseline::{BaselineServer, serve_least, serve_static};

/// Measures reads under load.
#[derive(Debug, Clone, Parser)]
struct Load {
    /// tiny, S, M or L
    #[arg(long, default_value = "M")]
    size: Size,
    /// Tickets, where it is not as many as the size has
    #[arg(long)]
    tickets: Option<usize>,
    /// An empty database; a `SQLite` file in a temporary folder when absent
    #[arg(long)]
    database_url: Option<String>,
    /// The database was filled by an earlier run of the same size
    #[arg(long)]
    filled: bool,
    /// Seconds of each run
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Calls at once
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// The daemon; the one beside this program when absent
    #[arg(long)]
    codexd: Option<PathBuf>,
}

type Body = http_body_util::Full<Bytes>;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Load::parse();
    let folder = tempfile::tempdir()?;
    let file = || format!("sqlite://{}", folder.path().join("codex.db").display());
    let database = options.database_url.clone().unwrap_or_else(file);
    let tickets = options.tickets.unwrap_or_else(|| options.size.tickets());
    let world = World::generate(options.size, 7).with_tickets(tickets);
    let world = SharedWorld::new(world);
    let without = freshservice::Options {
        limits: false,
        ..Default::default()
    };
    let fresh = freshservice::Freshservice::start(world.clone(), without).await?;
    let without = datto::Options {
        limits: false,
        ..Default::default()
    };
    let rmm = datto::Datto::start(world.clone(), without).await?;
    let core = Core::start().await?;
    let mut settings = settings(&database, &core, &fresh, &rmm);
    settings.extend(["server.calls_per_minute=0", "logging.level=warn"].map(str::to_owned));
    // Nobody else commits: answers are kept until then.
    let syncs = ["psa", "rmm", "rmm_audits", "tickets"];
    settings.extend(syncs.map(|sync| format!("scheduler.sync_{sync}_enabled=false")));
    let beside = std::env::current_exe()?.with_file_name("codexd");
    let codexd = options.codexd.clone().unwrap_or(beside);
    let daemon = start(&codexd, folder.path(), &settings).await?;
    let client = Client::new(&daemon.url, TokenSource::core(core.url(), "ledger")?)?;
    let scripts = [SyncKind::Psa, SyncKind::Datto, SyncKind::Tickets];
    for script in scripts.into_iter().filter(|_| !options.filled) {
        let started = client.sync().start(script).await?;
        let job = client
            .sync()
            .wait(&started.job_id, Duration::from_secs(3_600))
            .await?;
        anyhow::ensure!(job.status == JobStatus::Completed, "{:?}", job.error);
    }
    let companies = client.companies().list().await?;
    let first = companies
        .first()
        .context("no company")?
        .account_number
        .clone();
    let tickets = client.tickets().list(&TicketOptions::default()).await?;
    let ticket = tickets.tickets.last().context("no ticket")?.id;
    // Others than the one that is read: they grow by every note, and come first.
    let noted = tickets.tickets.iter().take(options.clients);
    let noted: Vec<i64> = noted.map(|ticket| ticket.id).collect();
    let far = tickets.total / 2;
    let engine = database.split("://").next().unwrap_or("?").to_owned();
    println!(
        "size {:?}, {engine}: {} companies, {} tickets",
        options.size,
        companies.len(),
        tickets.total
    );
    println!(
        "{:<44} {:>9} {:>8} {:>8} {:>9} {:>9}",
        "", "codexd/s", "p50 ms", "p99 ms", "x static", "x least"
    );

    let plan = BillingPlanIn {
        plan_name: "Gold".into(),
        term_length: "1 Year".into(),
        ..BillingPlanIn::default()
    };
    if !options.filled {
        client.billing().create_plan(&plan).await?;
    }
    let common = client.search("ticket", &SearchOptions::default()).await?;
    anyhow::ensure!(common.more, "the common term is not common");
    let codex = Codex::builder(&database).open().await?;
    let token = core.service_token("ledger");
    let company = format!("/api/companies/{first}");
    let all = |path: &str| path.to_owned();
    let reads = [
        (
            "W1 one company",
            company.clone(),
            Some(BaselineServer::Company(first.clone())),
        ),
        (
            "W2 a company's assets",
            format!("{company}/assets"),
            Some(BaselineServer::Assets(first)),
        ),
        (
            "W3 all companies",
            all("/api/companies"),
            Some(BaselineServer::Companies),
        ),
        (
            "W4a tickets, status open",
            all("/api/tickets?status=open&limit=50"),
            Some(BaselineServer::Tickets(Some("open"), 0)),
        ),
        (
            "W4b tickets, far offset",
            format!("/api/tickets?limit=50&offset={far}"),
            Some(BaselineServer::Tickets(None, far)),
        ),
        (
            "W5 a ticket with all said",
            format!("/api/ticket/{ticket}"),
            Some(BaselineServer::Ticket(ticket)),
        ),
        (
            "plan by name and term",
            all("/billing-plans/api/plans/Gold/1%20Year"),
            None,
        ),
        (
            "W7 companies by term",
            all("/api/search?q=acme&kind=company"),
            Some(BaselineServer::Search("acme", Some("company"))),
        ),
        (
            "W7 assets by term",
            all("/api/search?q=srv&kind=asset"),
            Some(BaselineServer::Search("srv", Some("asset"))),
        ),
        ("dashboard, kept", all("/api/dashboard"), None),
        (
            "search everything, rare",
            all("/api/search?q=zzzq"),
            Some(BaselineServer::Search("zzzq", None)),
        ),
        (
            "search everything, common",
            all("/api/search?q=ticket"),
            Some(BaselineServer::Search("ticket", None)),
        ),
        (
            "search everything, said everywhere",
            all("/api/search?q=message"),
            Some(BaselineServer::Search("message", None)),
        ),
    ];
    for (name, path, baseline) in &reads {
        let mine = run(&options, &daemon.url, Get(path), &token, None).await?;
        let same = serve_static(mine.body.clone()).await?;
        let fixed = run(&options, &same, Get(path), &token, None).await?;
        let mine = best(
            mine,
            run(&options, &daemon.url, Get(path), &token, None).await?,
        );
        let ratio = match baseline {
            Some(baseline) => {
                let url = serve_least(&core, codex.clone(), baseline.clone()).await?;
                let bare = run(&options, &url, Get(path), &token, None).await?;
                format!("{:.2}", mine.rate / bare.rate)
            }
            None => "-".to_owned(),
        };
        println!(
            "{name:<44} {:>9.0} {:>8.2} {:>8.2} {:>9.2} {ratio:>9}",
            mine.rate,
            mine.p50,
            mine.p99,
            mine.rate / fixed.rate
        );
    }
    let alone = Load {
        clients: 1,
        ..options.clone()
    };
    for (name, path, _) in reads.iter().filter(|(_, path, _)| path.contains("q=")) {
        let one = run(&alone, &daemon.url, Get(path), &token, None).await?;
        println!(
            "{name}, one caller: p50 {:.2} ms, p99 {:.2} ms",
            one.p50, one.p99
        );
    }
    let updates = noted.iter().map(|id| format!("/api/ticket/{id}/update"));
    let updates: Vec<String> = updates.collect();
    let note = Post(&updates, r#"{"notes": "Called back."}"#);
    let written = run(&options, &daemon.url, note, &token, None).await?;
    let baseline = serve_least(&core, codex.clone(), BaselineServer::Note(noted[0])).await?;
    let bare = run(&options, &baseline, note, &token, None).await?;
    println!(
        "{:<44} {:>9.0} {:>8.2} {:>8.2} {:>9} {:>9.2}",
        "W9 a note on a ticket",
        written.rate,
        written.p50,
        written.p99,
        "-",
        written.rate / bare.rate
    );
    let tag = run(&options, &daemon.url, Get("/api/companies"), &token, None)
        .await?
        .tag;
    let known = run(
        &options,
        &daemon.url,
        Get("/api/companies"),
        &token,
        Some(&tag),
    )
    .await?;
    println!(
        "{:<44} {:>9.0} {:>8.2} {:>8.2}",
        "W3 all companies, 304", known.rate, known.p50, known.p99
    );
    download(
        &daemon,
        &token,
        "W6a bulk, the first",
        "/api/companies/bulk",
    )
    .await?;
    let bulk = download(&daemon, &token, "W6a bulk", "/api/companies/bulk").await?;
    without_daemon(&codex, None, bulk).await?;
    let bulk = download(
        &daemon,
        &token,
        "W6b bulk with tickets",
        "/api/companies/bulk?include_tickets=true",
    )
    .await?;
    without_daemon(&codex, Some(BulkTickets { year: None }), bulk).await?;
    download(
        &daemon,
        &token,
        "export of tickets",
        "/api/export/tickets.ndjson",
    )
    .await?;
    let person = core.user_token("admin", "load@msp.example");
    pages::measure(&daemon, &person, options.seconds).await?;
    if !options.filled {
        many(&client).await?;
    }
    println!("peak RSS {} MB", rss(&daemon, "VmHWM")?);
    Ok(())
}

/// Makes companies in one call.
async fn many(client: &Client) -> anyhow::Result<()> {
    let rows: Vec<CompanyIn> = (0..10_000)
        .map(|n| CompanyIn {
            name: format!("Company {n}").into(),
            description: "Made in bulk".into(),
            ..CompanyIn::default()
        })
        .collect();
    let begun = Instant::now();
    let made = client
        .companies()
        .bulk_write(&rows, BulkAction::Create, false)
        .await?;
    println!(
        "{} companies made in bulk in {:.2} s",
        made.created,
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// A call that is made again and again.
#[derive(Debug, Clone, Copy)]
enum Call<'c> {
    Get(&'c str),
    /// To each of these in turn, a caller at a time: rivals for one record would wait for each other.
    Post(&'c [String], &'c str),
}
use Call::{Get, Post};

/// What a run of one call showed.
struct Run {
    rate: f64,
    p50: f64,
    p99: f64,
    body: Bytes,
    tag: String,
}

fn best(one: Run, two: Run) -> Run {
    if one.rate > two.rate { one } else { two }
}

/// Calls a path from several connections for a while.
async fn run(
    options: &Load,
    url: &str,
    call: Call<'_>,
    token: &str,
    tag: Option<&str>,
) -> anyhow::Result<Run> {
    let (method, paths, body) = match call {
        Get(path) => (Method::GET, vec![path.to_owned()], ""),
        Post(paths, body) => (Method::POST, paths.to_vec(), body),
    };
    let address = url.trim_start_matches("http://").to_owned();
    let calls = Arc::new(AtomicU64::new(0));
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let mut tasks = Vec::new();
    for path in paths.into_iter().cycle().take(options.clients) {
        let (address, token) = (address.clone(), token.to_owned());
        let (calls, tag) = (calls.clone(), tag.map(str::to_owned));
        let (method, body) = (method.clone(), Bytes::from(body.to_owned()));
        tasks.push(tokio::spawn(async move {
            let stream = TcpStream::connect(&address).await?;
            stream.set_nodelay(true)?;
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            let (mut took, mut last, mut etag) = (Vec::new(), Bytes::new(), String::new());
            while Instant::now() < end {
                let mut request = Request::builder()
                    .method(method.clone())
                    .uri(&path)
                    .header("host", &address)
                    .header("content-type", "application/json")
                    .header("authorization", format!("Bearer {token}"));
                if let Some(tag) = &tag {
                    request = request.header("if-none-match", tag);
                }
                let begun = Instant::now();
                let answer = sender
                    .send_request(request.body(Body::new(body.clone()))?)
                    .await?;
                let status = answer.status();
                anyhow::ensure!(status.is_success() || status == 304, "{path}: {status}");
                let header = answer
                    .headers()
                    .get("etag")
                    .and_then(|tag| tag.to_str().ok());
                etag = header.unwrap_or_default().to_owned();
                last = http_body_util::BodyExt::collect(answer.into_body())
                    .await?
                    .to_bytes();
                took.push(begun.elapsed());
                calls.fetch_add(1, Ordering::Relaxed);
            }
            Ok((took, last, etag))
        }));
    }
    let begun = Instant::now();
    let (mut took, mut body, mut tag) = (Vec::new(), Bytes::new(), String::new());
    for task in tasks {
        let (own, last, etag) = task.await??;
        took.extend(own);
        (body, tag) = (last, etag);
    }
    took.sort_unstable();
    let at = |percent: usize| {
        let index = took.len().saturating_sub(1) * percent / 100;
        took.get(index)
            .map_or(0.0, |took| took.as_secs_f64() * 1_000.0)
    };
    #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
    let rate = calls.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    Ok(Run {
        rate,
        p50: at(50),
        p99: at(99),
        body,
        tag,
    })
}

/// Reads the same from the library, without daemon and connection.
async fn without_daemon(
    codex: &Codex,
    tickets: Option<BulkTickets>,
    seconds: f64,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut pieces = codex.bulk(&Scope::system(), tickets).await?;
    while let Some(piece) = pieces.next().await {
        piece?;
    }
    let own = begun.elapsed().as_secs_f64();
    println!("  the library alone {own:.2} s: x {:.2}", seconds / own);
    Ok(())
}

/// Reads a big answer to its end; gives the seconds that it took.
async fn download(daemon: &Daemon, token: &str, name: &str, path: &str) -> anyhow::Result<f64> {
    let before = rss(daemon, "VmRSS")?;
    let http = reqwest::Client::builder().build()?;
    let begun = Instant::now();
    let mut answer = http
        .get(format!("{}{path}", daemon.url))
        .bearer_auth(token)
        .send()
        .await?
        .error_for_status()?;
    let (mut bytes, mut first) = (0, None);
    while let Some(piece) = answer.chunk().await? {
        first.get_or_insert_with(|| begun.elapsed());
        bytes += piece.len();
    }
    let seconds = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a count of bytes")]
    let megabytes = bytes as f64 / 1e6;
    println!(
        "{name}: {megabytes:.0} MB in {seconds:.2} s ({:.0} MB/s), first byte after {} ms, RSS {before} MB before, {} MB after",
        megabytes / seconds,
        first.unwrap_or_default().as_millis(),
        rss(daemon, "VmRSS")?
    );
    Ok(seconds)
}
