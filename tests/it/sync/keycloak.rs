//! Keycloak's users become agents; its traps (vendors 4).

use codex_core::{
    Scope,
    agents::{Agent, AgentFields, wire::SettingsIn},
    jobs::JobStatus,
    records::Author,
    sync::SyncKind,
};
use codex_tests::{
    harness::{TestResult, bench::TestBench},
    on_each_engine,
    sim::{
        fault::{FaultKind, When},
        keycloak::{Access, REALM},
        world::user_id,
    },
};
use serde_json::json;

/// People in the realm of size S, who are more than one page.
const PEOPLE: i64 = 130;
const LIST: &str = "/admin/realms/hivematrix/users";
const ENABLED: &str = "select count(*) from agents where enabled and deleted_at is null";

async fn agent(bench: &TestBench, n: usize) -> anyhow::Result<Agent> {
    let found = bench.codex.agent(&Scope::system(), &user_id(n)).await?;
    found.ok_or_else(|| anyhow::anyhow!("no agent {n}"))
}

/// Makes agent `n` prefer the dark theme.
async fn prefer_dark(bench: &TestBench, n: usize) -> TestResult {
    let author = Author::new("user-1", bench.codex.now());
    let dark = SettingsIn {
        theme_preference: Some("dark".into()),
        ..SettingsIn::default()
    };
    let id = user_id(n);
    let changed = bench.codex.set_own_settings(&author, &id, None, &dark);
    assert!(changed.await?.is_some());
    Ok(())
}

