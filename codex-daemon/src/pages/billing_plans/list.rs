//! Plans with their terms, prices and features; pages that create and delete one.

use askama::Template;
use codex_core::{
    Scope,
    billing_plans::{BillingPlan, NOT_INCLUDED, PRICES, TERMS, feature_label},
    money::Money,
    plural::count_of,
};
use serde_json::Value;

use super::{EDITORS, KEEPING, LIST, NAME, categories, newest, notice, price, with_parameter};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        csrf,
        fields::label,
        parts::cell,
        shell::Shell,
        table::{Cell, Head, TableView},
    },
};

/// Plans whose terms are shown together; further ones are opened one by one.
const TABLES: usize = 8;
/// The most plans of the index.
const INDEX: usize = 200;

/// How many companies have a plan, whatever the case of its name, as lists filter.
pub(super) fn companies(counts: &[(String, i64)], name: &str) -> i64 {
    let lower = name.trim().to_lowercase();
    let same = counts
        .iter()
        .filter(|(plan, _)| plan.to_lowercase() == lower);
    same.map(|(_, count)| count).sum()
}

/// A plan with all its terms.
#[derive(Debug)]
pub(super) struct PlanView {
    name: String,
    /// How many companies have it, and the list of these.
    companies: String,
    companies_href: String,
    table: TableView,
    edit: Option<String>,
    delete: Option<String>,
}

/// All plans as a page.
#[derive(Debug, Template)]
#[template(path = "billing_plans/list.html")]
pub(in crate::pages) struct PlansView {
    shell: Shell,
    index: TableView,
    plans: Vec<PlanView>,
    /// What the page leaves out.
    note: Option<String>,
    /// All plans, when one is chosen.
    all: Option<String>,
    create: Option<String>,
    import: Option<String>,
    options: String,
    export: String,
    /// Why there are no actions, for staff who may not.
    refused: Option<&'static str>,
}

impl PlansView {
    /// All plans, or the `chosen` one, with the number of companies by the name of a plan.
    pub fn new(
        at: &Forwarded,
        scope: &Scope,
        plans: &[BillingPlan],
        counts: &[(String, i64)],
        chosen: Option<&str>,
        done: Option<&str>,
    ) -> Self {
        let is_editor = scope.require_billing(KEEPING).is_ok();
        let mut names: Vec<&str> = plans
            .iter()
            .map(|plan| plan.fields.plan_name.as_str())
            .collect();
        names.dedup();
        let shown = names.iter().copied();
        let shown = shown.filter(|name| chosen.is_none_or(|chosen| chosen == *name));
        let shown: Vec<PlanView> = shown
            .take(TABLES)
            .map(|name| plan_view(at, name, plans, counts, is_editor))
            .collect();
        let left = match chosen {
            Some(_) => 0,
            None => names.len() - shown.len(),
        };
        Self {
            shell: Shell::new(at, "Billing plans").saying(notice(done)),
            index: index(at, &names, plans, counts),
            note: (left > 0).then(|| {
                format!(
                    "The first {TABLES} plans are shown below. Open one of the others by its name."
                )
            }),
            plans: shown,
            all: chosen.map(|_| at.link(LIST)),
            create: is_editor.then(|| at.link("/billing-plans/create")),
            import: is_editor.then(|| at.link("/billing-plans/import")),
            options: at.link("/billing-plans/features"),
            export: at.link("/billing-plans/export"),
            refused: (!is_editor).then_some(EDITORS),
        }
    }
}

fn head(label: impl Into<String>) -> Head {
    Head {
        label: label.into(),
        href: None,
        aria_sort: None,
    }
}

fn companies_href(at: &Forwarded, name: &str) -> String {
    at.link(&with_parameter("/companies/", "billing_plan", name))
}

fn index(
    at: &Forwarded,
    names: &[&str],
    plans: &[BillingPlan],
    counts: &[(String, i64)],
) -> TableView {
    let rows = names.iter().take(INDEX).map(|name| {
        let of_plan = plans.iter().filter(|plan| plan.fields.plan_name == *name);
        let terms: Vec<&str> = of_plan
            .map(|plan| plan.fields.term_length.as_str())
            .collect();
        let count = companies(counts, name);
        vec![
            Cell {
                href: Some(at.link(&with_parameter(LIST, "plan", name))),
                ..cell(*name)
            },
            cell(terms.join(", ")),
            Cell {
                href: Some(companies_href(at, name)),
                ..cell(count.to_string())
            },
        ]
    });
    TableView {
        caption: match names.len() {
            0..=INDEX => "Plans".to_owned(),
            all => format!("The first {INDEX} of {all} plans"),
        },
        heads: ["Plan", "Terms", "Companies"].map(head).into(),
        rows: rows.collect(),
        empty: "There are no billing plans yet. Create one, or import a file.".to_owned(),
    }
}

