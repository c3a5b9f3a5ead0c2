//! Settings that have an effect only together.

use super::{Layers, read::is_sample};

/// Pairs of them, each as section and key.
const PAIRS: [[(&str, &str); 2]; 4] = [
    [("freshservice", "domain"), ("freshservice", "api_key")],
    [("datto", "public_key"), ("datto", "secret_key")],
    [("keycloak", "client_id"), ("keycloak", "client_secret")],
    [("keycloak", "admin_user"), ("keycloak", "admin_password")],
];

impl Layers {
    /// Settings that have no effect, because another one that they need is not set.
    pub fn without_effect(&self) -> Vec<String> {
        let is_set = |(section, key): (&str, &str)| {
            let text = self.text(section, key);
            text.is_some_and(|text| !is_sample(text))
        };
        let lonely =
            PAIRS
                .into_iter()
                .filter_map(|[one, other]| match (is_set(one), is_set(other)) {
                    (true, false) => Some((one, other)),
                    (false, true) => Some((other, one)),
                    _ => None,
                });
        let accepts = self.section("webhooks").boolean("enabled");
        let secret = ("webhooks", "secret");
        let unsigned = accepts.unwrap_or_default() && !is_set(secret);
        let webhooks = unsigned.then_some((("webhooks", "enabled"), secret));
        lonely
            .chain(webhooks)
            .map(|((section, key), (of, missing))| {
                format!("[{section}] {key} has no effect: [{of}] {missing} is not set")
            })
            .collect()
    }
}
