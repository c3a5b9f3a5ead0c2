//! What records look like in Python: read from the field registry and from the schemas of the wire types, so that a
//! new field is there without an edit here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use codex_core::{
    agents::wire::{AgentIn, AgentOut},
    assets::{
        Asset, audit::wire::AssetAuditOut, billable::BillableOut, wire::AssetIn, wire::AssetOut,
    },
    billing_plans::{
        effective::EffectivePlanOut,
        input::BillingPlanIn,
        wire::{BillingImported, BillingPlanOut},
    },
    bulk::{BulkOut, DryRunOut},
    claims::wire::RecordClaimsOut,
    companies::{
        COMPANY_NUMBER, COMPANY_NUMBERS, Company,
        wire::{CompanyIn, CompanyOut, Renumbered},
    },
    contacts::{Contact, wire::ContactIn, wire::ContactOut},
    dashboard::wire::DashboardOut,
    duplicates::wire::DuplicateOut,
    feature_options::wire::{FeatureOptionIn, FeatureOptionOut},
    holds::wire::HoldOut,
    jobs::wire::JobDetailOut,
    list::{ColumnType, StaffFields},
    locations::{Location, wire::LocationIn, wire::LocationOut},
    outbox::wire::OutboxOut,
    overrides::wire::OverrideOut,
    psa_agents::wire::PsaAgentOut,
    records::{Audience, DeletedOut, FieldDef},
    search::wire::SearchOut,
    tags::{TagIn, wire::TagAddedOut, wire::TagOut, wire::TagRemovedOut},
    tickets::{
        Ticket,
        wire::{ConversationOut, TicketOut, TicketUpdateOut},
    },
    views::wire::{ViewIn, ViewOut},
};
use serde_json::Value;
use utoipa::ToSchema;

/// What a value is in Python.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Any,
    Text,
    Int,
    Float,
    Bool,
    Time,
    /// One of some words.
    Words(Vec<String>),
    /// A record of the shape with this name.
    Record(String),
    List(Box<Self>),
    Dict(Box<Self>),
}

/// An attribute of a record.
#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    pub name: String,
    pub doc: String,
    pub kind: Kind,
    pub nullable: bool,
    /// A list or an object that some answers hold as JSON inside a text (contract 1.2.B).
    pub packed: bool,
}

/// What records of a class look like.
#[derive(Debug)]
pub(crate) struct Shape {
    /// The class.
    pub name: String,
    pub doc: String,
    pub attributes: Vec<Attribute>,
}

/// Every class of record, and the bodies that changes state.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    pub records: BTreeMap<String, Shape>,
    /// By the class that is changed.
    pub bodies: BTreeMap<String, Vec<Attribute>>,
}

impl Kind {
    /// It as an annotation.
    pub(crate) fn annotation(&self) -> String {
        match self {
            Self::Any => "Any".into(),
            Self::Text => "str".into(),
            Self::Int => "int".into(),
            Self::Float => "float".into(),
            Self::Bool => "bool".into(),
            Self::Time => "datetime".into(),
            Self::Words(words) => format!("Literal[{}]", quoted(words)),
            Self::Record(name) => name.clone(),
            Self::List(item) => format!("tuple[{}, ...]", item.annotation()),
            Self::Dict(value) => format!("dict[str, {}]", value.annotation()),
        }
    }
}

fn quoted(words: &[String]) -> String {
    let words = words.iter().map(|word| format!("\"{word}\""));
    words.collect::<Vec<_>>().join(", ")
}

/// The registry, made once.
pub(crate) fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(Registry::new)
}

/// The shape of a class; all names are those of this file.
pub(crate) fn shape(name: &str) -> Option<&'static Shape> {
    registry().records.get(name)
}

/// Schemas by name.
type Schemas = BTreeMap<String, Value>;

fn collect<T: ToSchema>(schemas: &mut Schemas) -> String {
    let mut more = Vec::new();
    T::schemas(&mut more);
    let name = T::name().into_owned();
    more.push((name.clone(), T::schema()));
    for (name, schema) in more {
        let schema = serde_json::to_value(schema).unwrap_or_default();
        schemas.entry(name).or_insert(schema);
    }
    name
}

/// The class of a wire type.
fn class_name(schema: &str) -> String {
    match schema {
        "JobDetailOut" => "Job",
        "BulkOut" => "BulkResult",
        "BulkResult" => "BulkRow",
        "DeletedOut" => "DeletedRecord",
        "OutboxOut" => "OutboxEntry",
        "SearchOut" => "SearchResult",
        "ScopeResult" => "CollectionResult",
        "Fault" => "RowFault",
        "Fact" => "DuplicateFact",
        other => other.strip_suffix("Out").unwrap_or(other),
    }
    .to_owned()
}

