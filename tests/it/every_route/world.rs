//! A small world with one record of everything, of the caller's company and of another.

use std::collections::BTreeMap;

use anyhow::Context as _;
use codex_core::store::{Db, Sql};
use codex_tests::{
    harness::{app::TestApp, database::TestDatabase, duplicates::candidate},
    sim::core::user_claims,
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::nothing_known;

/// Who calls, by what tables call them.
pub const ROLES: [&str; 6] = [
    "nobody",
    "admin",
    "technician",
    "billing",
    "service",
    "client",
];

pub const OWN: &str = "100001";
pub const OTHER: &str = "100002";
pub const SECRET: &str = "an open secret";

/// Whose record a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// One of the client's company.
    Own,
    /// One of another company.
    Foreign,
}

pub struct World {
    pub app: TestApp,
    db: Db,
    count: &'static str,
    tokens: BTreeMap<&'static str, String>,
    /// What stands for the parameters of paths; an id by the word before it.
    own: BTreeMap<&'static str, String>,
    foreign: BTreeMap<&'static str, String>,
    /// Somebody whom Keycloak has and Codex does not know.
    pub newcomer: Value,
}

impl World {
    /// Lets [`codex_tests::on_each_engine`] make one.
    pub async fn on(database: TestDatabase) -> anyhow::Result<Self> {
        let app = start(database).await?;
        app.run_syncs(&[
            "/sync/psa",
            "/sync/datto",
            "/sync/audits",
            "/sync/tickets",
            "/sync/agents",
        ])
        .await?;
        let newcomer = {
            let mut world = app.world.lock();
            let mut user = world.users[0].clone();
            user["id"] = json!("00000000-0000-0000-0000-000000000001");
            user["username"] = json!("newcomer");
            user["email"] = json!("newcomer@msp.example");
            world.users.push(user.clone());
            user
        };
        make(&app).await?;
        Self::of(app, newcomer).await
    }

    /// One of records of which no more is known than a database must.
    pub async fn of_nothing_known(database: TestDatabase) -> anyhow::Result<Self> {
        let app = start(database).await?;
        let db = Db::open(app.database_url()).await?;
        nothing_known::write(&db).await?;
        Self::of(app, Value::Null).await
    }

    async fn of(app: TestApp, newcomer: Value) -> anyhow::Result<Self> {
        send(&app, Method::POST, "/api/contacts", json!({"name": "Bare"})).await?;
        let gone = json!({"name": "Gone", "company_account_numbers": [OWN]});
        let gone = send(&app, Method::POST, "/api/contacts", gone).await?;
        let path = format!("/api/contacts/{}", gone["id"]);
        send(&app, Method::DELETE, &path, Value::Null).await?;
        let twice = json!({"name": "Twice", "company_account_numbers": [OWN]});
        let (candidate, ..) = candidate(&app, &twice).await?;
        let agent = text(&app, "/api/agents", "/agents/0/keycloak_id").await?;
        let common = [
            ("{keycloak_id}", agent.clone()),
            ("{key}", "soc".to_owned()),
            ("{kind}", "contact".to_owned()),
            ("{resource}", "companies".to_owned()),
            // A person has set it.
            ("{field}", "contract_term_length".to_owned()),
            ("{script}", "psa".to_owned()),
            ("{sync}", "datto-audits".to_owned()),
            ("{job_id}", text(&app, "/sync/last/psa", "/id").await?),
            // Nothing is held and nothing waits.
            ("{hold_id}", "1".to_owned()),
            ("{change_id}", "1".to_owned()),
            ("{duplicate_id}", candidate.to_string()),
            ("{plan_name}", "Gold".to_owned()),
            ("{term_length}", "1%20Year".to_owned()),
            ("{file}", "companies.ndjson".to_owned()),
            (
                "contact",
                text(&app, "/api/deleted/contact", "/0/id").await?,
            ),
            (
                "billing-plans",
                text(&app, "/api/billing-plans", "/0/id").await?,
            ),
            ("tags", text(&app, "/api/tags", "/0/id").await?),
            ("views", text(&app, "/api/views", "/0/id").await?),
        ];
        let mut of = [BTreeMap::from(common.clone()), BTreeMap::from(common)];
        for (names, account) in of.iter_mut().zip([OWN, OTHER]) {
            let first = async |part: &str, at: &str| {
                text(&app, &format!("/api/companies/{account}{part}"), at).await
            };
            let (contact, asset) = (
                first("/contacts", "/0/id").await?,
                first("/assets", "/0/id").await?,
            );
            names.insert("{account_number}", account.to_owned());
            names.insert("{ticket_id}", first("/tickets", "/0/ticket_id").await?);
            names.insert("{device_id}", format!("device-{asset}"));
            names.insert("locations", first("/locations", "/0/id").await?);
            names.extend([("contacts", contact), ("assets", asset)]);
        }
        let [own, foreign] = of;
        let email = text(
            &app,
            &format!("/api/contacts/{}", own["contacts"]),
            "/email",
        )
        .await?;
        let mut tokens = BTreeMap::from([("service", app.core.key.service("ledger", "codex")?)]);
        for level in ["admin", "technician", "billing", "client"] {
            // Each is somebody whom Codex knows, so that everybody has settings; a client by the address of a contact.
            let mut claims = user_claims(
                level,
                if level == "client" {
                    &email
                } else {
                    "somebody@msp.example"
                },
            );
            claims["sub"] = json!(agent);
            tokens.insert(level, app.core.key.sign(&claims)?);
        }
        let db = Db::open(app.database_url()).await?;
        let count = counting(&db).await?;
        Ok(Self {
            app,
            db,
            count,
            tokens,
            own,
            foreign,
            newcomer,
        })
    }

