//! One odd item in each list of the vendors: every other item arrives as it is, the run ends, and the item is put
//! right as soon as it is sound again.
//!
//! Each round makes other items odd, so that its runs also show that those of the round before are put right. What
//! odd items have left beside them is looked at once a block: only runs over sound lists delete it.
//!
//! `CODEX_TEST_MUTATIONS` says how many items become odd on each engine (`tests/run --long`: 5,000), `CODEX_TEST_SEED`
//! where to begin; a failure names the seed and the number of items that lead to it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use codex_core::{
    Scope,
    jobs::{Job, JobStatus},
    sync::{Request, SyncKind},
};
use codex_tests::{
    harness::{
        bench::TestBench,
        database::{TestDatabase, setting},
        state::{differences, state},
    },
    on_each_engine,
    sim::{
        Size, World, datto,
        fault::{FaultKind, Faults, When},
        freshservice, keycloak,
        mutant::id_of,
    },
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Value, json};

/// Odd items on each engine, unless the environment says otherwise.
const MUTATIONS: usize = 1_000;
/// Rounds of a block. More would leave more strays than may be deleted at once without a person.
const ROUNDS: u64 = 10;
/// Longer than site variables are believed, so that every run reads them.
const BETWEEN: TimeDelta = TimeDelta::hours(25);

type State = BTreeMap<String, Value>;

/// A list of a vendor, and what is in it.
struct Listed<'b> {
    faults: &'b Faults,
    /// Where its items are shown; odd ones at the first, or at all.
    paths: Vec<String>,
    ids: Vec<String>,
    /// Whose record the items of the list change; their own where that is nothing else.
    owner: Option<String>,
}

/// Every list, as the world is.
fn lists(bench: &TestBench) -> Vec<Listed<'_>> {
    let world = bench.world.lock();
    let ids = |list: &[Value]| list.iter().filter_map(id_of).collect::<Vec<_>>();
    let psa = |name: &str, ids: Vec<String>| Listed {
        faults: bench.freshservice.faults(),
        paths: vec![format!("/api/v2/{name}$")],
        ids,
        owner: None,
    };
    let rmm = |paths: &[&str], ids: Vec<String>, owner: Option<String>| Listed {
        faults: bench.datto.faults(),
        paths: paths.iter().map(|path| format!("/api/v2/{path}")).collect(),
        ids,
        owner,
    };
    let tickets = world.tickets.iter().map(|ticket| ticket.id().to_string());
    let sites = world.sites.iter().map(|site| site.uid.clone());
    let devices = world
        .devices
        .iter()
        .filter_map(|device| device.body["uid"].as_str());
    let variables = world.sites.iter().filter(|site| !site.variables.is_empty());
    let variables = variables.map(|site| {
        let path = format!("site/{}/variables$", site.uid);
        rmm(
            &[path.as_str()],
            ids(&site.variables),
            Some(site.uid.clone()),
        )
    });
    let of_sites = world.sites.iter();
    let of_sites = of_sites.map(|site| format!("site/{}/devices$", site.uid));
    let paths: Vec<String> = of_sites.collect();
    let shown: Vec<&str> = std::iter::once("account/devices$")
        .chain(paths.iter().map(String::as_str))
        .collect();
    let mut all = vec![
        psa("departments", ids(&world.departments)),
        psa("requesters", ids(&world.requesters)),
        psa("agents", ids(&world.agents)),
        psa("tickets", tickets.collect()),
        rmm(&["account/sites$"], sites.collect(), None),
        rmm(&shown, devices.map(str::to_owned).collect(), None),
        Listed {
            faults: bench.keycloak.faults(),
            paths: vec![format!("/admin/realms/{}/users$", keycloak::REALM)],
            ids: ids(&world.users),
            owner: None,
        },
    ];
    all.extend(variables.take(1));
    all
}

