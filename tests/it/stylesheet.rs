//! The gateway's stylesheet: the vocabulary of Nexus and nothing else, and colours that can be read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use codex_tests::{harness::TestResult, sim::gateway::STYLE};

/// What WCAG 2.2 AA asks of text, and of what one must see to use a control.
const TEXT: f64 = 4.5;
const CONTROL: f64 = 3.0;

/// What is written on what.
const PAIRS: [(&str, &[&str]); 12] = [
    ("--color-text-primary", GROUNDS),
    ("--color-text-secondary", GROUNDS),
    (
        "--color-text-muted",
        &[
            "--color-bg-primary",
            "--color-bg-secondary",
            "--color-surface",
            "--color-surface-raised",
            "--color-hover-bg",
        ],
    ),
    (
        "--color-success",
        &[
            "--color-success-bg",
            "--color-surface",
            "--color-bg-primary",
        ],
    ),
    (
        "--color-warning",
        &[
            "--color-warning-bg",
            "--color-surface",
            "--color-bg-primary",
        ],
    ),
    (
        "--color-danger",
        &["--color-danger-bg", "--color-surface", "--color-bg-primary"],
    ),
    (
        "--color-info",
        &["--color-info-bg", "--color-surface", "--color-bg-primary"],
    ),
    ("--color-gold", &["--color-gold-bg"]),
    ("--color-platinum", &["--color-platinum-bg"]),
    (
        "--color-text-primary",
        &[
            "--color-success-bg",
            "--color-warning-bg",
            "--color-danger-bg",
            "--color-info-bg",
        ],
    ),
    (
        "--color-primary",
        &[
            "--color-surface",
            "--color-bg-primary",
            "--color-hover-bg",
            "--color-info-bg",
        ],
    ),
    (
        "--color-primary-text",
        &[
            "--color-primary",
            "--color-danger",
            "--color-success",
            "--color-warning",
        ],
    ),
];
const GROUNDS: &[&str] = &[
    "--color-bg-primary",
    "--color-bg-secondary",
    "--color-bg-tertiary",
    "--color-surface",
    "--color-surface-raised",
    "--color-hover-bg",
    "--color-active-bg",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn gateway(file: &str) -> std::io::Result<String> {
    fs::read_to_string(root().join("tests/src/sim/gateway").join(file))
}

/// The text without what is between two marks.
fn without(text: &str, start: &str, end: &str) -> String {
    let mut parts = text.split(start);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| {
        kept + part.split_once(end).map_or("", |(_, rest)| rest)
    })
}

/// Both style sheets without comments.
fn styles() -> std::io::Result<String> {
    let text = STYLE.to_owned() + &gateway("side_panel.css")?;
    Ok(without(&text, "/*", "*/"))
}

/// The classes in the selectors of a style sheet.
fn selected(css: &str) -> BTreeSet<String> {
    let mut classes = BTreeSet::new();
    let preludes = css
        .split('{')
        .filter_map(|part| part.rsplit(['}', ';']).next());
    for prelude in preludes {
        let prelude: String = prelude.split('"').step_by(2).collect();
        for part in prelude.split('.').skip(1) {
            let end =
                part.find(|sign: char| !(sign.is_ascii_alphanumeric() || "-_".contains(sign)));
            let name = &part[..end.unwrap_or(part.len())];
            // The rest is a number, as in `2.5rem`.
            if name.starts_with(|sign: char| sign.is_ascii_alphabetic()) {
                classes.insert(name.to_owned());
            }
        }
    }
    classes
}

/// The classes that Nexus styles.
fn vocabulary() -> std::io::Result<BTreeSet<String>> {
    let mut classes = BTreeSet::new();
    for line in gateway("vocabulary.txt")?.lines() {
        let mut words = line.split_whitespace();
        let Some(block) = words.next().filter(|word| *word != "#") else {
            continue;
        };
        let name = block.trim_matches(['(', ')']);
        if name == block {
            classes.insert(name.to_owned());
        }
        classes.extend(words.map(|part| format!("{name}{part}")));
    }
    Ok(classes)
}

/// The classes that pages of Codex may use: a list in the tests of the daemon.
fn allowed_on_pages() -> anyhow::Result<BTreeSet<String>> {
    let path = root().join("codex-daemon/src/pages/tests/vocabulary.rs");
    let text = fs::read_to_string(path)?;
    let (_, list) = text
        .split_once("CLASSES: &[&str] = &[")
        .context("no list")?;
    let (list, _) = list.split_once("];").context("the list has no end")?;
    let words = list.split('"').skip(1).step_by(2);
    Ok(words.map(str::to_owned).collect())
}

