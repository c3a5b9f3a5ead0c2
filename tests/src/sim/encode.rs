//! Base64, for the few values that need it.

/// The alphabet of Basic authentication and PEM.
const STANDARD: [u8; 2] = *b"+/";
/// The alphabet of tokens and keys.
const URL_SAFE: [u8; 2] = *b"-_";

/// With padding, as in HTTP Basic and PEM.
pub(super) fn base64(bytes: &[u8]) -> String {
    encode(bytes, STANDARD, true)
}

/// Without padding, as in a JWT.
pub(super) fn url_safe(bytes: &[u8]) -> String {
    encode(bytes, URL_SAFE, false)
}

/// The value of an HTTP Basic header.
pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
}

/// The user name in the value of an HTTP Basic header.
pub(super) fn basic_user(header: &str) -> Option<String> {
    let text = String::from_utf8(decode(header.strip_prefix("Basic ")?)?).ok()?;
    text.split_once(':').map(|(user, _)| user.to_owned())
}

fn encode(bytes: &[u8], last: [u8; 2], pad: bool) -> String {
    let digit = |value: u8| match value {
        0..=25 => char::from(b'A' + value),
        26..=51 => char::from(b'a' + value - 26),
        52..=61 => char::from(b'0' + value - 52),
        _ => char::from(last[usize::from(value - 62)]),
    };
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                let value = (bits >> (18 - 6 * place)) & 63;
                out.push(digit(u8::try_from(value).unwrap_or(0)));
            } else if pad {
                out.push('=');
            }
        }
    }
    out
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 255).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_headers_are_read_back() {
        for user in ["", "a", "ab", "abc", "key-1/+é"] {
            let header = basic(user, "X");
            assert_eq!(basic_user(&header).as_deref(), Some(user), "{header}");
        }
        assert_eq!(
            basic("Aladdin", "open sesame"),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(basic_user("Bearer abc"), None);
        assert_eq!(url_safe(&[251, 255]), "-_8");
    }
}
