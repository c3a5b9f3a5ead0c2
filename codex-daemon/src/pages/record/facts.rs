//! The fields of a record, each with its source and its age.

use chrono::{DateTime, Utc};
use codex_core::{
    Scope,
    address::segment,
    claims::wire::{FieldClaimsOut, RecordClaimsOut},
    plural::count_of,
    seen::SinceSeen,
};
use serde_json::Value;

use super::{PageRecord, RecordPages, may_edit, path_of, show::DetailQuery};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        csrf,
        fields::{self, age, label, moment, text},
        table::Link,
    },
};

/// A field with its value.
#[derive(Debug)]
pub(super) struct Fact {
    /// The field.
    pub name: &'static str,
    pub label: String,
    pub value: String,
    /// Where the value leads, when it is an address.
    pub href: Option<String>,
    /// Which source's value it is, and since when.
    pub origin: Option<String>,
    pub since: Option<String>,
    pub is_manual: bool,
    /// What other sources state.
    pub others: Vec<String>,
    /// Its value at the last visit of the person, if it has changed since; empty for none.
    pub before: Option<String>,
    /// The form of the record, which can be narrowed to this field; `None` where the caller may not set it.
    pub edit: Option<String>,
    /// Where a manual value is released.
    pub release: Option<String>,
}

/// The fields of a record.
#[derive(Debug)]
pub(super) struct FactsView {
    pub facts: Vec<Fact>,
    /// What has changed since the person last looked.
    pub changed: Option<String>,
    pub csrf_field: &'static str,
    pub csrf: String,
    /// The page with, or without, the fields that have no value.
    pub switch: Option<Link>,
    /// Which sources have the record.
    pub sources: Vec<String>,
}

impl FactsView {
    /// The fields that a caller sees, with what each source states where the caller may see that, too.
    pub fn new<R: RecordPages>(
        at: &Forwarded,
        scope: &Scope,
        record: &PageRecord,
        (claims, seen): (Option<&RecordClaimsOut>, Option<&SinceSeen>),
        query: &DetailQuery,
        (token, now): (String, DateTime<Utc>),
    ) -> Self {
        let path = at.link(&path_of::<R>(record));
        let mut facts = facts::<R>(scope, record, claims, now, &path);
        mark::<R>(scope, seen, now, &mut facts);
        let changed = changed_words(&facts, seen, now);
        let is_empty =
            |fact: &Fact| fact.value.is_empty() && !fact.is_manual && fact.before.is_none();
        let empty = facts.iter().filter(|fact| is_empty(fact)).count();
        let switch = match (empty, query.with_empty) {
            (0, _) => None,
            (_, true) => Some(Link::new("Hide fields without a value", path)),
            (_, false) => Some(Link::new(
                format!("Show {} without a value", count_of(empty, "field")),
                format!("{path}?empty=true"),
            )),
        };
        if !query.with_empty {
            facts.retain(|fact| !is_empty(fact));
        }
        let sources = claims.into_iter().flat_map(|claims| &claims.sources);
        let sources = sources.map(|record| {
            let since = moment(record.first_seen);
            let gone = record
                .gone_at
                .map(|at| format!(", gone since {}", moment(at)));
            let name = fields::source(&record.source);
            format!("{name}: since {since}{}", gone.unwrap_or_default())
        });
        Self {
            facts,
            changed,
            csrf_field: csrf::FIELD,
            csrf: token,
            switch,
            sources: sources.collect(),
        }
    }
}

fn facts<R: RecordPages>(
    scope: &Scope,
    record: &PageRecord,
    claims: Option<&RecordClaimsOut>,
    now: DateTime<Utc>,
    path: &str,
) -> Vec<Fact> {
    let mut values = record.values.clone();
    R::facts(&mut values);
    // A manual record has no source value to return to.
    let is_synced = claims.is_some_and(|claims| {
        let mut sources = claims.sources.iter();
        sources.any(|record| record.source != "manual")
    });
    let is_editor = may_edit::<R>(scope);
    let may_release = is_editor && is_synced;
    let may_set = |name: &str| {
        let mut fields = R::DEF.form.iter();
        is_editor && fields.any(|field| field.editable && field.name == name)
    };
    let fields = R::DEF.listing.fields.iter().copied().flatten();
    let shown = fields.filter(|field| field.is_visible_to(scope));
    let shown = shown.filter(|field| !R::DEF.apart.contains(&field.name));
    let mut shown: Vec<_> = shown.collect();
    shown.sort_by_key(|field| is_reference(field.name));
    let facts = shown.into_iter().map(|field| {
        let value = values.get(field.name).unwrap_or(&Value::Null);
        let value = fields::fact(field, value, now);
        let stated = claims.and_then(|claims| {
            let mut stated = claims.fields.iter();
            stated.find(|stated| stated.field == field.name)
        });
        let is_manual = stated.is_some_and(FieldClaimsOut::has_manual_value);
        Fact {
            name: field.name,
            before: None,
            label: label(field.name),
            href: fields::value_href(field, &value),
            value,
            origin: stated.and_then(|stated| origin(stated, now)),
            since: stated.and_then(|stated| stated.since).map(moment),
            is_manual,
            others: stated.map(others).unwrap_or_default(),
            edit: may_set(field.name).then(|| format!("{path}/edit")),
            release: (is_manual && may_release)
                .then(|| format!("{path}/release/{}", segment(field.name))),
        }
    });
    facts.collect()
}

/// Marks the facts that have changed since the person last looked.
fn mark<R: RecordPages>(
    scope: &Scope,
    seen: Option<&SinceSeen>,
    now: DateTime<Utc>,
    facts: &mut [Fact],
) {
    let Some(seen) = seen else { return };
    for fact in facts {
        let field = fields::visible(R::DEF.listing.fields, scope, fact.name);
        let before = field.and_then(|field| {
            let before = seen.fields.get(field.name)?;
            Some(fields::fact(field, before, now))
        });
        // A value that was changed back has not changed.
        fact.before = before.filter(|before| *before != fact.value);
    }
}

/// A sentence with the facts that have changed.
fn changed_words(facts: &[Fact], seen: Option<&SinceSeen>, now: DateTime<Utc>) -> Option<String> {
    let changed = facts.iter().filter(|fact| fact.before.is_some());
    let changed = changed.map(|fact| fact.label.as_str());
    fields::changed_since(changed, seen?.at, now)
}

/// Whether a field refers to another system. People rarely need these fields, so they come last.
fn is_reference(field: &str) -> bool {
    let ends = ["_id", "_ids", "_uid", "_source", "_provider"];
    ends.iter().any(|end| field.ends_with(end))
}

/// Which source's value it is, and how old it is.
fn origin(stated: &FieldClaimsOut, now: DateTime<Utc>) -> Option<String> {
    let source = stated.source.as_deref().map(fields::source);
    let since = stated.since.map(|since| age(since, now));
    match (source, since) {
        (Some(source), Some(since)) => Some(format!("{source}, {since}")),
        (source, since) => source.or(since),
    }
}

/// What other sources state.
fn others(stated: &FieldClaimsOut) -> Vec<String> {
    let others = stated.others.iter().map(|other| {
        let value = text(&other.value);
        let value = value.unwrap_or_else(|| "nothing".to_owned());
        format!("{}: {value}", fields::source(&other.source))
    });
    others.collect()
}