/// The classes that templates name themselves.
fn used_in_templates() -> anyhow::Result<BTreeSet<String>> {
    let mut folders = vec![root().join("codex-daemon/templates")];
    let mut classes = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = without(&fs::read_to_string(&path)?, "{%", "%}");
            // A name with a computed part is not one that the template names itself.
            let text = without(&text.replace("{{", "?{{"), "{{", "}}");
            for part in text.split("class=\"").skip(1) {
                let value = part.split('"').next().unwrap_or_default();
                let names = value.split_whitespace().filter(|name| !name.contains('?'));
                classes.extend(names.map(str::to_owned));
            }
        }
    }
    Ok(classes)
}

#[test]
fn the_stylesheet_uses_the_vocabulary_alone() -> TestResult {
    let (selected, known) = (selected(&styles()?), vocabulary()?);
    let invented: Vec<_> = selected.difference(&known).collect();
    assert!(invented.is_empty(), "Nexus has no rule for {invented:?}");
    let plain: Vec<_> = known.difference(&selected).collect();
    assert!(plain.is_empty(), "the stylesheet has no rule for {plain:?}");
    Ok(())
}

#[test]
fn every_class_of_a_page_is_styled() -> TestResult {
    let selected = selected(&styles()?);
    let (allowed, used) = (allowed_on_pages()?, used_in_templates()?);
    assert!(allowed.len() > 80 && used.len() > 40, "they were not found");
    let pages: BTreeSet<_> = allowed.union(&used).cloned().collect();
    let plain: Vec<_> = pages.difference(&selected).collect();
    assert!(plain.is_empty(), "pages use {plain:?}, which has no rule");
    Ok(())
}

/// Colours by name, light and dark.
type Colours = BTreeMap<String, [String; 2]>;

/// The custom properties of a rule that are a light and a dark colour.
fn colours(rule: &str) -> Colours {
    let declarations = rule.split(';').filter_map(|line| line.split_once(':'));
    let pairs = declarations.filter_map(|(name, value)| {
        let value = value.trim().strip_prefix("light-dark(")?;
        let (light, dark) = value.split_once(')')?.0.split_once(',')?;
        let pair = [light, dark].map(|colour| colour.trim().to_owned());
        let is_plain = pair.iter().all(|colour| colour.len() == 7);
        is_plain.then(|| (name.trim().to_owned(), pair))
    });
    pairs.collect()
}

/// The rule of a selector.
fn rule<'c>(css: &'c str, selector: &str) -> anyhow::Result<&'c str> {
    let (_, rest) = css
        .split_once(&format!("{selector} {{"))
        .with_context(|| format!("no rule for {selector}"))?;
    Ok(rest.split('}').next().unwrap_or_default())
}

/// Relative luminance as WCAG defines it.
fn luminance(colour: &str) -> anyhow::Result<f64> {
    let part = |at: usize, weight: f64| -> anyhow::Result<f64> {
        let part = f64::from(u8::from_str_radix(&colour[at..at + 2], 16)?) / 255.0;
        let linear = if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        };
        Ok(linear * weight)
    };
    Ok(part(1, 0.2126)? + part(3, 0.7152)? + part(5, 0.0722)?)
}

fn contrast(one: &str, two: &str) -> anyhow::Result<f64> {
    let (one, two) = (luminance(one)?, luminance(two)?);
    Ok((one.max(two) + 0.05) / (one.min(two) + 0.05))
}

/// Pairs of colours that are too close, as text.
fn too_close(theme: &str, colours: &Colours) -> anyhow::Result<Vec<String>> {
    let find = |name: &str| colours.get(name).with_context(|| format!("no {name}"));
    let texts = PAIRS
        .iter()
        .flat_map(|(front, backs)| backs.iter().map(|back| (*front, *back, TEXT)));
    let controls = ["--color-surface", "--color-bg-primary"];
    let controls = controls.map(|back| ("--color-border-dark", back, CONTROL));
    let mut faults = Vec::new();
    for (front, back, least) in texts.chain(controls) {
        for (mode, (one, two)) in ["light", "dark"]
            .iter()
            .zip(find(front)?.iter().zip(find(back)?))
        {
            let contrast = contrast(one, two)?;
            if contrast < least {
                faults.push(format!(
                    "{theme}, {mode}: {front} on {back} is {contrast:.2}"
                ));
            }
        }
    }
    Ok(faults)
}

#[test]
fn colours_have_the_contrast_of_level_aa() -> TestResult {
    let css = styles()?;
    let base = colours(rule(&css, ":root")?);
    let mut faults = too_close("purple", &base)?;
    for theme in [
        "blue", "green", "orange", "gold", "red", "yellow", "matrix", "bee",
    ] {
        let own = colours(rule(&css, &format!("[data-color-theme=\"{theme}\"]"))?);
        assert!(own.contains_key("--color-primary"), "{theme} has no colour");
        let mut colours = base.clone();
        colours.extend(own);
        faults.extend(too_close(theme, &colours)?);
    }
    assert!(faults.is_empty(), "{faults:#?}");
    Ok(())
}
