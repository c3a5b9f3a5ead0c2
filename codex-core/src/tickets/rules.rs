//! What holds for tickets: whose they are, and the texts beside them.

use std::collections::{BTreeSet, HashMap};

use sqlx::types::Json;

use super::{Ticket, TicketFields, TicketTexts, threads};
use crate::{
    Access, RecordKind, Result,
    companies::{COMPANY_ID, rules::by_external_id},
    fold::{SearchKey, words},
    ids::CompanyId,
    records::{Draft, Resource, SearchDef, WrittenPage, reserve_ids, search_index},
    store::{Sql, Tx},
};

impl Resource for Ticket {
    const RECORD_KIND: RecordKind = RecordKind::Ticket;
    const KEY: Option<&'static str> = Some("number");
    const STATEMENTS: &'static [&'static [(&'static str, Sql)]] = &[
        super::pending_details::STATEMENTS,
        super::query::STATEMENTS,
        super::threads::STATEMENTS,
    ];
    const READ_BY: Access = Access::Everyone;
    const WRITTEN_BY: Access = Access::Technicians;
    const SEARCH: Option<&'static SearchDef> = Some(&super::query::SEARCH);
    const RESERVE: Sql = reserve_ids!("tickets");
    // Lists, views and webhooks of one ticket race.
    const NEWEST_WINS: bool = true;
    type Fields = TicketFields;
    type Status = TicketTexts;

    fn search_text(fields: &TicketFields) -> String {
        let number = fields.number.to_string();
        search_index::text([
            Some(number.as_str()),
            fields.subject.as_deref(),
            fields.requester_name.as_deref(),
            fields.requester_email.as_deref(),
        ])
    }

    fn derive(fields: &mut TicketFields) {
        let newest = fields.last_updated_at.or(fields.opened_at);
        fields.newest_at = newest.unwrap_or_default();
    }

    fn keys(fields: &mut TicketFields) {
        let subject = fields.subject.as_deref().map(SearchKey::new);
        fields.subject_fold = subject.unwrap_or_default();
    }

    /// The company of the ticket's department; without one, the only company of who asked (trap 13). A department that
    /// has not arrived yet is found later.
    async fn resolve_references(
        tx: &mut Tx,
        drafts: &mut [Draft<Self>],
        _issues: &mut Vec<String>,
    ) -> Result<()> {
        let sources: BTreeSet<String> = drafts
            .iter()
            .filter_map(|draft| draft.fields.external_source.clone())
            .collect();
        for source in sources {
            let of_source = |draft: &&mut Draft<Self>| {
                draft.fields.external_source.as_ref() == Some(&source)
                    && !draft.is_manual(COMPANY_ID)
            };
            let ids = |field: fn(&TicketFields) -> Option<i64>| -> BTreeSet<String> {
                let stated = drafts.iter().filter_map(|draft| field(&draft.fields));
                stated.map(|id| id.to_string()).collect()
            };
            let departments = ids(|fields| fields.department_id);
            let requesters = ids(|fields| {
                fields
                    .requester_id
                    .filter(|_| fields.department_id.is_none())
            });
            let of_department =
                by_external_id(tx, &source, departments.iter().map(String::as_str)).await?;
            let of_requester = only_companies(tx, &source, &requesters).await?;
            for draft in drafts.iter_mut().filter(of_source) {
                let fields = &mut draft.fields;
                let found = match (fields.department_id, fields.requester_id) {
                    (Some(department), _) => of_department.get(&department.to_string()),
                    (None, Some(requester)) => of_requester.get(&requester.to_string()),
                    (None, None) => None,
                };
                // An imported ticket has the company that it had until its department or requester has one.
                fields.company_id = found.copied().map(CompanyId).or(fields.company_id);
            }
        }
        Ok(())
    }

    async fn after_write(tx: &mut Tx, page: &WrittenPage<'_, Self>) -> Result<()> {
        let ids: Vec<i64> = page.items.iter().map(|(id, _)| *id).collect();
        threads::keep_touched(tx, &ids).await?;
        let stated: Vec<(i64, &TicketTexts)> = page
            .items
            .iter()
            .filter_map(|(id, item)| item.status.as_ref().map(|texts| (*id, texts)))
            .collect();
        for chunk in stated.chunks(1_000) {
            save_texts(tx, chunk).await?;
        }
        Ok(())
    }
}

/// Writes the texts of tickets. What a shape of the vendor's leaves out stays, what it shows empty is blanked.
async fn save_texts(tx: &mut Tx, stated: &[(i64, &TicketTexts)]) -> Result<()> {
    let mut q = tx.query(
        "insert into ticket_details (ticket_id, description, description_text, words, attachments, stats) ",
    );
    q.push_upsert_rows(
        stated,
        |(id, _)| *id,
        |row, (id, texts)| {
            row.bind(*id)
                .bind_text(texts.description.as_deref())
                .bind_text(texts.description_text.as_deref())
                .bind(texts.description_text.as_deref().map(words))
                .bind(texts.attachments.clone().map(Json))
                .bind(texts.stats.clone().map(Json));
        },
    );
    q.push(
        " on conflict (ticket_id) do update set \
         description = nullif(coalesce(excluded.description, ticket_details.description), ''), \
         description_text = nullif(coalesce(excluded.description_text, ticket_details.description_text), ''), \
         words = nullif(coalesce(excluded.words, ticket_details.words), ''), \
         attachments = coalesce(excluded.attachments, ticket_details.attachments), \
         stats = coalesce(excluded.stats, ticket_details.stats) \
         where (ticket_details.description, ticket_details.description_text, ticket_details.words, \
         ticket_details.attachments, ticket_details.stats) is distinct from \
         (nullif(coalesce(excluded.description, ticket_details.description), ''), \
         nullif(coalesce(excluded.description_text, ticket_details.description_text), ''), \
         nullif(coalesce(excluded.words, ticket_details.words), ''), \
         coalesce(excluded.attachments, ticket_details.attachments), \
         coalesce(excluded.stats, ticket_details.stats))",
    );
    q.execute().await?;
    let blanked: Vec<i64> = stated
        .iter()
        .filter(|(_, texts)| texts.blanks())
        .map(|(id, _)| *id)
        .collect();
    if !blanked.is_empty() {
        // An empty text is none: answers and search know null alone. This is about new rows.
        let mut q = tx.query(
            "update ticket_details set description = nullif(description, ''), \
             description_text = nullif(description_text, ''), words = nullif(words, '') \
             where '' in (description, description_text, words) and ticket_id in ",
        );
        q.push_list(blanked);
        q.execute().await?;
    }
    Ok(())
}

/// The companies of contacts that have exactly one, by the source's id of the contact.
async fn only_companies(
    tx: &mut Tx,
    source: &str,
    contacts: &BTreeSet<String>,
) -> Result<HashMap<String, i64>> {
    if contacts.is_empty() {
        return Ok(HashMap::new());
    }
    let mut q = tx.query(
        "select c.external_id, min(l.company_id) from claims c join contact_company l \
         on l.contact_id = c.record_id where c.kind = 'contact' and c.source = ",
    );
    q.push_bind(source).push(" and c.external_id in ");
    q.push_list(contacts.iter().map(String::as_str));
    q.push(" group by c.external_id having count(distinct l.company_id) = 1");
    Ok(q.all::<(String, i64)>().await?.into_iter().collect())
}
