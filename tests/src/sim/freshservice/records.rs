//! Which records a list holds, in which order, and how they are spelled.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};

use super::options::Options;
use crate::sim::World;

/// The client whose records the MSP edition lists unless it is asked for others (vendors 1.6).
const DEFAULT_CLIENT: i64 = 2;

/// The lists that the simulator has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum List {
    Departments,
    Requesters,
    Agents,
}

impl List {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "departments" => Some(Self::Departments),
            "requesters" => Some(Self::Requesters),
            "agents" => Some(Self::Agents),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Departments => "departments",
            Self::Requesters => "requesters",
            Self::Agents => "agents",
        }
    }

    fn singular(self) -> &'static str {
        match self {
            Self::Departments => "department",
            Self::Requesters => "requester",
            Self::Agents => "agent",
        }
    }

    /// Its name if calls of the list have a limit of their own (vendors 1.3).
    pub fn limited(self) -> Option<&'static str> {
        match self {
            Self::Departments => None,
            Self::Requesters | Self::Agents => Some(self.name()),
        }
    }

    /// Parameters besides those of paging.
    pub fn filters(self) -> &'static [&'static str] {
        match self {
            Self::Departments => &["workspace_id"],
            Self::Requesters => &[
                "email",
                "mobile_phone_number",
                "work_phone_number",
                "include_agents",
                "belongs_to_workspace_ids",
            ],
            Self::Agents => &["email", "active", "state"],
        }
    }

    /// The member that holds the list; the MSP edition's sample names requesters in the singular.
    pub fn array(self, options: &Options) -> &'static str {
        match self {
            Self::Requesters if options.msp_mode => self.singular(),
            _ => self.name(),
        }
    }

    /// The member that holds a single record; the MSP edition names departments in the plural.
    pub fn wrapper(self, options: &Options) -> &'static str {
        match self {
            Self::Departments if options.msp_mode => self.name(),
            _ => self.singular(),
        }
    }

    fn records(self, world: &World) -> &[Value] {
        match self {
            Self::Departments => &world.departments,
            Self::Requesters => &world.requesters,
            Self::Agents => &world.agents,
        }
    }
}

/// What is kept until the world changes: orders and pages.
#[derive(Debug)]
pub(super) struct Kept {
    pub revision: u64,
    orders: Mutex<HashMap<String, Arc<Vec<usize>>>>,
    pages: Mutex<HashMap<String, Vec<Arc<str>>>>,
}

impl Kept {
    pub fn of(revision: u64) -> Self {
        Self {
            revision,
            orders: Mutex::default(),
            pages: Mutex::default(),
        }
    }

    /// A page's items as JSON text, and how many items the whole list has.
    pub fn page(
        &self,
        world: &World,
        options: &Options,
        asked: &Asked<'_>,
    ) -> (Vec<Arc<str>>, usize) {
        let order = self.order(world, options, asked);
        let key = format!("{}#{}#{}", asked.key(), asked.page, asked.per_page);
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let items = pages.entry(key).or_insert_with(|| {
            let records = asked.list.records(world);
            let first = (asked.page - 1).saturating_mul(asked.per_page);
            let places = order.iter().skip(first).take(asked.per_page);
            places
                .map(|at| Arc::from(spelled(&records[*at], asked.list, options)))
                .collect()
        });
        (items.clone(), order.len())
    }

    fn order(&self, world: &World, options: &Options, asked: &Asked<'_>) -> Arc<Vec<usize>> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders
            .entry(asked.key())
            .or_insert_with(|| Arc::new(ordered(world, options, asked)))
            .clone()
    }
}

/// What a call asks a list for.
#[derive(Debug)]
pub(super) struct Asked<'q> {
    pub list: List,
    pub page: usize,
    pub per_page: usize,
    pub filters: &'q BTreeMap<String, String>,
}

