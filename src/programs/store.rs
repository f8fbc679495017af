//! Queries on one program. Lists are in `list_store`.

use std::str::FromStr;

use diesel::prelude::*;

use super::model::{ProgramInput, ProgramStatus, TermKind};
use crate::{
    db::{
        Conn,
        schema::{program_search, program_tallies, program_terms, program_versions, programs},
    },
    http::Error,
    ids::{ProgramId, ProviderId},
    on_each_backend,
    score::Tallies,
    time::{Day, Timestamp},
    vetting::standing_store::Standing,
};

/// A row of `programs`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = programs)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and product terms")]
pub struct ProgramRow {
    pub id: ProgramId,
    pub slug: String,
    pub provider_id: ProviderId,
    pub status: ProgramStatus,
    pub status_reason: Option<String>,
    pub title: String,
    pub title_key: String,
    pub summary: String,
    pub listing_version: i32,
    pub version: i32,
    pub weeks_min: i32,
    pub weeks_max: i32,
    pub fee_currency: String,
    pub fee_total_minor: i64,
    pub minimum_age: i32,
    pub deadline_day: Option<Day>,
    pub listed_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[diesel(embed)]
    pub standing: Standing,
    pub score_key: i32,
    pub review_count: i32,
    pub verified_review_count: i32,
    pub recommend_count: i32,
    pub report_count: i32,
    pub critical_report_count: i32,
    pub derived_day: Day,
    pub codes_issued: i32,
}

/// How a path names a program or provider: by id or by slug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key<I> {
    /// The id.
    Id(I),
    /// The slug.
    Slug(String),
}

impl<I: FromStr> FromStr for Key<I> {
    type Err = crate::ids::InvalidId;

    /// A UUID in canonical form is an id, even though it would also be a legal slug.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if (3..=80).contains(&text.len()) && text.chars().all(slug) {
            return Ok(Self::Slug(text.to_owned()));
        }
        Err(crate::ids::InvalidId)
    }
}

impl<'de, I: FromStr> serde::Deserialize<'de> for Key<I> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// How a path names a program.
pub type ProgramKey = Key<ProgramId>;

/// Finds a program, whatever its status.
pub fn find(conn: &mut Conn, key: &ProgramKey) -> QueryResult<Option<ProgramRow>> {
    match key {
        Key::Id(id) => programs::table.find(id).select(ProgramRow::as_select()).first(conn).optional(),
        Key::Slug(slug) => {
            programs::table.filter(programs::slug.eq(slug)).select(ProgramRow::as_select()).first(conn).optional()
        }
    }
}

/// Finds a program that anyone may read (listed or suspended); others do not exist for the public.
pub fn find_public(conn: &mut Conn, key: &ProgramKey) -> Result<ProgramRow, Error> {
    find(conn, key)?.filter(|row| row.status.is_public()).ok_or(Error::NotFound("program"))
}

/// The stored text of one version of a listing.
pub fn listing_text(conn: &mut Conn, id: ProgramId, version: i32) -> QueryResult<Option<(String, Timestamp)>> {
    let query = program_versions::table.find((id, version));
    query.select((program_versions::listing, program_versions::created_at)).first(conn).optional()
}

/// One version of a listing.
pub fn listing(conn: &mut Conn, id: ProgramId, version: i32) -> Result<ProgramInput, Error> {
    let (text, _) = listing_text(conn, id, version)?.ok_or(Error::NotFound("version"))?;
    serde_json::from_str(&text).map_err(Error::internal)
}

/// Counts a change of the program and thereby locks its row for the rest of the transaction: what is read after this
/// cannot change before the commit. False when there is no such program.
pub fn lock(conn: &mut Conn, id: ProgramId) -> QueryResult<bool> {
    let changed =
        diesel::update(programs::table.find(id)).set(programs::version.eq(programs::version + 1)).execute(conn)?;
    Ok(changed == 1)
}

/// Holds a program's row until the commit, without a trace in its version. `SQLite` has one writer at a time anyway.
pub fn steady(conn: &mut Conn, id: ProgramId) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(c) => {
            let row = programs::table.find(id).select(programs::id);
            row.for_no_key_update().first::<ProgramId>(c).optional().map(drop)
        }
    }
}

/// Adds a program with its first listing. A taken slug is a unique violation.
pub fn insert(conn: &mut Conn, row: &ProgramRow, input: &ProgramInput, provider_name: &str) -> Result<(), Error> {
    diesel::insert_into(programs::table).values(row).execute(conn)?;
    let tallies = serde_json::to_string(&Tallies::default()).map_err(Error::internal)?;
    diesel::insert_into(program_tallies::table)
        .values((program_tallies::program_id.eq(row.id), program_tallies::tallies.eq(tallies)))
        .execute(conn)?;
    diesel::insert_into(program_search::table)
        .values((program_search::program_id.eq(row.id), program_search::body.eq(input.search_body(provider_name))))
        .execute(conn)?;
    add_version(conn, row.id, row.listing_version, input, row.created_at)?;
    add_terms(conn, row.id, input)?;
    Ok(())
}

/// Keeps one version of a listing.
pub fn add_version(
    conn: &mut Conn,
    id: ProgramId,
    version: i32,
    input: &ProgramInput,
    at: Timestamp,
) -> Result<(), Error> {
    let listing = serde_json::to_string(input).map_err(Error::internal)?;
    diesel::insert_into(program_versions::table)
        .values((
            program_versions::program_id.eq(id),
            program_versions::version.eq(version),
            program_versions::listing.eq(listing),
            program_versions::created_at.eq(at),
        ))
        .execute(conn)?;
    Ok(())
}

/// Replaces what the search index and the filters know of a listing.
pub fn reindex(conn: &mut Conn, id: ProgramId, input: &ProgramInput, provider_name: &str) -> QueryResult<()> {
    diesel::update(program_search::table.filter(program_search::program_id.eq(id)))
        .set(program_search::body.eq(input.search_body(provider_name)))
        .execute(conn)?;
    diesel::delete(
        program_terms::table.filter(program_terms::program_id.eq(id)).filter(program_terms::kind.ne(TermKind::RedFlag)),
    )
    .execute(conn)?;
    add_terms(conn, id, input)
}

fn add_terms(conn: &mut Conn, id: ProgramId, input: &ProgramInput) -> QueryResult<()> {
    let rows: Vec<_> = input
        .terms()
        .into_iter()
        .map(|(kind, term)| {
            (program_terms::kind.eq(kind), program_terms::term.eq(term), program_terms::program_id.eq(id))
        })
        .collect();
    on_each_backend!(conn, |c| diesel::insert_into(program_terms::table).values(&rows).execute(c))?;
    Ok(())
}

/// The tallies of a program, and the day that its score was last computed for.
pub fn tallies(conn: &mut Conn, id: ProgramId) -> Result<(Tallies, Day), Error> {
    let (text, day): (String, Day) = program_tallies::table
        .inner_join(programs::table)
        .filter(program_tallies::program_id.eq(id))
        .select((program_tallies::tallies, programs::derived_day))
        .first(conn)?;
    Ok((serde_json::from_str(&text).map_err(Error::internal)?, day))
}
