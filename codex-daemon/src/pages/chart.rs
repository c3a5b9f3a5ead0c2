//! Charts as inline SVG, each with a table of the same numbers behind it.
//!
//! A chart is drawn in `currentColor`, which a class of the vocabulary sets: pages have no colours of their own, so that
//! every theme fits. What colours say, words, dashes and numbers say too. A bar leads to the list that it counts, as
//! the row of the table does; the tab key stops at the rows alone.

use super::fields;

/// Width of every chart, in its own units; the page scales it.
const WIDTH: i64 = 640;
/// Where bars begin, and the most characters of the label before one.
const BARS: i64 = 220;
const LABEL: usize = 30;
/// Width that is left for the number behind the longest bar.
const NUMBERS: i64 = 60;
/// Height of a bar with the space around it.
const ROW: i64 = 24;
/// The sides of the plot of lines.
const LEFT: i64 = 40;
const RIGHT: i64 = 630;
const TOP: i64 = 30;
const BOTTOM: i64 = 150;
/// How lines differ without colours.
const DASHES: [&str; 3] = ["none", "6 4", "2 3"];
/// The side of a square of a grid, and the distance of squares.
const SQUARE: i64 = 20;
const STEP: i64 = 28;

/// A cell of a [`SmallTable`].
#[derive(Debug, Clone, Default)]
pub(crate) struct SmallCell {
    pub text: String,
    pub href: Option<String>,
    /// More of it, such as the exact time.
    pub title: Option<String>,
    /// A modifier of `status-text`.
    pub class: Option<&'static str>,
}

impl SmallCell {
    /// A text.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// The same as a link.
    pub fn to(self, href: impl Into<String>) -> Self {
        Self {
            href: Some(href.into()),
            ..self
        }
    }

    /// The same with more of it.
    pub fn titled(self, title: impl Into<String>) -> Self {
        Self {
            title: Some(title.into()),
            ..self
        }
    }
}

/// A table of few rows, which has no list engine behind it; `templates/_small_table.html` shows it.
#[derive(Debug)]
pub(crate) struct SmallTable {
    pub caption: String,
    pub heads: Vec<String>,
    pub rows: Vec<Vec<SmallCell>>,
    /// What stands in place of a table without rows.
    pub empty: &'static str,
}

impl SmallTable {
    /// Whether nothing in it takes the focus. The keyboard then reaches its frame, to scroll it.
    pub fn is_plain(&self) -> bool {
        self.rows.iter().flatten().all(|cell| cell.href.is_none())
    }
}

/// A rectangle.
#[derive(Debug)]
pub(crate) struct Bar {
    /// What it stands for, in words.
    pub text: String,
    /// Where it leads.
    pub href: Option<String>,
    pub x: i64,
    pub y: i64,
    pub width: i64,
    pub height: i64,
    pub class: &'static str,
    pub opacity: &'static str,
}

/// A line through points.
#[derive(Debug)]
pub(crate) struct Line {
    pub points: String,
    pub class: &'static str,
    pub dash: &'static str,
}

/// A text in a chart.
#[derive(Debug)]
pub(crate) struct Label {
    pub x: i64,
    pub y: i64,
    pub anchor: &'static str,
    pub text: String,
}

/// The shapes of a chart.
#[derive(Debug, Default)]
pub(crate) struct Drawing {
    pub height: i64,
    pub bars: Vec<Bar>,
    pub lines: Vec<Line>,
    pub labels: Vec<Label>,
}

impl Drawing {
    /// Its width, for templates.
    #[expect(clippy::unused_self, reason = "templates ask the drawing")]
    pub fn width(&self) -> i64 {
        WIDTH
    }
}

/// A chart with its table; `templates/_chart.html` shows it.
#[derive(Debug)]
pub(crate) struct Chart {
    /// Its id on the page.
    pub id: &'static str,
    pub title: String,
    /// What it shows, in a sentence.
    pub description: String,
    pub drawing: Drawing,
    pub table: SmallTable,
    /// The list behind it, and what the link to it says.
    pub href: String,
    pub link: &'static str,
}

/// A value with its name.
#[derive(Debug)]
pub(crate) struct Value {
    pub name: String,
    pub amount: i64,
    /// The class that colours it.
    pub class: &'static str,
    /// The list that it counts.
    pub href: String,
}

/// A square of a [`grid`].
#[derive(Debug)]
pub(crate) struct Square {
    pub text: String,
    pub class: &'static str,
    pub href: String,
}

/// Horizontal bars, one for each value.
pub(crate) fn bars(values: &[Value]) -> Drawing {
    let most = values
        .iter()
        .map(|one| one.amount)
        .max()
        .unwrap_or(0)
        .max(1);
    let mut drawing = Drawing::default();
    for (place, one) in (0_i64..).zip(values) {
        let top = place * ROW;
        let width = part(WIDTH - BARS - NUMBERS, one.amount, most);
        drawing.bars.push(Bar {
            text: format!("{}: {}", shortened(&one.name), one.amount),
            href: Some(one.href.clone()),
            x: BARS,
            y: top + 3,
            width,
            height: ROW - 6,
            class: one.class,
            opacity: "0.7",
        });
        drawing.labels.push(Label {
            x: BARS - 8,
            y: top + 17,
            anchor: "end",
            text: shortened(&one.name),
        });
        drawing.labels.push(Label {
            x: BARS + width + 6,
            y: top + 17,
            anchor: "start",
            text: one.amount.to_string(),
        });
        drawing.height = top + ROW;
    }
    drawing
}

