//! The pages of search and settings.

use codex_tests::{
    harness::{app::TestApp, urlencode},
    on_each_engine, on_sqlite,
};
use reqwest::{
    Method, Response,
    header::{ACCEPT, LOCATION},
};
use serde_json::{Value, json};

const HTML: &str = "text/html,*/*;q=0.8";

/// A person with one session.
struct Browser<'a> {
    app: &'a TestApp,
    token: String,
}

impl<'a> Browser<'a> {
    fn of(app: &'a TestApp, level: &str, email: &str) -> anyhow::Result<Self> {
        let token = app.core.key.user(level, email)?;
        Ok(Self { app, token })
    }

    async fn call(&self, path: &str) -> anyhow::Result<Response> {
        let call = self.app.call(Method::GET, path).header(ACCEPT, HTML);
        Ok(call.bearer_auth(&self.token).send().await?)
    }

    async fn open(&self, path: &str) -> anyhow::Result<(u16, String)> {
        let answer = self.call(path).await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// The page of results.
    async fn search(&self, text: &str) -> anyhow::Result<String> {
        let (status, html) = self.open(&format!("/search?q={}", urlencode(text))).await?;
        anyhow::ensure!(status == 200, "{text}: {status} {html}");
        Ok(html)
    }

    /// Where Enter leads; `None` for a page of results.
    async fn enter(&self, text: &str) -> anyhow::Result<Option<String>> {
        let answer = self
            .call(&format!("/search?q={}&go=1", urlencode(text)))
            .await?;
        let location = answer.headers().get(LOCATION).cloned();
        anyhow::ensure!(
            [200, 303].contains(&answer.status().as_u16()),
            "{text}: {}",
            answer.status()
        );
        Ok(location.map(|to| to.to_str().unwrap_or_default().to_owned()))
    }

    async fn send(&self, path: &str, members: &[(&str, &str)]) -> anyhow::Result<Response> {
        let call = self.app.call(Method::POST, path).header(ACCEPT, HTML);
        Ok(call.bearer_auth(&self.token).form(members).send().await?)
    }
}

fn token(html: &str) -> String {
    let rest = html
        .split("name=\"csrf_token\" value=\"")
        .nth(1)
        .unwrap_or_default();
    rest.split('"').next().unwrap_or_default().to_owned()
}

async fn post(app: &TestApp, path: &str, body: Value) -> anyhow::Result<Value> {
    let call = app.call_as("admin", Method::POST, path)?.json(&body);
    Ok(call.send().await?.error_for_status()?.json().await?)
}

async fn of_client(app: &TestApp) -> anyhow::Result<String> {
    let contacts = app.json("/api/companies/100001/contacts").await?;
    Ok(contacts[0]["email"].as_str().unwrap().to_owned())
}

/// Records of a company that a test searches: paths of the contact and the asset.
async fn add_records(app: &TestApp, company: &str) -> anyhow::Result<(String, String)> {
    let contact = json!({"name": "Quokka Person", "email": "quokka@acme.test",
        "mobile_phone_number": "+49 (0)89 1234-567", "company_account_numbers": [company]});
    let contact = post(app, "/api/contacts", contact).await?;
    let asset = json!({"hostname": "QUOKKA-PC", "serial_number": "5CG-Quokka1", "company_account_number": company});
    let asset = post(app, "/api/assets", asset).await?;
    let put = app.call_as("admin", Method::PUT, &format!("/api/companies/{company}"))?;
    put.json(&json!({"company_main_number": "030/7654321"}))
        .send()
        .await?
        .error_for_status()?;
    Ok((
        format!("/contacts/{}", contact["id"]),
        format!("/assets/{}", asset["id"]),
    ))
}

on_each_engine! {
    async fn enter_opens_the_record_that_a_term_identifies(app: TestApp) -> TestResult {
        app.sync().await?;
        let (contact, asset) = add_records(&app, "100002").await?;
        let ticket = app.json("/api/tickets?limit=1").await?["tickets"][0]["id"].to_string();
        let browser = Browser::of(&app, "technician", "t@msp.example")?;
        let ticket_page = format!("/tickets/{ticket}");
        let inc = format!("INC-{ticket}");
        let hash = format!("#{ticket}");
        for (text, page) in [
            ("100002", "/companies/100002"), (" 100002 ", "/companies/100002"), ("030 76 54 321", "/companies/100002"),
            ("quokka-pc", &asset), ("5cg-quokka1", &asset), ("QUOKKA@acme.test", &contact),
            ("+49891234567", &contact), ("0049 89 1234567", &contact), ("089/1234567", &contact), ("(089) 123-4567", &contact),
            (&hash, &ticket_page), (&inc, &ticket_page),
        ] {
            assert_eq!(browser.enter(text).await?.as_deref(), Some(page), "{text}");
            let html = browser.search(text).await?;
            assert!(html.contains("id=\"exact\"") && html.contains(&format!("href=\"{page}\"")), "{text}: {html}");
        }
        // What identifies nothing, or more than one record, is a page of results.
        post(&app, "/api/assets", json!({"hostname": "quokka-pc", "company_account_number": "100001"})).await?;
        for text in ["quokka-pc", "quokka", "089 1234568", "no such thing", "quokka@acme"] {
            assert_eq!(browser.enter(text).await?, None, "{text}");
        }
        let found = app.json("/api/search?q=5cg-quokka1").await?;
        assert_eq!((&found["results"][0]["matched"], &found["count"]), (&json!("identifier"), &json!(1)), "{found}");
        Ok(())
    }

    async fn results_are_grouped_marked_and_lead_to_lists(app: TestApp) -> TestResult {
        app.sync().await?;
        add_records(&app, "100002").await?;
        let people: Vec<Value> = (0..12).map(|n| json!({"name": format!("Zebra {n:02}"),
            "company_account_numbers": ["100001"]})).collect();
        post(&app, "/api/contacts/bulk", json!(people)).await?;
        post(&app, "/api/billing-plans", json!({"plan_name": "Zebra Care", "term_length": "1 Year"})).await?;
        let browser = Browser::of(&app, "technician", "t@msp.example")?;
        let html = browser.search("zebra").await?;
        assert!(html.contains("All 12 results") && html.contains("href=\"/contacts/?q=zebra\""), "{html}");
        assert!(html.contains("href=\"/billing-plans/\"") && !html.contains("id=\"asset\""), "{html}");
        assert_eq!(html.matches("<mark>Zebra</mark>").count(), 8 + 1, "{html}");
        let html = browser.search("QUOKKÄ pers").await?;
        assert!(html.contains("<mark>Quokka</mark> <mark>Pers</mark>on"), "{html}");
        let none = browser.search("nothinglikethis").await?;
        assert!(none.contains("Nothing was found"), "{none}");
        let attack = "<script>alert(1)</script>";
        assert!(!browser.search(attack).await?.contains(attack));
        Ok(())
    }

    async fn clients_search_their_own_companies_only(app: TestApp) -> TestResult {
        app.sync().await?;
        add_records(&app, "100002").await?;
        post(&app, "/api/billing-plans", json!({"plan_name": "Quokka Care", "term_length": "1 Year"})).await?;
        let foreign = app.json("/api/companies/100002/tickets").await?[0]["ticket_number"].clone();
        let client = Browser::of(&app, "client", &of_client(&app).await?)?;
        for text in ["quokka", "quokka-pc", "5CG-Quokka1", "quokka@acme.test", "+49891234567", "030/7654321", "100002", &foreign.to_string()] {
            assert_eq!(client.enter(text).await?, None, "{text}");
            let html = client.search(text).await?;
            assert!(!html.contains("<mark>Quokka") && !html.contains("id=\"exact\""), "{text}: {html}");
        }
        // Their own are found, and counted without others'.
        post(&app, "/api/assets", json!({"hostname": "quokka-own", "company_account_number": "100001"})).await?;
        assert_eq!(client.enter("100001").await?.as_deref(), Some("/companies/100001"));
        assert!(client.enter("QUOKKA-OWN").await?.is_some());
        let html = client.search("quokka").await?;
        assert!(html.contains("All 1 result<") && html.contains("<mark>quokka</mark>-own"), "{html}");
        let stranger = Browser::of(&app, "client", "nobody@elsewhere.example")?;
        assert!(stranger.search("quokka").await?.contains("No company is open to you yet"));
        Ok(())
    }

    async fn statements_of_a_search_are_bounded(app: TestApp) -> TestResult {
        app.sync().await?;
        let people: Vec<Value> = (0..50).map(|n| json!({"name": format!("Zebra {n}")})).collect();
        post(&app, "/api/contacts/bulk", json!(people)).await?;
        let browser = Browser::of(&app, "technician", "t@msp.example")?;
        for text in ["zebra", "100001", "0891234567", "a"] {
            let mut fewest = u64::MAX;
            for _ in 0..5 {
                let before = app.codex.statements_run();
                browser.search(text).await?;
                fewest = fewest.min(app.codex.statements_run() - before);
            }
            assert!(fewest <= 16, "{text}: {fewest} statements");
        }
        Ok(())
    }

    async fn settings_are_saved_and_shown(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/agents"]).await?;
        let agents = app.json("/api/agents").await?;
        let agent = agents["agents"].as_array().unwrap().iter()
            .find(|agent| !agent["email"].as_str().unwrap_or_default().is_empty()).unwrap().clone();
        let email = agent["email"].as_str().unwrap();
        let browser = Browser::of(&app, "technician", email)?;
        let (status, html) = browser.open("/settings").await?;
        assert_eq!(status, 200, "{html}");
        assert!(html.contains("value=\"purple\" checked") && html.contains("value=\"light\" checked"), "{html}");
        assert_eq!(html.matches("name=\"preferred_color_theme\"").count(), 9);
        assert_eq!(html.matches("name=\"home_page_preference\"").count(), 5);
        let proof = token(&html);
        let sent = [("csrf_token", proof.as_str()), ("theme_preference", "dark"),
            ("preferred_color_theme", "bee"), ("home_page_preference", "helm")];
        let saved = browser.send("/settings", &sent).await?;
        assert_eq!(saved.status(), 303, "{}", saved.text().await?);
        assert_eq!(saved.headers()[LOCATION], "/settings?done=saved");
        let (_, html) = browser.open("/settings?done=saved").await?;
        for part in ["Your settings were saved", "value=\"bee\" checked", "value=\"dark\" checked", "value=\"helm\" checked"] {
            assert!(html.contains(part), "{part}: {html}");
        }
        let theme = app.json(&format!("/api/public/user/theme?email={}", urlencode(email))).await?;
        assert_eq!((&theme["theme"], &theme["color_theme"]), (&json!("dark"), &json!("bee")));
        let bad = [("csrf_token", proof.as_str()), ("theme_preference", "neon")];
        let refused = browser.send("/settings", &bad).await?;
        assert_eq!(refused.status(), 422);
        assert!(refused.text().await?.contains("theme_preference"));
        Ok(())
    }
}

on_sqlite! {
    async fn odd_searches_are_answered_or_named(app: TestApp) -> TestResult {
        let browser = Browser::of(&app, "technician", "t@msp.example")?;
        for path in ["/search", "/search?q=", "/search?q=%20", "/search?q=&go=1", "/search?q=%E2%80%8B"] {
            let (status, html) = browser.open(path).await?;
            assert_eq!(status, 200, "{path}");
            assert!(html.contains("Enter a name"), "{path}: {html}");
        }
        for (path, says) in [("/search?query=a", "`query`"), ("/search?q=a&go=2", "go"), ("/search?q=%00", "NUL"), ("/settings?tab=a", "`tab`")] {
            let (status, html) = browser.open(path).await?;
            assert_eq!(status, 400, "{path}");
            assert!(html.contains(says) || html.contains(&says.replace('`', "&#96;")), "{path}: {html}");
        }
        Ok(())
    }

    async fn settings_need_a_token_and_a_known_person(app: TestApp) -> TestResult {
        let browser = Browser::of(&app, "client", "nobody@elsewhere.example")?;
        let (status, html) = browser.open("/settings").await?;
        assert_eq!(status, 200);
        assert!(html.contains("Codex does not know you yet") && !html.contains("<form method=\"post\""), "{html}");
        let forged = [("csrf_token", "a.b"), ("theme_preference", "dark")];
        assert_eq!(browser.send("/settings", &forged).await?.status(), 403);
        let service = app.core.key.service("helm", "codex")?;
        for path in ["/settings", "/search?q=a"] {
            let call = app.call(Method::GET, path).header(ACCEPT, HTML).bearer_auth(&service);
            assert_eq!(call.send().await?.status(), 403, "{path}");
        }
        Ok(())
    }
}
