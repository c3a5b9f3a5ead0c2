//! Sections whose keys are not fixed: `[policies]` and `[ticket_statuses]`.

use codex_core::{
    records::resolve::{Policy, Precedence},
    sync::default_precedence,
    tickets::status::Statuses,
};

use super::{ConfigError, Layers, keys};

/// `[policies]`: `kind.field = manual_wins | source_wins | write_if_empty`.
pub(super) fn precedence(layers: &Layers) -> Result<Precedence, ConfigError> {
    let mut precedence = default_precedence();
    for (key, text) in layers.open(keys::POLICIES) {
        let wrong = |message: String| layers.wrong(keys::POLICIES, key, message);
        let policy = match text {
            "manual_wins" => Policy::ManualWins,
            "source_wins" => Policy::SourceWins,
            "write_if_empty" => Policy::WriteIfEmpty,
            "manual_until_changed" => Policy::ManualUntilChanged,
            _ => {
                return Err(wrong(format!(
                    "`{text}` is none of manual_wins, source_wins, write_if_empty, manual_until_changed"
                )));
            }
        };
        let (kind, field) = key
            .split_once('.')
            .ok_or_else(|| wrong("must name a field as in company.name".to_owned()))?;
        precedence = precedence
            .with_policy(kind, field, policy)
            .map_err(|error| match error {
                codex_core::Error::Invalid { message, .. } => wrong(message),
                other => wrong(other.to_string()),
            })?;
    }
    Ok(precedence)
}

/// `[ticket_statuses]`: `number = word`.
pub(super) fn statuses(layers: &Layers) -> Result<Statuses, ConfigError> {
    let words = layers.open(keys::TICKET_STATUSES).map(|(key, word)| {
        let wrong = |message: &str| {
            layers.wrong(keys::TICKET_STATUSES, key, format!("`{word}`: {message}"))
        };
        // In one spelling, or a number could have two words.
        let id = key.parse().ok().filter(|id: &i64| id.to_string() == key);
        let id = id.ok_or_else(|| wrong("the key must be the number of a status"))?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if word.is_empty() || !word.chars().all(plain) {
            return Err(wrong(
                "a word has lower-case letters, digits and underscores",
            ));
        }
        Ok((id, word.to_owned()))
    });
    Ok(Statuses::new(words.collect::<Result<_, _>>()?))
}
