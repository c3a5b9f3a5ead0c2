//! The form of a plan: its terms side by side. A form states what differs from what is stored, and a plan that has
//! changed meanwhile is not written over.

use std::collections::{BTreeSet, HashMap};

use askama::Template;
use axum::http::StatusCode;
use chrono::DateTime;
use codex_core::{
    Error, Fault,
    billing_plans::{
        BILLED_HOURLY, BillingPlan, BillingPlanEdit, BillingPlanFields, BillingPlanIn,
        NOT_INCLUDED, PRICES, feature_label, term,
    },
    feature_options::FeatureOption,
    money::Money,
    records::{Intent, RecordBody as _},
};
use serde_json::{Map, Value, json};

use super::{LIST, NAME, categories, list::crumb, notice, price};
use crate::{
    http::{forwarded::Forwarded, problem::Problem},
    pages::{
        csrf,
        fields::label,
        form::{SentForm, version},
        shell::Shell,
        table::Choice,
    },
};

const LEVEL: &str = "support_level";
/// Support levels that every plan can choose (contract 5.2).
const LEVELS: [&str; 2] = [BILLED_HOURLY, "Unlimited"];
/// The member that gives all terms the values of the first.
const BULK: &str = "bulk_edit";

/// What is wrong with a form that was sent.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    faults: Vec<Fault>,
    problems: Vec<String>,
    /// Whether somebody else has changed a plan meanwhile.
    is_stale: bool,
}

