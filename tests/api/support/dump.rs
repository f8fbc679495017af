//! Everything that a database holds, as text.

use std::collections::BTreeMap;

use diesel::{RunQueryDsl, dsl::sql, sql_types::Text};
use preceptor::{db::Conn, on_each_backend};

fn texts(conn: &mut Conn, query: &str) -> Vec<String> {
    on_each_backend!(conn, |c| sql::<Text>(query).load(c)).unwrap()
}

/// The rows of each table; binary columns in capital hexadecimal digits.
pub fn dump(conn: &mut Conn) -> BTreeMap<String, Vec<String>> {
    let is_sqlite = matches!(conn, Conn::Sqlite(_));
    let tables = if is_sqlite {
        texts(conn, "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
    } else {
        texts(conn, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
    };
    let rows = |table: &String| {
        if !is_sqlite {
            // "\x" and digits.
            let rows = texts(conn, &format!("SELECT t::text FROM {table} t"));
            return rows.iter().map(|row| capital_hex(row)).collect();
        }
        let columns = texts(conn, &format!("SELECT 'quote(\"' || name || '\")' FROM pragma_table_info('{table}')"));
        texts(conn, &format!("SELECT {} FROM \"{table}\"", columns.join(" || ',' || ")))
    };
    let filled: Vec<Vec<String>> = tables.iter().map(rows).collect();
    tables.into_iter().zip(filled).collect()
}

/// PostgreSQL writes hexadecimal digits small.
fn capital_hex(row: &str) -> String {
    let mut parts = row.split("\\x");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |row, part| {
        let end = part.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(part.len());
        row + "\\x" + &part[..end].to_uppercase() + &part[end..]
    })
}

/// Capital hexadecimal digits, as in [`dump`].
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value)]);
    bytes.as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The tables in which this text stands, as text or as bytes.
pub fn holding(dump: &BTreeMap<String, Vec<String>>, text: &str) -> Vec<String> {
    let bytes = hex(text);
    let holds = |row: &String| row.contains(text) || row.contains(&bytes);
    dump.iter().filter(|(_, rows)| rows.iter().any(holds)).map(|(table, _)| table.clone()).collect()
}
