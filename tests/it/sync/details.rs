//! What belongs to a ticket, when some of it cannot be read, comes twice or is not in the account.

use chrono::Duration;
use codex_core::{Scope, jobs::Job, sync::SyncKind};
use codex_tests::{
    harness::{TestResult, bench::TestBench, database::TestDatabase},
    on_each_engine,
    sim::fault::{FaultKind, When},
};
use serde_json::{Value, json};

use super::tiny_bench;

const TIME_ENTRIES: &str = "/api/v2/tickets/*/time_entries";

/// Minutes and how much was said on a ticket.
async fn details(bench: &TestBench, number: i64) -> anyhow::Result<(Option<i64>, usize)> {
    let found = bench.codex.ticket(&Scope::system(), number).await?;
    let (ticket, said) = found.ok_or_else(|| anyhow::anyhow!("no ticket {number}"))?;
    Ok((ticket.minutes, said.len()))
}

/// The issues that hold a word.
fn issues<'j>(job: &'j Job, word: &str) -> Vec<&'j String> {
    let issues = job.report.issues.iter();
    issues.filter(|issue| issue.contains(word)).collect()
}

fn entry(id: i64, spent: &Value) -> Value {
    json!({"id": id, "agent_id": null, "note": "Looked into it", "billable": true, "timer_running": false,
        "task_id": 77, "start_time": "2026-01-05T08:00:00Z", "time_spent": spent})
}

/// Conversations arrive, hours are unknown, one issue says so, and few calls are wasted.
async fn without_time_entries(database: TestDatabase, status: u16) -> TestResult {
    let bench = tiny_bench(database).await?;
    let faults = bench.freshservice.faults();
    faults.add(TIME_ENTRIES, When::Always, FaultKind::Status(status));
    let job = bench.sync(SyncKind::Tickets).await?;
    let [issue] = job.report.issues.as_slice() else {
        panic!("{:?}", job.report.issues)
    };
    assert!(
        issue.contains("60 tickets still lack their time_entries"),
        "{issue}"
    );
    assert!(
        issue.contains("the plan or the key may lack them"),
        "{issue}"
    );
    let said: usize = {
        let world = bench.world.lock();
        world
            .tickets
            .iter()
            .map(|ticket| ticket.conversations().len())
            .sum()
    };
    let stored = "select count(*) from conversations where gone_at is null";
    assert_eq!(bench.count(stored).await?, i64::try_from(said)?);
    assert_eq!(details(&bench, 5).await?.0, None, "unknown, not 0");
    let of = |id: i64| {
        bench
            .freshservice
            .calls(&format!("tickets/{id}/time_entries"))
    };
    let calls: u64 = (1..=60).map(of).sum();
    assert!(
        (1..=12).contains(&calls),
        "{calls} calls for what is not there"
    );
    // The account gets the feature: what was pending arrives.
    faults.clear();
    bench.clock.advance(Duration::hours(1));
    let job = bench.sync(SyncKind::Tickets).await?;
    assert_eq!(job.report.issues, Vec::<String>::new());
    let unknown = "select count(*) from ticket_details where minutes is null";
    assert_eq!(bench.count(unknown).await?, 0);
    Ok(())
}

