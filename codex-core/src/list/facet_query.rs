//! The SQL of facets: all of them in one statement.

use super::{Column, ColumnType, FacetOut, FacetValue, ListedResource, Listing, PageRequest};
use crate::{
    Error, Result,
    ids::CompanyId,
    list::Filter,
    scope::Scope,
    store::{Db, Figures, Q, Sql},
};

/// The most values of a facet.
const MOST_VALUES: i64 = 10;
/// Columns of the records that are counted, and the names of their counts. Static, as all texts of statements are.
const COUNTED: [(&str, &str); 8] = [
    ("f0", " c0"),
    ("f1", " c1"),
    ("f2", " c2"),
    ("f3", " c3"),
    ("f4", " c4"),
    ("f5", " c5"),
    ("f6", " c6"),
    ("f7", " c7"),
];

/// Facets by what they were counted of: each goes through all records that the filters leave.
pub(crate) type FacetCache = Figures<FacetKey, Vec<FacetOut>>;

/// What facets are counted of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FacetKey {
    pub list: ListedResource,
    pub scope: Scope,
    pub company: Option<CompanyId>,
    pub filters: Vec<Filter>,
    pub search: Option<String>,
    pub columns: Vec<String>,
}

/// Which facet, its value, how many records have it.
type Row = (i64, Option<String>, i64);

impl Listing {
    /// The columns that have facets.
    pub fn faceted(&self) -> impl Iterator<Item = Column> {
        self.columns().filter(|column| column.faceted)
    }

    /// The columns whose facets a caller asks for: those that `names` names, or all that the caller may see.
    fn facets_of(&self, scope: &Scope, names: &[String]) -> Result<Vec<Column>> {
        if names.is_empty() {
            let is_seen = |column: &Column| !column.staff || scope.companies().is_none();
            return Ok(self.faceted().filter(is_seen).take(COUNTED.len()).collect());
        }
        let mut columns: Vec<Column> = Vec::new();
        for name in names {
            let column = self.column(scope, name, "columns")?;
            if !column.faceted {
                let known: Vec<_> = self.faceted().map(|column| column.name).collect();
                let known = known.join("`, `");
                let message = format!("`{name}` has no facet; there are `{known}`");
                return Err(Error::invalid("columns", message));
            }
            if !columns.iter().any(|known| known.name == column.name) {
                columns.push(column);
            }
        }
        if columns.len() > COUNTED.len() {
            let message = format!("names more than {} columns", COUNTED.len());
            return Err(Error::invalid("columns", message));
        }
        Ok(columns)
    }

