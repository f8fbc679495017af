//! Queries on universities.

use std::collections::HashMap;

use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{Bool, Text},
};

use super::domain::{Domain, Domains};
use crate::{
    db::{
        Conn,
        schema::{universities, university_domains, university_search},
    },
    http::Position,
    ids::UniversityId,
    on_each_backend, search_text,
    time::Timestamp,
};

/// Rows of one INSERT: stays below the parameters that either engine takes (32 766 and 65 535).
const BATCH: usize = 1000;

/// A row of `universities`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = universities)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and product terms")]
pub struct UniversityRow {
    pub id: UniversityId,
    pub name: String,
    pub name_key: String,
    pub country: String,
    pub state_province: Option<String>,
    pub web_pages: String,
    pub source: String,
    pub source_key: String,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What a list is narrowed to; everything given must hold.
#[derive(Debug, Default)]
pub struct Filter {
    /// Stemmed words of the name. An empty list finds nothing: the query had no word in it.
    pub words: Option<Vec<String>>,
    /// A mail domain: the university's own or one below it.
    pub domain: Option<Domain>,
    /// An ISO 3166-1 alpha-2 code.
    pub country: Option<String>,
}

/// Whether there is such a university.
pub fn exists(conn: &mut Conn, id: UniversityId) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(universities::table.find(id))).get_result(conn)
}

/// The university that was imported first.
pub fn first_registered(conn: &mut Conn) -> QueryResult<Option<UniversityId>> {
    let query = universities::table.order((universities::created_at, universities::id));
    query.select(universities::id).first(conn).optional()
}

/// Finds a university.
pub fn find(conn: &mut Conn, id: UniversityId) -> QueryResult<Option<UniversityRow>> {
    universities::table.find(id).select(UniversityRow::as_select()).first(conn).optional()
}

/// The universities after `after`, by name, at most `fetch`.
pub fn list(conn: &mut Conn, filter: &Filter, after: Option<&Position>, fetch: i64) -> QueryResult<Vec<UniversityRow>> {
    let mut query = universities::table
        .select(UniversityRow::as_select())
        .order((universities::name_key, universities::id))
        .limit(fetch)
        .into_boxed();
    if let Some(words) = &filter.words {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        query = match conn {
            Conn::Sqlite(_) => query.filter(
                sql::<Bool>(
                    "universities.id IN (SELECT university_id FROM university_search WHERE number IN \
                     (SELECT rowid FROM university_search_index WHERE university_search_index MATCH ",
                )
                .bind::<Text, _>(search_text::fts5_query(words))
                .sql("))"),
            ),
            Conn::Postgres(_) => query.filter(
                sql::<Bool>("universities.id IN (SELECT university_id FROM university_search WHERE body_vector @@ ")
                    .bind::<Text, _>(search_text::tsquery(words))
                    .sql("::tsquery)"),
            ),
        };
    }
    if let Some(domain) = &filter.domain {
        let names = domain.with_parents().into_iter().map(str::to_owned).collect::<Vec<_>>();
        let owners = university_domains::table
            .filter(university_domains::domain.eq_any(names))
            .select(university_domains::university_id);
        query = query.filter(universities::id.eq_any(owners));
    }
    if let Some(country) = &filter.country {
        query = query.filter(universities::country.eq(country.clone()));
    }
    if let Some(last) = after {
        let id = UniversityId::from_uuid(last.id);
        let key = last.text.clone();
        let beyond = universities::name_key.gt(key.clone()).or(universities::id.gt(id));
        query = query.filter(universities::name_key.ge(key)).filter(beyond);
    }
    query.load(conn)
}

/// The one university that this mail domain or the nearest of its parents belongs to; `None` when several share it.
pub fn of_mail_domain(conn: &mut Conn, domain: &Domain) -> QueryResult<Option<UniversityId>> {
    let names = domain.with_parents();
    let found: Vec<(String, UniversityId)> = university_domains::table
        .filter(university_domains::domain.eq_any(&names))
        .select((university_domains::domain, university_domains::university_id))
        .load(conn)?;
    let owners = names
        .iter()
        .map(|name| found.iter().filter(|(owned, _)| owned == name).map(|(_, id)| *id).collect::<Vec<_>>())
        .find(|owners| !owners.is_empty());
    Ok(owners.filter(|owners| owners.len() == 1).and_then(|owners| owners.first().copied()))
}

