//! Pages: how long the daemon makes each, how large it is, and both beside the JSON of the same data.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use codex_tests::harness::process::{Daemon, rss};
use futures::future::try_join_all;
use reqwest::{Client, header::ACCEPT};

/// Lists, each with the JSON of the list and of one of its records, where there is one for all companies.
const LISTS: [(&str, Option<(&str, &str)>); 5] = [
    ("companies", Some(("/api/companies", "/api/companies/"))),
    ("contacts", Some(("/api/contacts", "/api/contacts/"))),
    ("assets", Some(("/api/assets", "/api/assets/"))),
    ("tickets", Some(("/api/tickets", "/api/ticket/"))),
    ("locations", None),
];
/// Records of a page of a list.
const ROWS: u32 = 50;
/// What people want of a page: server time at the 95th percentile in milliseconds, and kilobytes of HTML.
const PAGE: (f64, f64) = (30.0, 60.0);
/// The same of pages that are made of everything.
const WHOLE: (f64, f64) = (50.0, 60.0);
/// People at once, and the megabytes of memory that they may add.
const PEOPLE: usize = 16;
const MOST_MEGABYTES: u64 = 10;

/// A page with the JSON of the same data.
struct Workload {
    name: String,
    path: String,
    json: Option<String>,
    target: (f64, f64),
}

/// What reading a path again and again showed.
#[derive(Debug, Default)]
struct Read {
    /// Milliseconds in the daemon at the 95th percentile; 0 where it does not say.
    server: f64,
    /// Milliseconds until the whole answer was here, at the 95th percentile.
    whole: f64,
    bytes: usize,
}

/// Measures every page with one caller at a time, then the memory that many people add.
///
/// # Errors
/// A page that cannot be read.
pub async fn measure(daemon: &Daemon, token: &str, seconds: u64) -> anyhow::Result<()> {
    let http = Client::builder().build()?;
    let loads = workloads(&http, &daemon.url, token).await?;
    println!(
        "{:<28} {:>10} {:>8} {:>8} {:>8} {:>10} {:>10}",
        "", "server p95", "target", "kB", "target", "time/JSON", "size/JSON"
    );
    let (mut late, mut large) = (0, 0);
    for load in &loads {
        let page = read(&http, &daemon.url, &load.path, token, seconds).await?;
        let json = match &load.json {
            Some(json) => Some(read(&http, &daemon.url, json, token, seconds).await?),
            None => None,
        };
        let ratio = |of: &dyn Fn(&Read) -> f64| {
            let ratio = json.as_ref().map(|json| of(&page) / of(json));
            ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"))
        };
        let (most_ms, most_kb) = load.target;
        let kilobytes = thousands(page.bytes);
        late += usize::from(page.server > most_ms);
        large += usize::from(kilobytes > most_kb);
        println!(
            "{:<28} {:>7.1} ms {most_ms:>8.0} {kilobytes:>8.1} {most_kb:>8.0} {:>10} {:>10}",
            load.name,
            page.server,
            ratio(&|read| read.whole),
            ratio(&|read| thousands(read.bytes.max(1))),
        );
    }
    println!(
        "{} of {} pages are late, {large} are too large",
        late,
        loads.len()
    );
    memory(daemon, &http, &loads, token, seconds).await
}

/// Lists and records, the search and the dashboard.
async fn workloads(http: &Client, url: &str, token: &str) -> anyhow::Result<Vec<Workload>> {
    let mut loads = Vec::new();
    let mut add = |name: String, path: String, json: Option<String>, target| {
        loads.push(Workload {
            name: format!("P{} {name}", loads.len() + 1),
            path,
            json,
            target,
        });
    };
    for (name, json) in LISTS {
        let path = format!("/{name}/");
        let (html, _) = get(http, url, &path, token).await?;
        add(
            format!("list of {name}"),
            path,
            json.map(|(list, _)| format!("{list}?limit={ROWS}")),
            PAGE,
        );
        let path = first(&html).with_context(|| format!("the list of {name} is empty"))?;
        let key = path.rsplit('/').next().unwrap_or_default();
        let json = json.map(|(_, record)| format!("{record}{key}"));
        add(format!("one of {name}"), path.clone(), json, PAGE);
    }
    let all = |path: &str| path.to_owned();
    add(
        all("search"),
        all("/search?q=srv"),
        Some(all("/api/search?q=srv")),
        WHOLE,
    );
    add(
        all("dashboard"),
        all("/"),
        Some(all("/api/dashboard")),
        WHOLE,
    );
    Ok(loads)
}

/// The address of the first record of a list.
fn first(html: &str) -> Option<String> {
    let row = html.split("<th scope=\"row\">").nth(1)?;
    let href = row.split("href=\"").nth(1)?;
    href.split('"').next().map(str::to_owned)
}

/// An answer, and what it says of the time in the daemon in milliseconds.
async fn get(
    http: &Client,
    url: &str,
    path: &str,
    token: &str,
) -> anyhow::Result<(String, Option<f64>)> {
    let accept = if path.starts_with("/api/") {
        "application/json"
    } else {
        "text/html"
    };
    let call = http.get(format!("{url}{path}")).bearer_auth(token);
    let answer = call.header(ACCEPT, accept).send().await?;
    let answer = answer.error_for_status()?;
    let timing = answer.headers().get("server-timing");
    let timing = timing.and_then(|timing| timing.to_str().ok()?.split("dur=").nth(1)?.parse().ok());
    Ok((answer.text().await?, timing))
}

async fn read(
    http: &Client,
    url: &str,
    path: &str,
    token: &str,
    seconds: u64,
) -> anyhow::Result<Read> {
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut server, mut whole, mut bytes) = (Vec::new(), Vec::new(), 0);
    while Instant::now() < end {
        let begun = Instant::now();
        let (text, timing) = get(http, url, path, token).await?;
        whole.push(begun.elapsed().as_secs_f64() * 1_000.0);
        server.extend(timing);
        bytes = text.len();
    }
    Ok(Read {
        server: p95(server),
        whole: p95(whole),
        bytes,
    })
}

fn p95(mut all: Vec<f64>) -> f64 {
    all.sort_unstable_by(f64::total_cmp);
    let index = all.len().saturating_sub(1) * 95 / 100;
    all.get(index).copied().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a size of a page")]
fn thousands(bytes: usize) -> f64 {
    bytes as f64 / 1_000.0
}

/// Many people read all pages at once.
async fn memory(
    daemon: &Daemon,
    http: &Client,
    loads: &[Workload],
    token: &str,
    seconds: u64,
) -> anyhow::Result<()> {
    let before = rss(daemon, "VmRSS")?;
    let people = (0..PEOPLE).map(|person| async move {
        let end = Instant::now() + Duration::from_secs(seconds);
        let own = loads.iter().cycle().skip(person);
        for load in own.take_while(|_| Instant::now() < end) {
            get(http, &daemon.url, &load.path, token).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(people).await?;
    let after = rss(daemon, "VmRSS")?;
    println!(
        "{PEOPLE} people at once: RSS {before} MB before, {after} MB after; at most {MOST_MEGABYTES} MB more are wanted"
    );
    Ok(())
}
