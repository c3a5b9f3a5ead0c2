//! Random bad days: whatever the vendors answer, nothing that they still have is deleted, and what they
//! have deleted is gone after two clean runs.
//!
//! `CODEX_TEST_RANDOM_FAULTS` says how many, `CODEX_TEST_SEED` where to begin; a failure names its seed.

use std::{collections::BTreeSet, time::Duration};

use codex_core::sync::SyncKind;
use codex_tests::{
    harness::{bench::TestBench, database, database::setting},
    sim::{
        Size, World, datto,
        fault::{FaultKind, When},
        freshservice,
        world::{DELETED_DEVICES, tickets::Ticket},
    },
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::json;

/// Schedules of each engine, unless the environment says otherwise.
const SCHEDULES: u64 = 8;
/// Tickets of a schedule. Each costs calls of its own in several runs, and a few show as much as many.
const TICKETS: usize = 20;
const PARTS: [SyncKind; 3] = [SyncKind::Psa, SyncKind::Rmm, SyncKind::Tickets];

const FRESHSERVICE: [&str; 8] = [
    "/api/v2/departments",
    "/api/v2/requesters",
    "/api/v2/agents",
    "/api/v2/tickets",
    "/api/v2/tickets/",
    "/api/v2/requesters/",
    "/api/v2/departments/",
    "/api/v2/ticket_form_fields",
];
const DATTO: [&str; 6] = [
    "/api/v2/account/sites",
    "/api/v2/account/devices",
    "/api/v2/site/",
    "/api/v2/device/",
    "/auth/oauth/token",
    "/api/v2/account",
];

/// A kind of record and the vendor's id.
type Name = (String, String);

/// What the vendors have.
fn upstream(world: &World) -> BTreeSet<Name> {
    let ids = |kind: &str, list: &[serde_json::Value]| -> Vec<Name> {
        list.iter()
            .map(|item| (kind.to_owned(), item["id"].to_string()))
            .collect()
    };
    let mut all = BTreeSet::new();
    all.extend(ids("company", &world.departments));
    all.extend(ids("contact", &world.requesters));
    all.extend(ids("psa_agent", &world.agents));
    let tickets = world
        .tickets
        .iter()
        .filter(|ticket| !ticket.flag("deleted") && !ticket.flag("spam"));
    all.extend(tickets.map(|ticket| ("ticket".to_owned(), ticket.id().to_string())));
    all.extend(
        world
            .sites
            .iter()
            .map(|site| ("site_link".to_owned(), site.uid.clone())),
    );
    let devices = world
        .devices
        .iter()
        .filter(|device| device.site != DELETED_DEVICES);
    all.extend(
        devices.filter_map(|device| {
            Some(("asset".to_owned(), device.body["uid"].as_str()?.to_owned()))
        }),
    );
    all
}

/// What Codex has.
async fn here(bench: &TestBench) -> anyhow::Result<BTreeSet<Name>> {
    let live = "select kind, external_id from claims where gone_at is null and anchor \
                and source in ('freshservice', 'datto') and kind <> 'location'";
    Ok(bench
        .db()
        .query(live)
        .all::<Name>()
        .await?
        .into_iter()
        .collect())
}

fn kind(random: &mut StdRng) -> FaultKind {
    let kinds = [
        FaultKind::Status(401),
        FaultKind::Status(403),
        FaultKind::Status(404),
        FaultKind::Status(500),
        FaultKind::Status(503),
        FaultKind::RateLimited(Some("0".into())),
        FaultKind::RateLimited(Some("120".into())),
        FaultKind::RateLimited(None),
        FaultKind::Html,
        FaultKind::HalfBody,
        FaultKind::CutOff,
        FaultKind::DropConnection,
        FaultKind::EmptyList,
        FaultKind::NullBody,
        FaultKind::NullItem,
        FaultKind::NullItemAt(2),
        FaultKind::MalformedItem,
        FaultKind::Truncated,
        FaultKind::Repeat,
        FaultKind::NoEnvelope,
        FaultKind::MissingPageDetails,
        FaultKind::SelfLink,
        FaultKind::ForeignLink,
        FaultKind::Hang(Duration::from_millis(20)),
    ];
    kinds.choose(random).cloned().unwrap_or(FaultKind::Html)
}

fn when(random: &mut StdRng) -> When {
    match random.random_range(0..4) {
        0 => When::Always,
        1 => When::First(random.random_range(1..6)),
        2 => When::Nth(random.random_range(1..5)),
        _ => When::Page(random.random_range(0..3)),
    }
}

/// Something true happens at the vendors; few enough deletions that nobody has to be asked.
fn change(world: &mut World, random: &mut StdRng) {
    world.tick(chrono::Duration::minutes(30));
    let ticket = world
        .tickets
        .choose(random)
        .map(Ticket::id)
        .unwrap_or_default();
    match random.random_range(0..9) {
        0 => {
            world
                .requesters
                .remove(random.random_range(0..world.requesters.len()));
        }
        1 => {
            world
                .devices
                .remove(random.random_range(0..world.devices.len()));
        }
        2 => {
            let uid = world
                .devices
                .choose(random)
                .and_then(|device| device.body["uid"].as_str())
                .map(str::to_owned);
            world.delete_device(&uid.unwrap_or_default());
        }
        3 => {
            world.set_ticket(ticket, &json!({"deleted": true}));
        }
        4 => {
            world.set_ticket(ticket, &json!({"spam": true}));
        }
        5 => {
            world.set_ticket(
                ticket,
                &json!({"deleted": false, "spam": false, "status": 3}),
            );
        }
        6 => {
            world.purge_ticket(ticket);
        }
        7 => {
            world.open_ticket();
        }
        _ => {
            let place = random.random_range(0..world.requesters.len());
            world.requesters[place]["first_name"] =
                json!(format!("Renamed {}", random.random_range(0..1_000)));
        }
    }
}

/// A list lacks its end, and what it lacks cannot be found by its id either.
fn conspiracy(bench: &TestBench, random: &mut StdRng) {
    let (faults, list, one) = match random.random_range(0..3) {
        0 => (
            bench.freshservice.faults(),
            "/api/v2/requesters",
            "/api/v2/requesters/",
        ),
        1 => (
            bench.freshservice.faults(),
            "/api/v2/agents",
            "/api/v2/agents/",
        ),
        _ => (
            bench.datto.faults(),
            "/api/v2/account/devices",
            "/api/v2/device/",
        ),
    };
    let answers = [
        FaultKind::Status(404),
        FaultKind::Status(404),
        FaultKind::Status(403),
        FaultKind::Html,
    ];
    // The first fault that strikes counts, and the path of the list is the beginning of the others.
    faults.add(
        one,
        When::Always,
        answers
            .choose(random)
            .cloned()
            .unwrap_or(FaultKind::Status(404)),
    );
    faults.add(list, When::Always, FaultKind::Truncated);
}

async fn schedule(bench: &TestBench, seed: u64) -> anyhow::Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    for part in PARTS {
        bench.sync(part).await?;
    }
    let mut before = here(bench).await?;
    for round in 0..3 {
        change(&mut bench.world.lock(), &mut random);
        for _ in 0..random.random_range(1..4) {
            let (paths, faults) = if random.random_bool(0.6) {
                (&FRESHSERVICE[..], bench.freshservice.faults())
            } else {
                (&DATTO[..], bench.datto.faults())
            };
            faults.add(
                paths.choose(&mut random).unwrap_or(&""),
                when(&mut random),
                kind(&mut random),
            );
        }
        if random.random_bool(0.4) {
            conspiracy(bench, &mut random);
        }
        for part in PARTS {
            bench.run(part).await?;
        }
        bench.freshservice.faults().clear();
        bench.datto.faults().clear();
        let (now, has) = (here(bench).await?, upstream(&bench.world.lock()));
        let lost: Vec<_> = before
            .iter()
            .filter(|name| has.contains(*name) && !now.contains(*name))
            .collect();
        anyhow::ensure!(
            lost.is_empty(),
            "round {round}: deleted although the vendor has it: {lost:?}"
        );
        before = now;
        bench.clock.advance(chrono::Duration::minutes(30));
    }
    bench.clock.advance(chrono::Duration::hours(2));
    for _ in 0..2 {
        for part in PARTS.into_iter().chain([SyncKind::TicketHistory]) {
            bench.sync(part).await?;
        }
    }
    let (now, has) = (here(bench).await?, upstream(&bench.world.lock()));
    let wrong: Vec<_> = now.symmetric_difference(&has).collect();
    anyhow::ensure!(
        wrong.is_empty(),
        "after two clean runs these differ: {wrong:?}"
    );
    Ok(())
}

