//! Reads Rust as far as it takes to know which paths a file uses. No parser: the sources are formatted by rustfmt and
//! have no block comments.

/// A file without its module of tests, which is its last item.
pub fn without_tests(text: &str) -> &str {
    let place = text.match_indices("\n#[cfg(").find(|(at, _)| {
        let mut lines = text[at + 1..].lines();
        let (attribute, item) = (lines.next(), lines.next());
        attribute.is_some_and(|line| line.contains("test")) && item == Some("mod tests {")
    });
    place.map_or(text, |(at, _)| &text[..at])
}

/// Code without comments; without the content of its texts too, unless `texts`.
pub fn code(text: &str, texts: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let (length, is_text) = match rest {
            ['/', '/', ..] => (until(rest, 2, &['\n']), false),
            ['"', ..] => (quoted(rest), true),
            ['r', '"' | '#', ..] if !is_word(&chars[..at]) => (raw(rest).unwrap_or(0), true),
            ['\'', '\\', _, ..] => (until(rest, 3, &['\'']) + 1, true),
            ['\'', _, '\'', ..] => (3, true),
            _ => (0, false),
        };
        if length == 0 {
            out.push(chars[at]);
            at += 1;
            continue;
        }
        let end = (at + length).min(chars.len());
        if is_text && texts {
            out.extend(&chars[at..end]);
        } else if is_text {
            out.push_str("\"\"");
        }
        at = end;
    }
    out
}

/// Whether a name goes on here, so that an `r` is its last letter; `br` begins a text.
fn is_word(before: &[char]) -> bool {
    let name = |c: &char| c.is_alphanumeric() || *c == '_';
    match before {
        [.., other, 'b'] => name(other),
        [.., last] => name(last),
        [] => false,
    }
}

/// Where one of `ends` comes first, from a place on.
fn until(chars: &[char], from: usize, ends: &[char]) -> usize {
    let found = chars.iter().skip(from).position(|c| ends.contains(c));
    found.map_or(chars.len(), |place| from + place)
}

/// The length of a text in quotes.
fn quoted(chars: &[char]) -> usize {
    let mut at = 1;
    while let Some(c) = chars.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// The length of a raw text; `None` for a name such as `r#type`.
fn raw(chars: &[char]) -> Option<usize> {
    let hashes = chars.iter().skip(1).take_while(|c| **c == '#').count();
    let begin = hashes + 2;
    (chars.get(begin - 1) == Some(&'"')).then_some(())?;
    let is_end = |place: &usize| {
        let behind = chars.iter().skip(place + 1).take(hashes);
        chars[*place] == '"' && behind.filter(|c| **c == '#').count() == hashes
    };
    let end = (begin..chars.len()).find(is_end)?;
    Some(end + 1 + hashes)
}

/// Names, `::` and single signs.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            end.unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

/// Paths from the crate's root that code of a module uses.
pub fn paths(module: &[&str], code: &str) -> Vec<Vec<String>> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at] {
            // `use<>` in a type brings nothing in.
            "use" if tokens.get(at + 1) != Some(&"<") => {
                at = tree(&tokens, at + 1, &[], &mut found);
            }
            "crate" | "super" | "self" if tokens.get(at + 1) == Some(&"::") => {
                at = tree(&tokens, at, &[], &mut found);
            }
            _ => at += 1,
        }
    }
    let from_root = |path: &Vec<String>| from_root(module, path);
    found.iter().filter_map(from_root).collect()
}

/// Reads a path, or a tree of them, behind `prefix`; returns the place behind it.
fn tree(tokens: &[&str], mut at: usize, prefix: &[&str], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    loop {
        match tokens.get(at) {
            Some(&"{") => return group(tokens, at + 1, &path, found),
            Some(&"*") => at += 1,
            Some(name) if is_name(name) => {
                path.push(name);
                at += 1;
            }
            _ => break,
        }
        if tokens.get(at) != Some(&"::") {
            break;
        }
        at += 1;
    }
    found.push(path.into_iter().map(str::to_owned).collect());
    // The name that it gets here.
    if tokens.get(at) == Some(&"as") {
        at += 2;
    }
    at
}

/// Reads the trees between braces; returns the place behind them.
fn group(tokens: &[&str], mut at: usize, prefix: &[&str], found: &mut Vec<Vec<String>>) -> usize {
    while let Some(token) = tokens.get(at) {
        at = match *token {
            "}" => return at + 1,
            "," => at + 1,
            // Whatever else stands there is passed over.
            _ => tree(tokens, at, prefix, found).max(at + 1),
        };
    }
    at
}

fn is_name(token: &str) -> bool {
    token.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// A path from the crate's root; `None` for one that begins with another crate or with a child of the module.
fn from_root(module: &[&str], path: &[String]) -> Option<Vec<String>> {
    let mut base = module;
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" => {
            base = &[];
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|name| name == "super") {
                base = base.split_last()?.1;
                rest = &rest[1..];
            }
        }
        _ => return None,
    }
    let base = base.iter().map(|name| (*name).to_owned());
    Some(base.chain(rest.iter().cloned()).collect())
}

#[test]
fn paths_are_read_from_trees_and_from_code() {
    let found = |module: &[&str], text: &str| -> Vec<String> {
        let paths = paths(module, &code(text, false));
        paths.into_iter().map(|path| path.join("::")).collect()
    };
    assert_eq!(
        found(
            &["agents", "query"],
            "use super::{Agent, rules::{self as r, *}}; use chrono::Utc;"
        ),
        ["agents::Agent", "agents::rules::self", "agents::rules"]
    );
    assert_eq!(
        found(
            &["jobs"],
            "pub(crate) use crate::{list::Page, store::{Db, Tx}};\nfn f() -> impl A + use<> {}"
        ),
        ["list::Page", "store::Db", "store::Tx"]
    );
    assert_eq!(
        found(
            &["bulk"],
            "let a = crate::sync::Run::new(self.a); macro($crate::agents::Agent, \"crate::b\") // crate::c"
        ),
        ["sync::Run::new", "agents::Agent"]
    );
    assert_eq!(
        found(
            &["a"],
            "use self::b::c; let q = '\"'; use crate::d; let s = r#\"crate::e \"x\"#;"
        ),
        ["a::b::c", "d"]
    );
}

#[test]
fn modules_of_tests_are_left_out() {
    let text = "use a;\n#[cfg(test)]\nfn b() {}\n\n#[cfg(all(test, feature = \"sync\"))]\nmod tests {\n    use c;\n}\n";
    assert!(without_tests(text).ends_with("fn b() {}\n"));
    assert_eq!(without_tests("use a;"), "use a;");
}
