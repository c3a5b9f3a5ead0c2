//! Imports beside services that run: the daemon of the new side, and the Flask service of the old one.

use std::time::Duration;

use codex_core::{
    Codex, Scope,
    import::{ImportOutcome, ImportState, Table},
};
use codex_tests::{
    harness::{
        app::TestApp,
        child::{Ended, become_codexd, run},
        database::TestDatabase,
    },
    on_each_engine,
};
use tokio::sync::Notify;

use super::{compared, import, old, options};

const CHILD: &str = "import::running::codexd_child_process";

#[test]
fn codexd_child_process() {
    become_codexd();
}

/// Runs a command of codexd on the database of a test.
async fn codexd(target: &TestDatabase, words: &[&str]) -> anyhow::Result<Ended> {
    let conf = target.folder().join("codex.conf");
    std::fs::write(&conf, "")?;
    let before = [
        "--config".to_owned(),
        conf.display().to_string(),
        "--set".to_owned(),
        format!("database.connection_string={}", target.url),
    ];
    let words = words.iter().map(|word| (*word).to_owned());
    let words: Vec<String> = before.into_iter().chain(words).collect();
    run(CHILD, target.folder(), &words).await
}

/// The words of `codexd import run` from an old database.
fn import_run<'w>(from: &'w str, more: &[&'w str]) -> Vec<&'w str> {
    let words = ["import", "run", "--allow-writing-role", "--from", from];
    words.into_iter().chain(more.iter().copied()).collect()
}

fn assert_refused(ended: &Ended) {
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(
        ended.err.contains("uses the database; stop it first"),
        "{ended:?}"
    );
    assert_eq!(ended.err.trim_end().lines().count(), 1, "{ended:?}");
}

on_each_engine! {
    async fn import_refuses_a_served_database(app: TestApp) -> TestResult {
        let old = old::create(app.database(), &old::second()).await?;
        assert_refused(&codexd(app.database(), &import_run(&old.url, &[])).await?);
        assert!(app.codex.import_status(&Scope::system()).await?.is_none());
        Ok(())
    }

    /// The import of a served database keeps its state: the daemon can start again.
    async fn redo_refuses_a_served_database(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::second()).await?;
        let codex = Codex::open(&target.url).await?;
        import(&codex, &options(&old.url), &[]).await?;
        let words = import_run(&old.url, &["--redo", "contacts"]);
        assert_refused(&codexd(&target, &words).await?);
        let status = codex.import_status(&Scope::system()).await?.unwrap();
        assert_eq!(status.import.state, ImportState::Verified);
        assert_eq!(codex.unfinished_import().await?, None);
        codex.close().await;
        assert_eq!(codexd(&target, &words).await?.code, 0);
        Ok(())
    }

    async fn daemon_refuses_an_unfinished_import(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::second()).await?;
        let codex = Codex::open(&target.url).await?;
        let (options, scope) = (options(&old.url), Scope::system());
        codex.run_import(&scope, &options, |_, _| {}).await?;
        codex.close().await;
        let refused = codexd(&target, &["serve", "--port", "0"]).await?;
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.err.contains("run `codexd import verify`"), "{refused:?}");
        Ok(())
    }

    /// Its writes do not wait for the import. What they change is named, and imported by another run of the table.
    async fn old_service_writes_during_an_import(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::large(600)).await?;
        let codex = Codex::open(&target.url).await?;
        let (options, scope, reading) = (options(&old.url), Scope::system(), Notify::new());
        let run = codex.run_import(&scope, &options, |table, _| {
            if table == Table::Contacts {
                reading.notify_one();
            }
        });
        let write = async {
            reading.notified().await;
            let sql = "update contacts set job_title = 'Countess' where id = 11; \
                insert into contacts (id, freshservice_id, name, primary_email, email) \
                values (13, 9003, 'Eve', 'eve@b.test', 'eve@b.test')";
            tokio::time::timeout(Duration::from_secs(2), old::change(&old, sql)).await
        };
        let (done, written) = tokio::join!(run, write);
        assert!(matches!(done?, ImportOutcome::Done(_)));
        written??;
        let comparison = codex.verify_import(&scope, &options, false, |_| {}).await?;
        let contacts = compared(&comparison, Table::Contacts)?;
        assert_eq!((contacts.missing(), contacts.differing), (1, 1), "{contacts:#?}");
        let rows: Vec<&str> = contacts.differences.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(rows, ["11", "13"]);
        codex.redo_import(&scope, &options, Table::Contacts, |_, _| {}).await?;
        let comparison = codex.verify_import(&scope, &options, true, |_| {}).await?;
        assert!(comparison.is_clean(), "{comparison:#?}");
        codex.close().await;
        Ok(())
    }

    async fn interrupted_import_shows_its_progress(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::large(600)).await?;
        let codex = Codex::open(&target.url).await?;
        let (options, scope, reading) = (options(&old.url), Scope::system(), Notify::new());
        let run = codex.run_import(&scope, &options, |table, _| {
            if table == Table::Contacts {
                reading.notify_one();
            }
        });
        tokio::select! {
            done = run => anyhow::bail!("it is over: {done:?}"),
            () = reading.notified() => {}
        }
        let status = codex.import_status(&scope).await?.unwrap();
        assert_eq!(status.import.state, ImportState::Running);
        let progress = status.progress().unwrap_or_default();
        assert!(progress.starts_with("1 of 17 tables; contacts: "), "{progress}");
        codex.run_import(&scope, &options, |_, _| {}).await?;
        let status = codex.import_status(&scope).await?.unwrap();
        assert_eq!((status.tables_done, status.progress()), (17, None));
        codex.close().await;
        Ok(())
    }
}
