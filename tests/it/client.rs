//! The typed client against the real daemon.

use std::time::Duration;

use codex_client::{Client, JobStatus, ListOptions, SyncKind, TokenSource};
use codex_tests::{harness::app::TestApp, on_each_engine, on_sqlite};

on_each_engine! {
    async fn client_syncs_and_reads_with_service_tokens(app: TestApp) -> TestResult {
        let client = Client::new(&app.url(), TokenSource::core(app.core.url(), "ledger")?)?;
        client.health().ready().await?;
        assert_eq!(client.health().get().await?.service, "codex");
        for script in [SyncKind::Psa, SyncKind::Datto] {
            let started = client.sync().start(script).await?;
            let job = client.sync().wait(&started.job_id, Duration::from_secs(30)).await?;
            assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);
        }
        let companies = client.companies().list().await?;
        assert_eq!(companies.len(), 3);
        let account = &companies[0].account_number;
        assert_eq!(&client.companies().get(account).await?, &companies[0]);
        let assets = client.companies().assets(account).await?;
        assert_eq!(client.assets().get(assets[0].id).await?, assets[0]);
        let contacts = client.companies().contacts(account).await?;
        assert_eq!(client.contacts().get(contacts[0].id).await?, contacts[0]);
        assert!(!client.companies().locations(account).await?.is_empty());
        assert_eq!(client.psa_agents().list(Some("freshservice")).await?.len(), 2);
        assert_eq!(client.psa_agents().list(Some("superops")).await?.len(), 0);
        assert_eq!(client.sync().last("psa").await?.status, JobStatus::Completed);

        assert_eq!(client.companies().users(account).await?, contacts);

        // Pages of five and the bounded list are the same twelve people in the same order.
        let pages = ListOptions { limit: Some(5), ..ListOptions::default() };
        assert_eq!(client.contacts().list(&pages).await?.items.len(), 5);
        let all = client.contacts().all(&pages).await?;
        assert_eq!(all.len(), 12);
        assert_eq!(all, client.contacts().list(&ListOptions::default()).await?.items);
        Ok(())
    }
}

on_sqlite! {
    async fn error_carries_status_message_and_correlation_id(app: TestApp) -> TestResult {
        let token = app.core.key.user("admin", "a@msp.example")?;
        let client = Client::new(&app.url(), TokenSource::fixed(token))?;
        let error = client.companies().get("a/b c").await.unwrap_err();
        assert_eq!(error.status(), Some(404));
        assert!(!error.is_retryable());
        assert!(error.to_string().contains("Company not found"), "{error}");
        let nobody = Client::new(&app.url(), TokenSource::fixed("rubbish"))?;
        assert_eq!(nobody.companies().list().await.unwrap_err().status(), Some(401));
        Ok(())
    }
}
