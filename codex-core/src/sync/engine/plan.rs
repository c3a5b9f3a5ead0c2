//! What a dry run would do, and the file that it is kept in until somebody applies it.

use std::{collections::HashSet, fmt::Write as _};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{matching::Merge, step::Step};
use crate::{
    Error, Result,
    companies::Company,
    jobs::JobReport,
    records::{
        Change, Resource, SourceRecord,
        claims::{ClaimSource, Statement},
    },
};

/// The most changes that a plan lists; the counts are always complete.
pub const MAX_CHANGES: usize = 10_000;
/// The field that links a record to its company.
const LINK: &str = "company_id";
/// The form of the file.
const FORMAT: u32 = 1;

/// A plan: the changes and the report of a run that wrote nothing.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct SyncPlan {
    /// The database that it was made for.
    pub database: String,
    /// Name of the source's runs.
    pub source: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// The changes in order, at most [`MAX_CHANGES`].
    pub changes: Vec<Change>,
    /// Whether there are more changes than that.
    pub more: bool,
    /// Deletions that would wait for a person.
    pub holds: Vec<PlannedHold>,
    /// Counts, scopes and issues.
    pub report: JobReport,
    /// What makes the changes, to be done again.
    pub(crate) steps: Vec<PlannedStep>,
}

/// A deletion that would wait for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedHold {
    /// Kind of record.
    pub kind: String,
    /// The part of the source's data.
    pub scope: String,
    /// How many the scope has.
    pub total: usize,
    /// The source's ids of the records that are missing.
    pub external_ids: Vec<String>,
}

/// One transaction of a run; opaque.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlannedStep {
    pub(crate) kind: String,
    act: Act,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Act {
    Apply(Vec<Item>),
    Retire(Vec<String>),
    Refresh(Vec<i64>),
    // Its name in plan files, which outlive a release.
    #[serde(rename = "LetGo")]
    ReleaseRecords(Vec<i64>),
    Merge(Merge),
}

/// A statement without what moves with every poll and without secrets: a file is no place for them, and
/// the next run brings both.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Item {
    origin: String,
    external_id: String,
    scope: String,
    fields: Map<String, Value>,
    extra: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    incomplete: Vec<String>,
    at: Option<DateTime<Utc>>,
}

/// The first line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    codex_plan: u32,
    sha256: String,
}

impl SyncPlan {
    /// Notes what a step would do.
    pub(crate) fn note<R: Resource>(&mut self, step: &Step<R>, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let room = MAX_CHANGES.saturating_sub(self.changes.len());
        if changes.len() > room {
            // Half a plan is of no use to anybody who would apply it.
            self.more = true;
            self.steps = Vec::new();
        }
        self.changes.extend(changes.into_iter().take(room));
        if !self.more {
            self.steps.push(PlannedStep::of(step));
        }
    }

    /// The plan as a file: a line that says what it is, and a line of JSON.
    ///
    /// # Errors
    /// [`Error::Conflict`] for a plan of more than [`MAX_CHANGES`] changes.
    pub fn to_file(&self) -> Result<String> {
        if self.more {
            let message = format!("the plan has more than {MAX_CHANGES} changes; sync without one");
            return Err(Error::conflict(message));
        }
        let json = |source| Error::Corrupt {
            what: "a plan".into(),
            source: Some(source),
        };
        let body = serde_json::to_string(self).map_err(json)?;
        let header = Header {
            codex_plan: FORMAT,
            sha256: digest(&body),
        };
        let header = serde_json::to_string(&header).map_err(json)?;
        Ok(format!("{header}\n{body}\n"))
    }

    /// Reads a file that [`SyncPlan::to_file`] has made.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one that is cut off, was changed, or is no plan.
    pub fn from_file(text: &str) -> Result<Self> {
        let wrong = |message: &str| Error::invalid("plan", message);
        let (header, body) = text.split_once('\n').unwrap_or((text, ""));
        let header: Header =
            serde_json::from_str(header).map_err(|_| wrong("this is not a plan of codexd"))?;
        if header.codex_plan != FORMAT {
            return Err(wrong("another version of codexd wrote it"));
        }
        let body = body.trim_end();
        if digest(body) != header.sha256 {
            return Err(wrong("the file is cut off or was changed"));
        }
        serde_json::from_str(body).map_err(|_| wrong("another version of codexd wrote it"))
    }

