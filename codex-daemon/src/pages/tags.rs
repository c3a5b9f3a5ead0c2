//! Pages of tags.

use codex_core::{
    Access,
    ids::TagId,
    list::{Page, PageRequest},
    records::{Author, FieldDef, Intent, RecordBody as _},
    tags::{Tag, TagFields, TagIn, TagUses, query::LISTING},
};
use serde_json::{Map, Value, json};

use super::{
    PageSet,
    address::ListAddress,
    fields::values,
    form::InputView,
    record::{
        self, BesideColumn, PageRecord, RecordPages, ResourceDef, SummaryItem, SummaryView,
        filtered,
    },
    table::Cell,
    visit::{Visit, applied},
};
use crate::http::forwarded::Forwarded;

/// The kinds of record that tags are put on: the names of their lists.
const TAGGED: [(&str, &str); 3] = [
    ("companies", "Companies"),
    ("contacts", "Contacts"),
    ("assets", "Assets"),
];

/// Pages of tags.
pub(super) struct Tags;

/// What it registers.
pub(super) const PAGES: PageSet = PageSet::records::<Tags>(record::routes::<Tags>);

const fn uses((name, label): (&'static str, &'static str)) -> BesideColumn {
    BesideColumn::new(name, label, Access::Staff)
}

impl RecordPages for Tags {
    type Record = Tag;
    type Found = (Tag, TagUses);

    const DEF: &'static ResourceDef = &ResourceDef {
        path: "/tags/",
        key: "id",
        noun: "tag",
        title: "Tags",
        listing: &LISTING,
        form: TagFields::FIELDS,
        beside: &[],
        columns: &["name", "colour", "companies", "contacts", "assets"],
        beside_columns: &[uses(TAGGED[0]), uses(TAGGED[1]), uses(TAGGED[2])],
        apart: &[],
        at_first: None,
        // Nobody but people states them.
        claims: None,
        listed: None,
        export: None,
        tabs: &[],
        empty: ("There are no tags yet.", "Tags are for staff."),
        deleting: "is on no record any more. An administrator or technician can restore it, on the records that it \
            was on.",
    };

    fn shown((tag, uses): &Self::Found) -> PageRecord {
        let mut values = values(&tag.fields);
        for ((name, _), count) in TAGGED.into_iter().zip(counts(*uses)) {
            values.insert(name.to_owned(), json!(count));
        }
        PageRecord {
            id: tag.id.0,
            key: tag.id.to_string(),
            name: tag.fields.name.clone(),
            subtitle: tag.fields.colour.clone().unwrap_or_default(),
            values,
            updated_at: tag.updated_at,
            ..PageRecord::default()
        }
    }

    async fn list(
        visit: &Visit,
        _asked: &ListAddress,
        request: &PageRequest,
    ) -> codex_core::Result<Page<Self::Found>> {
        let codex = &visit.call.codex;
        codex.tags(visit.scope(), request).await
    }

    async fn find(visit: &Visit, key: &str) -> codex_core::Result<Option<Self::Found>> {
        let Ok(id) = key.parse() else { return Ok(None) };
        let codex = &visit.call.codex;
        codex.tag(visit.scope(), TagId(id)).await
    }

    async fn create(visit: &Visit, stated: Map<String, Value>) -> codex_core::Result<String> {
        let (codex, author) = (&visit.call.codex, &visit.call.author);
        let tag = TagIn::read(stated, Intent::Create)?;
        let created = codex.create_tag(visit.scope(), author, &tag);
        let (tag, _) = applied(created.await?)?;
        Ok(tag.id.to_string())
    }

    async fn update(
        visit: &Visit,
        author: &Author,
        (tag, _): &Self::Found,
        stated: Map<String, Value>,
    ) -> codex_core::Result<bool> {
        let codex = &visit.call.codex;
        let edit = TagIn::read(stated, Intent::Update)?;
        let updated = codex.update_tag(visit.scope(), author, tag.id, &edit);
        Ok(updated.await?.map(applied).transpose()?.is_some())
    }

    async fn summary(visit: &Visit, (tag, uses): &Self::Found) -> codex_core::Result<SummaryView> {
        let kinds = TAGGED.into_iter().zip(counts(*uses));
        let items = kinds.map(|((name, label), count)| SummaryItem {
            label,
            value: count.to_string(),
            href: Some(visit.at.link(&list_of(name, &tag.fields.name))),
            remark: None,
            tone: "",
        });
        Ok(SummaryView {
            items: items.collect(),
            tables: Vec::new(),
        })
    }

    fn decorate(at: &Forwarded, record: &PageRecord, cell: &mut Cell) {
        let is_count = TAGGED.iter().any(|(name, _)| *name == cell.field);
        if is_count && cell.text != "0" {
            cell.href = Some(at.link(&list_of(cell.field, &record.name)));
        } else if cell.field == "colour" && !cell.text.is_empty() {
            cell.badge = Some("");
        }
    }

    fn input(field: &FieldDef, input: InputView) -> InputView {
        match field.name {
            "name" => input.helped("1 to 60 characters."),
            "colour" => input.helped("As #d73a49; empty for none."),
            _ => input,
        }
    }
}

/// How many records have a tag, by kind.
fn counts(uses: TagUses) -> [i64; 3] {
    [uses.companies, uses.contacts, uses.assets]
}

/// The list of the records of a kind that have a tag.
fn list_of(kind: &str, tag: &str) -> String {
    filtered(&format!("/{kind}/"), "tag", tag)
}

/// What templates are tested with.
#[cfg(test)]
pub(super) fn samples() -> Vec<(&'static str, (Tag, TagUses))> {
    use super::{parts::samples::now, record::samples::hostile};

    let tag = |fields: Value| Tag {
        id: TagId(7),
        fields: serde_json::from_value(fields).unwrap(),
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
    };
    let uses = TagUses {
        assets: 12,
        companies: 0,
        contacts: i64::MAX,
    };
    let usual = json!({"name": "VIP", "colour": "#d73a49"});
    vec![
        ("empty", (tag(json!({"name": "new"})), TagUses::default())),
        ("usual", (tag(usual), uses)),
        ("hostile", (tag(hostile(TagFields::FIELDS)), uses)),
    ]
}
