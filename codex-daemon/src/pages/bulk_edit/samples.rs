//! Steps of changing many companies that templates are tested with.

use std::collections::HashMap;

use askama::Template as _;
use axum::http::HeaderMap;
use codex_core::{
    Fault,
    bulk::{RecordChange, RefusedRecord, Selection, SelectionApplied, SelectionPlan},
    ids::TagId,
    records::ChangeOp,
    tags::{Tag, TagFields, TagUses, TaggedKind},
};
use serde_json::{Map, json};

use super::{
    COMPANIES,
    chosen::{Chosen, Wanted},
    names::RecordName,
    view::{ChooseView, DoneView, PlanView},
};
use crate::pages::{
    csrf::Csrf,
    form::SentForm,
    parts::samples::{at, now},
    tests::HOSTILE,
};

fn chosen(query: &str) -> Chosen {
    match Chosen::of_query(&COMPANIES, query).unwrap() {
        Wanted::Here(chosen) => chosen,
        Wanted::Elsewhere(path) => panic!("{path}"),
    }
}

fn tag(name: &str) -> (Tag, TagUses) {
    let tag = Tag {
        id: TagId(3),
        fields: TagFields {
            name: name.to_owned(),
            ..TagFields::default()
        },
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
    };
    (tag, TagUses::default())
}

fn sent(text: &str) -> SentForm {
    let members = [("action", "set"), ("field", "name"), ("value", text)];
    members.into()
}

/// As many records as a plan shows and some more, all of one name.
fn plan(text: &str, op: ChangeOp) -> SelectionPlan {
    let values = json!({"before": text, "after": [text]});
    let fields = Map::from_iter([("description".to_owned(), values)]);
    let change = |id| RecordChange {
        id,
        op,
        fields: fields.clone(),
    };
    SelectionPlan {
        changes: (1..=120).map(change).collect(),
        refused: refused(text),
    }
}

fn refused(text: &str) -> Vec<RefusedRecord> {
    let one = |id| RefusedRecord {
        id,
        faults: vec![Fault::at("name", text)],
    };
    vec![one(1), one(200)]
}

fn names(text: &str) -> HashMap<i64, RecordName> {
    let name = |id| {
        let name = RecordName {
            name: text.to_owned(),
            path: "/companies/100001".to_owned(),
        };
        (id, name)
    };
    (1..=100).map(name).collect()
}

/// Rendered pages by name.
pub(in crate::pages) fn rendered() -> Vec<(String, String)> {
    let csrf = Csrf::of(&HeaderMap::new());
    let none = chosen("select=all");
    let empty = ChooseView::new(&at(), &COMPANIES, &none, 0, &[], &csrf);
    let nothing = SelectionPlan::default();
    let selection = Selection::new(TaggedKind::Company, Vec::new());
    let mut unplanned = PlanView::new(&at(), &COMPANIES, &selection, &nothing, &HashMap::new());
    unplanned.carry(&none, &sent(""), &selection, csrf.token());
    let mut pages = vec![
        ("bulk/choose/empty".to_owned(), empty.render().unwrap()),
        ("bulk/plan/empty".to_owned(), unplanned.render().unwrap()),
    ];
    for (kind, text) in [("usual", "Blue Heron GmbH"), ("hostile", HOSTILE)] {
        let attack: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let chosen = chosen(&format!("select=all&name__contains={attack}"));
        let mut choose = ChooseView::new(&at(), &COMPANIES, &chosen, 3, &[tag(text)], &csrf);
        choose.resume(&sent(text), text.to_owned());
        pages.push((format!("bulk/choose/{kind}"), choose.render().unwrap()));
        let records = (1..=125).map(|id| (id * 40, now())).collect();
        let selection = Selection::new(TaggedKind::Company, records);
        for op in [ChangeOp::Update, ChangeOp::Delete] {
            let plan = plan(text, op);
            let mut view = PlanView::new(&at(), &COMPANIES, &selection, &plan, &names(text));
            view.carry(&chosen, &sent(text), &selection, csrf.token());
            view.problem = Some(text.to_owned());
            pages.push((format!("bulk/plan/{op}/{kind}"), view.render().unwrap()));
        }
        let applied = SelectionApplied {
            taken: 3,
            refused: refused(text),
        };
        let done = DoneView::new(&at(), &COMPANIES, &applied, &names(text));
        pages.push((format!("bulk/done/{kind}"), done.render().unwrap()));
    }
    pages
}
