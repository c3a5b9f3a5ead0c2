//! Tickets through the API.

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use codex_client::{
    Client, OutboxState, PsaTicketOptions, TicketOptions, TicketUpdateIn, TokenSource,
};
use codex_tests::{
    harness::{app::TestApp, database::TestDatabase, keys},
    on_each_engine, on_sqlite,
    sim::fault::{FaultKind, When},
};
use reqwest::Method;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const LISTED: [&str; 14] = [
    "closed_at",
    "company_compliance_level",
    "company_id",
    "created_at",
    "description_text",
    "id",
    "last_updated_at",
    "priority",
    "requester_email",
    "requester_name",
    "status",
    "subject",
    "ticket_number",
    "total_hours_spent",
];

/// Both keys of an object and those of another.
fn with<'k>(keys: &[&'k str], more: &[&'k str]) -> Vec<&'k str> {
    let mut all = [keys, more].concat();
    all.sort_unstable();
    all
}

on_each_engine! {
    async fn lists_and_tickets_have_the_contract_shapes(app: TestApp) -> TestResult {
        app.sync().await?;
        let list = app.json("/api/tickets").await?;
        assert_eq!(keys(&list), ["count", "limit", "offset", "tickets", "total"]);
        assert_eq!((&list["count"], &list["total"], &list["limit"]), (&json!(50), &json!(60), &json!(50)));
        let tickets = list["tickets"].as_array().unwrap();
        let mut last = String::from("9999");
        for ticket in tickets {
            assert_eq!(keys(ticket), LISTED);
            let changed = ticket["last_updated_at"].as_str().unwrap();
            assert!(changed.ends_with("+00:00") && changed <= last.as_str(), "{changed}");
            last = changed.to_owned();
            assert!(ticket["total_hours_spent"].is_f64());
        }
        // One number everywhere (contract 7 #1).
        let id = &tickets[0]["id"];
        let one = app.json(&format!("/api/ticket/{id}")).await?;
        let more = ["company_name", "conversations", "description", "external_id", "notes", "priority_text",
            "source", "status_text", "updated_at"];
        assert_eq!(keys(&one), with(&LISTED, &more));
        let long = app.json("/api/ticket/41").await?;
        let said = [&long["conversations"], &long["notes"]].map(|list| list.as_array().unwrap().len());
        assert_eq!(said.iter().sum::<usize>(), 131);
        for item in long["notes"].as_array().unwrap() {
            assert_eq!((&item["private"], &item["body"]), (&json!(true), &item["text"]));
            assert!(!item["body"].as_str().unwrap().contains("alert"));
        }
        let of_company = app.json("/api/companies/100001/tickets").await?;
        let first = &of_company.as_array().unwrap()[0];
        let company_keys = ["closed_at", "conversations", "created_at", "description", "description_text",
            "last_updated_at", "notes", "priority", "requester_email", "requester_name", "status", "subject",
            "ticket_id", "ticket_number", "total_hours_spent"];
        assert_eq!(keys(first), company_keys);
        let none = app.json("/api/companies/100001/tickets?year=1999").await?;
        assert_eq!(none, json!([]));
        let this = app.json("/api/companies/100001/tickets?year=2025").await?;
        assert!(!this.as_array().unwrap().is_empty());
        Ok(())
    }

    async fn parameters_are_lenient_and_filters_apply(app: TestApp) -> TestResult {
        app.sync().await?;
        for (query, count, total) in [
            ("?limit=0", 0, 60), ("?limit=x&offset=y", 50, 60), ("?limit=-5", 0, 60), ("?offset=55", 5, 60),
            ("?limit=99999999999999999999", 50, 60), ("?limit=9223372036854775807", 60, 60),
            ("?status=nonsense", 0, 0), ("?priority=nonsense", 0, 0), ("?company_id=nobody", 0, 0), ("?what=ever", 50, 60),
        ] {
            let list = app.json(&format!("/api/tickets{query}")).await?;
            assert_eq!((&list["count"], &list["total"]), (&json!(count), &json!(total)), "{query}");
        }
        for (name, value, key) in [("status", "closed", "status"), ("priority", "High", "priority"), ("company_id", "100002", "company_id")] {
            let list = app.json(&format!("/api/tickets?{name}={value}")).await?;
            let tickets = list["tickets"].as_array().unwrap();
            assert!(!tickets.is_empty(), "{name}");
            for ticket in tickets {
                assert_eq!(ticket[key].as_str().unwrap(), value.to_lowercase());
            }
        }
        for path in ["/api/ticket/999999", "/api/ticket/x", "/api/ticket/-1", "/api/ticket/99999999999999999999"] {
            let answer = app.get(path)?.send().await?;
            assert_eq!(answer.status(), 404, "{path}");
            assert!(answer.json::<Value>().await?["error"].is_string());
        }
        Ok(())
    }

    async fn the_board_has_four_sections_of_active_tickets(app: TestApp) -> TestResult {
        app.sync().await?;
        let board = app.json("/api/tickets/active").await?;
        let sections = ["section1", "section2", "section3", "section4"].map(|name| board[name].as_array().unwrap().clone());
        let all: Vec<Value> = sections.concat();
        assert_eq!(board["total_active"], json!(all.len()));
        assert!(!all.is_empty() && board["last_sync_time"].is_string());
        for ticket in &all {
            assert_eq!(keys(ticket).len(), 33);
            for text in ["priority_text", "sla_class", "agent_name", "sla_text", "requester_name", "status_text"] {
                assert!(!ticket[text].as_str().unwrap().is_empty(), "{text}");
            }
            assert!(!["closed", "resolved", "job_complete_bill"].contains(&ticket["status"].as_str().unwrap()));
        }
        let group = all.iter().find_map(|ticket| ticket["group_id"].as_i64()).unwrap();
        let part = app.json(&format!("/api/tickets/active?group_id={group}&responder_id=0")).await?;
        assert!(part["total_active"].as_u64() < board["total_active"].as_u64());
        Ok(())
    }

    async fn cut_board_reports_the_number_of_tickets(app: TestApp) -> TestResult {
        let insert = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 20003) \
            insert into tickets (id, created_at, updated_at, number, tags, newest_at, subject_fold, status_id, priority_id) \
            select i, '2026-01-02T03:04:05+00:00', '2026-01-02T03:04:05+00:00', i, '[]', '2026-01-02T03:04:05+00:00', '', \
            2, 1 from n";
        let token = app.core.key.user("admin", "admin@msp.example")?;
        let ask = async |path: &str| -> anyhow::Result<(String, Value)> {
            // A look at so large an answer would take minutes.
            let call = Request::get(path).header("host", "codex").header("authorization", format!("Bearer {token}"));
            let answer = app.router().clone().oneshot(call.body(Body::empty())?).await?;
            let total = answer.headers()["x-total-count"].to_str()?.to_owned();
            Ok((total, serde_json::from_slice(&to_bytes(answer.into_body(), usize::MAX).await?)?))
        };
        let (total, board) = ask("/api/tickets/active").await?;
        assert_eq!((total.as_str(), &board["total_active"]), ("0", &json!(0)));
        assert_eq!(ask("/api/psa/tickets/active").await?, ("0".to_owned(), json!([])));
        let mut tx = app.codex.db().begin().await?;
        tx.query(insert).execute().await?;
        tx.commit().await?;
        let (total, board) = ask("/api/tickets/active").await?;
        assert_eq!((total.as_str(), &board["total_active"]), ("20003", &json!(20_003)));
        let sections = ["section1", "section2", "section3", "section4"];
        let shown: usize = sections.iter().map(|name| board[*name].as_array().unwrap().len()).sum();
        assert_eq!(shown, 20_000);
        let (total, list) = ask("/api/psa/tickets/active").await?;
        assert_eq!((total.as_str(), list.as_array().unwrap().len()), ("20003", 20_000));
        Ok(())
    }

    async fn board_sections_are_sorted_by_urgency(app: TestApp) -> TestResult {
        let now = app.codex.now();
        // Number, status, priority, hours since the last change.
        let active = [
            (1, 2, 1, 1), (2, 2, 3, 1), (3, 3, 1, 2), (4, 8, 1, 1), (5, 8, 2, 200), (6, 2, 3, 60), (7, 2, 4, 2),
            (8, 6, 1, 1), (9, 9, 2, 1),
        ];
        {
            let mut world = app.world.lock();
            for ticket in &mut world.tickets {
                ticket.body.insert("status".into(), json!(5));
            }
            for (number, status, priority, hours) in active {
                let changed = now - chrono::Duration::hours(hours);
                let changed = changed.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
                let ticket = world.tickets.iter_mut().find(|ticket| ticket.body["id"] == number).unwrap();
                for (name, value) in [("status", json!(status)), ("priority", json!(priority)), ("updated_at", json!(changed))] {
                    ticket.body.insert(name.into(), value);
                }
            }
        }
        app.sync().await?;
        let board = app.json("/api/tickets/active").await?;
        let section = |name: &str| -> Vec<i64> {
            board[name].as_array().unwrap().iter().filter_map(|ticket| ticket["id"].as_i64()).collect()
        };
        assert_eq!(section("section1"), [2, 3, 1], "by priority, then the longest untouched: {board}");
        assert_eq!(section("section2"), [5, 4], "the customer replied, however long ago");
        assert_eq!(section("section3"), [7, 6], "untouched for longer than the priority allows");
        assert_eq!(section("section4"), [9, 8]);
        assert_eq!(board["total_active"], 9);
        Ok(())
    }

    async fn update_shows_at_once_and_an_invalid_one_never(app: TestApp) -> TestResult {
        app.sync().await?;
        let path = "/api/ticket/5/update";
        let update = json!({"status": "On Hold", "notes": "Called back", "assigned_to": "nobody"});
        let answer = app.call_as("technician", Method::POST, path)?.json(&update).send().await?;
        assert_eq!(answer.status(), 200);
        let done: Value = answer.json().await?;
        assert_eq!((&done["success"], &done["ticket_id"]), (&json!(true), &json!(5)));
        let ticket = app.json("/api/ticket/5").await?;
        assert_eq!((&ticket["status"], &ticket["status_text"]), (&json!("on_hold"), &json!("On Hold")));
        let note = ticket["notes"].as_array().unwrap().last().unwrap();
        assert_eq!((&note["text"], &note["user"]), (&json!("Called back"), &json!("technician@msp.example")));
        let before = ticket;
        for (level, body, status) in [
            ("admin", json!({"status": "Nonsense"}), 400), ("admin", json!({"notes": "a\u{0}b"}), 400),
            ("client", json!({"status": "open"}), 403), ("billing", json!({"status": "open"}), 403),
        ] {
            let answer = app.call_as(level, Method::POST, path)?.json(&body).send().await?;
            assert_eq!(answer.status(), status, "{level} {body}");
            assert!(answer.json::<Value>().await?["error"].is_string());
        }
        let empty = app.call_as("admin", Method::POST, path)?.json(&json!({})).send().await?;
        assert_eq!(empty.status(), 200);
        assert_eq!(app.json("/api/ticket/5").await?, before);
        let unknown = app.call_as("admin", Method::POST, "/api/ticket/999999/update")?.json(&json!({}));
        assert_eq!(unknown.send().await?.status(), 404);
        Ok(())
    }

    async fn staff_can_select_every_stored_ticket_and_asset_field(app: TestApp) -> TestResult {
        app.world.lock().change_ticket(5, |ticket| {
            let mut said = ticket.conversations();
            said[0]["cc_emails"] = json!(["copy@client.example"]);
            said[0]["bcc_emails"] = json!(["blind@client.example"]);
            ticket.set_conversations(said);
            ticket.body.insert("attachments".into(), json!([{"name": "log.txt"}]));
        }).unwrap();
        app.sync().await?;
        let fields = "attachments,conversations,notes,minutes,stats,time_entries,first_responded_at,description";
        let one = app.json(&format!("/api/ticket/5?fields={fields}")).await?;
        let list = app.json(&format!("/api/tickets?id=5&fields={fields}")).await?;
        assert_eq!(list["tickets"][0], one, "the same in a list");
        assert_eq!(one["attachments"], json!([{"name": "log.txt"}]));
        assert_eq!(one["conversations"][0]["cc_emails"], json!(["copy@client.example"]));
        assert_eq!(one["conversations"][0]["bcc_emails"], json!(["blind@client.example"]));
        assert_eq!(one["stats"]["inbound_count"], 1);
        let worked = one["time_entries"].as_array().unwrap();
        assert_eq!((worked.len(), &worked[0]["minutes"], &one["minutes"]), (2, &json!(30), &json!(60)));
        assert!(worked[0]["started_at"].is_string() && worked[0]["note"].is_string());
        for (path, status) in [
            ("/api/ticket/5?fields=nonsense", 400), ("/api/tickets?fields=nonsense", 400),
            ("/api/ticket/5?fields=subject,status", 200),
        ] {
            assert_eq!(app.get(path)?.send().await?.status(), status, "{path}");
        }
        let asset = app.json("/api/assets?fields=patch_status,patches_installed,patches_approved_pending,\
            patches_not_approved,reboot_required,last_audit_date,last_reboot,last_seen").await?;
        assert_eq!(keys(&asset[0]).len(), 8, "{asset}");
        for key in ["last_audit_date", "last_reboot"] {
            assert!(asset.as_array().unwrap().iter().any(|asset| asset[key].is_string()), "{key}");
        }
        // The list of a company chooses as the list of all does.
        let fields = "fields=id,patch_status,patches_installed,reboot_required,last_audit_date,last_reboot,company_account_number";
        let all = app.json(&format!("/api/assets?company_id=100001&limit=500&{fields}")).await?;
        assert!(!all.as_array().unwrap().is_empty(), "{all}");
        assert_eq!(app.json(&format!("/api/companies/100001/assets?limit=500&{fields}")).await?, all);
        for filter in ["reboot_required=true", "patch_status__isnull=false", "patches_installed__gte=0", "last_reboot__lt=2030-01-01"] {
            assert_eq!(app.get(&format!("/api/assets?{filter}"))?.send().await?.status(), 200, "{filter}");
        }
        let email = { app.world.lock().requesters[1]["primary_email"].as_str().unwrap().to_owned() };
        let token = app.core.key.user("client", &email)?;
        let get = |path: String| app.call(Method::GET, &path).bearer_auth(token.clone());
        let own: Value = get("/api/tickets".into()).send().await?.json().await?;
        let number = own["tickets"][0]["id"].as_i64().unwrap();
        for key in ["attachments", "time_entries", "stats", "minutes"] {
            assert_eq!(get(format!("/api/ticket/{number}?fields={key}")).send().await?.status(), 400, "{key}");
            assert_eq!(get(format!("/api/tickets?fields={key}")).send().await?.status(), 400, "{key}");
        }
        let shown: Value = get(format!("/api/ticket/{number}?fields=notes,conversations")).send().await?.json().await?;
        assert_eq!(shown["notes"], json!([]));
        assert!(shown["conversations"].as_array().unwrap().iter().all(|said| said.get("cc_emails").is_none()));
        assert_eq!(get("/api/assets?fields=patch_status".into()).send().await?.status(), 400);
        Ok(())
    }

    async fn legacy_words_set_the_nearest_status(app: TestApp) -> TestResult {
        app.sync().await?;
        let token = app.core.key.service("brainhair", "codex")?;
        let update = async |body: Value| -> anyhow::Result<(u16, Value)> {
            let call = app.call(Method::POST, "/api/ticket/5/update").bearer_auth(token.clone());
            let answer = call.json(&body).send().await?;
            Ok((answer.status().as_u16(), answer.json().await?))
        };
        for (word, status) in [
            ("in_progress", "open"), ("resolved", "resolved"), ("closed", "closed"), ("open", "open"),
            ("waiting_customer", "waiting_customer"), ("scheduled", "on_hold"),
        ] {
            let (code, done) = update(json!({"status": word, "notes": word})).await?;
            assert_eq!((code, &done["success"]), (200, &json!(true)), "{word}: {done}");
            assert!(done["message"].as_str().unwrap().contains(&format!("the status is `{status}`")), "{done}");
            assert_eq!(done.get("not_done"), None, "{done}");
            let ticket = app.json("/api/ticket/5").await?;
            assert_eq!(ticket["status"], status, "{word}");
            let note = ticket["notes"].as_array().unwrap().last().unwrap().clone();
            assert_eq!((&note["text"], &note["user"]), (&json!(word), &json!("system")));
        }
        let (code, done) = update(json!({"status": "nonsense", "notes": "Kept"})).await?;
        assert_eq!((code, &done["not_done"]), (200, &json!(["status"])));
        assert!(done["message"].as_str().unwrap().contains("no status is called `nonsense`"), "{done}");
        let ticket = app.json("/api/ticket/5").await?;
        assert_eq!(ticket["notes"].as_array().unwrap().last().unwrap()["text"], "Kept");
        let (code, done) = update(json!({})).await?;
        assert_eq!((code, &done["message"]), (200, &json!("Ticket 5: nothing was changed")));
        let (code, done) = update(json!({"assigned_to": 7})).await?;
        assert_eq!((code, &done["not_done"]), (200, &json!(["assigned_to"])));
        assert_eq!(app.json("/api/ticket/5").await?, ticket);
        Ok(())
    }

    async fn local_work_is_the_last_change_of_a_ticket(app: TestApp) -> TestResult {
        app.sync().await?;
        let sections = ["section1", "section2", "section3", "section4"];
        let on_board = async |id: &Value| -> anyhow::Result<(&str, Value)> {
            let board = app.json("/api/tickets/active").await?;
            let found = sections.into_iter().find_map(|section| {
                let ticket = board[section].as_array()?.iter().find(|ticket| ticket["id"] == *id)?;
                Some((section, ticket.clone()))
            });
            found.ok_or_else(|| anyhow::anyhow!("{id} is not on the board"))
        };
        let overdue = app.json("/api/tickets/active").await?["section3"][0]["id"].clone();
        let before = app.json(&format!("/api/ticket/{overdue}")).await?;
        let begun = app.codex.now().format("%Y-%m-%dT%H:%M:%SZ");
        let update = app.call_as("technician", Method::POST, &format!("/api/ticket/{overdue}/update"))?;
        update.json(&json!({"notes": "Called back", "assigned_to": 7})).send().await?.error_for_status()?;
        let check = async || -> anyhow::Result<()> {
            let (section, ticket) = on_board(&overdue).await?;
            assert_ne!(section, "section3", "{ticket}");
            assert!(ticket["updated_at_str"].as_str() > before["last_updated_at"].as_str(), "{ticket}");
            assert_eq!(app.json("/api/tickets").await?["tickets"][0]["id"], overdue);
            assert_eq!(app.json(&format!("/api/tickets?updated_from={begun}")).await?["total"], 1);
            let account = before["company_id"].as_str().unwrap();
            let own = app.json(&format!("/api/companies/{account}/tickets")).await?;
            assert_eq!((&own[0]["ticket_id"], &own[0]["last_updated_at"]), (&overdue, &ticket["updated_at_str"]));
            Ok(())
        };
        check().await?;
        // Neither a sync that brings nothing nor one that brings an older change takes it back.
        app.run_syncs(&["/sync/tickets"]).await?;
        check().await?;
        {
            let mut world = app.world.lock();
            let ticket = world.tickets.iter_mut().find(|ticket| ticket.body["id"] == overdue).unwrap();
            ticket.body["subject"] = json!("Another subject");
        }
        app.run_syncs(&["/sync/tickets/full-history"]).await?;
        assert_eq!(app.json(&format!("/api/ticket/{overdue}")).await?["subject"], "Another subject");
        check().await
    }

    async fn clients_see_own_tickets_and_nothing_private(app: TestApp) -> TestResult {
        app.sync().await?;
        let email = { app.world.lock().requesters[1]["primary_email"].as_str().unwrap().to_owned() };
        let token = app.core.key.user("client", &email)?;
        let get = |path: String| app.call(Method::GET, &path).bearer_auth(token.clone());
        let list: Value = get("/api/tickets?limit=60".into()).send().await?.json().await?;
        assert!((1..60).contains(&list["total"].as_i64().unwrap()), "{}", list["total"]);
        for ticket in list["tickets"].as_array().unwrap() {
            assert_eq!(ticket["company_id"], "100001");
            let one: Value = get(format!("/api/ticket/{}", ticket["id"])).send().await?.json().await?;
            assert_eq!(one["notes"], json!([]));
        }
        let others = app.json("/api/tickets?company_id=100002").await?["tickets"][0]["id"].clone();
        assert_eq!(get(format!("/api/ticket/{others}")).send().await?.status(), 404);
        let sync = app.call(Method::POST, "/sync/tickets").bearer_auth(token.clone()).send().await?;
        assert_eq!(sync.status(), 403);
        Ok(())
    }

    async fn the_client_reads_and_updates_tickets(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = Client::new(&app.url(), TokenSource::core(app.core.url(), "brainhair")?)?;
        let options = TicketOptions { status: Some("closed".into()), limit: Some(3), ..TicketOptions::default() };
        let list = client.tickets().list(&options).await?;
        assert_eq!(list.tickets.len(), 3);
        let one = client.tickets().get(list.tickets[0].id).await?;
        assert_eq!(one.ticket, list.tickets[0]);
        let note = TicketUpdateIn { notes: Some("Seen".into()), ..TicketUpdateIn::default() };
        assert!(client.tickets().update(one.ticket.id, &note).await?.success);
        let board = client.tickets().active(None, None).await?;
        assert!(board.total_active > 0);
        assert!(!client.tickets().of_company("100001", None).await?.is_empty());
        Ok(())
    }

    async fn pending_changes_are_visible_in_the_outbox(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = Client::new(&app.url(), TokenSource::core(app.core.url(), "beacon")?)?;
        let update = TicketUpdateIn { notes: Some("Called back".into()), ..TicketUpdateIn::default() };
        client.tickets().update(5, &update).await?;
        assert!(client.outbox().list(None).await?.is_empty(), "writing is off, the default");
        // As an older version kept it.
        let mut tx = app.codex.db().begin().await?;
        tx.query("insert into outbox (number, kind, base_status_ids, note_id, author, created_at, state, attempts, \
            next_at) select 5, 'note', '[]', id, author, created_at, 'off', 0, created_at from conversations \
            where source = 'manual'").execute().await?;
        tx.commit().await?;
        let all = client.outbox().list(None).await?;
        let [change] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((change.state, change.ticket_id, change.note.as_deref()), (OutboxState::Off, 5, Some("Called back")));
        assert_eq!((change.next_at, change.author.as_str()), (None, "service:beacon"));
        assert_eq!(client.outbox().list(Some(OutboxState::Off)).await?, all);
        assert!(client.outbox().list(Some(OutboxState::Failed)).await?.is_empty());
        let refused = client.outbox().retry(change.id).await.unwrap_err();
        assert_eq!(refused.status(), Some(409), "writing is off");
        assert_eq!(client.outbox().cancel(change.id).await?.state, OutboxState::Cancelled);
        assert_eq!(client.outbox().cancel(change.id).await.unwrap_err().status(), Some(409));
        assert_eq!(client.outbox().cancel(999).await.unwrap_err().status(), Some(404));
        for (path, status) in [("/sync/outbox?state=nonsense", 400), ("/sync/outbox?what=1", 400)] {
            assert_eq!(app.get(path)?.send().await?.status(), status, "{path}");
        }
        for (level, path, status) in [
            ("client", "/sync/outbox/1/cancel", 403), ("billing", "/sync/outbox/1/retry", 403),
            ("technician", "/sync/outbox/x/cancel", 404),
        ] {
            assert_eq!(app.call_as(level, Method::POST, path)?.send().await?.status(), status, "{path} {level}");
        }
        assert_eq!(app.get_as("client", "/sync/outbox")?.send().await?.status(), 403);
        Ok(())
    }

    async fn unknown_ticket_is_fetched_and_a_missing_one_only_once(app: TestApp) -> TestResult {
        app.sync().await?;
        let new = app.world.lock().open_ticket();
        let ticket = app.json(&format!("/api/ticket/{new}")).await?;
        assert_eq!(ticket["id"], new);
        let calls = || app.freshservice.calls("tickets/");
        let before = calls();
        for _ in 0..3 {
            let answer = app.get("/api/ticket/424242")?.send().await?;
            assert_eq!(answer.status(), 404);
            assert!(answer.json::<Value>().await?["error"].is_string());
        }
        assert_eq!(calls() - before, 1, "that there is none is believed for a while");
        assert_eq!(app.get_as("client", "/api/ticket/434343")?.send().await?.status(), 404);
        assert_eq!(calls() - before, 1, "clients do not spend the MSP's calls");
        app.freshservice.faults().add("/api/v2/tickets/", When::Always, FaultKind::Hang(std::time::Duration::from_secs(20)));
        let begun = std::time::Instant::now();
        let answer = app.get("/api/ticket/454545")?.send().await?;
        assert_eq!(answer.status(), 502);
        assert!(answer.json::<Value>().await?["error"].is_string() && begun.elapsed().as_secs() < 5);
        Ok(())
    }

    async fn tickets_without_time_entries_count_as_configured(database: TestDatabase) -> TestResult {
        let app = TestApp::with(database, &[("psa.unworked_ticket_minutes", "15")]).await?;
        app.sync().await?;
        // Every third ticket has no time entry; of the others one in three has one of half an hour.
        assert_eq!(app.json("/api/ticket/3").await?["total_hours_spent"], 0.25);
        assert_eq!(app.json("/api/ticket/4").await?["total_hours_spent"], 0.5);
        let list = app.json("/api/tickets?limit=60").await?;
        let of_3 = list["tickets"].as_array().unwrap().iter().find(|ticket| ticket["id"] == 3);
        assert_eq!(of_3.unwrap()["total_hours_spent"], 0.25);
        Ok(())
    }

    async fn psa_lists_are_bare_arrays(app: TestApp) -> TestResult {
        app.sync().await?;
        let base = ["company_id", "company_name", "created_at", "external_id", "group_id", "id", "priority", "requester_name",
            "responder_id", "source", "status", "subject", "ticket_number", "updated_at"];
        let list = app.json("/api/psa/tickets").await?;
        let tickets = list.as_array().unwrap();
        assert_eq!(tickets.len(), 60);
        for ticket in tickets {
            assert_eq!(keys(ticket), with(&base, &["requester_email", "total_hours"]));
            assert!(ticket["company_name"].is_string() && ticket["source"] == "freshservice");
        }
        for (query, count) in [("?limit=3", 3), ("?limit=-1", 0), ("?provider=superops", 0), ("?company=nobody", 0), ("?what=1", 60)] {
            assert_eq!(app.json(&format!("/api/psa/tickets{query}")).await?.as_array().unwrap().len(), count, "{query}");
        }
        let active = app.json("/api/psa/tickets/active").await?;
        let mut last = i64::MAX;
        for ticket in active.as_array().unwrap() {
            assert_eq!(keys(ticket), with(&base, &["due_by", "fr_due_by", "responder_name"]));
            assert!(["open", "pending", "waiting_customer", "on_hold"].contains(&ticket["status"].as_str().unwrap()));
            let rank = ["low", "medium", "high", "urgent"].iter().position(|word| ticket["priority"] == *word);
            let rank = i64::try_from(rank.unwrap())?;
            assert!(rank <= last && !ticket["responder_name"].as_str().unwrap().is_empty());
            last = rank;
        }
        let client = Client::new(&app.url(), TokenSource::core(app.core.url(), "beacon")?)?;
        assert_eq!(client.tickets().active_of_psa(Some("freshservice")).await?.len(), active.as_array().unwrap().len());
        let open = PsaTicketOptions { status: Some("open".into()), ..PsaTicketOptions::default() };
        assert!(client.tickets().of_psa(&open).await?.iter().all(|ticket| ticket.base.status.as_deref() == Some("open")));
        Ok(())
    }

    async fn periods_include_their_start_and_exclude_their_end(app: TestApp) -> TestResult {
        app.sync().await?;
        let all = app.json("/api/tickets?limit=100").await?;
        let times = |key: &str| {
            let mut times: Vec<String> = all["tickets"].as_array().unwrap().iter()
                .map(|ticket| ticket[key].as_str().unwrap().to_owned()).collect();
            times.sort();
            times
        };
        for (name, key) in [("created", "created_at"), ("updated", "last_updated_at")] {
            let times = times(key);
            let (from, to) = (&times[10], &times[30]);
            let wanted = times.iter().filter(|at| *at >= from && *at < to).count();
            let query = format!("{name}_from={}&{name}_to={}&limit=100", from.replace('+', "%2B"), to.replace('+', "%2B"));
            let part = app.json(&format!("/api/tickets?{query}")).await?;
            assert_eq!(part["total"], json!(wanted), "{query}");
        }
        for (query, says) in [
            ("created_from=yesterday", "created_from"), ("updated_to=2026-13-01", "updated_to"),
            ("created_from=2026-02-01&created_to=2026-01-01", "created_to"),
        ] {
            let answer = app.get(&format!("/api/tickets?{query}"))?.send().await?;
            assert_eq!(answer.status(), 400, "{query}");
            assert!(answer.json::<Value>().await?["error"].as_str().unwrap().starts_with(says), "{query}");
        }
        Ok(())
    }

    async fn singular_routes_return_the_same_records(app: TestApp) -> TestResult {
        app.sync().await?;
        let (contacts, assets) = (app.json("/api/contacts").await?, app.json("/api/assets").await?);
        let (contact, asset) = (&contacts[0]["id"], &assets[0]["id"]);
        for (one, other) in [
            ("/api/company/100001".to_owned(), "/api/companies/100001".to_owned()),
            (format!("/api/contact/{contact}"), format!("/api/contacts/{contact}")),
            (format!("/api/asset/{asset}"), format!("/api/assets/{asset}")),
        ] {
            assert_eq!(app.json(&one).await?, app.json(&other).await?);
        }
        for path in ["/api/company/nobody", "/api/contact/999999", "/api/asset/999999"] {
            assert_eq!(app.get(path)?.send().await?.status(), 404, "{path}");
        }
        Ok(())
    }
}

