//! From a user as Keycloak sends it to what is claimed of an agent (contract 3.6).

use serde_json::{Map, Value};

use super::USERS;
use crate::{
    agents::Agent,
    records::{ItemError, SourceRecord},
    sync::engine::item::Item,
};

/// Members that are kept beside the mapped ones: the same in lists and of single users. Everything else is
/// left at Keycloak: attributes may hold anything about a person, and what the caller may do with the user
/// (`access`) is no fact about the user.
const KEPT: [&str; 3] = ["emailVerified", "createdTimestamp", "federationLink"];

/// How the names of service accounts begin; the brief form of a user has nothing else to tell them by.
const SERVICE_ACCOUNT: &str = "service-account-";

/// Whether a user is the account of a client, and no person (trap 64).
pub(super) fn is_service_account(user: &Value) -> bool {
    let name = user.get("username").and_then(Value::as_str);
    user.get("serviceAccountClientId")
        .is_some_and(|id| !id.is_null())
        || name.is_some_and(|name| name.starts_with(SERVICE_ACCOUNT))
}

/// A user: an agent.
pub(super) fn user(value: &Value) -> Result<SourceRecord<Agent>, ItemError> {
    let mut item = Item::new("user", value)?;
    let id = item.id("id", false)?;
    item.state("keycloak_id", id.clone());
    item.text("username", "username");
    if !item.stated("username").is_some_and(Value::is_string) {
        return Err(item.fault("`username` is missing or no name"));
    }
    for (member, field) in [
        ("email", "email"),
        ("firstName", "first_name"),
        ("lastName", "last_name"),
    ] {
        // Keycloak leaves out what is not set (vendors 3): here absent means empty.
        if value.get(member).is_none() {
            item.state(field, Value::Null);
        }
        item.text(member, field);
    }
    item.flag("enabled", "enabled");
    let kept = KEPT
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), item.take(name)?)));
    let extra: Map<String, Value> = kept.collect();
    let mut incoming = item.into_incoming(id, USERS);
    incoming.extra = extra;
    Ok(incoming)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{agents::AgentFields, records::resolve::typed};

    fn full() -> Value {
        json!({"id": "a-1", "username": "grace", "email": "g@msp.test", "firstName": "Grace",
            "lastName": "Hopper", "enabled": true, "emailVerified": true,
            "createdTimestamp": 1_709_280_015_000_i64, "totp": false, "notBefore": 0,
            "attributes": {"phone": ["1"]}, "access": {"view": true}, "federationLink": "ldap",
            "requiredActions": [], "disableableCredentialTypes": [], "new_in_27": 1})
    }

    #[test]
    fn user_is_mapped_and_extra_keeps_listed_members_only() {
        let item = user(&full()).unwrap();
        let fields: AgentFields = typed("agent", &item.fields).unwrap();
        assert_eq!(fields.keycloak_id, "a-1");
        assert_eq!(fields.email.as_deref(), Some("g@msp.test"));
        assert_eq!(
            (fields.enabled, fields.theme_preference),
            (Some(true), None)
        );
        assert_eq!(
            Value::Object(item.extra),
            json!({"emailVerified": true, "createdTimestamp": 1_709_280_015_000_i64, "federationLink": "ldap"})
        );
    }

    #[test]
    fn brief_and_full_users_are_mapped_alike() {
        let mut brief = full();
        for member in [
            "totp",
            "notBefore",
            "attributes",
            "access",
            "requiredActions",
        ] {
            brief.as_object_mut().unwrap().remove(member);
        }
        assert_eq!(user(&brief).unwrap(), user(&full()).unwrap());
    }

    /// Trap 64.
    #[test]
    fn absent_members_are_null() {
        let item = user(&json!({"id": "a-1", "username": "kiosk"})).unwrap();
        for field in ["email", "first_name", "last_name"] {
            assert_eq!(item.fields[field], Value::Null, "{field}");
        }
        assert!(!item.fields.contains_key("enabled"));
    }

    /// Trap 64.
    #[test]
    fn disabled_user_is_a_disabled_agent() {
        let item = user(&json!({"id": "a-1", "username": "x", "enabled": false})).unwrap();
        assert_eq!(item.fields["enabled"], false);
    }

    /// Trap 64.
    #[test]
    fn service_accounts_are_recognized_by_client_or_name() {
        assert!(is_service_account(
            &json!({"username": "x", "serviceAccountClientId": "y"})
        ));
        assert!(is_service_account(
            &json!({"username": "service-account-codex"})
        ));
        for person in [full(), json!(null), json!({"serviceAccountClientId": null})] {
            assert!(!is_service_account(&person), "{person}");
        }
    }

    #[test]
    fn values_of_wrong_type_clear_nothing() {
        let item =
            user(&json!({"id": "a-1", "username": "x", "email": {"a": 1}, "enabled": "yes"}));
        let fields = item.unwrap().fields;
        assert!(!fields.contains_key("email") && !fields.contains_key("enabled"));
    }

    #[test]
    fn user_without_id_or_name_is_a_fault() {
        for bad in [
            json!(null),
            json!({}),
            json!({"id": "a"}),
            json!({"id": 5, "username": "x"}),
            json!({"id": "a", "username": " "}),
        ] {
            assert!(user(&bad).is_err(), "{bad}");
        }
    }
}
