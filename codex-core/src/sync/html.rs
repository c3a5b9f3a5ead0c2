//! What people wrote, without markup.

use crate::panics::contained;

/// Longer lines are broken.
const WIDTH: usize = 1_000;

/// The text of an HTML document; `None` when nothing is left. What the library cannot lay out (it divides by the
/// number of a table's columns, which may be none) is read without a layout.
pub(super) fn text(html: &str) -> Option<String> {
    let laid_out = contained("html", || {
        let plain = html2text::config::with_decorator(html2text::render::TrivialDecorator::new());
        plain.string_from_read(html.as_bytes(), WIDTH)
    });
    let text = match laid_out {
        Ok(Ok(text)) => text,
        Ok(Err(_)) | Err(_) => without_tags(html),
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
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

/// A text with the common character references replaced.
fn characters(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let found = after.split_once(';').and_then(|(name, left)| {
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
    use super::{text, without_tags};

    #[test]
    fn trap_27_markup_and_scripts_go_and_every_character_stays() {
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
    fn a_table_without_end_and_a_megabyte_are_read() {
        assert!(text("<table><tr><td>x").is_some_and(|text| text.contains('x')));
        let long = format!("<p>{}</p>", "word ".repeat(200_000));
        assert!(text(&long).is_some_and(|text| text.len() > 900_000));
    }

    /// The library divides by zero for a table without columns.
    #[test]
    fn what_the_library_cannot_lay_out_is_read_nevertheless() {
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
    fn text_without_layout_keeps_every_word_and_no_code() {
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

    #[test]
    fn markup_of_any_depth_is_read() {
        for (open, close) in [
            ("<div>", "</div>"),
            ("<blockquote>", ""),
            ("<table><tr><td>", ""),
        ] {
            let deep = format!("{}deep{}", open.repeat(20_000), close.repeat(20_000));
            assert!(
                text(&deep).is_some_and(|text| text.contains("deep")),
                "{open}"
            );
        }
    }
}
