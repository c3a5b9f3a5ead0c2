//! Pages of syncs, jobs and decisions, as a browser opens them.

use std::time::Duration;

use codex_client::{AssetIn, HoldStatus, ListOptions, Op};
use codex_core::{RecordKind, Scope, jobs::JobStatus};
use codex_tests::{
    harness::app::{TestApp, client},
    on_each_engine, on_sqlite,
    sim::{
        fault::{FaultKind, When},
        world::device_uid,
    },
};
use reqwest::{
    Method,
    header::{HeaderValue, LOCATION, REFERER},
};
use serde_json::Value;

use crate::pages::{Browser, Members, TOKEN, document, members, unescaped};

/// A row of records that is named by a contact.
const ROW: &str = "<th scope=\"row\"><a href=\"/contacts/";

/// A form of a page with other members besides its token.
fn form(html: &str, others: &[(&str, &str)]) -> Members {
    let token = members(html).remove(TOKEN).unwrap_or_default();
    let others = others.iter();
    let others = others.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    others.chain([(TOKEN.to_owned(), token)]).collect()
}

/// Starts a sync with a button of the page; gives the path of its job's page.
async fn start(browser: &Browser<'_>, button: (&str, &str)) -> anyhow::Result<String> {
    let sent = form(&browser.page("/sync/").await?, &[button]);
    let done = browser.done("/sync/", &sent).await?;
    let path = done.strip_suffix("?done=started");
    Ok(path
        .ok_or_else(|| anyhow::anyhow!("not started: {done}"))?
        .to_owned())
}

