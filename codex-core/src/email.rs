//! E-mail addresses as a person may send them. What a vendor sends is kept as it is.

use serde_json::Value;

/// The longest e-mail address, in bytes (RFC 5321 4.5.3.1.3, without its brackets).
const LONGEST: usize = 254;

/// An e-mail address without the blanks around it. Whether somebody reads it is not known; that it has one `@` with
/// something on both sides, and nothing that would make several of it, is.
///
/// # Errors
/// What would be right.
fn email(text: &str) -> Result<Value, String> {
    let text = text.trim();
    let sound = |part: &str| {
        let dots = part.starts_with('.') || part.ends_with('.') || part.contains("..");
        let odd = |c: char| c.is_whitespace() || c.is_control() || "@,;:<>()[]\\\"".contains(c);
        !part.is_empty() && !dots && !part.contains(odd)
    };
    match text.rsplit_once('@') {
        Some((name, host)) if text.len() <= LONGEST && sound(name) && sound(host) => {
            Ok(text.into())
        }
        _ => Err("must be an e-mail address such as ann@example.com".into()),
    }
}

/// The rule of [`email`] for a value that may be null.
pub(crate) fn check(value: Value) -> Result<Value, String> {
    match &value {
        Value::String(text) => email(text),
        _ => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_addresses_are_validated() {
        for good in [
            "ann@example.com",
            " ann.o'neil+x@sub.example.com ",
            "müller@exämple.test",
            "root@localhost",
        ] {
            assert_eq!(email(good), Ok(good.trim().into()));
        }
        let long = format!("{}@example.com", "a".repeat(250));
        for bad in [
            "no-at",
            "@",
            "a@",
            "@b",
            "a@b@c",
            "a b@c.test",
            "a@b, c@d",
            "Ann <a@b.test>",
            "a@b..test",
            "a@.b",
            "a\n@b.test",
            long.as_str(),
        ] {
            assert!(email(bad).is_err(), "{bad}");
        }
    }
}