    /// A path to a record. An id is that of the kind of record that the word before it names.
    pub fn path(&self, template: &str, whose: Owner) -> String {
        let names = if whose == Owner::Own {
            &self.own
        } else {
            &self.foreign
        };
        let mut before = "";
        let each = template.split('/').map(|part| {
            let name = match part {
                "{id}" if template.starts_with("/api/deleted/") => "contact",
                "{id}" if template.contains("/{id}/claims") && before != "billing-plans" => {
                    "{account_number}"
                }
                "{id}" => match before {
                    "contact" => "contacts",
                    "asset" => "assets",
                    other => other,
                },
                other => other,
            };
            before = part;
            if !part.starts_with('{') {
                return part;
            }
            let value = names.get(name);
            value
                .unwrap_or_else(|| panic!("{template}: nothing stands for {name}"))
                .as_str()
        });
        each.collect::<Vec<_>>().join("/")
    }

    /// A call as somebody of [`ROLES`].
    pub fn call(&self, who: &str, method: &Method, path: &str) -> RequestBuilder {
        let call = self
            .app
            .call(method.clone(), path)
            .header("x-webhook-secret", SECRET);
        match self.tokens.get(who) {
            Some(token) => call.bearer_auth(token),
            None => call,
        }
    }

    /// How many rows each table has, and the newest change: equal as long as nothing was written.
    pub async fn rows(&self) -> anyhow::Result<BTreeMap<String, i64>> {
        Ok(self
            .db
            .query(self.count)
            .all::<(String, i64)>()
            .await?
            .into_iter()
            .collect())
    }
}

async fn start(database: TestDatabase) -> anyhow::Result<TestApp> {
    let settings = [
        ("webhooks.enabled", "true"),
        ("webhooks.secret", SECRET),
        ("server.body_limit", "65536"),
    ];
    TestApp::with(database, &settings).await
}

/// The statement that counts every table but the one of looks, which reading a page writes.
async fn counting(db: &Db) -> anyhow::Result<&'static str> {
    let tables = Sql::Per {
        sqlite: "select name from sqlite_master where type = 'table' and name not like 'search%' and name <> 'seen'",
        pg: "select tablename::text from pg_tables where schemaname = 'public' and tablename <> 'seen'",
    };
    let tables: Vec<String> = db.query(tables).scalars().await?;
    let counts = tables
        .iter()
        .map(|table| format!("select '{table}', count(*) from {table}"));
    let newest = "select 'newest change', coalesce(max(id), 0) from change_log".to_owned();
    // The store takes constants only, and a test ends soon.
    Ok(counts
        .chain([newest])
        .collect::<Vec<_>>()
        .join(" union all ")
        .leak())
}

async fn text(app: &TestApp, path: &str, at: &str) -> anyhow::Result<String> {
    let found = app.json(path).await?.pointer(at).cloned();
    let found = found.with_context(|| format!("{path} has no {at}"))?;
    Ok(found
        .as_str()
        .map_or_else(|| found.to_string(), str::to_owned))
}

async fn send(app: &TestApp, method: Method, path: &str, body: Value) -> anyhow::Result<Value> {
    let call = app.call_as("admin", method, path)?.json(&body);
    let text = call.send().await?.error_for_status()?.text().await?;
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

/// What no vendor has: a plan, an option, a tag, a view, an agreement.
async fn make(app: &TestApp) -> anyhow::Result<()> {
    let plan = json!({"plan_name": "Gold", "term_length": "1 Year", "per_user_cost": 12.5, "soc": "Huntress"});
    send(app, Method::POST, "/api/billing-plans", plan).await?;
    let option = json!({"feature_category": "soc", "option_value": "Huntress"});
    send(app, Method::POST, "/api/feature-options", option).await?;
    send(app, Method::POST, "/api/tags", json!({"name": "VIP"})).await?;
    let view = json!({"name": "All", "resource": "companies", "audience": "shared"});
    send(app, Method::POST, "/api/views", view).await?;
    for account in [OWN, OTHER] {
        let company = format!("/api/companies/{account}");
        let terms = json!({"billing_plan": "Gold", "contract_term_length": "1 Year"});
        send(app, Method::PUT, &company, terms).await?;
        send(
            app,
            Method::PUT,
            &format!("{company}/overrides/soc"),
            json!({"value": "Other"}),
        )
        .await?;
    }
    Ok(())
}
