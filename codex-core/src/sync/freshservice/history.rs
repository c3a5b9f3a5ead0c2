//! Every ticket that the account has, the newest first, in windows of the time they were opened.
//!
//! A window is done when as many tickets have arrived as the vendor counts in it. What we hold of it and
//! did not see is asked for by its id: this is how a ticket that was erased at the vendor is noticed.

use std::sync::Arc;

use chrono::{DateTime, Duration, TimeZone as _, Utc};

use super::{
    NAME, Settings,
    client::Client,
    details::{self, Reader},
    tickets,
};
use crate::{
    Result,
    plural::{agree, count_of},
    sync::{Run, Source, SyncKind, Work, engine::crawl::Lister as _},
    tickets::{Ticket, threads},
};

/// Name of the source's history runs.
const RUNS: &str = "freshservice.history";
/// Where the windows have got to: everything opened from here on was listed.
const OPENED: &str = "tickets.opened";
/// No account is older than Freshservice.
const FIRST_YEAR: i32 = 2010;
/// More tickets than this in one window: deep pages are slow (vendors 1.2).
const MOST: u64 = 3_000;
/// Fewer than this: the next window is twice as long.
const FEW: u64 = 300;
const LONGEST: Duration = Duration::days(365);
const SHORTEST: Duration = Duration::minutes(1);
/// After so many pages that bring nothing new a window is left: its vendor repeats itself.
const MOST_IDLE: u32 = 3;

/// Freshservice's tickets from the first on.
#[derive(Debug)]
pub struct History {
    settings: Settings,
}

impl History {
    /// A source that syncs every ticket of the account of `settings`.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

impl Source for History {
    fn name(&self) -> &'static str {
        RUNS
    }

    fn provider(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> SyncKind {
        SyncKind::TicketHistory
    }

    fn sync<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(sync(&self.settings, run))
    }
}

async fn sync(settings: &Settings, run: &mut Run) -> Result<()> {
    let client = Client::of_run(settings, run)?;
    let first = Utc.with_ymd_and_hms(FIRST_YEAR, 1, 1, 0, 0, 0).single();
    let first = first.unwrap_or_default();
    let now = run.clock().now();
    // A run that came to its end is followed by one that begins anew.
    let cursor = run.cursor(OPENED).await?.filter(|at| *at > first);
    let (mut to, mut span) = (cursor.unwrap_or(now + Duration::days(1)), Duration::days(7));
    while to > first {
        let from = (to - span).max(first);
        let percent = (now - to).num_seconds().max(0) * 50 / (now - first).num_seconds().max(1);
        run.stage(
            format!("tickets opened until {}", to.date_naive()),
            u8::try_from(percent).ok(),
        );
        let total = window(run, &client, from, to).await?;
        if total > MOST && span > SHORTEST {
            span = (span / 2).max(SHORTEST);
            continue;
        }
        run.set_cursor(OPENED, from).await?;
        to = from;
        if total < FEW {
            span = (span * 2).min(LONGEST);
        }
    }
    run.stage("conversations and time entries", Some(50));
    let mut details = Reader::new(&client);
    details.read_pending(run).await?;
    details.stale(run, first).await?;
    details.look_after_lost(run).await?;
    details::report_pending(run).await?;
    run.calls(client.calls());
    run.stage("done", Some(100));
    Ok(())
}

/// Takes the tickets that were opened in a window; gives how many the vendor counts. A window with too
/// many is left after its first page.
async fn window(
    run: &mut Run,
    client: &Arc<Client>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<u64> {
    let (mut page, mut arrived) = (1, std::collections::HashSet::new());
    let mut total;
    let mut idle = 0;
    loop {
        let (items, counted) = client.opened(from, to, page).await?;
        run.calls(client.calls());
        total = counted;
        if total > MOST && to - from > SHORTEST {
            return Ok(total);
        }
        let (empty, before) = (items.is_empty(), arrived.len());
        arrived.extend(items.iter().map(|item| item["id"].to_string()));
        tickets::take(run, &items).await?;
        idle = if arrived.len() == before { idle + 1 } else { 0 };
        if empty || arrived.len() as u64 >= total || idle == MOST_IDLE {
            break;
        }
        page += 1;
    }
    if arrived.len() as u64 == total {
        let held = threads::opened_between(run.db(), NAME, from, to).await?;
        let total_held = held.len();
        let unseen: Vec<String> = held
            .into_iter()
            .filter(|id| !run.has_seen::<Ticket>("tickets", id))
            .collect();
        if !run.allows(unseen.len(), total_held) {
            run.issue(format!(
                "{} of {} opened from {from} to {to} {} not listed: too many to be true, all are kept",
                unseen.len(),
                count_of(total_held, "ticket"),
                agree(unseen.len(), "is", "are")
            ));
            return Ok(total);
        }
        details::look_after(run, client, &unseen).await?;
    } else {
        run.issue(format!(
            "of tickets opened from {from} to {to} the vendor counts {total}, {} arrived",
            arrived.len()
        ));
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Codex, Scope,
        jobs::JobStatus,
        sync::{
            HttpSettings,
            engine::http::stub::{Stub, json},
        },
    };

    #[tokio::test]
    async fn repeated_page_does_not_hang_a_run() {
        let page = "{\"tickets\": [{\"id\": 1}], \"total\": 2}";
        let stub = Stub::new(move |_, _| json(page)).await;
        let settings = Settings {
            base: stub.base.join("api/v2/").unwrap(),
            api_key: "KEY".into(),
            all_workspaces: false,
            http: HttpSettings::default(),
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let builder = Codex::builder(file.to_str().unwrap());
        let codex = builder.source(History::new(settings));
        let codex = codex.open().await.unwrap();
        let scope = Scope::system();
        let run = codex.sync(&scope, SyncKind::TicketHistory);
        let wait_timeout = std::time::Duration::from_secs(60);
        let job = tokio::time::timeout(wait_timeout, Box::pin(run)).await;
        let job = job.unwrap().unwrap();
        assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);
        let reported = |issue: &String| issue.contains("the vendor counts 2, 1 arrived");
        let issues = job.report.issues;
        assert!(issues.iter().any(reported), "{issues:?}");
    }
}
