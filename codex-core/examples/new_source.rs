//! A whole integration: the companies of a PSA that has never been seen before.
//!
//! `cargo run -p codex-core --example new_source -- http://127.0.0.1:8080 KEY` syncs from it into memory.
//! The vendor lists `GET /api/companies?page=1` as `{"companies": [...], "total": 3, "next": 2}` and shows one
//! at `GET /api/companies/{id}` as `{"company": {...}}`.

use std::{
    collections::HashSet,
    io::{self, Write as _},
    sync::Arc,
};

use codex_core::{
    Codex, Scope,
    companies::Company,
    sync::source_api::{
        ClaimSource, Crawl, Directory, HttpSettings, Item, ItemError, Lister, Lookup, Page, Run,
        Source, SourceRecord, SyncKind, Upstream, UpstreamError, Work,
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use url::Url;

/// Name of the source: in claims, in the setting that chooses it, in jobs and errors.
pub const NAME: &str = "acme";
/// The list, which is also the scope that its companies are in.
const COMPANIES: &str = "companies";

/// The source: an account, and how to call it.
#[derive(Debug)]
pub struct Acme {
    /// Where the API is.
    pub base: Url,
    /// Its key.
    pub key: SecretString,
    /// Time-outs, waits, limits.
    pub http: HttpSettings,
}

/// The calls that one run makes.
struct Client {
    upstream: Upstream,
    base: Url,
    key: SecretString,
}

impl Client {
    async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, UpstreamError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("api").extend(path);
        }
        let request = |http: &reqwest::Client| {
            let request = http.get(url.clone()).query(query);
            request.bearer_auth(self.key.expose_secret())
        };
        Ok(self.upstream.call(&path.join("/"), request).await?.body)
    }
}

impl Lister for Client {
    type List = &'static str;
    type Next = u64;

    async fn page(&self, list: &&'static str, at: Option<u64>) -> Result<Page<u64>, UpstreamError> {
        let number = at.unwrap_or(1);
        let body = self.get(&[list], &[("page", number.to_string())]).await?;
        // A page without its list or its count is an error, not an end.
        let malformed = || UpstreamError::malformed(NAME, list);
        let items = body[*list].as_array().ok_or_else(malformed)?;
        let total = body["total"].as_u64().ok_or_else(malformed)?;
        let next = match &body["next"] {
            Value::Null => None,
            // One that does not lead on would be followed for ever.
            next => Some(
                next.as_u64()
                    .filter(|next| *next == number + 1)
                    .ok_or_else(malformed)?,
            ),
        };
        Ok(Page {
            items: items.clone(),
            next,
            total: Some(total),
        })
    }

    fn calls(&self) -> u64 {
        self.upstream.calls()
    }
}

/// One item of the list. What it does not state says nothing; its id must be there.
fn company(item: &Value) -> Result<SourceRecord<Company>, ItemError> {
    let mut item = Item::new(COMPANIES, item)?;
    let external_id = item.id("id", true)?;
    let mut fields = Map::new();
    for (member, field) in [
        ("name", "name"),
        ("number", "account_number"),
        ("notes", "description"),
    ] {
        if let Some(value) = item.take(member) {
            fields.insert(field.to_owned(), value);
        }
    }
    if !fields.get("name").is_some_and(Value::is_string) {
        return Err(item.fault("`name` is missing"));
    }
    Ok(SourceRecord::part(external_id, COMPANIES, fields))
}

impl Directory<Company> for Client {
    async fn ask(&self, id: &str) -> Result<Lookup<Company>, UpstreamError> {
        let malformed = |_| UpstreamError::malformed(NAME, COMPANIES);
        match self.get(&[COMPANIES, id], &[]).await {
            Ok(body) => {
                let found = company(&body["company"]).map_err(malformed)?;
                Ok(Lookup::Present(Box::new(found)))
            }
            Err(UpstreamError::NotFound { .. }) => Ok(Lookup::Absent),
            Err(error) => Err(error),
        }
    }
}

impl Source for Acme {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> SyncKind {
        SyncKind::Psa
    }

    fn sync<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(async move {
            let rate_limit_block = run.rate_limit_block(NAME);
            let upstream = Upstream::new(
                NAME,
                self.http.clone(),
                rate_limit_block,
                run.clock().clone(),
            )?;
            let client = Arc::new(Client {
                upstream,
                base: self.base.clone(),
                key: self.key.clone(),
            });
            run.stage(COMPANIES, Some(0));
            let mut crawl = Crawl::start(&client, COMPANIES);
            while let Some(items) = crawl.next(run).await? {
                let mapped = items.iter().map(company);
                crawl.unreadable += run.page::<Company>(ClaimSource::Main(NAME), mapped).await?;
            }
            let whole = crawl.certify::<Company>(run, COMPANIES).await?;
            let certified: HashSet<String> =
                whole.then(|| COMPANIES.to_owned()).into_iter().collect();
            run.reconcile::<Company>(&certified, &*client).await?;
            run.stage("done", Some(100));
            Ok(())
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `println!` panics when the reader goes away, as `head` does.
    let mut out = io::stdout();
    let mut arguments = std::env::args().skip(1);
    let base = arguments.next().ok_or("the vendor's address is missing")?;
    let source = Acme {
        base: base.parse()?,
        key: SecretString::from(arguments.next().unwrap_or_default()),
        http: HttpSettings::default(),
    };
    let database = std::env::temp_dir().join("codex-of-acme.db");
    let builder = Codex::builder(format!("sqlite://{}", database.display()));
    let builder = builder.providers(NAME, "datto");
    let codex = builder.source(source).open().await?;
    let job = codex.sync(&Scope::system(), SyncKind::Psa).await?;
    writeln!(out, "{:?}\n{}", job.status, job.report)?;
    codex.close().await;
    Ok(())
}
