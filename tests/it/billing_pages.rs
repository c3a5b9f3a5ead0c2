//! Pages of billing plans, and the plan of a company, as a browser opens them.

use codex_tests::{harness::app::TestApp, on_each_engine, on_sqlite, sim::world};
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};

use crate::pages::{Browser, Members, document, form, unescaped};

const LIST: &str = "/billing-plans/";
const EDIT: &str = "/billing-plans/edit?plan_name=Gold";
const SAVE: &str = "/billing-plans/save";
const IMPORT: &str = "/billing-plans/import";
const PLAN: &str = "/companies/100001?tab=plan";

/// Plans by their terms, as the API shows them.
async fn plans(app: &TestApp, name: &str) -> anyhow::Result<Vec<Value>> {
    let plans = app
        .json(&format!("/api/billing-plans?plan_name={name}"))
        .await?;
    Ok(plans.as_array().cloned().unwrap_or_default())
}

/// Creates a plan with the form.
async fn create(browser: &Browser<'_>, name: &str) -> anyhow::Result<String> {
    let mut sent = form(
        &browser.page("/billing-plans/create").await?,
        "/billing-plans/create",
    );
    sent.insert("new_plan_name".into(), name.into());
    browser.done("/billing-plans/create", &sent).await
}

/// The input of a price of a term, from the form of the plan.
fn member(sent: &Members, plan: &Value, key: &str) -> String {
    let name = format!("{key}_{}", plan["id"]);
    assert!(sent.contains_key(&name), "{name}: {sent:?}");
    name
}

/// Sends the import form with a file, a text, or both.
async fn import(browser: &Browser<'_>, file: &str, text: &str) -> anyhow::Result<(u16, String)> {
    let token = form(&browser.page(IMPORT).await?, IMPORT)["csrf_token"].clone();
    let mut body = String::new();
    for (name, more, value) in [
        ("csrf_token", "", token.as_str()),
        (
            "json_file",
            "; filename=\"plans.json\"\r\nContent-Type: application/json",
            file,
        ),
        ("json", "", text),
    ] {
        let part = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{value}\r\n"
        );
        body += &part;
    }
    body.push_str("--edge--\r\n");
    let call = browser.call(Method::POST, IMPORT);
    let call = call.header(CONTENT_TYPE, "multipart/form-data; boundary=edge");
    let answer = call.body(body).send().await?;
    let status = answer.status().as_u16();
    if status == 303 {
        return Ok((status, String::new()));
    }
    document(answer).await
}