/// Makes an item of each list odd; gives the ids of those whose records may differ for it.
fn spoil(lists: &[Listed<'_>], seed: u64) -> BTreeSet<String> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut odd = BTreeSet::new();
    for list in lists {
        let pick = |random: &mut StdRng| list.ids.choose(random).cloned().unwrap_or_default();
        let (id, other) = (pick(&mut random), pick(&mut random));
        let shown = if random.random() { list.paths.len() } else { 1 };
        let mutant = FaultKind::Mutant {
            id: id.clone(),
            other: other.clone(),
            seed: random.random(),
        };
        for path in &list.paths[..shown] {
            list.faults.add(path, When::Always, mutant.clone());
        }
        odd.extend([id, other]);
        odd.extend(list.owner.clone());
    }
    odd
}

/// One run of each source.
async fn run_all(bench: &TestBench) -> anyhow::Result<()> {
    bench.clock.advance(BETWEEN);
    let since = DateTime::<Utc>::from_timestamp(1_600_000_000, 0);
    for part in [
        SyncKind::Psa,
        SyncKind::Rmm,
        SyncKind::Agents,
        SyncKind::TicketsLight,
    ] {
        let request = Request {
            since: since.filter(|_| part == SyncKind::TicketsLight),
            ..Request::from(part)
        };
        run(bench, request).await?;
    }
    Ok(())
}

/// One run, to its end.
async fn run(bench: &TestBench, request: Request) -> anyhow::Result<()> {
    let part = request.part;
    let job: Job = bench.codex.sync(&Scope::system(), request).await?;
    ensure!(
        job.status == JobStatus::Completed,
        "{part:?}: {:?}",
        job.error
    );
    Ok(())
}

/// Reads every ticket: lists of changed ones do not tell that a ticket is not there any more.
async fn run_history(bench: &TestBench) -> anyhow::Result<()> {
    run(bench, Request::from(SyncKind::TicketHistory))
        .await
        .context("all tickets")
}

type Status = (
    String,
    Option<bool>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    Option<String>,
    Option<i64>,
);

/// What the database holds, without counts of what was ever made.
async fn held(bench: &TestBench) -> anyhow::Result<State> {
    let mut held = state(bench.db()).await?;
    held.retain(|name, _| !name.starts_with("created "));
    let status = "select a.device_uid, s.online, s.last_seen, s.last_reboot, s.last_logged_in_user, \
        s.patches_installed from asset_status s join assets a on a.id = s.asset_id";
    for (uid, online, seen, reboot, user, patches) in
        bench.db().query(status).all::<Status>().await?
    {
        held.insert(
            format!("status datto/{uid}"),
            json!([online, seen, reboot, user, patches]),
        );
    }
    Ok(held)
}

/// Whether a record, claim or link is about one of some ids.
fn is_about(name: &str, ids: &BTreeSet<String>) -> bool {
    name.split([' ', '/']).any(|word| ids.contains(word))
}

/// What is not about some ids, without the links that follow from what is.
fn beside(state: &State, ids: &BTreeSet<String>) -> State {
    let rest = state.iter().filter(|(name, _)| !is_about(name, ids));
    rest.map(|(name, value)| {
        let mut value = value.clone();
        if let Some(members) = value.as_object_mut() {
            members.remove("company_id");
        }
        (name.clone(), value)
    })
    .collect()
}

/// What is known of what there was before, without members that only odd items had: a source that does not
/// state a member any more says nothing about it, so they stay in the claim's unmapped rest.
fn without_remains(mut now: State, clean: &State) -> State {
    now.retain(|name, value| {
        let Some(clean) = clean.get(name) else {
            return false;
        };
        let extra = value.get_mut("extra").and_then(Value::as_object_mut);
        if let (Some(extra), Some(known)) = (extra, clean["extra"].as_object()) {
            extra.retain(|member, _| known.contains_key(member));
        }
        true
    });
    now
}

/// What is live and should not be there. Agents are never deleted: one whose user is gone is disabled. What was
/// once read beside a list about a record that is there is no stray: the record itself is compared.
fn strays(now: &State, clean: &State) -> Vec<String> {
    let is_of_known = |name: &str| {
        let parts = name.split_once('.').zip(name.split_once('/'));
        parts.is_some_and(|((main, _), (_, id))| clean.contains_key(&format!("{main}/{id}")))
    };
    let new = now.iter().filter(|(name, _)| !clean.contains_key(*name));
    let new = new.filter(|(name, _)| !(name.starts_with("claim ") && is_of_known(name)));
    let live = new.filter(|(name, value)| {
        let is_disabled = name.starts_with("agent ") && value["enabled"] == json!(false);
        value.get("gone") == Some(&json!(false))
            || (value.get("deleted") == Some(&json!(false)) && !is_disabled)
            || value.is_null()
    });
    live.map(|(name, _)| name.clone()).collect()
}

/// A round: an item of each list is odd, and those of the round before are sound again.
async fn round(bench: &TestBench, clean: &State, seed: u64) -> anyhow::Result<usize> {
    let lists = lists(bench);
    for list in &lists {
        list.faults.clear();
    }
    let odd = spoil(&lists, seed);
    run_all(bench).await.context("with odd items")?;
    let now = without_remains(held(bench).await?, clean);
    let differ = differences(&beside(clean, &odd), &beside(&now, &odd));
    ensure!(
        differ.is_empty(),
        "beside {odd:?} something has changed, or is not healed after the round before: {differ:#?}"
    );
    Ok(lists.len())
}

/// The end of a block: every list is sound, and nothing is left of odd items.
async fn heal(bench: &TestBench, clean: &State) -> anyhow::Result<()> {
    for list in lists(bench) {
        list.faults.clear();
    }
    run_all(bench).await.context("with sound items")?;
    let mut now = held(bench).await?;
    // What came under an id of its own is gone when it was missing twice.
    for _ in 0..2 {
        let strays = strays(&now, clean);
        if strays.is_empty() {
            break;
        }
        if strays.iter().any(|name| name.starts_with("ticket ")) {
            run_history(bench).await?;
        }
        run_all(bench).await.context("with sound items again")?;
        now = held(bench).await?;
    }
    let strays = strays(&now, clean);
    ensure!(strays.is_empty(), "there are still {strays:#?}");
    let differ = differences(clean, &without_remains(now, clean));
    ensure!(differ.is_empty(), "these are not healed: {differ:#?}");
    Ok(())
}

on_each_engine! {
    async fn odd_item_affects_no_other_and_a_clean_run_heals(database: TestDatabase) -> TestResult {
        let first = setting("CODEX_TEST_SEED").map_or(Ok(7), |seed| seed.parse())?;
        let wanted = setting("CODEX_TEST_MUTATIONS").map_or(Ok(MUTATIONS), |count| count.parse())?;
        let world = World::generate(Size::Tiny, 7).with_tickets(8);
        let psa = freshservice::Options { limits: false, ..Default::default() };
        let rmm = datto::Options { limits: false, ..Default::default() };
        let bench = TestBench::with(database, world, psa, rmm).await?;
        for _ in 0..3 {
            run_all(&bench).await?;
        }
        run_history(&bench).await?;
        run_all(&bench).await?;
        let clean = held(&bench).await?;
        let (mut done, mut seed) = (0, first);
        while done < wanted {
            let (block, before) = (seed, done);
            let replay = |seed: u64, done: usize| {
                format!("CODEX_TEST_SEED={block} CODEX_TEST_MUTATIONS={}, round {seed}", done + 1 - before)
            };
            while done < wanted && seed < block + ROUNDS {
                done += round(&bench, &clean, seed).await.with_context(|| replay(seed, done))?;
                seed += 1;
            }
            heal(&bench, &clean).await.with_context(|| replay(seed - 1, done - 1))?;
        }
        println!("{done} odd items in rounds {first} to {}", seed - 1);
        Ok(())
    }
}
