//! Nothing of other companies moves a bit of what a client is answered.
//!
//! Two daemons have the same client company with the same ids. One has other companies beside it, whose records stand
//! before, between and after the client's in the order of ids, share its names and words, and are so many that every
//! cut is met. Generated calls of a client must get the same bytes from both.

mod calls;

use std::collections::BTreeMap;

use anyhow::Context as _;
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, HeaderValue, Request, StatusCode},
};
use codex_client::{AssetIn, BulkAction, Client, CompanyIn, ContactIn, LocationIn, TokenSource};
use codex_core::{clock::ManualClock, store::Db};
use codex_tests::{
    harness::{
        app::TestApp,
        database::{TestDatabase, setting},
    },
    on_each_engine,
};
use rand::{SeedableRng as _, rngs::StdRng};
use tower::ServiceExt as _;

use calls::{Call, CallGenerator};

/// Calls on each engine, unless CODEX_TEST_CALLS says more. Both daemons get each.
const CALLS: usize = 10_000;
/// The client's company, between others.
const OWN: &str = "100002";
/// Who asks: a contact of the company.
const CLIENT: &str = "müller@interference.example";
/// Records of others that share a word with the client's: more than a search looks at.
const CROWD: usize = 1_100;
/// Stands in every text of others that the client's do not have.
const MARK: &str = "Zqx";

/// Both daemons.
struct ServerPair {
    with_others: TestServer,
    alone: TestServer,
}

struct TestServer {
    app: TestApp,
    router: Router,
    token: String,
}

/// An answer as it is compared.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: StatusCode,
    headers: BTreeMap<String, String>,
    body: Bytes,
}

impl TestServer {
    async fn new(database: TestDatabase, now: &ManualClock) -> anyhow::Result<Self> {
        let clock = ManualClock::new(codex_core::clock::Clock::now(now));
        let app = TestApp::at(database, &[("server.calls_per_minute", "0")], clock).await?;
        Ok(Self {
            router: app.router().clone(),
            token: app.core.key.user("client", CLIENT)?,
            app,
        })
    }

    async fn ask(&self, call: &Call) -> anyhow::Result<Answer> {
        let mut request = Request::get(&call.path)
            .header("host", "codex")
            .header("x-correlation-id", "same")
            .header("authorization", format!("Bearer {}", self.token));
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let answer = self
            .router
            .clone()
            .oneshot(request.body(Body::empty())?)
            .await?;
        let (parts, body) = answer.into_parts();
        Ok(Answer {
            status: parts.status,
            headers: compared(&parts.headers),
            body: to_bytes(body, usize::MAX).await?,
        })
    }
}

