//! Decodes vendor data: from bytes to JSON in which every item stands on its own.
//!
//! Vendors send what JSON readers refuse: a byte order mark, bytes that are no UTF-8, half an emoji, the
//! character NUL, raw line breaks in texts, `NaN`, numbers beyond 64 bits. Nothing of that may cost more than
//! the value that it stands in, and an item that cannot be read at all may cost no other item. Whatever comes
//! from a vendor passes through [`read`]; what comes out of it both databases can hold.

use std::{borrow::Cow, mem, ops::Range};

use serde_json::{Value, json};

/// How deep a value may be nested inside its item. The deepest answer that a vendor documents has 6 levels,
/// and readers after us stop at about 128.
const MAX_DEPTH: usize = 64;
/// The largest item, and the most text outside of items, in bytes: a hundred times a long ticket.
const MAX_ITEM: usize = 8 << 20;
/// The most items in one answer; vendors' pages have up to 250.
const MAX_ITEMS: usize = 100_000;
/// Objects around a list at most: `{"ticket": {"conversations": [...]}}`.
const MAX_WRAPPERS: usize = 2;
/// The only member of what stands in the place of an unreadable item; its value is the reason.
const UNREADABLE: &str = "(unreadable)";

/// Why a whole answer could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// It ends in the middle: the connection broke.
    #[error("ends in the middle")]
    CutOff,
    /// It is no JSON, or nested deeper than any list.
    #[error("is not JSON")]
    NotJson,
    /// It holds more than a vendor's page does.
    #[error("is too large")]
    TooLarge,
}

/// Reads a vendor's answer.
///
/// Bytes that are no UTF-8 and lone surrogates become U+FFFD, NUL is removed from texts and names, a number
/// that fits neither `i64` nor `f64` becomes the text of its digits, `NaN` and infinities become null, and of
/// members with the same name the last one wins. Lists are the arrays that are the answer itself or a member
/// of it, or a member of such a member; an item of a list that cannot be read is replaced by a mark
/// ([`fault`] finds it), which no mapping takes for an item.
///
/// # Errors
/// [`Refusal`] when what is outside of items cannot be read.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, Refusal> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    let mut scanner = Scanner::new(&text);
    scanner.scan()?;
    let mut value: Value = serde_json::from_str(&scanner.outside).map_err(|_| Refusal::NotJson)?;
    fill(&mut value, 0, &mut scanner.items);
    Ok(value)
}

/// Why an item could not be read; `None` for one that could.
pub(crate) fn fault(item: &Value) -> Option<&str> {
    let members = item.as_object().filter(|members| members.len() == 1)?;
    members.get(UNREADABLE)?.as_str()
}

/// Puts items where the scanner has left their numbers; `wrappers` objects are around the value.
fn fill(value: &mut Value, wrappers: usize, items: &mut [Value]) {
    match value {
        Value::Array(list) => {
            for slot in list {
                let number = slot
                    .as_u64()
                    .and_then(|number| usize::try_from(number).ok());
                if let Some(item) = number.and_then(|number| items.get_mut(number)) {
                    *slot = mem::take(item);
                }
            }
        }
        Value::Object(members) if wrappers < MAX_WRAPPERS => {
            for member in members.values_mut() {
                fill(member, wrappers + 1, items);
            }
        }
        _ => {}
    }
}

/// Goes through a text once: mends what can be mended, and cuts it into items by its brackets.
struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// Brackets that are open.
    open: Vec<u8>,
    /// How many are open inside the list whose items are read.
    list: Option<usize>,
    /// The answer with numbers in place of items.
    outside: String,
    items: Vec<Value>,
    /// Where the list that is read begins in `items`.
    first: usize,
    /// The item that is read, and what is wrong with it.
    item: String,
    wrong: Option<String>,
}