/// The domains of each of these universities, in order.
pub fn domains_of(conn: &mut Conn, ids: &[UniversityId]) -> QueryResult<HashMap<UniversityId, Vec<String>>> {
    let pairs: Vec<(UniversityId, String)> = university_domains::table
        .filter(university_domains::university_id.eq_any(ids.to_vec()))
        .order(university_domains::domain)
        .select((university_domains::university_id, university_domains::domain))
        .load(conn)?;
    let mut domains: HashMap<_, Vec<_>> = HashMap::with_capacity(ids.len());
    for (id, domain) in pairs {
        domains.entry(id).or_default().push(domain);
    }
    Ok(domains)
}

/// Every university of a source with its domains.
pub(super) fn of_source(conn: &mut Conn, source: &str) -> QueryResult<Vec<(UniversityRow, Domains)>> {
    let rows: Vec<UniversityRow> = universities::table
        .filter(universities::source.eq(source))
        .order(universities::source_key)
        .select(UniversityRow::as_select())
        .load(conn)?;
    let pairs: Vec<(UniversityId, String)> = university_domains::table
        .inner_join(universities::table.on(universities::id.eq(university_domains::university_id)))
        .filter(universities::source.eq(source))
        .select((university_domains::university_id, university_domains::domain))
        .load(conn)?;
    let mut domains: HashMap<_, Domains> = HashMap::with_capacity(rows.len());
    for (id, domain) in pairs {
        domains.entry(id).or_default().insert(domain);
    }
    let with_domains = |row: UniversityRow| {
        let domains = domains.remove(&row.id).unwrap_or_default();
        (row, domains)
    };
    Ok(rows.into_iter().map(with_domains).collect())
}

/// Adds universities with their domains and search words.
pub(super) fn insert(conn: &mut Conn, added: &[(UniversityRow, Domains)]) -> QueryResult<()> {
    for batch in added.chunks(BATCH) {
        let rows: Vec<_> = batch.iter().map(|(row, _)| row).collect();
        on_each_backend!(conn, |c| diesel::insert_into(universities::table).values(rows).execute(c))?;
        let words: Vec<_> = batch
            .iter()
            .map(|(row, _)| {
                (university_search::university_id.eq(row.id), university_search::body.eq(search_body(&row.name)))
            })
            .collect();
        on_each_backend!(conn, |c| diesel::insert_into(university_search::table).values(words).execute(c))?;
    }
    let domains: Vec<_> =
        added.iter().flat_map(|(row, domains)| domains.iter().map(|domain| (row.id, domain))).collect();
    for batch in domains.chunks(BATCH) {
        insert_domains(conn, batch)?;
    }
    Ok(())
}

fn insert_domains(conn: &mut Conn, domains: &[(UniversityId, &String)]) -> QueryResult<()> {
    let rows: Vec<_> = domains
        .iter()
        .map(|(id, domain)| (university_domains::domain.eq(*domain), university_domains::university_id.eq(*id)))
        .collect();
    on_each_backend!(conn, |c| diesel::insert_into(university_domains::table).values(rows).execute(c)).map(drop)
}

fn search_body(name: &str) -> String {
    search_text::index_body(&[name])
}

/// Brings a stored university to `row` (of the same id) and `domains`.
pub(super) fn update(
    conn: &mut Conn,
    old: (&UniversityRow, &Domains),
    row: &UniversityRow,
    domains: &Domains,
) -> QueryResult<()> {
    diesel::update(universities::table.find(row.id))
        .set((
            universities::name.eq(&row.name),
            universities::name_key.eq(&row.name_key),
            universities::country.eq(&row.country),
            universities::state_province.eq(&row.state_province),
            universities::web_pages.eq(&row.web_pages),
            universities::version.eq(row.version),
            universities::updated_at.eq(row.updated_at),
        ))
        .execute(conn)?;
    let (old_row, old_domains) = old;
    if old_row.name != row.name {
        diesel::update(university_search::table.filter(university_search::university_id.eq(row.id)))
            .set(university_search::body.eq(search_body(&row.name)))
            .execute(conn)?;
    }
    for gone in old_domains.difference(domains) {
        diesel::delete(university_domains::table.find((gone, row.id))).execute(conn)?;
    }
    let new: Vec<_> = domains.difference(old_domains).map(|domain| (row.id, domain)).collect();
    if new.is_empty() { Ok(()) } else { insert_domains(conn, &new) }
}
