//! Pages of contacts, assets, locations and tags, and what all pages of records have in common.

use codex_tests::{harness::app::TestApp, on_each_engine, on_sqlite};
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};

use crate::pages::{Browser, Members, attribute, document, members, unescaped};

/// The rows of a page's table.
fn rows(html: &str) -> usize {
    html.matches("<th scope=\"row\">").count()
}

/// A form of a page by what its action ends with: what it sends when nobody changes it.
fn form(html: &str, action: &str) -> Option<(String, Members)> {
    html.split("<form").skip(1).find_map(|part| {
        let (part, _) = part.split_once("</form>")?;
        let to = attribute(part, "action")?;
        (to.ends_with(action) && part.contains("method=\"post\"")).then(|| (to, members(part)))
    })
}

/// The number that a row of a summary shows, and the list that it links.
fn summary(html: &str, label: &str) -> Option<(usize, String)> {
    let (_, rest) = html.split_once(&format!(">{label}</dt>"))?;
    let (_, rest) = rest.split_once("<a")?;
    let (tag, rest) = rest.split_once('>')?;
    let (count, _) = rest.split_once('<')?;
    Some((count.parse().ok()?, attribute(&format!(" {tag}"), "href")?))
}

async fn create(
    browser: &Browser<'_>,
    path: &str,
    stated: &[(&str, &str)],
) -> anyhow::Result<String> {
    let mut sent = members(&browser.page(path).await?);
    for (name, text) in stated {
        sent.insert((*name).to_owned(), (*text).to_owned());
    }
    let path = path.split('?').next().unwrap_or_default();
    let done = browser.done(path, &sent).await?;
    let record = done.strip_suffix("?done=created").map(str::to_owned);
    record.ok_or_else(|| anyhow::anyhow!(done))
}