fn plan_view(
    at: &Forwarded,
    name: &str,
    plans: &[BillingPlan],
    counts: &[(String, i64)],
    is_editor: bool,
) -> PlanView {
    let terms: Vec<&BillingPlan> = plans
        .iter()
        .filter(|plan| plan.fields.plan_name == name)
        .collect();
    let link = |path: &str| is_editor.then(|| at.link(&with_parameter(path, NAME, name)));
    PlanView {
        name: name.to_owned(),
        companies: count_of(companies(counts, name), "company"),
        companies_href: companies_href(at, name),
        table: table(name, &terms),
        edit: link("/billing-plans/edit"),
        delete: link("/billing-plans/delete"),
    }
}

/// The terms of a plan side by side. Prices that are 0 for every term are left out.
fn table(name: &str, terms: &[&BillingPlan]) -> TableView {
    let fields = terms.iter().map(|plan| serde_json::to_value(&plan.fields));
    let fields: Vec<Value> = fields.map(Result::unwrap_or_default).collect();
    let mut rows = Vec::new();
    for key in PRICES {
        let prices = fields
            .iter()
            .map(|fields| price(fields, key).unwrap_or_default());
        let prices: Vec<Money> = prices.collect();
        if prices.iter().any(|price| *price != Money::ZERO) {
            let cells = prices.iter().map(|price| cell(price.to_string()));
            rows.push(std::iter::once(cell(label(key))).chain(cells).collect());
        }
    }
    let levels = terms.iter().map(|plan| {
        let level = plan.fields.support_level.clone();
        cell(level.unwrap_or_default())
    });
    rows.push(
        std::iter::once(cell(label("support_level")))
            .chain(levels)
            .collect(),
    );
    let owned: Vec<BillingPlan> = terms.iter().map(|plan| (*plan).clone()).collect();
    for key in categories(&owned, &[]) {
        let values = terms.iter().map(|plan| {
            let value = plan.fields.features.0.get(&key);
            cell(value.map_or(NOT_INCLUDED, String::as_str))
        });
        rows.push(
            std::iter::once(cell(feature_label(&key)))
                .chain(values)
                .collect(),
        );
    }
    let lengths = terms
        .iter()
        .map(|plan| head(plan.fields.term_length.as_str()));
    TableView {
        caption: format!("{name}, by term; prices of 0 are left out"),
        heads: std::iter::once(head("Item")).chain(lengths).collect(),
        rows,
        empty: String::new(),
    }
}

/// The form of a new plan as a page.
#[derive(Debug, Template)]
#[template(path = "billing_plans/create.html")]
pub(in crate::pages) struct CreateView {
    shell: Shell,
    action: String,
    cancel: String,
    csrf_field: &'static str,
    csrf: String,
    name: String,
    fault: Option<String>,
    terms: String,
}

impl CreateView {
    /// With the name that was typed, and what is wrong with it.
    pub fn new(at: &Forwarded, csrf: String, name: &str, fault: Option<String>) -> Self {
        Self {
            shell: crumb(at, "New billing plan"),
            action: at.link("/billing-plans/create"),
            cancel: at.link(LIST),
            csrf_field: csrf::FIELD,
            csrf,
            name: name.to_owned(),
            fault,
            terms: TERMS.join(", "),
        }
    }
}

/// The page that asks whether to delete a plan.
#[derive(Debug, Template)]
#[template(path = "billing_plans/delete.html")]
pub(in crate::pages) struct DeleteView {
    shell: Shell,
    name: String,
    terms: String,
    /// How many companies have it; `None` when there are none.
    companies: Option<String>,
    companies_href: String,
    action: String,
    cancel: String,
    csrf_field: &'static str,
    csrf: String,
    name_field: &'static str,
    /// What is shown: a plan that has changed meanwhile is not deleted.
    seen: String,
}

impl DeleteView {
    /// For the terms of a plan.
    pub fn new(at: &Forwarded, plans: &[BillingPlan], companies: i64, csrf: String) -> Self {
        let name = plans.first().map(|plan| plan.fields.plan_name.clone());
        let name = name.unwrap_or_default();
        let terms: Vec<&str> = plans
            .iter()
            .map(|plan| plan.fields.term_length.as_str())
            .collect();
        Self {
            shell: crumb(at, &format!("Delete {name}")),
            companies: (companies > 0).then(|| count_of(companies, "company")),
            companies_href: companies_href(at, &name),
            terms: terms.join(", "),
            action: at.link("/billing-plans/delete"),
            cancel: at.link(LIST),
            csrf_field: csrf::FIELD,
            csrf,
            name_field: NAME,
            seen: format!("{} {}", plans.len(), newest(plans)),
            name,
        }
    }
}

/// Where the list is, for the way to what is below it.
pub(super) fn crumb(at: &Forwarded, title: &str) -> Shell {
    Shell::new(at, title).under("Billing plans", at.link(LIST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companies_are_counted_whatever_the_case() {
        let counts = [
            ("Gold".to_owned(), 2),
            ("GOLD".to_owned(), 1),
            ("Tin".to_owned(), 4),
        ];
        assert_eq!(companies(&counts, "gold "), 3);
        assert_eq!(companies(&counts, "Silver"), 0);
    }
}
