//! Tags: staff put them on companies, contacts and assets, list by them, and act on many records at once.

use codex_client::{
    AssetIn, BulkAction, Client, CompanyIn, ContactBulkIn, ContactIn, ExportFormat, ListOptions,
    Op, Patch, TagIn, TagRecordsIn, TaggedKind,
};
use codex_core::{
    Role, Scope,
    bulk::{SelectedBy, Selection, SelectionChange},
    ids::TagId,
    records::Author,
};
use codex_tests::{
    harness::{
        app::{TestApp, client},
        duplicates::candidate,
    },
    on_each_engine,
};
use futures::TryStreamExt as _;
use serde_json::{Map, Value, json};

fn named(name: &str) -> TagIn {
    TagIn {
        name: name.into(),
        ..TagIn::default()
    }
}

fn records(kind: TaggedKind, ids: &[i64]) -> TagRecordsIn {
    TagRecordsIn {
        kind,
        ids: ids.to_vec(),
        account_numbers: Vec::new(),
    }
}

fn contacts(ids: &[i64]) -> TagRecordsIn {
    records(TaggedKind::Contact, ids)
}

fn companies(numbers: &[&str]) -> TagRecordsIn {
    TagRecordsIn {
        kind: TaggedKind::Company,
        ids: Vec::new(),
        account_numbers: numbers.iter().map(|number| (*number).to_owned()).collect(),
    }
}

async fn tag(client: &Client, name: &str) -> anyhow::Result<i64> {
    Ok(client.tags().create(&named(name)).await?.id)
}

/// Creates contacts; their ids in order.
async fn people(client: &Client, count: usize) -> anyhow::Result<Vec<i64>> {
    let row = |n: usize| ContactBulkIn {
        id: None,
        contact: ContactIn {
            name: format!("Person {n:04}").into(),
            ..ContactIn::default()
        },
    };
    let rows: Vec<_> = (0..count).map(row).collect();
    let out = client
        .contacts()
        .bulk_write(&rows, BulkAction::Create, false)
        .await?;
    Ok(out.results.iter().filter_map(|row| row.id).collect())
}

/// The names of the contacts that a filter of the list leaves.
async fn found(client: &Client, op: Op, value: &str) -> anyhow::Result<Vec<String>> {
    let options = ListOptions::default().with("tag", op, value);
    let contacts = client.contacts().all(&options).await?;
    Ok(contacts.into_iter().map(|contact| contact.name).collect())
}

/// The tags of a contact, as `fields=tags` gives them.
async fn tags_of(client: &Client, contact: i64) -> anyhow::Result<Value> {
    let options = ListOptions::default().with("id", Op::Eq, contact);
    let rows = client
        .contacts()
        .select::<Map<String, Value>>(&["tags"], &options);
    let rows: Vec<_> = rows.try_collect().await?;
    anyhow::ensure!(rows.len() == 1, "{rows:?}");
    Ok(rows[0]["tags"].clone())
}

/// The lists of tags of a record as the change log has them, each before and after.
async fn changes(app: &TestApp, kind: &str, id: i64) -> anyhow::Result<Vec<Value>> {
    let q = "select changes from change_log where kind = $1 and record_id = $2 order by id";
    let q = app.codex.db().query(q).bind(kind).bind(id);
    let entries: Vec<(sqlx::types::Json<Value>,)> = q.all().await?;
    let of_tags = entries
        .into_iter()
        .map(|(changes,)| changes.0["tags"].clone());
    Ok(of_tags.filter(|change| !change.is_null()).collect())
}

async fn links(app: &TestApp) -> anyhow::Result<i64> {
    let count = app
        .codex
        .db()
        .query("select count(*) from record_tags")
        .scalar::<i64>();
    Ok(count.await?.unwrap_or_default())
}