/// A line for each series over the same steps; `ends` name the first and the last of those.
pub(crate) fn lines(series: &[(&str, Vec<i64>, &'static str)], ends: (&str, &str)) -> Drawing {
    let values = series.iter().flat_map(|(_, values, _)| values);
    let most = values.copied().max().unwrap_or(0).max(1);
    let label = |x, y, anchor, text: &str| Label {
        x,
        y,
        anchor,
        text: text.to_owned(),
    };
    let mut drawing = Drawing {
        height: BOTTOM + 24,
        ..Drawing::default()
    };
    drawing.lines.push(Line {
        points: format!("{LEFT},{BOTTOM} {RIGHT},{BOTTOM}"),
        class: "u-text-muted",
        dash: DASHES[0],
    });
    for (place, (name, values, class)) in series.iter().enumerate() {
        let steps = i64::try_from(values.len()).unwrap_or(i64::MAX) - 1;
        let points = (0_i64..).zip(values).map(|(step, value)| {
            let x = LEFT + part(RIGHT - LEFT, step, steps.max(1));
            let y = BOTTOM - part(BOTTOM - TOP, *value, most);
            format!("{x},{y}")
        });
        let dash = DASHES[place % DASHES.len()];
        drawing.lines.push(Line {
            points: points.collect::<Vec<_>>().join(" "),
            class,
            dash,
        });
        let y = 16;
        let x = LEFT + 150 * i64::try_from(place).unwrap_or_default();
        drawing.lines.push(Line {
            points: format!("{x},{} {},{}", y - 4, x + 30, y - 4),
            class,
            dash,
        });
        drawing.labels.push(label(x + 36, y, "start", name));
    }
    let most = most.to_string();
    drawing.labels.extend([
        label(LEFT - 6, TOP + 4, "end", &most),
        label(LEFT - 6, BOTTOM, "end", "0"),
        label(LEFT, BOTTOM + 18, "start", ends.0),
        label(RIGHT, BOTTOM + 18, "end", ends.1),
    ]);
    drawing
}

/// A row of squares for each name; a place without one is pale.
pub(crate) fn grid(rows: Vec<(String, Vec<Option<Square>>)>) -> Drawing {
    let mut drawing = Drawing::default();
    for (row, (name, squares)) in (0_i64..).zip(rows) {
        let top = row * STEP;
        drawing.labels.push(Label {
            x: BARS - 8,
            y: top + 15,
            anchor: "end",
            text: shortened(&name),
        });
        for (column, square) in (0_i64..).zip(squares) {
            let opacity = if square.is_some() { "0.8" } else { "0.15" };
            let (text, class, href) = match square {
                Some(Square { text, class, href }) => (text, class, Some(href)),
                None => (String::new(), "u-text-muted", None),
            };
            drawing.bars.push(Bar {
                text,
                href,
                x: BARS + column * STEP,
                y: top,
                width: SQUARE,
                height: SQUARE,
                class,
                opacity,
            });
        }
        drawing.height = top + STEP;
    }
    drawing
}

/// A length in the proportion of a value to the largest.
fn part(whole: i64, value: i64, most: i64) -> i64 {
    let value = value.clamp(0, most);
    i64::try_from(i128::from(whole) * i128::from(value) / i128::from(most)).unwrap_or(whole)
}

/// A name that fits before a bar.
pub(crate) fn shortened(name: &str) -> String {
    fields::shortened(name, LABEL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stay_in_the_chart_and_have_their_proportions() {
        let one = |name: &str, value| Value {
            name: name.to_owned(),
            amount: value,
            class: "",
            href: format!("/{name}"),
        };
        let values = [one("a", 10), one("b", 5), one("c", -3)];
        let drawing = bars(&values);
        let widths: Vec<_> = drawing.bars.iter().map(|bar| bar.width).collect();
        assert_eq!(
            widths,
            [WIDTH - BARS - NUMBERS, (WIDTH - BARS - NUMBERS) / 2, 0]
        );
        assert_eq!(drawing.height, 3 * ROW);
        assert_eq!(drawing.bars[1].text, "b: 5");
        assert_eq!(drawing.bars[1].href.as_deref(), Some("/b"));
        assert!(bars(&[one(&"x".repeat(99), i64::MAX)]).bars[0].width < WIDTH);
        assert!(bars(&[]).bars.is_empty());
    }

    #[test]
    fn lines_reach_from_side_to_side() {
        let drawing = lines(&[("opened", vec![0, 5, 10], "")], ("first", "last"));
        assert_eq!(drawing.lines[1].points, "40,150 335,90 630,30");
        // One step, and no step at all.
        assert_eq!(
            lines(&[("one", vec![0], "")], ("", "")).lines[1].points,
            "40,150"
        );
        assert_eq!(lines(&[("none", vec![], "")], ("", "")).lines[1].points, "");
    }
}
