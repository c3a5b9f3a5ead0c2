//! What people wrote, without markup.

/// Longer lines are broken.
const WIDTH: usize = 1_000;

/// The text of an HTML document; `None` when nothing is left, or nothing could be read.
pub(super) fn text(html: &str) -> Option<String> {
    let plain = html2text::config::with_decorator(html2text::render::TrivialDecorator::new());
    let text = plain.string_from_read(html.as_bytes(), WIDTH).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::text;

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
}
