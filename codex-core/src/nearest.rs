//! The name that somebody probably meant.

/// The name among `names` that differs least from `wrong`; `None` when none is near.
///
/// Near means: at most a third of the longer name's characters differ, and at least one may. Case is
/// ignored. Of equally near names the first counts.
pub fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let wrong = wrong.to_lowercase();
    let length = wrong.chars().count();
    let mut best: Option<(usize, &'n str)> = None;
    for name in names {
        let small = name.to_lowercase();
        let most = (length.max(name.chars().count()) / 3).max(1);
        // As many letters differ at least. Callers send texts of any length: measuring them all would take seconds.
        if length.abs_diff(small.chars().count()) > most {
            continue;
        }
        // Two letters in the wrong order are one mistake.
        let distance = strsim::osa_distance(&wrong, &small);
        if distance <= most && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_have_a_suggestion_and_other_words_have_none() {
        let names = ["port", "bind", "max_connections"];
        for (wrong, right) in [
            ("prt", Some("port")),
            ("PORT", Some("port")),
            ("bidn", Some("bind")),
            ("max_conections", Some("max_connections")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, names), right, "{wrong}");
        }
    }

    #[test]
    fn long_texts_are_dismissed_quickly() {
        // Measured letter by letter this takes minutes.
        let wrong = "x".repeat(1 << 20);
        let names = ["max_connections"; 200];
        assert_eq!(nearest(&wrong, names), None);
    }
}
