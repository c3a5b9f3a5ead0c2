//! The name that somebody probably meant.

/// The name among `names` that differs least from `wrong`; `None` when none is near.
///
/// Near means: at most a third of the longer name's characters differ, and at least one may. Otherwise a name that
/// holds all of `wrong` is near, the shortest first. Case is ignored. Of equally near names the first counts.
///
/// The two parts of a filter such as `name__contains` are compared one by one: first the column, then its operator.
pub fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let names: Vec<&str> = names.into_iter().collect();
    let Some((column, operator)) = wrong.rsplit_once("__") else {
        return nearest_word(wrong, names.iter().map(|name| (*name, *name)));
    };
    let columns = names.iter().filter(|name| !name.contains("__"));
    let column = nearest_word(column, columns.map(|name| (*name, *name)))?;
    let filters = names.iter().filter_map(|name| {
        let operator = name.strip_prefix(column)?.strip_prefix("__")?;
        Some((operator, *name))
    });
    Some(nearest_word(operator, filters).unwrap_or(column))
}

/// The nearest name as the end of a sentence: ``; did you mean `name`?``, or nothing.
pub fn hint<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    let name = nearest(wrong, names);
    name.map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

/// The fewest letters that suggest a name by being a part of it.
const FEWEST_LETTERS: usize = 3;

/// The name behind the nearest word.
fn nearest_word<'n>(
    wrong: &str,
    words: impl Iterator<Item = (&'n str, &'n str)>,
) -> Option<&'n str> {
    let wrong = wrong.to_lowercase();
    let length = wrong.chars().count();
    let mut best: Option<(usize, &'n str)> = None;
    let mut holder: Option<(usize, &'n str)> = None;
    for (word, name) in words {
        let small = word.to_lowercase();
        let word_length = small.chars().count();
        if length >= FEWEST_LETTERS
            && small.contains(&wrong)
            && holder.is_none_or(|(least, _)| word_length < least)
        {
            holder = Some((word_length, name));
        }
        let most = (length.max(word_length) / 3).max(1);
        // As many letters differ at least. Callers send texts of any length: measuring them all would take seconds.
        if length.abs_diff(word_length) > most {
            continue;
        }
        // Two letters in the wrong order are one mistake.
        let distance = strsim::osa_distance(&wrong, &small);
        if distance <= most && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    }
    best.or(holder).map(|(_, name)| name)
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
    fn column_and_operator_of_a_filter_are_compared_one_by_one() {
        let names = [
            "tag",
            "tag__contains",
            "hostname",
            "hostname__contains",
            "hostname__startswith",
            "hostname__in",
            "online",
            "online__in",
        ];
        for (wrong, right) in [
            ("hostname__contain", Some("hostname__contains")),
            ("hostnam__contains", Some("hostname__contains")),
            ("hostnam__starts", Some("hostname__startswith")),
            ("hostname_contains", Some("hostname__contains")),
            ("hostname__like", Some("hostname")),
            ("online__contains", Some("online")),
            ("name__contain", Some("hostname__contains")),
            ("colour__contains", None),
        ] {
            assert_eq!(nearest(wrong, names), right, "{wrong}");
        }
        assert_eq!(hint("nam", names), "; did you mean `hostname`?");
        assert_eq!(hint("colour", names), "");
    }

    #[test]
    fn long_texts_are_dismissed_quickly() {
        // Measured letter by letter this takes minutes.
        let wrong = "x".repeat(1 << 20);
        let names = ["max_connections"; 200];
        assert_eq!(nearest(&wrong, names), None);
    }
}