on_each_engine! {
    async fn tag_names_are_unique_whatever_their_case(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let tags = client.tags();
        let created = tags.create(&TagIn { colour: "#D73A49".into(), ..named(" Caf\u{e9} ") }).await?;
        assert_eq!((created.name.as_str(), created.colour.as_deref()), ("Caf\u{e9}", Some("#d73a49")));
        assert_eq!((created.companies, created.contacts, created.assets), (0, 0, 0));
        assert_eq!(tags.get(created.id).await?, created);
        for same in ["CAF\u{c9}", "cafe\u{301}"] {
            let taken = tags.create(&named(same)).await.unwrap_err();
            let holder = format!("tag {} is called `Caf\u{e9}` already", created.id);
            assert!(taken.status() == Some(409) && taken.to_string().contains(&holder), "{taken}");
        }
        let plain = tags.create(&named("Cafe")).await?;
        assert_eq!(tags.update(plain.id, &named("CAF\u{c9}")).await.unwrap_err().status(), Some(409));
        assert_eq!(tags.update(plain.id, &named("cafe")).await?.name, "cafe");
        let blank = TagIn { colour: Patch::Null, ..TagIn::default() };
        let read = tags.get(created.id).tagged().await?;
        assert_eq!(tags.update(created.id, &blank).if_match(&read.etag).await?.colour, None);
        assert_eq!(tags.update(created.id, &blank).if_match(&read.etag).await.unwrap_err().status(), Some(412));
        let names: Vec<String> = tags.list(&ListOptions::default()).await?.items.into_iter().map(|tag| tag.name).collect();
        assert_eq!(names, ["Caf\u{e9}", "cafe"], "of equals the older is first");
        for wrong in [json!({"name": " "}), json!({"name": "x".repeat(61)}), json!({"name": "x", "colour": "red"})] {
            let call = app.call_as("technician", reqwest::Method::POST, "/api/tags")?.json(&wrong);
            assert_eq!(call.send().await?.status(), 422, "{wrong}");
        }
        Ok(())
    }

    async fn one_of_many_creates_gets_the_name(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let create = async |n: usize| client.tags().create(&named(if n.is_multiple_of(2) { "VIP" } else { "vip" })).await;
        let results = futures::future::join_all((0..8).map(create)).await;
        let (created, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!((created.len(), refused.len()), (1, 7));
        assert!(refused.iter().all(|one| one.as_ref().is_err_and(|error| error.status() == Some(409))), "{refused:?}");
        Ok(())
    }

    async fn many_records_are_tagged_at_once(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let (vip, lab) = (tag(&client, "VIP").await?, tag(&client, "Lab").await?);
        let ids = people(&client, 1_000).await?;
        client.tags().add(lab, &contacts(&ids[..1])).await?;
        let reported = client.tags().add(vip, &contacts(&ids[..2])).dry_run().await?;
        assert_eq!(reported.changes.len(), 2);
        assert_eq!(reported.changes[0].fields["tags"], json!({"before": ["Lab"], "after": ["Lab", "VIP"]}));
        assert_eq!(links(&app).await?, 1);
        let before = client.contacts().get(ids[0]).tagged().await?;
        let statements = app.codex.statements_run();
        let added = client.tags().add(vip, &contacts(&ids)).await?;
        let used = app.codex.statements_run() - statements;
        assert!(used <= 30, "{used} statements");
        assert_eq!((added.added, added.unchanged), (1_000, 0));
        // Named twice it counts once, and what has the tag already stays as it is.
        let kept = client.contacts().get(ids[0]).tagged().await?;
        assert_ne!(kept.etag, before.etag);
        let added = client.tags().add(vip, &contacts(&[ids[0], ids[0]])).await?;
        assert_eq!((added.added, added.unchanged), (0, 1));
        assert_eq!(client.contacts().get(ids[0]).tagged().await?.etag, kept.etag);
        assert_eq!(client.tags().get(vip).await?.contacts, 1_000);
        client.contacts().delete(ids[999]).await?;
        assert_eq!(client.tags().get(vip).await?.contacts, 999);
        let removed = client.tags().remove(vip, &contacts(&ids[..3])).await?;
        assert_eq!((removed.removed, removed.unchanged), (3, 0));
        let removed = client.tags().remove(vip, &contacts(&ids[..4])).await?;
        assert_eq!((removed.removed, removed.unchanged), (1, 3));
        let log = changes(&app, "contact", ids[0]).await?;
        let wanted = [(json!([]), json!(["Lab"])), (json!(["Lab"]), json!(["Lab", "VIP"])), (json!(["Lab", "VIP"]), json!(["Lab"]))];
        assert_eq!(log, wanted.map(|(before, after)| json!({"before": before, "after": after})));
        let nothing = client.tags().add(vip, &contacts(&[])).await?;
        assert_eq!((nothing.added, nothing.unchanged), (0, 0));
        let missing = client.tags().add(999_999, &contacts(&ids[..1])).await.unwrap_err();
        assert_eq!(missing.status(), Some(404));
        Ok(())
    }

    async fn call_with_a_key_tags_once(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let vip = tag(&client, "VIP").await?;
        let ids = people(&client, 2).await?;
        let first = client.tags().add(vip, &contacts(&ids)).idempotency_key("k").await?;
        client.tags().remove(vip, &contacts(&ids)).await?;
        let again = client.tags().add(vip, &contacts(&ids)).idempotency_key("k").await?;
        assert_eq!((first, first.added), (again, 2));
        assert_eq!(links(&app).await?, 0);
        Ok(())
    }

    async fn lists_filter_by_tag_and_show_tags(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let (vip, lab) = (tag(&client, "VIP").await?, tag(&client, "\u{c4}rzte, Lab").await?);
        let ids = people(&client, 4).await?;
        client.tags().add(vip, &contacts(&ids[..2])).await?;
        client.tags().add(lab, &contacts(&ids[1..3])).await?;
        let names = |places: &[usize]| places.iter().map(|n| format!("Person {n:04}")).collect::<Vec<_>>();
        for (op, value, wanted) in [
            (Op::Eq, "vip", &[0, 1][..]), (Op::Eq, "\u{e4}rzte, LAB", &[1, 2]), (Op::Eq, "none", &[]),
            (Op::Ne, "VIP", &[2, 3]), (Op::In, "vip,\"\u{e4}rzte, lab\"", &[0, 1, 2]), (Op::IsNull, "true", &[3]),
            (Op::IsNull, "false", &[0, 1, 2]), (Op::Contains, "lab", &[1, 2]), (Op::Exact, "vip", &[]), (Op::Exact, "VIP", &[0, 1]),
        ] {
            assert_eq!(found(&client, op, value).await?, names(wanted), "{op:?} {value}");
        }
        assert_eq!(tags_of(&client, ids[1]).await?, json!(["\u{c4}rzte, Lab", "VIP"]));
        assert_eq!(tags_of(&client, ids[3]).await?, json!([]));
        // The whole list, made while it is read, and the export.
        let whole = app.json("/api/contacts?fields=name,tags&sort=-name").await?;
        assert_eq!(whole[3], json!({"name": "Person 0000", "tags": ["VIP"]}));
        let lines = client.export("contacts", ExportFormat::Ndjson).await?.text().await?;
        let tagged = lines.lines().filter(|line| line.contains("\"tags\":[\"VIP\"]")).count();
        assert_eq!(tagged, 1, "{lines}");

        let company = CompanyIn { name: "Acme".into(), ..CompanyIn::default() };
        let acme = client.companies().create(&company).await?.account_number;
        let asset = AssetIn { hostname: "pc".into(), company_account_number: acme.clone().into(), ..AssetIn::default() };
        let asset = client.assets().create(&asset).await?.id;
        client.assets().create(&AssetIn { hostname: "other".into(), ..AssetIn::default() }).await?;
        client.companies().create(&CompanyIn { name: "Bolt".into(), ..CompanyIn::default() }).await?;
        let other_kind = client.tags().add(vip, &records(TaggedKind::Asset, &[asset])).await?;
        let of_company = client.tags().add(vip, &companies(&[acme.as_str()])).await?;
        assert_eq!((other_kind.added, of_company.added), (1, 1));
        for (path, row) in [
            ("/api/companies?tag=vip&fields=name,tags".to_owned(), json!({"name": "Acme", "tags": ["VIP"]})),
            ("/api/assets?tag=vip&fields=hostname,tags".to_owned(), json!({"hostname": "pc", "tags": ["VIP"]})),
            (format!("/api/companies/{acme}/assets?tag__ne=lab&fields=hostname,tags"), json!({"hostname": "pc", "tags": ["VIP"]})),
        ] {
            assert_eq!(app.json(&path).await?, json!([row]), "{path}");
        }
        for resource in ["companies", "assets"] {
            let lines = client.export(resource, ExportFormat::Ndjson).await?.text().await?;
            assert_eq!(lines.lines().filter(|line| line.contains("\"tags\":[\"VIP\"]")).count(), 1, "{lines}");
        }
        let counts = client.tags().get(vip).await?;
        assert_eq!((counts.companies, counts.contacts, counts.assets), (1, 2, 1));
        // A renamed tag is found by its new name.
        client.tags().update(vip, &named("Gold")).await?;
        assert_eq!(found(&client, Op::Eq, "gold").await?, names(&[0, 1]));
        assert!(found(&client, Op::Eq, "vip").await?.is_empty());
        for bad in ["/api/contacts?sort=tag", "/api/contacts?tag__gt=a", "/api/tags?q=gold"] {
            assert_eq!(app.get(bad)?.send().await?.status(), 400, "{bad}");
        }
        Ok(())
    }

    async fn clients_see_no_tags(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/psa"]).await?;
        let staff = client(&app, "technician")?;
        let contact = staff.companies().contacts("100001").await?;
        let contact = contact.into_iter().find(|one| !one.email.is_empty()).unwrap();
        let vip = tag(&staff, "VIP").await?;
        staff.tags().add(vip, &contacts(&[contact.id])).await?;
        staff.tags().add(vip, &companies(&["100001"])).await?;
        let token = app.core.key.user("client", &contact.email)?;
        let get = async |path: &str| -> anyhow::Result<(u16, String)> {
            let answer = app.call(reqwest::Method::GET, path).bearer_auth(&token).send().await?;
            Ok((answer.status().as_u16(), answer.text().await?))
        };
        for path in ["/api/tags".to_owned(), format!("/api/tags/{vip}")] {
            assert_eq!(get(&path).await?.0, 403, "{path}");
        }
        for path in ["/api/companies?tag=vip", "/api/contacts?tag__isnull=true", "/api/assets?tag__ne=vip",
            "/api/companies?fields=tags", "/api/contacts?fields=name,tags", "/api/assets?fields=tags"] {
            assert_eq!(get(path).await?.0, 400, "{path}");
        }
        for path in ["/api/companies", "/api/contacts", "/api/companies/bulk", "/api/export/companies.ndjson",
            "/api/export/contacts.ndjson", "/api/export/contacts.csv", "/api/search?q=vip"] {
            let (status, text) = get(path).await?;
            assert!(status == 200 && !text.contains("VIP") && !text.contains("tags"), "{path}: {status} {text}");
        }
        let billing = client(&app, "billing")?;
        assert_eq!(billing.tags().list(&ListOptions::default()).await?.items.len(), 1);
        assert_eq!(billing.tags().create(&named("Other")).await.unwrap_err().status(), Some(403));
        assert_eq!(billing.tags().remove(vip, &contacts(&[contact.id])).await.unwrap_err().status(), Some(403));
        Ok(())
    }

    async fn unknown_records_are_named_and_nothing_is_written(app: TestApp) -> TestResult {
        let (admin, client) = (client(&app, "admin")?, client(&app, "technician")?);
        let vip = tag(&client, "VIP").await?;
        let ids = people(&client, 2).await?;
        client.contacts().delete(ids[1]).await?;
        let pointers = |error: &codex_client::Error| -> Vec<String> {
            assert_eq!(error.status(), Some(422), "{error}");
            error.faults().iter().map(|fault| fault.pointer.clone()).collect()
        };
        let refused = client.tags().add(vip, &contacts(&[ids[0], ids[1], 999_999])).await.unwrap_err();
        assert_eq!(pointers(&refused), ["/ids/1", "/ids/2"]);
        let refused = client.tags().remove(vip, &contacts(&[0])).await.unwrap_err();
        assert_eq!(pointers(&refused), ["/ids/0"]);
        let company = CompanyIn { name: "Acme".into(), account_number: "200001".into(), ..CompanyIn::default() };
        client.companies().create(&company).await?;
        let refused = client.tags().add(vip, &companies(&["200001", "999999"])).await.unwrap_err();
        assert_eq!(pointers(&refused), ["/account_numbers/1"]);
        let many: Vec<i64> = (0..10_001).collect();
        let refused = client.tags().add(vip, &contacts(&many)).await.unwrap_err();
        assert_eq!(pointers(&refused), ["/ids"]);
        assert_eq!(links(&app).await?, 0);
        // A number that the company had before still names it.
        admin.companies().renumber("200001", "200002").await?;
        assert_eq!(client.tags().add(vip, &companies(&["200001", "200002"])).await?.added, 1);
        Ok(())
    }

    async fn a_restored_tag_is_on_its_records_again(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let vip = tag(&client, "VIP").await?;
        let ids = people(&client, 2).await?;
        client.tags().add(vip, &contacts(&ids)).await?;
        client.tags().delete(vip).await?;
        assert_eq!(client.tags().get(vip).await.unwrap_err().status(), Some(404));
        assert_eq!(tags_of(&client, ids[0]).await?, json!([]));
        assert!(found(&client, Op::Eq, "VIP").await?.is_empty());
        assert_eq!(client.tags().add(vip, &contacts(&ids)).await.unwrap_err().status(), Some(404));
        assert_eq!(client.deleted().list("tag", &ListOptions::default()).await?.items[0].name.as_deref(), Some("VIP"));
        // Another one may have its name meanwhile, and not for both.
        let other = tag(&client, "vip").await?;
        let taken = client.deleted().restore("tag", vip).await.unwrap_err();
        assert!(taken.status() == Some(409) && taken.to_string().contains(&format!("tag {other} has taken")), "{taken}");
        client.tags().add(other, &contacts(&ids[..1])).await?;
        assert_eq!(tags_of(&client, ids[0]).await?, json!(["vip"]));
        client.tags().delete(other).await?;
        client.deleted().restore("tag", vip).await?;
        assert_eq!(tags_of(&client, ids[0]).await?, json!(["VIP"]));
        assert_eq!(client.tags().get(vip).await?.contacts, 2);
        // So is a record that was deleted and restored.
        client.contacts().delete(ids[1]).await?;
        client.deleted().restore("contact", ids[1]).await?;
        assert_eq!(tags_of(&client, ids[1]).await?, json!(["VIP"]));
        Ok(())
    }

    async fn merged_records_keep_all_tags(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let (candidate, kept, other) = candidate(&app, &json!({"name": "Twice"})).await?;
        let mut tags = Vec::new();
        for (name, ids) in [("Both", &[kept, other][..]), ("One", &[kept]), ("Two", &[other])] {
            let id = tag(&client, name).await?;
            client.tags().add(id, &contacts(ids)).await?;
            tags.push(id);
        }
        client.duplicates().merge(candidate, None).await?;
        assert_eq!(tags_of(&client, kept).await?, json!(["Both", "One", "Two"]));
        for tag in tags {
            assert_eq!(client.tags().get(tag).await?.contacts, 1);
        }
        Ok(())
    }

    async fn planned_records_are_tagged_as_they_were_planned(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let vip = tag(&client, "VIP").await?;
        let ids = people(&client, 3).await?;
        let (scope, author) = (Scope::staff(Role::Technician), Author::new("ann", app.codex.now()));
        let add = SelectionChange::AddTag(TagId(vip));
        let select = async || app.codex.select(&scope, TaggedKind::Contact, &SelectedBy::Ids(ids.clone())).await;
        let apply = async |planned: &Selection| {
            let (hash, seen) = (planned.hash(), planned.ids());
            app.codex.apply_selected(&scope, &author, planned, &add, &hash, &seen).await
        };
        // Between the look at the selection and its lock a record is changed, then one is deleted.
        let planned = select().await?;
        let edit = ContactIn { job_title: "Head".into(), ..ContactIn::default() };
        client.contacts().update(ids[0], &edit).await?;
        let refused = apply(&planned).await.unwrap_err();
        assert!(refused.to_string().contains("a record of it was changed; nothing was changed"), "{refused}");
        let planned = select().await?;
        client.contacts().delete(ids[1]).await?;
        assert!(apply(&planned).await.is_err());
        assert_eq!(links(&app).await?, 0);
        assert_eq!(apply(&select().await?).await?.taken, 2);
        assert_eq!(links(&app).await?, 2);
        Ok(())
    }

    async fn concurrent_adds_lose_no_tag(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let ids = people(&client, 5).await?;
        let mut tags = Vec::new();
        for n in 0..6 {
            tags.push(tag(&client, &format!("Tag {n}")).await?);
        }
        // Each tag twice, and the records in another order every time.
        let calls = tags.iter().chain(&tags).enumerate().map(|(n, tag)| {
            let mut ids = ids.clone();
            let count = ids.len();
            ids.rotate_left(n % count);
            (*tag, contacts(&ids))
        });
        let calls: Vec<(i64, TagRecordsIn)> = calls.collect();
        let add = async |(tag, records): (i64, TagRecordsIn)| client.tags().add(tag, &records).await;
        let added = futures::future::try_join_all(calls.into_iter().map(add)).await?;
        let counts = added.iter().map(|one| (one.added, one.unchanged));
        assert_eq!(counts.filter(|one| *one == (5, 0)).count(), 6, "{added:?}");
        let all: Vec<String> = (0..6).map(|n| format!("Tag {n}")).collect();
        for id in ids {
            assert_eq!(tags_of(&client, id).await?, json!(all));
            // Each found what the one before it had left.
            let log = changes(&app, "contact", id).await?;
            assert_eq!(log.len(), 6);
            assert!(log.windows(2).all(|two| two[0]["after"] == two[1]["before"]), "{log:?}");
        }
        Ok(())
    }
}