on_each_engine! {
    /// The last one wins.
    async fn details_listed_twice_are_stored_once(database: TestDatabase) -> TestResult {
        let bench = tiny_bench(database).await?;
        {
            let mut world = bench.world.lock();
            world.change_ticket(5, |ticket| {
                let mut said = ticket.conversations();
                let mut again = said[0].clone();
                again["body_text"] = json!("The last of two");
                said.push(again);
                ticket.set_conversations(said);
                ticket.set_time_entries(vec![entry(1, &json!("02:00")), entry(1, &json!("03:00"))]);
            }).unwrap();
            let mut twin = world.ticket(5).unwrap().clone();
            twin.body.insert("subject".into(), json!("The last of two"));
            let place = world.tickets.iter().position(|ticket| ticket.id() == 5).unwrap();
            world.tickets.insert(place, twin);
        }
        let job = bench.sync(SyncKind::Tickets).await?;
        assert_eq!(job.report.issues, Vec::<String>::new());
        assert_eq!(bench.live("tickets").await?, 60);
        assert_eq!(details(&bench, 5).await?, (Some(180), 5));
        let last = "select count(*) from conversations where body = 'The last of two'";
        assert_eq!(bench.count(last).await?, 1);
        Ok(())
    }

    async fn unreadable_item_is_skipped_and_reported_once(database: TestDatabase) -> TestResult {
        let bench = tiny_bench(database).await?;
        bench.world.lock().change_ticket(5, |ticket| {
            let spent = [json!("02:00"), json!("1.5"), json!("00:30"), json!(90)];
            let entries = (1..).zip(&spent).map(|(id, spent)| entry(id, spent));
            ticket.set_time_entries(entries.collect());
            let mut said = ticket.conversations();
            said.push(json!({"body": "nobody knows which"}));
            said.push(json!(7));
            ticket.set_conversations(said);
        }).unwrap();
        let job = bench.sync(SyncKind::Tickets).await?;
        assert_eq!(details(&bench, 5).await?, (Some(150), 5), "2.5 h, and everything said");
        assert_eq!(issues(&job, "time_spent").len(), 2, "{:?}", job.report.issues);
        assert_eq!(job.report.issue_count, 4, "{:?}", job.report.issues);
        assert_eq!(job.report.counts["time_entry"].failed, 2);
        assert_eq!(job.report.counts["conversation"].failed, 2);
        let kept = "select count(*) from time_entries where ticket_id = (select id from tickets where number = 5) \
            and gone_at is null and task_id = 77 and started_at is not null";
        assert_eq!(bench.count(kept).await?, 4, "an entry without a readable time is an entry");
        let again = bench.sync(SyncKind::Tickets).await?;
        assert_eq!(again.report.issues, Vec::<String>::new(), "reported once");
        Ok(())
    }

    async fn item_that_becomes_unreadable_removes_nothing(database: TestDatabase) -> TestResult {
        let bench = tiny_bench(database).await?;
        bench.sync(SyncKind::Tickets).await?;
        let before = details(&bench, 5).await?;
        bench.world.lock().tick(Duration::hours(1));
        bench.world.lock().change_ticket(5, |ticket| {
            let mut said = ticket.conversations();
            said[0].as_object_mut().unwrap().remove("id");
            ticket.set_conversations(said);
        }).unwrap();
        let job = bench.sync(SyncKind::Tickets).await?;
        assert_eq!(job.report.counts["conversation"].failed, 1);
        assert_eq!(details(&bench, 5).await?, before);
        Ok(())
    }

    async fn failed_details_arrive_after_the_cursor_moved_on(database: TestDatabase) -> TestResult {
        let bench = tiny_bench(database).await?;
        bench.sync(SyncKind::Tickets).await?;
        let before = details(&bench, 5).await?;
        let later = || {
            bench.world.lock().tick(Duration::hours(5));
            bench.clock.advance(Duration::hours(5));
            bench.world.lock().set_ticket(6, &json!({"priority": 4})).unwrap();
        };
        bench.world.lock().tick(Duration::hours(1));
        bench.world.lock().say(5, false, "One more").unwrap();
        bench.world.lock().work(5, "01:15").unwrap();
        bench.world.lock().set_ticket(7, &json!({"priority": 4})).unwrap();
        bench.freshservice.faults().add("/api/v2/tickets/5/time_entries", When::Always, FaultKind::Status(500));
        bench.freshservice.faults().add("/api/v2/tickets/7", When::Always, FaultKind::Status(400));
        let job = bench.sync(SyncKind::Tickets).await?;
        assert_eq!(details(&bench, 5).await?, (before.0, before.1 + 1), "what could be read is here");
        assert_eq!(issues(&job, "ticket 5 still lacks its time_entries").len(), 1, "{:?}", job.report.issues);
        assert_eq!(issues(&job, "ticket 7 still lacks its details").len(), 1, "{:?}", job.report.issues);
        assert_eq!(job.report.issue_count, 2, "{:?}", job.report.issues);
        later();
        let job = bench.sync(SyncKind::Tickets).await?;
        assert_eq!(job.report.issue_count, 2, "still pending: {:?}", job.report.issues);
        let light = bench.sync(SyncKind::TicketsLight).await?;
        assert_eq!(light.report.issue_count, 2, "every run says so: {:?}", light.report.issues);
        bench.freshservice.faults().clear();
        let asked = bench.freshservice.calls("tickets/5");
        let early = bench.sync(SyncKind::Tickets).await?;
        assert_eq!(bench.freshservice.calls("tickets/5"), asked, "not before its time: {:?}", early.report.issues);
        later();
        let job = bench.sync(SyncKind::Tickets).await?;
        assert_eq!(job.report.issues, Vec::<String>::new());
        assert_eq!(details(&bench, 5).await?, (before.0.map(|minutes| minutes + 75), before.1 + 1));
        assert_eq!(bench.count("select count(*) from ticket_details_owed").await?, 0);
        Ok(())
    }

    async fn owed_details_with_a_future_date_are_requested(database: TestDatabase) -> TestResult {
        let bench = tiny_bench(database).await?;
        bench.sync(SyncKind::Tickets).await?;
        bench.world.lock().tick(Duration::hours(1));
        bench.world.lock().work(5, "01:15").unwrap();
        bench.freshservice.faults().add("/api/v2/tickets/5/time_entries", When::Always, FaultKind::Status(500));
        bench.clock.advance(Duration::days(400));
        bench.sync(SyncKind::Tickets).await?;
        bench.clock.advance(-Duration::days(400));
        let owed = "select count(*) from ticket_details_owed";
        assert_eq!(bench.count(owed).await?, 1);
        bench.freshservice.faults().clear();
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(bench.count(owed).await?, 0);
        Ok(())
    }

    /// A time that has not come is no time: it would be newer than everything that follows.
    async fn future_dated_ticket_gets_its_details_once_a_run(database: TestDatabase) -> TestResult {
        let bench = tiny_bench(database).await?;
        let say = |dated_ahead: bool| {
            let mut world = bench.world.lock();
            world.tick(Duration::hours(1));
            bench.clock.advance(Duration::hours(1));
            world.say(5, false, "One more").unwrap();
            if dated_ahead {
                let ticket = world.tickets.iter_mut().find(|ticket| ticket.id() == 5).unwrap();
                ticket.body.insert("updated_at".into(), json!("2099-01-01T00:00:00Z"));
            }
        };
        bench.sync(SyncKind::Tickets).await?;
        let (_, before) = details(&bench, 5).await?;
        for more in 1..=3 {
            say(true);
            let calls = bench.freshservice.calls("tickets/5/time_entries");
            bench.sync(SyncKind::Tickets).await?;
            assert_eq!(details(&bench, 5).await?.1, before + more);
            assert_eq!(bench.freshservice.calls("tickets/5/time_entries"), calls + 1);
        }
        let ahead = "select count(*) from ticket_details where details_of > '2027-01-01T00:00:00Z'";
        assert_eq!(bench.count(ahead).await?, 0);
        // The vendor mends the date.
        say(false);
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(details(&bench, 5).await?.1, before + 4);
        let calls = bench.freshservice.calls("tickets/5/time_entries");
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(bench.freshservice.calls("tickets/5/time_entries"), calls, "as any other ticket");

        // Databases of older versions hold such times.
        let years_ahead = bench.codex.now() + Duration::days(20_000);
        let mut tx = bench.db().begin().await?;
        for sql in [
            "update ticket_details set details_of = $1",
            "update claims set source_updated_at = $1 where kind = 'ticket'",
        ] {
            tx.query(sql).bind(years_ahead).execute().await?;
        }
        tx.commit().await?;
        say(false);
        bench.world.lock().set_ticket(6, &json!({"subject": "Mended"})).unwrap();
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(details(&bench, 5).await?.1, before + 5);
        let mended = "select count(*) from tickets where subject = 'Mended'";
        assert_eq!(bench.count(mended).await?, 1);
        assert_eq!(bench.count(ahead).await?, 0, "all were read again");
        Ok(())
    }

    async fn full_run_reads_details_left_by_light_runs(database: TestDatabase) -> TestResult {
        let bench = tiny_bench(database).await?;
        for _ in 0..2 {
            bench.sync(SyncKind::TicketsLight).await?;
            bench.world.lock().tick(Duration::days(1));
            bench.clock.advance(Duration::days(1));
            bench.world.lock().set_ticket(6, &json!({"priority": 4})).unwrap();
        }
        assert_eq!(bench.count("select count(*) from ticket_details where details_of is not null").await?, 0);
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(bench.count("select count(*) from ticket_details where details_of is not null").await?, 60);
        Ok(())
    }

    async fn plan_without_time_entries_leaves_hours_unknown(database: TestDatabase) -> TestResult {
        without_time_entries(database, 403).await
    }

    async fn key_without_time_entries_leaves_hours_unknown(database: TestDatabase) -> TestResult {
        without_time_entries(database, 404).await
    }

    async fn forbidden_list_does_not_affect_others(database: TestDatabase) -> TestResult {
        let bench = tiny_bench(database).await?;
        for status in [403, 404] {
            bench.freshservice.faults().add("/api/v2/ticket_form_fields", When::Always, FaultKind::Status(status));
            let job = bench.sync(SyncKind::Tickets).await?;
            assert_eq!(bench.live("tickets").await?, 60);
            assert_eq!(job.report.issues.len(), 1, "{:?}", job.report.issues);
            assert!(job.report.issues[0].contains("names of statuses"), "{:?}", job.report.issues);
            bench.freshservice.faults().clear();
        }
        bench.freshservice.faults().add("/api/v2/agents", When::From(2), FaultKind::Status(403));
        let job = bench.sync(SyncKind::Psa).await?;
        assert_eq!(issues(&job, "agents could not be read").len(), 1, "{:?}", job.report.issues);
        assert!(!job.report.scopes["agents"].certified);
        assert!(bench.live("contacts").await? > 0 && bench.live("companies").await? > 0);
        Ok(())
    }

    async fn each_unavailable_datto_list_is_one_issue(database: TestDatabase) -> TestResult {
        let bench = tiny_bench(database).await?;
        bench.datto.faults().add("/api/v2/site/*/variables", When::Always, FaultKind::Status(403));
        bench.datto.faults().add("/api/v2/site/*/devices/network-interface", When::Always, FaultKind::Status(403));
        let job = bench.sync(SyncKind::Rmm).await?;
        assert_eq!(issues(&job, "the account gives no").len(), 2, "{:?}", job.report.issues);
        assert!(issues(&job, "site variables").len() == 1, "{:?}", job.report.issues);
        assert!(bench.live("assets").await? > 0);
        Ok(())
    }

    async fn text_cleared_at_the_vendor_is_cleared_and_not_found(database: TestDatabase) -> TestResult {
        let bench = tiny_bench(database).await?;
        let texts = |html: &str, text: &str| {
            bench.world.lock().tick(Duration::hours(1));
            bench.world.lock().set_ticket(5, &json!({"description": html, "description_text": text,
                "attachments": [{"name": "a.txt"}]})).unwrap();
        };
        let found = async || -> anyhow::Result<usize> {
            Ok(bench.codex.search(&Scope::system(), "xyzzypass", &[], 20).await?.count)
        };
        texts("<p>My word is xyzzypass</p>", "My word is xyzzypass");
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(found().await?, 1);
        texts("", "");
        bench.sync(SyncKind::Tickets).await?;
        let (ticket, _) = bench.codex.ticket(&Scope::system(), 5).await?.unwrap();
        assert_eq!((ticket.description, ticket.description_text), (None, None));
        assert_eq!(found().await?, 0);
        Ok(())
    }

    async fn companies_without_a_number_are_an_issue_with_a_remedy(database: TestDatabase) -> TestResult {
        let bench = tiny_bench(database).await?;
        let total = {
            let mut world = bench.world.lock();
            for department in &mut world.departments {
                department["custom_fields"] = json!({});
            }
            world.departments.len()
        };
        let job = bench.sync(SyncKind::Psa).await?;
        let [issue] = issues(&job, "account number")[..] else { panic!("{:?}", job.report.issues) };
        assert!(issue.contains(&format!("{total} of {total} companies")), "{issue}");
        assert!(issue.contains("`codexd accounts assign`"), "{issue}");
        Ok(())
    }
}
