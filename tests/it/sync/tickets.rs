//! Tickets and their traps (vendors 4).

use chrono::Duration;
use codex_core::{
    Codex, Scope,
    jobs::JobStatus,
    list::PageRequest,
    records::Author,
    sync::{SyncKind, freshservice::History},
    tickets::{query::TicketFilter, wire::TicketUpdateIn},
};
use codex_tests::{
    harness::{
        bench::{LargeBench, TestBench, account, quick},
        database::TestDatabase,
    },
    on_each_engine,
    sim::{
        Size, World, datto,
        fault::{FaultKind, When},
        freshservice,
        world::tickets::Ticket,
    },
};
use serde_json::json;

/// A bench with a world to be read by eye.
struct Small(TestBench);

impl Small {
    async fn on(database: TestDatabase) -> anyhow::Result<Self> {
        let limits = false;
        let options = freshservice::Options {
            limits,
            links_keep_filters: false,
            ..Default::default()
        };
        let datto = datto::Options {
            limits,
            ..Default::default()
        };
        let bench =
            TestBench::with(database, World::generate(Size::Tiny, 7), options, datto).await?;
        bench.sync(SyncKind::Psa).await?;
        bench.sync(SyncKind::Tickets).await?;
        Ok(Self(bench))
    }
}

/// What Codex says of a ticket: status number, closed at, hours, conversations.
async fn stored(
    bench: &TestBench,
    number: i64,
) -> anyhow::Result<Option<(Option<i64>, bool, Option<i64>, usize)>> {
    let found = bench.codex.ticket(&Scope::system(), number).await?;
    Ok(found.map(|(ticket, said)| {
        (
            ticket.fields.status_id,
            ticket.fields.closed_at.is_some(),
            ticket.minutes,
            said.len(),
        )
    }))
}

