//! Step 2: the claims on a record become its fields.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::RecordWriter;
use crate::{
    Result,
    records::{
        Draft, Resource, Stored, Tracked as _, as_map,
        claims::ClaimsByRecord,
        patch::indexable,
        resolve::{self, Claim, Precedence},
    },
};

/// Records as their claims make them, not yet compared with their rows.
#[derive(Debug)]
pub(crate) struct Merged<R: Resource> {
    /// The records.
    pub drafts: Vec<Draft<R>>,
    /// Rows as maps, by record: those that merging needed, so that writing need not convert them again.
    pub rows: HashMap<i64, Map<String, Value>>,
}

impl RecordWriter<'_> {
    /// Merges the claims on each record into its fields.
    ///
    /// In: records with their rows (`None` for a new record), and every claim on them. Out: a draft for each, in the
    /// same order, complete with derived fields, keys and references to other records. Writes nothing.
    pub(crate) async fn merge<R: Resource>(
        &mut self,
        rows: Vec<(i64, Option<Stored<R::Fields>>)>,
        mut claims: ClaimsByRecord,
        issues: &mut Vec<String>,
    ) -> Result<Merged<R>> {
        let mut drafts = Vec::with_capacity(rows.len());
        let mut maps = HashMap::new();
        for (id, row) in rows {
            let claims = claims.remove(&id).unwrap_or_default();
            let (draft, map) = draft::<R>(self.precedence, id, row, claims, issues)?;
            drafts.push(draft);
            maps.extend(map.map(|map| (id, map)));
        }
        R::resolve_references(self.tx, &mut drafts, issues).await?;
        Ok(Merged { drafts, rows: maps })
    }
}

/// A record, and its row as a map where merging needed that.
type Merge<R> = (Draft<R>, Option<Map<String, Value>>);

/// One record without what depends on other records.
fn draft<R: Resource>(
    precedence: &Precedence,
    id: i64,
    before: Option<Stored<R::Fields>>,
    claims: Vec<Claim>,
    issues: &mut Vec<String>,
) -> Result<Merge<R>> {
    let mut current = None;
    let mut fields = match &before {
        // Its claims went to another record: it keeps its last values.
        Some(row) if claims.is_empty() => row.fields.clone(),
        row => {
            if let Some(row) = row.as_ref().filter(|_| precedence.needs_row(R::KIND)) {
                current = Some(as_map(&row.fields)?);
            }
            let mut merged = resolve::resolve(precedence, R::KIND, &claims, current.as_ref());
            cut::<R>(id, &mut merged, issues);
            resolve::into_typed(R::KIND, merged)?
        }
    };
    R::derive(&mut fields);
    R::keys(&mut fields);
    let draft = Draft {
        id,
        before,
        fields,
        alive: resolve::alive(&claims),
        claims,
    };
    Ok((draft, current))
}

/// Cuts texts to what an index holds. A person would get an error, but a source cannot be asked to shorten its text.
fn cut<R: Resource>(id: i64, fields: &mut Map<String, Value>, issues: &mut Vec<String>) {
    for field in R::Fields::FIELDS.iter().filter(|field| field.indexed) {
        let name = field.name;
        let Some(Value::String(text)) = fields.get_mut(name) else {
            continue;
        };
        let kept = indexable(text).len();
        if kept < text.len() {
            let whole = text.len();
            text.truncate(kept);
            issues.push(format!(
                "{} {id}: `{name}` is cut to {kept} of {whole} bytes",
                R::KIND
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::{
        companies::{Company, CompanyFields},
        records::resolve::MANUAL,
    };

    fn claim(source: &str, fields: Value) -> Claim {
        let Value::Object(fields) = fields else {
            panic!("an object")
        };
        Claim {
            source: source.into(),
            external_id: "1".into(),
            live: true,
            anchor: true,
            fields,
            extra: Map::new(),
        }
    }

    fn row(name: &str, number: &str) -> Stored<CompanyFields> {
        Stored {
            id: 7,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            deleted_at: None,
            fields: CompanyFields {
                name: name.into(),
                account_number: Some(number.into()),
                ..CompanyFields::default()
            },
        }
    }

    fn company(row: Option<Stored<CompanyFields>>, claims: Vec<Claim>) -> (Draft<Company>, usize) {
        let mut issues = Vec::new();
        let precedence = Precedence::new(["freshservice", "datto"]);
        let (draft, _) = draft::<Company>(&precedence, 7, row, claims, &mut issues).unwrap();
        (draft, issues.len())
    }

    #[test]
    fn manual_values_win_and_keys_follow_them() {
        let claims = vec![
            claim("psa", json!({"name": "Acme", "description": "d"})),
            claim(MANUAL, json!({"name": "ACME Ltd"})),
        ];
        let fields = company(None, claims).0.fields;
        assert_eq!(fields.name, "ACME Ltd");
        assert_eq!(fields.name_fold.as_str(), "acme ltd");
        assert_eq!(fields.description.as_deref(), Some("d"));
    }

    #[test]
    fn the_row_keeps_its_account_number() {
        let claims = vec![claim("psa", json!({"name": "A", "account_number": "2"}))];
        let fields = company(Some(row("A", "1")), claims).0.fields;
        assert_eq!(fields.account_number.as_deref(), Some("1"));
    }

    #[test]
    fn a_record_without_claims_keeps_its_values_and_is_gone() {
        let (draft, _) = company(Some(row("A", "1")), Vec::new());
        assert_eq!(draft.fields.account_number.as_deref(), Some("1"));
        assert!(!draft.alive);
    }

    #[test]
    fn texts_too_long_for_an_index_are_cut_and_reported() {
        let claims = vec![claim("psa", json!({"name": "a".repeat(3_000)}))];
        let (draft, issues) = company(None, claims);
        assert_eq!((draft.fields.name.len(), issues), (1_000, 1));
    }
}
