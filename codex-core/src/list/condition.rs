//! A filter as a condition in SQL.

use super::{
    Column, ColumnType,
    uncased::{MOST_LETTERS, Uncased, push_digits},
};
use crate::{
    Error, Result,
    fold::SearchKey,
    list::{Filter, Op, moment},
    mac::digits,
    scope::Scope,
    store::{Q, Sql},
};

const TRUE_OR_FALSE: &str = "`true` or `false`";

/// Adds the condition that a record fits a filter.
pub(super) fn push(q: &mut Q<'_>, scope: &Scope, column: &Column, filter: &Filter) -> Result<()> {
    if !column.operators().any(|op| op == filter.op) {
        let message = match filter.op {
            Op::Exact | Op::Contains | Op::StartsWith => format!("`{}` holds no text", column.name),
            _ => format!("`{}` has no order", column.name),
        };
        return Err(Error::invalid(filter.parameter.clone(), message));
    }
    q.push(" and ");
    let Some(several) = column.several else {
        return compare(q, column, filter.op, filter);
    };
    // Of several, none may be what the record must not have.
    let (not, op) = match (filter.op, filter.value.as_str()) {
        (Op::Ne, _) => (true, Op::Eq),
        (Op::IsNull, _) => (filter.value == "true", Op::IsNull),
        (op, _) => (false, op),
    };
    q.push(if not { "not " } else { "" }).push(several.before);
    if let Some(own) = scope.companies() {
        q.push(" and ").push(several.company).push(" in ");
        q.push_list(own.iter().copied());
    }
    q.push(" and ");
    if op == Op::IsNull {
        is_null(filter)?;
        q.push(column.sql).push(" is not null");
    } else {
        compare(q, column, op, filter)?;
    }
    q.push(several.behind);
    Ok(())
}

fn is_null(filter: &Filter) -> Result<bool> {
    let read = filter.value.parse();
    read.map_err(|_| wrong(filter, TRUE_OR_FALSE))
}

fn wrong(filter: &Filter, what: &str) -> Error {
    Error::invalid(filter.parameter.clone(), format!("must be {what}"))
}

fn compare(q: &mut Q<'_>, column: &Column, op: Op, filter: &Filter) -> Result<()> {
    let values = match op {
        Op::In => filter.values()?,
        _ => vec![filter.value.clone()],
    };
    let all = Values::new(column, op, &values);
    if all.uncased.has_too_many_letters() {
        let message = format!("holds more than {MOST_LETTERS} letters that are not ASCII");
        return Err(Error::invalid(filter.parameter.clone(), message));
    }
    let what = match column.kind {
        ColumnType::Text | ColumnType::Folded | ColumnType::Mac => "text",
        ColumnType::Int | ColumnType::Word => "a whole number",
        ColumnType::Bool => TRUE_OR_FALSE,
        ColumnType::Time => "a time such as 2026-01-31",
        ColumnType::Json => "a value to compare with",
    };
    let one = |q: &mut Q<'_>, operator: &'static str| {
        q.push(operator);
        all.bind(q, 0).ok_or_else(|| wrong(filter, what))
    };
    match op {
        Op::Eq | Op::Exact => {
            all.push_column(q);
            one(q, " = ")?;
        }
        Op::Ne => {
            q.push("(");
            all.push_column(q);
            one(q, " <> ")?;
            q.push(" or ").push(column.sql).push(" is null)");
        }
        Op::Lt => one(column.in_order(q), " < ")?,
        Op::Lte => one(column.in_order(q), " <= ")?,
        Op::Gt => one(column.in_order(q), " > ")?,
        Op::Gte => one(column.in_order(q), " >= ")?,
        Op::In => {
            all.push_column(q);
            q.push(" in (");
            for index in 0..values.len() {
                q.push(if index > 0 { ", " } else { "" });
                all.bind(q, index).ok_or_else(|| wrong(filter, what))?;
            }
            q.push(")");
        }
        Op::IsNull => {
            q.push(column.sql);
            let null = is_null(filter)?;
            q.push(if null { " is null" } else { " is not null" });
        }
        Op::Contains => {
            q.push_sql(Sql::Per {
                sqlite: "instr(",
                pg: "strpos(",
            });
            all.push_column(q);
            one(q, ", ")?;
            q.push(") > 0");
        }
        Op::StartsWith => {
            q.push("substr(");
            all.push_column(q);
            one(q, ", 1, length(")?;
            one(q, ")) = ")?;
        }
    }
    Ok(())
}

/// The values of a filter as its column is compared with them.
struct Values<'f> {
    column: &'f Column,
    op: Op,
    all: &'f [String],
    uncased: Uncased,
}

impl<'f> Values<'f> {
    fn new(column: &'f Column, op: Op, values: &'f [String]) -> Self {
        let mut all = Self {
            column,
            op,
            all: values,
            uncased: Uncased::default(),
        };
        if column.kind == ColumnType::Text && !all.as_stored() {
            all.uncased = Uncased::new(values.iter().map(String::as_str));
        }
        all
    }

    /// Whether the column is compared as it is stored.
    fn as_stored(&self) -> bool {
        matches!(self.op, Op::Exact | Op::Lt | Op::Lte | Op::Gt | Op::Gte)
    }

    fn push_column(&self, q: &mut Q<'_>) {
        match self.column.kind {
            _ if self.op == Op::Exact => {
                q.push(self.column.spelled.unwrap_or(self.column.sql));
            }
            ColumnType::Text => self.uncased.push_column(q, self.column.sql),
            ColumnType::Mac => push_digits(q, self.column.sql),
            _ => {
                q.push(self.column.sql);
            }
        }
    }

    fn bind(&self, q: &mut Q<'_>, index: usize) -> Option<()> {
        let value = self.all.get(index)?;
        match self.column.kind {
            ColumnType::Folded if self.op == Op::Exact && self.column.spelled.is_some() => {
                q.push_bind(value.as_str());
            }
            ColumnType::Text if !self.as_stored() => {
                q.push_bind(self.uncased.values.get(index)?.as_str());
            }
            ColumnType::Mac if !self.as_stored() => {
                q.push_bind(digits(value));
            }
            kind => return bind(q, kind, value),
        }
        Some(())
    }
}

/// Binds a value of a kind as it is stored; `None` when the text is none.
pub(super) fn bind(q: &mut Q<'_>, kind: ColumnType, text: &str) -> Option<()> {
    match kind {
        ColumnType::Text | ColumnType::Mac => q.push_bind(text),
        ColumnType::Folded => q.push_bind(SearchKey::new(text)),
        ColumnType::Int | ColumnType::Word => q.push_bind(text.trim().parse::<i64>().ok()?),
        ColumnType::Bool => q.push_bind(text.trim().parse::<bool>().ok()?),
        ColumnType::Time => q.push_bind(moment(text)?),
        ColumnType::Json => return None,
    };
    Some(())
}