on_each_engine! {
    async fn plan_is_created_edited_copied_and_deleted(app: TestApp) -> TestResult {
        let browser = Browser::new(&app, "billing")?;
        assert!(browser.page(LIST).await?.contains("There are no billing plans yet"));
        assert_eq!(create(&browser, "Gold").await?, "/billing-plans/edit?plan_name=Gold&done=created");
        let made = plans(&app, "Gold").await?;
        assert_eq!(made.len(), 4);
        assert_eq!((&made[0]["per_hour_ticket_cost"], &made[0]["backup_included_tb"]), (&json!(90.0), &json!(1.0)));
        let html = browser.page(EDIT).await?;
        let mut sent = form(&html, SAVE);
        assert!(browser.done(SAVE, &sent).await?.ends_with("done=unchanged"));
        sent.insert(member(&sent, &made[0], "per_user_cost"), "12.50".into());
        assert!(browser.done(SAVE, &sent).await?.ends_with("done=saved"));
        let saved = plans(&app, "Gold").await?;
        assert_eq!((&saved[0]["per_user_cost"], &saved[1]["per_user_cost"]), (&json!(12.5), &json!(0.0)));

        // The form is stale now: nothing is saved, and what was typed stays.
        sent.insert(member(&sent, &made[0], "per_user_cost"), "99".into());
        let (status, html) = document(browser.send(SAVE, &sent).await?).await?;
        assert_eq!(status, 412);
        assert!(html.contains("Stored now: 12.50"), "{html}");
        assert_eq!(plans(&app, "Gold").await?, saved);
        let mut bad = form(&html, SAVE);
        let name = member(&bad, &made[0], "per_user_cost");
        assert_eq!(bad[&name], "99");
        bad.insert(name, "much".into());
        bad.insert(member(&bad, &made[1], "per_vm_cost"), "-1".into());
        let (status, html) = document(browser.send(SAVE, &bad).await?).await?;
        assert_eq!(status, 422);
        assert!(html.contains("Per user cost must be a number") && html.contains("must not be negative"), "{html}");
        assert_eq!(plans(&app, "Gold").await?, saved, "one bad price stops all");

        let copy = "/billing-plans/copy-terms";
        let mut sent = form(&browser.page(EDIT).await?, copy);
        sent.insert("source_term".into(), saved[0]["term_length"].as_str().unwrap().into());
        assert!(browser.done(copy, &sent).await?.ends_with("done=copied"));
        let copied = plans(&app, "Gold").await?;
        assert!(copied.iter().all(|plan| plan["per_user_cost"] == 12.5), "{copied:?}");

        let mut sent = form(&browser.page(EDIT).await?, SAVE);
        // The first term of the form is by the month.
        let month = made.iter().find(|plan| plan["term_length"] == "Month to Month").unwrap();
        sent.insert(member(&sent, month, "per_user_cost"), "14".into());
        sent.insert("bulk_edit".into(), "true".into());
        browser.done(SAVE, &sent).await?;
        let bulk = plans(&app, "Gold").await?;
        assert!(bulk.iter().all(|plan| plan["per_user_cost"] == 14.0), "{bulk:?}");

        let delete = "/billing-plans/delete";
        let mut sent = form(&browser.page("/billing-plans/delete?plan_name=Gold").await?, delete);
        let seen = sent.insert("seen".into(), "4 1970-01-01T00:00:00.000000Z".into()).unwrap();
        assert_eq!(document(browser.send(delete, &sent).await?).await?.0, 412);
        sent.insert("seen".into(), seen);
        assert_eq!(browser.done(delete, &sent).await?, "/billing-plans/?done=deleted");
        assert!(plans(&app, "Gold").await?.is_empty());
        assert_eq!(browser.open(EDIT).await?.0, 404);
        Ok(())
    }

    async fn bad_imports_write_nothing_and_keep_the_input(app: TestApp) -> TestResult {
        let browser = Browser::new(&app, "billing")?;
        let half = json!({"feature_options": [{"feature_category": "soc", "option_value": "Huntress"}], "plans": [
            {"plan_name": "Good", "term_length": "1 Year"},
            {"plan_name": "Bad", "term_length": "1 Year", "per_user_cost": "<script>"},
        ]}).to_string();
        let large = format!("{{\"plans\": [], \"feature_options\": [], \"x\": \"{}\"}}", "y".repeat(600_000));
        for (file, text, says) in [
            ("", " ", "Choose a file, or paste its text."),
            ("", "{\"plans\": <b>", "This is not JSON"),
            ("", "[]", "Nothing was imported"),
            ("", "{\"plans\": []}", "missing field `feature_options`"),
            ("", "{\"plans\": [1], \"feature_options\": []}", "plans[0]"),
            (half.as_str(), "", "plans, number 2, per_user_cost: must be a number"),
            ("", half.as_str(), "plans, number 2, per_user_cost: must be a number"),
            (large.as_str(), "", "larger than 500 kB"),
        ] {
            let (status, html) = import(&browser, file, text).await?;
            assert_eq!(status, 422, "{says}: {html}");
            assert!(unescaped(&html).contains(says), "{says}: {html}");
            let kept = if file.is_empty() { text } else { file };
            if kept.len() < 10_000 {
                assert_eq!(form(&html, IMPORT)["json"].trim(), kept.trim());
            }
        }
        assert_eq!(app.json("/api/billing-plans").await?, json!([]));
        assert_eq!(app.json("/api/feature-options").await?, json!([]));
        Ok(())
    }

    async fn export_is_imported_elsewhere_and_again(app: TestApp) -> TestResult {
        let browser = Browser::new(&app, "admin")?;
        let file = serde_json::to_string(&world::plans())?;
        assert_eq!(import(&browser, &file, "").await?.0, 303);
        let before = app.json("/api/billing-plans").await?;
        assert!(!before.as_array().unwrap().is_empty());
        let export = app.json("/billing-plans/export").await?.to_string();
        assert_eq!(import(&browser, "", &export).await?.0, 303);
        assert_eq!(app.json("/api/billing-plans").await?, before, "what is there stays as it is");
        Ok(())
    }

    async fn plans_link_to_the_companies_that_have_them(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let plan = app.json("/api/companies/100001").await?["billing_plan"].as_str().unwrap().to_owned();
        let (scope, author) = (codex_core::Scope::system(), codex_core::records::Author::new("test", app.codex.now()));
        let done = app.codex.import_billing(&scope, &author, &world::plans()).await?;
        assert!(done.applied().is_some());
        let html = browser.page(&format!("/billing-plans/?plan={}", plan.replace(' ', "+"))).await?;
        let list = format!("/companies/?billing_plan={}", plan.replace(' ', "+"));
        assert!(html.contains(&format!("href=\"{list}\"")), "{html}");
        let companies = browser.page(&format!("{list}&total=true")).await?;
        let count = companies.matches("<th scope=\"row\">").count();
        assert!(count > 0 && html.contains(&format!("{count} compan")), "{count}: {html}");
        assert!(html.contains("Only administrators and billing change plans.") && !html.contains("method=\"post\""), "{html}");
        assert_eq!(browser.open("/billing-plans/?plan=Nothing").await?.0, 404);
        assert_eq!(browser.open("/billing-plans/?colour=red").await?.0, 400);
        Ok(())
    }

    async fn feature_options_are_added_edited_and_deleted(app: TestApp) -> TestResult {
        let browser = Browser::new(&app, "billing")?;
        let page = "/billing-plans/features";
        let (add, category) = ("/billing-plans/features/add", "/billing-plans/features/categories/add");
        let mut sent = form(&browser.page(page).await?, category);
        let (status, html) = document(browser.send(category, &sent).await?).await?;
        assert_eq!(status, 422, "{html}");
        sent.insert("category_name".into(), "Dark  Web Scan".into());
        assert!(browser.done(category, &sent).await?.ends_with("done=option-created"));
        let options = app.json("/api/feature-options").await?;
        assert_eq!((&options[0]["feature_category"], &options[0]["option_value"]),
            (&json!("dark_web_scan"), &json!("Not Included")));
        let mut sent = form(&browser.page(page).await?, add);
        sent.insert("feature_type".into(), "dark_web_scan".into());
        sent.insert("option_name".into(), "Huntress".into());
        assert!(browser.done(add, &sent).await?.ends_with("done=option-created"));
        assert!(browser.done(add, &browser.reopened(&sent).await?).await?.ends_with("done=option-known"));

        let options = app.json("/api/feature-options").await?;
        let of = |value: &str| {
            let found = options.as_array().unwrap().iter().find(|option| option["option_value"] == value);
            found.unwrap()["id"].as_i64().unwrap()
        };
        let (edit, delete) = (format!("{page}/{}/edit", of("Huntress")), format!("{page}/{}/delete", of("Huntress")));
        let mut sent = form(&browser.page(&edit).await?, &edit);
        sent.insert("option_value".into(), "Not Included".into());
        assert_eq!(document(browser.send(&edit, &sent).await?).await?.0, 409);
        sent.insert("option_value".into(), "Huntress Pro".into());
        sent.insert("display_name".into(), "Huntress (pro)".into());
        assert!(browser.done(&edit, &sent).await?.ends_with("done=option-saved"));
        let (status, html) = document(browser.send(&edit, &browser.reopened(&sent).await?).await?).await?;
        assert_eq!(status, 412, "{html}");
        let html = browser.page(page).await?;
        assert!(html.contains("Huntress Pro") && html.contains("Huntress (pro)"), "{html}");
        let sent = form(&browser.page(&edit).await?, &delete);
        assert!(browser.done(&delete, &sent).await?.ends_with("done=option-deleted"));
        assert_eq!(browser.open(&edit).await?.0, 404);
        assert_eq!(app.json("/api/feature-options").await?.as_array().unwrap().len(), 1);
        Ok(())
    }

    async fn overrides_are_set_and_cleared_in_their_rows(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "billing")?;
        let action = "/companies/100001/overrides/per_user_cost";
        let mut sent = form(&browser.page(PLAN).await?, action);
        sent.insert("value".into(), "much".into());
        let (status, html) = document(browser.send(action, &sent).await?).await?;
        assert_eq!((status, form(&html, action)["value"].as_str()), (422, "much"), "{html}");
        assert!(html.contains("Per user cost must be a number"), "{html}");
        sent.insert("value".into(), "14.5".into());
        let done = browser.done(action, &sent).await?;
        assert_eq!(done, "/companies/100001?tab=plan&done=override");
        let html = browser.page(&done).await?;
        assert!(html.contains("The override was set.") && html.contains("<td>override</td>"), "{html}");
        let override_ = app.json("/api/companies/100001/overrides/per_user_cost").await?;
        assert_eq!(override_, json!({"enabled": true, "key": "per_user_cost", "value": 14.5}));
        // The first form has not seen this override.
        sent.insert("value".into(), "1".into());
        assert_eq!(document(browser.send(action, &sent).await?).await?.0, 412);
        let users = app.json("/api/companies/100001/billable").await?["users"]["count"].as_f64().unwrap();
        assert!(html.contains(&format!("<td>{:.2}</td>", users * 14.5)), "{html}");

        let clear = format!("{action}/delete");
        let shown = form(&html, action);
        assert!(html.contains(&format!("formaction=\"{clear}\"")), "{html}");
        assert_eq!(browser.done(&clear, &shown).await?, "/companies/100001?tab=plan&done=cleared");
        assert_eq!(document(browser.send(&clear, &browser.reopened(&shown).await?).await?).await?.0, 404);
        let gone = app.get("/api/companies/100001/overrides/per_user_cost")?.send().await?;
        assert_eq!(gone.status(), 404);
        Ok(())
    }

    async fn technicians_choose_the_plan_of_a_company(app: TestApp) -> TestResult {
        app.sync().await?;
        create(&Browser::new(&app, "billing")?, "Copper").await?;
        let browser = Browser::new(&app, "technician")?;
        let action = "/companies/100001/plan";
        let html = browser.page(PLAN).await?;
        assert!(html.contains("Only administrators and billing set overrides.") && !html.contains("/overrides/"), "{html}");
        let mut sent = form(&html, action);
        assert_eq!(browser.done(action, &sent).await?, "/companies/100001?tab=plan&done=unchanged");
        sent.insert("billing_plan".into(), "Copper".into());
        sent.insert("contract_term_length".into(), "2 Year".into());
        assert_eq!(browser.done(action, &sent).await?, "/companies/100001?tab=plan&done=saved");
        let html = browser.page(PLAN).await?;
        assert!(html.contains("Plan Copper, 2 Year") && html.contains("/billing-plans/?plan=Copper"), "{html}");
        let (status, html) = document(browser.send(action, &browser.reopened(&sent).await?).await?).await?;
        assert_eq!(status, 412, "{html}");
        assert_eq!(app.json("/api/companies/100001").await?["billing_plan"], "Copper");
        Ok(())
    }

    async fn sites_are_linked_and_unlinked(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let page = "/companies/100001?tab=sites";
        let html = browser.page(page).await?;
        let unlink = html.split(" action=\"").find(|part| part.contains("/unlink\"")).and_then(|part| part.split('"').next());
        let unlink = unlink.unwrap().to_owned();
        let sent = form(&html, &unlink);
        assert_eq!(browser.done(&unlink, &sent).await?, "/companies/100001?tab=sites&done=unlinked");
        assert_eq!(document(browser.send(&unlink, &browser.reopened(&sent).await?).await?).await?.0, 404);
        let id = unlink.split('/').nth(4).unwrap();
        let html = browser.page(page).await?;
        assert!(!html.contains(&unlink), "{html}");
        let option = html.split("<option value=\"").skip(1).find(|part| part.starts_with(&format!("{id} ")));
        let value = option.and_then(|part| part.split('"').next()).unwrap().to_owned();
        let link = "/companies/100001/sites/link";
        let mut sent = form(&html, link);
        sent.insert("site".into(), "x".into());
        assert_eq!(document(browser.send(link, &sent).await?).await?.0, 400);
        sent.insert("site".into(), value);
        assert_eq!(browser.done(link, &sent).await?, "/companies/100001?tab=sites&done=linked");
        assert!(browser.page(page).await?.contains(&unlink));
        assert!(!Browser::new(&app, "billing")?.page(page).await?.contains("method=\"post\""));
        Ok(())
    }
}

