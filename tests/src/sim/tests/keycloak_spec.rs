//! Keycloak's users against its own descriptions, where those lie beside this repository.

use serde_json::Value;

use super::{super::*, vendor_spec::vendor_file};

/// 16.0 has a description too, but its members are in PascalCase, which the wire never was (vendors 3).
const DESCRIPTIONS: [&str; 2] = [
    "keycloak/keycloak-admin-openapi-23.0.0.json",
    "keycloak/keycloak-admin-openapi-26.6.2.json",
];

/// Whether a value is of the type that a schema names.
fn fits(value: &Value, schema: &Value) -> bool {
    match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    }
}

#[test]
fn simulated_users_match_the_keycloak_description() -> anyhow::Result<()> {
    for name in DESCRIPTIONS {
        let Some(spec) = vendor_file(name)? else {
            continue;
        };
        let known = &spec["components"]["schemas"]["UserRepresentation"]["properties"];
        assert!(known.is_object(), "{name}");
        for user in World::generate(Size::S, 1).users {
            for (member, value) in user.as_object().into_iter().flatten() {
                assert!(fits(value, &known[member]), "{name}: {member} is {value}");
            }
        }
    }
    Ok(())
}

#[test]
fn realm_has_every_promised_flaw() {
    let users = World::generate(Size::S, 1).users;
    let some = |is: &dyn Fn(&Value) -> bool| users.iter().any(is);
    for member in ["email", "firstName", "lastName"] {
        assert!(some(&|user| user.get(member).is_none()), "{member}");
    }
    assert!(some(&|user| user["enabled"] == false));
    assert!(some(&|user| user.get("federationLink").is_some()));
    assert!(some(&|user| user.get("serviceAccountClientId").is_some()));
    assert!(some(&|user| user["username"] == user["email"]));
    let shared = users
        .iter()
        .filter(|user| user["email"] == "desk@msp.example");
    assert!(shared.count() > 1);
    let ids: std::collections::HashSet<_> = users.iter().map(|user| user["id"].as_str()).collect();
    assert_eq!(ids.len(), users.len());
}
