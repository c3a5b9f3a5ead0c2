//! Pages, as a browser opens them behind Nexus.

mod list_tools;

use std::collections::BTreeMap;

use anyhow::Context as _;
use codex_tests::{harness::app::TestApp, on_each_engine, on_sqlite};
use reqwest::{
    Method, RequestBuilder, Response,
    header::{ACCEPT, CONTENT_TYPE, LOCATION},
};
use serde_json::{Value, json};

const PAGE: &str = "/companies/100001";
const OTHER: &str = "/companies/100002";
pub(crate) const TOKEN: &str = "csrf_token";
pub(crate) const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

/// What a form sends.
pub(crate) type Members = BTreeMap<String, String>;

/// A person with one session.
pub(crate) struct Browser<'a> {
    app: &'a TestApp,
    token: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(app: &'a TestApp, level: &str) -> anyhow::Result<Self> {
        Self::of(app, level, &format!("{level}@msp.example"))
    }

    pub(crate) fn of(app: &'a TestApp, level: &str, email: &str) -> anyhow::Result<Self> {
        let token = app.core.key.user(level, email)?;
        Ok(Self { app, token })
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let call = self.app.call(method, path).header(ACCEPT, HTML);
        call.bearer_auth(&self.token)
    }

    /// The status and the document at a path.
    pub(crate) async fn open(&self, path: &str) -> anyhow::Result<(u16, String)> {
        document(self.call(Method::GET, path).send().await?).await
    }

    /// The document at a path that answers 200.
    pub(crate) async fn page(&self, path: &str) -> anyhow::Result<String> {
        let (status, html) = self.open(path).await?;
        anyhow::ensure!(status == 200, "{path}: {status} {html}");
        Ok(html)
    }

    pub(crate) async fn send(&self, path: &str, members: &Members) -> anyhow::Result<Response> {
        Ok(self.call(Method::POST, path).form(members).send().await?)
    }

    /// The same values in a form that was opened again: it has a token of its own, so it is another call.
    pub(crate) async fn reopened(&self, members: &Members) -> anyhow::Result<Members> {
        let html = self.page("/companies/?name__contains=a").await?;
        let tags = html.split("<input").skip(1);
        let mut tokens = tags.filter(|tag| attribute(tag, "name").as_deref() == Some(TOKEN));
        let token = tokens.find_map(|tag| attribute(tag, "value"));
        let mut again = members.clone();
        again.insert(TOKEN.to_owned(), token.context("a form for staff")?);
        Ok(again)
    }

    /// Where a form leads that is accepted.
    pub(crate) async fn done(&self, path: &str, members: &Members) -> anyhow::Result<String> {
        let answer = self.send(path, members).await?;
        let status = answer.status();
        anyhow::ensure!(status == 303, "{path}: {status} {}", answer.text().await?);
        Ok(answer.headers()[LOCATION].to_str()?.to_owned())
    }
}

pub(crate) async fn document(answer: Response) -> anyhow::Result<(u16, String)> {
    let kind = answer.headers().get(CONTENT_TYPE).cloned();
    let (status, text) = (answer.status().as_u16(), answer.text().await?);
    let is_html = kind.is_some_and(|kind| kind == "text/html; charset=utf-8");
    anyhow::ensure!(is_html, "{status} {text}");
    Ok((status, text))
}

/// The value of an attribute of a tag, as it was before it was escaped.
pub(crate) fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescaped(rest.split('"').next()?))
}

pub(crate) fn unescaped(text: &str) -> String {
    let signs = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
        ("&#38;", "&"),
    ];
    signs.iter().fold(text.to_owned(), |text, (code, sign)| {
        text.replace(code, sign)
    })
}

