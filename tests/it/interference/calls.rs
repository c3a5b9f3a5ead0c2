//! Generates the calls of a client.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use codex_tests::harness::urlencode;
use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::Value;

use super::{Answer, MARK, ServerPair};

/// Cursors, tags and links that are remembered.
const MOST: usize = 2_000;
/// Parameters that hundreds of comparisons would crowd out: every second parameter is one of these.
const GENERAL: [&str; 6] = ["cursor", "fields", "limit", "q", "sort", "total"];

/// A GET.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

/// Makes calls from operations, values and what was answered.
pub(super) struct CallGenerator {
    /// Paths of operations, with their parameters.
    operations: Vec<(String, Vec<String>)>,
    /// Values for the parameters of paths, of the client's and of others.
    places: BTreeMap<String, Vec<String>>,
    /// Keys of records.
    columns: Vec<String>,
    /// Values of records, whole and in parts.
    values: Vec<String>,
    /// Cursors and tags that were answered.
    pub(super) cursors: Vec<String>,
    tags: Vec<(String, String)>,
    links: Vec<String>,
}

impl CallGenerator {
    pub(super) async fn of(servers: &ServerPair) -> anyhow::Result<Self> {
        let api = serde_json::to_value(codex_daemon::openapi::public())?;
        let mut operations = Vec::new();
        for (path, item) in api["paths"].as_object().context("paths")? {
            let Some(get) = item.get("get") else { continue };
            // What the process says of itself and of its settings, not of the database.
            let own = ["/health", "/metrics", "/api/psa/config"];
            if own.iter().any(|own| path.contains(own)) {
                continue;
            }
            let parameters = get["parameters"].as_array().into_iter().flatten();
            let query = parameters.filter(|one| one["in"] == "query");
            let names = query.filter_map(|one| one["name"].as_str().map(str::to_owned));
            operations.push((path.clone(), names.collect()));
        }
        let app = &servers.with_others.app;
        let ids = async |path: &str, key: &str| -> anyhow::Result<Vec<String>> {
            let all = app.json(path).await?;
            let list = all.as_array().cloned().unwrap_or_default();
            let id = |one: &Value| {
                one[key]
                    .as_str()
                    .map_or_else(|| one[key].to_string(), str::to_owned)
            };
            Ok(list.iter().map(id).take(40).collect())
        };
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, own, foreign, key) in [
            (
                "contacts",
                "/api/companies/100002/contacts",
                "/api/companies/200001/contacts",
                "id",
            ),
            (
                "assets",
                "/api/companies/100002/assets",
                "/api/companies/200001/assets",
                "id",
            ),
            (
                "locations",
                "/api/companies/100002/locations",
                "/api/companies/200001/locations",
                "id",
            ),
            (
                "ticket",
                "/api/companies/100002/tickets",
                "/api/companies/200003/tickets",
                "ticket_id",
            ),
        ] {
            let mut all = ids(own, key).await?;
            all.extend(ids(foreign, key).await?);
            all.extend(["1", "999999", "0"].map(str::to_owned));
            places.insert(name.to_owned(), all);
        }
        let devices = places["assets"].iter();
        let devices = devices.map(|id| format!("device-{id}")).collect();
        places.insert("device".into(), devices);
        let numbers = [
            "100002", "100002", "100002", "100001", "100003", "200000", "200001", "200003",
            "999998", "x",
        ];
        places.insert("account_number".into(), numbers.map(str::to_owned).to_vec());
        let files = [
            "companies",
            "contacts",
            "assets",
            "locations",
            "tickets",
            "agents",
            "planets",
        ];
        let files = files
            .iter()
            .flat_map(|file| ["csv", "ndjson"].map(|kind| format!("{file}.{kind}")));
        places.insert("file".into(), files.collect());
        let mut generator = Self {
            operations,
            places,
            columns: Vec::new(),
            values: Vec::new(),
            cursors: Vec::new(),
            tags: Vec::new(),
            links: Vec::new(),
        };
        let (mut columns, mut values) = (BTreeSet::new(), BTreeSet::new());
        for path in [
            "/api/companies",
            "/api/companies/100002/contacts",
            "/api/companies/100002/assets",
            "/api/companies/100002/tickets",
            "/api/companies/200001/contacts",
            "/api/companies/200003/tickets?limit=5",
        ] {
            let all = app.json(path).await?;
            for record in all.as_array().into_iter().flatten().take(30) {
                for (key, value) in record.as_object().into_iter().flatten() {
                    columns.insert(key.clone());
                    let text = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    if !text.is_empty() && text.len() < 60 {
                        values.insert(text.split(' ').next().unwrap_or_default().to_owned());
                        values.insert(text);
                    }
                }
            }
        }
        columns.extend(
            [
                "company_id",
                "company_account_number",
                "created_at",
                "updated_at",
                "last_seen",
            ]
            .map(str::to_owned),
        );
        values.extend(
            [
                MARK,
                "e",
                "la",
                "the",
                "server",
                "2026-01-01",
                "true",
                "null",
                "100002",
                "200001",
            ]
            .map(str::to_owned),
        );
        generator.columns = columns.into_iter().collect();
        generator.values = values.into_iter().collect();
        Ok(generator)
    }

    fn pick<'w>(random: &mut StdRng, from: &'w [String]) -> &'w str {
        from.choose(random).map_or("1", String::as_str)
    }

    /// A parameter of an operation.
    fn parameter<'w>(random: &mut StdRng, all: &'w [String]) -> &'w str {
        let is_general = |name: &&String| GENERAL.contains(&name.as_str());
        let general: Vec<&String> = all.iter().filter(is_general).collect();
        let chosen = general.choose(random).filter(|_| random.random());
        chosen.map_or_else(|| Self::pick(random, all), |name| name.as_str())
    }

    /// A call that a client may make, or may not.
    pub(super) fn call(&self, random: &mut StdRng) -> Call {
        if random.random_range(0..6) == 0
            && let Some((path, tag)) = self.tags.choose(random)
        {
            let headers = vec![("if-none-match", tag.clone())];
            return Call {
                path: path.clone(),
                headers,
            };
        }
        let headers = Vec::new();
        if !self.links.is_empty() && random.random_range(0..8) == 0 {
            let path = Self::pick(random, &self.links).to_owned();
            return Call { path, headers };
        }
        // Half of the calls are of lists and searches, which have the most to say.
        let lists = [
            "/api/search",
            "/api/companies",
            "/api/contacts",
            "/api/assets",
            "/api/tickets",
        ];
        let listed = random.random_range(0..2) == 0;
        let (path, parameters) = if listed {
            let path = *lists.choose(random).unwrap_or(&lists[0]);
            let known = self.operations.iter().find(|(known, _)| known == path);
            known.cloned().unwrap_or_default()
        } else {
            self.operations.choose(random).cloned().unwrap_or_default()
        };
        let segments = path.split('/').scan(String::new(), |before, segment| {
            let said = match segment
                .strip_prefix('{')
                .and_then(|name| name.strip_suffix('}'))
            {
                Some(name) => {
                    let of = self
                        .places
                        .get(name)
                        .or_else(|| self.places.get(before.as_str()));
                    let of = of.or_else(|| name.contains("ticket").then(|| &self.places["ticket"]));
                    of.map_or(Self::pick(random, &self.values), |of| {
                        Self::pick(random, of)
                    })
                    .to_owned()
                }
                None => segment.to_owned(),
            };
            before.clear();
            before.push_str(segment);
            Some(encode(&said, segment))
        });
        let path = segments.collect::<Vec<_>>().join("/");
        let mut query = Vec::new();
        for _ in 0..random.random_range(0..4) {
            let free = random.random_range(0..6) == 0 || parameters.is_empty();
            let name = if free {
                let operator = ["", "__in", "__contains", "__gt", "__lt", "__ne", "__isnull"];
                let operator = operator.choose(random).unwrap_or(&"");
                format!("{}{operator}", Self::pick(random, &self.columns))
            } else {
                Self::parameter(random, &parameters).to_owned()
            };
            let value = self.value(random, &name);
            query.push(format!("{}={}", urlencode(&name), urlencode(&value)));
        }
        if path == "/api/search" {
            query.push(format!("q={}", urlencode(Self::pick(random, &self.values))));
        }
        let path = if query.is_empty() {
            path
        } else {
            format!("{path}?{}", query.join("&"))
        };
        Call { path, headers }
    }

    fn value(&self, random: &mut StdRng, name: &str) -> String {
        match name {
            "limit" | "per_page" => random.random_range(1..12).to_string(),
            "page" | "offset" => random.random_range(0..4).to_string(),
            "total" | "include_tickets" => "true".to_owned(),
            "cursor" => Self::pick(random, &self.cursors).to_owned(),
            "sort" | "sort_by" => {
                let down = if random.random_range(0..2) == 0 {
                    "-"
                } else {
                    ""
                };
                format!("{down}{}", Self::pick(random, &self.columns))
            }
            "fields" => {
                let many = random.random_range(1..4);
                (0..many)
                    .map(|_| Self::pick(random, &self.columns))
                    .collect::<Vec<_>>()
                    .join(",")
            }
            "kind" => {
                let kinds = ["company", "contact", "asset", "ticket", "location", "agent"];
                (*kinds.choose(random).unwrap_or(&"")).to_owned()
            }
            "company_id" => Self::pick(random, &self.places["account_number"]).to_owned(),
            _ => {
                let value = Self::pick(random, &self.values);
                let from = random.random_range(0..2);
                let part: String = value
                    .chars()
                    .skip(from)
                    .take(random.random_range(1..20))
                    .collect();
                if part.is_empty() {
                    value.to_owned()
                } else {
                    part
                }
            }
        }
    }

    /// Takes in what an answer offers for the next calls.
    pub(super) fn learn(&mut self, call: &Call, answer: &Answer) {
        if let Some(tag) = answer
            .headers
            .get("etag")
            .filter(|_| self.tags.len() < MOST)
        {
            self.tags.push((call.path.clone(), tag.clone()));
        }
        let link = answer
            .headers
            .get("link")
            .filter(|_| self.links.len() < MOST);
        let target = link.and_then(|link| link.split('<').nth(1)?.split('>').next());
        let Some(path) = target.and_then(|target| target.find("/api").map(|at| &target[at..]))
        else {
            return;
        };
        self.links.push(path.to_owned());
        let cursor = path.split("cursor=").nth(1);
        let cursor = cursor.and_then(|rest| rest.split('&').next());
        self.cursors.extend(cursor.map(str::to_owned));
    }
}

fn encode(text: &str, template: &str) -> String {
    if template.starts_with('{') {
        urlencode(text).replace('+', "%20")
    } else {
        text.to_owned()
    }
}
