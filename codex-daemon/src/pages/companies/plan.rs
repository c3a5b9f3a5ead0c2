//! The plan of a company: what its plan says, its overrides, what holds, and what is billed by it.

use std::collections::BTreeSet;

use askama::Template;
use codex_core::{
    Scope,
    address::segment,
    assets::billable::{BillableCount, BillableOut, BillableRecord},
    billing_plans::{
        BillingPlan, PRICES, TERMS,
        effective::{EffectivePlanOut, ValueSource, plan_of},
        feature_label,
    },
    companies::Company,
    feature_options::FeatureOption,
    money::Money,
    overrides::Override,
};

use super::{Companies, cockpit::list, path_of};
use crate::{
    http::{forwarded::Forwarded, problem::Problem},
    pages::{csrf, fields::label, form::version, record::may_edit, table::Choice, visit::Visit},
};

const LEVEL: &str = "support_level";
/// The most records that are shown behind a number.
const RECORDS: usize = 20;
/// Why overrides have no form on the pages of staff.
const BILLERS: &str = "Only administrators and billing set overrides.";

/// What is wrong with a form that was sent.
#[derive(Debug)]
pub(in crate::pages) enum Refusal {
    /// With the value of an override: its key, what was typed, and why not.
    Override(String, String, String),
    /// With the plan and its term: what was chosen, and why not.
    Plan(String, String, String),
}

/// What is known of a company's plan.
#[derive(Debug, Default)]
pub(in crate::pages) struct PlanState {
    pub plans: Vec<BillingPlan>,
    pub options: Vec<FeatureOption>,
    pub overrides: Vec<Override>,
    pub billable: BillableOut,
}

impl PlanState {
    /// Reads it.
    async fn read(visit: &Visit, company: &Company) -> Result<Self, Problem> {
        let (codex, scope) = (&visit.call.codex, visit.scope());
        Ok(Self {
            plans: codex.billing_plans(scope).await?,
            options: codex.feature_options(scope, None).await?,
            overrides: codex.overrides(scope, company).await?,
            billable: codex.billable(scope, company).await?,
        })
    }
}

/// The plan of a company, as its page shows it.
pub(super) async fn view(
    visit: &Visit,
    company: &Company,
    refusal: Option<&Refusal>,
) -> Result<PlanView, Problem> {
    let state = PlanState::read(visit, company).await?;
    let (at, scope) = (&visit.at, visit.scope());
    let token = visit.csrf.token();
    Ok(PlanView::new(at, scope, company, &state, token, refusal))
}

/// The form in a row that sets an override, or clears it.
#[derive(Debug)]
struct OverrideForm {
    /// Unique on the page.
    id: usize,
    action: String,
    /// Where the override is cleared; `None` when there is none.
    clear: Option<String>,
    value: String,
    version: String,
    fault: Option<String>,
}

/// A value of the plan.
#[derive(Debug)]
struct RowView {
    label: String,
    of_plan: String,
    of_override: String,
    /// Whether the override is out of force.
    is_off: bool,
    effective: String,
    source: &'static str,
    form: Option<OverrideForm>,
}

/// A record behind a number.
#[derive(Debug)]
struct RecordLink {
    name: String,
    href: String,
}

/// A number that is billed.
#[derive(Debug)]
struct CountView {
    label: &'static str,
    count: String,
    /// The list that it is counted in; `None` for a company without a number, which no filter names.
    href: Option<String>,
    price: String,
    amount: String,
    records: Vec<RecordLink>,
    /// How many records are not shown.
    left: usize,
}

/// The form that gives the company another plan.
#[derive(Debug)]
struct ChoiceForm {
    action: String,
    version: String,
    /// What the company has.
    plan: String,
    term: String,
    plans: Vec<Choice>,
    terms: Vec<Choice>,
    problem: Option<String>,
}

/// The plan of a company, as a part of its page.
#[derive(Debug, Template)]
#[template(path = "companies/_plan.html")]
pub(in crate::pages) struct PlanView {
    caption: String,
    /// Why no plan says anything; `None` when the plan is known.
    missing: Option<String>,
    /// The plan's own page.
    plan_href: Option<String>,
    rows: Vec<RowView>,
    counts: Vec<CountView>,
    total: Option<String>,
    choice: Option<ChoiceForm>,
    /// Why overrides cannot be set, for staff who may not.
    refused: Option<&'static str>,
    csrf_field: &'static str,
    csrf: String,
    /// The same in the API; `None` for a company without a number.
    json: Option<String>,
}