on_each_engine! {
    async fn lists_of_all_kinds_open_for_staff(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "billing")?;
        for (path, caption) in [
            ("/contacts/", "Contacts"), ("/assets/", "Assets"), ("/locations/", "Locations"), ("/companies/", "Companies"),
        ] {
            let html = browser.page(&format!("{path}?total=true")).await?;
            assert!(html.contains(&format!("<caption>{caption}</caption>")) && rows(&html) > 0, "{path}: {html}");
            assert!(html.contains("Only technicians") && html.len() <= 60_000, "{path}: {}", html.len());
            assert!(html.contains(&format!("href=\"{path}export.csv")), "{path}: {html}");
            let first = html.split("<th scope=\"row\">").nth(1).and_then(|tag| attribute(tag, "href"));
            let record = browser.page(&first.unwrap()).await?;
            assert!(!record.contains(">Edit</a>") && (record.contains("Freshservice") || record.contains("Datto")), "{path}: {record}");
            let moved = browser.call(Method::GET, path.trim_end_matches('/')).send().await?;
            assert_eq!(moved.status(), 308, "{path}");
        }
        let none = browser.page("/tags/").await?;
        assert!(none.contains("There are no tags yet."), "{none}");
        Ok(())
    }

    async fn fields_that_have_changed_since_the_last_look_are_marked(app: TestApp) -> TestResult {
        let browser = Browser::new(&app, "technician")?;
        let contact = create(&browser, "/contacts/new", &[("name", "Ann Lee"), ("job_title", "Baker")]).await?;
        let other = Browser::new(&app, "billing")?;
        let marked = "Changed since you last looked";
        assert!(!other.page(&contact).await?.contains(marked) && !browser.page(&contact).await?.contains(marked));
        // Looks are noted beside the page.
        for _ in 0..200 {
            let noted: Option<i64> = app.codex.db().query("select count(*) from seen").scalar().await?;
            if noted == Some(2) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let id = contact.rsplit('/').next().unwrap();
        let put = app.call_as("admin", Method::PUT, &format!("/api/contacts/{id}"))?;
        put.json(&json!({"job_title": "Miller"})).send().await?.error_for_status()?;
        for browser in [&browser, &other] {
            let html = browser.page(&contact).await?;
            assert!(html.contains(marked) && html.contains(": Job title."), "{html}");
            assert!(html.contains(">changed</span>") && html.contains("Before: Baker"), "{html}");
        }
        // What the person has just done is no news.
        assert!(!browser.page(&format!("{contact}?done=saved")).await?.contains(marked));
        Ok(())
    }

    async fn status_that_has_changed_since_the_last_look_is_marked(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let id = app.json("/api/companies/100001/assets").await?[0]["id"].as_i64().unwrap();
        let set = async |is_online: bool| -> anyhow::Result<()> {
            let mut tx = app.codex.db().begin().await?;
            let q = tx.query("update asset_status set online = $2, patch_status = 'Pending' where asset_id = $1");
            q.bind(id).bind(is_online).execute().await?;
            Ok(tx.commit().await?)
        };
        let asset = format!("/assets/{id}");
        set(true).await?;
        let marked = "Changed since you last looked";
        assert!(!browser.page(&asset).await?.contains(marked));
        for _ in 0..200 {
            let noted: Option<i64> = app.codex.db().query("select count(*) from seen").scalar().await?;
            if noted == Some(1) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert!(!browser.page(&asset).await?.contains(marked));
        set(false).await?;
        let html = browser.page(&asset).await?;
        assert!(html.contains(marked) && html.contains(": Online."), "{html}");
        assert!(html.contains(">changed</span>") && html.contains("Before: yes"), "{html}");
        // Another person has not looked yet.
        assert!(!Browser::new(&app, "billing")?.page(&asset).await?.contains(marked));
        Ok(())
    }

    async fn inactive_contacts_are_left_out_until_asked_for(app: TestApp) -> TestResult {
        let browser = Browser::new(&app, "technician")?;
        create(&browser, "/contacts/new", &[("name", "Ann Lee"), ("email", "ann@heron.test")]).await?;
        create(&browser, "/contacts/new", &[("name", "Ben Old"), ("active", "false")]).await?;
        let active = browser.page("/contacts/").await?;
        assert!(active.contains("Ann Lee") && !active.contains("Ben Old"), "{active}");
        assert!(active.contains("Without inactive contacts") && active.contains("href=\"mailto:ann@heron.test\""), "{active}");
        let all = browser.page("/contacts/?all=true").await?;
        assert!(all.contains("Ann Lee") && all.contains("Ben Old") && all.contains("With inactive contacts"), "{all}");
        let inactive = browser.page("/contacts/?active=false").await?;
        assert!(!inactive.contains("Ann Lee") && inactive.contains("Ben Old"), "{inactive}");
        // Other lists leave nothing out.
        assert_eq!(browser.open("/companies/?all=true").await?.0, 400);
        Ok(())
    }

    async fn contacts_are_linked_to_companies_and_assets(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let html = browser.page("/companies/100001?tab=contacts").await?;
        assert!(html.contains("href=\"/contacts/new?company_account_numbers=100001\""), "{html}");
        let new = "/contacts/new?company_account_numbers=100001";
        let contact = create(&browser, new, &[("name", "Linked Person")]).await?;
        let tab = format!("{contact}?tab=companies");
        let html = browser.page(&tab).await?;
        assert!(html.contains("href=\"/companies/100001\""), "{html}");

        let (action, mut sent) = form(&html, "/links/companies").unwrap();
        sent.insert("add".into(), "100002".into());
        assert_eq!(browser.done(&action, &sent).await?, format!("{tab}&done=linked"));
        let html = browser.page(&tab).await?;
        assert!(html.contains("href=\"/companies/100002\""), "{html}");
        // The form of an older version is refused.
        assert_eq!(browser.send(&action, &browser.reopened(&sent).await?).await?.status(), 412);
        let (_, mut sent) = form(&html, "/links/companies").unwrap();
        sent.insert("remove".into(), "100001".into());
        assert_eq!(browser.done(&action, &sent).await?, format!("{tab}&done=unlinked"));
        let html = browser.page(&tab).await?;
        assert!(!html.contains("href=\"/companies/100001\""), "{html}");
        let (_, mut sent) = form(&html, "/links/companies").unwrap();
        sent.insert("add".into(), "999999".into());
        assert_eq!(browser.send(&action, &sent).await?.status(), 400);

        let asset = create(&browser, "/assets/new?company_account_number=100002", &[("hostname", "PC-LINKED")]).await?;
        let tab = format!("{contact}?tab=assets");
        let html = browser.page(&tab).await?;
        assert!(html.contains(">PC-LINKED</option>"), "{html}");
        let (action, mut sent) = form(&html, "/links/assets").unwrap();
        sent.insert("add".into(), "pc-linked".into());
        browser.done(&action, &sent).await?;
        assert!(browser.page(&tab).await?.contains(&format!("href=\"{asset}\"")));

        let tab = format!("{asset}?tab=contacts");
        let html = browser.page(&tab).await?;
        assert!(html.contains(&format!("href=\"{contact}\"")), "{html}");
        let (action, mut sent) = form(&html, "/links/contacts").unwrap();
        let id = contact.rsplit('/').next().unwrap();
        sent.insert("remove".into(), id.into());
        browser.done(&action, &sent).await?;
        assert!(!browser.page(&tab).await?.contains(&format!("href=\"{contact}\"")));
        Ok(())
    }

    async fn locations_are_created_edited_and_restored(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let mut nowhere = members(&browser.page("/locations/new").await?);
        nowhere.insert("name".into(), "Depot".into());
        let (status, html) = document(browser.send("/locations/new", &nowhere).await?).await?;
        assert_eq!(status, 422);
        assert!(html.contains("Company is required"), "{html}");
        let new = "/locations/new?company_account_number=100001";
        let location = create(&browser, new, &[("name", "Depot"), ("address", "1 High Street\r\nLondon")]).await?;
        let html = browser.page(&location).await?;
        assert!(html.contains("Depot") && html.contains("href=\"/companies/100001\""), "{html}");
        let mut sent = members(&browser.page(&format!("{location}/edit")).await?);
        sent.insert("name".into(), "Main depot".into());
        browser.done(&format!("{location}/edit"), &sent).await?;
        let list = browser.page("/locations/?company_account_number=100001&name=main%20depot").await?;
        assert_eq!(rows(&list), 1, "{list}");
        let sent = members(&browser.page(&format!("{location}/delete")).await?);
        let done = browser.done(&format!("{location}/delete"), &sent).await?;
        assert_eq!(browser.open(&location).await?.0, 404);
        let (restore, sent) = form(&browser.page(&done).await?, "/restore").unwrap();
        assert_eq!(browser.done(&restore, &sent).await?, format!("{location}?done=restored"));
        assert_eq!(browser.send("/locations/0/restore", &sent).await?.status(), 404);
        Ok(())
    }

    async fn tags_link_the_records_that_have_them(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let mut sent = members(&browser.page("/tags/new").await?);
        sent.insert("name".into(), "VIP & Co".into());
        sent.insert("colour".into(), "red".into());
        let (status, html) = document(browser.send("/tags/new", &sent).await?).await?;
        assert_eq!(status, 422);
        assert!(html.contains("must be a colour such as #d73a49"), "{html}");
        let tag = create(&browser, "/tags/new", &[("name", "VIP & Co"), ("colour", "#D73A49")]).await?;
        let id = tag.rsplit('/').next().unwrap();
        let call = app.call_as("admin", Method::POST, &format!("/api/tags/{id}/add"))?;
        let body = json!({"kind": "company", "account_numbers": ["100001", "100002"]});
        call.json(&body).send().await?.error_for_status()?;
        for path in ["/tags/", &tag] {
            let html = browser.page(path).await?;
            assert!(html.contains("href=\"/companies/?tag=VIP+%26+Co\">2</a>"), "{path}: {html}");
            assert!(html.contains("#d73a49"), "{path}: {html}");
        }
        let list = browser.page("/companies/?tag=VIP+%26+Co").await?;
        assert_eq!(rows(&list), 2);
        assert!(unescaped(&list).contains("href=\"/companies/?tag=VIP+%26+Co\">VIP & Co</a>"), "{list}");
        assert!(unescaped(&browser.page("/companies/100001").await?).contains(">VIP & Co</a>"));
        Ok(())
    }

    async fn columns_are_chosen_in_the_address(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let chosen = "/assets/?sort=hostname&choose=columns&show.mac_address=1&show.hostname=1";
        let sent = browser.call(Method::GET, chosen).send().await?;
        assert_eq!(sent.status(), 303);
        let address = sent.headers()["location"].to_str()?.to_owned();
        assert_eq!(address, "/assets/?sort=hostname&columns=mac_address%2Chostname");
        let html = browser.page(&address).await?;
        let (_, table) = html.split_once("<table").unwrap();
        // The name comes first, whatever is chosen.
        let heads: Vec<_> = table.split("<th scope=\"col\"").skip(1).collect();
        // Behind the checkboxes.
        assert_eq!(heads.len(), 3, "{html}");
        assert!(heads[1].contains("Hostname") && heads[2].contains("MAC address"), "{heads:?}");
        assert!(html.contains("columns=mac_address%2Chostname"), "the links of the list keep its columns: {html}");
        let (status, html) = browser.open("/assets/?columns=hostnam").await?;
        assert_eq!(status, 400);
        assert!(unescaped(&html).contains("did you mean `hostname`?"), "{html}");
        assert_eq!(browser.open("/assets/?columns=udf,company_id").await?.0, 400);
        Ok(())
    }

    async fn exports_hold_exactly_the_filtered_list(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        for (path, filter, of) in [
            ("/assets/", "company_account_number=100001", "hostname"), ("/contacts/", "company_account_number=100001", "name"),
            ("/companies/", "account_number__in=100001,100002", "name"), ("/locations/", "company_account_number=100001", "name"),
        ] {
            let list = browser.page(&format!("{path}?{filter}&sort=-{of}&total=true")).await?;
            let link = list.split("href=\"").find(|link| link.contains("export.ndjson")).unwrap();
            let link = unescaped(link.split('"').next().unwrap());
            let answer = browser.call(Method::GET, &link).send().await?.error_for_status()?;
            assert_eq!(answer.headers()[CONTENT_TYPE], "application/x-ndjson", "{path}");
            let text = answer.text().await?;
            let records: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
            assert!(list.contains(&format!("{} ", records.len())) && !records.is_empty(), "{path}: {list}");
            assert_eq!(records.len().min(50), rows(&list), "{path}");
            let csv = link.replace("export.ndjson", "export.csv");
            let answer = browser.call(Method::GET, &csv).send().await?.error_for_status()?;
            let disposition = answer.headers()["content-disposition"].to_str()?.to_owned();
            assert_eq!(disposition, format!("attachment; filename={}.csv", path.trim_matches('/')));
            let refused = browser.open(&format!("{path}export.csv?colour=red")).await?;
            assert_eq!(refused.0, 400, "{path}");
        }
        Ok(())
    }

    async fn numbers_of_the_cockpit_match_their_lists(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let asset = |name: &str, warranty: Option<&str>| json!({"hostname": name, "company_account_number": "100001", "warranty_date": warranty});
        let now = app.codex.now().date_naive();
        let soon = (now + chrono::TimeDelta::days(30)).to_string();
        let late = (now + chrono::TimeDelta::days(91)).to_string();
        for body in [asset("W-SOON", Some(&soon)), asset("W-LATE", Some(&late)), asset("W-NONE", None)] {
            let call = app.call_as("admin", Method::POST, "/api/assets")?;
            call.json(&body).send().await?.error_for_status()?;
        }
        let id = app.codex.db().query("select id from companies where account_number = '100001'").scalar::<i64>().await?;
        let old = app.codex.now() - chrono::TimeDelta::days(8);
        let q = "update asset_status set online = false, last_seen = $2, patch_status = 'NoPolicy' \
            where asset_id in (select min(id) from assets where company_id = $1)";
        let mut tx = app.codex.db().begin().await?;
        tx.query(q).bind(id.unwrap()).bind(old).execute().await?;
        tx.commit().await?;
        let html = browser.page("/companies/100001").await?;
        for (label, at_least) in [
            ("Devices offline for more than a week", 1), ("Devices without current patches", 1),
            ("Warranties that end within 90 days", 1),
        ] {
            let (count, list) = summary(&html, label).unwrap_or_else(|| panic!("{label}: {html}"));
            assert!(count >= at_least, "{label}: {count}");
            let shown = browser.page(&format!("{list}&total=true")).await?;
            assert_eq!(rows(&shown), count.min(50), "{label}: {shown}");
            assert!(shown.contains(&format!("{count} asset")), "{label}: {shown}");
        }
        Ok(())
    }

    async fn open_tickets_are_counted_as_the_list_does(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let mut counted = 0;
        for number in ["100001", "100002"] {
            let html = browser.page(&format!("/companies/{number}")).await?;
            let Some((count, list)) = summary(&html, "Open tickets") else { continue };
            let query = list.split_once('?').unwrap().1;
            let call = app.call_as("admin", Method::GET, &format!("/api/tickets?{query}&total=true&limit=1"))?;
            let answer = call.send().await?;
            assert_eq!(answer.headers()["x-total-count"].to_str()?, count.to_string(), "{list}");
            counted += 1;
        }
        assert!(counted > 0, "no company has an open ticket");
        Ok(())
    }

    async fn clients_see_records_of_their_company_only(app: TestApp) -> TestResult {
        app.sync().await?;
        let own = app.json("/api/companies/100001/contacts").await?;
        let client = Browser::of(&app, "client", own[0]["email"].as_str().unwrap())?;
        for (kind, other) in [("contacts", "contacts"), ("assets", "assets")] {
            let others = app.json(&format!("/api/companies/100002/{other}")).await?;
            let other = others[0]["id"].as_i64().unwrap();
            for path in [format!("/{kind}/{other}"), format!("/{kind}/{other}?tab=contacts")] {
                assert_ne!(client.open(&path).await?.0, 200, "{path}");
            }
            let list = client.page(&format!("/{kind}/?company_account_number=100002")).await?;
            assert_eq!(rows(&list), 0, "{kind}");
            let own = app.json(&format!("/api/companies/100001/{kind}")).await?;
            let file = client.call(Method::GET, &format!("/{kind}/export.ndjson?")).send().await?.text().await?;
            assert!(file.lines().count() <= own.as_array().unwrap().len(), "{kind}: {file}");
            let id = own[0]["id"].as_i64().unwrap();
            let html = client.page(&format!("/{kind}/{id}")).await?;
            for hidden in ["Freshservice", "Datto", ">Edit</a>", "Remote access", "href=\"/tags/\"", "User-defined"] {
                assert!(!html.contains(hidden), "{kind} shows {hidden}: {html}");
            }
            for path in [format!("/{kind}/new"), format!("/{kind}/{id}/edit"), format!("/{kind}/?tag=x")] {
                assert!([400, 403].contains(&client.open(&path).await?.0), "{path}");
            }
        }
        let id = app.json("/api/companies/100001/assets").await?[0]["id"].as_i64().unwrap();
        for (path, status) in [(format!("/assets/{id}?tab=software"), 403), ("/tags/".to_owned(), 403), ("/locations/".to_owned(), 200)] {
            assert_eq!(client.open(&path).await?.0, status, "{path}");
        }
        Ok(())
    }

    async fn companies_without_a_number_are_listed_apart(app: TestApp) -> TestResult {
        app.sync().await?;
        let mut tx = app.codex.db().begin().await?;
        let q = "update companies set account_number = null where account_number = '100002'";
        tx.query(q).execute().await?;
        tx.commit().await?;
        let browser = Browser::new(&app, "technician")?;
        let html = browser.page("/companies/").await?;
        assert!(html.contains("has no account number yet and is not listed."), "{html}");
        assert!(html.contains("href=\"/companies/?account_number__isnull=true\""), "{html}");
        let list = browser.page("/companies/?account_number__isnull=true&total=true").await?;
        assert_eq!(rows(&list), 1, "{list}");
        let record = list.split("<th scope=\"row\">").nth(1).and_then(|tag| attribute(tag, "href")).unwrap();
        assert!(record.starts_with("/companies/id-"), "{record}");
        assert!(browser.page(&record).await?.contains("No account number yet"));
        for tab in ["contacts", "assets", "locations", "tickets", "plan"] {
            browser.page(&format!("{record}?tab={tab}")).await?;
        }
        let edit = format!("{record}/edit");
        let mut sent = members(&browser.page(&edit).await?);
        sent.insert("description".into(), "found".into());
        assert_eq!(browser.done(&edit, &sent).await?, format!("{record}?done=saved"));
        // One that has a number is at its number alone.
        let q = "select id from companies where account_number = '100001'";
        let id = app.codex.db().query(q).scalar::<i64>().await?.unwrap();
        assert_eq!(browser.open(&format!("/companies/id-{id}")).await?.0, 404);
        Ok(())
    }

    async fn statements_of_record_pages_are_bounded(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let first = async |path: &str| -> anyhow::Result<String> {
            let html = browser.page(path).await?;
            let href = html.split("<th scope=\"row\">").nth(1).and_then(|tag| attribute(tag, "href"));
            href.ok_or_else(|| anyhow::anyhow!("{path}: {html}"))
        };
        let (contact, asset, location) = (first("/contacts/").await?, first("/assets/").await?, first("/locations/").await?);
        for (path, most) in [
            ("/contacts/".to_owned(), 6), ("/assets/".to_owned(), 6), ("/locations/".to_owned(), 3), ("/tags/".to_owned(), 3),
            (contact.clone(), 12), (format!("{contact}?tab=companies"), 5), (format!("{contact}?tab=assets"), 9),
            (asset.clone(), 13), (format!("{asset}?tab=contacts"), 10), (format!("{asset}?tab=inventory"), 9), (location, 11),
        ] {
            let mut fewest = u64::MAX;
            for _ in 0..5 {
                let before = app.codex.statements_run();
                browser.page(&path).await?;
                fewest = fewest.min(app.codex.statements_run() - before);
            }
            assert!(fewest <= most, "{path}: {fewest} statements");
        }
        Ok(())
    }
}

on_sqlite! {
    async fn pages_link_the_sections_that_a_role_may_open(app: TestApp) -> TestResult {
        for (level, sees_tags) in [("admin", true), ("billing", true), ("client", false)] {
            let html = Browser::new(&app, level)?.page("/companies/").await?;
            assert!(html.contains("aria-current=\"true\" href=\"/companies/\""), "{level}: {html}");
            assert!(html.contains("action=\"/search\""), "{level}: {html}");
            assert_eq!(html.contains("href=\"/tags/\""), sees_tags, "{level}");
        }
        Ok(())
    }

    async fn forms_of_new_records_take_values_of_the_address(app: TestApp) -> TestResult {
        let browser = Browser::new(&app, "technician")?;
        let html = browser.page("/assets/new?hostname=PC-1&company_account_number=100001").await?;
        let sent = members(&html);
        assert_eq!((sent["hostname"].as_str(), sent["company_account_number"].as_str()), ("PC-1", "100001"));
        assert_eq!(browser.open("/assets/new?company_id=1").await?.0, 400);
        Ok(())
    }
}