    /// Counts the values of columns among the records that `narrow` and the request leave, in one statement. Limit,
    /// cursor and order of the request have no meaning here.
    pub(crate) async fn facets(
        &self,
        db: &Db,
        scope: &Scope,
        request: &PageRequest,
        names: &[String],
        narrow: impl Fn(&mut Q<'_>),
    ) -> Result<Vec<FacetOut>> {
        Filter::within_bounds(&request.filters)?;
        let columns = self.facets_of(scope, names)?;
        if columns.is_empty() {
            return Ok(Vec::new());
        }
        let mut q = db.query("with matching as (select ");
        for (place, (column, (name, _))) in columns.iter().zip(COUNTED).enumerate() {
            q.push(if place == 0 { "" } else { ", " });
            q.push(column.spelled.unwrap_or(column.sql));
            q.push(" as ").push(name);
        }
        q.push(self.from);
        self.narrowed(&mut q, scope, db.engine(), request, &narrow)?;
        q.push(") select ").push_bind(TOTAL);
        q.push(" as facet, cast(null as text) as value, count(*) as records from matching");
        for (place, (column, (name, counts))) in (0_i64..).zip(columns.iter().zip(COUNTED)) {
            q.push(" union all select facet, value, records from (select ");
            q.push_bind(place).push(" as facet, ");
            push_value(&mut q, column, name);
            q.push(" as value, count(*) as records from matching group by ");
            q.push(name).push(" order by count(*) desc, 2 limit ");
            q.push_bind(MOST_VALUES).push(")").push(counts);
        }
        let rows: Vec<Row> = q.all().await?;
        Ok(facets(&columns, rows))
    }
}

/// What the row with the count of all records has in place of a facet.
const TOTAL: i64 = -1;

/// Adds the value of a column as text, the same on both engines and in the order of its bytes.
fn push_value(q: &mut Q<'_>, column: &Column, name: &'static str) {
    if column.kind == ColumnType::Bool {
        // As text a boolean is a digit on SQLite and a word on PostgreSQL.
        q.push("case when ").push(name);
        q.push(" then 'true' when not ").push(name);
        q.push(" then 'false' end");
        return;
    }
    q.push("cast(").push(name).push_sql(Sql::Per {
        sqlite: " as text)",
        pg: " as text) collate \"C\"",
    });
}

fn facets(columns: &[Column], mut rows: Vec<Row>) -> Vec<FacetOut> {
    let total = rows.iter().find(|(facet, ..)| *facet == TOTAL);
    let total = total.map_or(0, |(.., records)| *records);
    // What is unknown comes behind what is known as often.
    rows.sort_by(|(_, a, more), (_, b, less)| {
        let unknown_last = a.is_none().cmp(&b.is_none());
        less.cmp(more).then(unknown_last).then_with(|| a.cmp(b))
    });
    let facet = |(place, column): (i64, &Column)| {
        let own = rows.iter().filter(|(facet, ..)| *facet == place);
        let values: Vec<FacetValue> = own
            .map(|(_, value, count)| FacetValue {
                count: *count,
                value: value.clone(),
            })
            .collect();
        let counted: i64 = values.iter().map(|value| value.count).sum();
        FacetOut {
            column: column.name.to_owned(),
            others: total - counted,
            values,
        }
    };
    (0_i64..).zip(columns).map(facet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{assets::query::LISTING, list::column};

    fn named(scope: &Scope, names: &[&str]) -> std::result::Result<Vec<&'static str>, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let columns = LISTING.facets_of(scope, &names);
        let columns = columns.map_err(|error| error.to_string())?;
        Ok(columns.iter().map(|column| column.name).collect())
    }

    #[test]
    fn facets_are_those_that_the_caller_may_see() {
        let (staff, client) = (Scope::system(), Scope::client(Vec::new()));
        assert!(named(&staff, &[]).unwrap().contains(&"patch_status"));
        assert!(!named(&client, &[]).unwrap().contains(&"patch_status"));
        assert_eq!(named(&staff, &["online", "online"]), Ok(vec!["online"]));
        for (scope, name, says) in [
            (&client, "patch_status", "not shown to this role"),
            (&staff, "hostname", "`hostname` has no facet; there are `"),
            (&staff, "onlin", "did you mean `online`?"),
        ] {
            let refused = named(scope, &[name]).unwrap_err();
            assert!(refused.contains(says), "{refused}");
        }
    }

    #[test]
    fn values_come_by_count_and_the_rest_is_counted_together() {
        let columns = [column("kind", "kind", ColumnType::Text)];
        let row = |value: Option<&str>, count| (0, value.map(str::to_owned), count);
        let rows = vec![
            row(None, 3),
            row(Some("b"), 3),
            row(Some("a"), 3),
            (TOTAL, None, 20),
        ];
        let facets = facets(&columns, rows);
        let values = facets[0].values.iter().map(|value| value.value.as_deref());
        assert_eq!(values.collect::<Vec<_>>(), [Some("a"), Some("b"), None]);
        assert_eq!(facets[0].others, 11);
    }

    #[test]
    fn every_list_has_room_for_its_facets() {
        use crate::{companies, contacts, tickets};
        let lists = [
            &LISTING,
            &companies::query::LISTING,
            &contacts::query::LISTING,
            &tickets::query::LISTING,
        ];
        for list in lists {
            let count = list.faceted().count();
            assert!((1..=COUNTED.len()).contains(&count), "{count}");
        }
    }
}