/// Headers that are compared.
fn compared(headers: &HeaderMap) -> BTreeMap<String, String> {
    let all = headers.iter().filter(|(name, _)| *name != "date");
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    all.map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

impl ServerPair {
    async fn on(database: TestDatabase) -> anyhow::Result<Self> {
        let app = TestApp::on(database).await?;
        app.run_syncs(&[
            "/sync/psa",
            "/sync/datto",
            "/sync/audits",
            "/sync/tickets",
            "/sync/agents",
        ])
        .await?;
        others(&app).await?;
        let now = ManualClock::new(app.codex.now());
        app.codex.close().await;
        let (with_others, alone) = (app.database().copy().await?, app.database().copy().await?);
        let db = Db::open(&alone.url).await?;
        leave_alone(&db).await?;
        db.close().await;
        Ok(Self {
            with_others: TestServer::new(with_others, &now).await?,
            alone: TestServer::new(alone, &now).await?,
        })
    }

    /// Asks both; the answer, when it is the same.
    async fn ask(&self, call: &Call) -> anyhow::Result<Result<Answer, String>> {
        let (one, two) = tokio::try_join!(self.with_others.ask(call), self.alone.ask(call))?;
        if one == two {
            return Ok(Ok(one));
        }
        let text = |answer: &Answer| {
            let body = String::from_utf8_lossy(&answer.body);
            format!("{} {:?} {body:.600}", answer.status, answer.headers)
        };
        Ok(Err(format!(
            "{call:?}\n  with others: {}\n  alone:       {}",
            text(&one),
            text(&two)
        )))
    }
}

/// Fills the database with records of others, around those of the client.
async fn others(app: &TestApp) -> anyhow::Result<()> {
    let token = app.core.key.user("admin", "admin@msp.example")?;
    let client = Client::new(&app.url(), TokenSource::fixed(token))?;
    let own = client.companies().get(OWN).await?;
    let assets = client.companies().assets(OWN).await?;
    let contacts = client.companies().contacts(OWN).await?;
    let number = |n: usize| format!("{:06}", 200_000 + n);
    // Names that begin with, end with and are the client's.
    let companies: Vec<CompanyIn> = (0..CROWD)
        .map(|n| CompanyIn {
            account_number: number(n).into(),
            name: match n {
                0 => own.name.clone(),
                _ => format!("{} {MARK} {n}", own.name),
            }
            .into(),
            description: format!("{MARK} server laptop ticket").into(),
            compliance_level: "cjis".into(),
            ..CompanyIn::default()
        })
        .collect();
    client
        .companies()
        .bulk_write(&companies, BulkAction::Create, false)
        .await?;
    let caller = ContactIn {
        name: "Müller".into(),
        email: CLIENT.into(),
        company_account_numbers: vec![OWN.to_owned()].into(),
        ..ContactIn::default()
    };
    client.contacts().create(&caller).await?;
    let host = "interference.example";
    // None of them is the client's, however they are folded for a search.
    let alike = [
        "MULLER@INTERFERENCE.EXAMPLE",
        "muller@interference.example",
        "xmüller@interference.example",
        "müller+1@interference.example",
        "müller@interference.example.org",
    ];
    for round in 0..2 {
        // Some of the client's own between those of others.
        let person = ContactIn {
            name: format!("Late {round} {}", contacts[0].name).into(),
            email: format!("late{round}@{host}").into(),
            company_account_numbers: vec![OWN.to_owned()].into(),
            ..ContactIn::default()
        };
        let late = client.contacts().create(&person).await?;
        let machine = AssetIn {
            hostname: format!("LATE-{round}").into(),
            company_account_number: OWN.into(),
            contact_ids: vec![late.id].into(),
            ..AssetIn::default()
        };
        client.assets().create(&machine).await?;
        let place = LocationIn {
            name: format!("Late {round}").into(),
            ..LocationIn::default()
        };
        client.companies().create_location(OWN, &place).await?;
        client
            .companies()
            .create_location(&number(1), &place)
            .await?;
        for (n, email) in alike.iter().enumerate() {
            let person = ContactIn {
                name: format!("{} {MARK} {round}{n}", contacts[0].name).into(),
                email: (*email).into(),
                company_account_numbers: vec![number(n)].into(),
                ..ContactIn::default()
            };
            client.contacts().create(&person).await?;
        }
        // Somebody who is with the client and with another.
        let both = ContactIn {
            name: format!("Both {round}").into(),
            company_account_numbers: vec![number(0), OWN.to_owned(), number(7)].into(),
            ..ContactIn::default()
        };
        client.contacts().create(&both).await?;
    }
    let both_kinds: Vec<codex_client::ContactBulkIn> = (0..CROWD)
        .map(|n| codex_client::ContactBulkIn {
            id: None,
            contact: ContactIn {
                name: format!("{} {MARK} {n}", contacts[0].name).into(),
                email: format!("{MARK}{n}@{host}").into(),
                company_account_numbers: vec![number(n % 50)].into(),
                ..ContactIn::default()
            },
        })
        .collect();
    client
        .contacts()
        .bulk_write(&both_kinds, BulkAction::Create, false)
        .await?;
    let machines: Vec<codex_client::AssetBulkIn> = (0..CROWD)
        .map(|n| codex_client::AssetBulkIn {
            id: None,
            asset: AssetIn {
                hostname: format!("{}-{MARK}-{n}", assets[0].hostname).into(),
                company_account_number: number(n % 50).into(),
                ..AssetIn::default()
            },
        })
        .collect();
    client
        .assets()
        .bulk_write(&machines, BulkAction::Create, false)
        .await?;
    crowd_of_tickets(app.codex.db()).await
}

/// Tickets of others with the subjects and the words of the client's, some numbers between and after them.
async fn crowd_of_tickets(db: &Db) -> anyhow::Result<()> {
    let mut tx = db.begin().await?;
    for sql in [
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 1100) \
         insert into tickets (id, created_at, updated_at, number, tags, company_id, newest_at, subject, subject_fold) \
         select 500000 + i, t.created_at, t.updated_at, 500000 + i, '[]', c.id, t.newest_at, t.subject, t.subject_fold \
         from n join companies c on c.account_number = '200003' \
         join (select t.* from tickets t join companies o on o.id = t.company_id and o.account_number = '100002' \
               order by t.id limit 1) t on 1 = 1",
        "insert into ticket_details (ticket_id, description_text, words) select t.id, \
         (select max(d.description_text) from ticket_details d), (select max(d.words) from ticket_details d) from tickets t where t.id > 500000",
        "insert into conversations (ticket_id, source, private, to_emails, attachments, body, words) select t.id, \
         'manual', false, '[]', '[]', (select max(c.body) from conversations c), (select max(c.words) from conversations c) from tickets t where t.id > 500000",
    ] {
        anyhow::ensure!(tx.query(sql).execute().await? > 0, "{sql}");
    }
    tx.commit().await?;
    Ok(())
}

/// Statements that delete.
macro_rules! deletions {
    ($($sql:literal),+ $(,)?) => { [$(concat!("delete from ", $sql)),+] };
}

