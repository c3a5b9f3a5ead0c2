//! Users of a Keycloak realm: the people who log in, and two service accounts.

use serde_json::{Value, json};

use super::{Size, World};

/// Names by first and last.
const PEOPLE: [(&str, &str); 6] = [
    ("Grace", "Hopper"),
    ("Ada", "Lovelace"),
    ("José", "Núñez"),
    ("Zoë", "Schneider"),
    ("小林", "さくら"),
    ("Dee", "O'Neil"),
];
/// Users that are named like a level: whoever holds a token of that level finds an agent of their own.
const LEVELS: [&str; 4] = ["admin", "technician", "billing", "client"];

/// The id of the user at a place, a UUID as Keycloak makes them.
pub fn user_id(n: usize) -> String {
    format!("6b630000-0000-4000-8000-{n:012x}")
}

/// How many people a realm of a size has: more than one page from S on (trap 62).
fn people(size: Size) -> usize {
    match size {
        Size::Tiny => 12,
        Size::Small | Size::S => 130,
        Size::M => 400,
        Size::L => 1_500,
    }
}

/// The users of a realm: people, then service accounts.
pub(super) fn users(size: Size) -> Vec<Value> {
    let people = people(size);
    let accounts = (people..people + 2).map(service_account);
    (0..people).map(user).chain(accounts).collect()
}

/// A user as a single one is sent. Members that are not set are left out (vendors 3). Of twenty, one is
/// disabled, two have no e-mail address and one of these no names, one comes from LDAP, one is named by the
/// e-mail address, one shares an e-mail address with others.
fn user(n: usize) -> Value {
    let (first, last) = PEOPLE[n % PEOPLE.len()];
    let (name, email) = match (LEVELS.get(n), n % 20) {
        (Some(level), _) => ((*level).to_owned(), Some(format!("{level}@msp.example"))),
        (_, 4 | 5) => (format!("kiosk{n}"), None),
        (_, 7) => (
            format!("user{n}@msp.example"),
            Some(format!("user{n}@msp.example")),
        ),
        (_, 9) => (format!("desk{n}"), Some("desk@msp.example".to_owned())),
        _ => (format!("user{n}"), Some(format!("user{n}@msp.example"))),
    };
    let mut user = representation(n, &name);
    if let Some(email) = email {
        user["email"] = email.into();
    }
    if n % 20 != 5 {
        user["firstName"] = first.into();
        user["lastName"] = last.into();
    }
    if n % 20 == 6 {
        user["enabled"] = false.into();
    }
    if n % 20 == 8 {
        user["federationLink"] = "9f1e2d3c-0000-4000-8000-00000000ldap".into();
        user["attributes"] = json!({"LDAP_ID": [format!("ldap-{n}")],
            "modifyTimestamp": ["20260105100000Z"]});
    }
    user
}

fn service_account(n: usize) -> Value {
    let client = format!("module{n}");
    let mut user = representation(n, &format!("service-account-{client}"));
    user["serviceAccountClientId"] = client.into();
    user
}

fn representation(n: usize, username: &str) -> Value {
    json!({
        "id": user_id(n),
        "username": username,
        "emailVerified": n.is_multiple_of(2),
        "createdTimestamp": 1_709_280_015_000_i64,
        "enabled": true,
        "totp": false,
        "disableableCredentialTypes": [],
        "requiredActions": [],
        "notBefore": 0,
        "access": {"manageGroupMembership": true, "view": true, "mapRoles": true,
            "impersonate": false, "manage": true},
    })
}

impl World {
    /// A Keycloak user to change in place.
    pub fn user_mut(&mut self, id: &str) -> Option<&mut Value> {
        self.users.iter_mut().find(|user| user["id"] == id)
    }

    /// Deletes a Keycloak user.
    pub fn delete_user(&mut self, id: &str) -> Option<Value> {
        let at = self.users.iter().position(|user| user["id"] == id)?;
        Some(self.users.remove(at))
    }
}