on_each_engine! {
    async fn first_run_reads_every_ticket_with_its_details(bench: LargeBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        let job = bench.sync(SyncKind::Tickets).await?;
        assert_eq!(job.report.issues, Vec::<String>::new());
        assert_eq!(bench.live("tickets").await?, 600);
        let (said, minutes, entries) = {
            let world = bench.world.lock();
            let said: usize = world.tickets.iter().map(|ticket| ticket.conversations().len()).sum();
            let entries: usize = world.tickets.iter().map(|ticket| ticket.time_entries().len()).sum();
            let running: usize = world.tickets.iter().flat_map(Ticket::time_entries)
                .filter(|entry| entry["timer_running"] == true).count();
            let long: usize = world.tickets.iter().flat_map(Ticket::time_entries)
                .filter(|entry| entry["time_spent"] == "103:30" && entry["timer_running"] == false).count();
            (said, (entries - running - long) * 30 + long * 6_210, entries)
        };
        let count = |n: usize| i64::try_from(n).unwrap_or(-1);
        assert_eq!(bench.count("select count(*) from conversations where gone_at is null").await?, count(said));
        assert_eq!(bench.count("select count(*) from time_entries where gone_at is null").await?, count(entries));
        let worked = bench.count("select cast(sum(minutes) as bigint) from ticket_details").await?;
        assert_eq!(worked, count(minutes), "trap 28");
        assert!(bench.count("select count(*) from tickets where company_id is not null").await? > 400);
        let rows = "select (select count(*) from change_log) + (select count(*) from claims)";
        let before = bench.count(rows).await?;
        let calls = bench.freshservice.calls("");
        let again = bench.sync(SyncKind::Tickets).await?;
        assert_eq!(bench.count(rows).await?, before, "nothing changed writes nothing");
        assert_eq!(again.report.counts["ticket"].updated, 0);
        assert!(bench.freshservice.calls("") - calls <= 5, "form, list, deleted, spam");
        Ok(())
    }

    async fn changed_tickets_cost_a_list_and_two_calls_each(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Tickets).await?;
        {
            let mut world = bench.world.lock();
            world.tick(Duration::hours(1));
            for id in 1..=20 {
                world.set_ticket(id * 3, &json!({"priority": 4})).unwrap();
            }
        }
        bench.clock.advance(Duration::hours(1));
        let before = bench.freshservice.calls("tickets");
        let job = bench.sync(SyncKind::Tickets).await?;
        assert!(job.report.counts["ticket"].updated >= 10);
        let calls = bench.freshservice.calls("tickets") - before;
        assert!(calls <= 3 + 2 * 20 + 4, "{calls} calls");
        Ok(())
    }

    /// Traps 1 and 4. Every page keeps the time bound.
    async fn old_open_tickets_are_read_on_every_page(small: Small) -> TestResult {
        let Small(bench) = small;
        assert_eq!(bench.live("tickets").await?, 60);
        assert!(bench.count("select count(*) from tickets where opened_at < '2025-06-01T00:00:00Z'").await? > 5);
        Ok(())
    }

    /// Traps 9 and 10. A restored ticket has the same id.
    async fn deleted_and_spam_tickets_go_and_keep_their_ids(small: Small) -> TestResult {
        let Small(bench) = small;
        let row = "select id from tickets where number = 5";
        let id = bench.count(row).await?;
        bench.world.lock().tick(Duration::hours(1));
        bench.world.lock().set_ticket(5, &json!({"deleted": true})).unwrap();
        bench.world.lock().set_ticket(6, &json!({"spam": true})).unwrap();
        let job = bench.sync(SyncKind::Tickets).await?;
        assert_eq!(job.report.counts["ticket"].deleted, 2);
        assert_eq!((stored(&bench, 5).await?, stored(&bench, 6).await?), (None, None));
        assert_eq!(bench.count("select count(*) from time_entries where ticket_id = \
            (select id from tickets where number = 5) and gone_at is null").await?, 2, "hours are kept");
        bench.world.lock().tick(Duration::hours(1));
        bench.world.lock().set_ticket(5, &json!({"deleted": false})).unwrap();
        bench.sync(SyncKind::Tickets).await?;
        assert!(stored(&bench, 5).await?.is_some());
        assert_eq!(bench.count(row).await?, id);
        Ok(())
    }

    /// Trap 9.
    async fn purged_ticket_goes_after_two_runs(small: Small) -> TestResult {
        let Small(bench) = small;
        bench.world.lock().tick(Duration::hours(1));
        bench.world.lock().set_ticket(5, &json!({"priority": 4})).unwrap();
        // The list still shows it, the single view no longer has it.
        bench.freshservice.faults().add("/api/v2/tickets/5", When::Always, FaultKind::Status(404));
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(bench.live("tickets").await?, 60, "a first 404 proves nothing");
        bench.world.lock().purge_ticket(5).unwrap();
        bench.freshservice.faults().clear();
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(bench.live("tickets").await?, 59);
        Ok(())
    }

    /// Trap 8.
    async fn statuses_belong_to_the_account(small: Small) -> TestResult {
        let Small(bench) = small;
        bench.world.lock().tick(Duration::hours(1));
        for (id, status) in [(5, 6), (6, 7), (7, 28)] {
            bench.world.lock().set_ticket(id, &json!({"status": status})).unwrap();
        }
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(bench.live("tickets").await?, 60);
        let statuses = bench.codex.ticket_statuses().await?;
        assert_eq!(statuses.of(6).word, "waiting_customer");
        assert_eq!(statuses.of(28).label, "Status 28");
        let filter = TicketFilter { statuses: Some(statuses.ids("status_28")), ..TicketFilter::default() };
        let found = bench.codex.tickets_page(&Scope::system(), &filter, &PageRequest::default()).await?;
        assert!(found.items.iter().any(|ticket| ticket.fields.number == 7));
        Ok(())
    }

    /// Trap 7. Across pages and runs.
    async fn changes_within_one_second_are_all_read(bench: LargeBench) -> TestResult {
        bench.sync(SyncKind::Tickets).await?;
        {
            let mut world = bench.world.lock();
            world.tick(Duration::hours(1));
            for id in 1..=250 {
                world.set_ticket(id, &json!({"priority": 4})).unwrap();
            }
        }
        bench.clock.advance(Duration::hours(1));
        bench.sync(SyncKind::Tickets).await?;
        let urgent = "select count(*) from tickets where priority_id = 4 and number <= 250";
        assert_eq!(bench.count(urgent).await?, 250);
        // Within the second in which the last run has ended its list.
        bench.world.lock().set_ticket(251, &json!({"subject": "The same second"})).unwrap();
        bench.sync(SyncKind::Tickets).await?;
        let late = "select count(*) from tickets where subject = 'The same second'";
        assert_eq!(bench.count(late).await?, 1);
        Ok(())
    }

    /// Trap 11.
    async fn children_of_a_deleted_request_are_deleted(small: Small) -> TestResult {
        let Small(bench) = small;
        bench.world.lock().tick(Duration::hours(1));
        bench.clock.advance(Duration::hours(1));
        {
            let mut world = bench.world.lock();
            world.set_ticket(20, &json!({"deleted": true})).unwrap();
            // The children vanish without a word.
            world.purge_ticket(21).unwrap();
            world.purge_ticket(22).unwrap();
        }
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(bench.live("tickets").await?, 59, "the parent");
        for _ in 0..2 {
            bench.sync(SyncKind::TicketHistory).await?;
        }
        assert_eq!(bench.live("tickets").await?, 57);
        Ok(())
    }

    /// Trap 12.
    async fn forgotten_person_goes_and_worked_time_stays(small: Small) -> TestResult {
        let Small(bench) = small;
        let (person, theirs) = {
            let world = bench.world.lock();
            let person = world.requesters[1]["id"].as_i64().unwrap();
            let theirs = world.tickets.iter().filter(|ticket| ticket.body["requester_id"] == person).map(Ticket::id);
            (person, theirs.collect::<Vec<_>>())
        };
        assert!(!theirs.is_empty() && theirs.len() <= 6, "{theirs:?}");
        let worked = bench.count("select count(*) from time_entries").await?;
        let contacts = bench.live("contacts").await?;
        {
            let mut world = bench.world.lock();
            world.forget_requester(person).unwrap();
            for id in &theirs {
                world.purge_ticket(*id).unwrap();
            }
        }
        for _ in 0..2 {
            bench.sync(SyncKind::Psa).await?;
            bench.sync(SyncKind::TicketHistory).await?;
        }
        assert_eq!(bench.live("contacts").await?, contacts - 1);
        assert_eq!(bench.live("tickets").await?, 60 - i64::try_from(theirs.len())?);
        // Deleted, not erased: bills can be explained.
        assert_eq!(bench.count("select count(*) from time_entries").await?, worked);
        assert_eq!(bench.count("select count(*) from tickets").await?, 60);
        assert_eq!(bench.count("select count(*) from contacts").await?, contacts);
        Ok(())
    }

    /// Trap 30.
    async fn reopened_ticket_is_not_closed(small: Small) -> TestResult {
        let Small(bench) = small;
        let closed = { bench.world.lock().tickets.iter().find(|t| t.body["status"] == 5).unwrap().id() };
        assert!(stored(&bench, closed).await?.unwrap().1);
        bench.world.lock().tick(Duration::hours(1));
        bench.world.lock().change_ticket(closed, |ticket| {
            ticket.body.insert("status".into(), json!(2));
            ticket.stats["closed_at"] = json!(null);
        }).unwrap();
        bench.sync(SyncKind::Tickets).await?;
        let (status, is_closed, ..) = stored(&bench, closed).await?.unwrap();
        assert_eq!((status, is_closed), (Some(2), false));
        Ok(())
    }

    /// Trap 26. One that the vendor removes is removed here.
    async fn every_conversation_of_a_long_ticket_is_read(small: Small) -> TestResult {
        let Small(bench) = small;
        assert_eq!(stored(&bench, 41).await?.unwrap().3, 131);
        bench.world.lock().tick(Duration::hours(1));
        bench.world.lock().unsay(41).unwrap();
        bench.world.lock().say(4, false, "One more").unwrap();
        bench.world.lock().work(4, "01:15").unwrap();
        let before = stored(&bench, 4).await?.unwrap();
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(stored(&bench, 41).await?.unwrap().3, 130);
        let after = stored(&bench, 4).await?.unwrap();
        assert_eq!((after.2, after.3), (before.2.map(|minutes| minutes + 75), before.3 + 1));
        Ok(())
    }

    /// Traps 13, 14 and 15. So is one that an agent requested.
    async fn ticket_without_a_known_department_is_kept(small: Small) -> TestResult {
        let Small(bench) = small;
        let without = "select count(*) from tickets where department_id is null and company_id is not null";
        assert!(bench.count(without).await? > 0, "the requester's only company");
        let dangling = "select count(*) from tickets where department_id = 999999999998 and company_id is null";
        assert!(bench.count(dangling).await? > 0);
        let (ticket, _) = bench.codex.ticket(&Scope::system(), 5).await?.unwrap();
        assert!(ticket.requester.is_some_and(|name| !name.is_empty()));
        // The department of a ticket arrives later.
        let late = bench.world.lock().departments.remove(1);
        let id = late["id"].clone();
        bench.world.lock().departments.push(late);
        bench.world.lock().tick(Duration::hours(1));
        bench.world.lock().set_ticket(6, &json!({"department_id": id})).unwrap();
        bench.sync(SyncKind::Tickets).await?;
        let (ticket, _) = bench.codex.ticket(&Scope::system(), 6).await?.unwrap();
        assert_eq!(ticket.account_number.as_deref(), Some("100001"));
        Ok(())
    }

    /// The next run resumes at the same place.
    async fn failed_list_of_tickets_loses_nothing(small: Small) -> TestResult {
        let Small(bench) = small;
        bench.world.lock().tick(Duration::hours(1));
        bench.world.lock().set_ticket(5, &json!({"status": 3})).unwrap();
        for kind in [FaultKind::Status(401), FaultKind::Status(404), FaultKind::Status(500), FaultKind::Html, FaultKind::HalfBody, FaultKind::NullBody] {
            bench.freshservice.faults().add("/api/v2/tickets", When::Always, kind.clone());
            let job = bench.run(SyncKind::Tickets).await?;
            assert_eq!(job.status, JobStatus::Failed, "{kind:?}");
            bench.freshservice.faults().clear();
        }
        assert_eq!(bench.live("tickets").await?, 60);
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(stored(&bench, 5).await?.unwrap().0, Some(3));
        Ok(())
    }

    async fn filter_ignored_by_the_vendor_deletes_nothing(small: Small) -> TestResult {
        let Small(bench) = small;
        // As if `filter=deleted` were not understood: live tickets come instead.
        bench.world.lock().tick(Duration::hours(1));
        bench.world.lock().set_ticket(5, &json!({"priority": 3})).unwrap();
        bench.freshservice.faults().add("/api/v2/tickets", When::Page(1), FaultKind::Repeat);
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(bench.live("tickets").await?, 60);
        Ok(())
    }

    /// Notes stay.
    async fn edit_holds_until_the_psa_changes_that_field(small: Small) -> TestResult {
        let Small(bench) = small;
        let (system, author) = (Scope::system(), Author::new("user-1", bench.codex.now()));
        bench.world.lock().tick(Duration::hours(1));
        bench.world.lock().set_ticket(5, &json!({"status": 2})).unwrap();
        bench.sync(SyncKind::Tickets).await?;
        let before = stored(&bench, 5).await?.unwrap().3;
        let update = TicketUpdateIn {
            status: Some("On Hold".into()),
            notes: Some("Called back".into()),
            ..TicketUpdateIn::default()
        };
        assert!(bench.codex.update_ticket(&system, &author, 5, &update).await?.is_some());
        assert!(bench.codex.update_ticket(&system, &author, 999_999, &update).await?.is_none());
        let bad = TicketUpdateIn { status: Some("Nonsense".into()), ..TicketUpdateIn::default() };
        let error = bench.codex.update_ticket(&system, &author, 5, &bad).await.unwrap_err();
        assert!(error.to_string().starts_with("status: "), "{error}");
        bench.world.lock().tick(Duration::hours(1));
        bench.world.lock().set_ticket(5, &json!({"priority": 4})).unwrap();
        bench.sync(SyncKind::Tickets).await?;
        let (status, .., said) = stored(&bench, 5).await?.unwrap();
        assert_eq!((status, said), (Some(9), before + 1), "another field changed");
        bench.world.lock().tick(Duration::hours(1));
        bench.world.lock().set_ticket(5, &json!({"status": 3})).unwrap();
        bench.sync(SyncKind::Tickets).await?;
        let (status, .., said) = stored(&bench, 5).await?.unwrap();
        assert_eq!((status, said), (Some(3), before + 1), "the PSA's status changed");
        Ok(())
    }

    /// Traps 2 and 3.
    async fn history_is_read_in_windows_to_the_first_ticket(bench: LargeBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        let job = bench.sync(SyncKind::TicketHistory).await?;
        assert_eq!(job.report.issues, Vec::<String>::new());
        assert_eq!(bench.live("tickets").await?, 600);
        assert_eq!(bench.count("select count(*) from ticket_details where details_of is null").await?, 0);
        let rows = "select (select count(*) from change_log) + (select count(*) from claims)";
        let before = bench.count(rows).await?;
        bench.sync(SyncKind::TicketHistory).await?;
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(bench.count(rows).await?, before, "three shapes of one ticket say the same");
        Ok(())
    }

    async fn interrupted_history_resumes_where_it_was(bench: LargeBench) -> TestResult {
        bench.freshservice.faults().add("/api/v2/tickets/filter", When::Nth(8), FaultKind::Status(401));
        let cut = bench.run(SyncKind::TicketHistory).await?;
        assert_eq!(cut.status, JobStatus::Failed);
        bench.freshservice.faults().clear();
        let some = bench.live("tickets").await?;
        assert!((1..600).contains(&some), "{some}");
        let before = bench.freshservice.calls("tickets/filter");
        bench.sync(SyncKind::TicketHistory).await?;
        assert_eq!(bench.live("tickets").await?, 600);
        let rest = bench.freshservice.calls("tickets/filter") - before;
        bench.sync(SyncKind::TicketHistory).await?;
        let whole = bench.freshservice.calls("tickets/filter") - before - rest;
        assert!(rest < whole, "{rest} calls after the cut, {whole} for all of it");
        Ok(())
    }

    /// Trap 71. A vendor that lists nothing has erased nothing.
    async fn history_detects_an_erased_ticket(small: Small) -> TestResult {
        let Small(bench) = small;
        bench.sync(SyncKind::TicketHistory).await?;
        bench.freshservice.faults().add("/api/v2/tickets/filter", When::Always, FaultKind::EmptyList);
        bench.sync(SyncKind::TicketHistory).await?;
        assert_eq!(bench.live("tickets").await?, 60);
        bench.freshservice.faults().clear();
        bench.world.lock().purge_ticket(30).unwrap();
        for expected in [60, 59] {
            bench.sync(SyncKind::TicketHistory).await?;
            assert_eq!(bench.live("tickets").await?, expected);
        }
        Ok(())
    }

    /// Trap 34.
    async fn tickets_of_other_workspaces_are_read_on_request(database: TestDatabase) -> TestResult {
        let vendor = freshservice::Options { limits: false, second_workspace: true, ..Default::default() };
        let rmm = datto::Options { limits: false, ..Default::default() };
        let bench = TestBench::with(database, World::generate(Size::Tiny, 7), vendor, rmm).await?;
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(bench.live("tickets").await?, 48);
        let mut settings = account(bench.freshservice.url(), quick())?;
        settings.all_workspaces = true;
        let codex = Codex::builder(bench.database.url.clone())
            .clock(bench.clock.clone())
            .source(History::new(settings))
            .open()
            .await?;
        let job = codex.sync(&Scope::system(), SyncKind::TicketHistory).await?;
        assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);
        assert_eq!(bench.live("tickets").await?, 60);
        bench.sync(SyncKind::TicketHistory).await?;
        assert_eq!(bench.live("tickets").await?, 60, "a key that sees less deletes nothing (trap 32)");
        Ok(())
    }

    /// The next run reads the rest.
    async fn light_run_reads_lists_only(bench: LargeBench) -> TestResult {
        let light = bench.sync(SyncKind::TicketsLight).await?;
        assert_eq!(light.report.counts["ticket"].created, 600);
        assert_eq!(bench.count("select count(*) from conversations").await?, 0);
        assert_eq!(bench.freshservice.calls("tickets/"), 0);
        Ok(())
    }
}
