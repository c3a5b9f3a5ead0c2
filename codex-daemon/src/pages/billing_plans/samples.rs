//! Billing plans that templates are tested with, as each kind of caller sees them.

use std::collections::BTreeMap;

use askama::Template as _;
use codex_core::{
    Error, Fault,
    billing_plans::{BillingPlan, BillingPlanFields, TERMS},
    feature_options::{FeatureOption, FeatureOptionFields},
    ids::{BillingPlanId, FeatureOptionId},
    json_columns::Dict,
    money::Money,
};

use super::{
    KEEPING,
    edit::{EditView, Refusal},
    import::ImportView,
    list::{CreateView, DeleteView, PlansView},
    options::{OptionView, OptionsView, Typed},
};
use crate::pages::{
    form::SentForm,
    parts::samples::{TOKEN, at, now},
    record::samples::scopes,
    tests::HOSTILE,
};

fn tokens() -> [String; 2] {
    [TOKEN.to_owned(), TOKEN.to_owned()]
}

/// Rendered pages by name.
pub(in crate::pages) fn rendered() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let kinds = [
        ("empty", Vec::new(), Vec::new()),
        (
            "usual",
            plans("Gold", "Huntress"),
            options("soc", "Huntress"),
        ),
        (
            "hostile",
            plans(HOSTILE, HOSTILE),
            options(HOSTILE, HOSTILE),
        ),
    ];
    for (role, scope) in scopes().into_iter().filter(|(role, _)| *role != "client") {
        for (kind, plans, options) in &kinds {
            let mut add = |page: &str, html: askama::Result<String>| {
                pages.push((format!("billing/{page}/{kind}/{role}"), html.unwrap()));
            };
            let counts = [("Gold".to_owned(), 3)];
            let view = PlansView::new(&at(), &scope, plans, &counts, None, Some("saved"));
            add("list", view.render());
            let typed = Typed {
                value: HOSTILE.to_owned(),
                new_category: HOSTILE.to_owned(),
                problem: Some(HOSTILE.to_owned()),
                ..Typed::default()
            };
            let view = OptionsView::new(&at(), &scope, options, typed, tokens(), None);
            add("options", view.render());
            if plans.is_empty() || scope.require_billing(KEEPING).is_err() {
                continue;
            }
            add("edit", edit(plans, options, false));
            add("refused", edit(plans, options, true));
            add(
                "delete",
                DeleteView::new(&at(), plans, 2, TOKEN.to_owned()).render(),
            );
            add(
                "option",
                OptionView::of(&at(), &options[0], tokens()).render(),
            );
            let fault = Some(HOSTILE.to_owned());
            add(
                "create",
                CreateView::new(&at(), TOKEN.to_owned(), HOSTILE, fault).render(),
            );
            let faults = vec![HOSTILE.to_owned(); 60];
            add(
                "import",
                ImportView::new(&at(), TOKEN.to_owned(), HOSTILE, faults).render(),
            );
        }
    }
    pages
}

fn plans(name: &str, feature: &str) -> Vec<BillingPlan> {
    let terms = TERMS.into_iter().zip(1..);
    let plans = terms.map(|(term, id)| BillingPlan {
        id: BillingPlanId(id),
        fields: BillingPlanFields {
            plan_name: name.to_owned(),
            term_length: term.to_owned(),
            support_level: Some(feature.to_owned()),
            per_user_cost: Money::from_ten_thousandths(125_000),
            features: Dict(BTreeMap::from([(feature.to_owned(), feature.to_owned())])),
            ..BillingPlanFields::default()
        },
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
    });
    plans.collect()
}

fn options(category: &str, value: &str) -> Vec<FeatureOption> {
    vec![FeatureOption {
        id: FeatureOptionId(1),
        fields: FeatureOptionFields {
            feature_category: category.to_owned(),
            option_value: value.to_owned(),
            display_name: Some(value.to_owned()),
            description: None,
        },
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
    }]
}

fn edit(
    plans: &[BillingPlan],
    options: &[FeatureOption],
    is_refused: bool,
) -> askama::Result<String> {
    let (mut sent, mut refusal) = (SentForm::default(), Refusal::default());
    if is_refused {
        sent = SentForm::from([("per_user_cost_1", HOSTILE)]);
        let faults = vec![
            Fault::at("per_user_cost", HOSTILE).within("/1"),
            Fault::at(HOSTILE, HOSTILE).within("/9"),
        ];
        (_, refusal) = Refusal::of(Error::Unprocessable(faults)).unwrap();
    }
    EditView::new(&at(), plans, options, &sent, &refusal, tokens(), None).render()
}