impl Refusal {
    /// Of an error, with the status of the answer.
    ///
    /// # Errors
    /// The error itself, when the sender can do nothing about it.
    pub fn of(error: Error) -> Result<(StatusCode, Self), Problem> {
        let mut refusal = Self::default();
        let status = match error {
            Error::Unprocessable(faults) => {
                refusal.faults = faults;
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Error::Invalid { field, message } => {
                refusal.problems.push(format!("{field}: {message}"));
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Error::Conflict { message } => {
                refusal.problems.push(message);
                StatusCode::CONFLICT
            }
            Error::Changed => {
                refusal.is_stale = true;
                let problem = "Somebody changed this plan while the form was open. Nothing was saved. Your values are \
                    kept, and what is stored now stands beside them where both differ. Save again to set yours.";
                refusal.problems.push(problem.to_owned());
                StatusCode::PRECONDITION_FAILED
            }
            error => return Err(error.into()),
        };
        Ok((status, refusal))
    }
}

/// A field of a plan as the form knows it.
struct Field {
    /// Its key in bodies; of a feature its kind.
    key: String,
    is_feature: bool,
}

impl Field {
    /// The member of the form for a plan.
    fn member(&self, id: i64) -> String {
        let prefix = if self.is_feature { "feature_" } else { "" };
        format!("{prefix}{}_{id}", self.key)
    }

    /// The place of its faults.
    fn pointer(&self, id: i64) -> String {
        let key = Fault::at(&self.key, "").pointer;
        let place = if self.is_feature { "/features" } else { "" };
        format!("/{id}{place}{key}")
    }

    /// What a plan has, as its input shows it.
    fn stored(&self, plan: &BillingPlan) -> String {
        if self.is_feature {
            let value = plan.fields.features.0.get(&self.key);
            return value.cloned().unwrap_or_default();
        }
        if self.key == LEVEL {
            return plan.fields.support_level.clone().unwrap_or_default();
        }
        let fields = serde_json::to_value(&plan.fields).unwrap_or_default();
        price(&fields, &self.key).unwrap_or_default().to_string()
    }

    /// Whether two texts stand for the same value.
    fn is_same(&self, one: &str, other: &str) -> bool {
        let money = |text: &str| {
            text.trim()
                .parse()
                .ok()
                .and_then(|n: f64| Money::try_from(n).ok())
        };
        match (PRICES.contains(&&*self.key), money(one), money(other)) {
            (true, Some(one), Some(other)) => one == other,
            _ => one.trim() == other.trim(),
        }
    }
}

/// The fields of plans: prices, the support level, and every kind of feature.
fn fields(plans: &[BillingPlan], options: &[FeatureOption]) -> Vec<Field> {
    let own = PRICES.into_iter().chain([LEVEL]).map(|key| Field {
        key: key.to_owned(),
        is_feature: false,
    });
    let features = categories(plans, options).into_iter().map(|key| Field {
        key,
        is_feature: true,
    });
    own.chain(features).collect()
}

/// The changes that a form states, none for plans that stay as they are; or the faults of its values.
///
/// # Errors
/// 400 for a version that cannot be read.
pub(super) fn edits(
    plans: &[BillingPlan],
    options: &[FeatureOption],
    sent: &SentForm,
) -> Result<Result<Vec<BillingPlanEdit>, Vec<Fault>>, Problem> {
    let fields = fields(plans, options);
    let is_bulk = sent.text(BULK) == "true";
    let Some(first) = plans.first() else {
        return Ok(Ok(Vec::new()));
    };
    let (mut edits, mut faults) = (Vec::new(), Vec::new());
    for plan in plans {
        let id = plan.id.0;
        let seen = sent.text(&format!("updated_at_{id}"));
        if seen.is_empty() {
            // A term that was created while the form was open.
            continue;
        }
        let seen = DateTime::parse_from_rfc3339(seen).map(|at| at.to_utc());
        let seen = seen.map_err(|_| Problem::bad_request("updated_at: must be a time"))?;
        let source = if is_bulk { first.id.0 } else { id };
        let stated = stated(&fields, plan, source, sent);
        if stated.is_empty() {
            continue;
        }
        match BillingPlanIn::read(stated, Intent::Update) {
            Ok(body) => edits.push(BillingPlanEdit {
                id: plan.id,
                seen: Some(seen),
                plan: body,
            }),
            Err(Error::Unprocessable(own)) => {
                let place = format!("/{source}");
                faults.extend(own.into_iter().map(|fault| fault.within(&place)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if faults.is_empty() {
        Ok(Ok(edits))
    } else {
        Ok(Err(faults))
    }
}

/// What the members of one term state for a plan: what differs from what the plan has.
fn stated(
    fields: &[Field],
    plan: &BillingPlan,
    source: i64,
    sent: &SentForm,
) -> Map<String, Value> {
    let (mut body, mut features) = (Map::new(), Map::new());
    for field in fields {
        let member = field.member(source);
        if !sent.has(&member) {
            continue;
        }
        let text = sent.text(&member).trim();
        if field.is_same(text, &field.stored(plan)) {
            continue;
        }
        let value = if text.is_empty() && (field.is_feature || field.key == LEVEL) {
            Value::Null
        } else {
            text.into()
        };
        if field.is_feature {
            features.insert(field.key.clone(), value);
        } else {
            body.insert(field.key.clone(), value);
        }
    }
    if !features.is_empty() {
        body.insert("features".to_owned(), features.into());
    }
    body
}

/// The changes that give the other terms of a plan what one term has.
///
/// # Errors
/// 422 when the plan has no such term.
pub(super) fn copies(
    plans: &[BillingPlan],
    source_term: &str,
) -> Result<Vec<BillingPlanEdit>, Problem> {
    let wanted = term(source_term);
    let source = plans.iter().find(|plan| plan.fields.term_length == wanted);
    let source = source.ok_or_else(|| {
        let fault = Fault::at("source_term", "must be a term that the plan has");
        Problem::from(Error::Unprocessable(vec![fault]))
    })?;
    let values = serde_json::to_value(&source.fields).unwrap_or_default();
    let others = plans.iter().filter(|plan| plan.id != source.id);
    let edits = others.map(|plan| -> Result<BillingPlanEdit, Error> {
        let own = &source.fields.features.0;
        let kinds: BTreeSet<&String> = own.keys().chain(plan.fields.features.0.keys()).collect();
        let features: Map<String, Value> = kinds
            .into_iter()
            .map(|kind| (kind.clone(), json!(own.get(kind))))
            .collect();
        let keys = PRICES.into_iter().chain([LEVEL]);
        let mut body: Map<String, Value> = keys
            .map(|key| (key.to_owned(), values[key].clone()))
            .collect();
        if !features.is_empty() {
            body.insert("features".to_owned(), features.into());
        }
        let body = BillingPlanIn::read(body, Intent::Update)?;
        Ok(BillingPlanEdit {
            id: plan.id,
            seen: None,
            plan: body,
        })
    });
    let edits: Result<Vec<BillingPlanEdit>, Error> = edits.collect();
    Ok(edits?)
}

/// An input: a field of one term.
#[derive(Debug)]
pub(super) struct InputView {
    /// Unique on the page; what a kind of feature is called may be no id.
    id: String,
    name: String,
    term: String,
    value: String,
    /// Values to choose from; none for a price.
    choices: Vec<Choice>,
    fault: Option<String>,
    /// What is stored now, beside what was sent.
    stored: Option<String>,
}

/// A field of all terms.
#[derive(Debug)]
pub(super) struct RowView {
    label: String,
    help: String,
    inputs: Vec<InputView>,
}

/// The form of a plan as a page.
#[derive(Debug, Template)]
#[template(path = "billing_plans/edit.html")]
pub(in crate::pages) struct EditView {
    shell: Shell,
    name: String,
    name_field: &'static str,
    csrf_field: &'static str,
    tokens: [String; 2],
    save: String,
    copy: String,
    cancel: String,
    options: String,
    problems: Vec<String>,
    terms: Vec<String>,
    /// The members that carry the version of each term.
    versions: Vec<(String, String)>,
    rows: Vec<RowView>,
    is_bulk: bool,
}

impl EditView {
    /// For the terms of a plan, with what was sent.
    pub(super) fn new(
        at: &Forwarded,
        plans: &[BillingPlan],
        options: &[FeatureOption],
        sent: &SentForm,
        refusal: &Refusal,
        tokens: [String; 2],
        done: Option<&str>,
    ) -> Self {
        let name = plans.first().map(|plan| plan.fields.plan_name.clone());
        let name = name.unwrap_or_default();
        let mut faults: HashMap<&str, &str> = HashMap::new();
        for fault in &refusal.faults {
            faults
                .entry(fault.pointer.as_str())
                .or_insert(fault.detail.as_str());
        }
        let fields = fields(plans, options);
        let rows = fields.iter().enumerate().map(|(number, field)| {
            let inputs = plans.iter().map(|plan| InputView {
                id: format!("f-{number}-{}", plan.id),
                ..input(field, plan, options, sent, refusal.is_stale, &mut faults)
            });
            RowView {
                label: if field.is_feature {
                    feature_label(&field.key)
                } else {
                    label(&field.key)
                },
                help: help(field),
                inputs: inputs.collect(),
            }
        });
        let rows = rows.collect();
        let mut problems = refusal.problems.clone();
        // What belongs to no input.
        problems.extend(
            faults
                .iter()
                .map(|(place, detail)| format!("{place}: {detail}")),
        );
        let versions = plans.iter().map(|plan| {
            let member = format!("updated_at_{}", plan.id);
            (member, version(plan.updated_at))
        });
        Self {
            shell: crumb(at, &format!("Edit {name}")).saying(notice(done)),
            name_field: NAME,
            csrf_field: csrf::FIELD,
            tokens,
            save: at.link("/billing-plans/save"),
            copy: at.link("/billing-plans/copy-terms"),
            cancel: at.link(LIST),
            options: at.link("/billing-plans/features"),
            problems,
            terms: plans
                .iter()
                .map(|plan| plan.fields.term_length.clone())
                .collect(),
            versions: versions.collect(),
            rows,
            is_bulk: sent.text(BULK) == "true",
            name,
        }
    }
}

fn help(field: &Field) -> String {
    let known = BillingPlanFields::FIELDS.iter();
    let known = known.filter(|_| !field.is_feature);
    let doc = known
        .filter(|known| known.name == field.key)
        .map(|known| known.doc);
    doc.map(|doc| doc.trim().replace('`', "")).collect()
}

fn input(
    field: &Field,
    plan: &BillingPlan,
    options: &[FeatureOption],
    sent: &SentForm,
    is_stale: bool,
    faults: &mut HashMap<&str, &str>,
) -> InputView {
    let id = plan.id.0;
    let (name, stored) = (field.member(id), field.stored(plan));
    let value = if sent.has(&name) {
        sent.text(&name).to_owned()
    } else {
        stored.clone()
    };
    let differs = is_stale && !field.is_same(&value, &stored);
    let fault = faults.remove(field.pointer(id).as_str());
    InputView {
        id: String::new(),
        choices: choices(field, options, &value, &stored),
        term: plan.fields.term_length.clone(),
        fault: fault.map(str::to_owned),
        stored: differs.then_some(stored),
        name,
        value,
    }
}

/// What can be chosen for a field: its options, and what it has.
fn choices(field: &Field, options: &[FeatureOption], value: &str, stored: &str) -> Vec<Choice> {
    let mut values: Vec<(String, String)> = Vec::new();
    let mut add = |value: &str, label: &str| {
        if !values.iter().any(|(known, _)| known == value) {
            values.push((value.to_owned(), label.to_owned()));
        }
    };
    if field.is_feature {
        add("", NOT_INCLUDED);
        let own = options.iter().map(|option| &option.fields);
        for option in own.filter(|option| option.feature_category == field.key) {
            let label = option.display_name.as_ref().unwrap_or(&option.option_value);
            add(&option.option_value, label);
        }
    } else if field.key == LEVEL {
        add("", "not set");
        for level in LEVELS {
            add(level, level);
        }
    } else {
        return Vec::new();
    }
    for kept in [value, stored] {
        add(kept, kept);
    }
    let choices = values.into_iter().map(|(own, label)| Choice {
        selected: own == value,
        value: own,
        label,
    });
    choices.collect()
}

#[cfg(test)]
mod tests {
    use codex_core::{ids::BillingPlanId, json_columns::Dict};

    use super::*;

    fn plan(id: i64, term: &str, soc: Option<&str>) -> BillingPlan {
        let features = soc.map(|soc| ("soc".to_owned(), soc.to_owned()));
        BillingPlan {
            id: BillingPlanId(id),
            fields: BillingPlanFields {
                plan_name: "Gold".into(),
                term_length: term.into(),
                per_user_cost: Money::from_ten_thousandths(125_000),
                features: Dict(features.into_iter().collect()),
                ..BillingPlanFields::default()
            },
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            deleted_at: None,
        }
    }

    const SEEN: &str = "1970-01-01T00:00:00Z";

    #[test]
    fn only_what_differs_is_stated() {
        let plans = [plan(1, "1 Year", Some("Huntress")), plan(2, "2 Year", None)];
        let same = SentForm::from([
            ("updated_at_1", SEEN),
            ("per_user_cost_1", "12.5"),
            ("feature_soc_1", "Huntress"),
        ]);
        assert!(edits(&plans, &[], &same).unwrap().unwrap().is_empty());
        let other = SentForm::from([
            ("updated_at_1", SEEN),
            ("updated_at_2", SEEN),
            ("per_user_cost_1", "13"),
            ("feature_soc_1", ""),
            ("per_user_cost_2", "12.50"),
            ("bulk_edit", ""),
        ]);
        let edits = edits(&plans, &[], &other).unwrap().unwrap();
        assert_eq!(edits.len(), 1);
        assert_eq!(json!(edits[0].plan)["per_user_cost"], 13.0);
        assert_eq!(json!(edits[0].plan)["features"], json!({"soc": null}));
    }

    #[test]
    fn bulk_edit_gives_all_terms_the_first_values() {
        let plans = [plan(1, "1 Year", Some("Huntress")), plan(2, "2 Year", None)];
        let form = SentForm::from([
            ("updated_at_1", SEEN),
            ("updated_at_2", SEEN),
            ("per_user_cost_1", "14"),
            ("per_user_cost_2", "99"),
            ("bulk_edit", "true"),
        ]);
        let edits = edits(&plans, &[], &form).unwrap().unwrap();
        assert!(
            edits
                .iter()
                .all(|edit| json!(edit.plan)["per_user_cost"] == 14.0)
                && edits.len() == 2
        );
    }

    #[test]
    fn bad_prices_are_reported_at_their_term() {
        let form = SentForm::from([
            ("updated_at_1", SEEN),
            ("per_user_cost_1", "much"),
            ("per_vm_cost_1", "-1"),
        ]);
        let faults = edits(&[plan(1, "1 Year", None)], &[], &form)
            .unwrap()
            .unwrap_err();
        let places: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(places, ["/1/per_user_cost", "/1/per_vm_cost"]);
    }

    #[test]
    fn copies_replace_features_and_prices() {
        let plans = [plan(1, "1 Year", Some("Huntress")), plan(2, "2 Year", None)];
        let edits = copies(&plans, "2-Year").unwrap();
        assert_eq!((edits.len(), edits[0].id), (1, BillingPlanId(1)));
        assert_eq!(json!(edits[0].plan)["features"], json!({"soc": null}));
        assert!(copies(&plans, "5 Year").is_err());
    }
}