impl Registry {
    fn new() -> Self {
        let mut schemas = Schemas::new();
        let mut made = Self::default();
        made.add_wire_types(&mut schemas);
        made.add_records(&mut schemas);
        made
    }

    fn add_wire_types(&mut self, schemas: &mut Schemas) {
        let mut roots = BTreeSet::new();
        macro_rules! roots {
            ($($wire:ty),+ $(,)?) => { $(roots.insert(collect::<$wire>(schemas));)+ };
        }
        roots!(
            AgentOut,
            AssetAuditOut,
            BillableOut,
            BillingImported,
            BillingPlanOut,
            codex_core::billing_plans::wire::BillingReplaced,
            BulkOut,
            ConversationOut,
            DashboardOut,
            DeletedOut,
            DryRunOut,
            DuplicateOut,
            EffectivePlanOut,
            FeatureOptionOut,
            HoldOut,
            JobDetailOut,
            OutboxOut,
            OverrideOut,
            PsaAgentOut,
            RecordClaimsOut,
            Renumbered,
            SearchOut,
            TagAddedOut,
            TagOut,
            TagRemovedOut,
            TicketUpdateOut,
            ViewOut,
        );
        for (name, schema) in &*schemas {
            let attributes = attributes(schema, schemas);
            if !attributes.is_empty() {
                let shape = Shape {
                    name: class_name(name),
                    doc: text(schema, "description"),
                    attributes,
                };
                self.records.insert(shape.name.clone(), shape);
            }
        }
        macro_rules! bodies {
            ($($class:literal: $body:ty),+ $(,)?) => {
                $(
                    let name = collect::<$body>(schemas);
                    let body = attributes(&schemas[&name], schemas);
                    self.bodies.insert($class.to_owned(), body);
                )+
            };
        }
        bodies!(
            "Agent": AgentIn,
            "Asset": AssetIn,
            "BillingPlan": BillingPlanIn,
            "Company": CompanyIn,
            "Contact": ContactIn,
            "FeatureOption": FeatureOptionIn,
            "Location": LocationIn,
            "Tag": TagIn,
            "View": ViewIn,
        );
    }

    fn add_records(&mut self, schemas: &mut Schemas) {
        self.add::<Company, CompanyOut>("Company", schemas, "tags", None);
        self.add::<Contact, ContactOut>("Contact", schemas, "tags", Some(COMPANY_NUMBERS));
        self.add::<Asset, AssetOut>("Asset", schemas, "tags", Some(COMPANY_NUMBER));
        self.add::<Location, LocationOut>("Location", schemas, "", Some(COMPANY_NUMBER));
        self.add::<Ticket, TicketOut>("Ticket", schemas, "", Some(COMPANY_NUMBER));
    }

    /// A kind of record with all that its list can show: the keys of its answer, its tracked fields, and what is kept
    /// `beside` them.
    fn add<R: StaffFields, Out: ToSchema>(
        &mut self,
        class: &str,
        schemas: &mut Schemas,
        beside: &str,
        further: Option<&str>,
    ) {
        let out = collect::<Out>(schemas);
        let schema = &schemas[&out];
        let mut own = attributes(schema, schemas);
        let body = self.bodies.get(class);
        for field in R::FIELDS.iter().copied().flatten() {
            if field.audience == Audience::Internal {
                continue;
            }
            let stated = body.and_then(|body| body.iter().find(|of| of.name == field.name));
            let tracked = tracked(field, stated);
            match own.iter_mut().find(|known| known.name == field.name) {
                Some(known) if tracked.packed => *known = tracked,
                Some(_) => {}
                None => own.push(tracked),
            }
        }
        let list = |name: &str, doc: &str| Attribute {
            name: name.to_owned(),
            doc: doc.to_owned(),
            kind: Kind::List(Box::new(Kind::Text)),
            nullable: false,
            packed: false,
        };
        if !beside.is_empty() {
            own.push(list(beside, "Names of its tags."));
        }
        if let Some(name) = further.filter(|name| own.iter().all(|known| known.name != **name)) {
            own.push(if name == COMPANY_NUMBERS {
                list(name, "Account numbers of its companies, by name.")
            } else {
                Attribute {
                    kind: Kind::Text,
                    nullable: true,
                    ..list(name, "Account number of its company.")
                }
            });
        }
        let rank = |attribute: &Attribute| match attribute.name.as_str() {
            "account_number" | "id" => 0,
            "name" | "hostname" | "subject" => 1,
            _ => 2,
        };
        own.sort_by_key(rank);
        let shape = Shape {
            name: class.to_owned(),
            doc: text(schema, "description"),
            attributes: own,
        };
        self.records.insert(class.to_owned(), shape);
    }
}

