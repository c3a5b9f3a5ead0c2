//! Who can log in: one person per role. They are the first users of the simulated Keycloak realm.

use serde_json::json;

use super::State;
use crate::sim::{core::user_claims, world::user_id};

/// Somebody with a button.
#[derive(Debug)]
pub struct Person {
    /// The permission level in the token.
    pub role: &'static str,
    /// The role as people say it.
    pub title: &'static str,
    /// Given and family name, as in Keycloak.
    pub name: &'static str,
    /// What this role sees, in a line.
    pub sees: &'static str,
}

/// Everybody with a button, in the order of the realm's users.
pub const PEOPLE: [Person; 4] = [
    Person {
        role: "admin",
        title: "Administrator",
        name: "Grace Hopper",
        sees: "Everything: all records, syncs, held deletions, agents and the settings of Codex.",
    },
    Person {
        role: "technician",
        title: "Technician",
        name: "Ada Lovelace",
        sees: "Companies, people, devices and tickets, to look up and to edit; starts syncs of changed tickets.",
    },
    Person {
        role: "billing",
        title: "Billing",
        name: "José Núñez",
        sees: "Plans, prices, contracts and what is billed; records are read-only.",
    },
    Person {
        role: "client",
        title: "Client",
        name: "Zoë Schneider",
        sees: "One company alone: its own people, devices and tickets, read-only.",
    },
];

/// The e-mail addresses of [`PEOPLE`].
#[derive(Debug)]
pub(super) struct Emails {
    client: Option<String>,
}

impl Emails {
    pub(super) fn new(client: Option<String>) -> Self {
        Self { client }
    }

    /// The address of a person.
    pub(super) fn of(&self, person: &Person) -> String {
        let client = self.client.clone().filter(|_| person.role == "client");
        client.unwrap_or_else(|| format!("{}@msp.example", person.role))
    }
}

/// The person with a role.
pub(super) fn with_role(role: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| person.role == role)
}

/// A token of Core for a person who logs in.
pub(super) fn token(state: &State, person: &Person, session: &str) -> anyhow::Result<String> {
    let place = PEOPLE.iter().position(|one| one.role == person.role);
    let mut claims = user_claims(person.role, &state.emails.of(person));
    claims["sub"] = json!(user_id(place.unwrap_or_default()));
    claims["jti"] = json!(session);
    claims["name"] = json!(person.name);
    state.key.sign(&claims)
}
