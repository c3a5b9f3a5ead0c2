//! Events of tickets, in every order.

use chrono::Duration;
use codex_core::{
    EventOutcome, Scope,
    sync::{SyncKind, freshservice},
    tickets::TicketEvent,
};
use codex_tests::{
    harness::{
        bench::{LargeBench, TestBench},
        database::setting,
    },
    on_each_engine,
    sim::{
        fault::{FaultKind, When},
        freshservice::webhooks::event,
    },
};
use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};

fn read(body: &Value) -> anyhow::Result<TicketEvent> {
    Ok(freshservice::ticket_event(body.to_string().as_bytes())?)
}

/// Six things happen to a ticket; what is reported of each.
fn six_events(
    bench: &TestBench,
    id: i64,
    deleted_at_last: bool,
) -> anyhow::Result<Vec<TicketEvent>> {
    let changes = [
        ("ticket.updated", json!({"priority": 4})),
        (
            "ticket.updated",
            json!({"status": 3, "subject": "Read \"this\""}),
        ),
        ("ticket.updated", json!({"responder_id": null, "status": 5})),
        ("ticket.deleted", json!({"deleted": true})),
        ("ticket.updated", json!({"deleted": false, "status": 2})),
        if deleted_at_last {
            ("ticket.deleted", json!({"deleted": true}))
        } else {
            ("ticket.updated", json!({"status": 8, "group_id": null}))
        },
    ];
    let mut world = bench.world.lock();
    changes
        .iter()
        .map(|(name, members)| {
            world.tick(Duration::minutes(1));
            world.set_ticket(id, members);
            let ticket = world
                .ticket(id)
                .ok_or_else(|| anyhow::anyhow!("no ticket {id}"))?;
            read(&event(name, ticket))
        })
        .collect()
}

/// What is stored of a ticket.
async fn stored(bench: &TestBench, id: i64) -> anyhow::Result<Value> {
    let reported = bench.codex.ticket(&Scope::system(), id).await?;
    Ok(reported.map_or(Value::Null, |(ticket, said)| {
        json!({"fields": ticket.fields, "minutes": ticket.minutes, "said": said.len()})
    }))
}