impl PlanView {
    /// Of a company, with what was refused.
    pub fn new(
        at: &Forwarded,
        scope: &Scope,
        company: &Company,
        state: &PlanState,
        csrf: String,
        refusal: Option<&Refusal>,
    ) -> Self {
        let (name, term) = plan_of(&company.fields);
        let mut plans = state.plans.iter();
        let own =
            plans.find(|plan| plan.fields.plan_name == name && plan.fields.term_length == term);
        let effective = EffectivePlanOut::new(&company.fields, own, &state.overrides);
        let path = at.link(&path_of(company));
        let is_biller = scope.require_billing("").is_ok();
        let is_editor = may_edit::<Companies>(scope);
        let keys = keys(own, state).into_iter().enumerate();
        let rows = keys.map(|(id, key)| {
            let agreed = state.overrides.iter().find(|row| row.fields.key == key);
            let form = is_biller.then(|| override_form(id, &path, &key, agreed, refusal));
            row(&key, own, &effective, agreed, form)
        });
        // Without forms there is nothing to do in a row without a value.
        let rows = rows.filter(|row| is_biller || !row.effective.is_empty() || row.is_off);
        let rows = rows.collect();
        let (counts, total) = counts(at, company, &state.billable, &effective);
        let query: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let number = company.fields.account_number.as_deref().map(segment);
        Self {
            caption: if name.is_empty() {
                "Plan".to_owned()
            } else {
                format!("Plan {name}, {term}")
            },
            missing: match (name.is_empty(), own) {
                (true, _) => Some("This company has no plan.".to_owned()),
                (false, None) => Some(format!(
                    "Nobody has created a plan `{name}` with the term {term}."
                )),
                (false, Some(_)) => None,
            },
            plan_href: own.map(|_| at.link(&format!("/billing-plans/?plan={query}"))),
            rows,
            counts,
            total,
            choice: is_editor.then(|| choice_form(&path, company, &state.plans, refusal)),
            refused: (!is_biller).then_some(BILLERS),
            csrf_field: csrf::FIELD,
            csrf,
            json: number.map(|number| at.link(&format!("/api/companies/{number}/plan"))),
        }
    }
}

/// Keys of everything that a plan can say: prices, the support level, and kinds of feature.
fn keys(own: Option<&BillingPlan>, state: &PlanState) -> Vec<String> {
    let of_plan = own
        .into_iter()
        .flat_map(|plan| plan.fields.features.0.keys());
    let of_options = state
        .options
        .iter()
        .map(|option| &option.fields.feature_category);
    let agreed = state.overrides.iter().map(|row| &row.fields.key);
    let others: BTreeSet<&String> = of_plan.chain(of_options).chain(agreed).collect();
    let first = PRICES.into_iter().chain([LEVEL]);
    let others = others.into_iter().filter(|key| !is_own(key)).cloned();
    first.map(str::to_owned).chain(others).collect()
}

/// Whether a key is a price's or the support level's, and no kind of feature.
fn is_own(key: &str) -> bool {
    key == LEVEL || PRICES.contains(&key)
}

fn row(
    key: &str,
    own: Option<&BillingPlan>,
    effective: &EffectivePlanOut,
    agreed: Option<&Override>,
    form: Option<OverrideForm>,
) -> RowView {
    let price = effective.prices.get(key);
    let text = if key == LEVEL {
        effective.support_level.as_ref()
    } else {
        effective.features.get(key)
    };
    let source = price
        .map(|price| price.source)
        .or(text.map(|text| text.source));
    let of_plan = if PRICES.contains(&key) {
        own.and_then(|plan| {
            let fields = serde_json::to_value(&plan.fields).ok()?;
            let price: Money = serde_json::from_value(fields[key].clone()).ok()?;
            Some(price.to_string())
        })
    } else if key == LEVEL {
        own.and_then(|plan| plan.fields.support_level.clone())
    } else {
        own.and_then(|plan| plan.fields.features.0.get(key).cloned())
    };
    let effective = price
        .map(|price| price.value.to_string())
        .or_else(|| text.map(|text| text.value.clone()));
    RowView {
        label: if is_own(key) {
            label(key)
        } else {
            feature_label(key)
        },
        of_plan: of_plan.unwrap_or_default(),
        of_override: agreed.map(shown).unwrap_or_default(),
        is_off: agreed.is_some_and(|row| !row.enabled()),
        effective: effective.unwrap_or_default(),
        source: match source {
            Some(ValueSource::Plan) => "plan",
            Some(ValueSource::Override) => "override",
            None => "",
        },
        form,
    }
}

/// The value of an override as people read it.
fn shown(row: &Override) -> String {
    let price = row.price().map(|price| price.to_string());
    price.unwrap_or_else(|| row.fields.value.clone())
}

fn override_form(
    id: usize,
    path: &str,
    key: &str,
    agreed: Option<&Override>,
    refusal: Option<&Refusal>,
) -> OverrideForm {
    let action = format!("{path}/overrides/{}", segment(key));
    let refused = match refusal {
        Some(Refusal::Override(of, typed, why)) if of == key => Some((typed, why)),
        _ => None,
    };
    OverrideForm {
        id,
        clear: agreed.map(|_| format!("{action}/delete")),
        action,
        value: match (refused, agreed) {
            (Some((typed, _)), _) => typed.clone(),
            (None, agreed) => agreed.map(shown).unwrap_or_default(),
        },
        version: agreed
            .map(|row| version(row.updated_at))
            .unwrap_or_default(),
        fault: refused.map(|(_, why)| why.clone()),
    }
}