impl<'t> Scanner<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            open: Vec::new(),
            list: None,
            outside: String::new(),
            items: Vec::new(),
            first: 0,
            item: String::new(),
            wrong: None,
        }
    }

    fn scan(&mut self) -> Result<(), Refusal> {
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.string()?,
                b'{' | b'[' => self.begin(byte)?,
                b'}' | b']' => self.end(byte)?,
                b',' if self.list == Some(self.open.len()) => {
                    self.end_item()?;
                    self.at += 1;
                }
                b',' | b':' => self.copy(self.at..self.at + 1)?,
                // Space, and control characters that mean nothing here.
                0..=b' ' => self.at += 1,
                _ => self.word()?,
            }
        }
        if self.open.is_empty() && !self.outside.is_empty() {
            Ok(())
        } else {
            Err(Refusal::CutOff)
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Adds to the item, or to what is outside of items.
    fn put(&mut self, text: &str) -> Result<(), Refusal> {
        if self.list.is_none() {
            self.outside.push_str(text);
            return if self.outside.len() > MAX_ITEM {
                Err(Refusal::TooLarge)
            } else {
                Ok(())
            };
        }
        if self.item.len() + text.len() > MAX_ITEM {
            self.spoil(|| format!("is larger than {} MiB", MAX_ITEM >> 20));
        }
        if self.wrong.is_none() {
            self.item.push_str(text);
        }
        Ok(())
    }

    /// Notes what is wrong with the item; the first fault counts.
    fn spoil(&mut self, why: impl FnOnce() -> String) {
        if self.wrong.is_none() {
            self.wrong = Some(why());
            self.item = String::new();
        }
    }

    /// Adds a part of the text as it is, and goes on behind it.
    fn copy(&mut self, range: Range<usize>) -> Result<(), Refusal> {
        self.at = range.end;
        let text = self.text;
        self.put(&text[range])
    }

    fn begin(&mut self, bracket: u8) -> Result<(), Refusal> {
        self.copy(self.at..self.at + 1)?;
        let is_list = bracket == b'[' && self.list.is_none();
        let is_list = is_list && self.open.len() <= MAX_WRAPPERS && !self.open.contains(&b'[');
        self.open.push(bracket);
        if is_list {
            (self.list, self.first) = (Some(self.open.len()), self.items.len());
        } else if self.open.len() - self.list.unwrap_or(0) > MAX_DEPTH {
            if self.list.is_none() {
                return Err(Refusal::NotJson);
            }
            self.spoil(|| format!("is nested deeper than {MAX_DEPTH} levels"));
        }
        Ok(())
    }

    fn end(&mut self, bracket: u8) -> Result<(), Refusal> {
        let begun = if bracket == b'}' { b'{' } else { b'[' };
        if self.list == Some(self.open.len()) {
            self.end_item()?;
            self.list = None;
        }
        if self.open.pop() != Some(begun) {
            return Err(Refusal::NotJson);
        }
        self.copy(self.at..self.at + 1)
    }

    /// Keeps what has been read of an item; nothing between two commas is none.
    fn end_item(&mut self) -> Result<(), Refusal> {
        let wrong = self.wrong.take();
        if wrong.is_none() && self.item.is_empty() {
            return Ok(());
        }
        let read = match wrong {
            None => serde_json::from_str(&self.item).map_err(|_| "is not JSON".to_owned()),
            Some(wrong) => Err(wrong),
        };
        let place = self.items.len() - self.first + 1;
        let mark = |wrong| json!({UNREADABLE: format!("number {place} of its list {wrong}")});
        if self.items.len() == MAX_ITEMS {
            return Err(Refusal::TooLarge);
        }
        if place > 1 {
            self.outside.push(',');
        }
        self.outside.push_str(&self.items.len().to_string());
        self.items.push(read.unwrap_or_else(mark));
        self.item.clear();
        Ok(())
    }

    /// A text, with its quotes.
    fn string(&mut self) -> Result<(), Refusal> {
        self.copy(self.at..self.at + 1)?;
        loop {
            let plain = self.text.as_bytes()[self.at..].iter();
            let plain = plain.take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=31));
            let end = self.at + plain.count();
            self.copy(self.at..end)?;
            match self.peek().ok_or(Refusal::CutOff)? {
                b'"' => return self.copy(self.at..self.at + 1),
                b'\\' => self.escape()?,
                0 => self.at += 1,
                control => {
                    self.at += 1;
                    self.put(&format!("\\u{control:04x}"))?;
                }
            }
        }
    }

    /// A backslash and what it stands for; one that stands for nothing is a backslash.
    fn escape(&mut self) -> Result<(), Refusal> {
        let at = self.at;
        match self.text.as_bytes().get(at + 1) {
            None => Err(Refusal::CutOff),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.copy(at..at + 2),
            Some(b'u') if let Some(unit) = self.unit(at) => match unit {
                0 => {
                    self.at += 6;
                    Ok(())
                }
                0xd800..=0xdbff
                    if self
                        .unit(at + 6)
                        .is_some_and(|low| (0xdc00..=0xdfff).contains(&low)) =>
                {
                    self.copy(at..at + 12)
                }
                0xd800..=0xdfff => {
                    self.at += 6;
                    self.put("\u{fffd}")
                }
                _ => self.copy(at..at + 6),
            },
            Some(_) => {
                self.at += 1;
                self.put("\\\\")
            }
        }
    }

    /// The UTF-16 unit that `\uXXXX` stands for.
    fn unit(&self, at: usize) -> Option<u16> {
        let escape = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
        let plain = escape.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| u16::from_str_radix(escape, 16).ok())?
    }

    /// A number, or one of the words that stand alone.
    fn word(&mut self) -> Result<(), Refusal> {
        let bytes = self.text.as_bytes()[self.at..].iter();
        let bytes = bytes.take_while(|byte| {
            !matches!(
                byte,
                b'{' | b'}' | b'[' | b']' | b',' | b':' | b'"' | 0..=b' '
            )
        });
        let end = self.at + bytes.count();
        let word = &self.text[self.at..end];
        self.at = end;
        self.put(&mended(word))
    }
}

