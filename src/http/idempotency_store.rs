//! Queries on `idempotency_keys`.

use diesel::{prelude::*, query_dsl::methods::FilterDsl, upsert::excluded};

use crate::{
    db::{Conn, schema::idempotency_keys},
    ids::PrincipalId,
    on_each_backend,
    time::Timestamp,
};

/// A row of `idempotency_keys`.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = idempotency_keys)]
pub struct KeyRow {
    /// Keyed hash of the key and what it is good for.
    pub key_hash: Vec<u8>,
    /// Who sent the request.
    pub principal_id: PrincipalId,
    /// SHA-256 of the request.
    pub fingerprint: Vec<u8>,
    /// The answer, sealed.
    pub sealed: Vec<u8>,
    /// From then on the key is a new one.
    pub expires_at: Timestamp,
}

/// Fingerprint and sealed answer of a key that is remembered at `now`.
pub fn find(conn: &mut Conn, key_hash: &[u8], now: Timestamp) -> QueryResult<Option<(Vec<u8>, Vec<u8>)>> {
    let row = QueryDsl::filter(idempotency_keys::table.find(key_hash), idempotency_keys::expires_at.gt(now));
    row.select((idempotency_keys::fingerprint, idempotency_keys::sealed)).first(conn).optional()
}

/// Remembers a key, in the place of one that has expired at `now`. False when it is remembered already; on PostgreSQL
/// this waits for another transaction that is about to remember it.
pub fn insert(conn: &mut Conn, row: &KeyRow, now: Timestamp) -> QueryResult<bool> {
    let stored = on_each_backend!(conn, |c| FilterDsl::filter(
        diesel::insert_into(idempotency_keys::table)
            .values(row)
            .on_conflict(idempotency_keys::key_hash)
            .do_update()
            .set((
                idempotency_keys::fingerprint.eq(excluded(idempotency_keys::fingerprint)),
                idempotency_keys::sealed.eq(excluded(idempotency_keys::sealed)),
                idempotency_keys::expires_at.eq(excluded(idempotency_keys::expires_at)),
            )),
        idempotency_keys::expires_at.le(now),
    )
    .execute(c))?;
    Ok(stored == 1)
}

/// Forgets the keys of a principal, whose answers show what they wrote.
pub fn forget(conn: &mut Conn, principal: PrincipalId) -> QueryResult<usize> {
    let own = QueryDsl::filter(idempotency_keys::table, idempotency_keys::principal_id.eq(principal));
    diesel::delete(own).execute(conn)
}

/// Forgets keys that have expired at `now`, at most `most` of them.
pub fn purge(conn: &mut Conn, now: Timestamp, most: i64) -> QueryResult<usize> {
    let expired = QueryDsl::filter(idempotency_keys::table, idempotency_keys::expires_at.le(now));
    let old: Vec<Vec<u8>> =
        expired.order(idempotency_keys::expires_at).limit(most).select(idempotency_keys::key_hash).load(conn)?;
    diesel::delete(QueryDsl::filter(idempotency_keys::table, idempotency_keys::key_hash.eq_any(&old))).execute(conn)
}
