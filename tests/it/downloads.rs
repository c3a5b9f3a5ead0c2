//! Answers that are made while they are read, and what changes meanwhile.

use std::{collections::HashMap, time::Duration};

use codex_core::{BulkTickets, Download, EXPORTS, ExportFormat, Scope};
use codex_tests::{
    harness::{app::TestApp, database::TestDatabase},
    on_each_engine,
};
use futures::StreamExt as _;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
};

/// Records of each kind, of one company as far as they have one: many pages, and more than waits for a reader.
const MANY: usize = 2_000;

/// `TEXT` is long, `N` grows with the id.
const FILL: [&str; 5] = [
    "insert into companies (id, created_at, updated_at, name, name_fold, domains, description, account_number) \
        select i, AT, AT, N, N, '[]', TEXT, N from n",
    "insert into contacts (id, created_at, updated_at, name, name_fold, secondary_emails, department_ids, \
        department_names, job_title) select i, AT, AT, N, N, '[]', '[]', '[]', TEXT from n",
    "insert into assets (id, created_at, updated_at, hostname, hostname_fold, udf, operating_system, company_id) \
        select i, AT, AT, N, N, '{}', TEXT, 1 from n",
    "insert into locations (id, created_at, updated_at, name, address, company_id) \
        select i, AT, AT, N, TEXT, i from n",
    "insert into tickets (id, created_at, updated_at, number, tags, newest_at, subject_fold, subject, company_id) \
        select i, AT, AT, i, '[]', AT, '', TEXT, 1 from n",
];

async fn run(app: &TestApp, sql: &str) -> anyhow::Result<()> {
    let sql = sql
        .replace("AT", "'2026-01-02T03:04:05+00:00'")
        .replace("TEXT", &format!("'{}'", "x".repeat(1_000)))
        .replace('N', "cast(100000 + i as text)");
    let mut tx = app.codex.db().begin().await?;
    // The store takes constants only, and a test ends soon.
    tx.query(&*sql.leak()).execute().await?;
    Ok(tx.commit().await?)
}

async fn fill(app: &TestApp) -> anyhow::Result<()> {
    for insert in FILL {
        let numbers = format!(
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < {MANY}) "
        );
        run(app, &format!("{numbers}{insert}")).await?;
    }
    Ok(())
}

/// The whole of a download, of which nothing was read before `change` but its first piece.
async fn read(app: &TestApp, mut download: Download, change: &[&str]) -> anyhow::Result<String> {
    let mut all = download.next().await.unwrap_or(Ok(Vec::new()))?;
    // Until nothing is read ahead any more.
    tokio::time::sleep(Duration::from_millis(300)).await;
    for change in change {
        run(app, change).await?;
    }
    while let Some(piece) = download.next().await {
        all.extend(piece?);
    }
    Ok(String::from_utf8(all)?)
}

/// Asserts that each of [`MANY`] is there once.
fn each_once<'v>(records: impl IntoIterator<Item = &'v Value>, key: &str, what: &str) {
    let mut found: HashMap<String, usize> = HashMap::new();
    for record in records {
        *found.entry(record[key].to_string()).or_default() += 1;
    }
    let odd: Vec<_> = found.iter().filter(|(_, times)| **times != 1).collect();
    assert!(odd.is_empty(), "{what}: {odd:?}");
    assert_eq!(found.len(), MANY, "{what}");
}

