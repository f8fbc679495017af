//! The schema: reversible, the same on both databases, and what `schema.rs` says.

use std::collections::BTreeSet;

use diesel::{dsl::sql, prelude::*, sql_types::Text};
use preceptor::{
    db::{Conn, migrations},
    on_each_backend,
};

use crate::support::{Backend, Setup};

fn lines(conn: &mut Conn, query: &str) -> Vec<String> {
    on_each_backend!(conn, |c| sql::<Text>(query).load(c)).unwrap()
}

/// Every object of the schema, one per line.
fn dump(conn: &mut Conn) -> Vec<String> {
    let query = match conn {
        Conn::Sqlite(_) => {
            "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema \
             WHERE name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' AND tbl_name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' \
             ORDER BY 1"
        }
        Conn::Postgres(_) => {
            "SELECT text FROM (
                SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
                    || ' ' || coalesce(column_default, '') || ' ' || coalesce(collation_name, '')
                    || ' ' || coalesce(generation_expression, '') || ' ' || is_identity, table_name
                FROM information_schema.columns WHERE table_schema = 'public'
                UNION ALL SELECT 'index ' || indexdef, tablename FROM pg_indexes WHERE schemaname = 'public'
                UNION ALL SELECT 'constraint ' || conname || ' ' || pg_get_constraintdef(oid), conrelid::regclass::text
                FROM pg_constraint WHERE connamespace = 'public'::regnamespace
                UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid), tgrelid::regclass::text
                FROM pg_trigger WHERE NOT tgisinternal
                UNION ALL SELECT 'function ' || pg_get_functiondef(oid), '' FROM pg_proc
                WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
            ) AS all_of_it (text, relation)
            WHERE relation NOT LIKE '\\_\\_diesel%' ORDER BY text COLLATE \"C\""
        }
    };
    lines(conn, query)
}

/// (table.column type nullable) as `schema.rs` has it, with the names of the types of one database.
fn described(backend: Backend) -> BTreeSet<String> {
    let source = concat!(
        include_str!("../../src/db/schema.rs"),
        include_str!("../../src/db/schema/confirmation.rs"),
        include_str!("../../src/db/schema/flags.rs"),
        include_str!("../../src/db/schema/identity.rs"),
        include_str!("../../src/db/schema/moderation.rs"),
        include_str!("../../src/db/schema/outbox.rs"),
        include_str!("../../src/db/schema/publication.rs"),
        include_str!("../../src/db/schema/responses.rs"),
        include_str!("../../src/db/schema/reports.rs"),
        include_str!("../../src/db/schema/redress.rs"),
        include_str!("../../src/db/schema/vetting.rs")
    );
    let mut columns = BTreeSet::new();
    let mut table = "";
    for line in source.lines() {
        let words: Vec<_> = line.trim().trim_end_matches(',').split(' ').collect();
        match words.as_slice() {
            [name, key, .., "{"] if key.starts_with('(') => table = name,
            [column, "->", kind] => {
                let inner = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
                let name = match (inner.unwrap_or(kind), backend) {
                    ("Binary", Backend::Sqlite) => "BLOB",
                    ("Text", Backend::Sqlite) => "TEXT",
                    ("Integer" | "BigInt", Backend::Sqlite) => "INTEGER",
                    ("Binary", Backend::Postgres) => "bytea",
                    ("Text", Backend::Postgres) => "text",
                    ("Integer", Backend::Postgres) => "integer",
                    ("BigInt", Backend::Postgres) => "bigint",
                    (other, _) => panic!("{other} has no counterpart here"),
                };
                columns.insert(format!("{table}.{column} {name} {}", inner.is_some()));
            }
            _ => {}
        }
    }
    columns
}

on_both! {
    async fn up_down_up_gives_the_same_schema(backend: Backend) {
        let setup = Setup::empty(backend);
        let mut conn = setup.connect();
        let applied = migrations::migrate(&mut conn).unwrap();
        assert!(!applied.is_empty());
        let first = dump(&mut conn);
        assert!(first.len() > 30, "{first:#?}");
        assert!(migrations::migrate(&mut conn).unwrap().is_empty(), "nothing is left to do");
        migrations::revert_all(&mut conn).unwrap();
        assert_eq!(dump(&mut conn), Vec::<String>::new(), "down leaves nothing");
        assert_eq!(migrations::migrate(&mut conn).unwrap(), applied);
        assert_eq!(dump(&mut conn), first);
    }

    async fn the_live_columns_are_those_of_schema_rs(backend: Backend) {
        let setup = Setup::migrated(backend);
        let mut conn = setup.connect();
        let query = match backend {
            Backend::Sqlite => {
                "SELECT t.name || '.' || c.name || ' ' || c.type || ' ' \
                 || iif(c.\"notnull\" OR c.pk, 'false', 'true') \
                 FROM pragma_table_list AS t, pragma_table_info(t.name) AS c \
                 WHERE t.type = 'table' AND t.schema = 'main' AND t.name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' \
                 AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            }
            Backend::Postgres => {
                "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' \
                 || CASE is_nullable WHEN 'YES' THEN 'true' ELSE 'false' END \
                 FROM information_schema.columns WHERE table_schema = 'public' \
                 AND is_generated = 'NEVER' AND table_name NOT LIKE '\\_\\_diesel%'"
            }
        };
        let live: BTreeSet<String> = lines(&mut conn, query).into_iter().collect();
        assert_eq!(live, described(backend));
    }

    async fn text_compares_bytewise(backend: Backend) {
        let setup = Setup::migrated(backend);
        let mut conn = setup.connect();
        if backend == Backend::Postgres {
            let query = "SELECT table_name || '.' || column_name FROM information_schema.columns \
                WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C' \
                AND table_name NOT LIKE '\\_\\_diesel%'";
            assert_eq!(lines(&mut conn, query), Vec::<String>::new());
        } else {
            let query = "SELECT name FROM sqlite_schema WHERE sql LIKE '%COLLATE%'";
            assert_eq!(lines(&mut conn, query), Vec::<String>::new());
        }
    }

    async fn every_table_has_a_primary_key(backend: Backend) {
        let setup = Setup::migrated(backend);
        let mut conn = setup.connect();
        let query = match backend {
            Backend::Sqlite => {
                "SELECT t.name FROM pragma_table_list AS t WHERE t.type = 'table' AND t.schema = 'main' \
                 AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND NOT EXISTS \
                 (SELECT 1 FROM pragma_table_info(t.name) AS c WHERE c.pk > 0)"
            }
            Backend::Postgres => {
                "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
                 AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = pg_class.oid AND contype = 'p')"
            }
        };
        assert_eq!(lines(&mut conn, query), Vec::<String>::new());
    }
}
