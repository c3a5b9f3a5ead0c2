//! A change that is bound to the record as its caller has seen it (RFC 9110 13.1.1): every PUT and DELETE of the
//! public description, and none that cannot be.

use std::collections::BTreeMap;

use codex_tests::{on_each_engine, on_sqlite};
use reqwest::Method;
use serde::Serialize;

use super::{
    Operation, of, operations, samples,
    world::{Owner, World},
};

/// The operations of a description that can be bound to what somebody has seen.
fn changes(spec: impl Serialize) -> Vec<Operation> {
    let all = of(&serde_json::to_value(spec).unwrap());
    let changes = all
        .into_iter()
        .filter(|one| [Method::PUT, Method::DELETE].contains(&one.method));
    changes.collect()
}

impl Operation {
    fn has_condition(&self) -> bool {
        self.parameters("header").contains(&"If-Match")
    }
}

#[test]
fn every_change_of_a_readable_record_accepts_a_tag() {
    let all = operations();
    let without: Vec<String> = changes(codex_daemon::openapi::public())
        .iter()
        .filter(|one| !one.has_condition())
        .map(|one| one.name.clone())
        .collect();
    assert!(without.is_empty(), "no GET of the same path: {without:#?}");
    for one in changes(codex_daemon::openapi::internal()) {
        let can_be_read = all
            .iter()
            .any(|read| read.method == Method::GET && read.path == one.path);
        assert_eq!(one.has_condition(), can_be_read, "{}", one.name);
    }
}

struct Bound<'w> {
    world: &'w World,
    wrong: Vec<String>,
}

impl Bound<'_> {
    async fn tag(&self, one: &Operation) -> anyhow::Result<String> {
        let path = one.at(self.world, Owner::Own);
        let answer = self
            .world
            .call("admin", &Method::GET, &path)
            .send()
            .await?
            .error_for_status()?;
        Ok(answer.headers()["etag"].to_str()?.to_owned())
    }

    async fn send(&self, one: &Operation, tag: &str) -> anyhow::Result<u16> {
        let path = one.at(self.world, Owner::Own);
        let mut call = self.world.call("admin", &one.method, &path);
        if one.body.is_some() {
            call = call.json(&samples::of(&one.name, self.world).body);
        }
        Ok(call.header("if-match", tag).send().await?.status().as_u16())
    }

    /// A call with this tag is refused, and nothing is written.
    async fn refused(&mut self, what: &str, one: &Operation, tag: &str) -> anyhow::Result<()> {
        let before = self.world.rows().await?;
        let status = self.send(one, tag).await?;
        if status != 412 || self.world.rows().await? != before {
            self.wrong.push(format!("{}: {what}: {status}", one.name));
        }
        Ok(())
    }

    async fn taken(&mut self, one: &Operation, tag: &str) -> anyhow::Result<()> {
        let status = self.send(one, tag).await?;
        if !(200..300).contains(&status) {
            self.wrong
                .push(format!("{}: the tag it has: {status}", one.name));
        }
        Ok(())
    }
}

on_each_engine! {
    async fn changes_require_the_current_tag(world: World) -> TestResult {
        let mut bound = Bound { world: &world, wrong: Vec::new() };
        let all = changes(codex_daemon::openapi::public());
        let (puts, mut deletes): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.method == Method::PUT);
        let mut outdated = BTreeMap::new();
        for one in puts {
            let tag = bound.tag(one).await?;
            bound.refused("another tag", one, "\"x\"").await?;
            bound.taken(one, &tag).await?;
            bound.refused("an older tag", one, &tag).await?;
            let now = bound.tag(one).await?;
            bound.taken(one, &format!("\"x\", {now}")).await?;
            outdated.insert(&one.path, tag);
        }
        // What belongs to a company goes before it.
        deletes.sort_by_key(|one| std::cmp::Reverse(one.path.len()));
        for one in deletes {
            bound.refused("another tag", one, "\"x\"").await?;
            if let Some(tag) = outdated.get(&one.path) {
                bound.refused("an older tag", one, tag).await?;
            }
            let tag = bound.tag(one).await?;
            bound.taken(one, &tag).await?;
            let status = bound.send(one, &tag).await?;
            if status != 404 {
                bound.wrong.push(format!("{}: there no more: {status}", one.name));
            }
        }
        assert!(bound.wrong.is_empty(), "{:#?}", bound.wrong);
        Ok(())
    }
}

on_sqlite! {
    async fn changes_without_a_readable_record_refuse_tags(world: World) -> TestResult {
        let mut bound = Bound { world: &world, wrong: Vec::new() };
        for one in changes(codex_daemon::openapi::internal()) {
            if !one.has_condition() {
                bound.refused("a tag", &one, "*").await?;
            }
        }
        let posts = of(&serde_json::to_value(codex_daemon::openapi::public())?);
        for one in posts.iter().filter(|one| one.name == "POST /api/companies" || one.path.ends_with("/renumber")) {
            assert!(one.described["responses"]["412"].is_object(), "{}", one.name);
            bound.refused("a tag", one, "*").await?;
        }
        assert!(bound.wrong.is_empty(), "{:#?}", bound.wrong);
        Ok(())
    }
}
