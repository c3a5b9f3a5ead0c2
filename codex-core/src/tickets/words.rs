//! Filters by words, which name numbers.

use super::status::{self, Statuses};
use crate::{
    Error, Result,
    list::{FacetOut, FacetValue, Filter, Op},
    nearest::hint,
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

/// The same facet with words in place of the numbers of statuses and priorities. What has no word cannot be filtered by:
/// it is counted with the others.
pub(super) fn worded(mut facet: FacetOut, statuses: &Statuses) -> FacetOut {
    let word: fn(&Statuses, i64) -> Option<String> = match facet.column.as_str() {
        STATUS => |statuses, id| Some(statuses.of(id).word),
        PRIORITY => |_, id| status::priority(id).map(|(word, _)| word.to_owned()),
        _ => return facet,
    };
    let mut values: Vec<FacetValue> = Vec::with_capacity(facet.values.len());
    for FacetValue { count, value } in facet.values {
        let value = match value.map(|id| id.parse().ok().and_then(|id| word(statuses, id))) {
            Some(None) => {
                facet.others += count;
                continue;
            }
            known => known.flatten(),
        };
        match values.iter_mut().find(|known| known.value == value) {
            Some(same) => same.count += count,
            None => values.push(FacetValue { count, value }),
        }
    }
    values.sort_by_key(|value| std::cmp::Reverse(value.count));
    facet.values = values;
    facet
}

fn unknown(filter: &Filter, word: &str, statuses: &Statuses) -> Error {
    let known = match filter.name.as_str() {
        STATUS => statuses.words(),
        _ => status::priority_words(),
    };
    let hint = hint(word, known.iter().map(String::as_str));
    let name = &filter.name;
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
    fn facets_name_statuses_and_priorities_by_their_words() {
        let statuses = Statuses::default().with_labels([(6, "Closed".to_owned())]);
        let worded = |column: &str, values: &[(Option<&str>, i64)]| {
            let values = values.iter().map(|(value, count)| FacetValue {
                count: *count,
                value: value.map(str::to_owned),
            });
            let facet = FacetOut {
                column: column.to_owned(),
                others: 1,
                values: values.collect(),
            };
            let facet = worded(facet, &statuses);
            let values = facet.values.into_iter();
            let values: Vec<_> = values.map(|value| (value.value, value.count)).collect();
            (values, facet.others)
        };
        let word = |word: &str, count| (Some(word.to_owned()), count);
        assert_eq!(
            worded("status", &[(Some("2"), 5), (Some("5"), 4), (Some("6"), 3)]),
            (vec![word("closed", 7), word("open", 5)], 1)
        );
        assert_eq!(
            worded("priority", &[(Some("9"), 5), (None, 4), (Some("1"), 3)]),
            (vec![(None, 4), word("low", 3)], 6)
        );
        assert_eq!(
            worded("ticket_type", &[(Some("2"), 5)]),
            (vec![word("2", 5)], 1)
        );
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
        let reported = read("status__in", "open,pendng").unwrap_err();
        assert!(
            reported.contains("no status is called `pendng`; did you mean `pending`?"),
            "{reported}"
        );
        assert!(read("priority", "x").is_err());
    }
}