    /// What `changes` have and the plan has not, and the other way round, in words; empty when they are
    /// the same.
    pub(crate) fn drift(&self, changes: &[Change]) -> Vec<String> {
        let mut open: Vec<&Change> = self.changes.iter().collect();
        let mut drifted = Vec::new();
        // A plan is compared with the database as it is: of links to companies that it makes itself it
        // does not know.
        let made = changes
            .iter()
            .filter(|change| change.is_new() && change.kind == Company::KIND);
        let made: HashSet<i64> = made.map(|change| change.record_id).collect();
        for change in changes
            .iter()
            .filter_map(|change| without_links(change, &made))
        {
            match open
                .iter()
                .position(|planned| planned.is_the_same_as(&change))
            {
                Some(place) => drop(open.remove(place)),
                None => drifted.push(format!("{change} is not in the plan")),
            }
        }
        drifted.extend(
            open.into_iter()
                .map(|planned| format!("{planned} is not to be made any more")),
        );
        drifted
    }
}

impl PlannedStep {
    fn of<R: Resource>(step: &Step<R>) -> Self {
        let act = match step {
            Step::Apply(page) => Act::Apply(page.iter().map(Item::of).collect()),
            Step::Retire(ids) => Act::Retire(ids.clone()),
            Step::Refresh(ids) => Act::Refresh(ids.clone()),
            Step::ReleaseRecords(ids) => Act::ReleaseRecords(ids.clone()),
            Step::Merge(merge) => Act::Merge(merge.clone()),
        };
        let kind = R::KIND.to_owned();
        Self { kind, act }
    }

    /// The step that it was.
    pub(crate) fn step<R: Resource>(&self, origins: &[ClaimSource]) -> Result<Step<R>> {
        Ok(match &self.act {
            Act::Apply(items) => {
                let statements = items.iter().map(|item| item.statement(origins));
                Step::Apply(statements.collect::<Result<_>>()?)
            }
            Act::Retire(ids) => Step::Retire(ids.clone()),
            Act::Refresh(ids) => Step::Refresh(ids.clone()),
            Act::ReleaseRecords(ids) => Step::ReleaseRecords(ids.clone()),
            Act::Merge(merge) => Step::Merge(merge.clone()),
        })
    }
}

impl Item {
    fn of<R: Resource>((origin, item): &Statement<R>) -> Self {
        Self {
            origin: origin.name().to_owned(),
            external_id: item.external_id.clone(),
            scope: item.scope.clone(),
            fields: item.fields.clone(),
            extra: item.extra.clone(),
            incomplete: item.incomplete.clone(),
            at: item.source_updated_at,
        }
    }

    fn statement<R: Resource>(&self, origins: &[ClaimSource]) -> Result<Statement<R>> {
        let known = origins.iter().find(|origin| origin.name() == self.origin);
        let origin: ClaimSource = *known.ok_or_else(|| {
            Error::invalid(
                "plan",
                format!("`{}` states things in it and is unknown", self.origin),
            )
        })?;
        let (id, fields) = (self.external_id.clone(), self.fields.clone());
        let item = SourceRecord {
            extra: self.extra.clone(),
            incomplete: self.incomplete.clone(),
            source_updated_at: self.at,
            ..SourceRecord::part(id, &self.scope, fields)
        };
        Ok((origin, item))
    }
}

/// A change without its link to one of some companies; `None` when nothing else is left of it.
fn without_links(change: &Change, companies: &HashSet<i64>) -> Option<Change> {
    let link = change
        .fields
        .get(LINK)
        .and_then(|values| values["after"].as_i64());
    if !link.is_some_and(|id| companies.contains(&id)) {
        return Some(change.clone());
    }
    let mut change = change.clone();
    change.fields.remove(LINK);
    (change.is_new() || !change.fields.is_empty()).then_some(change)
}

fn digest(text: &str) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a text does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
