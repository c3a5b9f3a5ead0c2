//! Times in JSON: RFC 3339 in UTC with the offset `+00:00`.
//!
//! chrono writes `Z`. Consumers read the offset that the Flask service wrote, and Python reads `Z` from 3.11 on only, so
//! wire types name the form of their times:
//!
//! ```
//! # use chrono::{DateTime, Utc};
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct VisitOut {
//!     #[serde(serialize_with = "codex_core::times::rfc3339")]
//!     began_at: DateTime<Utc>,
//!     #[serde(serialize_with = "codex_core::times::rfc3339")]
//!     ended_at: Option<DateTime<Utc>>,
//! }
//! let visit = VisitOut { began_at: DateTime::UNIX_EPOCH, ended_at: None };
//! let text = r#"{"began_at":"1970-01-01T00:00:00+00:00","ended_at":null}"#;
//! assert_eq!(serde_json::to_string(&visit).unwrap(), text);
//! ```
//!
//! Reading needs no help: chrono takes every offset, and an absent key of an `Option` is `None`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serializer;

/// Writes a time, or null, with as many decimals as it has: none, three, six or nine.
///
/// # Errors
/// Those of the serializer.
pub fn rfc3339<T, S>(at: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Copy + Into<Option<DateTime<Utc>>>,
    S: Serializer,
{
    write(*at, SecondsFormat::AutoSi, serializer)
}

/// The same with six decimals, where the Flask service always has them.
///
/// # Errors
/// Those of the serializer.
pub fn rfc3339_micros<T, S>(at: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Copy + Into<Option<DateTime<Utc>>>,
    S: Serializer,
{
    write(*at, SecondsFormat::Micros, serializer)
}

/// A time as [`rfc3339`] writes it.
#[cfg(feature = "store")]
pub(crate) fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

fn write<S: Serializer>(
    at: impl Into<Option<DateTime<Utc>>>,
    decimals: SecondsFormat,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match at.into() {
        Some(at) => serializer.serialize_str(&at.to_rfc3339_opts(decimals, false)),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Times {
        #[serde(serialize_with = "rfc3339")]
        at: DateTime<Utc>,
        #[serde(serialize_with = "rfc3339_micros")]
        micros: DateTime<Utc>,
        #[serde(serialize_with = "rfc3339")]
        maybe: Option<DateTime<Utc>>,
        #[serde(serialize_with = "rfc3339_micros")]
        maybe_micros: Option<DateTime<Utc>>,
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn times_have_an_offset_and_their_decimals() {
        for (sent, short, micros) in [
            ("2026-01-05T10:00:00Z", "10:00:00", "10:00:00.000000"),
            ("2026-01-05T10:00:00.12Z", "10:00:00.120", "10:00:00.120000"),
            (
                "2026-01-05T15:30:00.123456+05:30",
                "10:00:00.123456",
                "10:00:00.123456",
            ),
        ] {
            let times = Times {
                at: at(sent),
                micros: at(sent),
                maybe: Some(at(sent)),
                maybe_micros: Some(at(sent)),
            };
            let text = serde_json::to_string(&times).unwrap();
            let short = format!("2026-01-05T{short}+00:00");
            let micros = format!("2026-01-05T{micros}+00:00");
            assert_eq!(
                text,
                format!(r#"{{"at":"{short}","micros":"{micros}","#)
                    + &format!(r#""maybe":"{short}","maybe_micros":"{micros}"}}"#)
            );
            assert_eq!(serde_json::from_str::<Times>(&text).unwrap(), times);
        }
    }

    #[test]
    fn unknown_times_are_null_and_absent_ones_are_read() {
        let at = DateTime::UNIX_EPOCH;
        let times = Times {
            at,
            micros: at,
            maybe: None,
            maybe_micros: None,
        };
        let text = serde_json::to_string(&times).unwrap();
        assert!(
            text.ends_with(r#""maybe":null,"maybe_micros":null}"#),
            "{text}"
        );
        let sent = r#"{"at":"1970-01-01T00:00:00Z","micros":"1970-01-01T01:00:00+01:00"}"#;
        assert_eq!(serde_json::from_str::<Times>(sent).unwrap(), times);
    }
}
