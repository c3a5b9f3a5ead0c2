//! What holds for agents: somebody whom Keycloak no longer has is disabled, not deleted.

use std::collections::{BTreeSet, HashMap};

use super::{Agent, AgentFields, DIRECTORY};
use crate::{
    Access, RecordKind, Result,
    fold::{IdentityKey, SearchKey},
    records::{
        Draft, Resource, SearchDef, SourceRecord, reserve_ids, resolve::MANUAL, search_index,
    },
    store::{Sql, Tx},
};

impl Resource for Agent {
    const RECORD_KIND: RecordKind = RecordKind::Agent;
    const KEY: Option<&'static str> = Some("keycloak_id");
    const STATEMENTS: &'static [&'static [(&'static str, Sql)]] =
        &[super::companies::STATEMENTS, super::query::STATEMENTS];
    const READ_BY: Access = Access::Admins;
    const WRITTEN_BY: Access = Access::Admins;
    const SEARCH: Option<&'static SearchDef> = Some(&super::query::SEARCH);
    const RESERVE: Sql = reserve_ids!("agents");
    const UNIQUE: &'static [&'static str] = &["keycloak_id"];
    type Fields = AgentFields;
    type Status = ();

    fn search_text(fields: &AgentFields) -> String {
        search_index::text([
            Some(&*fields.username),
            fields.email.as_deref(),
            fields.first_name.as_deref(),
            fields.last_name.as_deref(),
        ])
    }

    fn keys(fields: &mut AgentFields) {
        fields.username_fold = SearchKey::new(&fields.username);
        fields.username_key = IdentityKey::of(&fields.username);
        let email = fields.email.as_deref();
        fields.email_fold = email.map(SearchKey::new);
        fields.email_key = email.and_then(IdentityKey::of);
    }

    async fn match_manual_records(
        tx: &mut Tx,
        _source: &'static str,
        new: &[&SourceRecord<Self>],
        _issues: &mut Vec<String>,
    ) -> Result<HashMap<String, i64>> {
        // The id says who it is, whether people still keep the agent or not.
        let mut q = tx.query(
            "select keycloak_id, id from agents where deleted_at is null and keycloak_id in ",
        );
        q.push_list(new.iter().map(|item| item.external_id.as_str()));
        Ok(q.all::<(String, i64)>().await?.into_iter().collect())
    }

    /// A removed user keeps the record with its preferences, and the same record is enabled again when the
    /// user returns. A name that belongs to another user now is said aloud: what the one was trusted with
    /// is not the other's (trap 65).
    async fn resolve_references(
        tx: &mut Tx,
        drafts: &mut [Draft<Self>],
        issues: &mut Vec<String>,
    ) -> Result<()> {
        for draft in drafts.iter_mut().filter(|draft| !draft.alive) {
            draft.alive = true;
            draft.fields.enabled = Some(false);
            let before = draft.before.as_ref();
            if before.is_some_and(|before| before.fields.enabled != Some(false)) {
                let was_there = draft.claims.iter().any(|claim| claim.source != MANUAL);
                let since = if was_there { "no longer" } else { "not" };
                issues.push(format!(
                    "agent {} `{}` is {since} in {DIRECTORY}: disabled, preferences are kept",
                    draft.id, draft.fields.username
                ));
            }
        }
        let new = drafts.iter().filter(|draft| draft.before.is_none());
        let names: BTreeSet<&IdentityKey> = new
            .filter_map(|draft| draft.fields.username_key.as_ref())
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let mut q = tx.query("select id, username from agents where username_key in ");
        q.push_list(names.into_iter().cloned()).push(" order by id");
        for (id, name) in q.all::<(i64, String)>().await? {
            issues.push(format!(
                "agent {id} had the name `{name}` that a new {DIRECTORY} user has now: they are two agents"
            ));
        }
        Ok(())
    }
}
