//! Jobs and held deletions through the API.

use std::time::Duration;

use codex_client::{Client, HoldStatus, JobStatus, SyncKind, TokenSource};
use codex_tests::{
    harness::app::TestApp,
    on_each_engine,
    sim::fault::{FaultKind, When},
};
use reqwest::Method;
use serde_json::Value;

fn client(app: &TestApp) -> anyhow::Result<Client> {
    Ok(Client::new(
        &app.url(),
        TokenSource::core(app.core.url(), "helm")?,
    )?)
}

on_each_engine! {
    /// Modules ask for `psa`, `rmm` and `tickets`; jobs keep the names under which they are stored.
    async fn sync_is_found_by_any_of_its_names(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/freshservice", "/sync/datto", "/sync/datto-audits", "/sync/tickets", "/sync/keycloak"]).await?;
        let jobs = app.json("/sync/jobs").await?;
        let id = |sync: &str| {
            let found = jobs.as_array().unwrap().iter().find(|job| job["sync"] == sync);
            found.unwrap_or_else(|| panic!("{sync} in {jobs}"))["id"].clone()
        };
        for (name, sync) in [
            // Tickets were read later, under the same script.
            ("psa", "freshservice"), ("freshservice", "freshservice"),
            ("rmm", "datto"), ("datto", "datto"),
            ("datto-audits", "datto-audits"), ("rmm-audits", "datto-audits"), ("datto.audits", "datto-audits"),
            ("tickets", "tickets"), ("tickets-detail", "tickets"),
            ("keycloak", "keycloak"), ("keycloak_agents", "keycloak"),
        ] {
            assert_eq!(app.json(&format!("/sync/last/{name}")).await?["id"], id(sync), "{name}");
            let listed = app.json(&format!("/sync/jobs?script={name}")).await?;
            assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &id(sync)), "{name}");
        }
        assert_eq!(app.json("/sync/last/psa").await?["script"], "psa");
        for (method, path, status) in [
            (Method::POST, "/sync/dato", 404),
            (Method::GET, "/sync/last/dato", 404),
            (Method::GET, "/sync/jobs?script=dato", 400),
        ] {
            let answer = app.call_as("admin", method, path)?.send().await?;
            assert_eq!(answer.status(), status, "{path}");
            assert!(answer.text().await?.contains("there is no sync `dato`; did you mean `datto`?"), "{path}");
        }
        assert_eq!(app.get("/sync/last/accounts-push")?.send().await?.status(), 404, "none has run");
        Ok(())
    }

    async fn a_running_job_is_listed_watched_and_cancelled(app: TestApp) -> TestResult {
        let client = client(&app)?;
        let hang = FaultKind::Hang(Duration::from_secs(3));
        app.freshservice.faults().add("/api/v2/requesters", When::Always, hang);
        let job = client.sync().start(SyncKind::Psa).await?.job_id;
        let watch = app.get(&format!("/sync/jobs/{job}/events"))?.send();
        let events = tokio::spawn(async move { watch.await?.error_for_status()?.text().await });
        tokio::time::sleep(Duration::from_millis(300)).await;
        let listed = client.sync().jobs(10).await?;
        assert_eq!(listed[0].id, job);
        assert!(!listed[0].status.is_over());
        client.sync().cancel(&job).await?;
        let ended = client.sync().wait(&job, Duration::from_secs(30)).await?;
        // The contract's route knows no other word for it.
        assert_eq!(ended.status, JobStatus::Failed);
        assert_eq!(ended.error.as_deref(), Some("cancelled by service:helm"));
        let detail = client.sync().job(&job).await?;
        assert_eq!(detail.status, JobStatus::Cancelled);
        let again = client.sync().cancel(&job).await.unwrap_err();
        assert_eq!(again.status(), Some(409));
        let unknown = client.sync().cancel("nobody").await.unwrap_err();
        assert_eq!(unknown.status(), Some(404));
        let events = tokio::time::timeout(Duration::from_secs(20), events).await???;
        let reported: Vec<Value> = events
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        assert!(reported.len() >= 2, "{events}");
        assert_eq!(reported.last().unwrap()["status"], "cancelled");
        Ok(())
    }

    async fn job_lists_are_strict_and_closed_to_clients(app: TestApp) -> TestResult {
        app.sync().await?;
        for (script, sync_type) in [("psa", "base"), ("tickets", "tickets-detail")] {
            let jobs = app.json(&format!("/sync/jobs?script={script}&status=completed&limit=5")).await?;
            assert_eq!(jobs.as_array().unwrap().len(), 1, "{script}");
            assert_eq!(jobs[0]["sync_type"], sync_type);
        }
        let jobs = app.json("/sync/jobs?status=completed&limit=5").await?;
        for query in ["?limit=0", "?limit=501", "?limit=x", "?status=nonsense", "?what=ever"] {
            let answer = app.get(&format!("/sync/jobs{query}"))?.send().await?;
            assert_eq!(answer.status(), 400, "{query}");
        }
        let id = jobs[0]["id"].as_str().unwrap();
        for path in ["/sync/jobs".to_owned(), format!("/sync/jobs/{id}"), format!("/sync/jobs/{id}/events"), "/sync/holds".into()] {
            assert_eq!(app.get_as("client", &path)?.send().await?.status(), 403, "{path}");
        }
        assert_eq!(app.get("/sync/jobs/nobody")?.send().await?.status(), 404);
        assert_eq!(app.get("/sync/jobs/nobody/events")?.send().await?.status(), 404);
        assert_eq!(app.json("/sync/last/tickets").await?["script"], "psa");
        app.freshservice.faults().add("/api/v2/departments", When::Always, FaultKind::Status(401));
        let client = client(&app)?;
        let failed = client.sync().start(SyncKind::Psa).await?.job_id;
        client.sync().wait(&failed, Duration::from_secs(30)).await?;
        assert_eq!(client.sync().last("freshservice").await?.id, failed);
        let good = client.sync().last_completed("freshservice").await?;
        assert_eq!((good.status, good.script.as_str()), (JobStatus::Completed, "psa"));
        assert_ne!(good.id, failed);
        Ok(())
    }

    async fn a_held_deletion_is_decided_through_the_api(app: TestApp) -> TestResult {
        app.sync().await?;
        // Of twelve contacts eight vanish.
        app.world.lock().requesters.truncate(4);
        app.sync().await?;
        let client = client(&app)?;
        let holds = client.holds().list(Some(HoldStatus::Held)).await?;
        let hold = holds.iter().find(|hold| hold.kind == "contact").unwrap();
        assert_eq!((hold.missing, hold.total), (8, 12));
        let path = format!("/sync/holds/{}/approve", hold.id);
        let technician = app.call_as("technician", Method::POST, &path)?.send().await?;
        assert_eq!(technician.status(), 403);
        assert_eq!(client.holds().approve(&hold.id).await?.status, HoldStatus::Approved);
        assert_eq!(client.holds().reject(&hold.id).await.unwrap_err().status(), Some(409));
        assert_eq!(client.holds().approve("nobody").await.unwrap_err().status(), Some(404));
        let left = app.json("/api/contacts").await?;
        assert_eq!(left.as_array().unwrap().len(), 4);
        assert_eq!(app.get("/sync/holds?status=nonsense")?.send().await?.status(), 400);
        Ok(())
    }
}
