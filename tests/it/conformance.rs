//! The conformance suite on the worked example, and on a source that must fail it.

use std::{collections::HashSet, sync::Mutex};

use codex_core::{
    Builder,
    companies::Company,
    sync::{
        HttpSettings, SyncKind,
        source_api::{ClaimSource, Run, Source, SourceRecord, Upstream, Work},
    },
};
use codex_tests::{
    conformance::{VendorSetup, conform},
    sim::{acme, fault::Faults},
};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

#[path = "../../codex-core/examples/new_source.rs"]
#[expect(dead_code, reason = "an example stands for itself: it has a main")]
mod new_source;

/// The example with its vendor.
struct Example(acme::Acme);

impl VendorSetup for Example {
    fn add_to(&self, builder: Builder, http: HttpSettings) -> anyhow::Result<Builder> {
        let source = new_source::Acme {
            base: self.0.url().parse()?,
            key: SecretString::from(acme::KEY),
            http,
        };
        Ok(builder.source(source).providers(new_source::NAME, "datto"))
    }

    fn kind(&self) -> SyncKind {
        SyncKind::Psa
    }

    fn provider(&self) -> &'static str {
        new_source::NAME
    }

    fn record_kind(&self) -> &'static str {
        "company"
    }

    fn list(&self) -> &'static str {
        acme::LIST
    }

    fn faults(&self) -> &Faults {
        self.0.faults()
    }

    fn calls(&self) -> u64 {
        self.0.calls()
    }

    fn count(&self) -> usize {
        self.0.companies(|all| all.len())
    }

    fn delete_one(&self) {
        self.0.companies(|all| all.remove(4));
    }

    fn bring_back(&self) {
        let company = json!({"id": 504, "name": "Company 4", "number": "200004", "notes": null});
        self.0.companies(|all| all.insert(4, company));
    }
}

/// The same vendor, read as one should not: what fails is empty, and what is not seen is deleted.
#[derive(Debug)]
struct Careless {
    base: String,
    http: HttpSettings,
    known: Mutex<HashSet<String>>,
}

impl Source for Careless {
    fn name(&self) -> &'static str {
        new_source::NAME
    }

    fn kind(&self) -> SyncKind {
        SyncKind::Psa
    }

    fn sync<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(async move {
            let rate_limit_block = run.rate_limit_block(new_source::NAME);
            let clock = run.clock().clone();
            let upstream =
                Upstream::new(new_source::NAME, self.http.clone(), rate_limit_block, clock)?;
            let (mut seen, mut page) = (HashSet::new(), Some(1));
            while let Some(number) = page {
                let url = format!("{}{}?page={number}", self.base, acme::LIST);
                let request = |http: &reqwest::Client| http.get(&url).bearer_auth(acme::KEY);
                let body = upstream.call("companies", request).await;
                let body = body.map_or(Value::Null, |reply| reply.body);
                let items = body["companies"].as_array().cloned().unwrap_or_default();
                let mapped: Vec<_> = items
                    .iter()
                    .filter(|item| item["name"].is_string())
                    .map(|item| {
                        let fields = Map::from_iter([("name".to_owned(), item["name"].clone())]);
                        seen.insert(item["id"].to_string());
                        Ok(SourceRecord::<Company>::part(
                            item["id"].to_string(),
                            "companies",
                            fields,
                        ))
                    })
                    .collect();
                run.page(ClaimSource::Main(new_source::NAME), mapped)
                    .await?;
                page = body["next"].as_u64().filter(|next| *next > number);
            }
            let known = std::mem::replace(
                &mut *self
                    .known
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner),
                seen.clone(),
            );
            let gone: Vec<String> = known.difference(&seen).cloned().collect();
            run.retire::<Company>(&gone).await
        })
    }
}

struct Broken(Example);

impl VendorSetup for Broken {
    fn add_to(&self, builder: Builder, http: HttpSettings) -> anyhow::Result<Builder> {
        let source = Careless {
            base: self.0.0.url().to_owned(),
            http,
            known: Mutex::default(),
        };
        Ok(builder.source(source).providers(new_source::NAME, "datto"))
    }

    fn kind(&self) -> SyncKind {
        self.0.kind()
    }

    fn provider(&self) -> &'static str {
        self.0.provider()
    }

    fn record_kind(&self) -> &'static str {
        self.0.record_kind()
    }

    fn list(&self) -> &'static str {
        self.0.list()
    }

    fn faults(&self) -> &Faults {
        self.0.faults()
    }

    fn calls(&self) -> u64 {
        self.0.calls()
    }

    fn count(&self) -> usize {
        self.0.count()
    }

    fn delete_one(&self) {
        self.0.delete_one();
    }

    fn bring_back(&self) {
        self.0.bring_back();
    }
}

#[tokio::test]
async fn example_source_conforms() -> anyhow::Result<()> {
    let make = async || Ok(Example(acme::Acme::start(34).await?));
    let findings = conform(make).await?;
    assert_eq!(findings, []);
    Ok(())
}

#[tokio::test]
async fn careless_source_is_detected() -> anyhow::Result<()> {
    let make = async || Ok(Broken(Example(acme::Acme::start(34).await?)));
    let findings = conform(make).await?;
    let checks: HashSet<&str> = findings.iter().map(|finding| finding.check).collect();
    for check in [
        "authentication",
        "absent list",
        "malformed item",
        "partial list",
    ] {
        assert!(checks.contains(check), "{check}: {findings:#?}");
    }
    Ok(())
}
