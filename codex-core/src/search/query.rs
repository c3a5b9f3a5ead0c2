//! Finding: at most a thousand candidates of each way to hold a term.

use super::own;
use crate::{
    Result,
    ids::TicketId,
    list::{
        Term,
        term::{TRIGRAM, holds},
    },
    records::{
        SearchDef,
        search_index::{KIND_NUMBER, STRIDE},
    },
    scope::Scope,
    store::{Db, Engine, Q, Sql},
};

/// The most candidates of one way.
pub(crate) const CANDIDATES: usize = 1_000;
/// The same as the engines count.
pub(super) const LIMIT: i64 = 1_000;
/// What was said on tickets; ends before [`WORDS_SAID`].
const SAID: Sql = Sql::Per {
    sqlite: "select c.ticket_id from search_words w join conversations c on c.id = w.rowid \
        where c.gone_at is null and ",
    pg: "select c.ticket_id from conversations c where c.gone_at is null and ",
};
const WORDS_SAID: Sql = Sql::Per {
    sqlite: "w.search_words match ",
    pg: "c.word_vector @@ cast(",
};
/// What tickets are about; ends before [`WORDS_ABOUT`].
const ABOUT: Sql = Sql::Per {
    sqlite: "select w.rowid from search_descriptions w where ",
    pg: "select d.ticket_id from ticket_details d where ",
};
const WORDS_ABOUT: Sql = Sql::Per {
    sqlite: "w.search_descriptions match ",
    pg: "d.word_vector @@ cast(",
};
/// The newest first on `SQLite`, whose full-text index is read in the order of its rows; `PostgreSQL` reads as its
/// index comes.
const NEWEST: Sql = Sql::Per {
    sqlite: " order by w.rowid desc limit ",
    pg: " limit ",
};
/// The same among the newest rows alone. `PostgreSQL` takes any beginning of a word for one that few rows have, and
/// gathers all of its hits before it gives the first: of what most rows have, a few rows are enough to find too many.
const SAID_OF_LATE: &str = "select c.ticket_id from (select ticket_id, private, gone_at, word_vector from conversations \
    order by id desc limit 2000) c where c.gone_at is null and ";
const ABOUT_OF_LATE: &str = "select d.ticket_id from (select ticket_id, word_vector from ticket_details \
    order by ticket_id desc limit 2000) d where ";
/// After the words of a condition.
pub(super) const WORDS_END: Sql = Sql::Per {
    sqlite: "",
    pg: " as tsquery)",
};

/// The most assets that are found by what is installed on them.
pub(super) const INSTALLED: i64 = 200;

/// Assets on which a program is installed whose name begins with a term; the newest of those that are looked at
/// first.
pub(crate) async fn installed(db: &Db, scope: &Scope, term: &Term) -> Result<Vec<i64>> {
    if term.text.chars().count() < TRIGRAM {
        return Ok(Vec::new());
    }
    if let Some(own) = scope.companies() {
        return own::installed(db, own, term).await;
    }
    // A program that is everywhere must not be counted everywhere.
    let mut q = db.query(
        "select distinct asset_id from (select s.asset_id from software_titles t \
         join asset_software s on s.title_id = t.id where ",
    );
    begins(&mut q, term);
    q.push(" limit ").push_bind(LIMIT);
    q.push(") found order by asset_id desc limit ")
        .push_bind(INSTALLED);
    q.unprepared();
    q.scalars().await
}

/// Adds the condition that a program's name begins with a term: a range, which both engines follow through the index
/// of folded names.
pub(super) fn begins(q: &mut Q<'_>, term: &Term) {
    q.push("t.name_fold >= ").push_bind(term.text.as_str());
    q.push(" and t.name_fold < ")
        .push_bind(format!("{}\u{10ffff}", term.text));
}

/// What one way finds, and whether there is more of it than is looked at. For a client both are a function of its own
/// companies' records alone: where everybody's are cut off, its own are gone through instead.
#[derive(Debug)]
pub(crate) struct Candidates<T> {
    pub items: Vec<T>,
    pub more: bool,
}

