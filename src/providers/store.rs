//! Queries on providers.

use std::collections::BTreeSet;

use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as DieselError},
};

use super::model::ProviderInput;
use crate::{
    db::{Conn, schema::providers},
    http::{Error, FaultCode, Position},
    ids::ProviderId,
    programs::{store::Key, write_store::provider_renamed},
    rules::{free_slug, numbered_slugs},
    time::Timestamp,
};

/// A row of `providers`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = providers)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the input type")]
pub struct ProviderRow {
    pub id: ProviderId,
    pub slug: String,
    pub name: String,
    pub name_key: String,
    pub country: String,
    pub website: Option<String>,
    pub description: String,
    pub contact_email: Option<String>,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl ProviderRow {
    /// The entry as its provider would write it: what a merge patch is applied to.
    #[must_use]
    pub fn input(&self) -> ProviderInput {
        ProviderInput {
            name: self.name.clone(),
            slug: Some(self.slug.clone()),
            country: self.country.clone(),
            website: self.website.clone(),
            description: self.description.clone(),
            contact_email: self.contact_email.clone(),
        }
    }
}

/// The columns that an edit changes.
#[derive(AsChangeset)]
#[diesel(table_name = providers, treat_none_as_null = true)]
struct Edit {
    slug: String,
    name: String,
    name_key: String,
    country: String,
    website: Option<String>,
    description: String,
    contact_email: Option<String>,
    version: i32,
    updated_at: Timestamp,
}

/// How a path names a provider.
pub type ProviderKey = Key<ProviderId>;

/// Finds a provider.
pub fn find(conn: &mut Conn, key: &ProviderKey) -> QueryResult<Option<ProviderRow>> {
    let query = providers::table.select(ProviderRow::as_select());
    match key {
        Key::Id(id) => query.find(id).first(conn).optional(),
        Key::Slug(slug) => query.filter(providers::slug.eq(slug)).first(conn).optional(),
    }
}

/// Finds a provider by the text of its id or slug; a text that can be neither finds none.
pub fn find_by_key(conn: &mut Conn, text: &str) -> QueryResult<Option<ProviderRow>> {
    text.parse().map_or(Ok(None), |key| find(conn, &key))
}

/// The provider that was registered first.
pub fn first_registered(conn: &mut Conn) -> QueryResult<Option<ProviderId>> {
    let query = providers::table.order((providers::created_at, providers::id));
    query.select(providers::id).first(conn).optional()
}

/// Reads a provider and keeps it from changing for the rest of the transaction, because its name goes into what is
/// written next (the search words of a program).
pub fn hold(conn: &mut Conn, id: ProviderId) -> QueryResult<Option<ProviderRow>> {
    match conn {
        // SQLite has one writer.
        Conn::Sqlite(_) => find(conn, &Key::Id(id)),
        Conn::Postgres(c) => providers::table.find(id).for_share().select(ProviderRow::as_select()).first(c).optional(),
    }
}

/// What a list of providers is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// ISO 3166-1 alpha-2 code.
    pub country: Option<String>,
    /// Folded beginning of the name.
    pub name_prefix: Option<String>,
}

/// Providers by name, from `after` on, at most `limit`.
pub fn list(conn: &mut Conn, filter: &Filter, after: Option<&Position>, limit: i64) -> QueryResult<Vec<ProviderRow>> {
    let mut query = providers::table.select(ProviderRow::as_select()).into_boxed();
    if let Some(country) = &filter.country {
        query = query.filter(providers::country.eq(country));
    }
    if let Some(prefix) = &filter.name_prefix {
        // Every key that begins with the prefix and none other, since text compares bytewise.
        let end = format!("{prefix}{}", char::MAX);
        query = query.filter(providers::name_key.ge(prefix)).filter(providers::name_key.lt(end));
    }
    if let Some(after) = after {
        let id = ProviderId::from_uuid(after.id);
        query = query
            .filter(providers::name_key.ge(&after.text))
            .filter(providers::name_key.gt(&after.text).or(providers::id.gt(id)));
    }
    query.order((providers::name_key, providers::id)).limit(limit).load(conn)
}

/// The slug asked for; or else, made from the name, one that is free. Which one it is in the end decides the unique
/// index.
fn slug(conn: &mut Conn, input: &ProviderInput) -> Result<String, Error> {
    let wanted = input.slug_or_derived();
    if input.slug.is_some() {
        return Ok(wanted);
    }
    let (from, before) = numbered_slugs(&wanted);
    let numbered = providers::slug.ge(from).and(providers::slug.lt(before));
    let taken: Vec<String> =
        providers::table.filter(providers::slug.eq(&wanted).or(numbered)).select(providers::slug).load(conn)?;
    Ok(free_slug(wanted, &BTreeSet::from_iter(taken)))
}

fn refuse_id(slug: &str) -> Result<(), Error> {
    if slug.parse::<ProviderId>().is_ok() {
        return Err(Error::field("/slug", FaultCode::NotAllowed, "A slug may not have the form of an id."));
    }
    Ok(())
}

fn taken(error: DieselError, slug: &str) -> Error {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
            Error::Conflict(format!("The slug `{slug}` is taken; choose another."))
        }
        other => other.into(),
    }
}

/// Adds a provider. A slug that was asked for and is taken is a conflict.
pub fn insert(conn: &mut Conn, input: &ProviderInput, id: ProviderId, now: Timestamp) -> Result<ProviderRow, Error> {
    let slug = slug(conn, input)?;
    refuse_id(&slug)?;
    let row = ProviderRow {
        id,
        slug,
        name: input.name.clone(),
        name_key: input.name_key(),
        country: input.country.clone(),
        website: input.website.clone(),
        description: input.description.clone(),
        contact_email: input.contact_email.clone(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let added = diesel::insert_into(providers::table).values(&row).execute(conn);
    added.map_err(|error| taken(error, &row.slug))?;
    Ok(row)
}

/// Changes a provider that is still as `current` says. Without a slug in `input` it keeps the one it has. A new name
/// goes into the search words of its programs.
pub fn update(
    conn: &mut Conn,
    current: &ProviderRow,
    input: &ProviderInput,
    now: Timestamp,
) -> Result<ProviderRow, Error> {
    let slug = input.slug.clone().unwrap_or_else(|| current.slug.clone());
    refuse_id(&slug)?;
    let edit = Edit {
        slug,
        name: input.name.clone(),
        name_key: input.name_key(),
        country: input.country.clone(),
        website: input.website.clone(),
        description: input.description.clone(),
        contact_email: input.contact_email.clone(),
        version: current.version + 1,
        updated_at: now,
    };
    let unchanged = providers::table.find(current.id).filter(providers::version.eq(current.version));
    let changed = diesel::update(unchanged).set(&edit).execute(conn);
    if changed.map_err(|error| taken(error, &edit.slug))? == 0 {
        return Err(Error::PreconditionFailed);
    }
    if input.name != current.name {
        provider_renamed(conn, current.id, &input.name)?;
    }
    Ok(ProviderRow {
        id: current.id,
        slug: edit.slug,
        name: edit.name,
        name_key: edit.name_key,
        country: edit.country,
        website: edit.website,
        description: edit.description,
        contact_email: edit.contact_email,
        version: edit.version,
        created_at: current.created_at,
        updated_at: edit.updated_at,
    })
}
