//! Access to vendors.

use secrecy::ExposeSecret as _;

use super::Dir;
use crate::config::Config;

#[test]
fn a_full_url_serves_as_domain() {
    let conf = "[freshservice]\ndomain = http://127.0.0.1:99\napi_key = k\n";
    let freshservice = Dir::new().conf(conf).load().freshservice.unwrap();
    assert_eq!(
        freshservice.base_url.as_str(),
        "http://127.0.0.1:99/api/v2/"
    );
}

#[test]
fn readme_placeholders_are_not_credentials() {
    let conf = "[freshservice]\ndomain = your-domain.freshservice.com\n\
                api_key = YOUR_FRESHSERVICE_API_KEY\n\
                [datto]\npublic_key = YOUR_DATTO_PUBLIC_KEY\nsecret_key = YOUR_DATTO_SECRET_KEY\n";
    let config = Dir::new().conf(conf).load();
    assert!(config.freshservice.is_none() && config.datto.is_none());
}

#[test]
fn keycloak_backend_url_wins_over_legacy_names() {
    let dir = Dir::new();
    assert!(dir.load().keycloak.is_none(), "nobody said where it is");
    let named = dir
        .sources()
        .set("keycloak.server_url", "http://localhost:8080");
    let keycloak = Config::load(&named).unwrap().keycloak.unwrap();
    assert_eq!(keycloak.base_url.as_str(), "http://localhost:8080/");
    assert_eq!(keycloak.realm, "hivematrix");
    assert!(keycloak.client.is_none() && keycloak.verify_tls);
    let (realm, user, _) = keycloak.admin.unwrap();
    assert_eq!((realm.as_str(), user.as_str()), ("master", "admin"));

    let dir = dir.file(
        ".flaskenv",
        "KEYCLOAK_SERVER_URL=https://public/auth\nKEYCLOAK_REALM='other'\nKEYCLOAK_CLIENT_ID=codex\n\
         KEYCLOAK_CLIENT_SECRET=hunter2\nKEYCLOAK_ADMIN_USER=root\nKEYCLOAK_ADMIN_PASS=hunter3\n\
         VERIFY_SSL=False\n",
    );
    let keycloak = dir.load().keycloak.unwrap();
    assert_eq!(keycloak.base_url.as_str(), "https://public/auth/");
    assert_eq!(
        (keycloak.realm.as_str(), keycloak.verify_tls),
        ("other", false)
    );
    let (id, secret) = keycloak.client.unwrap();
    assert_eq!((id.as_str(), secret.expose_secret()), ("codex", "hunter2"));
    let (_, user, password) = keycloak.admin.unwrap();
    assert_eq!(
        (user.as_str(), password.expose_secret()),
        ("root", "hunter3")
    );
    let shown = dir.shown();
    assert!(
        !shown.contains("hunter") && shown.contains("client_secret = ***"),
        "{shown}"
    );

    let sources = dir
        .sources()
        .set("keycloak.backend_url", "http://inside:8080");
    let keycloak = Config::load(&sources).unwrap().keycloak.unwrap();
    assert_eq!(keycloak.base_url.as_str(), "http://inside:8080/");
}
