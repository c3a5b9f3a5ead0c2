//! What a source passes to the engine: one item of a vendor's list, mapped but not yet compared.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::records::Resource;

/// One item as the source states it.
///
/// `fields` holds only what the payload states: a key that is absent says nothing, a key with `null`
/// blanks. Its keys are names of the record's tracked fields and its values have their types.
#[derive(Debug, PartialEq)]
pub struct SourceRecord<R: Resource> {
    /// The source's id of the item, as text.
    pub external_id: String,
    /// The part of the source's data that the item was found in, such as one site's devices.
    pub scope: String,
    /// Stated values by tracked field name.
    pub fields: Map<String, Value>,
    /// Everything in the payload that is not mapped, except volatile and secret members.
    pub extra: Map<String, Value>,
    /// Volatile fields.
    pub status: Option<R::Status>,
    /// Secret values by name; `None` clears.
    pub secrets: BTreeMap<String, Option<String>>,
    /// The source's own time of last change.
    pub source_updated_at: Option<DateTime<Utc>>,
    /// Stated lists with elements that could not be read: they add to what the source stated before, and remove
    /// nothing.
    pub incomplete: Vec<String>,
    /// Members that are there and could not be read: unknown, and reported by the run.
    pub unread: Vec<Unread>,
}

impl<R: Resource> SourceRecord<R> {
    /// What a part of a source states about an item: fields and nothing else.
    pub fn part(external_id: String, scope: &str, fields: Map<String, Value>) -> Self {
        Self {
            external_id,
            scope: scope.to_owned(),
            fields,
            extra: Map::new(),
            status: None,
            secrets: BTreeMap::new(),
            source_updated_at: None,
            incomplete: Vec::new(),
            unread: Vec::new(),
        }
    }
}

// No derive: it would require `R: Clone`, which a kind of record need not be.
impl<R: Resource> Clone for SourceRecord<R> {
    fn clone(&self) -> Self {
        Self {
            external_id: self.external_id.clone(),
            scope: self.scope.clone(),
            fields: self.fields.clone(),
            extra: self.extra.clone(),
            status: self.status.clone(),
            secrets: self.secrets.clone(),
            source_updated_at: self.source_updated_at,
            incomplete: self.incomplete.clone(),
            unread: self.unread.clone(),
        }
    }
}

/// A member of an item that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Its name.
    pub member: String,
    /// What is wrong with it; never holds values.
    pub reason: &'static str,
}

impl Unread {
    pub(crate) fn new(member: &str, reason: &'static str) -> Self {
        Self {
            member: member.to_owned(),
            reason,
        }
    }
}

/// An item that could not be read: reported on the job and skipped, the page goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{item} could not be read: {reason}")]
pub struct ItemError {
    /// Which item: list and id, or its position when the id itself is unreadable.
    pub item: String,
    /// What is wrong with it; never holds values.
    pub reason: String,
}