on_each_engine! {
    /// Repeated events too.
    async fn events_in_any_order_end_in_the_same_state(bench: LargeBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        bench.sync(SyncKind::Tickets).await?;
        bench.clock.advance(Duration::days(1));
        let seed = setting("CODEX_TEST_SEED").map_or(Ok(11), |seed| seed.parse())?;
        println!("CODEX_TEST_SEED={seed}");
        let mut random = StdRng::seed_from_u64(seed);
        for id in 1..=60 {
            let deleted = id % 3 == 0;
            let mut events = six_events(&bench, id, deleted)?;
            events.extend(events.clone());
            events.shuffle(&mut random);
            let mut late = events.split_off(if id % 2 == 0 { 9 } else { 12 });
            for event in &events {
                bench.codex.ticket_event(&Scope::system(), event).await?;
            }
            if id % 2 == 0 {
                // A run in between, and the rest after it.
                bench.clock.advance(Duration::minutes(10));
                bench.sync(SyncKind::Tickets).await?;
                late.shuffle(&mut random);
            }
            for event in &late {
                bench.codex.ticket_event(&Scope::system(), event).await?;
            }
            let by_events = stored(&bench, id).await?;
            assert_eq!(by_events.is_null(), deleted, "ticket {id}, seed {seed}");
            if !deleted {
                assert_eq!(by_events["fields"]["status_id"], 8, "ticket {id}, seed {seed}");
            }
            bench.codex.refresh_ticket(&Scope::system(), id).await?;
            assert_eq!(stored(&bench, id).await?, by_events, "ticket {id}, seed {seed}");
        }
        bench.clock.advance(Duration::minutes(10));
        bench.sync(SyncKind::Tickets).await?;
        assert_eq!(bench.live("tickets").await?, 600 - 20);
        Ok(())
    }

    /// The newest wins.
    async fn events_apply_while_the_psa_is_down(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Tickets).await?;
        bench.clock.advance(Duration::days(1));
        bench.freshservice.faults().add("/api/v2/tickets/", When::Always, FaultKind::Status(500));
        let mut random = StdRng::seed_from_u64(5);
        for id in 1..=20 {
            let mut events = six_events(&bench, id, false)?;
            events.retain(|event| !event.deleted);
            events.extend(events.clone());
            events.shuffle(&mut random);
            for event in &events {
                // A failure says that it should come again; one that passed is for good.
                let _ = bench.codex.ticket_event(&Scope::system(), event).await;
            }
            let fields = &stored(&bench, id).await?["fields"];
            assert_eq!((&fields["status_id"], &fields["priority_id"]), (&json!(8), &json!(4)), "ticket {id}");
        }
        let deleted = six_events(&bench, 30, true)?.pop().unwrap();
        assert!(bench.codex.ticket_event(&Scope::system(), &deleted).await.is_err());
        assert!(!stored(&bench, 30).await?.is_null(), "not without asking");
        bench.freshservice.faults().clear();
        let outcome = bench.codex.ticket_event(&Scope::system(), &deleted).await?;
        assert_eq!(outcome, EventOutcome::Deleted);
        assert!(stored(&bench, 30).await?.is_null());
        Ok(())
    }

    async fn unknown_ticket_is_fetched_and_linked(bench: LargeBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        bench.sync(SyncKind::Tickets).await?;
        bench.clock.advance(Duration::days(1));
        let id = bench.world.lock().open_ticket();
        let by_id = read(&json!({"ticket_id": id}))?;
        let outcome = bench.codex.ticket_event(&Scope::system(), &by_id).await?;
        assert_eq!(outcome, EventOutcome::Created);
        let linked = "select count(*) from tickets where company_id is not null and number = (select max(number) from tickets)";
        assert_eq!(bench.count(linked).await?, 1);
        let reported = bench.codex.ticket_event(&Scope::system(), &by_id).await?;
        assert_eq!(reported, EventOutcome::Updated(Vec::new()), "nothing is new");
        let nobody = read(&json!({"ticket_id": 999_999}))?;
        let outcome = bench.codex.ticket_event(&Scope::system(), &nobody).await?;
        assert!(matches!(outcome, EventOutcome::Ignored(_)), "{outcome:?}");
        let gone = read(&json!({"ticket_id": 7, "event": "ticket.deleted"}))?;
        let outcome = bench.codex.ticket_event(&Scope::system(), &gone).await?;
        assert!(matches!(outcome, EventOutcome::Ignored(_)), "the PSA shows it: {outcome:?}");
        assert!(!stored(&bench, 7).await?.is_null());
        Ok(())
    }

    async fn event_makes_one_call_of_at_most_three_seconds(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Tickets).await?;
        bench.clock.advance(Duration::days(1));
        {
            let mut world = bench.world.lock();
            world.tick(Duration::minutes(1));
            world.set_ticket(9, &json!({"status": 5}));
        }
        let complete = {
            let world = bench.world.lock();
            read(&event("ticket.updated", world.ticket(9).unwrap()))?
        };
        let hang = FaultKind::Hang(std::time::Duration::from_secs(30));
        bench.freshservice.faults().add("/api/v2/tickets/", When::Always, hang);
        let started = std::time::Instant::now();
        let asked = bench.codex.refresh_ticket(&Scope::system(), 9).await;
        assert!(asked.is_err() && started.elapsed().as_millis() < 4_500);
        bench.freshservice.faults().clear();
        let outcome = bench.codex.ticket_event(&Scope::system(), &complete).await?;
        assert!(matches!(outcome, EventOutcome::Updated(_)), "{outcome:?}");
        assert_eq!(stored(&bench, 9).await?["fields"]["status_id"], 5);
        Ok(())
    }
}