/// Takes everything of others away, as if it had never been.
async fn leave_alone(db: &Db) -> anyhow::Result<()> {
    let mut tx = db.begin().await?;
    for sql in deletions![
        "asset_software where asset_id not in (select a.id from assets a join companies c on c.id = a.company_id \
         where c.account_number = '100002')",
        "asset_hardware where asset_id not in (select a.id from assets a join companies c on c.id = a.company_id \
         where c.account_number = '100002')",
        "asset_status where asset_id not in (select a.id from assets a join companies c on c.id = a.company_id \
         where c.account_number = '100002')",
        "asset_secrets where asset_id not in (select a.id from assets a join companies c on c.id = a.company_id \
         where c.account_number = '100002')",
        "asset_contacts where asset_id not in (select a.id from assets a join companies c on c.id = a.company_id \
         where c.account_number = '100002')",
        "contact_companies where company_id is null or company_id not in \
         (select id from companies where account_number = '100002')",
        "asset_contacts where contact_id not in (select contact_id from contact_companies)",
        "assets where company_id is null or company_id not in (select id from companies where account_number = '100002')",
        "conversations where ticket_id not in (select t.id from tickets t join companies c on c.id = t.company_id \
         where c.account_number = '100002')",
        "time_entries where ticket_id not in (select t.id from tickets t join companies c on c.id = t.company_id \
         where c.account_number = '100002')",
        "ticket_details where ticket_id not in (select t.id from tickets t join companies c on c.id = t.company_id \
         where c.account_number = '100002')",
        "ticket_details_owed where ticket_id not in (select t.id from tickets t join companies c on c.id = t.company_id \
         where c.account_number = '100002')",
        "tickets where company_id is null or company_id not in (select id from companies where account_number = '100002')",
        // Who asked is part of a ticket, at whatever company that person is.
        "contacts where id not in (select contact_id from contact_companies) and id not in (select q.record_id \
         from claims q join tickets t on q.external_id = cast(t.requester_id as text) where q.kind = 'contact')",
        "locations where company_id is null or company_id not in (select id from companies where account_number = '100002')",
        "site_link_status where site_link_id not in (select l.id from site_links l join companies c on c.id = l.company_id \
         where c.account_number = '100002')",
        "site_links where company_id is null or company_id not in (select id from companies where account_number = '100002')",
        "account_aliases where company_id not in (select id from companies where account_number = '100002')",
        "company_overrides where company_id is null or company_id not in (select id from companies where account_number = '100002')",
        "companies where account_number is null or account_number <> '100002'",
        "search_names where rowid % 16 = 1 and rowid / 16 not in (select id from companies)",
        "search_names where rowid % 16 = 2 and rowid / 16 not in (select id from contacts)",
        "search_names where rowid % 16 = 3 and rowid / 16 not in (select id from assets)",
        "search_names where rowid % 16 = 4 and rowid / 16 not in (select id from tickets)",
        "search_names where rowid % 16 = 5 and rowid / 16 not in (select id from locations)",
        "claims where kind = 'company' and record_id not in (select id from companies)",
        "claims where kind = 'contact' and record_id not in (select id from contacts)",
        "claims where kind = 'asset' and record_id not in (select id from assets)",
        "claims where kind = 'ticket' and record_id not in (select id from tickets)",
        "claims where kind = 'location' and record_id not in (select id from locations)",
        "claims where kind = 'site_link' and record_id not in (select id from site_links)",
        "change_log",
    ] {
        tx.query(sql).execute().await.with_context(|| sql)?;
    }
    tx.commit().await?;
    Ok(())
}

on_each_engine! {
    async fn foreign_records_do_not_change_client_answers(servers: ServerPair) -> TestResult {
        let seed = setting("CODEX_TEST_SEED").and_then(|seed| seed.parse().ok()).unwrap_or(17);
        let calls = setting("CODEX_TEST_CALLS").and_then(|calls| calls.parse().ok()).unwrap_or(CALLS);
        println!("seed {seed}, {calls} calls");
        let mut random = StdRng::seed_from_u64(seed);
        let mut generator = CallGenerator::of(&servers).await?;
        let (mut different, mut by_status) = (Vec::new(), BTreeMap::<u16, usize>::new());
        for _ in 0..calls {
            let call = generator.call(&mut random);
            match servers.ask(&call).await? {
                Ok(answer) => {
                    *by_status.entry(answer.status.as_u16()).or_default() += 1;
                    generator.learn(&call, &answer);
                }
                Err(difference) => different.push(difference),
            }
            if different.len() >= 20 {
                break;
            }
        }
        println!("{by_status:?}");
        assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
        let share = |status: u16| by_status.get(&status).copied().unwrap_or_default() * 100 / calls;
        assert!(share(200) >= 10 && share(304) >= 1 && by_status.contains_key(&404), "{by_status:?}");
        assert!(generator.cursors.len() > 5, "lists went on");
        // The others are there: staff find them.
        for (twin, more) in [(&servers.with_others, true), (&servers.alone, false)] {
            let found = twin.app.json(&format!("/api/search?q={MARK}&limit=1")).await?;
            assert_eq!((found["count"] == 1, found["more"] == true), (more, more), "{found}");
        }
        Ok(())
    }
}
