//! What people wrote, without markup.

use crate::panics::contained;

/// Longer lines are broken.
const WIDTH: usize = 1_000;
/// Deeper markup is read without a layout. The library calls itself for each level, and a stack that overflows is no
/// panic: it ends the process.
const MAX_DEPTH: usize = 500;
/// So is markup of more tags: the depth that is hidden from the estimate costs the parser the square of them.
const MAX_TAGS: usize = 20_000;
/// And so are tables that would have more cells: a few thousand rows and columns, or cells that hang down through all
/// rows below, would take gigabytes.
const MAX_CELLS: usize = 200_000;
/// Tags without an end, or that the next of their kind ends. They are not counted as levels; tables and lists are.
const UNNESTED: [&str; 25] = [
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta",
    "option", "p", "param", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track", "wbr",
];

/// The text of an HTML document; `None` when nothing is left. What the library cannot lay out (it divides by the
/// number of a table's columns, which may be none) is read without a layout.
pub(super) fn text(html: &str) -> Option<String> {
    let laid_out = contained("html", || laid_out(html));
    let text = match laid_out {
        Ok(Some(text)) => text,
        Ok(None) | Err(_) => without_tags(html),
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The text as the library lays it out; `None` when it cannot, or when the markup is too deep.
fn laid_out(html: &str) -> Option<String> {
    // The parser needs no stack, but its time grows with the square of the depth.
    if depth(html) > MAX_DEPTH || html.matches('<').count() > MAX_TAGS {
        return None;
    }
    let plain = html2text::config::with_decorator(html2text::render::TrivialDecorator::new());
    let document = plain.parse_html(html.as_bytes()).ok()?;
    if is_deep(&document.document) || is_wide(&document.document) {
        return None;
    }
    let tree = plain.dom_to_render_tree(&document).ok()?;
    plain.render_to_string(tree, WIDTH).ok()
}

/// How many tags are open at once, at most: an estimate, for each end tag is taken for the end of the last one.
fn depth(html: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    for tag in html.split('<').skip(1) {
        let (is_end, tag) = match tag.strip_prefix('/') {
            Some(tag) => (true, tag),
            None => (false, tag),
        };
        let end = tag.find(|c: char| !c.is_ascii_alphanumeric());
        let name = &tag[..end.unwrap_or(tag.len())];
        if name.is_empty() || UNNESTED.iter().any(|one| name.eq_ignore_ascii_case(one)) {
            continue;
        }
        open = if is_end {
            open.saturating_sub(1)
        } else {
            open + 1
        };
        deepest = deepest.max(open);
    }
    deepest
}

/// Whether a parsed document has more levels than can be laid out.
fn is_deep(document: &html2text::Handle) -> bool {
    let mut level = vec![document.clone()];
    for _ in 0..MAX_DEPTH {
        let below = level.iter().map(|node| node.children.borrow().clone());
        level = below.collect::<Vec<_>>().concat();
        if level.is_empty() {
            return false;
        }
    }
    true
}

/// Whether the tables of a parsed document may have too many cells: each row has as many as the widest, and those that
/// hang down from rows above.
fn is_wide(document: &html2text::Handle) -> bool {
    let (mut rows, mut widest, mut hanging) = (0_usize, 0_usize, 0_usize);
    let mut open = vec![document.clone()];
    while let Some(node) = open.pop() {
        let children = node.children.borrow();
        if let html2text::Element { name, attrs, .. } = &node.data {
            match &*name.local {
                "tr" => {
                    rows += 1;
                    widest = widest.max(children.len());
                }
                "td" | "th" => {
                    let attrs = attrs.borrow();
                    let hangs = attrs.iter().any(|attr| &*attr.name.local == "rowspan");
                    hanging += usize::from(hangs);
                }
                _ => {}
            }
        }
        open.extend(children.iter().cloned());
    }
    rows.saturating_mul(widest + hanging) > MAX_CELLS
}

/// What stands between the tags, a line for each tag that ends one.
fn without_tags(html: &str) -> String {
    let (mut text, mut rest) = (String::new(), html);
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(&characters(before));
        if !tag.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c)) {
            text.push('<');
            rest = tag;
            continue;
        }
        let (tag, after) = tag.split_once('>').unwrap_or((tag, ""));
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        let name = name.to_ascii_lowercase();
        rest = after;
        if ["script", "style"].contains(&&*name) && !tag.starts_with('/') {
            // What it holds is no text; its end tag is read next.
            rest = after.find("</").map_or("", |end| &after[end..]);
        }
        text.push(if INLINE.contains(&&*name) { ' ' } else { '\n' });
    }
    text.push_str(&characters(rest));
    let lines = text.lines().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.join(" ")
    });
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Tags that end no line.
const INLINE: [&str; 12] = [
    "a", "b", "em", "font", "i", "img", "span", "strong", "td", "th", "u", "sub",
];

/// The longest name of a character reference that is looked for: a text may be full of `&` without an end.
const LONGEST_NAME: usize = 16;

