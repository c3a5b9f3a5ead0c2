//! Finding within some companies: where a term has more candidates than are looked at, a client's own may all be
//! among those that are not. Then its own records are gone through instead, which are few.

use super::{
    Term,
    query::{INSTALLED, LIMIT, WORDS_END, begins},
};
use crate::{
    Result,
    ids::{CompanyId, TicketId},
    records::{SearchDef, search_index::PLACE},
    store::{Db, Q, Sql},
};

/// Before a word that a text must hold; not `like`, which `SQLite` would look up among everybody's.
const HOLDS: Sql = Sql::Per {
    sqlite: "instr(n.text, ",
    pg: "strpos(n.text, ",
};

/// Texts of tickets that clients may read.
pub(super) struct OwnTexts {
    /// Ends before [`OF_TICKETS`].
    select: Sql,
    /// The newest first, so that the cut is the same whatever else the database holds.
    newest: Sql,
}

/// What was said. The statement fixes the order of the tables for `SQLite`, so that its index of words is asked about
/// one row at a time.
pub(super) const SAID: OwnTexts = OwnTexts {
    select: Sql::Per {
        sqlite: "select c.ticket_id from conversations c cross join search_words w on w.rowid = c.id \
            where c.gone_at is null and c.private is not true and c.ticket_id",
        pg: "select c.ticket_id from conversations c \
            where c.gone_at is null and c.private is not true and c.ticket_id",
    },
    newest: Sql::Same(" order by c.id desc limit "),
};
/// What tickets are about.
pub(super) const ABOUT: OwnTexts = OwnTexts {
    select: Sql::Per {
        sqlite: "select d.ticket_id from ticket_details d \
            cross join search_descriptions w on w.rowid = d.ticket_id where d.ticket_id",
        pg: "select d.ticket_id from ticket_details d where d.ticket_id",
    },
    newest: Sql::Same(" order by d.ticket_id desc limit "),
};
/// The tickets of companies; ends before the list of those.
const OF_TICKETS: &str =
    " in (select r.id from tickets r where r.deleted_at is null and r.company_id in ";

/// As [`super::query::names`].
pub(super) async fn names(
    db: &Db,
    own: &[CompanyId],
    kinds: &[&'static SearchDef],
    term: &Term,
) -> Result<Vec<(i64, String)>> {
    let mut q = db.query("select n.rowid, n.text from search_names n where n.rowid in (");
    q.unprepared();
    let kinds = kinds
        .iter()
        .filter_map(|def| Some((def.number, def.of_companies?)));
    for (place, (number, of_companies)) in kinds.enumerate() {
        q.push(if place == 0 { "" } else { " union all " });
        q.push("select ").push(PLACE).push_bind(number);
        q.push(of_companies).push_list(own.iter().copied());
    }
    q.push(")");
    for word in &term.words {
        q.push(" and (");
        q.push_sql(HOLDS).push_bind(word.as_str()).push(") > 0");
        if let Some(other) = Term::other_form(word) {
            q.push(" or ")
                .push_sql(HOLDS)
                .push_bind(other)
                .push(") > 0");
        }
        q.push(")");
    }
    q.push(" order by n.rowid desc limit ").push_bind(LIMIT + 1);
    q.all().await
}

impl OwnTexts {
    /// Tickets of companies whose texts match words.
    pub(super) async fn find(
        &self,
        db: &Db,
        own: &[CompanyId],
        (matches, words): (Sql, &str),
    ) -> Result<Vec<TicketId>> {
        let mut q = db.query(self.select);
        q.unprepared().push(OF_TICKETS);
        q.push_list(own.iter().copied());
        q.push(") and ").push_sql(matches).push_bind(words);
        q.push_sql(WORDS_END)
            .push_sql(self.newest)
            .push_bind(LIMIT + 1);
        q.scalars().await
    }
}

/// As [`super::query::installed`].
pub(super) async fn installed(db: &Db, own: &[CompanyId], term: &Term) -> Result<Vec<i64>> {
    let mut q: Q<'_> = db.query(
        "select distinct s.asset_id from assets a join asset_software s on s.asset_id = a.id \
         join software_titles t on t.id = s.title_id where a.company_id in ",
    );
    q.unprepared().push_list(own.iter().copied()).push(" and ");
    begins(&mut q, term);
    q.push(" order by s.asset_id desc limit ")
        .push_bind(INSTALLED);
    q.scalars().await
}
