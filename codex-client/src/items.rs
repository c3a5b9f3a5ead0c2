//! The items of a JSON array whose text comes in pieces.

use serde::de::{DeserializeOwned, Error as _};
use serde_json::{Error, Result};

/// An array of objects as far as it has come: whole items are taken out, so that about one is held.
#[derive(Debug, Default)]
pub(crate) struct Items {
    text: Vec<u8>,
    /// How much of the text was looked at.
    at: usize,
    /// Where the item began that is not whole yet.
    begin: usize,
    /// Brackets that are open: 1 between items, and 0 before the array and behind it.
    depth: usize,
    in_string: bool,
    escaped: bool,
    over: bool,
}

impl Items {
    /// What comes next of the text.
    pub fn add(&mut self, piece: &[u8]) {
        self.text.drain(..self.begin);
        self.at -= self.begin;
        self.begin = 0;
        self.text.extend(piece);
    }

    /// The next item that is whole; `None` when more must be added.
    ///
    /// # Errors
    /// When it is no array of such objects.
    pub fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        while let Some(byte) = self.text.get(self.at) {
            self.at += 1;
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' if self.depth > 1 => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'[' if self.depth == 0 && !self.over => self.depth = 1,
                b'{' if self.depth == 1 => {
                    self.begin = self.at - 1;
                    self.depth = 2;
                }
                b']' if self.depth == 1 => {
                    self.depth = 0;
                    self.over = true;
                }
                b'[' | b'{' if self.depth > 1 => self.depth += 1,
                b']' | b'}' if self.depth > 1 => {
                    self.depth -= 1;
                    if self.depth == 1 {
                        let item = self.begin..self.at;
                        self.begin = self.at;
                        return serde_json::from_slice(&self.text[item]).map(Some);
                    }
                }
                _ if self.depth > 1 => {}
                b',' if self.depth == 1 => {}
                b' ' | b'\n' | b'\r' | b'\t' => {}
                _ => return Err(Error::custom("no array of objects")),
            }
        }
        if self.depth < 2 {
            self.begin = self.at;
        }
        Ok(None)
    }

    /// # Errors
    /// When the array has not ended.
    pub fn end(&self) -> Result<()> {
        if self.over {
            return Ok(());
        }
        Err(Error::custom("the array has no end"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn items(text: &str, size: usize) -> Result<Vec<Value>> {
        let (mut items, mut found) = (Items::default(), Vec::new());
        for piece in text.as_bytes().chunks(size) {
            items.add(piece);
            while let Some(item) = items.next()? {
                found.push(item);
            }
        }
        items.end().map(|()| found)
    }

    #[test]
    fn items_are_parsed_across_chunk_boundaries() {
        let text = r#" [{"a":"]}\"\\"} , {"ü":[{},[1]],"b":{"c":"{"}},{}]
"#;
        let whole: Vec<Value> = serde_json::from_str(text).unwrap();
        for size in 1..=text.len() {
            assert_eq!(items(text, size).unwrap(), whole, "{size}");
        }
        assert_eq!(items("[]", 1).unwrap(), Vec::<Value>::new());
    }

    #[test]
    fn incomplete_or_wrong_arrays_are_errors() {
        for text in [
            "",
            "[",
            "[{}",
            "[{},",
            r#"{"a":[]}"#,
            "<html>",
            "[1]",
            r#"["a"]"#,
            "[] []",
        ] {
            assert!(items(text, 1).is_err(), "{text}");
        }
    }
}