/// A tracked field as an attribute; what people can state says what is in a list.
fn tracked(field: &FieldDef, stated: Option<&Attribute>) -> Attribute {
    let packed = field.column_type == ColumnType::Json;
    Attribute {
        name: field.name.to_owned(),
        doc: field.doc.to_owned(),
        kind: match field.column_type {
            ColumnType::Json => stated.map_or(Kind::Any, |stated| stated.kind.clone()),
            other => of_column(other),
        },
        nullable: field.nullable,
        packed,
    }
}

/// What a column of a list holds.
pub(crate) fn of_column(column: ColumnType) -> Kind {
    match column {
        ColumnType::Text | ColumnType::Folded | ColumnType::Mac | ColumnType::Word => Kind::Text,
        ColumnType::Int => Kind::Int,
        ColumnType::Bool => Kind::Bool,
        ColumnType::Time => Kind::Time,
        ColumnType::Json => Kind::Any,
    }
}

fn text(schema: &Value, key: &str) -> String {
    let text = schema.get(key).and_then(Value::as_str);
    text.unwrap_or_default().trim().to_owned()
}

/// The members of an object, those of its parts too.
fn attributes(schema: &Value, schemas: &Schemas) -> Vec<Attribute> {
    let parts = schema.get("allOf").and_then(Value::as_array);
    let mut all: Vec<Attribute> = parts
        .into_iter()
        .flatten()
        .flat_map(|part| attributes(resolved(part, schemas), schemas))
        .collect();
    let members = schema.get("properties").and_then(Value::as_object);
    for (name, member) in members.into_iter().flatten() {
        let (kind, nullable) = kind(member, schemas);
        all.push(Attribute {
            name: name.clone(),
            doc: text(member, "description"),
            kind,
            nullable,
            packed: false,
        });
    }
    all
}

fn resolved<'s>(schema: &'s Value, schemas: &'s Schemas) -> &'s Value {
    referred(schema)
        .and_then(|name| schemas.get(name))
        .unwrap_or(schema)
}

/// The name of the schema that a reference leads to.
fn referred(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

/// What a member holds, and whether it may be null.
fn kind(schema: &Value, schemas: &Schemas) -> (Kind, bool) {
    if let Some(name) = referred(schema) {
        let target = resolved(schema, schemas);
        if target.get("properties").is_some() || target.get("allOf").is_some() {
            return (Kind::Record(class_name(name)), false);
        }
        return kind(target, schemas);
    }
    for union in ["oneOf", "anyOf"] {
        if let Some(choices) = schema.get(union).and_then(Value::as_array) {
            let is_null = |choice: &&Value| choice.get("type").is_some_and(|kind| kind == "null");
            let (null, others): (Vec<&Value>, Vec<&Value>) = choices.iter().partition(is_null);
            return match others.as_slice() {
                [one] => (kind(one, schemas).0, !null.is_empty()),
                _ => (Kind::Any, !null.is_empty()),
            };
        }
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words = words.iter().filter_map(Value::as_str);
        return (Kind::Words(words.map(str::to_owned).collect()), false);
    }
    let names: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let nullable = names.contains(&"null");
    let own: Vec<&str> = names.into_iter().filter(|name| *name != "null").collect();
    let kind = match own.as_slice() {
        ["string"]
            if schema
                .get("format")
                .is_some_and(|format| format == "date-time") =>
        {
            Kind::Time
        }
        ["string"] => Kind::Text,
        ["integer"] => Kind::Int,
        ["number"] => Kind::Float,
        ["boolean"] => Kind::Bool,
        ["array"] => {
            let item = schema
                .get("items")
                .map_or(Kind::Any, |item| kind(item, schemas).0);
            Kind::List(Box::new(item))
        }
        ["object"] => {
            let value = schema
                .get("additionalProperties")
                .filter(|value| value.is_object());
            let value = value.map_or(Kind::Any, |value| kind(value, schemas).0);
            Kind::Dict(Box::new(value))
        }
        _ => Kind::Any,
    };
    (kind, nullable)
}