/// The page of a job that has ended.
async fn ended(browser: &Browser<'_>, path: &str) -> anyhow::Result<String> {
    for _ in 0..600 {
        let html = browser.page(path).await?;
        if !html.contains(">Refresh</a>") {
            return Ok(html);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("{path} does not end")
}

/// Makes a company with a device that has the serial number of a device of the RMM; their ids, the older first.
async fn pair(app: &TestApp) -> anyhow::Result<(i64, i64)> {
    let asset = AssetIn {
        hostname: "by-hand".into(),
        serial_number: "SN000007".into(),
        ..AssetIn::default()
    };
    let manual = client(app, "technician")?.assets().create(&asset).await?.id;
    app.sync().await?;
    app.run_syncs(&["/sync/audits"]).await?;
    let q = "select id from assets where device_uid = $1 and deleted_at is null";
    let device: Option<i64> = app.codex.db().query(q).bind(device_uid(7)).scalar().await?;
    Ok((manual, device.unwrap_or_default()))
}

on_each_engine! {
    async fn syncs_are_started_and_followed_to_their_end(app: TestApp) -> TestResult {
        let admin = Browser::new(&app, "admin")?;
        let html = admin.page("/sync/").await?;
        assert!(html.contains("value=\"freshservice\"") && html.contains("never"), "{html}");
        let job = start(&admin, ("start", "freshservice")).await?;
        let html = ended(&admin, &job).await?;
        assert!(html.contains(">completed</span>") && html.contains("<caption>Records by kind</caption>"), "{html}");
        assert!(html.contains("<th scope=\"row\">Company</th>") && html.contains("Calls to the vendor"), "{html}");
        // The address of the API is the same without the slash, and stays JSON.
        let json = app.json(job.trim_end_matches('/')).await?;
        assert_eq!(json["status"], "completed");

        let html = admin.page("/sync/").await?;
        assert!(html.contains(&format!("href=\"{job}\"")), "{html}");
        for query in ["", "?sync=freshservice", "?state=completed", "?sync=psa&state=completed"] {
            assert!(admin.page(&format!("/sync/jobs/{query}")).await?.contains(&format!("href=\"{job}\"")), "{query}");
        }
        for query in ["?sync=datto", "?state=failed"] {
            assert!(admin.page(&format!("/sync/jobs/{query}")).await?.contains("No job fits the filters."), "{query}");
        }

        let technician = Browser::new(&app, "technician")?;
        let html = technician.page("/sync/").await?;
        assert!(html.contains("value=\"tickets\"") && !html.contains("value=\"datto\""), "{html}");
        let forced = form(&html, &[("start", "datto")]);
        assert_eq!(technician.send("/sync/", &forced).await?.status(), 403);
        let unknown = form(&html, &[("start", "dato")]);
        let (status, html) = document(technician.send("/sync/", &unknown).await?).await?;
        assert!(status == 400 && unescaped(&html).contains("did you mean `datto`?"), "{html}");
        let job = start(&technician, ("start", "tickets")).await?;
        assert!(ended(&technician, &job).await?.contains(">completed</span>"));
        Ok(())
    }

    async fn dry_runs_list_changes_and_write_nothing(app: TestApp) -> TestResult {
        let admin = Browser::new(&app, "admin")?;
        let job = start(&admin, ("dry_run", "freshservice")).await?;
        let html = ended(&admin, &job).await?;
        assert!(html.contains("Dry run of freshservice</h1>") && html.contains(">completed</span>"), "{html}");
        assert!(html.contains("would create company") && html.contains("nothing was written"), "{html}");
        assert_eq!(app.json("/api/companies").await?, Value::Array(Vec::new()));
        let system = Scope::system();
        let last = app.codex.last_job(&system, "freshservice", None).await?;
        assert!(last.is_none(), "a dry run is no run of the sync: {last:?}");
        assert!(app.codex.newest_jobs(&system, &JobStatus::ALL).await?.is_empty());
        // Another may begin: it has given back the lease.
        app.run_syncs(&["/sync/psa"]).await?;
        let technician = Browser::new(&app, "technician")?;
        let sent = form(&technician.page("/sync/").await?, &[("dry_run", "tickets")]);
        assert_eq!(technician.send("/sync/", &sent).await?.status(), 403);
        Ok(())
    }

    async fn running_jobs_are_cancelled_on_their_page(app: TestApp) -> TestResult {
        let hang = FaultKind::Hang(Duration::from_secs(3));
        app.freshservice.faults().add("/api/v2/requesters", When::Always, hang);
        let admin = Browser::new(&app, "admin")?;
        let job = start(&admin, ("start", "freshservice")).await?;
        let again = form(&admin.page("/sync/").await?, &[("start", "freshservice")]);
        assert_eq!(admin.done("/sync/", &again).await?, format!("{job}?done=at-work"));
        let html = admin.page(&job).await?;
        let billing = Browser::new(&app, "billing")?.page(&job).await?;
        assert!(html.contains("Cancel job") && !billing.contains("Cancel job"), "{html}");
        let sent = form(&html, &[]);
        assert_eq!(admin.done(&job, &sent).await?, format!("{job}?done=cancelled"));
        let html = ended(&admin, &job).await?;
        assert!(html.contains(">cancelled</span>") && html.contains("cancelled by"), "{html}");
        let (status, html) = document(admin.send(&job, &admin.reopened(&sent).await?).await?).await?;
        assert!(status == 409 && html.contains("has ended already"), "{html}");
        Ok(())
    }

    async fn a_form_acts_once_for_each_rendering_of_its_page(app: TestApp) -> TestResult {
        let admin = Browser::new(&app, "admin")?;
        let sent = form(&admin.page("/sync/").await?, &[("start", "freshservice")]);
        let first = admin.done("/sync/", &sent).await?;
        let job = first.strip_suffix("?done=started").unwrap();
        ended(&admin, job).await?;
        // As the browser's Back shows it: the old answer, which says that it is old.
        let repeated = admin.done("/sync/", &sent).await?;
        assert_eq!(repeated, format!("{first}&repeated=true"));
        let from = "http://localhost/sync/?done=at-work";
        let opened = admin.call(Method::GET, &repeated).header(REFERER, from).send().await?;
        let (status, html) = document(opened).await?;
        assert!(status == 200 && html.contains("This form was sent before."), "{html}");
        assert!(html.contains("<a href=\"/sync/\">Open the form again</a>"), "{html}");
        let html = admin.page(&repeated).await?;
        assert!(html.contains("This form was sent before.") && !html.contains("<a href=\"/sync/\">Open"), "{html}");
        assert!(!admin.page(&first).await?.contains("This form was sent before."));
        // The page loaded again acts anew.
        let other = start(&admin, ("start", "freshservice")).await?;
        assert_ne!(other, job);
        ended(&admin, &other).await?;
        Ok(())
    }

    async fn jobs_are_paged_by_cursor(app: TestApp) -> TestResult {
        let q = "insert into sync_jobs (id, script, sync_type, status, started_at, report) values ($1, 'psa', 'base', \
            'completed', $2, $3)";
        let mut tx = app.codex.db().begin().await?;
        let report = sqlx::types::Json(codex_core::jobs::JobReport::default());
        for n in 0..70 {
            // Some begin at the same moment.
            let at = app.codex.now() - chrono::Duration::minutes(n / 2);
            tx.query(q).bind(format!("job-{n:02}")).bind(at).bind(report.clone()).execute().await?;
        }
        tx.commit().await?;
        let browser = Browser::new(&app, "technician")?;
        let first = browser.page("/sync/jobs/?state=completed").await?;
        let next = first.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let second = browser.page(&unescaped(next)).await?;
        for n in 0..70 {
            let link = format!("/sync/jobs/job-{n:02}/");
            let times = first.matches(&link).count() + second.matches(&link).count();
            assert_eq!(times, 1, "{link}");
        }
        assert!(second.contains("First page") && second.contains("End of the list"));
        let first = browser.page("/sync/jobs/?sort=source").await?;
        let next = first.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let second = browser.page(&unescaped(next)).await?;
        let count = |html: &str| html.matches("<th scope=\"row\">").count();
        assert_eq!(count(&first) + count(&second), 70, "jobs without a source");
        Ok(())
    }

    async fn trouble_is_told_of_the_records_it_concerns(app: TestApp) -> TestResult {
        let (manual, device) = pair(&app).await?;
        let system = Scope::system();
        for (asset, concerned) in [(manual, true), (device, true), (device + 1, false)] {
            let issues = app.codex.record_issues(&system, RecordKind::Asset, asset).await?;
            let is = issues.iter().any(|one| one.issue.starts_with("duplicate candidate: "));
            assert_eq!(is, concerned, "asset {asset}: {issues:?}");
        }
        assert!(app.codex.record_issues(&system, RecordKind::Contact, manual).await?.is_empty());
        let client = Scope::client(Vec::new());
        assert!(app.codex.record_issues(&client, RecordKind::Asset, manual).await?.is_empty());

        // The variables of one site cannot be read: its company has an issue, no other.
        let q = "select l.site_uid from site_links l join companies c on c.id = l.company_id \
            where c.account_number = '100001' and l.deleted_at is null order by l.id limit 1";
        let site: Option<String> = app.codex.db().query(q).scalar().await?;
        let site = site.unwrap();
        let path = format!("/api/v2/site/{site}/variables");
        app.datto.faults().add(&path, When::Always, FaultKind::Status(400));
        let mut tx = app.codex.db().begin().await?;
        tx.query("update site_link_status set variables_read_at = null").execute().await?;
        tx.commit().await?;
        let admin = Browser::new(&app, "admin")?;
        let job = start(&admin, ("start", "datto")).await?;
        let html = ended(&admin, &job).await?;
        assert!(html.contains("href=\"/companies/100001\""), "{html}");
        let issue = format!("site {site}: ");
        for (number, concerned) in [("100001", true), ("100002", false)] {
            let company = app.codex.company(&system, number).await?.unwrap();
            let issues = app.codex.record_issues(&system, RecordKind::Company, company.id.0).await?;
            let is = issues.iter().any(|one| one.issue.starts_with(&issue) && job.contains(&one.job_id));
            assert_eq!(is, concerned, "{number}: {issues:?}");
        }
        // What the next run can read is no issue any more.
        app.datto.faults().clear();
        app.run_syncs(&["/sync/datto"]).await?;
        let company = app.codex.company(&system, "100001").await?.unwrap();
        let issues = app.codex.record_issues(&system, RecordKind::Company, company.id.0).await?;
        assert!(!issues.iter().any(|one| one.issue.starts_with(&issue)), "{issues:?}");
        Ok(())
    }

    async fn held_deletions_are_decided_on_their_page(app: TestApp) -> TestResult {
        app.sync().await?;
        app.world.lock().requesters.truncate(4);
        app.sync().await?;
        let holds = client(&app, "admin")?.holds().list(Some(HoldStatus::Held)).await?;
        let hold = holds.iter().find(|hold| hold.kind == "contact").unwrap();
        let path = format!("/holds/{}", hold.id);
        let technician = Browser::new(&app, "technician")?;
        let html = technician.page("/holds/?state=held").await?;
        assert!(html.contains(&format!("href=\"{path}\"")) && html.contains("8 of 12 contact records"), "{html}");
        let html = technician.page(&path).await?;
        assert_eq!(html.matches(ROW).count(), 8, "{html}");
        assert!(html.contains("Only administrators decide") && html.contains("The list was complete"), "{html}");
        assert!(html.contains(&format!("href=\"/sync/jobs/{}/\"", hold.job_id)), "{html}");
        let forced = form(&technician.page("/sync/").await?, &[]);
        assert_eq!(technician.send(&format!("{path}/approve"), &forced).await?.status(), 403);

        let admin = Browser::new(&app, "admin")?;
        let sent = form(&admin.page(&path).await?, &[]);
        assert_eq!(admin.done(&format!("{path}/approve"), &sent).await?, format!("{path}?done=approved"));
        let html = admin.page(&format!("{path}?done=approved")).await?;
        assert!(html.contains("The records were deleted.") && html.contains("Approved by"), "{html}");
        assert!(!html.contains(ROW), "deleted records have no page: {html}");
        let (status, html) = document(admin.send(&format!("{path}/reject"), &sent).await?).await?;
        assert!(status == 409 && html.contains("was decided already"), "{html}");
        assert_eq!(app.json("/api/contacts").await?.as_array().map(Vec::len), Some(4));
        assert!(admin.page(&format!("{path}?from=8")).await?.contains("There are no records here."));
        Ok(())
    }

    async fn duplicates_are_compared_and_merged(app: TestApp) -> TestResult {
        let (manual, device) = pair(&app).await?;
        let open = ListOptions::default().with("kind", Op::Eq, "asset");
        let found = client(&app, "technician")?.duplicates().list(&open).await?.items;
        let path = format!("/duplicates/{}", found[0].id);
        let technician = Browser::new(&app, "technician")?;
        let html = technician.page("/duplicates/?kind=asset").await?;
        assert!(html.contains(&format!("href=\"{path}\"")) && html.contains("by-hand"), "{html}");
        assert!(technician.page("/duplicates/?state=merged").await?.contains("fits the filter"));
        let html = technician.page(&path).await?;
        assert!(html.contains(&format!("href=\"/assets/{manual}\"")), "{html}");
        assert!(html.contains(&format!("href=\"/assets/{device}\"")), "{html}");
        assert!(html.contains("Sync issues") && html.contains("Serial number"), "{html}");
        let neither = form(&html, &[("keep", "0")]);
        let (status, html) = document(technician.send(&format!("{path}/merge"), &neither).await?).await?;
        assert!(status == 422 && html.contains("Which record is kept?"), "{html}");
        let none = form(&html, &[]);
        assert_eq!(technician.send(&format!("{path}/merge"), &none).await?.status(), 400);

        let keep = device.to_string();
        let sent = form(&html, &[("keep", &keep)]);
        assert_eq!(technician.done(&format!("{path}/merge"), &sent).await?, format!("{path}?done=merged"));
        let html = technician.page(&format!("{path}?done=merged")).await?;
        assert!(html.contains("are one now") && html.contains("Merged by"), "{html}");
        assert_eq!(app.get(&format!("/api/assets/{manual}"))?.send().await?.status(), 404);
        assert_eq!(app.json(&format!("/api/assets/{device}")).await?["id"], device);
        let (status, html) = document(technician.send(&format!("{path}/reject"), &sent).await?).await?;
        assert!(status == 409 && html.contains("decided already"), "{html}");
        Ok(())
    }

    async fn deleted_records_are_listed_and_restored(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let asset = AssetIn { hostname: "gone-pc".into(), ..AssetIn::default() };
        let id = client.assets().create(&asset).await?.id;
        client.assets().delete(id).await?;
        let technician = Browser::new(&app, "technician")?;
        let html = technician.page("/deleted/?kind=asset").await?;
        assert!(html.contains("gone-pc") && !html.contains(">Billing plan</a>"), "{html}");
        let path = format!("/deleted/asset/{id}/restore");
        let sent = form(&html, &[]);
        assert_eq!(technician.done(&path, &sent).await?, "/deleted/?kind=asset&done=restored");
        let html = technician.page("/deleted/?kind=asset&done=restored").await?;
        assert!(html.contains("The record is back.") && !html.contains("gone-pc"), "{html}");
        assert_eq!(app.json(&format!("/api/assets/{id}")).await?["hostname"], "gone-pc");
        assert_eq!(technician.send(&path, &technician.reopened(&sent).await?).await?.status(), 404);

        let billing = Browser::new(&app, "billing")?;
        let html = billing.page("/deleted/").await?;
        assert!(html.contains(">Billing plan</a>") && !html.contains(">Asset</a>"), "{html}");
        assert_eq!(billing.open("/deleted/?kind=asset").await?.0, 400);
        Ok(())
    }

    async fn lists_of_jobs_and_decisions_are_narrowed_and_sorted(app: TestApp) -> TestResult {
        app.sync().await?;
        app.world.lock().requesters.truncate(4);
        app.sync().await?;
        let (_, device) = pair(&app).await?;
        let browser = Browser::new(&app, "technician")?;
        let rows = |html: &str| html.matches("<th scope=\"row\">").count();
        // A facet leads to what it counts, and a chip back.
        let jobs = browser.page("/sync/jobs/?total=true").await?;
        let all = rows(&jobs);
        assert!(jobs.contains(&format!("{all} jobs in all")), "{jobs}");
        let sources = browser.page("/sync/jobs/?source__exact=datto").await?;
        let count = rows(&sources);
        assert!(count > 0 && count < all, "{count} of {all}");
        assert!(jobs.contains(&format!("source__exact=datto\">datto</a> {count}")), "{jobs}");
        assert!(sources.contains("Remove the filter: Source is exactly \u{201c}datto\u{201d}"), "{sources}");
        let oldest = browser.page("/sync/jobs/?sort=started_at").await?;
        assert!(oldest.contains("aria-sort=\"ascending\""), "{oldest}");
        // The form of filters leads to an address that can be sent to a colleague.
        let filtered = browser.call(Method::GET, "/holds/?field=kind&op=eq&value=contact&sort=held_at").send().await?;
        assert_eq!(filtered.headers()[LOCATION], "/holds/?sort=held_at&kind=contact");
        assert_eq!(rows(&browser.page("/holds/?sort=held_at&kind=contact").await?), 1);
        assert_eq!(rows(&browser.page("/holds/?source=datto&kind=contact").await?), 0);
        // A pair belongs to the companies of its records.
        let q = "select c.account_number from companies c join assets a on a.company_id = c.id where a.id = $1";
        let number = app.codex.db().query(q).bind(device).scalar::<String>().await?.unwrap();
        let own = browser.page(&format!("/duplicates/?company_account_number={number}")).await?;
        assert!(own.contains("by-hand") && own.contains("Without decided candidates"), "{own}");
        assert!(!browser.page("/duplicates/?company_account_number=nobody").await?.contains("by-hand"));
        assert!(browser.page("/duplicates/?all=true").await?.contains("With decided candidates"));
        for path in ["/outbox/?state=failed&number=7&company_account_number=100001", "/deleted/?deleted_at__gte=2020-01-01&sort=deleted_at"] {
            assert_eq!(rows(&browser.page(path).await?), 0, "{path}");
        }
        Ok(())
    }

    async fn statements_of_these_pages_are_bounded(app: TestApp) -> TestResult {
        app.sync().await?;
        app.world.lock().requesters.truncate(4);
        app.sync().await?;
        let holds = client(&app, "admin")?.holds().list(Some(HoldStatus::Held)).await?;
        let hold = format!("/holds/{}", holds[0].id);
        let job = format!("/sync/jobs/{}/", holds[0].job_id);
        let browser = Browser::new(&app, "technician")?;
        for (path, most) in [
            ("/sync/", 5), ("/sync/jobs/", 5), (job.as_str(), 8), ("/holds/", 6), (hold.as_str(), 9),
            ("/duplicates/", 8), ("/outbox/", 5), ("/deleted/", 5),
        ] {
            // The daemon has statements of its own now and then.
            let mut fewest = u64::MAX;
            for _ in 0..5 {
                let before = app.codex.statements_run();
                browser.page(path).await?;
                fewest = fewest.min(app.codex.statements_run() - before);
            }
            assert!(fewest <= most, "{path}: {fewest} statements");
        }
        Ok(())
    }
}

on_sqlite! {
    async fn pages_of_syncs_are_strict_and_for_staff(app: TestApp) -> TestResult {
        let client = Browser::new(&app, "client")?;
        let (technician, billing) = (Browser::new(&app, "technician")?, Browser::new(&app, "billing")?);
        for path in ["/sync/", "/sync/jobs/", "/holds/", "/duplicates/", "/outbox/", "/deleted/"] {
            assert_eq!(client.open(path).await?.0, 403, "{path}");
            assert_eq!(technician.open(path).await?.0, 200, "{path}");
            let (status, html) = technician.open(&format!("{path}?colour=red")).await?;
            assert!(status == 400 && html.contains("unknown parameter"), "{path}: {status}");
            let bare = path.trim_end_matches('/');
            if bare != "/sync/jobs" {
                let moved = technician.call(Method::GET, bare).send().await?;
                let target = moved.headers().get(LOCATION).map(HeaderValue::as_bytes);
                assert_eq!((moved.status().as_u16(), target), (308, Some(path.as_bytes())), "{bare}");
            }
        }
        assert_eq!(billing.open("/duplicates/").await?.0, 403);
        assert!(billing.page("/sync/").await?.contains("for technicians and administrators"));
        for path in [
            "/sync/jobs/nobody/", "/holds/nobody", "/duplicates/0", "/duplicates/x", "/sync/nothing/here",
        ] {
            assert_eq!(technician.call(Method::GET, path).send().await?.status(), 404, "{path}");
        }
        for path in [
            "/sync/jobs/?state=odd", "/sync/jobs/?cursor=zz", "/sync/jobs/?cursor=313a61", "/holds/?state=odd",
            "/holds/?cursor=313a61", "/holds/?kind=odd", "/duplicates/?kind=company", "/outbox/?state=odd",
            "/outbox/?kind__in=note,odd", "/deleted/?kind=odd", "/deleted/?kind__ne=asset", "/sync/jobs/?q=a",
            "/sync/jobs/?sync=odd", "/outbox/?all=true", "/holds/?sort=nothing",
        ] {
            assert_eq!(technician.open(path).await?.0, 400, "{path}");
        }
        for path in ["/sync/", "/holds/x/approve", "/duplicates/1/merge", "/outbox/1/retry", "/deleted/asset/1/restore"] {
            let sent = Members::from([(TOKEN.to_owned(), "x.y".to_owned())]);
            assert_eq!(technician.send(path, &sent).await?.status(), 403, "{path}");
        }
        Ok(())
    }
}