on_sqlite! {
    async fn config_has_the_addresses_of_psa_pages(app: TestApp) -> TestResult {
        let config = app.json("/api/psa/config").await?;
        let site = app.freshservice.url();
        let groups = json!({"helpdesk": null, "professional_services": 19_000_234_009_i64});
        let provider = json!({
            "name": "Freshservice",
            "ticket_url_template": format!("{site}/a/tickets/{{ticket_id}}"),
            "company_url_template": format!("{site}/a/admin/departments/{{company_id}}"),
            "contact_url_template": format!("{site}/a/requesters/{{contact_id}}"),
            "group_ids": groups,
        });
        assert_eq!(config, json!({"default_provider": "freshservice", "providers": {"freshservice": provider}}));
        let client = Client::new(&app.url(), TokenSource::core(app.core.url(), "beacon")?)?;
        assert!(client.psa_agents().config().await?.providers.contains_key("freshservice"));
        Ok(())
    }

    async fn unknown_update_keys_suggest_the_nearest_name(app: TestApp) -> TestResult {
        app.sync().await?;
        let before = app.json("/api/ticket/5").await?;
        for (body, pointer, words) in [
            (json!({"status": "closed", "note": "hi"}), "/note", "did you mean `notes`?"),
            (json!({"foo": "x"}), "/foo", "there are `assigned_to`, `notes`, `status`"),
        ] {
            let call = app.call_as("technician", Method::POST, "/api/ticket/5/update")?;
            let answer = call.json(&body).send().await?;
            assert_eq!(answer.status(), 422, "{body}");
            let problem: Value = answer.json().await?;
            assert_eq!(problem["errors"][0]["pointer"], pointer);
            assert!(problem["errors"][0]["detail"].as_str().unwrap().ends_with(words), "{problem}");
        }
        assert_eq!(app.json("/api/ticket/5").await?, before);
        Ok(())
    }
}