impl<T> Candidates<T> {
    /// Of at most [`LIMIT`] and one.
    fn new(mut items: Vec<T>) -> Self {
        let more = items.len() > CANDIDATES;
        items.truncate(CANDIDATES);
        Self { items, more }
    }
}

/// Records whose names hold a term: number of the kind, id, text.
pub(crate) async fn names(
    db: &Db,
    scope: &Scope,
    kinds: &[&'static SearchDef],
    term: &Term,
) -> Result<Candidates<(i64, i64, String)>> {
    let mut q = db.query("select rowid, text from search_names where ");
    holds(&mut q, db.engine(), term);
    q.push(" and ").push(KIND_NUMBER).push(" in ");
    q.push_list(kinds.iter().map(|def| def.number));
    q.push(" limit ").push_bind(LIMIT + 1);
    let mut rows = q.all::<(i64, String)>().await?;
    if let Some(own) = scope.companies().filter(|_| rows.len() > CANDIDATES) {
        rows = own::names(db, own, kinds, term).await?;
    }
    let Candidates { mut items, more } = Candidates::new(rows);
    // SQLite's index folds a few letters once more; going through a client's own records does not.
    items.retain(|(_, text)| term.is_in(text));
    let items = items.into_iter();
    let items = items.map(|(place, text)| (place % STRIDE, place / STRIDE, text));
    Ok(Candidates {
        items: items.collect(),
        more,
    })
}

/// Tickets on which a term was said, or that are about it.
pub(crate) async fn said(db: &Db, scope: &Scope, term: &Term) -> Result<Candidates<TicketId>> {
    let public = if scope.companies().is_some() {
        " and c.private is not true"
    } else {
        ""
    };
    let (mut tickets, mut more) = (Vec::new(), false);
    for (select, of_late, matches, public, own_select) in [
        (SAID, SAID_OF_LATE, WORDS_SAID, public, own::SAID),
        (ABOUT, ABOUT_OF_LATE, WORDS_ABOUT, "", own::ABOUT),
    ] {
        let mut found = Candidates::new(Vec::new());
        for Asked { words, is_of_late } in words(db.engine(), term) {
            if found.more {
                break;
            }
            let mut q = if is_of_late {
                db.query(of_late)
            } else {
                db.query(select)
            };
            q.unprepared().push_sql(matches).push_bind(words.as_str());
            q.push_sql(WORDS_END).push(public);
            q.push_sql(NEWEST).push_bind(LIMIT + 1);
            let mut rows = q.scalars().await?;
            if let Some(own) = scope.companies().filter(|_| rows.len() > CANDIDATES) {
                rows = own_select.find(db, own, (matches, &words)).await?;
            }
            found = Candidates::new(rows);
        }
        tickets.extend(found.items);
        more |= found.more;
    }
    tickets.sort_unstable();
    tickets.dedup();
    Ok(Candidates {
        items: tickets,
        more,
    })
}

/// Words in the language of an engine.
struct Asked {
    words: String,
    /// Whether only the newest rows are asked for them, to learn whether there are too many.
    is_of_late: bool,
}

/// The term in the engine's language of words, parted as [`crate::fold::words`] does; the last word may go on. Both
/// engines gather every hit of a word that may go on before they give the first, so that they are asked for the words
/// as they are before.
fn words(engine: Engine, term: &Term) -> Vec<Asked> {
    let parts = term.text.split(|c: char| !c.is_alphanumeric());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    let Some(last) = parts.last() else {
        return Vec::new();
    };
    let goes_on = last.chars().count() >= TRIGRAM;
    let (whole, begun) = match engine {
        Engine::Sqlite => (format!("\"{}\"", parts.join("\" AND \"")), "*"),
        Engine::Postgres => (format!("'{}'", parts.join("' & '")), ":*"),
    };
    let begun = format!("{whole}{begun}");
    let asked = |words: &str, is_of_late| Asked {
        words: words.to_owned(),
        is_of_late,
    };
    match (goes_on, engine) {
        (false, _) => vec![asked(&whole, false)],
        (true, Engine::Sqlite) => vec![asked(&whole, false), asked(&begun, false)],
        (true, Engine::Postgres) => vec![
            asked(&whole, false),
            asked(&begun, true),
            asked(&begun, false),
        ],
    }
}