impl Asked<'_> {
    fn key(&self) -> String {
        format!("{}{:?}", self.list.name(), self.filters)
    }

    fn lists(&self, record: &Value, options: &Options) -> bool {
        let filter = |name: &str| self.filters.get(name).map(String::as_str);
        let is = |name: &str, member: &str| {
            filter(name).is_none_or(|wanted| {
                record[member]
                    .as_str()
                    .is_some_and(|has| has.eq_ignore_ascii_case(wanted))
            })
        };
        match self.list {
            List::Departments => {
                let workspace = record["workspace_id"].as_i64().unwrap_or(DEFAULT_CLIENT);
                let wanted = filter("workspace_id").and_then(|id| id.parse().ok());
                !options.msp_mode || workspace == wanted.unwrap_or(DEFAULT_CLIENT)
            }
            List::Requesters => {
                let agents = filter("include_agents") == Some("true");
                let asked = filter("belongs_to_workspace_ids").unwrap_or("2");
                let wanted = |id: &i64| asked.split(',').any(|part| part.trim() == id.to_string());
                (agents || record["is_agent"] != true)
                    && is("email", "primary_email")
                    && is("mobile_phone_number", "mobile_phone_number")
                    && is("work_phone_number", "work_phone_number")
                    && (!options.msp_mode || clients(record).iter().any(wanted))
            }
            List::Agents => {
                let active = filter("active").is_none_or(|w| record["active"] == (w == "true"));
                let state =
                    filter("state").is_none_or(|w| record["occasional"] == (w == "occasional"));
                is("email", "email") && active && state
            }
        }
    }
}

/// Requesters and agents come by first name, a key that people change (vendors 1.2, trap 5). How
/// departments come is not written down; here as they were made.
fn ordered(world: &World, options: &Options, asked: &Asked<'_>) -> Vec<usize> {
    let records = asked.list.records(world);
    let mut order: Vec<usize> = (0..records.len())
        .filter(|at| asked.lists(&records[*at], options))
        .collect();
    if asked.list != List::Departments {
        order.sort_by_key(|at| records[*at]["first_name"].as_str().unwrap_or_default());
    }
    order
}

/// The record with this id.
pub(super) fn find<'w>(world: &'w World, list: List, id: &str) -> Option<&'w Value> {
    let (records, id) = (list.records(world), id.parse().ok()?);
    World::position(records, id).map(|at| &records[at])
}

fn clients(requester: &Value) -> Vec<i64> {
    match requester["belongs_to_workspace_ids"].as_array() {
        Some(ids) => ids.iter().filter_map(Value::as_i64).collect(),
        None => vec![DEFAULT_CLIENT],
    }
}

/// A record as the account's edition and age spell it.
pub(super) fn spelled(record: &Value, list: List, options: &Options) -> String {
    let plain = !options.msp_mode && !options.workspace_keys && !options.custom_fields_null;
    let Some(members) = record.as_object().filter(|_| !plain) else {
        return record.to_string();
    };
    let mut members = members.clone();
    if options.custom_fields_null && record["custom_fields"] == json!({}) {
        members.insert("custom_fields".into(), Value::Null);
    }
    let workspace = members
        .get("workspace_id")
        .cloned()
        .unwrap_or_else(|| DEFAULT_CLIENT.into());
    match list {
        List::Departments => {
            members.insert("workspace_id".into(), workspace);
            if options.msp_mode {
                members.insert("id".into(), record["id"].to_string().into());
                for absent in ["head_user_id", "prime_user_id", "domains"] {
                    members.remove(absent);
                }
            }
        }
        List::Requesters if options.msp_mode => {
            members.insert("belongs_to_workspace_ids".into(), json!(clients(record)));
            let sees = "can_see_all_tickets_from_associated_workspace_ids";
            members.insert(sees.into(), json!([]));
        }
        List::Requesters => {}
        List::Agents => {
            members.insert("workspace_ids".into(), json!([workspace]));
        }
    }
    Value::Object(members).to_string()
}