/// What the only form of a page sends when nobody changes it.
pub(crate) fn members(html: &str) -> Members {
    let mut members = Members::new();
    let tags = |start: &str| -> Vec<(String, String)> {
        let parts = html.split(start).skip(1).map(str::to_owned);
        parts
            .filter_map(|part| {
                part.split_once('>')
                    .map(|(a, b)| (a.to_owned(), b.to_owned()))
            })
            .collect()
    };
    for (tag, _) in tags("<input") {
        if tag.contains("type=\"checkbox\"") && !tag.contains(" checked") {
            continue;
        }
        if let (Some(name), Some(value)) = (attribute(&tag, "name"), attribute(&tag, "value")) {
            members.insert(name, value);
        }
    }
    for (tag, rest) in tags("<textarea") {
        let text = rest.split("</textarea>").next().unwrap_or_default();
        let text = text.strip_prefix('\n').unwrap_or(text);
        members.extend(attribute(&tag, "name").map(|name| (name, unescaped(text))));
    }
    for (tag, rest) in tags("<select") {
        let options = rest.split("</select>").next().unwrap_or_default();
        let chosen = options
            .split("<option")
            .find(|option| option.contains(" selected>"));
        let chosen = chosen.and_then(|option| attribute(option, "value"));
        members.extend(attribute(&tag, "name").zip(chosen));
    }
    members
}

/// What one of the forms of a page sends, by its action.
pub(crate) fn form(html: &str, action: &str) -> Members {
    let start = html
        .find(&format!(" action=\"{action}\""))
        .unwrap_or(html.len());
    let rest = &html[start..];
    members(rest.split("</form>").next().unwrap_or_default())
}

/// The names of a company's fields that have a manual value.
async fn manual(app: &TestApp) -> anyhow::Result<Vec<String>> {
    let claims = app.json("/api/companies/100001/claims").await?;
    let fields = claims["fields"].as_array().cloned().unwrap_or_default();
    let manual = fields.iter().filter(|field| field["source"] == "manual");
    Ok(manual
        .map(|field| field["field"].as_str().unwrap_or_default().to_owned())
        .collect())
}

async fn put(app: &TestApp, body: Value) -> anyhow::Result<()> {
    let call = app.call_as("admin", Method::PUT, "/api/companies/100001")?;
    call.json(&body).send().await?.error_for_status()?;
    Ok(())
}