on_sqlite! {
    async fn forms_of_plans_need_the_role_and_a_token(app: TestApp) -> TestResult {
        app.sync().await?;
        let billing = Browser::new(&app, "billing")?;
        create(&billing, "Gold").await?;
        let mut sent = form(&billing.page(EDIT).await?, SAVE);
        let posts = [
            "/billing-plans/create", SAVE, "/billing-plans/delete", "/billing-plans/copy-terms", IMPORT,
            "/billing-plans/features/add", "/billing-plans/features/1/edit", "/billing-plans/features/1/delete",
            "/billing-plans/features/categories/add", "/companies/100001/overrides/soc",
            "/companies/100001/overrides/soc/delete",
        ];
        for level in ["technician", "client"] {
            let browser = Browser::new(&app, level)?;
            for path in posts {
                assert_eq!(document(browser.send(path, &sent).await?).await?.0, 403, "{level} {path}");
            }
        }
        let client = Browser::new(&app, "client")?;
        for path in [LIST, "/billing-plans/features", EDIT, IMPORT, PLAN, "/companies/100001?tab=sites"] {
            let status = client.open(path).await?.0;
            assert!([403, 404].contains(&status), "{path}: {status}");
        }
        assert_eq!(billing.open("/companies/100001/plan").await?.0, 405);
        sent.insert("csrf_token".into(), "x.y".into());
        for path in posts.into_iter().filter(|path| *path != IMPORT) {
            assert_eq!(document(billing.send(path, &sent).await?).await?.0, 403, "{path}");
        }
        // What is no form of files is none.
        assert_eq!(document(billing.send(IMPORT, &sent).await?).await?.0, 415);
        assert_eq!(plans(&app, "Gold").await?.len(), 4);
        Ok(())
    }

    async fn new_plan_needs_a_name_that_is_free(app: TestApp) -> TestResult {
        let browser = Browser::new(&app, "admin")?;
        let path = "/billing-plans/create";
        let mut sent = form(&browser.page(path).await?, path);
        sent.insert("new_plan_name".into(), " ".into());
        let (status, html) = document(browser.send(path, &sent).await?).await?;
        assert_eq!(status, 422);
        assert!(html.contains("Name: must not be empty"), "{html}");
        create(&browser, "A & <b>").await?;
        sent.insert("new_plan_name".into(), "A & <b>".into());
        let (status, html) = document(browser.send(path, &sent).await?).await?;
        assert_eq!(status, 422);
        assert!(unescaped(&html).contains("`A & <b>` is there already"), "{html}");
        assert!(browser.page("/billing-plans/?plan=A+%26+%3Cb%3E").await?.contains("A &#38; &#60;b&#62;"));
        Ok(())
    }
}
