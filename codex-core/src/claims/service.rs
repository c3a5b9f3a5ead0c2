//! Claims of single records: shown, and manual values released.

use chrono::{DateTime, Utc};

use crate::{
    Error, Outcome, Result, Scope,
    claims::{
        ClaimedResource, query,
        view::{self, public_name},
        wire::{FieldClaimsOut, RecordClaimsOut, SourceRecordOut},
    },
    codex::Codex,
    nearest::nearest,
    records::{Author, Resource, Tracked as _},
};

impl Codex {
    /// What is stated about a record and by whom, with the record's version. `key` is what names the record
    /// in paths.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`] for clients, and for agents to all but administrators.
    pub async fn record_claims(
        &self,
        scope: &Scope,
        resource: ClaimedResource,
        key: &str,
    ) -> Result<(RecordClaimsOut, DateTime<Utc>)> {
        let what = "reading claims";
        scope.require_staff(what)?;
        scope.require(by_kind!(resource.kind(), R => R::READ_BY), what)?;
        let id = self.row_id(scope, resource, key).await?;
        let found = by_kind!(resource.kind(), R => self.claims_of::<R>(id).await?);
        let (mut fields, sources, version) = found.ok_or_else(|| no_record(resource, key))?;
        let q = self.0.db.query(query::ACCOUNT_NUMBERS);
        let numbers = query::account_numbers(q, view::company_ids(&fields)).await?;
        view::name_companies(&mut fields, &numbers);
        let claims = RecordClaimsOut {
            fields,
            id: key.to_owned(),
            resource,
            sources,
        };
        Ok((claims, version))
    }

    /// A field that a person has set, with the record's version.
    ///
    /// # Errors
    /// As [`Codex::record_claims`], and [`Error::NotFound`] when there is no such field or nobody has set it.
    pub async fn manual_claim(
        &self,
        scope: &Scope,
        resource: ClaimedResource,
        key: &str,
        field: &str,
    ) -> Result<(FieldClaimsOut, DateTime<Utc>)> {
        let (claims, version) = self.record_claims(scope, resource, key).await?;
        let names: Vec<&str> = claims
            .fields
            .iter()
            .map(|known| known.field.as_str())
            .collect();
        known_field(resource, &names, field)?;
        let manual = claims
            .manual(field)
            .ok_or_else(|| not_set(resource, field))?;
        Ok((manual.clone(), version))
    }

    /// Releases a field that a person has set: from then on it follows the sources. Gives what is stated
    /// about the record then, with its version.
    ///
    /// # Errors
    /// As [`Codex::manual_claim`]; [`Error::Conflict`] when people made the record and no source states the
    /// field; [`Error::Changed`]; [`Error::Forbidden`] for those who may not change such
    /// records.
    pub async fn release_claim(
        &self,
        scope: &Scope,
        author: &Author,
        resource: ClaimedResource,
        key: &str,
        field: &str,
    ) -> Result<Outcome<(RecordClaimsOut, DateTime<Utc>)>> {
        let access = by_kind!(resource.kind(), R => R::WRITTEN_BY);
        scope.require(access, "releasing manual values")?;
        let id = self.row_id(scope, resource, key).await?;
        let names = by_kind!(resource.kind(), R => <R as Resource>::Fields::NAMES);
        let public: Vec<&str> = names.iter().map(|name| public_name(name)).collect();
        known_field(resource, &public, field)?;
        let name = names
            .iter()
            .find(|name| public_name(name) == field)
            .copied();
        let name = name.ok_or_else(|| not_set(resource, field))?;
        let there =
            by_kind!(resource.kind(), R => query::row::<R>(&self.0.db, id).await?.is_some());
        if !there {
            return Err(no_record(resource, key));
        }
        let author = Author {
            reason: author
                .reason
                .clone()
                .or_else(|| Some(format!("released the manual value of {field}"))),
            ..author.clone()
        };
        let mut tx = self.0.db.begin().await?;
        let mut writer = self.writer(&mut tx, &author);
        let summary = by_kind!(resource.kind(), R => writer.release::<R>(id, name).await?);
        let summary = summary.ok_or_else(|| not_set(resource, field))?;
        let released = Self::conclude(tx, &author, summary, ()).await?;
        let released = released.then(|()| self.record_claims(scope, resource, key));
        released.await
    }

    async fn claims_of<R: Resource>(&self, id: i64) -> Result<Option<Found>> {
        let db = &self.0.db;
        let Some(row) = query::row::<R>(db, id).await? else {
            return Ok(None);
        };
        let claims = query::claims(db, R::KIND, id).await?;
        let changes = query::changes(db, R::KIND, id).await?;
        let fields = view::fields::<R>(&self.0.precedence, &row, &claims, &changes)?;
        let sources = view::sources(&self.0.precedence, &claims);
        Ok(Some((fields, sources, row.updated_at)))
    }

    /// The row id of what a path names.
    async fn row_id(&self, scope: &Scope, resource: ClaimedResource, key: &str) -> Result<i64> {
        let db = &self.0.db;
        let number = || key.parse::<i64>().ok().filter(|id| id.to_string() == key);
        let id = match resource {
            ClaimedResource::Companies => {
                let company = self.company(scope, key).await?;
                company.map(|company| company.id.0)
            }
            ClaimedResource::Agents => db.query(query::AGENT).bind(key).scalar().await?,
            ClaimedResource::Tickets => match number() {
                Some(number) => db.query(query::TICKET).bind(number).scalar().await?,
                None => None,
            },
            _ => number(),
        };
        id.ok_or_else(|| no_record(resource, key))
    }
}

/// Fields, source records and version of a record.
type Found = (Vec<FieldClaimsOut>, Vec<SourceRecordOut>, DateTime<Utc>);

fn no_record(resource: ClaimedResource, key: &str) -> Error {
    let kind = resource.kind().in_words();
    Error::NotFound(format!("there is no {kind} `{key}`"))
}

fn not_set(resource: ClaimedResource, field: &str) -> Error {
    let kind = resource.kind().in_words();
    Error::NotFound(format!("nobody has set `{field}` of this {kind}"))
}

/// Refuses a field that the resource does not have, and names those that it has.
fn known_field(resource: ClaimedResource, names: &[&str], field: &str) -> Result<()> {
    if names.contains(&field) {
        return Ok(());
    }
    let mut names = names.to_vec();
    names.sort_unstable();
    let (kind, all) = (resource.kind().with_article(), names.join(", "));
    let hint = match nearest(field, names) {
        Some(name) => format!("did you mean `{name}`? It has {all}"),
        None => format!("it has {all}"),
    };
    Err(Error::NotFound(format!(
        "{kind} has no field `{field}`; {hint}"
    )))
}
