//! Answers with some fields of each record (`fields=`), described: nothing in them is required, and tracked fields may
//! be there beside the keys of the whole record.

use codex_core::{
    companies::COMPANY_NUMBER,
    list::{ColumnType, StaffFields},
    records::{Audience, FieldDef},
};
use utoipa::openapi::{
    ArrayBuilder, Components, Content, KnownFormat, Object, ObjectBuilder, OpenApi, Ref, RefOr,
    Schema, SchemaFormat, Type,
    schema::{AnyOfBuilder, ArrayItems, SchemaType},
};

use crate::api::lists;

/// What a caller may choose beside the keys of a record.
pub(crate) struct Further {
    /// Its fields, in groups.
    fields: &'static [&'static [FieldDef]],
    /// Those of them that are read on request alone.
    beside: &'static [&'static str],
    /// What is neither.
    name: Option<&'static str>,
    /// Whether the answer is one record.
    is_record: bool,
}

impl Further {
    /// Of records that have no fields for staff.
    pub const NONE: Self = Self {
        fields: &[],
        beside: &[],
        name: None,
        is_record: false,
    };

    /// Of records with fields for staff.
    pub const fn of<R: StaffFields>(name: Option<&'static str>) -> Self {
        Self {
            fields: R::FIELDS,
            beside: R::BESIDE,
            name,
            is_record: false,
        }
    }

    /// Of one record.
    pub const fn of_one(self) -> Self {
        Self {
            is_record: true,
            ..self
        }
    }
}

/// Describes the answer of each list, or of one record, as whole records or as parts of them.
pub fn describe(api: &mut OpenApi) {
    let Some(components) = &mut api.components else {
        return;
    };
    let lists = lists().filter_map(|list| Some((list.path, list.further.as_ref()?)));
    for (path, further) in lists {
        let item = api.paths.paths.get_mut(path);
        let operation = item.and_then(|item| item.get.as_mut());
        let answer = operation.and_then(|one| one.responses.responses.get_mut("200"));
        let Some(RefOr::T(answer)) = answer else {
            continue;
        };
        if let Some(RefOr::T(content)) = answer.content.get_mut("application/json") {
            either(components, content, further);
        }
    }
}

fn either(components: &mut Components, content: &mut Content, further: &Further) {
    let Some(whole) = content.schema.clone() else {
        return;
    };
    let Some(parts) = parts_of(components, &whole, further) else {
        return;
    };
    let either = AnyOfBuilder::new().item(whole).item(parts);
    content.schema = Some(either.into());
}

/// The same schema of parts: of an array, of an object that has one, or of one record.
fn parts_of(
    components: &mut Components,
    whole: &RefOr<Schema>,
    further: &Further,
) -> Option<RefOr<Schema>> {
    if let RefOr::T(Schema::Array(array)) = whole {
        let ArrayItems::RefOrSchema(items) = &array.items else {
            return None;
        };
        let part = part_of(components, named(items)?, further);
        let parts = ArrayBuilder::new().items(part);
        return Some(parts.description(array.description.clone()).into());
    }
    let name = named(whole)?;
    if further.is_record {
        return Some(part_of(components, name, further).into());
    }
    let Some(RefOr::T(Schema::Object(object))) = components.schemas.get(name) else {
        return None;
    };
    let mut object = object.clone();
    for schema in object.properties.values_mut() {
        if matches!(schema, RefOr::T(Schema::Array(_))) {
            *schema = parts_of(components, schema, further)?;
        }
    }
    Some(add(components, name, object).into())
}

/// The schema of a part of a record.
fn part_of(components: &mut Components, name: &str, further: &Further) -> Ref {
    let description = "Some fields of a record: those that `fields` names.";
    let mut part = ObjectBuilder::new().description(Some(description));
    let tracked = further.fields.iter().copied().flatten();
    for field in tracked.filter(|field| field.audience != Audience::Internal) {
        part = part.property(field.name, tracked_value(field));
    }
    match further.name {
        Some(COMPANY_NUMBER) => {
            let number = ObjectBuilder::new()
                .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
                .description(Some("Account number of its company; null when it has none"));
            part = part.property(COMPANY_NUMBER, number);
        }
        Some(field) => {
            let number = ObjectBuilder::new().schema_type(Type::String);
            let numbers = ArrayBuilder::new()
                .items(number)
                .description(Some("Account numbers of its companies, by name"));
            part = part.property(field, numbers);
        }
        None => {}
    }
    let mut members = Vec::new();
    if let Some(whole) = components.schemas.get(name) {
        members_of(components, whole, &mut members);
    }
    for field in further.beside {
        part = part.property(*field, any("Kept beside the record; null when unknown"));
    }
    for (field, schema) in members {
        // What is kept beside one record has more in it than the key of the same name of the whole answer.
        let has_more = further.is_record && further.beside.contains(&field.as_str());
        if !has_more {
            part = part.property(field, schema);
        }
    }
    add(components, name, part.build())
}

/// The schema of a tracked field. Only times have a type: what the others hold, the whole record says.
fn tracked_value(field: &FieldDef) -> ObjectBuilder {
    let schema = any(field.doc.trim());
    if field.column_type != ColumnType::Time {
        return schema;
    }
    schema
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

/// The schema of a value of any type.
fn any(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .description(Some(description))
}

/// Gathers the members of an object, of all its parts.
fn members_of(
    components: &Components,
    schema: &RefOr<Schema>,
    members: &mut Vec<(String, RefOr<Schema>)>,
) {
    match schema {
        RefOr::Ref(_) => {
            let schema = named(schema).and_then(|name| components.schemas.get(name));
            if let Some(schema) = schema {
                members_of(components, schema, members);
            }
        }
        RefOr::T(Schema::Object(object)) => {
            let own = object.properties.iter();
            members.extend(own.map(|(name, schema)| (name.clone(), schema.clone())));
        }
        RefOr::T(Schema::AllOf(all)) => {
            for part in &all.items {
                members_of(components, part, members);
            }
        }
        RefOr::T(_) => {}
    }
}

fn named(schema: &RefOr<Schema>) -> Option<&str> {
    match schema {
        RefOr::Ref(schema) => schema.ref_location.rsplit('/').next(),
        RefOr::T(_) => None,
    }
}

/// Adds a schema of parts, and refers to it.
fn add(components: &mut Components, whole: &str, schema: Object) -> Ref {
    let name = format!("Partial{whole}");
    components.schemas.insert(name.clone(), schema.into());
    Ref::from_schema_name(name)
}