/// A word that JSON knows, in place of one that it does not know or cannot hold.
fn mended(word: &str) -> Cow<'_, str> {
    if ["NaN", "Infinity", "-Infinity"].contains(&word) {
        return "null".into();
    }
    let digits = word.strip_prefix('-').unwrap_or(word);
    let numeric = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit()) && digits.bytes().all(numeric);
    let fits = if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        word.parse::<i64>().is_ok()
    } else {
        word.parse::<f64>().is_ok_and(f64::is_finite)
    };
    if is_number && !fits {
        format!("\"{word}\"").into()
    } else {
        word.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(body: &[u8]) -> Vec<Value> {
        let body = read(body).unwrap();
        body["items"].as_array().unwrap().clone()
    }

    /// What a text becomes.
    fn text(inside: &[u8]) -> String {
        let body = [b"{\"items\": [{\"a\": \"", inside, b"\"}, 7]}"].concat();
        let items = items(&body);
        assert_eq!(items[1], 7, "what stands beside it stays");
        items[0]["a"].as_str().unwrap().to_owned()
    }

    #[test]
    fn invalid_characters_in_texts_are_replaced() {
        for (sent, kept) in [
            (&br"x\ud83dy"[..], "x\u{fffd}y"),
            (br"\udc00\ud83d", "\u{fffd}\u{fffd}"),
            (br"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}"),
            (br"\ud83d\u0041", "\u{fffd}A"),
            (br"\uD83D\uDE00", "\u{1f600}"),
            (br"a\u0000b", "ab"),
            (b"a\0b", "ab"),
            (b"a\xffb\xc3", "a\u{fffd}b\u{fffd}"),
            (b"a\nb\x1f", "a\nb\u{1f}"),
            (br"C:\users\x", r"C:\users\x"),
            (br"\u12", r"\u12"),
            (br"\\u0000 \\\u0000", r"\u0000 \"),
            ("\u{fffe}\u{10ffff}".as_bytes(), "\u{fffe}\u{10ffff}"),
        ] {
            assert_eq!(text(sent), kept, "{}", String::from_utf8_lossy(sent));
        }
    }

    #[test]
    fn member_names_are_repaired_and_the_last_duplicate_wins() {
        let body = br#"{"items": [{"a\u0000": 1, "b\ud800": 2, "id": 3, "id": 4}], "c": {"d\u0000": "\u0000"}}"#;
        let expected = json!({"items": [{"a": 1, "b\u{fffd}": 2, "id": 4}], "c": {"d": ""}});
        assert_eq!(read(body), Ok(expected));
    }

    #[test]
    fn bom_and_control_characters_are_ignored_between_values() {
        assert_eq!(read(b"\xef\xbb\xbf\0 [1,\x0c2]\0"), Ok(json!([1, 2])));
        assert_eq!(
            read(b"{\"items\": [1, , 2,]}"),
            Ok(json!({"items": [1, 2]}))
        );
    }

    #[test]
    fn oversized_numbers_are_texts_and_invalid_ones_null() {
        for (sent, kept) in [
            (
                "123456789012345678901234567890",
                json!("123456789012345678901234567890"),
            ),
            ("-9223372036854775809", json!("-9223372036854775809")),
            ("9223372036854775807", json!(i64::MAX)),
            ("1e999", json!("1e999")),
            ("-1.5e-2", json!(-0.015)),
            ("NaN", Value::Null),
            ("-Infinity", Value::Null),
        ] {
            let body = format!("{{\"items\": [{{\"a\": {sent}}}], \"b\": {sent}}}");
            let body = read(body.as_bytes()).unwrap();
            assert_eq!(
                (&body["items"][0]["a"], &body["b"]),
                (&kept, &kept),
                "{sent}"
            );
        }
    }

    #[test]
    fn unreadable_item_does_not_affect_others() {
        let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
        let large = format!("\"{}\"", "x".repeat(MAX_ITEM));
        for (bad, reason) in [
            (
                deep.as_str(),
                "number 2 of its list is nested deeper than 64 levels",
            ),
            (&large, "number 2 of its list is larger than 8 MiB"),
            ("{\"id\": 1 \"x\": 2}", "number 2 of its list is not JSON"),
            ("{\"a\": undefined}", "number 2 of its list is not JSON"),
            ("007", "number 2 of its list is not JSON"),
        ] {
            let body = format!("{{\"items\": [{{\"id\": 1}}, {bad}, {{\"id\": 3}}], \"n\": 5}}");
            let body = read(body.as_bytes()).unwrap();
            let items = body["items"].as_array().unwrap();
            assert_eq!(
                (&items[0]["id"], &items[2]["id"], &body["n"]),
                (&json!(1), &json!(3), &json!(5))
            );
            assert_eq!(fault(&items[1]), Some(reason));
            assert_eq!((fault(&items[0]), items.len()), (None, 3));
        }
        let allowed = format!("[{}1{}]", "[".repeat(64), "]".repeat(64));
        assert_eq!(fault(&read(allowed.as_bytes()).unwrap()[0]), None);
    }

    #[test]
    fn lists_are_found_in_every_shape() {
        for body in [
            json!([{"id": 1}, 5, "x", null, [1, [2]]]),
            json!({"tickets": [{"id": 1, "tags": ["a"], "n": [3]}], "total": 3, "empty": []}),
            json!({"ticket": {"id": 1, "conversations": [{"id": 2}], "stats": {"x": [7, 0]}}}),
            json!({"a": [0], "b": [1, 0], "c": {"d": [2]}}),
            json!("text"),
            json!(17),
            json!({}),
        ] {
            assert_eq!(read(body.to_string().as_bytes()), Ok(body));
        }
    }

    #[test]
    fn truncated_json_is_distinguished_from_invalid_json() {
        let whole = br#"{"items": [{"id": 1, "x": "\ud83d\ude00"}, {"id": 2}], "n": 1}"#;
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), Err(Refusal::CutOff), "{end}");
        }
        for bad in [&b"<html>"[..], b"{\"a\": [1}", b"[1]]", b"{\"a\" 1}", b"]"] {
            assert_eq!(
                read(bad),
                Err(Refusal::NotJson),
                "{}",
                String::from_utf8_lossy(bad)
            );
        }
        let many = format!("[{}0]", "0,".repeat(MAX_ITEMS));
        assert_eq!(read(many.as_bytes()), Err(Refusal::TooLarge));
        let wide = format!("{{\"a\": \"{}\"}}", "x".repeat(MAX_ITEM));
        assert_eq!(read(wide.as_bytes()), Err(Refusal::TooLarge));
    }

    proptest::proptest! {
        /// What JSON readers accept stays what it is.
        #[test]
        fn valid_json_is_unchanged(texts in proptest::collection::vec(".*", 0..4), number: i64, float: f32) {
            let text = |n: usize| texts.get(n).map(|text| text.replace('\0', ""));
            let body = json!({"a": [{"x": text(0), "y": [number, text(1)]}, float], "b": {"c": text(2)},
                "d": {"e": {"f": [number, {"g": text(3)}]}}});
            let body = body.to_string();
            proptest::prop_assert_eq!(read(body.as_bytes()), Ok(serde_json::from_str::<Value>(&body).unwrap()));
        }

        /// Whatever bytes come, there is an answer or a refusal, and no NUL in it.
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(
            proptest::prop_oneof![proptest::prelude::any::<u8>(), proptest::sample::select(b"[]{}\",:\\u0d8 ".to_vec())],
            0..200,
        )) {
            if let Ok(value) = read(&bytes) {
                proptest::prop_assert!(!crate::records::patch::has_nul(&value));
            }
        }
    }
}
