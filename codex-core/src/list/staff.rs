//! What staff get of a record beside the keys of its answer: in lists by `fields=`, in exports always.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    agents::{Agent, AgentFields},
    assets::{self, Asset, AssetFields},
    billing_plans::{BillingPlan, BillingPlanFields},
    companies::{Company, CompanyFields},
    contacts::{Contact, ContactFields},
    locations::{Location, LocationFields},
    records::Tracked as _,
    tickets::{Ticket, TicketFields, beside},
};

/// The tracked field with the row id of a record's company, which stays inside: its account number is served instead.
pub const COMPANY_ROW_ID: &str = "company_id";

/// A kind of record with fields for staff.
pub trait StaffFields {
    /// Names of its tracked fields.
    const TRACKED: &'static [&'static str];
    /// Names of what is kept beside them.
    const BESIDE: &'static [&'static str] = &[];

    /// The fields that are read with the record, with their values.
    fn staff_fields(&self) -> Map<String, Value>;

    /// Names of all its fields for staff.
    fn staff_names() -> Vec<&'static str> {
        let all = Self::TRACKED.iter().chain(Self::BESIDE).copied();
        all.filter(|name| *name != COMPANY_ROW_ID).collect()
    }
}

/// `Company, CompanyFields;` implements [`StaffFields`] for a kind of record of which nothing is kept beside its
/// tracked fields.
macro_rules! tracked {
    ($($record:ty, $fields:ty;)*) => {
        $(impl StaffFields for $record {
            const TRACKED: &'static [&'static str] = <$fields>::NAMES;

            fn staff_fields(&self) -> Map<String, Value> {
                members(&self.fields)
            }
        })*
    };
}

tracked! {
    Agent, AgentFields;
    BillingPlan, BillingPlanFields;
    Company, CompanyFields;
    Contact, ContactFields;
    Location, LocationFields;
}

impl StaffFields for Asset {
    const TRACKED: &'static [&'static str] = AssetFields::NAMES;
    const BESIDE: &'static [&'static str] = &assets::BESIDE;

    fn staff_fields(&self) -> Map<String, Value> {
        members(&self.kept())
    }
}

/// What is beside a ticket is read on request alone: [`crate::Codex::beside_tickets`].
impl StaffFields for Ticket {
    const TRACKED: &'static [&'static str] = TicketFields::NAMES;
    const BESIDE: &'static [&'static str] = &beside::BESIDE;

    fn staff_fields(&self) -> Map<String, Value> {
        members(&self.fields)
    }
}

fn members(fields: &impl Serialize) -> Map<String, Value> {
    let mut members = match serde_json::to_value(fields) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    members.remove(COMPANY_ROW_ID);
    members
}