on_each_engine! {
    async fn lists_are_searched_filtered_sorted_and_paged(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let moved = browser.call(Method::GET, "/companies?sort=-name").send().await?;
        assert_eq!(moved.status(), 308);
        assert_eq!(moved.headers()[LOCATION], "/companies/?sort=-name");
        let all = browser.page("/companies/?total=true").await?;
        assert!(all.contains("href=\"/companies/100001\"") && all.contains(" in all"), "{all}");
        assert!(all.contains("<caption>Companies</caption>") && all.contains("aria-sort=\"ascending\""));
        assert!(browser.page("/companies/?sort=-name").await?.contains("aria-sort=\"descending\""));

        // The filter form leads to the address of the list.
        let form = "/companies/?q=&field=account_number&op=eq&value=100001";
        let sent = browser.call(Method::GET, form).send().await?;
        assert_eq!(sent.status(), 303);
        let address = sent.headers()[LOCATION].to_str()?.to_owned();
        assert_eq!(address, "/companies/?account_number=100001");
        let one = browser.page(&address).await?;
        assert!(one.contains("href=\"/companies/100001\"") && !one.contains("href=\"/companies/100002\""));
        assert!(one.contains("1 company on this page"), "{one}");

        let none = browser.page("/companies/?q=nothinglikethis").await?;
        assert!(none.contains("No company fits") && none.contains("Clear search and filters"), "{none}");
        for (query, says) in [
            ("nam=x", "did you mean"), ("external_id=x", "external_id"), ("cursor=zz", "cursor"), ("sort=colour", "sort"),
        ] {
            let (status, html) = browser.open(&format!("/companies/?{query}")).await?;
            assert_eq!(status, 400, "{query}");
            assert!(html.contains(says), "{query}: {html}");
        }

        let rows: Vec<Value> = (0..60).map(|n| json!({"name": format!("Paged {n:02}")})).collect();
        let bulk = app.call_as("admin", Method::POST, "/api/companies/bulk")?.json(&rows);
        bulk.send().await?.error_for_status()?;
        let first = browser.page("/companies/?name__startswith=Paged").await?;
        assert_eq!(first.matches("<th scope=\"row\">").count(), 50);
        let next = first.split("rel=\"next\"").nth(1).and_then(|tag| attribute(tag, "href")).unwrap();
        let second = browser.page(&next).await?;
        assert_eq!(second.matches("<th scope=\"row\">").count(), 10);
        assert!(second.contains("First page") && second.contains("End of the list"));
        Ok(())
    }

    async fn details_and_actions_follow_the_role(app: TestApp) -> TestResult {
        app.sync().await?;
        let company = app.json("/api/companies/100001").await?;
        let name = company["name"].as_str().unwrap();
        for (level, edits) in [("admin", true), ("technician", true), ("billing", false)] {
            let browser = Browser::new(&app, level)?;
            let html = browser.page(PAGE).await?;
            assert!(unescaped(&html).contains(&format!(">{name}</h1>")), "{level}: {html}");
            assert!(html.contains("Freshservice, "), "{level}: {html}");
            assert_eq!(html.contains("href=\"/companies/100001/edit\""), edits, "{level}");
            assert_eq!(html.contains("Only technicians"), !edits, "{level}");
            for tab in ["contacts", "assets", "locations", "tickets", "plan"] {
                let html = browser.page(&format!("{PAGE}?tab={tab}")).await?;
                assert!(html.contains("aria-current=\"page\""), "{level} {tab}");
                assert!(html.contains(&format!("href=\"/api/companies/100001/{tab}\"")), "{level} {tab}");
            }
            let forms = ["/companies/new", "/companies/100001/edit", "/companies/100001/delete"];
            for form in forms {
                assert_eq!(browser.open(form).await?.0, if edits { 200 } else { 403 }, "{level} {form}");
            }
            let whole = browser.page("/companies/100001?empty=true").await?;
            assert!(whole.contains("Hide fields without a value"), "{level}");
        }
        Ok(())
    }

    async fn edits_save_only_what_was_changed(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let form = format!("{PAGE}/edit");
        let mut sent = members(&browser.page(&form).await?);
        assert_eq!(browser.done(&form, &sent).await?, "/companies/100001?done=unchanged");
        assert!(manual(&app).await?.is_empty());

        sent.insert("description".into(), "Ours\r\ntoo".into());
        let done = browser.done(&form, &sent).await?;
        assert_eq!(done, "/companies/100001?done=saved");
        let html = browser.page(&done).await?;
        assert!(html.contains("The company was saved.") && html.contains("Ours\ntoo"), "{html}");
        assert_eq!(manual(&app).await?, ["description"]);

        let release = format!("{PAGE}/release/description");
        assert!(html.contains(&format!("action=\"{release}\"")), "{html}");
        let released = browser.done(&release, &members(&html)).await?;
        assert_eq!(released, "/companies/100001?done=released");
        assert!(manual(&app).await?.is_empty());

        let mut bad = members(&browser.page(&form).await?);
        bad.insert("name".into(), " ".into());
        bad.insert("head_user_id".into(), "seven".into());
        bad.insert("address".into(), "Kept".into());
        let (status, html) = document(browser.send(&form, &bad).await?).await?;
        assert_eq!(status, 422);
        assert!(html.contains("must be a whole number") && html.contains("aria-invalid=\"true\""), "{html}");
        assert_eq!(members(&html)["address"], "Kept");
        bad.insert("head_user_id".into(), String::new());
        bad.insert("before.head_user_id".into(), String::new());
        let (status, html) = document(browser.send(&form, &bad).await?).await?;
        assert_eq!(status, 422);
        assert!(html.contains("Name must not be empty"), "{html}");
        assert!(manual(&app).await?.is_empty());
        Ok(())
    }

    async fn one_field_is_edited_alone(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let html = browser.page(&format!("{PAGE}?empty=true")).await?;
        assert!(html.contains(&format!("href=\"{PAGE}/edit#field-description\"")), "{html}");
        let form = format!("{PAGE}/edit?field=description");
        let mut sent = members(&browser.page(&form).await?);
        let inputs = sent.keys().filter(|name| name.starts_with("before."));
        assert_eq!(inputs.collect::<Vec<_>>(), ["before.description"]);
        sent.insert("description".into(), "Alone".into());
        assert_eq!(browser.done(&form, &sent).await?, format!("{PAGE}?done=saved"));
        assert_eq!(manual(&app).await?, ["description"]);
        // A refused value, and a conflict, leave the form of the one field.
        let form = format!("{PAGE}/edit?field=name");
        let mut sent = members(&browser.page(&form).await?);
        sent.insert("name".into(), " ".into());
        let (status, html) = document(browser.send(&form, &sent).await?).await?;
        assert!(status == 422 && html.contains("aria-invalid=\"true\""), "{status} {html}");
        assert!(!html.contains("name=\"description\""), "{html}");
        put(&app, json!({"name": "Theirs"})).await?;
        sent.insert("name".into(), "Mine".into());
        let (status, html) = document(browser.send(&form, &browser.reopened(&sent).await?).await?).await?;
        assert!(status == 412 && html.contains("Changed meanwhile to: Theirs"), "{status} {html}");
        assert!(!html.contains("name=\"description\""), "{html}");
        for wrong in ["field=nothing", "field=", "fields=name"] {
            assert_eq!(browser.open(&format!("{PAGE}/edit?{wrong}")).await?.0, 400, "{wrong}");
        }
        Ok(())
    }

    async fn conflicting_edits_show_both_values(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let form = format!("{PAGE}/edit");
        let mut sent = members(&browser.page(&form).await?);
        put(&app, json!({"description": "Theirs", "address": "Their street"})).await?;
        sent.insert("description".into(), "Mine".into());
        let (status, html) = document(browser.send(&form, &sent).await?).await?;
        assert_eq!(status, 412);
        assert!(html.contains("Changed meanwhile to: Theirs"), "{html}");
        assert_eq!(app.json("/api/companies/100001").await?["description"], "Theirs");
        // Sent again, mine is set, and what I did not touch stays theirs.
        let again = members(&html);
        assert_eq!((again["description"].as_str(), again["address"].as_str()), ("Mine", "Their street"));
        browser.done(&form, &again).await?;
        assert_eq!(app.json("/api/companies/100001").await?["description"], "Mine");
        assert_eq!(manual(&app).await?, ["address", "description"]);

        let stale = members(&browser.page(&format!("{PAGE}/delete")).await?);
        put(&app, json!({"description": "Newer"})).await?;
        let (status, html) = document(browser.send(&format!("{PAGE}/delete"), &stale).await?).await?;
        assert_eq!(status, 412);
        assert!(html.contains("Somebody else was faster"), "{html}");
        Ok(())
    }

    async fn companies_are_created_and_deleted(app: TestApp) -> TestResult {
        let browser = Browser::new(&app, "admin")?;
        let mut sent = members(&browser.page("/companies/new").await?);
        let (status, html) = document(browser.send("/companies/new", &sent).await?).await?;
        assert_eq!(status, 422);
        assert!(html.contains("Name is required"), "{html}");
        sent.insert("name".into(), "New GmbH".into());
        sent.insert("account_number".into(), "654321".into());
        sent.insert("domains".into(), "a.test\r\nb.test\r\n".into());
        assert_eq!(browser.done("/companies/new", &sent).await?, "/companies/654321?done=created");
        let made = app.json("/api/companies/654321").await?;
        assert_eq!((&made["name"], &made["domains"]), (&json!("New GmbH"), &json!("[\"a.test\",\"b.test\"]")));
        let again = browser.reopened(&sent).await?;
        let (status, html) = document(browser.send("/companies/new", &again).await?).await?;
        assert_eq!((status, members(&html)["name"].as_str()), (409, "New GmbH"), "{html}");

        let form = "/companies/654321/delete";
        let sent = members(&browser.page(form).await?);
        let done = browser.done(form, &sent).await?;
        assert!(done.starts_with("/companies/?done=deleted&restore="), "{done}");
        let list = browser.page(&done).await?;
        assert!(list.contains("The company was deleted."), "{list}");
        assert_eq!(browser.open("/companies/654321").await?.0, 404);
        // The notice has a form that restores it.
        let restore = list.split(" action=\"").find_map(|rest| {
            let action = rest.split('"').next()?;
            action.ends_with("/restore").then(|| action.to_owned())
        });
        let token = members(&list)[TOKEN].clone();
        let sent = Members::from([(TOKEN.to_owned(), token)]);
        let restored = browser.done(&restore.unwrap(), &sent).await?;
        assert_eq!(restored, "/companies/654321?done=restored");
        assert!(browser.page(&restored).await?.contains("The company was restored."));
        Ok(())
    }

    async fn clients_see_their_own_company_only(app: TestApp) -> TestResult {
        app.sync().await?;
        put(&app, json!({"billing_plan": "Zebra", "support_level": "Quagga"})).await?;
        let contacts = app.json("/api/companies/100001/contacts").await?;
        let client = Browser::of(&app, "client", contacts[0]["email"].as_str().unwrap())?;
        let list = client.page("/companies/").await?;
        assert_eq!(list.matches("<th scope=\"row\">").count(), 1);
        for path in ["/companies/", PAGE, "/companies/100001?tab=tickets", "/companies/100001?empty=true"] {
            let html = client.page(path).await?;
            for hidden in ["Zebra", "Quagga", "Freshservice", "Billing plan", "tab=plan", "/edit\"", "/bulk/", "/views/", "name=\"select."] {
                assert!(!html.contains(hidden), "{path} shows {hidden}: {html}");
            }
        }
        for (path, status) in [
            (OTHER, 404), ("/companies/999999", 404), ("/companies/100001?tab=plan", 403), ("/companies/100001/edit", 403),
            ("/companies/100002/edit", 403), ("/companies/new", 403), ("/companies/?sort=billing_plan", 400),
            ("/companies/?support_level__isnull=true", 400),
        ] {
            assert_eq!(client.open(path).await?.0, status, "{path}");
        }
        let stranger = Browser::of(&app, "client", "nobody@elsewhere.example")?;
        assert!(stranger.page("/companies/").await?.contains("No company is open to you yet"));
        Ok(())
    }

    async fn statements_of_pages_are_bounded(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let mut wrong = Vec::new();
        for (path, most) in [
            ("/", 6), ("/companies/", 6), ("/companies/?total=true&sort=account_number", 7), (PAGE, 18),
            ("/companies/100001?tab=contacts", 6), ("/companies/100001?tab=assets", 6),
            ("/companies/100001?tab=locations", 6), ("/companies/100001?tab=tickets", 6),
            ("/companies/100001?tab=plan", 10), ("/companies/100001?tab=sites", 4), ("/companies/100001/edit", 3),
            ("/tickets/", 9), ("/tickets/41", 11), ("/billing-plans/", 5),
        ] {
            // The daemon has statements of its own now and then.
            let mut fewest = u64::MAX;
            for _ in 0..5 {
                let before = app.codex.statements_run();
                browser.page(path).await?;
                fewest = fewest.min(app.codex.statements_run() - before);
            }
            if fewest > most {
                wrong.push(format!("{path}: {fewest} statements, not {most}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        Ok(())
    }

    async fn hostile_records_are_shown_as_text(app: TestApp) -> TestResult {
        app.sync().await?;
        let attack = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
        put(&app, json!({"name": attack, "description": attack, "datto_portal_url": "javascript:alert(1)"})).await?;
        let browser = Browser::new(&app, "technician")?;
        let query: String = url::form_urlencoded::byte_serialize(attack.as_bytes()).collect();
        for path in [
            "/companies/?total=true".to_owned(), PAGE.to_owned(), format!("{PAGE}/edit"), format!("{PAGE}/delete"),
            format!("/companies/?q={query}"), format!("/companies/?name__contains={query}"),
        ] {
            let html = browser.page(&path).await?;
            assert!(unescaped(&html).contains(attack), "{path}: {html}");
            for tag in ["<script>", "<img", "href=\"javascript:"] {
                assert!(!html.contains(tag), "{path}: {html}");
            }
        }
        // What a form shows comes back as it is stored.
        let form = format!("{PAGE}/edit");
        let sent = members(&browser.page(&form).await?);
        assert_eq!(sent["name"], attack);
        assert!(browser.done(&form, &sent).await?.ends_with("?done=unchanged"));
        Ok(())
    }
}

on_sqlite! {
    async fn role_is_checked_before_the_form_is_read(app: TestApp) -> TestResult {
        app.sync().await?;
        for level in ["client", "billing"] {
            let browser = Browser::new(&app, level)?;
            for path in ["/companies/new", "/companies/100001/edit", "/companies/100001/delete"] {
                let call = browser.call(Method::POST, path).json(&json!({"name": "no form"}));
                assert_eq!(document(call.send().await?).await?.0, 403, "{level} {path}");
            }
        }
        Ok(())
    }

    async fn start_page_follows_the_preferred_type(app: TestApp) -> TestResult {
        for (accepted, status) in [
            ("application/json, text/html;q=0.1", 200), ("text/html;q=0", 200), ("*/*", 200), (HTML, 401),
        ] {
            let call = app.call(Method::GET, "/").header(ACCEPT, accepted);
            assert_eq!(call.send().await?.status(), status, "{accepted}");
        }
        Ok(())
    }

    async fn forms_without_a_valid_token_are_refused(app: TestApp) -> TestResult {
        app.sync().await?;
        let (browser, other) = (Browser::new(&app, "technician")?, Browser::new(&app, "admin")?);
        let form = format!("{PAGE}/edit");
        let mut sent = members(&browser.page(&form).await?);
        sent.insert("description".into(), "Forged".into());
        let foreign = members(&other.page(&form).await?)[TOKEN].clone();
        for token in [String::new(), "x.y".to_owned(), foreign] {
            let mut forged = sent.clone();
            forged.insert(TOKEN.into(), token);
            for path in [form.as_str(), "/companies/100001/delete", "/companies/100001/release/name", "/companies/new"] {
                let (status, html) = document(browser.send(path, &forged).await?).await?;
                assert_eq!(status, 403, "{path}");
                assert!(html.contains("was not sent from a page of this session"), "{path}: {html}");
            }
        }
        // After a new login the form comes back as it was typed, and can be sent.
        let mut typed = sent.clone();
        typed.insert(TOKEN.into(), "x.y".into());
        typed.insert("description".into(), "Typed before".into());
        for (site, is_kept) in [("same-origin", true), ("same-site", false)] {
            let call = browser.call(Method::POST, &form).header("Sec-Fetch-Site", site).form(&typed);
            let (status, html) = document(call.send().await?).await?;
            assert_eq!((status, html.contains("Typed before")), (403, is_kept), "{site}: {html}");
            if is_kept {
                browser.done(&form, &members(&html)).await?;
            }
        }
        assert_eq!(app.json("/api/companies/100001").await?["description"], "Typed before");
        let mut sent = members(&browser.page(&form).await?);
        sent.insert("description".into(), "Forged".into());
        let call = browser.call(Method::POST, &form).header("Sec-Fetch-Site", "cross-site").form(&sent);
        assert_eq!(call.send().await?.status(), 403);
        assert_ne!(app.json("/api/companies/100001").await?["description"], "Forged");
        browser.done(&form, &sent).await?;
        assert_eq!(app.json("/api/companies/100001").await?["description"], "Forged");
        // Neither a try nor a document of JSON is a form.
        let tried = browser.send(&format!("{form}?dry_run=true"), &sent).await?;
        assert_eq!(tried.status(), 400);
        let json = browser.call(Method::POST, &form).json(&sent).send().await?;
        assert_eq!(json.status(), 415);
        Ok(())
    }

    async fn links_carry_the_prefix_of_nexus(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let behind = async |path: &str| -> anyhow::Result<Response> {
            let call = browser.call(Method::GET, path).header("X-Forwarded-Prefix", "/codex");
            Ok(call.send().await?)
        };
        for path in ["/", "/companies/?sort=-name", PAGE, "/companies/100001?tab=assets", "/companies/100001/edit", "/companies/none"] {
            let html = behind(path).await?.text().await?;
            let links = html.split(" href=\"").skip(1).chain(html.split(" action=\"").skip(1));
            for link in links.filter_map(|rest| rest.split('"').next()) {
                let is_outside = link.starts_with('#') || link.starts_with("https://");
                assert!(is_outside || link.starts_with("/codex/"), "{path}: {link}");
            }
        }
        let moved = behind("/companies").await?;
        assert_eq!(moved.headers()[LOCATION], "/codex/companies/");
        Ok(())
    }

    async fn errors_are_pages_for_browsers_alone(app: TestApp) -> TestResult {
        let anonymous = app.call(Method::GET, "/companies/").header(ACCEPT, HTML).send().await?;
        assert_eq!(anonymous.headers()["www-authenticate"], "Bearer");
        let (status, html) = document(anonymous).await?;
        assert_eq!(status, 401);
        assert!(html.contains("Your session has ended"), "{html}");
        let module = app.core.key.service("helm", "codex")?;
        let service = app.call(Method::GET, "/companies/").header(ACCEPT, HTML).bearer_auth(module);
        assert_eq!(document(service.send().await?).await?.0, 403);
        let browser = Browser::new(&app, "admin")?;
        for (method, path, status) in [
            (Method::GET, "/companies/999999", 404),
            (Method::GET, "/companies/1/2/3/4", 404),
            (Method::GET, "/companies/%00", 400),
            (Method::DELETE, "/companies/999999", 405),
        ] {
            let answer = browser.call(method, path).send().await?;
            let (found, html) = document(answer).await?;
            assert_eq!(found, status, "{path}");
            assert!(html.contains("Go to the start page") && html.contains("reference "), "{path}: {html}");
        }
        let problem = app.get("/companies/999999")?.send().await?;
        assert_eq!(problem.status(), 404);
        assert_eq!(problem.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(problem.json::<Value>().await?["instance"], "/companies/999999");
        // What is no page stays as it is.
        let api = browser.call(Method::GET, "/api/companies/999999").send().await?;
        assert_eq!(api.headers()[CONTENT_TYPE], "application/json");
        Ok(())
    }

    async fn start_page_is_for_browsers_alone(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "billing")?;
        let answer = browser.call(Method::GET, "/").send().await?;
        for (header, part) in [
            ("server-timing", "app;dur="), ("content-security-policy", "form-action 'self'"), ("vary", "accept"),
            ("cache-control", "private"), ("x-content-type-options", "nosniff"),
        ] {
            let values = answer.headers().get_all(header).iter();
            let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
            assert!(values.iter().any(|value| value.contains(part)), "{header}: {values:?}");
        }
        assert!(answer.headers().get("etag").is_none() && answer.headers().get("set-cookie").is_none());
        let html = document(answer).await?.1;
        assert!(html.contains("Hello, Test User") && html.contains("href=\"/companies/\""), "{html}");
        let behind = browser.call(Method::GET, "/").header("X-Forwarded-Prefix", "/codex").send().await?;
        let policy = behind.headers()["content-security-policy"].to_str()?;
        // The scripts and fonts of Nexus work.
        assert!(!policy.contains("script-src") && !policy.contains("default-src"), "{policy}");
        let answer = app.get("/")?.send().await?;
        assert_eq!(answer.json::<Value>().await?["service"], "codex");
        Ok(())
    }
}
