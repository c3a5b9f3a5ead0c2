//! The pages of the three steps, and the bar above the table of a list that leads to them.

use std::collections::HashMap;

use askama::Template;
use codex_core::{
    bulk::{MAX_TOGETHER, RefusedRecord, Selection, SelectionApplied, SelectionPlan, settable},
    plural::{agree, count_of},
    records::ChangeOp,
    tags::{Tag, TagUses},
};

use super::{
    BulkList,
    chosen::{Chosen, SELECT_ALL},
    names::RecordName,
    seen,
};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        address::ListAddress,
        csrf::{self, Csrf},
        fields::{label, short_value, shortened},
        form::SentForm,
        shell::Shell,
        table::Choice,
    },
};

/// The most records that a plan shows; the others are counted.
const MOST_SHOWN: usize = 100;
/// The most characters of a name or a value that a plan shows.
const LONGEST_VALUE: usize = 80;
/// Members of the form of step 1 that the plan carries on.
const CARRIED: [&str; 4] = ["action", "field", "value", "tag"];

/// The records of a plan that are shown.
pub(super) fn shown_ids(plan: &SelectionPlan) -> Vec<i64> {
    let changed = plan.changes.iter().take(MOST_SHOWN);
    let mut ids: Vec<i64> = changed.map(|change| change.id).collect();
    ids.extend(refused_ids(&plan.refused));
    ids
}

/// The refused records that are shown.
pub(super) fn refused_ids(refused: &[RefusedRecord]) -> Vec<i64> {
    let shown = refused.iter().take(MOST_SHOWN);
    shown.map(|record| record.id).collect()
}

/// The bar above the table of a list: a form for selected records, and a link for all records of the filtered list.
#[derive(Debug)]
pub(crate) struct BulkBar {
    /// Where the form leads that the checkboxes of the list belong to.
    pub action: String,
    pub all: String,
    pub all_text: String,
}

impl BulkBar {
    /// For a list as it was asked for; `total` is its length, where it was counted.
    pub fn new(at: &Forwarded, list: &BulkList, asked: &ListAddress, total: Option<i64>) -> Self {
        let action = at.link(&format!("/bulk/{}/", list.name()));
        let query = asked.saved_query();
        let and = if query.is_empty() { "" } else { "&" };
        let fit = if asked.is_narrowed() {
            " that match the filters"
        } else {
            ""
        };
        let all_text = match total {
            Some(total) => format!("Edit all {}{fit}", count_of(total, list.def.noun)),
            None => format!("Edit all{fit}"),
        };
        Self {
            all: format!("{action}?{SELECT_ALL}{and}{query}"),
            action,
            all_text,
        }
    }
}

/// Step 1.
#[derive(Debug, Template)]
#[template(path = "bulk/choose.html")]
pub(in crate::pages) struct ChooseView {
    shell: Shell,
    heading: String,
    description: &'static str,
    action: String,
    cancel: String,
    csrf_field: &'static str,
    /// A token for each form.
    csrf: [String; 3],
    member: (&'static str, String),
    is_empty: bool,
    fields: Vec<Choice>,
    value: String,
    tags: Vec<Choice>,
    problem: Option<String>,
}

impl ChooseView {
    /// The form for `count` records.
    pub fn new(
        at: &Forwarded,
        list: &BulkList,
        chosen: &Chosen,
        count: usize,
        tags: &[(Tag, TagUses)],
        csrf: &Csrf,
    ) -> Self {
        let heading = format!("Change {}", count_of(count, list.def.noun));
        let choice = |value: String, label: String| Choice {
            value,
            label,
            selected: false,
        };
        let fields = settable(list.kind);
        let tags = tags.iter();
        Self {
            shell: shell(at, list, &heading),
            heading,
            description: if chosen.is_all {
                "All records that match the filters of the list."
            } else {
                "The records that you have selected."
            },
            action: at.link(&format!("/bulk/{}/plan", list.name())),
            cancel: at.link(list.def.path),
            csrf_field: csrf::FIELD,
            csrf: [csrf.token(), csrf.token(), csrf.token()],
            member: chosen.member.clone(),
            is_empty: count == 0,
            fields: fields
                .map(|field| choice(field.name.to_owned(), label(field.name)))
                .collect(),
            value: String::new(),
            tags: tags
                .map(|(tag, _)| choice(tag.id.to_string(), tag.fields.name.clone()))
                .collect(),
            problem: None,
        }
    }

