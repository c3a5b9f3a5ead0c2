//! The name that somebody probably meant.

/// The name among `names` that differs least from `wrong`; `None` when none is near.
///
/// Near means: at most a third of the longer name's characters differ, and at least one may. Case is
/// ignored. Of equally near names the first counts.
pub fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let wrong = wrong.to_lowercase();
    let mut best: Option<(usize, &'n str)> = None;
    for name in names {
        // Two letters in the wrong order are one mistake.
        let distance = strsim::osa_distance(&wrong, &name.to_lowercase());
        let longer = wrong.chars().count().max(name.chars().count());
        let near = distance <= (longer / 3).max(1);
        if near && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_mistakes_are_near_and_other_words_are_not() {
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
}