on_each_engine! {
    async fn records_changed_during_an_export_appear_once(app: TestApp) -> TestResult {
        fill(&app).await?;
        for (kind, key, change) in [
            ("companies", "account_number", "update companies set name_fold = "),
            ("contacts", "id", "update contacts set name_fold = "),
            ("assets", "id", "update assets set hostname_fold = "),
            ("locations", "id", "update locations set name = "),
            ("tickets", "id", "update tickets set newest_at = "),
        ] {
            let (first, last) = if kind == "tickets" {
                ("'2027-01-01T00:00:00+00:00'", "'2025-01-01T00:00:00+00:00'")
            } else {
                ("'a'", "'0'")
            };
            let changes = [
                format!("{change}{first} where id = 1"),
                format!("{change}{last} where id = {MANY}"),
            ];
            let changes = changes.each_ref().map(String::as_str);
            let download = app.codex.export(&Scope::system(), kind, ExportFormat::Ndjson).await?;
            let lines = read(&app, download, &changes).await?;
            let records: Vec<Value> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
            each_once(&records, key, kind);
        }
        Ok(())
    }

    async fn tickets_changed_during_a_download_appear_once(app: TestApp) -> TestResult {
        fill(&app).await?;
        let scope = Scope::system();
        let company = app.codex.companies(&scope).await?.remove(0);
        let change = |id: usize| format!("update tickets set newest_at = '2027-01-01T00:00:00+00:00' where id = {id}");
        let download = app.codex.company_tickets(&scope, &company, Some(2026)).await?;
        let tickets = read(&app, download, &[&change(1)]).await?;
        let tickets: Vec<Value> = serde_json::from_str(&tickets)?;
        each_once(&tickets, "ticket_id", "of a company");
        assert_eq!((&tickets[0]["ticket_id"], &tickets[MANY - 1]["ticket_id"]), (&MANY.into(), &1.into()));
        let download = app.codex.bulk(&scope, Some(BulkTickets { year: None })).await?;
        // Companies, too, when they get other names meanwhile.
        let (first, last) = ("set name_fold = 'a' where id = 1", format!("set name_fold = '0' where id = {MANY}"));
        let renamed = [format!("update companies {first}"), format!("update companies {last}")];
        let bulk = read(&app, download, &[&change(2), &renamed[0], &renamed[1]]).await?;
        let bulk: Vec<Value> = serde_json::from_str(&bulk)?;
        each_once(bulk.iter().map(|one| &one["company"]), "account_number", "bulk");
        each_once(bulk.iter().flat_map(|one| one["tickets"].as_array().unwrap()), "ticket_id", "bulk");
        // Nobody sees what another company has by then.
        let download = app.codex.company_tickets(&scope, &company, None).await?;
        let tickets = read(&app, download, &["update tickets set company_id = 2 where id = 3"]).await?;
        let tickets: Vec<Value> = serde_json::from_str(&tickets)?;
        assert!(tickets.len() == MANY - 1 && tickets.iter().all(|ticket| ticket["ticket_id"] != 3));
        Ok(())
    }

    async fn export_statements_grow_with_its_pages(app: TestApp) -> TestResult {
        fill(&app).await?;
        for kind in EXPORTS {
            let before = app.codex.statements_run();
            let download = app.codex.export(&Scope::system(), kind, ExportFormat::Csv).await?;
            read(&app, download, &[]).await?;
            let used = app.codex.statements_run() - before;
            // What is kept beside tickets takes three more for each page of 250.
            let most = if kind == "tickets" { 40 } else { 24 };
            assert!(used <= most, "{used} statements for {kind}");
        }
        Ok(())
    }

    async fn unread_exports_do_not_block_company_tickets(database: TestDatabase) -> TestResult {
        let app = TestApp::with(database, &[("server.download_wait_seconds", "1")]).await?;
        fill(&app).await?;
        let export = || async { app.codex.export(&Scope::system(), "assets", ExportFormat::Ndjson).await };
        let _two = (export().await?, export().await?);
        let tickets = app.json("/api/companies/100001/tickets").await?;
        assert_eq!(tickets.as_array().map(Vec::len), Some(MANY));
        let third = app.get("/api/export/assets.ndjson")?.send().await?;
        assert_eq!((third.status().as_u16(), &third.headers()["retry-after"]), (503, &"5".parse()?));
        Ok(())
    }

    async fn stalled_reader_makes_room_for_others(database: TestDatabase) -> TestResult {
        let app = TestApp::with(database, &[("server.stall_seconds", "1")]).await?;
        fill(&app).await?;
        let token = app.core.key.user("admin", "admin@msp.example")?;
        let head = format!("GET /api/export/assets.ndjson HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
        let mut still = Vec::new();
        for _ in 0..2 {
            let socket = TcpSocket::new_v4()?;
            socket.set_recv_buffer_size(16 * 1024)?;
            let mut stream = socket.connect(app.url().trim_start_matches("http://").parse()?).await?;
            stream.write_all(head.as_bytes()).await?;
            still.push(stream);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let third = app.get("/api/export/assets.ndjson")?.send().await?.error_for_status()?.text().await?;
        assert_eq!(third.lines().count(), MANY);
        for mut stream in still {
            let mut all = Vec::new();
            let ended = stream.read_to_end(&mut all).await;
            assert!(ended.is_err() || !all.ends_with(b"0\r\n\r\n"), "a part was taken for the whole");
        }
        Ok(())
    }
}