    /// Shows what was sent, and what is wrong with it.
    pub fn resume(&mut self, sent: &SentForm, problem: String) {
        sent.text("value").clone_into(&mut self.value);
        for field in &mut self.fields {
            field.selected = field.value == sent.text("field");
        }
        for tag in &mut self.tags {
            tag.selected = tag.value == sent.text("tag");
        }
        self.problem = Some(problem);
    }
}

/// What changes of a record.
#[derive(Debug)]
struct PlanRow {
    name: String,
    href: Option<String>,
    /// The field, empty for a deletion; its value before and after.
    field: String,
    before: String,
    after: String,
}

/// A record that cannot be changed, and why.
#[derive(Debug)]
struct RefusedRow {
    name: String,
    href: Option<String>,
    reason: String,
}

/// Step 2.
#[derive(Debug, Template)]
#[template(path = "bulk/plan.html")]
pub(in crate::pages) struct PlanView {
    shell: Shell,
    heading: String,
    /// How many records change, stay as they are, and cannot be changed.
    summary: String,
    rows: Vec<PlanRow>,
    /// How many records more would change.
    further: usize,
    refused: Vec<RefusedRow>,
    further_refused: usize,
    further_ids: String,
    /// What happens if the database fails.
    failing: &'static str,
    action: String,
    submit: String,
    is_deletion: bool,
    changes_nothing: bool,
    cancel: String,
    csrf_field: &'static str,
    csrf: String,
    members: Vec<(&'static str, String)>,
    /// Why the plan before was not applied.
    pub problem: Option<String>,
}

impl PlanView {
    /// The plan of a change of a selection.
    pub fn new(
        at: &Forwarded,
        list: &BulkList,
        selection: &Selection,
        plan: &SelectionPlan,
        names: &HashMap<i64, RecordName>,
    ) -> Self {
        let changing = plan.changes.len();
        let count = count_of(changing, list.def.noun);
        let is_deletion = plan
            .changes
            .iter()
            .any(|change| change.op == ChangeOp::Delete);
        let verb = if is_deletion { "Delete" } else { "Change" };
        let named = |id: i64| name_of(at, list, names, id);
        let rows = plan.changes.iter().take(MOST_SHOWN).flat_map(|change| {
            let (name, href) = named(change.id);
            let deleted = is_deletion.then(|| (String::new(), "live".into(), "deleted".into()));
            let fields = change.fields.iter().filter(move |_| !is_deletion);
            let fields = fields.map(|(field, values)| {
                (
                    label(field),
                    short_value(&values["before"], LONGEST_VALUE),
                    short_value(&values["after"], LONGEST_VALUE),
                )
            });
            let lines = deleted.into_iter().chain(fields);
            lines.map(move |(field, before, after)| PlanRow {
                name: name.clone(),
                href: href.clone(),
                field,
                before,
                after,
            })
        });
        Self {
            shell: shell(at, list, &format!("{verb} {count}?")),
            heading: format!("{verb} {count}?"),
            summary: summary(selection.len(), plan),
            rows: rows.collect(),
            further: changing.saturating_sub(MOST_SHOWN),
            refused: refused_rows(at, list, &plan.refused, names),
            further_refused: plan.refused.len().saturating_sub(MOST_SHOWN),
            further_ids: String::new(),
            failing: failing(selection.len()),
            action: at.link(&format!("/bulk/{}/apply", list.name())),
            submit: format!("{verb} {count}"),
            is_deletion,
            changes_nothing: changing == 0,
            cancel: at.link(list.def.path),
            csrf_field: csrf::FIELD,
            csrf: String::new(),
            members: Vec::new(),
            problem: None,
        }
    }