on_each_engine! {
    /// Trap 62.
    async fn all_user_pages_are_read_without_service_accounts(bench: TestBench) -> TestResult {
        assert_eq!(REALM, "hivematrix");
        let job = bench.sync(SyncKind::Agents).await?;
        assert_eq!((job.script.as_str(), job.provider.as_deref()), ("keycloak_agents", Some("keycloak")));
        assert_eq!(job.report.counts["agent"].created, 130);
        assert!(job.report.scopes["users"].certified);
        assert_eq!(bench.live("agents").await?, PEOPLE);
        let agents = bench.codex.agents(&Scope::system()).await?;
        assert!(agents.iter().all(|agent| !agent.fields.username.starts_with("service-account")));
        assert!(agents.is_sorted_by_key(|agent| agent.fields.username_fold.clone()));
        // Even where a server does list them.
        bench.keycloak.change(|options| options.lists_service_accounts = true);
        let job = bench.sync(SyncKind::Agents).await?;
        assert!(job.report.scopes["users"].certified && job.report.counts["agent"].failed == 0);
        assert_eq!(bench.live("agents").await?, PEOPLE);
        Ok(())
    }

    async fn second_sync_of_users_writes_nothing(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Agents).await?;
        prefer_dark(&bench, 20).await?;
        let rows = "select (select count(*) from change_log) + (select count(*) from claims)";
        let newer = "select count(*) from agents where updated_at > created_at";
        let before = (bench.count(rows).await?, bench.count(newer).await?);
        bench.clock.advance(chrono::Duration::minutes(30));
        let counts = bench.sync(SyncKind::Agents).await?.report.counts["agent"];
        assert_eq!(counts.created + counts.updated + counts.deleted + counts.restored, 0);
        assert_eq!((counts.unchanged, counts.seen), (130, 130));
        assert_eq!((bench.count(rows).await?, bench.count(newer).await?), before);
        Ok(())
    }

    /// The preferences stay.
    async fn removed_user_is_disabled_after_two_runs(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Agents).await?;
        prefer_dark(&bench, 20).await?;
        let id = agent(&bench, 20).await?.id;
        let user = bench.world.lock().delete_user(&user_id(20)).unwrap();
        let first = bench.sync(SyncKind::Agents).await?;
        assert_eq!(first.report.counts["agent"].missing, 1);
        assert_eq!(agent(&bench, 20).await?.fields.enabled, Some(true), "one 404 is not enough");
        let second = bench.sync(SyncKind::Agents).await?;
        assert_eq!((second.report.counts["agent"].updated, second.report.counts["agent"].deleted), (1, 0));
        assert!(second.report.issues.iter().any(|issue| issue.contains("user20")), "{:?}", second.report.issues);
        let gone = agent(&bench, 20).await?;
        assert_eq!((gone.id, gone.fields.enabled), (id, Some(false)));
        assert_eq!(gone.fields.username, "user20", "the last values stay");
        assert_eq!(gone.fields.theme_preference.as_deref(), Some("dark"));
        assert_eq!(bench.live("agents").await?, PEOPLE);

        // It is not asked for again, and what it prefers can still be set.
        bench.keycloak.reset_calls();
        let third = bench.sync(SyncKind::Agents).await?;
        assert_eq!(third.report.counts["agent"].missing, 0);
        assert_eq!(bench.keycloak.calls("users/"), 0);
        prefer_dark(&bench, 20).await?;
        assert_eq!(agent(&bench, 20).await?.fields.enabled, Some(false));

        bench.world.lock().users.push(user);
        bench.sync(SyncKind::Agents).await?;
        let back = agent(&bench, 20).await?;
        assert_eq!((back.id, back.fields.enabled), (id, Some(true)));
        assert_eq!(back.fields.theme_preference.as_deref(), Some("dark"));
        Ok(())
    }

    async fn failed_list_of_users_disables_nobody(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Agents).await?;
        let enabled = bench.count(ENABLED).await?;
        for (kind, word) in [
            (FaultKind::Status(401), "401"), (FaultKind::Status(403), "view-users"), (FaultKind::Status(404), "404"),
            (FaultKind::Status(500), "500"), (FaultKind::Html, "JSON"), (FaultKind::HalfBody, "cut off"),
            (FaultKind::CutOff, "reached"), (FaultKind::NullBody, "shape"), (FaultKind::NoEnvelope, "shape"),
            (FaultKind::EmptyList, "lists nothing"), (FaultKind::Repeat, "read already"),
        ] {
            // A page can only be that of before from the second on.
            let when = if kind == FaultKind::Repeat { When::Page(1) } else { When::Always };
            bench.keycloak.faults().add(LIST, when, kind.clone());
            for _ in 0..2 {
                let job = bench.run(SyncKind::Agents).await?;
                assert_eq!(job.status, JobStatus::Failed, "{kind:?}");
                let error = job.error.unwrap_or_default();
                assert!(error.contains(word), "{kind:?}: {error}");
            }
            bench.keycloak.faults().clear();
            assert_eq!(bench.count(ENABLED).await?, enabled, "{kind:?}");
            bench.sync(SyncKind::Agents).await?;
        }
        assert_eq!(bench.live("agents").await?, PEOPLE);
        Ok(())
    }

    /// Trap 66.
    async fn missing_role_is_named_and_disables_nobody(bench: TestBench) -> TestResult {
        bench.keycloak.change(|options| {
            options.client_access = Access::Query;
            options.admin_access = Access::None;
        });
        let first = bench.sync(SyncKind::Agents).await?;
        assert!(first.report.issues.iter().any(|issue| issue.contains("view-users")), "said of an empty realm too");
        bench.keycloak.change(|options| options.client_access = Access::View);
        bench.sync(SyncKind::Agents).await?;
        let enabled = bench.count(ENABLED).await?;
        for (access, word) in [(Access::Query, "lists nothing"), (Access::None, "view-users")] {
            bench.keycloak.change(|options| options.client_access = access);
            let job = bench.run(SyncKind::Agents).await?;
            assert!(job.error.unwrap_or_default().contains(word), "{access:?}");
            assert!(job.output.unwrap_or_default().contains("view-users") || access == Access::None);
        }
        assert_eq!(bench.count(ENABLED).await?, enabled);
        Ok(())
    }

    /// Trap 64.
    async fn incomplete_and_disabled_users_are_agents(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Agents).await?;
        for n in [4, 5, 24, 25] {
            let fields = agent(&bench, n).await?.fields;
            assert_eq!((fields.email, fields.email_fold), (None, None), "{n}");
        }
        let nameless: AgentFields = agent(&bench, 5).await?.fields;
        assert_eq!((nameless.first_name, nameless.last_name), (None, None));
        assert_eq!(agent(&bench, 6).await?.fields.enabled, Some(false));
        // Keycloak leaves out what was emptied.
        bench.world.lock().user_mut(&user_id(20)).unwrap().as_object_mut().unwrap().remove("email");
        let job = bench.sync(SyncKind::Agents).await?;
        assert_eq!(job.report.counts["agent"].updated, 1);
        assert_eq!(agent(&bench, 20).await?.fields.email, None);
        Ok(())
    }

    /// Trap 65. A new user with the old name is another one.
    async fn renamed_user_is_the_same_agent(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Agents).await?;
        prefer_dark(&bench, 20).await?;
        let id = agent(&bench, 20).await?.id;
        bench.world.lock().user_mut(&user_id(20)).unwrap()["username"] = json!("renamed");
        bench.sync(SyncKind::Agents).await?;
        let renamed = agent(&bench, 20).await?;
        assert_eq!((renamed.id, renamed.fields.username.as_str()), (id, "renamed"));

        let mut heir = bench.world.lock().delete_user(&user_id(20)).unwrap();
        heir["id"] = json!(user_id(900));
        bench.world.lock().users.push(heir);
        let job = bench.sync(SyncKind::Agents).await?;
        assert!(job.report.issues.iter().any(|issue| issue.contains("`renamed`")), "{:?}", job.report.issues);
        let heir = agent(&bench, 900).await?;
        assert_ne!(heir.id, id);
        assert_eq!(heir.fields.theme_preference, None, "nothing is inherited");
        bench.sync(SyncKind::Agents).await?;
        assert_eq!(agent(&bench, 20).await?.fields.enabled, Some(false));

        // An address that several share names nobody, one with a single enabled agent names that one.
        let shared = "select count(*) from agents where email = 'desk@msp.example'";
        assert!(bench.count(shared).await? > 1);
        let own = async |email| bench.codex.own_agent("nobody", Some(email)).await;
        assert!(own("desk@msp.example").await?.is_none());
        assert_eq!(own("USER20@msp.example").await?.map(|agent| agent.id), Some(heir.id));
        assert_eq!(bench.codex.own_agent(&user_id(9), None).await?.map(|a| a.fields.username), Some("desk9".into()));
        Ok(())
    }

    /// Trap 63.
    async fn token_that_ends_in_mid_crawl_is_renewed(bench: TestBench) -> TestResult {
        bench.keycloak.faults().add(LIST, When::Nth(2), FaultKind::Status(401));
        let job = bench.sync(SyncKind::Agents).await?;
        assert_eq!(job.report.counts["agent"].created, 130);
        assert_eq!(bench.keycloak.calls("token"), 2);
        Ok(())
    }

    async fn refused_client_falls_back_to_the_password(bench: TestBench) -> TestResult {
        bench.keycloak.change(|options| options.service_account = false);
        bench.sync(SyncKind::Agents).await?;
        bench.keycloak.change(|options| {
            options.service_account = true;
            options.client_access = Access::None;
        });
        bench.sync(SyncKind::Agents).await?;
        assert_eq!(bench.live("agents").await?, PEOPLE);
        Ok(())
    }

    /// Trap 68.
    async fn locked_administrator_is_tried_once_a_run(bench: TestBench) -> TestResult {
        for status in [401, 400] {
            bench.keycloak.reset_calls();
            bench.keycloak.change(|options| {
                options.client_secret = "changed";
                options.admin_locked = Some(status);
            });
            let job = bench.run(SyncKind::Agents).await?;
            assert_eq!(job.status, JobStatus::Failed);
            assert!(job.error.unwrap_or_default().contains("locked after too many tries"));
            assert_eq!(bench.keycloak.calls("token"), 2, "the client once, the administrator once");
        }
        Ok(())
    }

    /// Trap 71.
    async fn more_than_ten_percent_of_users_missing_is_held(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Agents).await?;
        let enabled = bench.count(ENABLED).await?;
        bench.world.lock().users.drain(20..40);
        for _ in 0..3 {
            let job = bench.sync(SyncKind::Agents).await?;
            assert_eq!(job.report.counts["agent"].held, 20);
        }
        assert_eq!(bench.count(ENABLED).await?, enabled);
        Ok(())
    }

    async fn user_missing_from_the_list_is_found_by_id(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Agents).await?;
        // The last page ends early, so that the list is whole by its own word.
        bench.keycloak.faults().add(LIST, When::Page(1), FaultKind::Truncated);
        for _ in 0..2 {
            let job = bench.sync(SyncKind::Agents).await?;
            assert_eq!(job.report.counts["agent"].missing, 10);
            assert_eq!(job.report.counts["agent"].updated, 0);
        }
        bench.keycloak.faults().clear();
        let counts = bench.sync(SyncKind::Agents).await?.report.counts["agent"];
        assert_eq!((counts.missing, counts.updated), (0, 0));
        Ok(())
    }

    async fn unreadable_user_is_reported_and_disables_nobody(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Agents).await?;
        bench.keycloak.faults().add(LIST, When::Page(0), FaultKind::NullItem);
        let job = bench.sync(SyncKind::Agents).await?;
        assert_eq!(job.report.counts["agent"].failed, 1);
        assert!(!job.report.scopes["users"].certified);
        assert_eq!(bench.live("agents").await?, PEOPLE);
        Ok(())
    }

    async fn plan_of_a_user_sync_writes_nothing(bench: TestBench) -> TestResult {
        let plan = bench.codex.plan_sync(&Scope::system(), SyncKind::Agents).await?;
        assert_eq!(plan.report.counts["agent"].created, 130);
        let rows = "select (select count(*) from agents) + (select count(*) from claims) \
                    + (select count(*) from change_log) + (select count(*) from sync_jobs)";
        assert_eq!(bench.count(rows).await?, 0);
        Ok(())
    }
}