/// A text with the common character references replaced.
fn characters(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let mut name = after.bytes().take(LONGEST_NAME);
        let end = name.position(|byte| byte == b';');
        let found = end.and_then(|end| {
            let (name, left) = (&after[..end], &after[end + 1..]);
            let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok();
            let c = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                "nbsp" => ' ',
                _ => {
                    let digits = name.strip_prefix('#')?;
                    let hex = digits.strip_prefix(['x', 'X']);
                    let code = hex.map_or_else(|| number(digits, 10), |hex| number(hex, 16));
                    char::from_u32(code?).filter(|c| *c != '\0')?
                }
            };
            Some((c, left))
        });
        if let Some((c, left)) = found {
            out.push(c);
            rest = left;
        } else {
            out.push('&');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::{depth, laid_out, text, without_tags};

    /// Trap 27.
    #[test]
    fn markup_is_removed_and_every_character_kept() {
        let html = "<div>Hello&nbsp;&amp; <b>Zürich</b> &#128187;<script>alert(1)</script>\
                    <br>second<style>p{}</style> line</div>";
        assert_eq!(
            text(html).unwrap().replace('\u{a0}', " "),
            "Hello & Zürich 💻\nsecond line"
        );
        assert_eq!(text("<p> </p>"), None);
        assert_eq!(text(""), None);
        assert_eq!(text("a < b").as_deref(), Some("a < b"));
    }

    #[test]
    fn unclosed_table_and_large_text_are_read() {
        assert!(text("<table><tr><td>x").is_some_and(|text| text.contains('x')));
        let long = format!("<p>{}</p>", "word ".repeat(200_000));
        assert!(text(&long).is_some_and(|text| text.len() > 900_000));
    }

    /// The library divides by zero for a table without columns.
    #[test]
    fn markup_that_cannot_be_laid_out_is_still_read() {
        let cell = |inner: &str| {
            format!("<p>Before</p><table><tr><td rowspan=\"0\">{inner}</td></tr></table>")
        };
        let logo = text(&cell("<img alt=\"logo\">")).unwrap();
        assert!(logo.contains("Before"), "{logo}");
        let blank = text(&cell("&nbsp;")).unwrap();
        assert!(blank.contains("Before"), "{blank}");
        let alone = "<table><tr><td rowspan=\"0\"><img alt=\"logo\"></td></tr></table>";
        assert!(text(alone).is_none_or(|text| !text.contains('<')));
    }

    #[test]
    fn text_without_layout_keeps_words_and_drops_code() {
        let html = "<div>Hello&nbsp;&amp; <b>Z\u{fc}rich</b> &#128187;&#x21;<SCRIPT>if (a<b) alert(1)</SCRIPT>\
                    <br>second<style>p{}</style> R&D line</div><p>a < b";
        let read = without_tags(html);
        for word in ["Hello & Z\u{fc}rich \u{1f4bb}!", "second", "R&D line", "b"] {
            assert!(read.contains(word), "{word}: {read}");
        }
        assert!(!read.contains("alert") && !read.contains("p{}"), "{read}");
        for odd in [
            "",
            "<",
            "<script",
            "&;",
            "&#x110000;",
            "&#0;",
            "\u{fc}<\u{fc}",
            "</",
        ] {
            without_tags(odd);
        }
    }

    /// An overflow of the stack would end the process, and with it all tests.
    #[test]
    fn markup_of_any_depth_is_read() {
        for (open, close) in [
            ("<div>", "</div>"),
            ("<div>", ""),
            ("<b>", ""),
            ("<B class=\"x\">", ""),
            ("<blockquote>", ""),
            ("<ul><li>", ""),
            ("<table>", ""),
            ("<table><tr><td>", ""),
            ("<a href=\"https://vendor.example\"><font>", ""),
            ("<svg><g>", ""),
        ] {
            let deep = format!("{}deep{}", open.repeat(100_000), close.repeat(100_000));
            assert_eq!(text(&deep).as_deref(), Some("deep"), "{open}");
        }
    }

    /// Texts of megabytes must not keep a core busy for hours.
    #[test]
    fn reading_time_grows_linearly_with_the_text() {
        let marks = "&".repeat(500_000);
        let read = text(&format!("{}{marks}", "<div>".repeat(600)));
        assert!(read.as_ref() == Some(&marks), "each is a character");
        let hidden = format!("{}deep", "<div><!-- </div> -->".repeat(200_000));
        assert!(text(&hidden).is_some_and(|read| read.contains("deep")));
    }

    /// A cell that hangs down is one more in each row below.
    #[test]
    fn oversized_tables_are_read_without_layout() {
        let cell = "<td rowspan=\"65534\">x";
        let rows = "<tr>".repeat(1_000);
        let hanging = format!("<table><tr>{}{rows}", cell.repeat(1_000));
        let rows = "<tr><td>y".repeat(1_000);
        let square = format!("<table><tr>{}{rows}", "<td>x".repeat(1_000));
        for table in [hanging, square] {
            assert!(laid_out(&table).is_none());
            assert!(text(&table).is_some_and(|text| text.contains('x')));
        }
    }

    /// What looks shallow to the estimate is measured once it is parsed.
    #[test]
    fn depth_hidden_from_the_estimate_is_measured() {
        for open in [
            "<div><!-- </div> -->",
            "<div title=\"</div>\">",
            "<blockquote></x>",
            "<div><object></div></object>",
        ] {
            let deep = format!("{}deep", open.repeat(3_000));
            assert!(depth(&deep) < 5, "{open}");
            let read = text(&deep);
            assert!(read.is_some_and(|text| text.contains("deep")), "{open}");
        }
    }

    #[test]
    fn long_shallow_markup_keeps_its_layout() {
        let row = "<tr><td>one<td>two</td></tr>";
        let table = format!("<table>{}</table>", row.repeat(600));
        let list = format!("<ul>{}</ul>", "<li>item<p>more<br>lines".repeat(600));
        assert_eq!((depth(&table), depth(&list)), (1, 1));
        let nested = format!("{}word{}", "<div><i>".repeat(200), "</i></div>".repeat(200));
        assert_eq!(depth(&nested), 400);
        assert!(laid_out(&table).is_some_and(|text| text.lines().count() >= 600));
        assert!(laid_out(&list).is_some() && laid_out(&nested).is_some());
    }
}