    /// Carries on what was chosen, with the count, the hash and the ids of the selection.
    pub fn carry(
        &mut self,
        chosen: &Chosen,
        sent: &SentForm,
        selection: &Selection,
        token: String,
    ) {
        self.csrf = token;
        self.members = vec![chosen.member.clone()];
        let carried = CARRIED.map(|name| (name, sent.text(name).to_owned()));
        self.members
            .extend(carried.into_iter().filter(|(_, value)| !value.is_empty()));
        self.members.extend([
            ("count", selection.len().to_string()),
            ("hash", selection.hash()),
            ("seen", seen::encode(&selection.ids())),
        ]);
    }
}

/// Step 3, where records were refused.
#[derive(Debug, Template)]
#[template(path = "bulk/done.html")]
pub(in crate::pages) struct DoneView {
    shell: Shell,
    heading: String,
    summary: String,
    refused: Vec<RefusedRow>,
    further_refused: usize,
    /// The row ids of those.
    further_ids: String,
    back: String,
}

impl DoneView {
    /// What became of a selection.
    pub fn new(
        at: &Forwarded,
        list: &BulkList,
        applied: &SelectionApplied,
        names: &HashMap<i64, RecordName>,
    ) -> Self {
        let refused = applied.refused.len();
        let heading = format!("{} not changed", count_of(refused, list.def.noun));
        let were = agree(applied.taken, "was", "were");
        Self {
            shell: shell(at, list, &heading),
            heading,
            summary: format!("{} {were} changed.", count_of(applied.taken, list.def.noun)),
            refused: refused_rows(at, list, &applied.refused, names),
            further_refused: refused.saturating_sub(MOST_SHOWN),
            further_ids: further_ids(&applied.refused),
            back: at.link(list.def.path),
        }
    }
}

/// What happens to a change of so many records if the database fails.
fn failing(records: usize) -> &'static str {
    if records <= MAX_TOGETHER {
        "All of them are changed together. If the database fails, none is changed."
    } else {
        "So many records are changed in parts. If the database fails, earlier parts stay changed, and the next page \
         names every record that may not have been changed."
    }
}

/// The row ids of the refused records that are not shown one by one.
fn further_ids(refused: &[RefusedRecord]) -> String {
    let further = refused.iter().skip(MOST_SHOWN);
    let ids: Vec<String> = further.map(|record| record.id.to_string()).collect();
    ids.join(", ")
}

fn shell(at: &Forwarded, list: &BulkList, title: &str) -> Shell {
    Shell::new(at, title).under(list.def.title, at.link(list.def.path))
}

fn name_of(
    at: &Forwarded,
    list: &BulkList,
    names: &HashMap<i64, RecordName>,
    id: i64,
) -> (String, Option<String>) {
    match names.get(&id) {
        Some(known) => (
            shortened(&known.name, LONGEST_VALUE),
            Some(at.link(&known.path)),
        ),
        None => (format!("{} {id}", list.def.noun), None),
    }
}

fn refused_rows(
    at: &Forwarded,
    list: &BulkList,
    refused: &[RefusedRecord],
    names: &HashMap<i64, RecordName>,
) -> Vec<RefusedRow> {
    let shown = refused.iter().take(MOST_SHOWN).map(|record| {
        let (name, href) = name_of(at, list, names, record.id);
        let reasons = record.faults.iter().map(|fault| {
            let place = label(fault.pointer.trim_start_matches('/'));
            format!("{place} {}", fault.detail).trim().to_owned()
        });
        RefusedRow {
            name,
            href,
            reason: reasons.collect::<Vec<_>>().join("; "),
        }
    });
    shown.collect()
}

/// How many records change, stay as they are, and cannot be changed; zeros are left out.
fn summary(selected: usize, plan: &SelectionPlan) -> String {
    let (changing, refused) = (plan.changes.len(), plan.refused.len());
    let same = selected.saturating_sub(changing + refused);
    let parts = [
        (changing, agree(changing, "changes", "change")),
        (same, agree(same, "stays as it is", "stay as they are")),
        (refused, "cannot be changed"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, what)| format!("{} {what}", count_of(count, "record")))
        .collect();
    if parts.is_empty() {
        "No record is selected any more.".to_owned()
    } else {
        parts.join(", ") + "."
    }
}

#[cfg(test)]
mod tests {
    use codex_core::bulk::RecordChange;
    use serde_json::Map;

    use super::*;

    #[test]
    fn summary_leaves_out_what_no_record_does() {
        let change = |id| RecordChange {
            id,
            op: ChangeOp::Update,
            fields: Map::new(),
        };
        let mut plan = SelectionPlan {
            changes: vec![change(1), change(2)],
            refused: Vec::new(),
        };
        assert_eq!(summary(2, &plan), "2 records change.");
        plan.changes.truncate(1);
        plan.refused.push(RefusedRecord {
            id: 9,
            faults: Vec::new(),
        });
        let wanted = "1 record changes, 2 records stay as they are, 1 record cannot be changed.";
        assert_eq!(summary(4, &plan), wanted);
        assert!(summary(0, &SelectionPlan::default()).starts_with("No record"));
    }
}
