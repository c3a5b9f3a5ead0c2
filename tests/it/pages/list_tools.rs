//! Facets and views above a list, and changes of many of its records.

use codex_client::{TagIn, ViewIn};
use codex_tests::{
    harness::app::{TestApp, client},
    on_each_engine, on_sqlite,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Browser, HTML, Members, TOKEN, attribute, document, unescaped};

/// What the form that leads to a path sends when nobody changes it.
fn form(html: &str, path: &str) -> Members {
    let start = format!("action=\"{path}\"");
    let form = html.split(&start).nth(1).unwrap_or_default();
    super::members(form.split("</form>").next().unwrap_or_default())
}

/// Companies called `Many 00` and so on; their numbers in order.
async fn many(app: &TestApp, count: usize) -> anyhow::Result<Vec<String>> {
    let rows: Vec<Value> = (0..count)
        .map(|n| json!({"name": format!("Many {n:02}"), "billing_plan": "Gold"}))
        .collect();
    let bulk = app
        .call_as("admin", Method::POST, "/api/companies/bulk")?
        .json(&rows);
    let done: Value = bulk.send().await?.error_for_status()?.json().await?;
    let results = done["results"].as_array().cloned().unwrap_or_default();
    Ok(results
        .iter()
        .map(|row| {
            row["account_number"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect())
}

async fn company(app: &TestApp, number: &str) -> anyhow::Result<Value> {
    let call = app.call_as("admin", Method::GET, &format!("/api/companies/{number}"))?;
    Ok(call.send().await?.json().await?)
}

/// The page of a plan for all companies called `Many`.
async fn plan(browser: &Browser<'_>, change: &[(&str, &str)]) -> anyhow::Result<String> {
    let html = browser
        .page("/bulk/companies/?select=all&name__startswith=Many")
        .await?;
    let mut members = form(&html, "/bulk/companies/plan");
    members.extend(
        change
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    let (status, html) = document(browser.send("/bulk/companies/plan", &members).await?).await?;
    anyhow::ensure!(status == 200, "{status} {html}");
    Ok(html)
}

on_each_engine! {
    async fn facets_lead_to_the_lists_that_they_count(app: TestApp) -> TestResult {
        many(&app, 3).await?;
        let browser = Browser::new(&app, "technician")?;
        let html = browser.page("/companies/").await?;
        let link = "/companies/?billing_plan__exact=Gold";
        assert!(html.contains(&format!("href=\"{link}\">Gold</a> 3")), "{html}");
        let narrowed = browser.page(link).await?;
        assert_eq!(narrowed.matches("<th scope=\"row\">").count(), 3);
        assert!(narrowed.contains("href=\"/companies/\" aria-current=\"true\">Gold</a> 3"), "{narrowed}");
        Ok(())
    }

    async fn views_are_saved_opened_and_deleted(app: TestApp) -> TestResult {
        many(&app, 3).await?;
        let browser = Browser::new(&app, "technician")?;
        let list = browser.page("/companies/?name__contains=Many&sort=-name").await?;
        let mut save = form(&list, "/views/");
        save.insert("name".into(), "The many".into());
        let opened = browser.done("/views/", &save).await?;
        let view = opened.split("view=").nth(1).and_then(|rest| rest.split('&').next()).unwrap().to_owned();
        assert_eq!(opened, format!("/companies/?view={view}&done=view_saved"));
        let html = browser.page(&opened).await?;
        assert!(html.contains("The view was saved.") && html.contains("aria-sort=\"descending\""), "{html}");
        assert!(html.contains(&format!("href=\"/companies/?view={view}\" aria-current=\"page\">The many</a>")), "{html}");
        assert_eq!(html.matches("<th scope=\"row\">").count(), 3);
        // Another person does not see it.
        let other = Browser::new(&app, "billing")?;
        assert!(!other.page("/companies/").await?.contains("The many"));
        assert_eq!(other.open(&format!("/companies/?view={view}")).await?.0, 404);
        assert_eq!(browser.open(&format!("/companies/?view={view}&q=a")).await?.0, 400);

        let edit = format!("/views/{view}/edit");
        let mut members = form(&browser.page(&edit).await?, &edit);
        members.insert("name".into(), String::new());
        let (status, html) = document(browser.send(&edit, &members).await?).await?;
        assert!(status == 422 && html.contains("Name: must not be empty"), "{status} {html}");
        let delete = form(&browser.page(&edit).await?, &format!("/views/{view}/delete"));
        assert_eq!(browser.done(&format!("/views/{view}/delete"), &delete).await?, "/views/?done=view_deleted");
        assert!(browser.page("/views/?done=view_deleted").await?.contains("There are no views yet"));
        Ok(())
    }

    async fn views_that_name_a_lost_column_still_open(app: TestApp) -> TestResult {
        many(&app, 2).await?;
        let tech = client(&app, "technician")?;
        let view = ViewIn { name: "Old".into(), resource: "companies".into(), query: "name__contains=Many".into(), ..ViewIn::default() };
        let view = tech.views().create(&view).await?;
        // As an earlier release has stored it.
        let mut tx = app.codex.db().begin().await?;
        let q = tx.query("update saved_views set query = 'colour=red&name__contains=Many' where id = $1");
        q.bind(view.id).execute().await?;
        tx.commit().await?;
        let browser = Browser::new(&app, "technician")?;
        let html = browser.page(&format!("/companies/?view={}", view.id)).await?;
        assert!(html.contains("The view names colour, which is not in this list any more"), "{html}");
        assert_eq!(html.matches("<th scope=\"row\">").count(), 2);
        assert_eq!(browser.open("/companies/?colour=red").await?.0, 400);
        Ok(())
    }

    async fn views_keep_columns_and_what_a_list_leaves_out(app: TestApp) -> TestResult {
        let tech = client(&app, "technician")?;
        for contact in [json!({"name": "Ann Lee"}), json!({"name": "Ben Old", "active": false})] {
            let post = app.call_as("admin", Method::POST, "/api/contacts")?;
            post.json(&contact).send().await?.error_for_status()?;
        }
        let view = ViewIn {
            name: "Everybody".into(), resource: "contacts".into(), query: "columns=name,size,tags&all=true".into(),
            ..ViewIn::default()
        };
        let view = tech.views().create(&view).await?;
        let browser = Browser::new(&app, "technician")?;
        let html = browser.page(&format!("/contacts/?view={}", view.id)).await?;
        assert!(html.contains("The view names size, which is not in this list any more"), "{html}");
        // Beside the checkboxes.
        assert_eq!(html.matches("<th scope=\"col\"").count(), 3, "{html}");
        assert!(html.contains("Ben Old"), "{html}");
        assert_eq!(form(&html, "/views/")["query"], "columns=name%2Ctags&all=true");
        // Other lists have nothing that `all` brings back.
        let view = ViewIn { resource: "companies".into(), name: "All".into(), query: "all=true".into(), ..ViewIn::default() };
        let view = tech.views().create(&view).await?;
        let html = browser.page(&format!("/companies/?view={}", view.id)).await?;
        assert!(html.contains("The view names all, which"), "{html}");
        Ok(())
    }

    async fn all_records_of_a_list_are_those_that_it_shows(app: TestApp) -> TestResult {
        for contact in [json!({"name": "Ann Lee"}), json!({"name": "Ben Old", "active": false})] {
            let post = app.call_as("admin", Method::POST, "/api/contacts")?;
            post.json(&contact).send().await?.error_for_status()?;
        }
        let browser = Browser::new(&app, "technician")?;
        for (list, bulk, count) in [
            ("/contacts/?total=true", "/bulk/contacts/?select=all", "1 contact"),
            ("/contacts/?total=true&all=true", "/bulk/contacts/?select=all&all=true", "2 contacts"),
        ] {
            let html = unescaped(&browser.page(list).await?);
            assert!(html.contains(&format!("href=\"{bulk}\">Edit all {count}")), "{html}");
            let html = browser.page(bulk).await?;
            assert!(html.contains(&format!("Change {count}<")), "{html}");
        }
        // An empty list has nothing to change.
        assert!(!browser.page("/assets/").await?.contains("/bulk/"));
        Ok(())
    }

    async fn lists_open_with_the_default_of_the_role(app: TestApp) -> TestResult {
        many(&app, 2).await?;
        let admin = client(&app, "admin")?;
        let view = ViewIn {
            name: "Start".into(), resource: "companies".into(), query: "name=Many 01".into(),
            audience: "role_default".into(), role: "technician".into(),
        };
        let view = admin.views().create(&view).await?;
        let browser = Browser::new(&app, "technician")?;
        let opened = browser.call(Method::GET, "/companies/").send().await?;
        assert_eq!(opened.status(), 303);
        let path = opened.headers()["location"].to_str()?.to_owned();
        assert_eq!(path, format!("/companies/?view={}", view.id));
        let html = browser.page(&path).await?;
        assert!(html.contains("href=\"/companies/?view=all\">Clear search and filters"), "{html}");
        assert_eq!(html.matches("<th scope=\"row\">").count(), 1);
        let all = browser.page("/companies/?view=all").await?;
        assert_eq!(all.matches("<th scope=\"row\">").count(), 2);
        // A list without its last filter is the whole one as well.
        let narrowed = browser.page("/companies/?billing_plan__exact=Gold").await?;
        assert!(narrowed.contains("href=\"/companies/?view=all\" aria-current=\"true\">Gold</a> 2"), "{narrowed}");
        assert_eq!(Browser::new(&app, "billing")?.open("/companies/").await?.0, 200);
        Ok(())
    }

    async fn selected_records_are_changed_behind_a_plan(app: TestApp) -> TestResult {
        let numbers = many(&app, 3).await?;
        let browser = Browser::new(&app, "technician")?;
        let list = browser.page("/companies/").await?;
        let boxes: Vec<String> = list.split("<input type=\"checkbox\"").skip(1)
            .filter_map(|tag| attribute(tag, "name")).filter(|name| name.starts_with("select.")).collect();
        assert_eq!(boxes.len(), 3, "{list}");
        let chosen = browser.call(Method::GET, &format!("/bulk/companies/?{}=on&{}=on", boxes[0], boxes[1])).send().await?;
        assert_eq!(chosen.status(), 303);
        let path = chosen.headers()["location"].to_str()?.to_owned();
        let html = browser.page(&path).await?;
        assert!(html.contains("Change 2 companies"), "{html}");
        let mut members = form(&html, "/bulk/companies/plan");
        members.extend([("field".to_owned(), "billing_plan".to_owned()), ("value".to_owned(), "Silver".to_owned())]);
        let (status, plan) = document(browser.send("/bulk/companies/plan", &members).await?).await?;
        assert_eq!(status, 200);
        assert!(plan.contains("Change 2 companies?") && plan.contains("<td>Gold</td><td>Silver</td>"), "{plan}");
        // The plan has changed nothing.
        assert_eq!(company(&app, &numbers[0]).await?["billing_plan"], "Gold");
        let done = browser.done("/bulk/companies/apply", &form(&plan, "/bulk/companies/apply")).await?;
        assert_eq!(done, "/companies/?done=bulk_changed");
        assert!(browser.page(&done).await?.contains("The records were changed."));
        let mut plans = Vec::new();
        for number in &numbers {
            plans.push(company(&app, number).await?["billing_plan"].clone());
        }
        assert_eq!(plans, ["Silver", "Silver", "Gold"]);
        assert_eq!(browser.open("/bulk/companies/").await?.0, 400);
        assert_eq!(Browser::new(&app, "billing")?.open(&path).await?.0, 403);
        Ok(())
    }

    async fn plans_are_refused_when_the_selection_has_changed(app: TestApp) -> TestResult {
        let numbers = many(&app, 3).await?;
        let browser = Browser::new(&app, "technician")?;
        let change = [("field", "billing_plan"), ("value", "Silver")];
        let planned = plan(&browser, &change).await?;
        let members = form(&planned, "/bulk/companies/apply");
        let put = app.call_as("admin", Method::PUT, &format!("/api/companies/{}", numbers[0]))?;
        put.json(&json!({"name": "Gone"})).send().await?.error_for_status()?;
        let post = app.call_as("admin", Method::POST, "/api/companies")?;
        post.json(&json!({"name": "Many new"})).send().await?.error_for_status()?;
        let post = app.call_as("admin", Method::POST, "/api/companies")?;
        post.json(&json!({"name": "Many newer"})).send().await?.error_for_status()?;
        let (status, html) = document(browser.send("/bulk/companies/apply", &members).await?).await?;
        assert_eq!(status, 409, "{html}");
        assert!(html.contains("2 records joined and 1 record left; nothing was changed"), "{html}");
        assert_eq!(company(&app, &numbers[1]).await?["billing_plan"], "Gold");
        // The new plan can be applied; a change of one record outdates it again.
        let members = form(&html, "/bulk/companies/apply");
        let put = app.call_as("admin", Method::PUT, &format!("/api/companies/{}", numbers[1]))?;
        put.json(&json!({"description": "other"})).send().await?.error_for_status()?;
        let (status, html) = document(browser.send("/bulk/companies/apply", &members).await?).await?;
        assert!(status == 409 && html.contains("a record of it was changed"), "{html}");
        browser.done("/bulk/companies/apply", &form(&html, "/bulk/companies/apply")).await?;
        assert_eq!(company(&app, &numbers[1]).await?["billing_plan"], "Silver");
        assert_eq!(company(&app, &numbers[0]).await?["billing_plan"], "Gold");
        Ok(())
    }

    async fn many_records_are_tagged_and_deleted(app: TestApp) -> TestResult {
        let numbers = many(&app, 3).await?;
        let (browser, tech) = (Browser::new(&app, "technician")?, client(&app, "technician")?);
        let vip = tech.tags().create(&TagIn { name: "VIP".into(), ..TagIn::default() }).await?.id;
        let tag = vip.to_string();
        let planned = plan(&browser, &[("action", "add_tag"), ("tag", tag.as_str())]).await?;
        assert!(planned.contains("<td>Tags</td><td>nothing</td><td>VIP</td>"), "{planned}");
        browser.done("/bulk/companies/apply", &form(&planned, "/bulk/companies/apply")).await?;
        assert_eq!(tech.tags().get(vip).await?.companies, 3);
        let planned = plan(&browser, &[("action", "add_tag"), ("tag", tag.as_str())]).await?;
        assert!(planned.contains("There is nothing to change") && planned.contains("3 records stay as they are"), "{planned}");
        let planned = plan(&browser, &[("action", "delete")]).await?;
        assert!(planned.contains("Delete 3 companies?"), "{planned}");
        let done = browser.done("/bulk/companies/apply", &form(&planned, "/bulk/companies/apply")).await?;
        assert_eq!(done, "/companies/?done=bulk_deleted");
        assert_eq!(company(&app, &numbers[2]).await?["error"], "Company not found");
        Ok(())
    }

    async fn plans_name_records_that_cannot_be_changed(app: TestApp) -> TestResult {
        many(&app, 2).await?;
        let browser = Browser::new(&app, "technician")?;
        let planned = plan(&browser, &[("field", "compliance_level"), ("value", "odd")]).await?;
        assert!(planned.contains("There is nothing to change") && planned.contains("2 records cannot be changed"), "{planned}");
        assert!(unescaped(&planned).contains("Many 00</a>") && planned.contains("Compliance level "), "{planned}");
        // Without a token of the session, and with a changed one, nothing is planned or applied.
        let mut members = form(&planned, "/bulk/companies/apply");
        members.remove(TOKEN);
        for path in ["/bulk/companies/plan", "/bulk/companies/apply"] {
            let answer = browser.call(Method::POST, path).header("accept", HTML).form(&members).send().await?;
            assert_eq!(answer.status(), 403, "{path}");
        }
        assert_eq!(browser.open("/bulk/planets/?select=all").await?.0, 404);
        Ok(())
    }
}

/// The companies called `Many` that are left.
async fn left(app: &TestApp) -> anyhow::Result<Option<i64>> {
    let q = "select count(*) from companies where deleted_at is null and name like 'Many%'";
    Ok(app.codex.db().query(q).scalar().await?)
}

async fn execute(app: &TestApp, statement: &'static str) -> anyhow::Result<()> {
    let mut tx = app.codex.db().begin().await?;
    tx.query(statement).execute().await?;
    Ok(tx.commit().await?)
}

on_sqlite! {
    async fn change_that_breaks_off_names_what_was_not_done(app: TestApp) -> TestResult {
        const BREAK: &str = "create trigger stops before update on companies \
            when new.deleted_at is not null and new.name = 'Many 1150' begin select raise(abort, 'stopped'); end";
        many(&app, 1_200).await?;
        let browser = Browser::new(&app, "technician")?;
        let apply = "/bulk/companies/apply";
        // More than fit in one transaction: the parts before the one that fails stay.
        let planned = plan(&browser, &[("action", "delete")]).await?;
        assert!(planned.contains("So many records are changed in parts"), "{planned}");
        execute(&app, BREAK).await?;
        let (status, html) = document(browser.send(apply, &form(&planned, apply)).await?).await?;
        assert!(status == 200 && html.contains("200 companies not changed"), "{status} {html}");
        assert!(html.contains("1,000 companies were changed") || html.contains("1000 companies were changed"), "{html}");
        let ids = html.split("their row ids: ").nth(1).and_then(|rest| rest.split('.').next());
        assert_eq!(ids.map(|ids| ids.split(", ").count()), Some(100), "{html}");
        assert_eq!(left(&app).await?, Some(200));
        // Fewer are changed together or not at all.
        execute(&app, "drop trigger stops").await?;
        let planned = plan(&browser, &[("action", "delete")]).await?;
        assert!(planned.contains("All of them are changed together"), "{planned}");
        execute(&app, BREAK).await?;
        let (status, _) = document(browser.send(apply, &form(&planned, apply)).await?).await?;
        assert!(status >= 500, "{status}");
        assert_eq!(left(&app).await?, Some(200));
        Ok(())
    }
}