fn choice_form(
    path: &str,
    company: &Company,
    plans: &[BillingPlan],
    refusal: Option<&Refusal>,
) -> ChoiceForm {
    let fields = &company.fields;
    let own = [&fields.billing_plan, &fields.contract_term_length];
    let [plan, term] = own.map(|text| text.clone().unwrap_or_default());
    let (chosen_plan, chosen_term, problem) = match refusal {
        Some(Refusal::Plan(plan, term, why)) => (plan, term, Some(why.clone())),
        _ => (&plan, &term, None),
    };
    let names = plans.iter().map(|plan| plan.fields.plan_name.as_str());
    ChoiceForm {
        action: format!("{path}/plan"),
        version: version(company.updated_at),
        plans: choices(
            "no plan",
            names.chain([plan.as_str(), chosen_plan]),
            chosen_plan,
        ),
        terms: choices(
            "not set",
            TERMS.into_iter().chain([term.as_str(), chosen_term]),
            chosen_term,
        ),
        problem,
        plan,
        term,
    }
}

/// Choices of some values, each once, after the empty one.
fn choices<'v>(empty: &str, values: impl Iterator<Item = &'v str>, chosen: &str) -> Vec<Choice> {
    let mut choices = vec![Choice {
        value: String::new(),
        label: empty.to_owned(),
        selected: chosen.is_empty(),
    }];
    for value in values {
        if !choices.iter().any(|choice| choice.value == value) {
            choices.push(Choice {
                value: value.to_owned(),
                label: value.to_owned(),
                selected: value == chosen,
            });
        }
    }
    choices
}

/// What is billed by number, with the records behind each, and the sum of what has a price.
fn counts(
    at: &Forwarded,
    company: &Company,
    billable: &BillableOut,
    effective: &EffectivePlanOut,
) -> (Vec<CountView>, Option<String>) {
    // Who is not known to be inactive counts.
    let people = list(at, company, "/contacts/", &[("active__ne", "false")]);
    let devices = list(at, company, "/assets/", &[]);
    let backed_up = billable.backup.records.iter().map(|one| BillableRecord {
        id: one.id,
        name: one.name.clone(),
    });
    let backup = BillableCount {
        count: billable.backup.records.len(),
        records: backed_up.collect(),
    };
    let billed = [
        ("Users", &billable.users, Some("per_user_cost")),
        (
            "Workstations",
            &billable.workstations,
            Some("per_workstation_cost"),
        ),
        ("Servers", &billable.servers, Some("per_server_cost")),
        ("Virtual machines", &billable.vms, Some("per_vm_cost")),
        ("Network devices", &billable.network_devices, None),
        ("Devices with a backup", &backup, None),
        ("Other devices", &billable.other, None),
    ];
    let (mut counts, mut sum) = (Vec::new(), None);
    for (label, count, key) in billed {
        let price = key
            .and_then(|key| effective.prices.get(key))
            .map(|price| price.value);
        let amount = price.and_then(|price| times(price, count.count));
        if let Some(amount) = amount {
            let before = sum.unwrap_or(Money::ZERO).ten_thousandths();
            sum = before
                .checked_add(amount.ten_thousandths())
                .map(Money::from_ten_thousandths);
        }
        let is_people = label == "Users";
        let path = if is_people { "/contacts/" } else { "/assets/" };
        let records = count.records.iter().take(RECORDS).map(|record| RecordLink {
            name: match record.name.trim() {
                "" => format!("without a name, {}", record.id),
                name => name.to_owned(),
            },
            href: at.link(&format!("{path}{}", record.id)),
        });
        counts.push(CountView {
            label,
            count: count.count.to_string(),
            href: if is_people {
                people.clone()
            } else {
                devices.clone()
            },
            price: price.map(|price| price.to_string()).unwrap_or_default(),
            amount: amount.map(|amount| amount.to_string()).unwrap_or_default(),
            records: records.collect(),
            left: count.records.len().saturating_sub(RECORDS),
        });
    }
    (counts, sum.map(|sum| sum.to_string()))
}

/// A price so many times; `None` when that is more than can be kept.
fn times(price: Money, count: usize) -> Option<Money> {
    let count = i64::try_from(count).ok()?;
    let product = price.ten_thousandths().checked_mul(count)?;
    Some(Money::from_ten_thousandths(product))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_price_times_count() {
        let price = Money::from_ten_thousandths(125_000);
        assert_eq!(
            times(price, 4).map(|sum| sum.to_string()).as_deref(),
            Some("50.00")
        );
        assert_eq!(times(Money::from_ten_thousandths(i64::MAX), 2), None);
    }

    #[test]
    fn choices_are_listed_once_with_what_is_kept() {
        let choices = choices("no plan", ["Gold", "Gold", "", "Old"].into_iter(), "Old");
        let values: Vec<(&str, bool)> = choices
            .iter()
            .map(|one| (one.value.as_str(), one.selected))
            .collect();
        assert_eq!(values, [("", false), ("Gold", false), ("Old", true)]);
    }
}
