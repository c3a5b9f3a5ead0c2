//! Changes of tickets on their way to the PSA.

use chrono::Duration;
use codex_core::{
    Error, Role, Scope,
    outbox::{OutboxEntry, OutboxState},
    records::Author,
    sync::{SyncKind, freshservice::TicketClient},
    tickets::wire::TicketUpdateIn,
};
use codex_tests::{
    harness::{
        bench::{TestBench, account, quick},
        database::TestDatabase,
    },
    on_each_engine,
    sim::fault::{FaultKind, When},
};
use serde_json::json;

/// A bench with tickets, in the vendor's time.
struct Desked(TestBench);

impl Desked {
    async fn on(database: TestDatabase) -> anyhow::Result<Self> {
        let bench = TestBench::on(database).await?;
        {
            let mut world = bench.world.lock();
            let behind = bench.codex.now() - world.now;
            world.tick(behind);
            for id in [5, 6] {
                world.set_ticket(id, &json!({"status": 2}));
            }
        }
        bench.sync(SyncKind::Tickets).await?;
        Ok(Self(bench))
    }
}

async fn update(bench: &TestBench, number: i64, status: &str, note: &str) -> anyhow::Result<()> {
    let author = Author::new("user-1", bench.codex.now());
    let update = TicketUpdateIn {
        status: Some(status.into()),
        notes: Some(note.into()),
        ..TicketUpdateIn::default()
    };
    let system = Scope::system();
    let done = bench.codex.update_ticket(&system, &author, number, &update);
    anyhow::ensure!(done.await?.is_some(), "no ticket {number}");
    Ok(())
}

/// The vendor's status of a ticket, and how often it has a note.
fn at_vendor(bench: &TestBench, number: i64, note: &str) -> (i64, usize) {
    let world = bench.world.lock();
    let Some(ticket) = world.ticket(number) else {
        return (0, 0);
    };
    let notes = ticket.conversations().into_iter();
    let notes = notes.filter(|said| said["body_text"] == note && said["private"] == true);
    (ticket.body["status"].as_i64().unwrap_or(0), notes.count())
}

/// The states of the changes, the oldest first.
async fn states(bench: &TestBench) -> anyhow::Result<Vec<OutboxState>> {
    let entries = bench.codex.outbox(&Scope::system(), None).await?;
    Ok(entries.iter().rev().map(|entry| entry.state).collect())
}

async fn last(bench: &TestBench) -> anyhow::Result<OutboxEntry> {
    let entries = bench.codex.outbox(&Scope::system(), None).await?;
    entries
        .into_iter()
        .next()
        .ok_or_else(|| anyhow::anyhow!("nothing"))
}

async fn execute(bench: &TestBench, sql: &'static str) -> anyhow::Result<u64> {
    let mut tx = bench.db().begin().await?;
    let rows = tx.query(sql).execute().await?;
    tx.commit().await?;
    Ok(rows)
}

/// Tries what is due until nothing is, over all pauses.
async fn send_all(bench: &TestBench) -> anyhow::Result<()> {
    for _ in 0..40 {
        bench.codex.send_outbox().await?;
        let pending = bench
            .codex
            .outbox(&Scope::system(), Some(OutboxState::Pending))
            .await?;
        if pending.is_empty() {
            return Ok(());
        }
        bench.clock.advance(Duration::hours(2));
        bench.world.lock().tick(Duration::hours(2));
    }
    anyhow::bail!("no end of it")
}

const NOTE: &str = "Called <b> & back\nat noon";

