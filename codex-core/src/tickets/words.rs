//! Filters by words, which name numbers.

use super::status::{self, Statuses};
use crate::{
    Error, Result,
    list::{Filter, Op},
    nearest::nearest,
};

/// Words that tickets are filtered by: the column's name, and what the words stand for.
const STATUS: &str = "status";
const PRIORITY: &str = "priority";

/// The same filters with numbers in place of the words of statuses and priorities.
///
/// # Errors
/// [`Error::Invalid`] naming the parameter, for a word that nothing is called by.
pub(super) fn numbered(filters: &[Filter], statuses: &Statuses) -> Result<Vec<Filter>> {
    let mut numbered = Vec::with_capacity(filters.len());
    for filter in filters {
        let ids: fn(&Statuses, &str) -> Vec<i64> = match filter.name.as_str() {
            STATUS => Statuses::ids,
            PRIORITY => |_, word| status::priority_id(word).into_iter().collect(),
            _ => {
                numbered.push(filter.clone());
                continue;
            }
        };
        let words = match filter.op {
            Op::Eq | Op::Ne => vec![filter.value.clone()],
            Op::In => filter.values()?,
            _ => {
                numbered.push(filter.clone());
                continue;
            }
        };
        let mut all = Vec::new();
        for word in words {
            let of_word = ids(statuses, &word);
            if of_word.is_empty() {
                return Err(unknown(filter, &word, statuses));
            }
            all.extend(of_word.iter().map(i64::to_string));
        }
        let by_numbers = |op, value| Filter {
            op,
            value,
            ..filter.clone()
        };
        match filter.op {
            Op::Ne => numbered.extend(all.into_iter().map(|id| by_numbers(Op::Ne, id))),
            _ => numbered.push(by_numbers(Op::In, all.join(","))),
        }
    }
    Ok(numbered)
}

fn unknown(filter: &Filter, word: &str, statuses: &Statuses) -> Error {
    let known = match filter.name.as_str() {
        STATUS => statuses.words(),
        _ => status::priority_words(),
    };
    let hint = nearest(word, known.iter().map(String::as_str));
    let hint = hint.map(|word| format!("; did you mean `{word}`?"));
    let (name, hint) = (&filter.name, hint.unwrap_or_default());
    let message = format!("no {name} is called `{word}`{hint}");
    Error::invalid(filter.parameter.clone(), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parameter: &str, value: &str) -> std::result::Result<Vec<(Op, String)>, String> {
        let statuses = Statuses::default().with_labels([(6, "Closed".to_owned())]);
        let filters = numbered(&[Filter::new(parameter, value)], &statuses);
        let filters = filters.map_err(|error| error.to_string())?;
        Ok(filters.into_iter().map(|one| (one.op, one.value)).collect())
    }

    #[test]
    fn status_and_priority_words_become_ids() {
        assert_eq!(
            read("status__in", "open,Pending"),
            Ok(vec![(Op::In, "2,3".into())])
        );
        assert_eq!(read("status", "closed"), Ok(vec![(Op::In, "5,6".into())]));
        let two = vec![(Op::Ne, "5".into()), (Op::Ne, "6".into())];
        assert_eq!(read("status__ne", "closed"), Ok(two));
        assert_eq!(
            read("priority__in", "high,urgent"),
            Ok(vec![(Op::In, "3,4".into())])
        );
        assert_eq!(read("subject", "open"), Ok(vec![(Op::Eq, "open".into())]));
        let told = read("status__in", "open,pendng").unwrap_err();
        assert!(
            told.contains("no status is called `pendng`; did you mean `pending`?"),
            "{told}"
        );
        assert!(read("priority", "x").is_err());
    }
}
