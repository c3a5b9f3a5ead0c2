//! Pages of tickets, as a browser opens them.

use codex_tests::{
    harness::{app::TestApp, database::TestDatabase},
    on_each_engine, on_sqlite,
};
use reqwest::{Method, header::LOCATION};
use serde_json::{Value, json};

use crate::pages::{Browser, document, form, unescaped};

const PAGE: &str = "/tickets/5";

/// Words of statuses in which nobody works on a ticket.
const CLOSED: [&str; 3] = ["closed", "resolved", "job_complete_bill"];

fn rows(html: &str) -> usize {
    html.matches("<th scope=\"row\">").count()
}

async fn tickets(app: &TestApp) -> anyhow::Result<Vec<Value>> {
    let list = app.json("/api/tickets?limit=1000").await?;
    Ok(list["tickets"].as_array().cloned().unwrap_or_default())
}

/// Sets the status of a ticket through the API.
async fn set_status(app: &TestApp, status: &str) -> anyhow::Result<()> {
    let call = app.call_as("admin", Method::POST, "/api/ticket/5/update")?;
    call.json(&json!({"status": status}))
        .send()
        .await?
        .error_for_status()?;
    Ok(())
}

/// Waits until so many looks are noted.
async fn noted(app: &TestApp, looks: i64) -> anyhow::Result<()> {
    for _ in 0..200 {
        let count: Option<i64> = app
            .codex
            .db()
            .query("select count(*) from seen")
            .scalar()
            .await?;
        if count >= Some(looks) {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    anyhow::bail!("{looks} looks are not noted")
}

on_each_engine! {
    async fn list_shows_open_tickets_until_all_are_asked_for(app: TestApp) -> TestResult {
        app.sync().await?;
        let all = tickets(&app).await?;
        let open = all.iter().filter(|ticket| {
            ticket["status"].as_str().is_some_and(|status| !CLOSED.contains(&status))
        });
        let open = open.count();
        assert!(open > 0 && open < 50 && open < all.len(), "{open} of {}", all.len());
        let browser = Browser::new(&app, "technician")?;
        let moved = browser.call(Method::GET, "/tickets?sort=-id").send().await?;
        assert_eq!((moved.status().as_u16(), moved.headers()[LOCATION].to_str()?), (308, "/tickets/?sort=-id"));
        let html = browser.page("/tickets/?total=true").await?;
        assert_eq!(rows(&html), open, "{html}");
        assert!(html.contains("Open tickets only") && html.contains("all=true\""), "{html}");
        assert!(html.contains("aria-sort=\"descending\"") && html.contains("UTC\""), "{html}");
        let whole = browser.page("/tickets/?all=true&total=true").await?;
        assert!(whole.contains(&format!("{} tickets in all", all.len())), "{whole}");
        // Asking for a state ends the default.
        let closed = browser.page("/tickets/?status=closed&total=true").await?;
        assert!(!closed.contains("Open tickets only") && rows(&closed) > 0, "{closed}");
        let word = "all=true&q=";
        let sent = browser.call(Method::GET, &format!("/tickets/?{word}&field=priority&op=eq&value=high"));
        assert_eq!(sent.send().await?.headers()[LOCATION], "/tickets/?all=true&priority=high");
        let none = browser.page("/tickets/?q=nothinglikethis").await?;
        assert!(none.contains("No open ticket fits"), "{none}");
        for (query, says) in [
            ("subjct=x", "did you mean"), ("all=maybe", "all"), ("status=nonsense", "no status is called"), ("cursor=zz", "cursor"),
        ] {
            let (status, html) = browser.open(&format!("/tickets/?{query}")).await?;
            assert_eq!(status, 400, "{query}");
            assert!(html.contains(says), "{query}: {html}");
        }
        Ok(())
    }

    async fn ticket_list_has_facets_columns_and_views(app: TestApp) -> TestResult {
        app.sync().await?;
        let all = tickets(&app).await?;
        let open = all.iter().filter(|ticket| {
            ticket["status"].as_str().is_some_and(|status| !CLOSED.contains(&status))
        });
        let high = open.filter(|ticket| ticket["priority"] == "high").count();
        let browser = Browser::new(&app, "technician")?;
        let html = unescaped(&browser.page("/tickets/").await?);
        for label in [">Status</dt>", ">Priority</dt>", ">Ticket type</dt>", "Manage views", "<summary>Columns"] {
            assert!(html.contains(label), "{label}: {html}");
        }
        // A facet counts what its link leads to, among open tickets.
        if high > 0 {
            assert!(html.contains(&format!("href=\"/tickets/?priority=high\">High</a> {high}")), "{html}");
        }
        let narrowed = unescaped(&browser.page("/tickets/?priority=high").await?);
        assert_eq!(rows(&narrowed), high);
        assert!(narrowed.contains("Save as view") && narrowed.contains("Remove the filter: Priority is"), "{narrowed}");
        let chosen = browser.page("/tickets/?columns=id,status").await?;
        assert!(chosen.contains(">Status</a>") && !chosen.contains(">Requester<"), "{chosen}");
        let (status, html) = browser.open("/tickets/?columns=id,colour").await?;
        assert!(status == 400 && html.contains("no column"), "{html}");
        // A client chooses among columns that are open to clients.
        let (status, _) = Browser::new(&app, "client")?.open("/tickets/?columns=id,responder").await?;
        assert_eq!(status, 400);
        Ok(())
    }

    async fn tickets_are_exported_as_the_list_leaves_them(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        for query in ["?sort=-id", "?sort=-id&all=true", "?sort=-id&priority=high"] {
            let html = browser.page(&format!("/tickets/{query}&total=true")).await?;
            let file = browser.call(Method::GET, &format!("/tickets/export.ndjson{query}")).send().await?;
            assert_eq!(file.headers()["content-type"], "application/x-ndjson");
            let text = file.error_for_status()?.text().await?;
            let lines = text.lines().map(serde_json::from_str::<Value>);
            let numbers: Vec<i64> = lines.collect::<Result<Vec<_>, _>>()?.iter().filter_map(|line| line["id"].as_i64()).collect();
            assert!(html.contains(&format!(">{} ticket", numbers.len())), "{}: {html}", numbers.len());
            assert!(numbers.is_sorted_by(|a, b| a > b) && !numbers.is_empty(), "{numbers:?}");
        }
        let table = browser.call(Method::GET, "/tickets/export.csv").send().await?.text().await?;
        assert!(table.lines().next().is_some_and(|heads| heads.contains("subject")), "{table}");
        assert_eq!(browser.open("/tickets/export.csv?colour=red").await?.0, 400);
        Ok(())
    }

    async fn ticket_marks_what_came_since_the_last_look(app: TestApp) -> TestResult {
        app.sync().await?;
        set_status(&app, "open").await?;
        let (browser, other) = (Browser::new(&app, "technician")?, Browser::new(&app, "admin")?);
        for first in [&browser, &other] {
            assert!(!first.page(PAGE).await?.contains("since you last looked"));
        }
        noted(&app, 2).await?;
        set_status(&app, "pending").await?;
        let html = browser.page(PAGE).await?;
        assert!(html.contains("Changed since you last looked") && html.contains("Status"), "{html}");
        Ok(())
    }

    async fn ticket_shows_its_conversation_newest_part_first(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let html = browser.page("/tickets/41").await?;
        assert!(html.contains("Messages 107 to 131 of 131"), "{html}");
        assert!(html.contains("href=\"/tickets/41?skip=25\"") && !html.contains("Newest messages"), "{html}");
        assert!(!html.contains("<script>") && html.contains("Public: "), "{html}");
        assert!(html.contains("Private: the client does not see it"), "{html}");
        let first = browser.page("/tickets/41?skip=125").await?;
        assert!(first.contains("Messages 1 to 6 of 131") && !first.contains("Earlier messages"), "{first}");
        let html = browser.page(PAGE).await?;
        for part in [">Time entries", "Requester", "href=\"/api/ticket/5\""] {
            assert!(html.contains(part), "{part}: {html}");
        }
        for (path, status) in [
            ("/tickets/999999", 404), ("/tickets/x", 404), ("/tickets/-1", 404), ("/tickets/5?skip=x", 400),
            ("/tickets/5?colour=red", 400), ("/tickets/5?skip=9999", 200),
        ] {
            assert_eq!(browser.open(path).await?.0, status, "{path}");
        }
        Ok(())
    }

    async fn status_and_note_are_saved_from_the_form(app: TestApp) -> TestResult {
        app.sync().await?;
        set_status(&app, "open").await?;
        let browser = Browser::new(&app, "technician")?;
        let mut sent = form(&browser.page(PAGE).await?, PAGE);
        assert_eq!(browser.done(PAGE, &sent).await?, "/tickets/5?done=unchanged");
        sent.insert("status".into(), "pending".into());
        sent.insert("notes".into(), "Called <b>back</b>".into());
        let done = browser.done(PAGE, &sent).await?;
        assert_eq!(done, "/tickets/5?done=saved");
        let html = browser.page(&done).await?;
        assert!(html.contains("The ticket was changed.") && html.contains("Called &lt;b&gt;back&lt;/b&gt;"), "{html}");
        assert!(html.contains("kept here, not sent to the PSA"), "{html}");
        assert!(html.contains("Writing to the PSA is off"), "{html}");
        let ticket = app.json("/api/ticket/5").await?;
        assert_eq!(ticket["status"], "pending");
        let note = ticket["notes"].as_array().unwrap().last().unwrap();
        assert_eq!((&note["text"], &note["user"]), (&json!("Called <b>back</b>"), &json!("technician@msp.example")));
        let (status, _) = document(browser.send("/tickets/999999", &sent).await?).await?;
        assert_eq!(status, 404);
        Ok(())
    }

    async fn stale_status_is_refused_and_the_input_kept(app: TestApp) -> TestResult {
        app.sync().await?;
        set_status(&app, "open").await?;
        let browser = Browser::new(&app, "technician")?;
        let mut sent = form(&browser.page(PAGE).await?, PAGE);
        set_status(&app, "resolved").await?;
        sent.insert("status".into(), "pending".into());
        sent.insert("notes".into(), "Mine".into());
        let (status, html) = document(browser.send(PAGE, &sent).await?).await?;
        assert_eq!(status, 412);
        assert!(html.contains("Somebody changed this ticket"), "{html}");
        let again = form(&html, PAGE);
        assert_eq!((again["status"].as_str(), again["notes"].as_str()), ("pending", "Mine"));
        let ticket = app.json("/api/ticket/5").await?;
        assert_eq!(ticket["status"], "resolved");
        assert!(!ticket["notes"].to_string().contains("Mine"));
        browser.done(PAGE, &again).await?;
        assert_eq!(app.json("/api/ticket/5").await?["status"], "pending");
        // A note alone belongs to the ticket as it is by now.
        sent.insert("status".into(), String::new());
        sent.insert("notes".into(), "Later".into());
        assert_eq!(browser.done(PAGE, &sent).await?, "/tickets/5?done=saved");
        sent.insert("notes".into(), "x".repeat(100_001));
        let (status, html) = document(browser.send(PAGE, &sent).await?).await?;
        assert_eq!(status, 422);
        assert!(html.contains("Note: is longer than"), "{html}");
        Ok(())
    }

    async fn clients_see_own_tickets_without_notes_and_times(app: TestApp) -> TestResult {
        let secret = "Only among <b>us</b>";
        let number = {
            let mut world = app.world.lock();
            let behind = app.codex.now() - world.now;
            world.tick(behind);
            let numbers: Vec<i64> = world.tickets.iter().map(codex_tests::sim::world::tickets::Ticket::id).collect();
            for number in &numbers {
                world.say(*number, true, secret);
                world.say(*number, false, "Hello client");
            }
            numbers[0]
        };
        app.sync().await?;
        let of_company = app.json("/api/companies/100001/tickets").await?;
        let own = of_company[0]["ticket_id"].as_i64().unwrap();
        let contacts = app.json("/api/companies/100001/contacts").await?;
        let client = Browser::of(&app, "client", contacts[0]["email"].as_str().unwrap())?;
        let html = client.page(&format!("/tickets/{own}")).await?;
        assert!(html.contains("Hello client"), "{html}");
        for hidden in ["Only among", "Private", "Time entries", "Responder", "method=\"post\"", "Only technicians", "PSA"] {
            assert!(!html.contains(hidden), "{hidden}: {html}");
        }
        let list = client.page("/tickets/?all=true&total=true").await?;
        let count = of_company.as_array().unwrap().len();
        assert_eq!(rows(&list), count.min(50), "{list}");
        assert!(!list.contains("Responder"), "{list}");
        let others = tickets(&app).await?;
        let other = others.iter().find(|ticket| ticket["company_id"] == "100002").unwrap();
        assert_eq!(client.open(&format!("/tickets/{}", other["id"])).await?.0, 404);
        assert_eq!(client.open("/tickets/?responder_id=1").await?.0, 400);
        let staff = Browser::new(&app, "billing")?.page(&format!("/tickets/{number}")).await?;
        assert!(staff.contains("Only among") && staff.contains("Only technicians"), "{staff}");
        Ok(())
    }

    async fn hostile_conversations_are_shown_as_safe_markup(app: TestApp) -> TestResult {
        let attack = "<p onclick=alert(1) style=color:red class=btn id=content>Please <b>read</b></p>\
            <script>alert(1)</script><img src=https://track.test/1.gif onerror=alert(1)>\
            <a href=\"javascript:alert(1)\">one</a><a href=\"https://ok.test/?a=1&b=2\">two</a>\
            <form action=https://evil.test><input name=password></form><iframe src=//evil.test></iframe>\
            <svg onload=alert(1)><style>body{display:none}</style></main></body><h1>Big</h1><base href=//evil.test>\
            <blockquote>Earlier words</blockquote>";
        {
            let mut world = app.world.lock();
            let behind = app.codex.now() - world.now;
            world.tick(behind);
            world.note(5, false, attack);
            world.set_ticket(5, &json!({"subject": "\"><script>alert(1)</script>", "description": attack}));
        }
        app.sync().await?;
        let html = Browser::new(&app, "technician")?.page(PAGE).await?;
        for bad in [
            "<script>", "<img", "onclick", "onerror", "onload", "style=", "javascript:", "evil.test", "track.test",
            "<iframe", "<svg", "<base", "display:none", "<h1>Big",
        ] {
            assert!(!html.contains(bad), "{bad}: {html}");
        }
        assert!(html.contains("<p>Please <b>read</b></p>"), "{html}");
        assert!(html.contains("href=\"https://ok.test/?a=1&amp;b=2\" rel=\"noopener noreferrer\""), "{html}");
        assert!(html.contains("<summary>Quoted history</summary>") && html.contains("Earlier words"), "{html}");
        assert!(unescaped(&html).contains("\"><script>alert(1)</script>"), "the subject is text");
        assert_eq!((html.matches("<h1").count(), html.matches("</main>").count()), (1, 1));
        Ok(())
    }
}

on_sqlite! {
    async fn forms_need_the_role_and_a_valid_token(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let mut sent = form(&browser.page(PAGE).await?, PAGE);
        sent.insert("notes".into(), "Forged".into());
        for level in ["client", "billing"] {
            let (status, _) = document(Browser::new(&app, level)?.send(PAGE, &sent).await?).await?;
            assert_eq!(status, 403, "{level}");
        }
        sent.insert("csrf_token".into(), "x.y".into());
        let (status, html) = document(browser.send(PAGE, &sent).await?).await?;
        assert_eq!(status, 403);
        assert!(html.contains("was not sent from a page of this session"), "{html}");
        assert!(!app.json("/api/ticket/5").await?.to_string().contains("Forged"));
        Ok(())
    }

    async fn notes_show_their_way_to_the_psa(database: TestDatabase) -> TestResult {
        let app = TestApp::with(database, &[("upstream.write", "on")]).await?;
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let mut sent = form(&browser.page(PAGE).await?, PAGE);
        sent.insert("notes".into(), "On its way".into());
        let done = browser.done(PAGE, &sent).await?;
        let html = browser.page(&done).await?;
        assert!(html.contains("are written to the PSA within seconds"), "{html}");
        assert!(html.contains("Note: waiting to be sent to the PSA") && !html.contains("/retry\""), "{html}");
        let change = app.json("/sync/outbox").await?[0]["id"].as_i64().unwrap();
        let stop = app.call_as("technician", Method::POST, &format!("/sync/outbox/{change}/cancel"))?;
        stop.send().await?.error_for_status()?;
        let html = browser.page(PAGE).await?;
        assert!(html.contains("Note: not sent: stopped by"), "{html}");
        let retry = format!("{PAGE}/changes/{change}/retry");
        assert_eq!(browser.done(&retry, &form(&html, &retry)).await?, "/tickets/5?done=retried");
        let other = format!("/tickets/6/changes/{change}/retry");
        assert_eq!(document(browser.send(&other, &form(&html, &retry)).await?).await?.0, 404);
        app.codex.send_outbox().await?;
        let html = browser.page(PAGE).await?;
        assert!(html.contains("Note: sent to the PSA"), "{html}");
        Ok(())
    }

    async fn company_tab_links_to_pages_of_tickets(app: TestApp) -> TestResult {
        app.sync().await?;
        let html = Browser::new(&app, "technician")?.page("/companies/100001?tab=tickets").await?;
        assert!(html.contains("<th scope=\"row\"><a href=\"/tickets/"), "{html}");
        Ok(())
    }
}
