//! The schema's history, embedded for both engines, and the rules for applying it.

use std::collections::BTreeSet;

use diesel::{
    connection::SimpleConnection,
    migration::{Migration, MigrationSource, MigrationVersion},
    prelude::*,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::Conn;
use crate::vetting::rubric_store;

/// The migrations of the embedded engine.
pub const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
/// The migrations of the server engine; the same names as [`SQLITE`].
pub const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Any number; every preceptor process uses the same, so that two do not migrate at once.
const ADVISORY_LOCK: i64 = 0x7072_6563_6570;

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database was written by a later release.
    #[error("the database has migrations that this release does not know ({0}); run the release that made them")]
    Newer(String),
    /// `serve` was told not to migrate and there is something to do.
    #[error("the database lacks migrations ({0}); run `preceptor migrate`")]
    Older(String),
    /// A migration failed; nothing of it was kept.
    #[error("a migration failed: {0}")]
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> MigrateError {
    MigrateError::Failed(error.into())
}

/// Applies what is missing and returns the names of what was applied.
pub fn migrate(conn: &mut Conn) -> Result<Vec<String>, MigrateError> {
    let (_, ahead) = compare(conn)?;
    if !ahead.is_empty() {
        return Err(MigrateError::Newer(ahead.join(", ")));
    }
    let applied = match conn {
        Conn::Sqlite(c) => run(c, SQLITE),
        Conn::Postgres(c) => {
            // Session settings meant for requests would cut a long migration short.
            c.batch_execute(&format!(
                "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; \
                 SELECT pg_advisory_lock({ADVISORY_LOCK})"
            ))
            .map_err(failed)?;
            let applied = run(c, POSTGRES);
            c.batch_execute(&format!("SELECT pg_advisory_unlock({ADVISORY_LOCK})")).map_err(failed)?;
            applied
        }
    }?;
    rubric_store::enter_first(conn).map_err(failed)?;
    Ok(applied)
}

fn run<DB: diesel::backend::Backend>(
    conn: &mut impl MigrationHarness<DB>,
    source: EmbeddedMigrations,
) -> Result<Vec<String>, MigrateError>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    let applied = conn.run_pending_migrations(source).map_err(MigrateError::Failed)?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

/// Refuses a schema that is not exactly this release's.
pub fn check(conn: &mut Conn) -> Result<(), MigrateError> {
    let (missing, ahead) = compare(conn)?;
    if !ahead.is_empty() {
        return Err(MigrateError::Newer(ahead.join(", ")));
    }
    if !missing.is_empty() {
        return Err(MigrateError::Older(missing.join(", ")));
    }
    Ok(())
}

/// (known but not applied, applied but not known), as versions.
fn compare(conn: &mut Conn) -> Result<(Vec<String>, Vec<String>), MigrateError> {
    let (known, applied) = match conn {
        Conn::Sqlite(c) => {
            let known = MigrationSource::<diesel::sqlite::Sqlite>::migrations(&SQLITE).map_err(MigrateError::Failed)?;
            (versions(&known), c.applied_migrations().map_err(MigrateError::Failed)?)
        }
        Conn::Postgres(c) => {
            let known = MigrationSource::<diesel::pg::Pg>::migrations(&POSTGRES).map_err(MigrateError::Failed)?;
            (versions(&known), c.applied_migrations().map_err(MigrateError::Failed)?)
        }
    };
    let applied: BTreeSet<String> = applied.iter().map(MigrationVersion::to_string).collect();
    Ok((known.difference(&applied).cloned().collect(), applied.difference(&known).cloned().collect()))
}

diesel::table! {
    /// Diesel's own record of what was applied.
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// Whether the schema is exactly this release's, found out without writing: [`check`] makes the record's table where it
/// is not there, which a connection that only reads may not.
pub fn is_current(conn: &mut Conn) -> QueryResult<bool> {
    let applied: Vec<String> =
        __diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(conn)?;
    let known = match conn {
        Conn::Sqlite(_) => MigrationSource::<diesel::sqlite::Sqlite>::migrations(&SQLITE).map(|all| versions(&all)),
        Conn::Postgres(_) => MigrationSource::<diesel::pg::Pg>::migrations(&POSTGRES).map(|all| versions(&all)),
    };
    Ok(known.is_ok_and(|known| known == applied.into_iter().collect()))
}

fn versions<DB: diesel::backend::Backend>(migrations: &[Box<dyn Migration<DB>>]) -> BTreeSet<String> {
    migrations.iter().map(|m| m.name().version().to_string()).collect()
}

/// Undoes every migration, newest first. For tests of the down scripts; no command calls it.
pub fn revert_all(conn: &mut Conn) -> Result<(), MigrateError> {
    match conn {
        Conn::Sqlite(c) => c.revert_all_migrations(SQLITE).map(drop).map_err(MigrateError::Failed),
        Conn::Postgres(c) => c.revert_all_migrations(POSTGRES).map(drop).map_err(MigrateError::Failed),
    }
}