async fn random_faults(engine: &str) -> anyhow::Result<()> {
    let number = |name: &str, fallback| {
        setting(name)
            .and_then(|n| n.parse().ok())
            .unwrap_or(fallback)
    };
    let (first, count): (u64, u64) = (
        number("CODEX_TEST_SEED", 1),
        number("CODEX_TEST_RANDOM_FAULTS", SCHEDULES),
    );
    println!("{engine}: schedules {first} to {}", first + count - 1);
    for seed in first..first + count {
        let database = match engine {
            "sqlite" => database::sqlite()?,
            _ => match database::postgres().await? {
                Some(database) => database,
                None => return Ok(()),
            },
        };
        let limits = false;
        let vendor = freshservice::Options {
            limits,
            ..Default::default()
        };
        let rmm = datto::Options {
            limits,
            ..Default::default()
        };
        let world = World::generate(Size::Tiny, seed).with_tickets(TICKETS);
        let bench = TestBench::with(database, world, vendor, rmm).await?;
        let done = schedule(&bench, seed).await;
        done.map_err(|error| error.context(format!("schedule {seed} on {engine}")))?;
        bench.codex.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_faults_delete_nothing_falsely_on_sqlite() -> anyhow::Result<()> {
    random_faults("sqlite").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_faults_delete_nothing_falsely_on_postgres() -> anyhow::Result<()> {
    random_faults("postgres").await
}