on_each_engine! {
    async fn change_reaches_the_psa_and_returns_as_one(desked: Desked) -> TestResult {
        let Desked(bench) = desked;
        let system = Scope::system();
        let before = bench.codex.ticket(&system, 5).await?.unwrap().1.len();
        update(&bench, 5, "pending", NOTE).await?;
        assert_eq!(at_vendor(&bench, 5, NOTE), (2, 0), "not before it is sent");
        assert_eq!(bench.codex.send_outbox().await?, 2);
        assert_eq!(at_vendor(&bench, 5, NOTE), (3, 1));
        assert_eq!(states(&bench).await?, [OutboxState::Done; 2]);
        assert_eq!(bench.codex.send_outbox().await?, 0);
        bench.world.lock().tick(Duration::minutes(10));
        bench.world.lock().set_ticket(5, &json!({"priority": 4})).unwrap();
        bench.clock.advance(Duration::minutes(10));
        bench.sync(SyncKind::Tickets).await?;
        let (ticket, said) = bench.codex.ticket(&system, 5).await?.unwrap();
        assert_eq!((ticket.fields.status_id, said.len()), (Some(3), before + 1), "the note is one");
        let own = said.iter().find(|said| said.source == "manual").unwrap();
        // Whoever wrote it has no login name.
        assert_eq!((own.body.as_deref(), own.author.as_deref()), (Some(NOTE), Some("unknown")));
        Ok(())
    }

    async fn newer_status_at_the_psa_is_not_overwritten(desked: Desked) -> TestResult {
        let Desked(bench) = desked;
        update(&bench, 5, "closed", "").await?;
        bench.world.lock().tick(Duration::minutes(1));
        bench.world.lock().set_ticket(5, &json!({"status": 8})).unwrap();
        bench.clock.advance(Duration::minutes(1));
        send_all(&bench).await?;
        assert_eq!(at_vendor(&bench, 5, "").0, 8);
        let entry = last(&bench).await?;
        assert_eq!(entry.state, OutboxState::Superseded);
        assert!(entry.last_error.unwrap().contains("meanwhile"));
        let shown = bench.codex.ticket(&Scope::system(), 5).await?.unwrap().0;
        assert_eq!(shown.fields.status_id, Some(8), "and it is shown at once");
        bench.codex.retry_outbox(&Scope::system(), entry.id).await?.unwrap();
        send_all(&bench).await?;
        assert_eq!(at_vendor(&bench, 5, "").0, 5, "a person insists");
        Ok(())
    }

    async fn second_change_replaces_our_own_first(desked: Desked) -> TestResult {
        let Desked(bench) = desked;
        update(&bench, 5, "pending", "").await?;
        update(&bench, 5, "resolved", "").await?;
        send_all(&bench).await?;
        assert_eq!(states(&bench).await?, [OutboxState::Superseded, OutboxState::Done]);
        assert_eq!(at_vendor(&bench, 5, "").0, 4);
        // The first is written, and its answer is lost; then comes the second.
        bench.freshservice.faults().add("/api/v2/tickets/5", When::Nth(2), FaultKind::DropConnection);
        update(&bench, 5, "open", "").await?;
        bench.codex.send_outbox().await?;
        assert_eq!(at_vendor(&bench, 5, "").0, 2);
        bench.freshservice.faults().clear();
        update(&bench, 5, "closed", "").await?;
        send_all(&bench).await?;
        assert_eq!(at_vendor(&bench, 5, "").0, 5);
        assert_eq!(states(&bench).await?[2..], [OutboxState::Done; 2]);
        Ok(())
    }

    async fn note_is_never_written_twice(desked: Desked) -> TestResult {
        let Desked(bench) = desked;
        for (n, kind) in [FaultKind::DropConnection, FaultKind::Status(500), FaultKind::Html, FaultKind::HalfBody, FaultKind::Status(429)]
            .into_iter().enumerate()
        {
            let text = format!("{NOTE} {n}");
            // It has arrived, and nobody here knows.
            bench.freshservice.faults().add("/api/v2/tickets/6/notes", When::Nth(1), kind);
            update(&bench, 6, "open", &text).await?;
            send_all(&bench).await?;
            bench.freshservice.faults().clear();
            assert_eq!(at_vendor(&bench, 6, &text).1, 1, "note {n}");
            assert_eq!(last(&bench).await?.state, OutboxState::Done);
        }
        // The same words again are another note.
        for times in 1..=2 {
            update(&bench, 6, "open", "No answer").await?;
            bench.freshservice.faults().add("/api/v2/tickets/6/notes", When::Nth(1), FaultKind::DropConnection);
            send_all(&bench).await?;
            bench.freshservice.faults().clear();
            assert_eq!(at_vendor(&bench, 6, "No answer").1, times);
        }
        Ok(())
    }

    async fn refused_changes_are_reported_and_outages_retried(desked: Desked) -> TestResult {
        let Desked(mut owned) = desked;
        let bench = &mut owned;
        bench.freshservice.stop().await;
        update(bench, 5, "closed", NOTE).await?;
        bench.codex.send_outbox().await?;
        let waiting = last(bench).await?;
        assert_eq!((waiting.state, waiting.attempts), (OutboxState::Pending, 1));
        assert!(waiting.last_error.is_some() && waiting.next_at > bench.codex.now());
        assert_eq!(bench.codex.send_outbox().await?, 0, "not before its time");
        bench.freshservice.start_again().await?;
        send_all(bench).await?;
        assert_eq!(at_vendor(bench, 5, NOTE), (5, 1));
        bench.freshservice.faults().add("/api/v2/tickets/6", When::Always, FaultKind::Status(400));
        update(bench, 6, "closed", "").await?;
        send_all(bench).await?;
        let refused = last(bench).await?;
        assert_eq!((refused.state, refused.attempts), (OutboxState::Failed, 1));
        bench.freshservice.faults().clear();
        bench.freshservice.faults().add("/api/v2/tickets/6", When::Always, FaultKind::Status(500));
        bench.codex.retry_outbox(&Scope::system(), refused.id).await?.unwrap();
        let error = bench.codex.retry_outbox(&Scope::system(), refused.id).await.unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
        send_all(bench).await?;
        assert_eq!(last(bench).await?.state, OutboxState::Failed, "every retry ends");
        Ok(())
    }

    async fn change_dated_by_a_wrong_clock_is_sent(desked: Desked) -> TestResult {
        let Desked(bench) = desked;
        bench.clock.advance(Duration::days(400));
        update(&bench, 5, "closed", NOTE).await?;
        bench.clock.advance(-Duration::days(400));
        assert_eq!(bench.codex.send_outbox().await?, 2);
        assert_eq!(at_vendor(&bench, 5, NOTE), (5, 1));
        Ok(())
    }

    async fn two_processes_send_a_change_once(desked: Desked) -> TestResult {
        let Desked(bench) = desked;
        let other = bench.second(|builder| builder).await?;
        for n in 0..10 {
            update(&bench, 5, if n % 2 == 0 { "pending" } else { "open" }, &format!("Note {n}")).await?;
            let (one, two) = tokio::join!(bench.codex.send_outbox(), other.send_outbox());
            assert_eq!(one? + two?, 2, "round {n}");
            assert_eq!(at_vendor(&bench, 5, &format!("Note {n}")), (if n % 2 == 0 { 3 } else { 2 }, 1));
        }
        other.close().await;
        Ok(())
    }

    async fn sender_that_was_suspended_writes_nothing(desked: Desked) -> TestResult {
        let Desked(bench) = desked;
        update(&bench, 5, "closed", "").await?;
        // Its answer to the question comes when its time is up.
        bench.freshservice.faults().add("/api/v2/tickets/5", When::Nth(1), FaultKind::Hang(std::time::Duration::from_millis(600)));
        let clock = bench.clock.clone();
        let (sent, ()) = tokio::join!(bench.codex.send_outbox(), async {
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
            clock.advance(Duration::minutes(11));
        });
        assert_eq!(sent?, 1);
        assert_eq!(at_vendor(&bench, 5, "").0, 2);
        assert_eq!(last(&bench).await?.state, OutboxState::Pending);
        send_all(&bench).await?;
        assert_eq!(at_vendor(&bench, 5, "").0, 5);
        Ok(())
    }

    async fn nothing_is_sent_while_writing_is_off(desked: Desked) -> TestResult {
        let Desked(bench) = desked;
        let ticket_client = TicketClient::new(account(bench.freshservice.url(), quick())?, false);
        let quiet = bench.second(|builder| builder.tickets(ticket_client)).await?;
        let (system, author) = (Scope::system(), Author::new("user-1", bench.codex.now()));
        let change = TicketUpdateIn { status: Some("closed".into()), ..TicketUpdateIn::default() };
        quiet.update_ticket(&system, &author, 5, &change).await?;
        assert!(states(&bench).await?.is_empty(), "nothing is put on its way");
        assert_eq!(quiet.send_outbox().await?, 0);
        // What an older version kept while writing was off.
        update(&bench, 5, "closed", "").await?;
        execute(&bench, "update outbox set state = 'off'").await?;
        let entry = last(&bench).await?;
        assert_eq!(entry.state, OutboxState::Off);
        assert!(matches!(quiet.retry_outbox(&system, entry.id).await, Err(Error::Conflict { .. })));
        assert_eq!(bench.codex.send_outbox().await?, 0, "not by itself, later either");
        assert_eq!(at_vendor(&bench, 5, "").0, 2);
        assert!(bench.codex.retry_outbox(&Scope::staff(Role::Billing), entry.id).await.is_err());
        assert!(bench.codex.outbox(&Scope::staff(Role::Client), None).await.is_err());
        bench.codex.cancel_outbox(&system, &author, entry.id).await?.unwrap();
        let error = bench.codex.cancel_outbox(&system, &author, entry.id).await.unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
        assert!(bench.codex.cancel_outbox(&system, &author, 999).await?.is_none());
        bench.codex.retry_outbox(&system, entry.id).await?.unwrap();
        send_all(&bench).await?;
        assert_eq!(at_vendor(&bench, 5, "").0, 5);
        quiet.close().await;
        Ok(())
    }

    async fn old_finished_changes_are_removed_and_others_kept(desked: Desked) -> TestResult {
        let Desked(bench) = desked;
        update(&bench, 5, "pending", "").await?;
        send_all(&bench).await?;
        update(&bench, 6, "pending", "Waits").await?;
        // 1,600 that ended, 800 that never did; the clock stands at 5 January 2026.
        let old = "insert into outbox (number, kind, base_status_ids, author, created_at, state, attempts, next_at, \
            finished_at) with recursive n (n) as (select 1 union all select n + 1 from n where n < 800) \
            select n, 'status', '[]', 'user-1', $1, $2, 1, $1, $3 from n";
        let created = bench.codex.now() - Duration::days(100);
        let ended = |state| match state {
            OutboxState::Pending => None,
            _ => Some(created),
        };
        for state in [OutboxState::Done, OutboxState::Failed, OutboxState::Pending] {
            let mut tx = bench.db().begin().await?;
            tx.query(old).bind(created).bind(state).bind(ended(state)).execute().await?;
            tx.commit().await?;
        }
        execute(&bench, "update outbox set finished_at = '2026-01-04 00:00:00+00:00' where number = 77 and state = 'done'")
            .await?;
        assert_eq!(bench.codex.tidy_outbox().await?, 1_599);
        assert_eq!(bench.codex.tidy_outbox().await?, 0);
        // What was sent just now, the two that wait, 800 that wait since long ago, the one that ended yesterday.
        assert_eq!(bench.count("select count(*) from outbox").await?, 1 + 2 + 800 + 1);
        Ok(())
    }
}

/// With many changes that have ended, one more costs as little as the first.
#[tokio::test]
async fn changes_of_a_ticket_are_found_by_an_index() -> anyhow::Result<()> {
    let database = TestDatabase::on(codex_tests::harness::database::sqlite()?).await?;
    let db = codex_core::store::Db::open(&database.url).await?;
    for sql in [
        "explain query plan select id from outbox where number = 5 and kind = 'status' and state = 'pending'",
        "explain query plan select id from outbox where state <> 'pending' and created_at < '2026' order by created_at limit 5",
    ] {
        let plan: Vec<(i64, i64, i64, String)> = db.query(sql).all().await?;
        let plan = plan
            .into_iter()
            .map(|step| step.3)
            .collect::<Vec<_>>()
            .join("; ");
        assert!(plan.contains("INDEX outbox_"), "{plan}");
        assert!(
            !plan.contains("TEMP B-TREE") && !plan.starts_with("SCAN outbox;"),
            "{plan}"
        );
    }
    Ok(())
}
