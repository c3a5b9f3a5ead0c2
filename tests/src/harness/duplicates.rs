//! Duplicate candidates for tests that need one without a sync that finds it.

use anyhow::Context as _;
use reqwest::Method;
use serde_json::Value;

use super::app::TestApp;

/// Creates the contact twice, and an open candidate that both may be one.
/// Returns the ids of the candidate, of the first contact and of the second.
pub async fn candidate(app: &TestApp, contact: &Value) -> anyhow::Result<(i64, i64, i64)> {
    let mut ids = Vec::new();
    for _ in 0..2 {
        let call = app.call_as("admin", Method::POST, "/api/contacts")?;
        let created = call.json(contact).send().await?.error_for_status()?;
        let created: Value = created.json().await?;
        ids.push(created["id"].as_i64().context("an id")?);
    }
    let mut tx = app.codex.db().begin().await?;
    let insert = "insert into duplicate_candidates (kind, record_a, record_b, score, evidence, state, first_seen) \
        values ('contact', $1, $2, 50, '[]', 'open', $3) returning id";
    let q = tx.query(insert).bind(ids[0]).bind(ids[1]);
    let id: Option<i64> = q.bind(app.codex.now()).scalar().await?;
    tx.commit().await?;
    Ok((id.context("a candidate")?, ids[0], ids[1]))
}
